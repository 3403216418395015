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
//! It visits each word twice: once to decode it and to mark the words of SWITCH tables, and once, when all tables are
//! known, to check branch targets. In builds with the threaded interpreter, a fast path (`verify/fast_path.rs`) first
//! accepts the words that certainly break no rule; few words remain.

#[cfg(threaded)]
mod fast_path;

pub use crate::function::{FRAME_CELLS, Function, STATE_CELLS};

use alloc::vec::Vec;

use crate::index::{FuncIndex, Location};
#[cfg(threaded)]
use crate::interp::threaded::Threaded;
#[cfg(threaded)]
use crate::isa::Properties;
use crate::isa::{DecodeError, Flow, Inst, Opcode, Role};
use crate::limits::MAX_VERIFY_ERRORS;
use crate::program::{FuncDecl, FuncType, Import, Program};

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
        /// The errors, in the order of the code; at least one, at most [`MAX_VERIFY_ERRORS`].
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
        verifier.finish()?;
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

/// The number of items of each kind.
#[derive(Clone, Copy)]
struct Counts {
    functions: u32,
    imports: u32,
    constants: u32,
    globals: u32,
    segments: u32,
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
    errors: Vec<VerifyError>,
    more: bool,
}

impl<'p> Verifier<'p> {
    fn new(program: &'p Program<'p>) -> Result<Self, VerifyErrors> {
        let largest = program.functions().map(|decl| decl.words).max().unwrap_or(0);
        let mut tables = Vec::new();
        let bits = largest.div_ceil(u64::BITS) as usize;
        tables.try_reserve_exact(bits).map_err(|_| VerifyErrors::OutOfMemory)?;
        tables.resize(bits, 0);
        let counts = Counts {
            functions: program.function_count() as u32,
            imports: program.imports().count() as u32,
            constants: program.constants().len() as u32,
            globals: program.globals().len() as u32,
            segments: program.passive_count(),
        };
        Ok(Verifier { program, code: program.code(), counts, tables, errors: Vec::new(), more: false })
    }

    fn finish(self) -> Result<(), VerifyErrors> {
        match self.errors.is_empty() {
            true => Ok(()),
            false => Err(VerifyErrors::Rules { errors: self.errors, more: self.more }),
        }
    }

    fn report(&mut self, location: Location, rule: impl Into<Rule>) {
        if self.errors.len() == MAX_VERIFY_ERRORS || self.errors.try_reserve(1).is_err() {
            self.more = true;
        } else {
            // Targets are checked last, so errors are not reported in order.
            let at = self.errors.partition_point(|error| error.location <= location);
            self.errors.insert(at, VerifyError { location, rule: rule.into() });
        }
    }

    fn function(&mut self, index: FuncIndex, start: u32, decl: FuncDecl) -> Function {
        let code = self.code;
        let code = &code[start as usize..][..decl.words as usize];
        self.tables[..decl.words.div_ceil(u64::BITS) as usize].fill(0);
        let mut findings = Findings::default();
        #[cfg(threaded)]
        let fast_path = fast_path::FastPath::new(self.counts, decl);
        let mut word = 0;
        while word < decl.words {
            #[cfg(threaded)]
            {
                word = fast_path.skip(code, word, &mut findings);
            }
            let Some(bytes) = code.get(word as usize) else { break };
            let location = Location { function: index, word };
            match Inst::decode(u32::from_le_bytes(*bytes)) {
                Ok(inst) => self.instruction(location, inst, code, decl, &mut findings),
                Err(error) => self.report(location, error),
            }
            word += 1;
        }
        if findings.targets {
            self.targets(index, code);
        }
        let FuncDecl { ty, locals, words } = decl;
        let short_leaf = !findings.not_short_leaf && words <= SHORT_LEAF_WORDS && locals <= SHORT_LEAF_LOCALS;
        Function { start, words, ty, locals, states: findings.states, short_leaf }
    }

    /// Checks the rules 3 to 6 for one instruction, and whether this build executes it. Updates the findings.
    fn instruction(
        &mut self,
        location: Location,
        inst: Inst,
        code: &[[u8; 4]],
        decl: FuncDecl,
        findings: &mut Findings,
    ) {
        if !inst.op().is_supported() {
            self.report(location, Rule::Unsupported(inst.op()));
        }
        for (operand, value) in inst.operands() {
            self.index(location, operand.role, value as u32, decl);
        }
        let flow = inst.op().flow();
        if flow == Flow::TailCall {
            self.results(location, inst, decl.ty);
        }
        let next = match inst.value_of(Role::Entries) {
            Some(entries) => self.mark_table(location, entries as u32, code),
            None => location.word + 1,
        };
        if flow.continues() {
            self.must_continue(location, next, code);
        }
        let displacement = inst.value_of(Role::Target);
        findings.not_short_leaf |=
            flow.is_call_or_bulk() || displacement.is_some_and(|displacement| displacement < 0);
        findings.states |= inst.states().next().is_some();
        findings.targets |= displacement.is_some() || flow == Flow::Switch;
    }

    fn must_continue(&mut self, location: Location, next: u32, code: &[[u8; 4]]) {
        if next as usize >= code.len() {
            self.report(location, Rule::FallsOff);
        }
    }

    fn index(&mut self, location: Location, role: Role, index: u32, decl: FuncDecl) {
        let count = match role {
            Role::Func => self.counts.functions,
            Role::Import => self.counts.imports,
            Role::Const => self.counts.constants,
            Role::Global => self.counts.globals,
            Role::Segment => self.counts.segments,
            Role::Local => u32::from(decl.locals),
            _ => return,
        };
        if index >= count {
            self.report(location, Rule::Index { role, index, count });
        }
    }

    /// Checks rule 6 for a tail call in a function of type `ty`, if its callee exists.
    fn results(&mut self, location: Location, inst: Inst, ty: FuncType) {
        let direct =
            inst.value_of(Role::Func).and_then(|index| self.program.function(FuncIndex(index as u32)));
        let named = inst.value_of(Role::Type).and_then(|bits| FuncType::from_bits(bits as u32));
        if let Some(callee) = direct.map(|decl| decl.ty).or(named)
            && callee.results() != ty.results()
        {
            let (callee, function) = (callee.results() as u32, ty.results() as u32);
            self.report(location, Rule::Results { callee, function });
        }
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
    #[cfg(threaded)]
    if !Properties::of(bits).is_target {
        return None;
    }
    Inst::decode(bits).ok()?.value_of(Role::Target)
}
