//! Deltas of snapshots: their bytes, their sizes, joining them, refused ones, and that no bytes cause a panic.
#![cfg(feature = "text")]

#[path = "snapshot/common.rs"]
mod common;
#[path = "analysis/random.rs"]
mod random;

use common::repaired;
use vsp_core::index::{FuncIndex, GlobalIndex};
use vsp_core::program::Program;
use vsp_core::snapshot::{Delta, DeltaError, RestoreError, SaveError, Snapshot};
use vsp_core::text::assemble;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, Reason, Status};

/// The program whose delta docs/format.md shows.
const SHOWN: &str = "
.lines none
.memory 64
.global = 5
.global = 6
.data @ 18 \"hi\"
.export f = $0
.func (1) -> 1
    SETG R0, $1
    MOVI R1, 33
    STORE8 [R1], R0
    YIELD R0
    RET
.end";

fn verified(bytes: &[u8]) -> Verified<'_> {
    Verified::new(Program::read(bytes).unwrap()).unwrap()
}

fn shown(program: &Verified<'_>) -> (Vec<u8>, Vec<u8>) {
    let imports = Imports::<()>::new();
    let options = Options { stack_cells: Some(64), fuel: Some(100), ..Options::default() };
    let mut instance = Instance::new(program, &imports, (), options).unwrap();
    let base = instance.save().unwrap();
    assert!(matches!(instance.call_export("f", &[9]).unwrap(), Outcome::Suspended(_)));
    let delta = instance.save_since(&Snapshot::read(&base).unwrap()).unwrap();
    (base, delta)
}

/// The annotated dump in docs/format.md is the delta of that program.
#[test]
fn the_dump_in_the_document_is_right() {
    let program = assemble(SHOWN, "shown.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    let program = verified(&program);
    let (base, delta) = shown(&program);
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/format.md")).unwrap();
    let dump = page.split("```text\n").find(|block| block.starts_with("0000  53 49 4C 44")).unwrap();
    let mut bytes = Vec::new();
    for line in dump.split("```").next().unwrap().lines() {
        assert_eq!(usize::from_str_radix(&line[..4], 16), Ok(bytes.len()), "{line}");
        let digits = line[6..].split("  ").next().unwrap();
        bytes.extend(digits.split(' ').map(|digits| u8::from_str_radix(digits, 16).unwrap()));
    }
    assert_eq!(delta, bytes);

    let (snapshot, delta) = (Snapshot::read(&base).unwrap(), Delta::read(&delta).unwrap());
    assert_eq!(delta.base(), snapshot.identity());
    let deltas = [delta];
    let joined = snapshot.with(&deltas).unwrap();
    assert_eq!((joined.identity(), joined.deltas().len()), (delta.identity(), 1));
    assert_eq!(joined.status(), Status::Suspended(Reason::Yield(9)));
    assert_eq!(joined.globals().collect::<Vec<_>>(), [5, 9]);
    assert_eq!((joined.frame_count(), joined.frames().count(), snapshot.frame_count()), (1, 1, 0));
    let addresses: Vec<u64> = joined.memory().map(|(address, _)| address).collect();
    assert_eq!(addresses, [16, 32]);
    // Without its deltas it is the full snapshot again.
    let full = joined.with(&[]).unwrap();
    assert_eq!(
        (full.identity(), full.status(), full.frames().count()),
        (snapshot.identity(), Status::Idle, 0)
    );
}

#[test]
fn deltas_are_joined_and_restored() {
    let program = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&program);
    let (base, first) = shown(&program);
    let imports = Imports::<()>::new();
    let deltas = [Delta::read(&first).unwrap()];
    let joined = Snapshot::read(&base).unwrap().with(&deltas).unwrap();
    let mut instance = Instance::restore(&program, &imports, (), Options::default(), &joined).unwrap();
    assert_eq!((&instance.memory()[18..20], instance.memory()[33]), (&b"hi"[..], 9));
    assert_eq!((instance.global(GlobalIndex(1)), instance.fuel()), (Some(9), Some(96)));

    // A granule that becomes zero, and a global that gets its first value again.
    instance.memory_mut()[18..20].fill(0);
    *instance.global_mut(GlobalIndex(1)).unwrap() = 6;
    let second = instance.save_since(&joined).unwrap();
    let full = instance.save().unwrap();
    let deltas = [&first, &second].map(|bytes| Delta::read(bytes).unwrap());
    let joined = Snapshot::read(&base).unwrap().with(&deltas).unwrap();
    let again = Instance::restore(&program, &imports, (), Options::default(), &joined).unwrap();
    assert_eq!(again.save().unwrap(), full);
    assert_eq!(joined.globals().collect::<Vec<_>>(), [5, 6]);
    // Nothing has changed: a header, and the frame, of which no slot is saved.
    let nothing = again.save_since(&joined).unwrap();
    assert_eq!(nothing.len(), 92 + 12 + 2);
}

