//! Byte slices and strings as parameters of host functions.
#![cfg(feature = "text")]

use std::sync::Arc;

use vsp_core::program::{FuncType, Program};
use vsp_core::verify::Verified;
use vsp_core::{
    Caller, GuestMemoryError, GuestSlice, GuestStr, HostResult, Imports, Instance, Options, Outcome, Trap,
    text,
};

const SOURCE: &str = "
.memory 64
.import host.line (2) -> 0
.import host.copy (5) -> 1
.export line
.export copy
.data @ 0 \"hello\\xFF\"
.func line (2) -> 0
    SYSCALL host.line
    RET
.end
.func copy (5) -> 1
    SYSCALL host.copy
    RET
.end
";

fn program() -> Arc<Verified<'static>> {
    let bytes = text::assemble(SOURCE, "guest.sil").unwrap_or_else(|errors| panic!("{errors}"));
    Arc::new(Verified::new(Program::read(Arc::<[u8]>::from(bytes)).unwrap()).unwrap())
}

fn imports() -> Imports<Vec<String>> {
    type Host<'c> = Caller<'c, Vec<String>>;
    let mut imports = Imports::new();
    imports
        .define("host", "line", |caller: &mut Host<'_>, line: GuestStr| -> HostResult {
            let (lines, memory) = caller.parts();
            lines.push(line.get(memory)?.to_owned());
            Ok(())
        })
        .unwrap();
    let copy = |caller: &mut Host<'_>, from: GuestSlice, times: u64, to: GuestSlice| -> HostResult<u64> {
        let bytes = from.get(caller.memory())?.repeat(times as usize);
        to.get_mut(caller.memory())?.copy_from_slice(&bytes);
        Ok(to.length)
    };
    imports.define("host", "copy", copy).unwrap();
    imports
}

#[test]
fn a_slice_is_two_parameters() {
    let types: Vec<FuncType> = imports().functions().map(|(_, _, ty)| ty).collect();
    assert_eq!(types, [FuncType::new(2, 0).unwrap(), FuncType::new(5, 1).unwrap()]);

    let mut instance = Instance::new(program(), Arc::new(imports()), Vec::new(), Options::default()).unwrap();
    assert_eq!(instance.typed::<(u64, u64), ()>("line").unwrap().call(&mut instance, (1, 4)), Ok(()));
    assert_eq!(instance.state(), &["ello"]);
    let copy = instance.typed::<(u64, u64, u64, u64, u64), u64>("copy").unwrap();
    assert_eq!(copy.call(&mut instance, (0, 2, 3, 58, 6)), Ok(6));
    assert_eq!(&instance.memory()[56..], b"\0\0hehehe");
}

#[test]
fn what_is_outside_the_memory_traps_with_an_error() {
    let mut instance = Instance::new(program(), Arc::new(imports()), Vec::new(), Options::default()).unwrap();
    let outside = [(0, 65), (64, 1), (65, 0), (u64::MAX, 1), (1, u64::MAX), (u64::MAX, u64::MAX)];
    for (address, length) in outside {
        match instance.call_export("line", &[address, length]).unwrap() {
            Outcome::Trapped(trapped) => assert_eq!(trapped.trap, Trap::Host(0)),
            other => panic!("{other:?}"),
        }
        let error = instance.take_host_error().unwrap();
        let expected = GuestMemoryError::OutOfBounds { address, length, memory: 64 };
        assert_eq!(error.downcast_ref(), Some(&expected));
        assert_eq!(GuestSlice { address, length }.get(instance.memory()), Err(expected));
        assert_eq!(GuestSlice { address, length }.get_mut(instance.memory_mut()), Err(expected));
    }
    assert!(instance.state().is_empty());
    let empty = GuestSlice { address: 64, length: 0 };
    assert_eq!(empty.get(instance.memory()), Ok(&[][..]));
}

#[test]
fn a_text_that_is_not_utf8_traps_with_an_error() {
    let mut instance = Instance::new(program(), Arc::new(imports()), Vec::new(), Options::default()).unwrap();
    assert!(matches!(instance.call_export("line", &[2, 4]), Ok(Outcome::Trapped(_))));
    let error = instance.take_host_error().unwrap();
    assert_eq!(error.to_string(), "the text at address 2 is invalid UTF-8 at its byte 3");
}
