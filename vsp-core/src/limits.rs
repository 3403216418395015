//! The limits of programs and instances, each with its reason.

/// The limits of a program. [`Limits::DEFAULT`] are the format's own; a host may choose smaller ones (larger ones count
/// as the format's), and tests choose very small ones to reach the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file. Every offset and length then fits 32 bits with room to spare, and one program cannot fill a
    /// device.
    pub file_bytes: u32,
    /// Words of code in a program: JMP and CALL reach all of it.
    pub code_words: u32,
    /// Words of one function: the verifier keeps one bit for each, and a 20-bit branch such as JZ reaches half of it.
    pub function_words: u32,
    /// Functions: the verifier's table has an entry of 16 bytes for each.
    pub functions: u32,
    /// Imports: each is looked up by name at instantiation.
    pub imports: u32,
    /// Constants: the range of CONST's 20 bits.
    pub constants: u32,
    /// Data segments: each is copied at instantiation.
    pub segments: u32,
    /// Passive segments: the range of MEMINIT's 12 bits.
    pub passive_segments: u32,
    /// Globals: they are copied into every instance. [`GLOBALS_OF_2_0`] in a program of format 2.0.
    pub globals: u32,
    /// Locals of a function: a frame stays small compared with the stack.
    pub locals: u32,
}

impl Limits {
    /// The limits of the format.
    pub const DEFAULT: Limits = Limits {
        file_bytes: 64 << 20,
        code_words: 1 << 22,
        function_words: 1 << 20,
        functions: 1 << 17,
        imports: 1 << 12,
        constants: 1 << 20,
        segments: 1 << 12,
        passive_segments: 1 << 12,
        globals: 1 << 16,
        locals: 4095,
    };

    /// Returns the minimum of these limits and those of the format.
    pub(crate) fn within_format(&self) -> Limits {
        let format = Limits::DEFAULT;
        Limits {
            file_bytes: self.file_bytes.min(format.file_bytes),
            code_words: self.code_words.min(format.code_words),
            function_words: self.function_words.min(format.function_words),
            functions: self.functions.min(format.functions),
            imports: self.imports.min(format.imports),
            constants: self.constants.min(format.constants),
            segments: self.segments.min(format.segments),
            passive_segments: self.passive_segments.min(format.passive_segments),
            globals: self.globals.min(format.globals),
            locals: self.locals.min(format.locals),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The granule of memory sizes in bytes: one state register.
pub const MEMORY_GRANULE: u64 = 16;

/// The largest memory in bytes: the range of the 32-bit addresses in data segments.
pub const MAX_MEMORY: u64 = 1 << 32;

/// The unit in which MEMGROW adds memory, in bytes.
pub const MEMORY_PAGE: u64 = 1 << 16;

/// The default size of a stack in cells: half a megabyte, about 3,600 frames without locals.
pub const DEFAULT_STACK_CELLS: u32 = 65_536;

/// The smallest size of a stack in cells: three frames without locals.
pub const MIN_STACK_CELLS: u32 = 64;

/// The largest size of a stack in cells: 2 GiB; cell indices fit 32 bits.
pub const MAX_STACK_CELLS: u32 = 1 << 28;

/// The largest number of parameters of a function: they are passed in R0–R7.
pub const MAX_PARAMS: usize = 8;

/// The largest number of results of a function: they are returned in R0–R3.
pub const MAX_RESULTS: usize = 4;

/// The largest tag of a function type: with the numbers of parameters and results it fills CALLR's 20 bits.
pub const MAX_TAG: u32 = 4095;

/// The largest number of entries of a SWITCH: the range of its 20 bits.
pub const MAX_SWITCH_ENTRIES: u32 = (1 << 20) - 1;

/// The largest length of a name in bytes: it fits two bytes.
pub const MAX_NAME: usize = 65_535;

/// The largest number of globals of a program of format 2.0.
pub const GLOBALS_OF_2_0: u32 = 256;

/// The largest length of a name in a program of format 2.0, in bytes: it fits one byte.
pub const NAME_OF_2_0: usize = 255;

/// The largest number of entries of a SWITCH in a program of format 2.0.
pub const SWITCH_ENTRIES_OF_2_0: u32 = 4096;

/// The largest weight of a function that can be compiled to machine code. A word weighs 1; one that calls, suspends,
/// copies or branches backwards weighs [`NATIVE_CALL_WORDS`], and one that computes with `State`s weighs
/// [`NATIVE_STATE_WORDS`]. Compile time grows faster than the function: at this limit it is some seconds.
pub const MAX_NATIVE_WORDS: u32 = 1 << 15;

/// The weight towards [`MAX_NATIVE_WORDS`] of a word that can suspend the program: its machine code is about this many
/// times larger.
pub const NATIVE_CALL_WORDS: u32 = 4;

/// The weight towards [`MAX_NATIVE_WORDS`] of a word that computes with the ByteSil numbers of `State`s: its machine
/// code is about this many times larger on targets without vectors.
pub const NATIVE_STATE_WORDS: u32 = 16;

/// The largest number of instructions of the intermediate representation of a function. The time of the code generator
/// grows a little faster than they do: at this limit it is some seconds, and its memory some hundred megabytes.
/// Ordinary functions have about 4 for each word.
pub const MAX_NATIVE_INSTRUCTIONS: u32 = 5 << 16;

/// The largest size of a program's machine code in bytes: branches of every architecture reach all of it, and one
/// program cannot fill a computer.
pub const MAX_NATIVE_BYTES: u32 = 1 << 27;

/// The largest native stack use of a function in bytes for each cell of its frame. The native stack of an instance is
/// mapped for the function that uses most: a stack of [`DEFAULT_STACK_CELLS`] needs 16 MiB at this limit. The functions
/// of the examples and of the benches use at most 18 in tier 2, and 62 in tier 1; sums of many `State`s on riscv64,
/// which has no vectors, use 226.
pub const MAX_NATIVE_BYTES_PER_CELL: u32 = 256;

/// The largest number of words of a function whose locals are analysed one by one. In a larger function all of them
/// count as live everywhere: 4,095 locals in 2²⁰ words would take minutes.
pub const MAX_LOCALS_WORDS: u32 = 1 << 15;

/// The number of errors in one program after which the verifier stops.
pub const MAX_VERIFY_ERRORS: usize = 32;

/// The number of errors in one text after which the assembler stops.
pub const MAX_ASSEMBLY_ERRORS: usize = 32;
