//! The fuzz target that reads snapshots.

use std::cell::RefCell;

use vsp_core::snapshot::Snapshot;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};
use vsp_host::engine::{Engine, EngineKind};

use super::{Sample, repaired, samples};
use crate::host_module;

/// Offset of the length in the header of a snapshot.
const LENGTH_AT: usize = 8;

/// Offset of the checksum and the length of the program in the header of a snapshot.
const PROGRAM_AT: usize = 20;

/// Fuel for resumed programs.
const FUEL: u64 = 5_000;

thread_local! {
    static ENGINE: RefCell<Engine> = RefCell::new(Engine::new(EngineKind::Tier2).expect("this computer has machine code"));
}

/// Reads, restores and resumes a snapshot. The first byte selects its program.
pub(super) fn state(data: &[u8]) {
    let Some((number, data)) = data.split_first() else { return };
    let _ = Snapshot::read(data);
    let programs = samples();
    let program = &programs[usize::from(*number) % programs.len()].program;
    let mut bytes = data.to_vec();
    if let Some(field) = bytes.get_mut(PROGRAM_AT..PROGRAM_AT + 8) {
        let image = program.program();
        field[..4].copy_from_slice(&image.checksum().to_le_bytes());
        field[4..].copy_from_slice(&(image.bytes().len() as u32).to_le_bytes());
    }
    let bytes = repaired(&bytes, LENGTH_AT);
    let Ok(state) = Snapshot::read(&bytes) else { return };
    if state.memory_bytes() > 1 << 20 || state.stack_cells() > 1 << 16 {
        return;
    }
    let Ok(imports) = host_module::imports() else { unreachable!("the imports of the cases") };
    let Ok(mut instance) = Instance::restore(program, &imports, (), Options::default(), &state) else {
        return;
    };
    let saved = instance.save().expect("the instance is suspended");
    let again = Snapshot::read(&saved).expect("a valid snapshot");
    let mut other = restored(program, &imports, &again);
    assert_eq!(other.save().as_ref(), Ok(&saved), "a restored instance saves the same state");
    let ends = [finish(&mut instance), finish(&mut other)];
    assert_eq!(ends[0], ends[1]);
    assert_eq!(instance.memory(), other.memory());
    assert_eq!(instance.fuel(), other.fuel());
}

/// Restores a snapshot in tier 2.
fn restored<'p>(
    program: &'p Verified<'p>,
    imports: &'p Imports<()>,
    state: &Snapshot<'_>,
) -> Instance<'p, ()> {
    ENGINE.with_borrow_mut(|engine| {
        let module = engine.load(program).expect("samples compile");
        module.restore(imports, (), Options::default(), state).expect("snapshots can be restored")
    })
}

/// Resumes until the program ends, or a few times.
fn finish(instance: &mut Instance<'_, ()>) -> Option<Outcome> {
    for _ in 0..4 {
        let waiting = instance.suspended()?;
        instance.set_fuel(FUEL);
        let answers = match waiting.reason {
            vsp_core::Reason::Yield(_) => 1,
            vsp_core::Reason::Pending(import) => {
                instance.program().program().imports().nth(import.index())?.ty.results()
            }
            _ => 0,
        };
        match instance.resume(&[3; 8][..answers]).expect("the instance is suspended") {
            Outcome::Suspended(_) => {}
            ended => return Some(ended),
        }
    }
    None
}

/// Returns a snapshot of each program that is suspended when it runs out of fuel, after the number of the program.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let Ok(imports) = host_module::imports() else { return Vec::new() };
    let state = |(number, sample): (u8, &'static Sample)| {
        let options = Options { stack_cells: Some(1024), fuel: Some(30), ..Options::default() };
        let mut instance = Instance::new(&sample.program, &imports, (), options).ok()?;
        for call in &sample.made.plan.calls {
            let arguments = &call.arguments[..];
            if let Ok(Outcome::Suspended(_)) = instance.call(call.function, arguments) {
                return Some([&[number][..], &instance.save().ok()?].concat());
            }
        }
        None
    };
    (0..).zip(samples()).filter_map(state).collect()
}
