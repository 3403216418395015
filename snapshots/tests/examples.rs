//! The programs in `examples/`, each compared with an independent implementation and published results, in every
//! configuration and with random input.

use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use vsp_host::engine::EngineKind;
use vsp_snapshots::corpus::{Example, Loaded, PROGRAMS, Pace, Program, RunResult};
use vsp_snapshots::{Configuration, EMULATED};

/// Fuel of the first slice of programs that are suspended; it is larger for inputs above 5,000 bytes.
const SLICE: u64 = 500;

/// Number of random invocations of each program.
const CASES: u32 = if EMULATED { 4 } else { 32 };

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("every example is in the corpus", every_example_is_in_the_corpus)];
    for program in PROGRAMS {
        let corpus = Arc::new(Corpus::new(program));
        for (name, configuration) in
            Configuration::ALL.into_iter().filter(|(_, configuration)| configuration.interrupts())
        {
            if EMULATED && !matches!(configuration, Configuration::Run(_)) {
                continue;
            }
            let corpus = corpus.clone();
            trials.push(Trial::test(format!("{name}::{}", program.name), move || corpus.run(configuration)));
        }
        trials.push(Trial::test(format!("random::{}", program.name), || random(program)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn every_example_is_in_the_corpus() -> Result<(), Failed> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    let files = vsp_snapshots::sil_files(folder.as_ref())?;
    let files: Vec<_> = files.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
    let names: Vec<&str> = PROGRAMS.iter().map(|program| program.name).collect();
    if files == names { Ok(()) } else { Err(format!("examples/ has {files:?}, PROGRAMS {names:?}").into()) }
}

/// The examples of a program, and their results in the interpreter.
struct Corpus {
    program: &'static Program,
    examples: OnceLock<Vec<Example>>,
    interpreted: OnceLock<Result<Vec<RunResult>, String>>,
}

impl Corpus {
    fn new(program: &'static Program) -> Self {
        Corpus { program, examples: OnceLock::new(), interpreted: OnceLock::new() }
    }

    fn examples(&self) -> &[Example] {
        self.examples.get_or_init(|| self.program.examples())
    }

    /// Runs all examples, and compares their results with the expectation, and all bits with the interpreter.
    fn run(&self, configuration: Configuration) -> Result<(), Failed> {
        let interpreted = self.interpreted.get_or_init(|| {
            let loaded = Loaded::new(self.program, Configuration::Run(EngineKind::Interpreter))?;
            self.examples().iter().map(|example| loaded.run(&example.invocation, Pace::Whole)).collect()
        });
        let interpreted = interpreted.as_ref().map_err(String::as_str)?;
        let loaded = Loaded::new(self.program, configuration)?;
        for (example, interpreted) in self.examples().iter().zip(interpreted) {
            let slice = SLICE.max(example.invocation.input.len() as u64 / 10);
            let pace = if configuration.needs_suspensions() { Pace::Slices(slice) } else { Pace::Whole };
            let ran = loaded.run(&example.invocation, pace);
            let ran = ran.map_err(|message| format!("{:?}\n{message}", example.invocation))?;
            example.expected.check(&ran).map_err(|message| format!("{:?}\n{message}", example.invocation))?;
            if ran != *interpreted {
                let memory = ran.memory.iter().zip(&interpreted.memory).position(|(one, other)| one != other);
                return Err(format!(
                    "{:?}\n{ran:?}; the interpreter {interpreted:?}; the first byte of the memory that differs is {memory:?}",
                    example.invocation
                )
                .into());
            }
        }
        Ok(())
    }
}

/// Runs random invocations in all engines.
fn random(program: &Program) -> Result<(), Failed> {
    let loaded = EngineKind::ALL.map(|kind| Loaded::new(program, Configuration::Run(kind)));
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&(program.random)(), |invocation| {
        let expected = (program.reference)(&invocation);
        for loaded in &loaded {
            let loaded = loaded.as_ref().map_err(|message| TestCaseError::fail(message.clone()))?;
            let ran = loaded.run(&invocation, Pace::Whole).map_err(TestCaseError::fail)?;
            expected.check(&ran).map_err(TestCaseError::fail)?;
        }
        Ok(())
    });
    result.map_err(|error| error.to_string().into())
}
