//! Arguments and helpers of the commands that compile.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// The end of the help of the commands.
pub(crate) const NOTES: &str = "\
Without --target and --cpu the code is for the processor of this computer. \
With --target it is for the baseline processor of that architecture, and --cpu adds features, or \
all of those that a processor has.";

#[derive(Debug, Args)]
pub(crate) struct CompileArgs {
    /// The program: a .sil text or a .silc program; `-` is the standard input.
    pub(crate) file: PathBuf,
    /// Only this function: its name, or $ and its number.
    #[arg(long, short, value_name = "NAME")]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// The settings of the compiler.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// 1 compiles quickly, 2 generates fast code.
    #[arg(long, default_value = "2", value_parser = tier())]
    pub(crate) tier: u8,
    #[arg(long, value_name = "ARCH", help = target_help())]
    pub(crate) target: Option<String>,
    /// Features of the processor, or a processor's name, separated by commas.
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    pub(crate) cpu: Vec<String>,
    /// Generate code that counts no fuel.
    #[arg(long)]
    pub(crate) no_fuel: bool,
    /// Generate code that does not poll the interrupt flag.
    #[arg(long)]
    pub(crate) no_interrupt: bool,
}

/// Returns the parser of tiers, also in the notation of engines.
fn tier() -> impl TypedValueParser<Value = u8> {
    let values = [PossibleValue::new("1").alias("tier1"), PossibleValue::new("2").alias("tier2")];
    PossibleValuesParser::new(values).map(|tier| if tier.ends_with('1') { 1 } else { 2 })
}

/// Returns the help of `--target`, with the architectures of this build.
#[cfg(feature = "jit")]
fn target_help() -> String {
    format!("The architecture: {} [default: this computer's]", with_jit::targets())
}

#[cfg(not(feature = "jit"))]
fn target_help() -> String {
    "The architecture; this build has none".to_owned()
}

#[cfg(feature = "disassembler")]
pub(crate) use with_jit::Bytecode;
#[cfg(feature = "jit")]
pub(crate) use with_jit::{Compilation, refuse};

#[cfg(feature = "jit")]
mod with_jit {
    use std::fmt::Write;

    use crate::message;
    use vsp_core::Excerpt;
    use vsp_core::index::{FuncIndex, Location};
    use vsp_core::jit::{Arch, CompileOptions, Compiler, Listing, Target, Tier};
    use vsp_core::text;
    use vsp_core::verify::Verified;
    use vsp_host::native;

    use super::{CompileArgs, Settings};
    use crate::files;
    use crate::functions;
    use crate::translate::{Result, load_verified};

    /// A program, the functions to compile, and the compiler.
    #[derive(Debug)]
    pub(crate) struct Compilation {
        program: Verified<'static>,
        functions: Vec<FuncIndex>,
        compiler: Compiler,
        tier: u8,
    }

    impl Compilation {
        pub(crate) fn new(args: &CompileArgs) -> Result<Compilation> {
            let compiler = args.settings.compiler()?;
            let (_, program) = load_verified(&args.file)?;
            let functions = match &args.function {
                Some(name) => vec![
                    functions::named(&program, name).map_err(|error| files::refuse(&args.file, &error))?,
                ],
                None => (0..program.functions().len() as u32).map(FuncIndex).collect(),
            };
            Ok(Compilation { program, functions, compiler, tier: args.settings.tier })
        }

        pub(crate) fn target(&self) -> &Target {
            self.compiler.target()
        }

        /// Returns the name of a function, or `$` and its number.
        pub(crate) fn name(&self, function: FuncIndex) -> String {
            let name = self.program.program().function_name(function);
            name.map_or_else(|| format!("${function}"), str::to_owned)
        }

