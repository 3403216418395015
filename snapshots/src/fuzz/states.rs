//! The fuzz target that reads snapshots, deltas, logs of host calls and state files.

use std::cell::RefCell;

use vsp_core::record::ReplayError;
use vsp_core::snapshot::{Delta, Snapshot};
use vsp_core::state_file::{SectionReader, StateFile};
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, Reason, Status};
use vsp_host::engine::{Engine, EngineKind};
use vsp_host::sys::SysState;

use super::{Sample, repaired, samples};
use crate::host_module;

/// Offset of the length in the header of a snapshot.
const LENGTH_AT: usize = 8;

/// Offset of the checksum and the length of the program in the header of a snapshot.
const PROGRAM_AT: usize = 20;

/// Offset of the length and the checksum of the base in the header of a delta.
const BASE_AT: usize = 80;

/// Size of the header of a log.
const LOG_HEADER: usize = 24;

/// Fuel for resumed programs.
const FUEL: u64 = 5_000;

/// Cells of the stacks of the instances that deltas and logs begin with.
const STACK_CELLS: u32 = 1024;

thread_local! {
    static ENGINE: RefCell<Engine> = RefCell::new(Engine::new(EngineKind::Tier2).expect("this computer has machine code"));
}

/// Reads, restores and resumes a snapshot or a delta, or replays a log. The first byte selects the program (its lower
/// three bits), and what it is. All bytes are read as a state file, too.
pub(super) fn state(data: &[u8]) {
    let Some((number, data)) = data.split_first() else { return };
    state_file(data);
    let programs = samples();
    let sample = &programs[usize::from(*number) % programs.len()];
    let Ok(imports) = host_module::imports() else { unreachable!("the imports of the cases") };
    match usize::from(*number) / programs.len() % 3 {
        0 => snapshot(sample, &imports, data),
        1 => delta(sample, &imports, data),
        _ => log(sample, &imports, data),
    }
}

fn snapshot(sample: &'static Sample, imports: &Imports<()>, data: &[u8]) {
    let _ = Snapshot::read(data);
    let bytes = of_program(&sample.program, data, None);
    if let Ok(state) = Snapshot::read(&bytes) {
        restore(sample, imports, &state);
    }
}

fn delta(sample: &'static Sample, imports: &Imports<()>, data: &[u8]) {
    let _ = Delta::read(data);
    let base = fresh(sample, imports).save().expect("there is memory");
    let base = Snapshot::read(&base).expect("a valid snapshot");
    let bytes = of_program(&sample.program, data, Some(&base));
    let Ok(delta) = Delta::read(&bytes) else { return };
    assert_eq!(delta.base(), base.identity());
    let deltas = [delta];
    if let Ok(joined) = base.with(&deltas) {
        restore(sample, imports, &joined);
    }
}

/// Returns the data as those of a snapshot of this program, or of a delta with this base, so that a fuzzer need not find
/// checksums.
fn of_program(program: &Verified<'_>, data: &[u8], base: Option<&Snapshot<'_>>) -> Vec<u8> {
    let mut bytes = data.to_vec();
    if let Some(field) = bytes.get_mut(PROGRAM_AT..PROGRAM_AT + 8) {
        let image = program.program();
        field[..4].copy_from_slice(&image.checksum().to_le_bytes());
        field[4..].copy_from_slice(&(image.bytes().len() as u32).to_le_bytes());
    }
    if let (Some(base), Some(field)) = (base, bytes.get_mut(BASE_AT..BASE_AT + 12)) {
        field[..8].copy_from_slice(&base.identity().bytes.to_le_bytes());
        field[8..].copy_from_slice(&base.identity().checksum.to_le_bytes());
    }
    repaired(&bytes, LENGTH_AT)
}

/// Restores a state in two engines, saves it in all forms, and resumes it.
fn restore(sample: &'static Sample, imports: &Imports<()>, state: &Snapshot<'_>) {
    if state.memory_maximum() > 1 << 20 || state.stack_cells() > 1 << 16 {
        return;
    }
    let restored = Instance::restore(&sample.program, imports, (), Options::default(), state);
    let Ok(mut instance) = restored else { return };
    let saved = instance.save().expect("there is memory");
    let again = Snapshot::read(&saved).expect("a valid snapshot");
    let mut other = restored_in_tier_2(&sample.program, imports, &again);
    assert_eq!(other.save().as_ref(), Ok(&saved), "a restored instance saves the same state");
    let delta = instance.save_since(state).expect("the program is the same");
    let deltas = state.deltas().iter().copied().chain([Delta::read(&delta).expect("a valid delta")]);
    let deltas: Vec<Delta<'_>> = deltas.collect();
    let joined = state.with(&deltas).expect("the delta follows its base");
    let mut joined = restored_in_tier_2(&sample.program, imports, &joined);
    assert_eq!(joined.save().as_ref(), Ok(&saved), "a delta is the same state");
    let mut fork = other.fork(()).expect("there is memory");
    let end = finish(sample, &mut instance);
    for other in [&mut other, &mut joined, &mut fork] {
        assert_eq!(finish(sample, other), end);
        assert_eq!(instance.memory(), other.memory());
        assert_eq!(instance.fuel(), other.fuel());
    }
}

