//! `vsp disasm-native`.

use std::process::ExitCode;

use clap::Args;
#[cfg(feature = "disassembler")]
use vsp_core::Excerpt;

use crate::compile::{self, CompileArgs};
#[cfg(feature = "disassembler")]
use crate::style;
use crate::translate::Result;

const EXAMPLES: &str = "\
Examples:
  vsp disasm-native examples/fib.sil --function fib
  vsp disasm-native examples/fib.sil --target riscv64 --tier 1
  vsp disasm-native examples/fib.sil --target x86_64 --cpu haswell,sha

On the left are the words of the function, on the right the machine code compiled from them, in \
its own order: offset, bytes, instruction. Code of `-` belongs to no single word: it enters the \
function, exits it on a trap or suspension, or computes values used by several words. A word \
without code was merged with others, or is unreachable. Code of an inlined function belongs to its \
call. Calls are not linked; they are followed by the name of the callee.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", compile::NOTES))]
pub(crate) struct DisasmNativeArgs {
    #[command(flatten)]
    compile: CompileArgs,
}

#[cfg(not(feature = "disassembler"))]
pub(crate) fn disasm_native(_: &DisasmNativeArgs) -> Result<ExitCode> {
    Err(crate::feature::missing("disasm-native", "disassembler"))
}

#[cfg(feature = "disassembler")]
pub(crate) fn disasm_native(args: &DisasmNativeArgs) -> Result<ExitCode> {
    let mut compilation = compile::Compilation::new(&args.compile)?;
    let mut first = true;
    compilation.each(|compilation, about, bytecode, listing| {
        let separator = if std::mem::take(&mut first) { "" } else { "\n" };
        let about = format!("{about}, {} bytes", listing.bytes.len());
        let header = format!("{separator}{}\n\n", style::paint(style::TITLE, &about));
        let disassembler = crate::disassembly::Disassembler::new(compilation.target());
        let table = disassembler.and_then(|disassembler| {
            let mut table = table::Table::new(bytecode, listing);
            for stretch in &listing.stretches {
                let bytes = &listing.bytes[stretch.start as usize..stretch.end as usize];
                table.stretch(stretch, disassembler.disassemble(bytes, stretch.start)?, |callee| {
                    Excerpt(&compilation.name(callee)).to_string()
                });
            }
            Ok(table.finish())
        });
        match table {
            Ok(table) => style::print(&(header + &table)),
            Err(error) => Err(crate::message::render_text(&error.to_string())),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Two columns: words, and their machine code.
#[cfg(feature = "disassembler")]
mod table {
    use std::fmt::Write;

    use crate::disassembly::MachineInst;
    use vsp_core::index::FuncIndex;
    use vsp_core::jit::{Listing, Stretch};

    use crate::compile::Bytecode;
    use crate::style::{FAINT, LOCATION, paint};

    /// Width of the left column in characters. Longer words have a line to themselves.
    const LEFT: usize = 40;

    pub(crate) struct Table<'t> {
        bytecode: &'t Bytecode,
        listing: &'t Listing,
        /// Number of digits of an offset.
        digits: usize,
        /// For each word, whether it was not shown yet.
        is_pending: Vec<bool>,
        /// For each word, whether it has code.
        has_code: Vec<bool>,
        out: String,
    }

    impl<'t> Table<'t> {
        pub(crate) fn new(bytecode: &'t Bytecode, listing: &'t Listing) -> Self {
            let mut has_code = vec![false; bytecode.words().len()];
            listing
                .stretches
                .iter()
                .filter_map(|stretch| stretch.word)
                .for_each(|word| has_code[word as usize] = true);
            Table {
                bytecode,
                listing,
                digits: format!("{:x}", listing.bytes.len()).len(),
                is_pending: vec![true; bytecode.words().len()],
                has_code,
                out: String::new(),
            }
        }

        /// Adds a stretch of machine code.
        pub(crate) fn stretch(
            &mut self,
            stretch: &Stretch,
            instructions: Vec<MachineInst>,
            name: impl Fn(FuncIndex) -> String,
        ) {
            let mut left = match stretch.word {
                Some(word) => self.word(word as usize),
                None => "     -".to_owned(),
            };
            for inst in instructions {
                if left.chars().count() > LEFT {
                    let _ = writeln!(self.out, "{}", paint(LOCATION, &left));
                    left.clear();
                }
                let hex = inst.bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
                let _ = write!(
                    self.out,
                    "{}  {:>digits$x}  {}  {}",
                    paint(LOCATION, &format!("{left:LEFT$}")),
                    inst.offset,
                    paint(FAINT, &format!("{hex:20}")),
                    inst.text,
                    digits = self.digits
                );
                left.clear();
                let end = inst.offset + inst.bytes.len() as u32;
                for (offset, callee) in &self.listing.calls {
                    if (inst.offset..end).contains(offset) {
                        let _ = write!(self.out, "  ; {}", name(*callee));
                    }
                }
                self.out.push('\n');
            }
        }

        /// Returns the text of a word that has code, after adding preceding words that have none.
        fn word(&mut self, word: usize) -> String {
            if self.is_pending[word] {
                self.without_code(word);
                self.label(word);
            }
            self.line(word)
        }

        fn label(&mut self, word: usize) {
            self.is_pending[word] = false;
            if let (Some(label), _) = &self.bytecode.words()[word] {
                let _ = writeln!(self.out, "{}", paint(LOCATION, &format!("      {label}:")));
            }
        }

        fn line(&self, word: usize) -> String {
            format!("{word:6}  {}", self.bytecode.words()[word].1)
        }

        /// Adds the words up to `end` that have no code and were not shown yet.
        fn without_code(&mut self, end: usize) {
            for word in 0..end {
                if self.is_pending[word] && !self.has_code[word] {
                    self.label(word);
                    let line = self.line(word);
                    let _ = writeln!(self.out, "{}", paint(LOCATION, &line));
                }
            }
        }

        pub(crate) fn finish(mut self) -> String {
            self.without_code(self.is_pending.len());
            self.out
        }
    }
}
