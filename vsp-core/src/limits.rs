//! The sizes beyond which a program or an instance is refused, each with its reason.

/// What a program may be at most. [`Limits::DEFAULT`] is the format's own; a host may choose less (more counts as the
/// format's), and tests choose very little so that they reach the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file. Every offset and length then fits 32 bits with room, and one program cannot fill a device.
    pub file_bytes: u32,
    /// Words of code in a program: JMP and CALL reach all of it.
    pub code_words: u32,
    /// Words of one function: the verifier keeps one bit for each, and JZ and its like reach half of it.
    pub function_words: u32,
    /// Functions: the verifier's table has an entry of 16 bytes for each.
    pub functions: u32,
    /// Imports: each is looked up by name at instantiation.
    pub imports: u32,
    /// Constants: what CONST's 20 bits can name.
    pub constants: u32,
    /// Data segments: each is copied at instantiation.
    pub segments: u32,
    /// Globals: they are copied into every instance.
    pub globals: u32,
    /// Locals of a function: a frame stays small beside the stack.
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
        globals: 256,
        locals: 4095,
    };

    /// These limits, where they are below the format's, and those of the format elsewhere.
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

/// Bytes that a memory's size is a multiple of: one state register.
pub const MEMORY_GRANULE: u64 = 16;

/// Bytes of the largest memory: what 32-bit addresses in data segments can reach.
pub const MAX_MEMORY: u64 = 1 << 32;

/// Cells of a stack, unless the host chooses: half a megabyte, about 3,600 frames without locals.
pub const DEFAULT_STACK_CELLS: u32 = 65_536;

/// The smallest stack: three frames without locals.
pub const MIN_STACK_CELLS: u32 = 64;

/// The largest stack: 2 GiB; places in it fit 32 bits.
pub const MAX_STACK_CELLS: u32 = 1 << 28;

/// Parameters of a function: they travel in R0–R7.
pub const MAX_PARAMS: usize = 8;

/// Results of a function: they travel in R0–R3.
pub const MAX_RESULTS: usize = 4;

/// Bytes of a name.
pub const MAX_NAME: usize = 255;

/// Words of a function that machine code can be made of, where a word that calls, suspends, copies or branches
/// backwards counts [`NATIVE_CALL_WORDS`], and one that computes with states [`NATIVE_STATE_WORDS`]. The time that compiling takes grows faster than the function: at this limit it is
/// some seconds.
pub const MAX_NATIVE_WORDS: u32 = 1 << 15;

/// What a word that can suspend the program counts towards [`MAX_NATIVE_WORDS`]: about so much more machine code.
pub const NATIVE_CALL_WORDS: u32 = 4;

/// What a word counts towards [`MAX_NATIVE_WORDS`] that computes with the ByteSil numbers of states: about so much more machine
/// code, where the target has no vectors.
pub const NATIVE_STATE_WORDS: u32 = 16;

/// Instructions of the intermediate representation that a function may become. The time that the code generator takes grows a
/// little faster than they do: at this limit it is some seconds, and some hundred megabytes. Ordinary functions become about 4
/// for each word.
pub const MAX_NATIVE_INSTRUCTIONS: u32 = 5 << 16;

/// Bytes of machine code of a program: branches of every architecture reach all of it, and one program cannot fill a computer.
pub const MAX_NATIVE_BYTES: u32 = 1 << 27;

/// Bytes of native stack that a function may take for each cell of its frame. The native stack of an instance is mapped for the
/// function that takes most: a stack of [`DEFAULT_STACK_CELLS`] needs 16 MiB at this limit. The functions of the examples and of
/// the benches take at most 18 in tier 2, and 62 in tier 1; sums of many states on riscv64, which has no vectors, 226.
pub const MAX_NATIVE_BYTES_PER_CELL: u32 = 256;

/// Words of a function whose locals are analysed one by one. In a larger one all of them count as live everywhere: 4,095
/// locals in 2²⁰ words would take minutes.
pub const MAX_LOCALS_WORDS: u32 = 1 << 15;

/// Errors that the verifier reports of one program before it stops.
pub const MAX_VERIFY_ERRORS: usize = 32;

/// Errors that the assembler reports of one text before it stops.
pub const MAX_ASSEMBLY_ERRORS: usize = 32;
