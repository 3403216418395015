//! The state of the host functions that the command provides.

use vsp_host::echo::Echo;
use vsp_host::sys::Sys;
#[cfg(feature = "wasi")]
use vsp_host::wasi::Wasi;

use crate::script_state::Script;

/// The state of the modules, one for each instance.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) sys: Sys,
    #[cfg(feature = "wasi")]
    pub(crate) wasi: Wasi,
    /// The declared host functions, with the calls of this instance.
    pub(crate) script: Script,
    /// What a program prints that replays a log.
    pub(crate) echo: Option<Echo>,
}

impl State {
    /// Creates the state of a program that does not import WASI.
    pub(crate) fn new(sys: Sys) -> State {
        State {
            sys,
            #[cfg(feature = "wasi")]
            wasi: Wasi::new(),
            script: Script::default(),
            echo: None,
        }
    }
}

impl AsMut<Sys> for State {
    fn as_mut(&mut self) -> &mut Sys {
        &mut self.sys
    }
}

#[cfg(feature = "wasi")]
impl AsMut<Wasi> for State {
    fn as_mut(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}
