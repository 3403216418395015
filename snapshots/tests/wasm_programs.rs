//! Programs that compilers made from C, Rust, Zig and AssemblyScript (`snapshots/wasm_programs`), among them Lua,
//! SQLite and CoreMark. Each must print what it prints in Wasmtime.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use libtest_mimic::{Arguments, Failed, Trial};
use vsp_host::engine::EngineKind;
use vsp_host::wasi::{Access, Input, Output, Wasi};
use vsp_snapshots::wasm::{LoadedProgram, WasiProgram};
use vsp_snapshots::{Configuration, EMULATED};

/// The engines, and how small runs are made in each. Large runs are made without steps and saving.
const ENGINES: [(&str, EngineKind, &[Configuration]); 4] = [
    ("interpreter", EngineKind::Interpreter, &[RUN, Configuration::Step, SAVE]),
    ("tier1", EngineKind::Tier1, &[RUN, SAVE]),
    ("tier2", EngineKind::Tier2, &[RUN, SAVE]),
    ("auto", EngineKind::Auto, &[RUN]),
];

const RUN: Configuration = Configuration::Run(EngineKind::Interpreter);
const SAVE: Configuration = Configuration::Save(EngineKind::Interpreter);

/// The engine where the architecture is emulated, for small runs. There, one architecture is enough.
const EMULATED_ENGINE: Option<EngineKind> =
    if cfg!(target_arch = "aarch64") { Some(EngineKind::Tier2) } else { None };

/// The limit of each captured output in bytes.
const OUTPUT: usize = 1 << 16;

/// How often a small run is saved at least.
const SAVED: u32 = 5;

/// A line of `runs.txt`.
struct Run {
    name: String,
    is_small: bool,
    program: String,
    input: Vec<u8>,
    args: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("wasm_programs")
}

impl Run {
    fn read(line: &str) -> Result<Run, Failed> {
        let mut fields = line.split_whitespace().map(str::to_owned);
        let mut next = || fields.next().ok_or("a field is missing");
        let (name, size, program, input) = (next()?, next()?, next()?, next()?);
        Ok(Run {
            name,
            is_small: match &*size {
                "small" => true,
                "large" => false,
                _ => return Err(format!("{size} is no size").into()),
            },
            program,
            input: if input == "-" { Vec::new() } else { fs::read(folder().join(input))? },
            args: fields.collect(),
        })
    }

    fn run(&self, loaded: &LoadedProgram, configuration: Configuration) -> Result<(), Failed> {
        let directory = tempfile::tempdir()?;
        let wasi = Wasi::new()
            .args([&self.program])
            .args(&self.args)
            .stdin(Input::bytes(&*self.input))
            .stdout(Output::capture(OUTPUT))
            .stderr(Output::capture(OUTPUT))
            .preopen_dir(directory.path(), ".", Access::ReadWrite)?;
        let finished = loaded.run(configuration, wasi).map_err(|error| format!("{}: {error}", self.name))?;
        let found = format!(
            "{}--- error stream, status {}\n{}",
            String::from_utf8_lossy(finished.wasi.captured_stdout()),
            finished.status,
            String::from_utf8_lossy(finished.wasi.captured_stderr()),
        );
        let expected = fs::read_to_string(folder().join("expected").join(&self.name))?;
        if found != expected {
            return Err(format!("{} printed\n{found}\nand not\n{expected}", self.name).into());
        }
        if configuration.needs_suspensions() && finished.restored < SAVED {
            return Err(format!("{} was saved {} times only", self.name, finished.restored).into());
        }
        Ok(())
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let trials = trials().unwrap_or_else(|error| {
        eprintln!("{}: {}", folder().display(), error.message().unwrap_or_default());
        std::process::exit(1);
    });
    libtest_mimic::run(&arguments, trials).exit();
}

/// Returns a trial for each program in each configuration.
fn trials() -> Result<Vec<Trial>, Failed> {
    let mut runs: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    for line in fs::read_to_string(folder().join("runs.txt"))?.lines() {
        if !line.starts_with('#') {
            let run = Run::read(line)?;
            runs.entry(run.program.clone()).or_default().push(run);
        }
    }
    let mut trials = Vec::new();
    for (program, runs) in runs {
        let module = fs::read(folder().join(format!("{program}.wasm")))?;
        let translated = Arc::new(LazyLock::new(move || WasiProgram::translate(&module)));
        let runs = Arc::new(runs);
        for (name, engine, configurations) in ENGINES {
            if EMULATED && Some(engine) != EMULATED_ENGINE {
                continue;
            }
            let (translated, runs) = (translated.clone(), runs.clone());
            trials.push(Trial::test(format!("{name}::{program}"), move || {
                let program = translated.as_ref().as_ref().map_err(String::clone)?;
                let loaded = program.load(engine)?;
                for run in runs.iter().filter(|run| run.is_small || !EMULATED) {
                    for &configuration in
                        &configurations[..if run.is_small { configurations.len() } else { 1 }]
                    {
                        run.run(&loaded, configuration)?;
                    }
                }
                let is_hot = runs.iter().any(|run| !run.is_small);
                if engine == EngineKind::Auto && is_hot && loaded.compiled_regions() == 0 {
                    return Err("nothing was compiled".into());
                }
                Ok(())
            }));
        }
    }
    Ok(trials)
}