        /// Compiles the functions, and calls `show` with each: a summary line, its bytecode, and the listing.
        pub(crate) fn each(
            &mut self,
            mut show: impl FnMut(&Compilation, String, &Bytecode, &Listing) -> Result<()>,
        ) -> Result<()> {
            for function in self.functions.clone() {
                let listing =
                    self.compiler.listing(&self.program, function).map_err(|error| refuse(&error))?;
                let (Some(listing), Some(known)) = (listing, self.program.function(function)) else {
                    continue;
                };
                let mut about =
                    format!("{} {}: {}", Excerpt(&self.name(function)), known.ty, words(known.words));
                let _ = write!(about, ", tier {} for {}", self.tier, self.target());
                show(self, about, &Bytecode::new(&self.program, function, known.words), &listing)?;
            }
            Ok(())
        }
    }

    impl Settings {
        /// Creates the compiler of these settings.
        pub(crate) fn compiler(&self) -> Result<Compiler> {
            let options = CompileOptions {
                tier: if self.tier == 1 { Tier::One } else { Tier::Two },
                fuel: !self.no_fuel,
                interrupt: !self.no_interrupt,
                check_ir: false,
            };
            Compiler::new(target(self)?, options).map_err(|error| refuse(&error))
        }
    }

    fn words(count: u32) -> String {
        format!("{count} word{}", if count == 1 { "" } else { "s" })
    }

    pub(crate) fn refuse(error: &impl ToString) -> String {
        message::render_text(&error.to_string())
    }

    /// The words of a function as the disassembler writes them, with their labels.
    #[derive(Debug)]
    pub(crate) struct Bytecode(Vec<(Option<String>, String)>);

    impl Bytecode {
        fn new(program: &Verified<'_>, function: FuncIndex, words: u32) -> Bytecode {
            let listing = text::Listing::new(program.program());
            let locations = (0..words).map(|word| Location { function, word });
            let line =
                |location| (listing.label(location), listing.instruction(location).unwrap_or_default());
            Bytecode(locations.map(line).collect())
        }

        /// Returns for each word its label, if a branch goes there, and its instruction.
        pub(crate) fn words(&self) -> &[(Option<String>, String)] {
            &self.0
        }
    }

    fn target(args: &Settings) -> Result<Target> {
        let arch = match &args.target {
            None if args.cpu.is_empty() => return native::host_target().map_err(|error| refuse(&error)),
            None => Arch::host().ok_or_else(|| {
                refuse(&format!(
                    "there is no code generator for this computer; --target can be {}",
                    targets()
                ))
            })?,
            Some(name) => arch(name)?,
        };
        args.cpu.iter().try_fold(Target::new(arch), |target, feature| {
            target.with(feature).map_err(|error| match Target::known(arch) {
                Ok(known) => {
                    let help = [("features", known.features), ("processors", known.processors)].map(
                        |(what, names)| {
                            (!names.is_empty()).then(|| format!("it has the {what} {}", names.join(", ")))
                        },
                    );
                    let help: Vec<String> = help.into_iter().flatten().collect();
                    message::render_help(&error.to_string(), &help)
                }
                Err(error) => refuse(&error),
            })
        })
    }

    /// Parses the name of an architecture, or a target triple.
    fn arch(name: &str) -> Result<Arch> {
        let first = name.split('-').next().unwrap_or_default();
        let first = if first.starts_with("riscv64") { "riscv64" } else { first };
        match Arch::parse(first) {
            Some(arch) if arch.is_built() => Ok(arch),
            Some(Arch::S390x) => Err(message::render_help(
                &format!(
                    "this build has no code generator for s390x: it was built without the feature `s390x`; it has {}",
                    targets()
                ),
                &["build it with `cargo build --release -p vsp-host --features s390x`".to_owned()],
            )),
            _ => Err(refuse(&format!("there is no target \"{}\"; there are {}", Excerpt(name), targets()))),
        }
    }

    /// Returns the names of the architectures that this build can compile for.
    pub(super) fn targets() -> String {
        let names: Vec<&str> =
            Arch::ALL.iter().filter(|arch| arch.is_built()).map(|arch| arch.name()).collect();
        names.join(", ")
    }
}
