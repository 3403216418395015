//! The modules, and what is run of them.

use crate::peers::{Call, Error, Loaded};
#[cfg(feature = "peers")]
use crate::peers::{KERNELS, Kernel};

use super::WasmEngine;

/// A WebAssembly module.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Its name.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
}

const fn module(name: &'static str, bytes: &'static [u8]) -> Module {
    Module { name, bytes }
}

const PROGRAMS: Module = module("programs", include_bytes!("../../programs/programs.wasm"));
const LUA: Module = module("lua", include_bytes!("../../../snapshots/wasm_programs/lua.wasm"));
const SQLITE: Module = module("sqlite", include_bytes!("../../../snapshots/wasm_programs/sqlite.wasm"));
const COREMARK: Module = module("coremark", include_bytes!("../../../snapshots/wasm_programs/coremark.wasm"));

/// The modules of this build. (The kernels are compiled for the other virtual machines only.)
pub const MODULES: &[Module] = &[
    #[cfg(feature = "peers")]
    module("kernels", crate::peers::WASM),
    PROGRAMS,
    LUA,
    SQLITE,
    COREMARK,
];

/// The programs of the crate in `benches/programs`: name, repetitions and the answer of native code in each line.
const ANSWERS: &str = include_str!("../../programs/answers.txt");

/// A program that uses WASI preview 1: its standard input and arguments, and what it prints.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Its module.
    pub module: Module,
    /// The arguments; the first one is its name.
    pub args: &'static [&'static str],
    /// The standard input.
    pub input: &'static str,
    /// The standard output, the status and the error stream ([`Command::printed`]), as another engine printed them.
    pub expected: &'static str,
}

/// The runs of `snapshots/wasm_programs/runs.txt` that take long enough.
const COMMANDS: [Command; 3] = [
    Command {
        module: LUA,
        args: &["lua"],
        input: include_str!("../../../snapshots/wasm_programs/lua/large.lua"),
        expected: include_str!("../../../snapshots/wasm_programs/expected/lua-large"),
    },
    Command {
        module: SQLITE,
        args: &["sqlite"],
        input: include_str!("../../../snapshots/wasm_programs/sqlite/large.sql"),
        expected: include_str!("../../../snapshots/wasm_programs/expected/sqlite-large"),
    },
    Command {
        module: COREMARK,
        args: &["coremark", "10"],
        input: "",
        expected: include_str!("../../../snapshots/wasm_programs/expected/coremark"),
    },
];

impl Command {
    /// Compares what the command printed with what is expected.
    ///
    /// # Errors
    /// It is not the same.
    pub(crate) fn check(&self, stdout: &[u8], stderr: &[u8], status: u32) -> Result<u64, Error> {
        let (stdout, stderr) = (String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
        let printed = format!("{stdout}--- error stream, status {status}\n{stderr}");
        if printed == self.expected {
            Ok(0)
        } else {
            Err(format!("it printed\n{printed}\nexpected\n{}", self.expected).into())
        }
    }
}

/// The groups of work, each with a mean of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Group {
    /// The kernels of `benches/kernels`.
    Kernels,
    /// Programs: those of `benches/programs`, and the commands.
    Programs,
}

impl Group {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Group::Kernels => "kernels",
            Group::Programs => "programs",
        }
    }
}

/// A part of the comparison: a row of the table.
#[derive(Clone, Debug)]
pub struct Work {
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: Group,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Call { module: Module, call: Call, answer: u64 },
    Command(Command),
}

impl Work {
    #[cfg(feature = "peers")]
    fn kernel(kernel: &Kernel) -> Work {
        let module = module("kernels", crate::peers::WASM);
        let what = What::Call { module, call: kernel.call_of_all(), answer: kernel.answer };
        Work { name: kernel.name.into(), group: Group::Kernels, what }
    }

    /// Reads a line of [`ANSWERS`].
    fn program(line: &str) -> Result<Work, Error> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, repetitions, answer] = words[..] else {
            return Err(format!("answers.txt: {line}").into());
        };
        let call = Call { setup: None, run: name.into(), argument: repetitions.parse()? };
        let answer = u64::from_str_radix(answer.trim_start_matches("0x"), 16)?;
        let what = What::Call { module: PROGRAMS, call, answer };
        Ok(Work { name: name.into(), group: Group::Programs, what })
    }

    fn command(command: Command) -> Work {
        Work { name: command.module.name.into(), group: Group::Programs, what: What::Command(command) }
    }

    /// Loads it in an engine.
    ///
    /// # Errors
    /// The engine fails.
    pub fn load(&self, engine: &dyn WasmEngine) -> Result<Box<dyn Loaded>, Error> {
        match &self.what {
            What::Call { module, call, .. } => engine.load_call(module.bytes, call),
            What::Command(command) => engine.load_command(command),
        }
    }

    /// Returns the answer that [`Loaded::run`] has to return.
    pub fn answer(&self) -> u64 {
        match &self.what {
            What::Call { answer, .. } => *answer,
            What::Command(_) => 0,
        }
    }

    /// Returns module and call, unless it is a command.
    pub fn call(&self) -> Option<(Module, &Call)> {
        match &self.what {
            What::Call { module, call, .. } => Some((*module, call)),
            What::Command(_) => None,
        }
    }
}

/// Returns all works of this build.
///
/// # Errors
/// The file of answers is damaged.
pub fn works() -> Result<Vec<Work>, Error> {
    let mut works = Vec::new();
    #[cfg(feature = "peers")]
    works.extend(KERNELS.iter().map(Work::kernel));
    for line in ANSWERS.lines() {
        works.push(Work::program(line)?);
    }
    works.extend(COMMANDS.map(Work::command));
    Ok(works)
}
