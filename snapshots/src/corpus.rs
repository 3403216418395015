//! The programs in `examples/`, as a corpus that every engine has to pass.
//!
//! A [`Program`] comes with an independent implementation of what it does, which says what an [`Invocation`] has to
//! print; with fixed invocations on real files of this repository and at the edges; with published results; and with
//! random invocations. Nothing here starts a process:
//!
//! ```
//! use vsp_snapshots::Way;
//! use vsp_snapshots::corpus::{PROGRAMS, Pace, Loaded};
//! use vsp_host::engine::EngineKind;
//!
//! let way = Way::Run(EngineKind::Interpreter);
//! for program in PROGRAMS.iter().filter(|program| program.name == "fib") {
//!     let loaded = Loaded::new(program, way)?;
//!     for example in program.examples() {
//!         let ran = loaded.run(&example.invocation, Pace::Whole)?;
//!         example.expected.check(&ran)?;
//!     }
//! }
//! # Ok::<(), String>(())
//! ```

mod base64;
mod beams;
mod brainfuck;
mod bytebrot;
mod complex;
mod crc32;
mod fib;
mod fnv1a;
mod heapsort;
mod inputs;
mod json;
mod life;
mod mandelbrot;
mod matmul;
mod matmulf;
mod nbody;
mod quicksort;
mod regex;
mod run;
mod search;
mod sha256;
mod sieve;
mod tones;
mod wc;

use proptest::strategy::BoxedStrategy;

pub use run::{Loaded, Pace, Ran};

/// The name of the input that programs are told.
pub const INPUT_NAME: &str = "input.bin";

/// A program of the corpus.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its name: that of its file without `.sil`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// An independent implementation.
    pub reference: fn(&Invocation) -> Expected,
    /// Invocations on real input, and at the edges.
    pub invocations: fn() -> Vec<Invocation>,
    /// Results that somebody else has published, or that follow from a definition.
    pub published: fn() -> Vec<Example>,
    /// Random invocations.
    pub random: fn() -> BoxedStrategy<Invocation>,
}

macro_rules! program {
    ($name:ident) => {
        Program {
            name: stringify!($name),
            text: include_str!(concat!("../../examples/", stringify!($name), ".sil")),
            reference: $name::reference,
            invocations: $name::invocations,
            published: $name::published,
            random: $name::random,
        }
    };
}

/// All programs of `examples/`. Each has a module of its own, in which these functions are.
pub const PROGRAMS: &[Program] = &[
    program!(base64),
    program!(beams),
    program!(brainfuck),
    program!(bytebrot),
    program!(crc32),
    program!(fib),
    program!(fnv1a),
    program!(heapsort),
    program!(json),
    program!(life),
    program!(mandelbrot),
    program!(matmul),
    program!(matmulf),
    program!(nbody),
    program!(quicksort),
    program!(regex),
    program!(search),
    program!(sha256),
    program!(sieve),
    program!(tones),
    program!(wc),
];

impl Program {
    /// The fixed invocations and the published ones, with what has to come of them.
    pub fn examples(&self) -> Vec<Example> {
        let computed = (self.invocations)().into_iter().map(|invocation| {
            let expected = (self.reference)(&invocation);
            Example { invocation, expected }
        });
        computed.chain((self.published)()).collect()
    }
}

/// What a program is started with.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Invocation {
    /// Its arguments.
    pub args: Vec<String>,
    /// Its input.
    pub input: Vec<u8>,
    /// The size of its memory in bytes; `None` for what it asks for.
    pub memory: Option<u64>,
}

impl Invocation {
    /// With input only.
    pub fn input(input: impl Into<Vec<u8>>) -> Invocation {
        Invocation { input: input.into(), ..Invocation::default() }
    }

    /// With arguments, separated by spaces, and without input.
    pub fn args(args: &str) -> Invocation {
        Invocation::default().with_args(args)
    }

