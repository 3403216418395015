//! The verifier: the only way from a [`Program`] to a [`Verified`] one.
//!
//! It establishes the following, which no engine checks again (the rules of `docs/isa.md`, section 4):
//!
//! 1. every word decodes, and this build executes its instruction ([`Rule::Decode`], [`Rule::Unsupported`]);
//! 2. every branch target is a word of the same function ([`Rule::TargetOutside`]) outside of SWITCH tables
//!    ([`Rule::TargetInTable`]);
//! 3. a SWITCH is followed by its JMPs, in the same function ([`Rule::Table`]);
//! 4. execution cannot run off the end of a function ([`Rule::FallsOff`]);
//! 5. the constants, locals, globals, passive segments, functions and imports that are named exist ([`Rule::Index`]);
//! 6. what a tail call calls has as many results as the function that contains it ([`Rule::Results`]).
//!
//! It visits each word at most twice: once to check it by the properties of its opcode (`verify/words.rs`) and to mark
//! the words of SWITCH tables, and once, when all tables are known, to check branch targets. With the feature
//! `messages`, a word that breaks a rule is then decoded (`verify/explain.rs`), to say precisely what is wrong; without
//! it, the error has only the [number of the rule](RuleNumber).

mod errors;
#[cfg(feature = "messages")]
mod explain;
mod words;

pub use crate::function::{FRAME_CELLS, Function, STATE_CELLS};

use alloc::vec::Vec;

use crate::index::{FuncIndex, Location};
#[cfg(threaded)]
use crate::interp::threaded::Threaded;
use crate::isa::{Check, DecodeError, Inst, Opcode, Properties, Role};
#[cfg(doc)]
use crate::limits::MAX_VERIFY_ERRORS;
use crate::program::{FuncDecl, Import, Program};
use errors::Errors;
use words::{Counts, WordRules};

/// The largest number of words of a short leaf.
const SHORT_LEAF_WORDS: u32 = 32;

/// The largest number of locals of a short leaf.
const SHORT_LEAF_LOCALS: u16 = 16;

/// A rule that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// The word is not an instruction.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// This build does not include the instruction.
    #[error("{} is left out of this build", .0.mnemonic())]
    Unsupported(Opcode),
    /// A branch target is outside the function.
    #[error("the branch goes to word {target}, outside the function's {words} words")]
    TargetOutside {
        /// The target, in words from the function's start.
        target: i64,
        /// Number of words of the function.
        words: u32,
    },
    /// A branch target is in the table of a SWITCH.
    #[error("the branch goes to word {target}, into the table of a SWITCH")]
    TargetInTable {
        /// The target.
        target: u32,
    },
    /// A SWITCH is not followed by its table.
    #[error("SWITCH must be followed by {entries} JMPs, and word {word} is not a JMP")]
    Table {
        /// The table size of the SWITCH.
        entries: u32,
        /// The first word of the table that is not a JMP.
        word: u32,
    },
    /// Execution can continue after the function's last word.
    #[error("execution can run off the end of the function")]
    FallsOff,
    /// The callee of a tail call has another number of results than the function, which it returns for.
    #[error("the callee of a tail call has {callee} results, and this function has {function}")]
    Results {
        /// Number of results of the callee.
        callee: u32,
        /// Number of results of the function.
        function: u32,
    },
    /// An item named by its index does not exist.
    #[error("{} {index} does not exist: the {} has {count}", role.describe(), if *.role == Role::Local { "function" } else { "program" })]
    Index {
        /// The kind of item.
        role: Role,
        /// Its index.
        index: u32,
        /// Number of items of this kind.
        count: u32,
    },
    /// This rule is broken; a build with the feature `messages` says more.
    #[error("rule {} of the instruction set is broken", *.0 as u8)]
    Number(RuleNumber),
}

impl Rule {
    /// Returns the number of the rule.
    #[inline(always)]
    pub const fn number(self) -> RuleNumber {
        match self {
            Rule::Decode(_) | Rule::Unsupported(_) => RuleNumber::Instruction,
            Rule::TargetOutside { .. } | Rule::TargetInTable { .. } => RuleNumber::Target,
            Rule::Table { .. } => RuleNumber::Table,
            Rule::FallsOff => RuleNumber::End,
            Rule::Index { .. } => RuleNumber::Index,
            Rule::Results { .. } => RuleNumber::Results,
            Rule::Number(number) => number,
        }
    }
}

