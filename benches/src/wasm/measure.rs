//! Answers, times and sizes.

use super::report::{ModuleTimes, WorkTimes};
use super::{Group, Module, Translated, WasmEngine, Work};
use crate::peers::measure::{Task, alternately, check, interleaved};
use crate::peers::{Error, KERNELS, Loaded, VspConfig, instructions};

use vsp_core::program::Program;

/// Loads a work in all engines, and compares its answers.
///
/// # Errors
/// An answer is wrong, or an engine fails.
pub fn ready(work: &Work, engines: &[Box<dyn WasmEngine>]) -> Result<Vec<Box<dyn Loaded>>, Error> {
    let mut loaded = Vec::new();
    for engine in engines {
        let context = |error: Error| format!("{} in {}: {error}", work.name, engine.name());
        let mut ready = work.load(&**engine).map_err(context)?;
        check(&mut *ready, work.answer()).map_err(context)?;
        loaded.push(ready);
    }
    Ok(loaded)
}

/// Measures a work in all engines, after [`ready`].
///
/// # Errors
/// An answer is wrong, or an engine fails.
pub fn work(work: &Work, engines: &[Box<dyn WasmEngine>], runs: usize) -> Result<WorkTimes, Error> {
    let times = alternately(&mut ready(work, engines)?, runs)?;
    let counted = |(module, call): (Module, &_)| -> Result<u64, Error> {
        Translated(VspConfig::COUNTING).call(module.bytes, call)?.instructions()
    };
    let kernel = KERNELS.iter().find(|kernel| work.group == Group::Kernels && kernel.name == work.name);
    Ok(WorkTimes {
        name: work.name.clone(),
        group: work.group,
        instructions: work.call().map(counted).transpose()?,
        by_hand: kernel.map(instructions).transpose()?,
        times: engines.iter().map(|engine| engine.name()).zip(times).collect(),
    })
}

/// Measures the translation of a module, and its compilation in all engines.
///
/// # Errors
/// An engine fails.
pub fn module(module: Module, engines: &[Box<dyn WasmEngine>], runs: usize) -> Result<ModuleTimes, Error> {
    let mut tasks: Vec<Task<'static>> = vec![Translated::translator(module.bytes)];
    for engine in engines {
        tasks.push(engine.loader(module.bytes)?);
    }
    let mut times = interleaved(&mut tasks, runs)?;
    let program = Program::read(Translated::bytes(module.bytes)?)?;
    Ok(ModuleTimes {
        name: module.name.into(),
        code: code_size(module.bytes)?,
        words: program.code().len() as u64,
        translation: times.remove(0),
        times: engines.iter().map(|engine| engine.name()).zip(times).collect(),
    })
}

/// Returns the size of the code section in bytes.
fn code_size(module: &[u8]) -> Result<u64, Error> {
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        if let wasmparser::Payload::CodeSectionStart { size, .. } = payload? {
            return Ok(size.into());
        }
    }
    Err("the module has no code".into())
}