    /// The same with these arguments, separated by spaces.
    pub fn with_args(self, args: &str) -> Invocation {
        Invocation { args: args.split_whitespace().map(str::to_owned).collect(), ..self }
    }

    /// The same with a memory of so many bytes.
    pub fn with_memory(self, memory: u64) -> Invocation {
        Invocation { memory: Some(memory), ..self }
    }
}

/// Long input is shown by its ends.
impl std::fmt::Debug for Invocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 200;
        let mut fields = f.debug_struct("Invocation");
        fields.field("args", &self.args);
        match self.input.len() {
            0..=SHOWN => fields.field("input", &format_args!("b\"{}\"", self.input.escape_ascii())),
            length => {
                let (start, end) = (&self.input[..SHOWN / 2], &self.input[length - SHOWN / 2..]);
                let (start, end) = (start.escape_ascii(), end.escape_ascii());
                fields.field("input", &format_args!("{length} bytes b\"{start}\" … b\"{end}\""))
            }
        };
        fields.field("memory", &self.memory).finish()
    }
}

/// How a program has to end.
#[derive(Clone, PartialEq, Eq)]
pub struct Expected {
    /// What it writes, all of it.
    pub output: Vec<u8>,
    /// How what it says on the error stream starts; empty if it says nothing.
    pub errors: String,
    /// Its exit code.
    pub exit_code: u8,
}

impl Expected {
    /// Success with this output.
    pub fn output(output: impl Into<Vec<u8>>) -> Expected {
        Expected { output: output.into(), errors: String::new(), exit_code: 0 }
    }

    /// No output, but this text on the error stream, or one that starts so.
    pub fn refusal(exit_code: u8, errors: impl Into<String>) -> Expected {
        Expected { output: Vec::new(), errors: errors.into(), exit_code }
    }

    /// The same with an exit code.
    pub fn with_exit_code(self, exit_code: u8) -> Expected {
        Expected { exit_code, ..self }
    }

    /// Did a program end so?
    ///
    /// # Errors
    /// What is different.
    pub fn check(&self, ran: &Ran) -> Result<(), String> {
        let errors_match = match self.errors.is_empty() {
            true => ran.errors.is_empty(),
            false => ran.errors.starts_with(&self.errors),
        };
        if ran.output == self.output && errors_match && ran.exit_code == self.exit_code {
            return Ok(());
        }
        let found =
            Expected { output: ran.output.clone(), errors: ran.errors.clone(), exit_code: ran.exit_code };
        let at = self.output.iter().zip(&found.output).take_while(|(wanted, found)| wanted == found).count();
        Err(format!("found    {found:?}\nexpected {self:?}\nthe output is the same up to byte {at}"))
    }
}

/// Long output is cut.
impl std::fmt::Debug for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 2000;
        let output = self.output[..self.output.len().min(SHOWN)].escape_ascii();
        f.debug_struct("Expected")
            .field("output", &format_args!("{} bytes b\"{output}\"", self.output.len()))
            .field("errors", &self.errors)
            .field("exit_code", &self.exit_code)
            .finish()
    }
}

/// An invocation, and what has to come of it.
#[derive(Clone, Debug)]
pub struct Example {
    /// The invocation.
    pub invocation: Invocation,
    /// What has to come of it.
    pub expected: Expected,
}

impl Example {
    /// Input, and the output it has to give.
    pub fn new(input: impl Into<Vec<u8>>, output: impl Into<Vec<u8>>) -> Example {
        Example { invocation: Invocation::input(input), expected: Expected::output(output) }
    }

    /// Arguments, separated by spaces, and the output they have to give.
    pub fn with_args(args: &str, output: impl Into<Vec<u8>>) -> Example {
        Example { invocation: Invocation::args(args), expected: Expected::output(output) }
    }
}

/// What the programs that compute a digest print.
fn digest_line(digest: &str) -> String {
    format!("{digest}  {INPUT_NAME}\n")
}
