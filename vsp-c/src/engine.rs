//! Engines: `vsp_engine`.

#[cfg(feature = "jit")]
use vsp_host::engine::EngineKind;

use crate::handle::Kind;
use crate::message::Wanted;
use crate::status::{Result, Status};

/// What programs are loaded with. Without the feature `jit` there is only the interpreter.
#[derive(Debug)]
pub struct Engine {
    #[cfg(feature = "jit")]
    pub(crate) engine: vsp_host::engine::Engine,
}

impl Kind for Engine {
    const TAG: u32 = u32::from_le_bytes(*b"engi");
}

impl Engine {
    /// Creates an engine of the kind with this number in `vsp.h`.
    #[cfg(feature = "jit")]
    pub(crate) fn new(kind: u32, message: Wanted) -> Result<Engine> {
        let kind = match kind {
            0 => EngineKind::Auto,
            1 => EngineKind::Interpreter,
            2 => EngineKind::Tier1,
            3 => EngineKind::Tier2,
            _ => return Err(Status::E_ARGUMENT),
        };
        let engine = vsp_host::engine::Engine::new(kind).map_err(message.refused())?;
        Ok(Engine { engine })
    }

    /// Creates an engine of the kind with this number in `vsp.h`.
    #[cfg(not(feature = "jit"))]
    pub(crate) fn new(kind: u32, message: Wanted) -> Result<Engine> {
        match kind {
            0 | 1 => Ok(Engine {}),
            2 | 3 => {
                message.say("this build has no machine code: it was built without the feature `jit`");
                Err(Status::E_ENGINE)
            }
            _ => Err(Status::E_ARGUMENT),
        }
    }
}