/// Replays a log in two engines.
fn log(sample: &'static Sample, imports: &Imports<()>, data: &[u8]) {
    let (mut instance, state) = (fresh(sample, imports), fresh(sample, imports));
    let state = state.save().expect("there is memory");
    let state = Snapshot::read(&state).expect("a valid snapshot");
    let mut other = restored_in_tier_2(&sample.program, imports, &state);
    let _ = instance.replay(std::sync::Arc::<[u8]>::from(data));
    instance.end_replay();
    instance.record().expect("there is memory");
    let header = instance.end_log().expect("there is memory");
    let log: std::sync::Arc<[u8]> = [&header[..LOG_HEADER], data].concat().into();
    let ends = [&mut instance, &mut other].map(|it| replay(it, log.clone()));
    assert_eq!(ends[0], ends[1]);
    assert_eq!(instance.save(), other.save());
}

/// Replays a log to its end, or for a while.
fn replay(instance: &mut Instance<'_, ()>, log: std::sync::Arc<[u8]>) -> Result<Vec<Outcome>, ReplayError> {
    let mut outcomes = Vec::new();
    instance.replay(log)?;
    for _ in 0..8 {
        instance.set_fuel(FUEL);
        match instance.replay_next()? {
            Some(outcome) => outcomes.push(outcome),
            None => break,
        }
    }
    Ok(outcomes)
}

/// Returns an instance that was not called.
fn fresh<'p>(sample: &'static Sample, imports: &'p Imports<()>) -> Instance<'p, ()> {
    let options = Options { stack_cells: Some(STACK_CELLS), fuel: Some(30), ..Options::default() };
    Instance::new(&sample.program, imports, (), options).expect("samples can be instantiated")
}

/// Reads a state file, and the state of `sys` in each of its sections.
fn state_file(data: &[u8]) {
    let bytes = repaired(data, LENGTH_AT);
    let Ok(file) = StateFile::read(&bytes) else { return };
    assert!(Snapshot::read(file.snapshot_bytes()).is_ok(), "the snapshot was checked");
    for section in file.sections() {
        let _ = SysState::read(section.version, SectionReader::new(section.bytes));
    }
}

/// Restores a snapshot in tier 2.
fn restored_in_tier_2<'p>(
    program: &'p Verified<'p>,
    imports: &'p Imports<()>,
    state: &Snapshot<'_>,
) -> Instance<'p, ()> {
    ENGINE.with_borrow_mut(|engine| {
        let module = engine.load(program).expect("samples compile");
        module.restore(imports, (), Options::default(), state).expect("snapshots can be restored")
    })
}

/// Continues until the program ends, or a few times.
fn finish(sample: &Sample, instance: &mut Instance<'_, ()>) -> Option<Outcome> {
    for _ in 0..4 {
        instance.set_fuel(FUEL);
        let answers = instance.awaited_values();
        let outcome = match instance.status() {
            Status::Idle => {
                let call = sample.made.plan.calls.first()?;
                instance.call(call.function, &call.arguments)
            }
            Status::Stepping => instance.finish(),
            Status::Suspended(_) => instance.resume(&[3; 8][..answers]),
        };
        match outcome.expect("the instance can continue") {
            Outcome::Suspended(_) => {}
            ended => return Some(ended),
        }
    }
    None
}

/// Returns, for each program, a snapshot and a delta at the time when it runs out of fuel, a snapshot and a delta of the
/// idle instance, and a log; each after the byte that says what it is.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let Ok(imports) = host_module::imports() else { return Vec::new() };
    let of_sample = |(number, sample): (usize, &'static Sample)| {
        let tagged = |kind: usize, bytes: &[u8]| [&[(kind * samples().len() + number) as u8], bytes].concat();
        let mut seeds = Vec::new();
        let mut instance = fresh(sample, &imports);
        let base = instance.save().ok()?;
        seeds.push(tagged(0, &base));
        let base = Snapshot::read(&base).ok()?;
        for call in &sample.made.plan.calls {
            if let Ok(Outcome::Suspended(_)) = instance.call(call.function, &call.arguments) {
                break;
            }
        }
        seeds.push(tagged(0, &instance.save().ok()?));
        seeds.push(tagged(1, &instance.save_since(&base).ok()?));
        instance.reset();
        seeds.push(tagged(1, &instance.save_since(&base).ok()?));

        let mut instance = fresh(sample, &imports);
        instance.record().ok()?;
        for call in &sample.made.plan.calls {
            instance.set_fuel(FUEL);
            let mut outcome = instance.call(call.function, &call.arguments);
            for _ in 0..4 {
                let Ok(Outcome::Suspended(waiting)) = outcome else { break };
                if matches!(waiting.reason, Reason::Fuel | Reason::Interrupted) {
                    break;
                }
                let answers = instance.awaited_values();
                outcome = instance.resume(&[3; 8][..answers]);
            }
            if instance.status() != Status::Idle {
                break;
            }
        }
        seeds.push(tagged(2, &instance.end_log().ok()?[LOG_HEADER..]));
        Some(seeds)
    };
    samples().iter().enumerate().filter_map(of_sample).flatten().collect()
}