/// The number of a rule: its value is that of the rule in `docs/isa.md`, section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RuleNumber {
    /// Every word is an instruction of this build.
    Instruction = 1,
    /// Branches stay in their function, outside of SWITCH tables.
    Target = 2,
    /// A SWITCH is followed by its table.
    Table = 3,
    /// Execution cannot run off the end of a function.
    End = 4,
    /// What is named by its index exists.
    Index = 5,
    /// The callee of a tail call has as many results as the function.
    Results = 6,
}

/// A rule broken at a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {rule}")]
pub struct VerifyError {
    /// The location.
    pub location: Location,
    /// The rule.
    pub rule: Rule,
}

/// An error of verification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyErrors {
    /// There is no memory for the verifier's tables.
    #[error("out of memory")]
    OutOfMemory,
    /// The code breaks rules.
    #[error("{}{}", .errors[0], if *.more || errors.len() > 1 { " (and more)" } else { "" })]
    Rules {
        /// The errors, in the order of the code; at least one, at most [`MAX_VERIFY_ERRORS`]. Without the feature
        /// `messages` only the first one.
        errors: Vec<VerifyError>,
        /// Whether there were more errors than these.
        more: bool,
    },
}

/// A program whose code is verified.
#[derive(Debug)]
pub struct Verified<'a> {
    program: Program<'a>,
    functions: Vec<Function>,
    #[cfg(threaded)]
    threaded: Threaded,
}

impl<'a> Verified<'a> {
    /// Verifies a program.
    ///
    /// # Errors
    /// The code breaks a rule, or there is not enough memory: one bit per word of the largest function and 16 bytes per
    /// function; in builds with the threaded interpreter, also 17 bytes per word and 40 per function.
    pub fn new(program: Program<'a>) -> Result<Verified<'a>, VerifyErrors> {
        let count = program.function_count();
        let mut functions = Vec::new();
        functions.try_reserve_exact(count).map_err(|_| VerifyErrors::OutOfMemory)?;
        let mut verifier = Verifier::new(&program)?;
        let mut start = 0;
        for (index, decl) in (0..).map(FuncIndex).zip(program.functions()) {
            functions.push(verifier.function(index, start, decl));
            start += decl.words;
        }
        verifier.errors.finish()?;
        #[cfg(threaded)]
        let threaded = Threaded::new(program.code(), &functions).ok_or(VerifyErrors::OutOfMemory)?;
        Ok(Verified {
            program,
            functions,
            #[cfg(threaded)]
            threaded,
        })
    }

    /// Returns the program.
    pub fn program(&self) -> &Program<'a> {
        &self.program
    }

    /// Returns the functions, in index order.
    #[inline]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// Returns the code in the form that the interpreter executes.
    #[cfg(threaded)]
    pub(crate) fn threaded(&self) -> &Threaded {
        &self.threaded
    }

    /// Returns the function with this index.
    #[inline]
    pub fn function(&self, index: FuncIndex) -> Option<&Function> {
        self.functions.get(index.index())
    }

    /// Returns the function exported as `name`.
    pub fn export(&self, name: &str) -> Option<FuncIndex> {
        self.program.export(name)
    }

    /// Returns the import that the instruction at a location calls, if it calls one.
    pub fn called_import(&self, location: Location) -> Option<Import<'_>> {
        let import = self.instruction(location)?.value_of(Role::Import)?;
        self.program.imports().nth(import as usize)
    }

    /// Returns the instruction at a location.
    pub fn instruction(&self, location: Location) -> Option<Inst> {
        let function = self.function(location.function)?;
        let word = (location.word < function.words).then(|| function.start + location.word)?;
        Inst::decode(u32::from_le_bytes(*self.program.code().get(word as usize)?)).ok()
    }
}

/// The findings in the words of a function.
#[derive(Clone, Copy, Default)]
struct Findings {
    /// Whether there is an instruction that a short leaf cannot contain.
    not_short_leaf: bool,
    /// Whether there are state registers.
    states: bool,
    /// Whether there are branches whose targets must be checked.
    targets: bool,
}

struct Verifier<'p> {
    program: &'p Program<'p>,
    code: &'p [[u8; 4]],
    counts: Counts,
    /// One bit for each word of the function: whether it is part of a SWITCH table.
    tables: Vec<u64>,
    errors: Errors,
}