#[test]
fn wrong_bases_and_orders_are_refused() {
    let program = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&program);
    let (base, first) = shown(&program);
    let imports = Imports::<()>::new();
    let snapshot = Snapshot::read(&base).unwrap();
    let one = [Delta::read(&first).unwrap()];
    let joined = snapshot.with(&one).unwrap();
    let mut instance = Instance::restore(&program, &imports, (), Options::default(), &joined).unwrap();
    instance.memory_mut()[0] = 1;
    let second = instance.save_since(&joined).unwrap();
    let second = Delta::read(&second).unwrap();
    assert!(matches!(snapshot.with(&[second, one[0]]), Err(DeltaError::Base { delta: 1, .. })));
    assert!(matches!(snapshot.with(&[one[0], one[0]]), Err(DeltaError::Base { delta: 2, .. })));
    let error = snapshot.with(&[second]).unwrap_err().to_string();
    let (base_identity, given) = (second.base(), snapshot.identity());
    assert_eq!(
        error,
        format!("delta 1 follows a snapshot of {base_identity}, and was given after one of {given}")
    );
    assert_eq!(snapshot.with(&[one[0], second]).unwrap().identity(), second.identity());

    let other = assemble(&SHOWN.replace("hi", "ho"), "other.sil").unwrap();
    let other = verified(&other);
    assert_eq!(
        Instance::new(&other, &imports, (), Options::default()).unwrap().save_since(&snapshot),
        Err(SaveError::BaseProgram)
    );
    let larger = Options { memory: Some(80), ..Options::default() };
    let larger = Instance::new(&program, &imports, (), larger).unwrap().save().unwrap();
    let error = instance.save_since(&Snapshot::read(&larger).unwrap());
    assert_eq!(error, Err(SaveError::BaseMemory { base: 80, memory: 64 }));
}

/// Offsets in the shown delta (docs/format.md).
const MEMORY: usize = 0x20;
const MAXIMUM: usize = 0x48;
const GLOBAL: usize = 0x5C;

#[test]
fn forged_deltas_are_refused() {
    let program = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&program);
    let (base, delta) = shown(&program);
    let changed = |changes: &[(usize, &[u8])]| {
        let mut bytes = delta.clone();
        changes.iter().for_each(|(at, change)| bytes[*at..*at + change.len()].copy_from_slice(change));
        repaired(bytes)
    };
    let error = |bytes: &[u8]| Delta::read(bytes).unwrap_err().to_string();
    assert_eq!(error(&base), "at offset 0, magic: expected \"SILD\": this is not a delta of a snapshot");
    assert_eq!(
        error(&changed(&[(4, &[1])])),
        "at offset 4, version: version 1.1 of deltas is unknown, expected 1.0"
    );
    assert_eq!(error(&changed(&[(MAXIMUM, &[48])])), "at offset 72, largest memory: 48 is less than 64");
    assert_eq!(
        error(&changed(&[(GLOBAL, &[0, 0, 1])])),
        "at offset 92, number of a global: 65536 is more than the limit of 65535"
    );
    let snapshot = Snapshot::read(&base).unwrap();
    let joined =
        |bytes: &[u8]| snapshot.with(&[Delta::read(bytes).unwrap()]).map(|_| ()).unwrap_err().to_string();
    assert_eq!(joined(&changed(&[(GLOBAL, &[2])])), "delta 1 changes global 2, and its base has 2");
    assert_eq!(
        joined(&changed(&[(MEMORY, &[48]), (MAXIMUM, &[48])])),
        "delta 1 has 48 bytes of memory, less than the 64 of its base"
    );
    assert_eq!(joined(&changed(&[(20, &[0])])), "delta 1 belongs to another program than its base");
    // A memory that the program cannot have.
    let bytes = changed(&[(MAXIMUM, &[80])]);
    let deltas = [Delta::read(&bytes).unwrap()];
    let snapshot = snapshot.with(&deltas).unwrap();
    let imports = Imports::<()>::new();
    let restored = Instance::restore(&program, &imports, (), Options::default(), &snapshot);
    assert!(matches!(restored, Err(RestoreError::Instantiate(_))));
}

