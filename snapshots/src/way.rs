//! The ways in which a case is run. All of them have to come to the same.

use vsp_core::{CallError, Instance, Outcome};

/// How calls are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As a whole.
    Run,
    /// Instruction by instruction.
    Step,
}

impl Way {
    /// All ways, with their names.
    pub const ALL: [(&'static str, Way); 2] = [("interpreter", Way::Run), ("step", Way::Step)];

    pub(crate) fn call<S>(
        self,
        instance: &mut Instance<'_, S>,
        export: &str,
        args: &[u64],
    ) -> Result<Outcome, CallError> {
        match self {
            Way::Run => instance.call_export(export, args),
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
            Way::Run => instance.resume(values),
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