impl<'p> Verifier<'p> {
    fn new(program: &'p Program<'p>) -> Result<Self, VerifyErrors> {
        let largest = program.functions().map(|decl| decl.words).max().unwrap_or(0);
        let mut tables = Vec::new();
        let bits = largest.div_ceil(u64::BITS) as usize;
        tables.try_reserve_exact(bits).map_err(|_| VerifyErrors::OutOfMemory)?;
        tables.resize(bits, 0);
        let counts = Counts::of(program);
        Ok(Verifier { program, code: program.code(), counts, tables, errors: Errors::default() })
    }

    #[cfg_attr(not(feature = "messages"), inline(always))]
    fn report(&mut self, location: Location, rule: Rule) {
        self.errors.add(location, rule);
    }

    fn function(&mut self, index: FuncIndex, start: u32, decl: FuncDecl) -> Function {
        let code = self.code;
        let code = &code[start as usize..][..decl.words as usize];
        self.tables[..decl.words.div_ceil(u64::BITS) as usize].fill(0);
        let mut findings = Findings::default();
        let rules = WordRules::new(self.program, self.counts, decl);
        let mut word = 0;
        loop {
            word = rules.skip(code, word, &mut findings);
            let Some(bytes) = code.get(word as usize) else { break };
            let location = Location { function: index, word };
            self.word(location, u32::from_le_bytes(*bytes), code, &rules, &mut findings);
            word += 1;
        }
        if findings.targets {
            self.targets(index, code);
        }
        let FuncDecl { ty, locals, words } = decl;
        let short_leaf = !findings.not_short_leaf && words <= SHORT_LEAF_WORDS && locals <= SHORT_LEAF_LOCALS;
        Function { start, words, ty, locals, states: findings.states, short_leaf }
    }

    /// Checks all rules but 2 for one word. Updates the findings.
    fn word(
        &mut self,
        location: Location,
        bits: u32,
        code: &[[u8; 4]],
        rules: &WordRules<'_>,
        findings: &mut Findings,
    ) {
        if let Some(rule) = rules.broken(bits) {
            #[cfg(feature = "messages")]
            if self.explain(location, bits, code, rules) {
                return;
            }
            return self.report(location, Rule::Number(rule));
        }
        let properties = Properties::of(bits);
        let immediate = properties.immediate(bits);
        let has_table = properties.check == Check::Table;
        let next =
            if has_table { self.mark_table(location, immediate as u32, code) } else { location.word + 1 };
        if properties.continues && next as usize >= code.len() {
            self.report(location, Rule::FallsOff);
        }
        findings.not_short_leaf |= properties.is_call_or_bulk | properties.is_target & (immediate < 0);
        findings.states |= properties.states;
        findings.targets |= properties.is_target | has_table;
    }

    /// Reports precisely what is wrong with a word that breaks a rule by itself. Returns whether it found it.
    #[cfg(feature = "messages")]
    #[cold]
    fn explain(&mut self, location: Location, bits: u32, code: &[[u8; 4]], rules: &WordRules<'_>) -> bool {
        let is_last = location.word as usize + 1 >= code.len();
        let mut is_explained = false;
        rules.explain(bits, is_last, |rule| {
            is_explained = true;
            self.report(location, rule);
        });
        is_explained
    }

    /// Marks the table of a SWITCH and returns the word after it.
    fn mark_table(&mut self, location: Location, entries: u32, code: &[[u8; 4]]) -> u32 {
        let first = location.word + 1;
        for word in first..first + entries {
            if code.get(word as usize).is_none_or(|bytes| bytes[0] != Opcode::JMP.number()) {
                self.report(location, Rule::Table { entries, word });
                return first;
            }
            self.tables[(word / u64::BITS) as usize] |= 1 << (word % u64::BITS);
        }
        first + entries
    }

    /// Checks rule 2, when all tables are marked.
    fn targets(&mut self, function: FuncIndex, code: &[[u8; 4]]) {
        let words = code.len() as u32;
        for (word, bytes) in (0..).zip(code) {
            let location = Location { function, word };
            let Some(displacement) = displacement(u32::from_le_bytes(*bytes)) else { continue };
            let target = i64::from(word) + 1 + i64::from(displacement);
            match u32::try_from(target) {
                Ok(target) if target < words => {
                    if self.tables[(target / u64::BITS) as usize] >> (target % u64::BITS) & 1 == 1 {
                        self.report(location, Rule::TargetInTable { target });
                    }
                }
                _ => self.report(location, Rule::TargetOutside { target, words }),
            }
        }
    }
}

/// Returns the displacement of a branch in words, or `None` for other instructions.
fn displacement(bits: u32) -> Option<i32> {
    let properties = Properties::of(bits);
    properties.is_target.then(|| properties.immediate(bits))
}