/// What a delta is good for: little of a large memory was touched.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn deltas_are_small() {
    let text = ".memory 0x4000000\n.export f\n.func f (0) -> 0\nRET\n.end";
    let program = assemble(text, "large.sil").unwrap();
    let (program, imports) = (verified(&program), Imports::<()>::new());
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    for (index, word) in instance.memory_mut().chunks_mut(8).enumerate().skip(0x10_0000) {
        word.copy_from_slice(&(index as u64).to_le_bytes());
    }
    let base = instance.save().unwrap();
    assert!(base.len() > 0x370_0000);
    // 40 KiB in ten pages, the first of which was zero.
    (0..10).for_each(|page| instance.memory_mut()[page * 0x60_0000..][..4096].fill(7));
    let base = Snapshot::read(&base).unwrap();
    let delta = instance.save_since(&base).unwrap();
    assert!(delta.len() < 41 * 1024 + 300, "{} bytes", delta.len());
    let deltas = [Delta::read(&delta).unwrap()];
    let joined = base.with(&deltas).unwrap();
    let again = Instance::restore(&program, &imports, (), Options::default(), &joined).unwrap();
    assert!(again.memory() == instance.memory());
}

/// Restores a base and a delta if that is possible, and runs the instance for a while.
fn try_out(program: &Verified<'_>, base: &Snapshot<'_>, bytes: &[u8]) -> bool {
    let Ok(delta) = Delta::read(bytes) else { return false };
    let deltas = [delta];
    let Ok(joined) = base.with(&deltas) else { return false };
    if joined.memory_bytes() > 1 << 20 || joined.stack_cells() > 1 << 16 || joined.memory_maximum() > 1 << 20
    {
        return false;
    }
    let imports = Imports::<()>::new();
    let options = Options { fuel: Some(1000), ..Options::default() };
    let Ok(mut instance) = Instance::restore(program, &imports, (), options, &joined) else { return false };
    let saved = instance.save().unwrap();
    assert!(Snapshot::read(&saved).is_ok());
    assert!(Delta::read(&instance.save_since(&joined).unwrap()).is_ok());
    match instance.status() {
        Status::Idle => instance.call(FuncIndex(0), &[40]).unwrap(),
        Status::Stepping => instance.finish().unwrap(),
        Status::Suspended(_) => {
            let values = [1; 4];
            let count = instance.awaited_values();
            instance.resume(&values[..count]).unwrap()
        }
    };
    true
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn damage_is_an_error() {
    let program = assemble(SHOWN, "shown.sil").unwrap();
    let program = verified(&program);
    let (base, delta) = shown(&program);
    let base = Snapshot::read(&base).unwrap();
    assert!(try_out(&program, &base, &delta));
    for length in 0..delta.len() {
        assert!(Delta::read(&delta[..length]).is_err());
        let mut cut = delta[..length].to_vec();
        if length >= 16 {
            cut[8..16].copy_from_slice(&(length as u64).to_le_bytes());
        }
        assert!(Delta::read(&repaired(cut)).is_err());
    }
    let mut restored = 0;
    for bit in 0..delta.len() * 8 {
        let mut flipped = delta.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Delta::read(&flipped).is_err());
        restored += u32::from(try_out(&program, &base, &repaired(flipped)));
    }
    assert!(restored > 100, "values can be others: {restored}");
}

