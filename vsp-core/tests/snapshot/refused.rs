//! Refused snapshots and the reasons.

use vsp_core::snapshot::{FrameFault, RestoreError, Snapshot};
use vsp_core::text::assemble;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, InstantiateError, Options};

use super::{SHOWN, repaired, shown_state, verified};

/// Offsets of the fields of the shown snapshot (docs/format.md).
const FLAGS: usize = 6;
const STACK: usize = 0x1C;
const MEMORY: usize = 0x20;
const BALANCE: usize = 0x28;
const VALUE: usize = 0x30;
const REASON: usize = 0x38;
const FRAMES: usize = 0x3C;
const GLOBALS: usize = 0x40;
const RUNS: usize = 0x44;
const OUTER: usize = 0x50;
const INNER: usize = 0x67;
const RUN: usize = 0x7D;

/// Replacement bytes, each with its offset.
type Changes<'a> = &'a [(usize, &'a [u8])];

/// Returns the shown snapshot with bytes replaced at some offsets.
fn changed(state: &[u8], changes: Changes<'_>) -> Vec<u8> {
    let mut bytes = state.to_vec();
    for (at, change) in changes {
        bytes[*at..*at + change.len()].copy_from_slice(change);
    }
    repaired(bytes)
}

#[test]
fn bytes_that_are_no_state() {
    let program = assemble(SHOWN, "shown.sil").unwrap();
    let state = shown_state(&verified(&program));
    let error = |bytes: &[u8]| Snapshot::read(bytes).unwrap_err().to_string();
    assert_eq!(error(b""), "at offset 0, magic: expected \"SILS\": this is not a snapshot");
    assert_eq!(error(&program), "at offset 0, magic: expected \"SILS\": this is not a snapshot");
    assert_eq!(error(b"SI"), "at offset 0, magic: needs 4 bytes, but only 2 are left");
    assert_eq!(error(&state[..100]), "at offset 8, total length: expected 149, found 100");

    let cases: &[(Changes<'_>, &str)] = &[
        (&[(4, &[0, 3])], "at offset 4, version: version 3.0 of snapshots is unknown, expected 1.0 or 1.1"),
        (&[(FLAGS, &[4])], "at offset 6, flags: 4 is more than the limit of 3"),
        (&[(FLAGS, &[0])], "at offset 40, balance of fuel: expected 0, found 96"),
        (&[(STACK, &[63])], "at offset 28, cells of the stack: 63 is less than 64"),
        (
            &[(STACK, &[0, 0, 0, 0x20])],
            "at offset 28, cells of the stack: 536870912 is more than the limit of 268435456",
        ),
        (&[(MEMORY, &[0])], "at offset 32, bytes of memory: 0 is less than 16"),
        (&[(MEMORY, &[65])], "at offset 32, bytes of memory: 65 is not a multiple of 16"),
        (
            &[(MEMORY, &[0, 0, 0, 0, 2])],
            "at offset 32, bytes of memory: 8589934592 is more than the limit of 4294967296",
        ),
        (&[(REASON, &[6])], "at offset 56, status: 6 is unknown"),
        (&[(REASON, &[4])], "at offset 48, value of the status: expected 0, found 3"),
        (&[(REASON, &[4]), (VALUE, &[0])], "at offset 60, number of frames: 2 is more than the limit of 0"),
        (&[(REASON, &[5])], "at offset 48, value of the status: expected 0, found 3"),
        (
            &[(REASON, &[5]), (VALUE, &[0]), (FRAMES, &[0])],
            "at offset 60, number of frames: 0 is less than 1",
        ),
        (&[(REASON, &[0])], "at offset 48, value of the status: expected 0, found 3"),
        (&[(REASON, &[1])], "at offset 48, value of the status: expected 0, found 3"),
        (
            &[(REASON, &[0]), (FLAGS, &[0]), (BALANCE, &[0])],
            "at offset 6, flags of an instance that is suspended with Fuel: expected 1, found 0",
        ),
        (
            &[(REASON, &[3]), (VALUE, &[0, 0x10])],
            "at offset 48, number of the import: 4096 is more than the limit of 4095",
        ),
        (&[(FRAMES, &[0])], "at offset 60, number of frames: 0 is less than 1"),
        (&[(GLOBALS, &[1, 0, 1])], "at offset 64, number of globals: 65537 is more than the limit of 65536"),
        (&[(OUTER + 8, &[15])], "at offset 88, number of cells: 15 is less than 16"),
        (&[(OUTER + 8, &[0, 0x11])], "at offset 88, number of cells: 4352 is more than the limit of 4143"),
        (&[(OUTER + 12, &[1])], "at offset 80, number of saved cells: expected 2, found 1"),
        (&[(OUTER + 14, &[2])], "at offset 80, bits of a frame: 1 bytes are left over"),
        (&[(OUTER + 15, &[0])], "at offset 80, cells of a frame: redundant: it must be left out"),
        (&[(RUN, &[4])], "at offset 125, end of a run of memory: 80 is more than the limit of 64"),
        (&[(RUN + 4, &[0])], "at offset 125, run of memory: redundant: it must be left out"),
        (&[(RUN + 4, &[2])], "at offset 133, run of memory: needs 32 bytes, but only 16 are left"),
        (&[(RUN + 10, &[0, 0])], "at offset 125, run of memory: redundant: it must be left out"),
        (&[(RUNS, &[0])], "at offset 125, end of the memory: 24 bytes are left over"),
    ];
    for (changes, message) in cases {
        assert_eq!(error(&changed(&state, changes)), *message);
    }

    let mut damaged = state.clone();
    damaged[RUN + 10] = b'H';
    assert!(error(&damaged).starts_with("at offset 16, checksum: the file is damaged"));

    // 19 and three times 18 cells are more than 64.
    let mut deep = state.clone();
    let inner = state[INNER..RUN].to_vec();
    deep.splice(RUN..RUN, [inner.clone(), inner].concat());
    let length = (deep.len() as u64).to_le_bytes();
    let deep = changed(&deep, &[(FRAMES, &[4]), (8, &length)]);
    assert_eq!(error(&deep), "at offset 147, cells of all frames: 73 is more than the limit of 64");

    // Adjacent runs must be merged into one.
    let mut two = state.clone();
    two.extend([&2u32.to_le_bytes()[..], &1u32.to_le_bytes(), &[1; 16]].concat());
    let length = (two.len() as u64).to_le_bytes();
    let two = changed(&two, &[(RUNS, &[2]), (8, &length)]);
    assert_eq!(
        error(&two),
        "at offset 149, address of a run of memory: out of order: entries must be strictly ascending"
    );
}

fn restore(program: &Verified<'_>, bytes: &[u8], options: Options<'static>) -> RestoreError {
    let imports = Imports::<()>::new();
    let state = Snapshot::read(bytes).unwrap();
    Instance::restore(program, &imports, (), options, &state).map(|_| ()).unwrap_err()
}

#[test]
fn states_that_are_not_those_of_the_program() {
    let bytes = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&bytes);
    let state = shown_state(&program);
    let none = Options::default;

    let other = assemble(&SHOWN.replace("MOVI R1, 7", "MOVI R1, 8"), "shown.sil").unwrap();
    let message = restore(&verified(&other), &state, none()).to_string();
    assert!(
        message.starts_with("the snapshot belongs to a program of 218 bytes with checksum 0x6290F058"),
        "{message}"
    );
    let error = restore(&program, &state, Options { memory: Some(128), ..none() });
    assert_eq!(error, RestoreError::Memory { saved: 64, chosen: 128 });
    let error = restore(&program, &state, Options { stack_cells: Some(65), ..none() });
    assert_eq!(error, RestoreError::StackCells { saved: 64, chosen: 65 });
    let less = changed(&state, &[(MEMORY, &[32])]);
    let error = restore(&program, &less, none());
    let too_little = InstantiateError::Memory { chosen: 32, minimum: 64 };
    assert_eq!(error, RestoreError::Instantiate(too_little));

    let mut globals = state.clone();
    globals.splice(0x48..0x50, []);
    let length = (globals.len() as u64).to_le_bytes();
    let globals = changed(&globals, &[(8, &length), (GLOBALS, &[0])]);
    assert_eq!(restore(&program, &globals, none()), RestoreError::Globals { saved: 0, program: 1 });
}

#[test]
fn frames_that_cannot_be() {
    use vsp_core::index::{FuncIndex, ImportIndex};
    let bytes = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&bytes);
    let state = shown_state(&program);
    let no_value = (VALUE, &[0][..]);
    let safepoint = (REASON, &[0][..]);
    let cases: &[(Changes<'_>, u32, FrameFault)] = &[
        (&[(OUTER, &[2])], 0, FrameFault::NoFunction),
        (&[(OUTER + 4, &[5])], 0, FrameFault::NoWord { words: 5 }),
        (&[(OUTER, &[1])], 0, FrameFault::Slots { saved: 17, expected: 16 }),
        (&[(OUTER + 4, &[0])], 0, FrameFault::NoCall(FuncIndex(1))),
        (&[(INNER, &[2])], 0, FrameFault::NoCall(FuncIndex(2))),
        (&[(INNER, &[0])], 0, FrameFault::NoCall(FuncIndex(0))),
        (&[(INNER + 4, &[0])], 1, FrameFault::NoYield),
        (&[(REASON, &[3])], 1, FrameFault::NoSyscall(ImportIndex(3))),
        (&[no_value, safepoint], 1, FrameFault::NoSafepoint),
        (&[no_value, safepoint, (INNER + 4, &[2])], 1, FrameFault::NoSafepoint),
    ];
    for (changes, number, expected) in cases {
        let bytes = changed(&state, changes);
        match restore(&program, &bytes, Options::default()) {
            RestoreError::Frame { frame, fault, .. } => assert_eq!((frame, fault), (*number, *expected)),
            other => panic!("{other:?} instead of {expected:?}"),
        }
    }
    // The entry of a function that is not a short leaf is a safepoint.
    let entry = changed(&state, &[no_value, safepoint, (INNER + 4, &[0])]);
    let saved = Snapshot::read(&entry).unwrap();
    assert!(Instance::restore(&program, &Imports::<()>::new(), (), Options::default(), &saved).is_ok());

    let message = restore(&program, &changed(&state, &[(INNER + 4, &[0])]), Options::default()).to_string();
    assert_eq!(
        message,
        "frame 1 of the snapshot, at function 1 word 0: the program waits for the result of a YIELD, and this is not one"
    );
}

/// After tail calls the next frame belongs to another function than the one that the caller's word names: to one that
/// a tail call of the program can enter, with as many results.
#[test]
fn frames_after_tail_calls() {
    const TEXT: &str = "
.export f
.func f (0) -> 1
CALL g
RET
.end
.func g (0) -> 1
TAILCALL h
.end
.func h (0) -> 1
YIELD R0
RET
.end
.func i (0) -> 1
YIELD R0
RET
.end
.func j (0) -> 2
YIELD R0
TAILCALL j
.end
.func k (0) -> 1 tag 7
YIELD R0
MOVI R0, 5
TAILCALLR R0, (0) -> 1 tag 7
.end";
    let bytes = assemble(TEXT, "tail.sil").unwrap();
    let program = verified(&bytes);
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    instance.call_export("f", &[]).unwrap();
    let state = instance.save().unwrap();
    // Without globals and locals, the frames begin where the header ends; two bytes of bits follow the numbers of cells.
    const INNER: usize = 72 + 12 + 2;
    assert_eq!(Snapshot::read(&state).unwrap().frames().last().unwrap().location().function.0, 2);
    let with = |function: u8| changed(&state, &[(INNER, &[function])]);
    for possible in [2, 5] {
        let bytes = with(possible);
        let state = Snapshot::read(&bytes).unwrap();
        let mut again = Instance::restore(&program, &imports, (), Options::default(), &state).unwrap();
        assert_eq!(again.save().unwrap(), bytes);
        again.resume(&[1]).unwrap();
    }
    // No tail call enters i; j has two results.
    for impossible in [3, 4] {
        let error = restore(&program, &with(impossible), Options::default());
        let callee = vsp_core::index::FuncIndex(impossible.into());
        assert!(
            matches!(error, RestoreError::Frame { frame: 0, fault: FrameFault::NoCall(it), .. } if it == callee),
            "{error}"
        );
    }
    // A tail call waits for nothing.
    let outer = changed(&state, &[(72, &[1])]);
    let error = restore(&program, &outer, Options::default());
    assert!(matches!(error, RestoreError::Frame { frame: 0, fault: FrameFault::NoCall(_), .. }), "{error}");
}
