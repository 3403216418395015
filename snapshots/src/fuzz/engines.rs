//! Targets that compare engines on programs that are made of the fuzzer's choices.

use std::cell::RefCell;

use vsp_core::generate::Generated;
use vsp_core::program::Program;
use vsp_host::engine::EngineKind;
use vsp_host::native::Tier;

use super::repaired;
use crate::Way;
use crate::random::{Engine, Machine, check, program_of_bytes};
use crate::reference::Reference;

/// How many choices are made at most. More make longer programs, which take longer and show little more.
const MAX_CHOICES: usize = 4096;

thread_local! {
    /// An engine of each kind: making one takes longer than most programs.
    static MACHINES: RefCell<Vec<Machine>> = RefCell::new(machines());
}

const INTERPRETER: usize = 0;
const TIER_1: usize = 1;
const TIER_2: usize = 2;
const SAVE: usize = 3;
const PLAIN: usize = 4;
const OBJECT: usize = 5;

fn machines() -> Vec<Machine> {
    let ways = [
        Way::Run(EngineKind::Interpreter),
        Way::Run(EngineKind::Tier1),
        Way::Run(EngineKind::Tier2),
        Way::Save(EngineKind::Tier2),
        Way::Plain(EngineKind::Tier2),
        Way::Object(Tier::Two),
    ];
    ways.into_iter().map(|way| Machine::new(way).expect("this computer has machine code")).collect()
}

/// Compares some of the machines with the first.
fn compare(made: &Generated, numbers: &[usize]) {
    MACHINES.with_borrow_mut(|machines| {
        let chosen = machines.iter_mut().enumerate().filter(|(number, _)| numbers.contains(number));
        let mut engines: Vec<&mut dyn Engine> = chosen.map(|(_, it)| it as &mut dyn Engine).collect();
        if let Err(difference) = check(made, &mut engines) {
            panic!("{difference}");
        }
    });
}

fn made(data: &[u8]) -> Option<Generated> {
    program_of_bytes(&data[..data.len().min(MAX_CHOICES)]).ok()
}

pub(super) fn tiers(data: &[u8]) {
    if let Some(made) = made(data) {
        compare(&made, &[INTERPRETER, TIER_1, TIER_2, SAVE, PLAIN, OBJECT]);
    }
}

pub(super) fn reference(data: &[u8]) {
    let Some(made) = made(data) else { return };
    MACHINES.with_borrow_mut(|machines| {
        let mut reference = Reference::default();
        if let Err(difference) = check(&made, &mut [&mut machines[INTERPRETER], &mut reference]) {
            panic!("{difference}");
        }
    });
}

/// Bytes that say which words are changed, and how.
const CHANGES: usize = 4 * 8;

pub(super) fn verifier(data: &[u8]) {
    let Some((changes, choices)) = data.split_at_checked(CHANGES) else { return };
    let Some(mut made) = made(choices) else { return };
    let Ok(program) = Program::read(&made.bytes[..]) else { unreachable!("the generator makes programs") };
    let code = program.code().as_flattened();
    let (start, words) = (code.as_ptr().addr() - made.bytes.as_ptr().addr(), program.code().len());
    let mut bytes = made.bytes.clone();
    for change in changes.as_chunks::<8>().0 {
        let (index, mask) = (u32::from_le_bytes([change[0], change[1], change[2], change[3]]), &change[4..]);
        let word = start + index as usize % words * 4;
        bytes[word..word + 4].iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
    made.bytes = repaired(&bytes, 12);
    let verified =
        Program::read(&made.bytes[..]).map(|program| vsp_core::verify::Verified::new(program).is_ok());
    if verified == Ok(true) {
        compare(&made, &[INTERPRETER, TIER_2]);
    }
}

/// Choices at random.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut state = 1u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    [64, 200, 500, 1000, 2000].map(|length| (0..length).map(|_| byte()).collect()).into()
}