/// At every suspension of random programs, the deltas so far give what a full snapshot gives.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn deltas_are_full_snapshots_in_parts() {
    use proptest::test_runner::{Config, TestRunner};
    let imports = random::imports();
    let mut runner = TestRunner::new(Config { cases: 200, ..Config::default() });
    let joins = std::cell::Cell::new(0);
    let result = runner.run(&(random::functions(), 0u64..20), |(functions, fuel)| {
        let bytes = random::program(&functions);
        let program = verified(&bytes);
        let options = Options { stack_cells: Some(1000), fuel: Some(fuel), ..Options::default() };
        let mut instance = Instance::new(&program, &imports, (), options).unwrap();
        let base = instance.save().unwrap();
        let base = Snapshot::read(&base).unwrap();
        let params = program.functions()[0].ty.params();
        let mut outcome = instance.call(FuncIndex(0), &[1, 2, 3, 4, 5, 6, 7, 8][..params]).unwrap();
        let mut files: Vec<Vec<u8>> = Vec::new();
        for _ in 0..12 {
            let deltas: Vec<Delta<'_>> = files.iter().map(|bytes| Delta::read(bytes).unwrap()).collect();
            let delta = instance.save_since(&base.with(&deltas).unwrap()).unwrap();
            files.push(delta);
            let deltas: Vec<Delta<'_>> = files.iter().map(|bytes| Delta::read(bytes).unwrap()).collect();
            let joined = base.with(&deltas).unwrap();
            let restored = Instance::restore(&program, &imports, (), Options::default(), &joined).unwrap();
            assert_eq!(restored.save().unwrap(), instance.save().unwrap());
            joins.set(joins.get() + 1);
            let Outcome::Suspended(suspension) = outcome else { break };
            instance = restored;
            let values: &[u64] = match suspension.reason {
                Reason::Fuel | Reason::Interrupted => &[],
                Reason::Yield(_) => &[9],
                Reason::Pending(_) => &[10, 11, 12, 13],
            };
            instance.set_fuel(fuel);
            outcome = instance.resume(values).unwrap();
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(joins.get() > 500, "{} joins are too few", joins.get());
}

/// Runs of every length: their checksums are computed while they are written, and copies wait for their neighbours.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn large_memories_are_saved_in_runs_of_every_length() {
    const SIZE: usize = 4 << 20;
    let source = format!(".memory {SIZE}\n.export f\n.func f (0) -> 0\n RET\n.end");
    let bytes = assemble(&source, "large.sil").unwrap();
    let program = verified(&bytes);
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    let empty = instance.save().unwrap();
    let empty = Snapshot::read(&empty).unwrap();
    let lengths = [16, 32, 4096, 48, 65_536, 16, 65_520, 131_072, 1 << 20, 16, 1 << 21];
    let (mut address, mut runs) = (0, 0);
    for (length, gap) in
        lengths.iter().chain([16].iter().cycle().take(6000)).zip([16, 80, 4096].iter().cycle())
    {
        let Some(run) = instance.memory_mut().get_mut(address..address + length) else { break };
        run.iter_mut().enumerate().for_each(|(index, byte)| *byte = (index / 7) as u8 | 1);
        address += length + gap;
        runs += 1;
    }
    assert!(runs > 400, "{runs}");
    let full = instance.save().unwrap();
    let snapshot = Snapshot::read(&full).unwrap();
    assert_eq!(snapshot.memory().count(), runs);
    let restored = Instance::restore(&program, &imports, (), Options::default(), &snapshot).unwrap();
    assert!(restored.memory() == instance.memory());

    let delta = instance.save_since(&empty).unwrap();
    let deltas = [Delta::read(&delta).unwrap()];
    let joined = empty.with(&deltas).unwrap();
    let restored = Instance::restore(&program, &imports, (), Options::default(), &joined).unwrap();
    assert!(restored.memory() == instance.memory());
    assert_eq!(delta.len(), full.len() + 20, "the same runs, and the larger header");
    let fork = restored.fork(()).unwrap();
    assert!(fork.memory() == instance.memory());
}
