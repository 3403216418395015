//! The host module `test`, which the cases import from.

use vsp_core::{Caller, HostStop, ImportError, Imports};

type TestCaller<'a> = Caller<'a, ()>;

/// The host functions of the module.
pub(crate) fn imports() -> Result<Imports<()>, ImportError> {
    let mut imports = Imports::new();
    imports
        .define("test", "echo", |_: &mut TestCaller<'_>, value: u64| value)?
        .define("test", "add", |_: &mut TestCaller<'_>, a: u64, b: u64| a.wrapping_add(b))?
        .define("test", "swap", |_: &mut TestCaller<'_>, a: u64, b: u64| (b, a))?
        .define("test", "four", |_: &mut TestCaller<'_>| (1u64, 2u64, 3u64, 4u64))?
        .define("test", "sum", sum)?
        .define("test", "fail", |_: &mut TestCaller<'_>, code: u32| Err::<(), _>(HostStop::Error(code)))?
        .define("test", "pending", |_: &mut TestCaller<'_>, _: u64| Err::<u64, _>(HostStop::Pending))?
        .define("test", "charge", |caller: &mut TestCaller<'_>, units: u64| caller.charge(units))?
        .define("test", "poke", |caller: &mut TestCaller<'_>, address: u64, byte: u64| {
            let bytes = caller.bytes(address, 1).ok_or(HostStop::Error(1))?;
            bytes[0] = byte as u8;
            Ok::<(), HostStop>(())
        })?;
    Ok(imports)
}

#[expect(clippy::too_many_arguments, reason = "as many as a host function can have")]
fn sum(_: &mut TestCaller<'_>, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64) -> u64 {
    [a, b, c, d, e, f, g, h].into_iter().fold(0, u64::wrapping_add)
}
