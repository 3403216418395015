//! The programs in `examples/`, as a corpus that every engine has to pass.
//!
//! A [`Program`] comes with an independent implementation, which computes the expected output of an [`Invocation`];
//! with fixed invocations on real files of this repository and on edge cases; with published results; and with random
//! invocations. Nothing here starts a process:
//!
//! ```
//! use vsp_snapshots::Configuration;
//! use vsp_snapshots::corpus::{PROGRAMS, Pace, Loaded};
//! use vsp_host::engine::EngineKind;
//!
//! let configuration = Configuration::Run(EngineKind::Interpreter);
//! for program in PROGRAMS.iter().filter(|program| program.name == "fib") {
//!     let loaded = Loaded::new(program, configuration)?;
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
mod migrate;
mod nbody;
mod quicksort;
mod record;
mod regex;
mod run;
mod search;
mod sha256;
mod sieve;
mod tones;
mod wc;

use proptest::strategy::BoxedStrategy;

pub use migrate::Leg;
pub use run::{Loaded, Pace, RunResult};

/// The file name of the input, as programs see it.
pub const INPUT_NAME: &str = "input.bin";

/// A program of the corpus.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its name: the file name without `.sil`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// An independent implementation.
    pub reference: fn(&Invocation) -> Expected,
    /// Invocations on real input and on edge cases.
    pub invocations: fn() -> Vec<Invocation>,
    /// Results that were published elsewhere, or that follow from a definition.
    pub published: fn() -> Vec<Example>,
    /// A strategy for random invocations.
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

/// All programs of `examples/`. The module of each has the functions of its row.
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
    /// Returns the fixed invocations with the expectations of the reference, and the published ones.
    pub fn examples(&self) -> Vec<Example> {
        let computed = (self.invocations)().into_iter().map(|invocation| {
            let expected = (self.reference)(&invocation);
            Example { invocation, expected }
        });
        computed.chain((self.published)()).collect()
    }
}

/// The inputs of one run of a program.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Invocation {
    /// Its arguments.
    pub args: Vec<String>,
    /// Its input stream.
    pub input: Vec<u8>,
    /// The size of its memory in bytes; `None` for the program's own minimum.
    pub memory: Option<u64>,
}

impl Invocation {
    /// Creates an invocation with input only.
    pub fn input(input: impl Into<Vec<u8>>) -> Invocation {
        Invocation { input: input.into(), ..Invocation::default() }
    }

    /// Creates an invocation with arguments, separated by spaces, and without input.
    pub fn args(args: &str) -> Invocation {
        Invocation::default().with_args(args)
    }

    /// Returns the invocation with these arguments, separated by spaces.
    pub fn with_args(self, args: &str) -> Invocation {
        Invocation { args: args.split_whitespace().map(str::to_owned).collect(), ..self }
    }

    /// Returns the invocation with a memory of `memory` bytes.
    pub fn with_memory(self, memory: u64) -> Invocation {
        Invocation { memory: Some(memory), ..self }
    }
}

/// Shortens long input to its two ends.
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

/// The expected end of a program.
#[derive(Clone, PartialEq, Eq)]
pub struct Expected {
    /// All that it writes to the output stream.
    pub output: Vec<u8>,
    /// The beginning of what it writes to the error stream; empty if it writes nothing there.
    pub errors: String,
    /// Its exit code.
    pub exit_code: u8,
}

impl Expected {
    /// Creates the expectation of success with this output.
    pub fn output(output: impl Into<Vec<u8>>) -> Expected {
        Expected { output: output.into(), errors: String::new(), exit_code: 0 }
    }

    /// Creates the expectation of no output, and of an error stream that starts with this text.
    pub fn refusal(exit_code: u8, errors: impl Into<String>) -> Expected {
        Expected { output: Vec::new(), errors: errors.into(), exit_code }
    }

    /// Returns the expectation with another exit code.
    pub fn with_exit_code(self, exit_code: u8) -> Expected {
        Expected { exit_code, ..self }
    }

    /// Compares a run with the expectation.
    ///
    /// # Errors
    /// They differ; the message shows both.
    pub fn check(&self, ran: &RunResult) -> Result<(), String> {
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

/// Cuts long output.
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

/// An invocation and its expected end.
#[derive(Clone, Debug)]
pub struct Example {
    /// The invocation.
    pub invocation: Invocation,
    /// The expected end.
    pub expected: Expected,
}

impl Example {
    /// Creates an example of input and its output.
    pub fn new(input: impl Into<Vec<u8>>, output: impl Into<Vec<u8>>) -> Example {
        Example { invocation: Invocation::input(input), expected: Expected::output(output) }
    }

    /// Creates an example of arguments, separated by spaces, and their output.
    pub fn with_args(args: &str, output: impl Into<Vec<u8>>) -> Example {
        Example { invocation: Invocation::args(args), expected: Expected::output(output) }
    }
}

/// Returns the line that the programs that compute a digest print.
fn digest_line(digest: &str) -> String {
    format!("{digest}  {INPUT_NAME}\n")
}
