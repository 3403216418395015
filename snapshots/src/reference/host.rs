//! The host functions of the module `test`.

use vsp_core::HostStop;

use crate::host_module::{FUNCTIONS, Host, MODULE};

/// The end of a host function.
pub(super) enum Answer {
    Results([u64; 4]),
    Error(u32),
    Pending,
}

/// Calls a host function by its module and name. Also returns the fuel that it charges.
pub(super) fn call(name: &str, arguments: &[u64], memory: &mut [u8]) -> (Answer, u64) {
    let mut all = [0; 8];
    all[..arguments.len()].copy_from_slice(arguments);
    let function = FUNCTIONS.iter().find(|function| format!("{MODULE}.{}", function.name) == name);
    let Some(function) = function else {
        unreachable!("programs are only run if the host has their imports")
    };
    let mut host = Host { memory, charged: 0 };
    let answer = match (function.call)(&mut host, &all) {
        Ok(results) => Answer::Results(results),
        Err(HostStop::Error(code)) => Answer::Error(code),
        Err(HostStop::Failed { code, .. }) => Answer::Error(code),
        Err(HostStop::Pending) => Answer::Pending,
    };
    (answer, host.charged)
}
