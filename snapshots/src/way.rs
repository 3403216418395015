//! The ways in which a case is run. All of them have to come to the same.

use vsp_core::{CallError, Instance, Outcome};
use vsp_host::engine::{Engine, EngineError, EngineKind};
use vsp_host::native::CompileOptions;

/// How calls are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As a whole, by an engine.
    Run(EngineKind),
    /// Instruction by instruction.
    Step,
}

impl Way {
    /// All ways, with their names.
    pub const ALL: [(&'static str, Way); 4] = [
        ("interpreter", Way::Run(EngineKind::Interpreter)),
        ("step", Way::Step),
        ("tier1", Way::Run(EngineKind::Tier1)),
        ("tier2", Way::Run(EngineKind::Tier2)),
    ];

    /// The engine. Machine code is made with all checks of the code generator.
    pub(crate) fn engine(self) -> Result<Engine, EngineError> {
        let kind = match self {
            Way::Run(kind) => kind,
            Way::Step => EngineKind::Interpreter,
        };
        Engine::with_options(kind, CompileOptions { check_ir: true, ..CompileOptions::default() })
    }

    pub(crate) fn call<S>(
        self,
        instance: &mut Instance<'_, S>,
        export: &str,
        args: &[u64],
    ) -> Result<Outcome, CallError> {
        match self {
            Way::Run(_) => instance.call_export(export, args),
            Way::Step => {
                let function = instance.program().export(export);
                let function = function.ok_or_else(|| CallError::NoExport(export.into()))?;
                let begun = instance.begin(function, args)?;
                step(instance, begun)
            }
        }
    }

    pub(crate) fn resume<S>(
        self,
        instance: &mut Instance<'_, S>,
        values: &[u64],
    ) -> Result<Outcome, CallError> {
        match self {
            Way::Run(_) => instance.resume(values),
            Way::Step => {
                let begun = instance.begin_resume(values)?;
                step(instance, begun)
            }
        }
    }
}

/// So many steps are made one by one; some cases have many millions.
const STEPS: u32 = 100_000;

fn step<S>(instance: &mut Instance<'_, S>, mut outcome: Option<Outcome>) -> Result<Outcome, CallError> {
    for _ in 0..STEPS {
        match outcome {
            None => outcome = instance.step()?,
            Some(outcome) => return Ok(outcome),
        }
    }
    outcome.map_or_else(|| instance.finish(), Ok)
}
