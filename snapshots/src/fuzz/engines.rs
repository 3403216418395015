//! Targets that compare engines on programs that are made of the fuzzer's choices.

use std::cell::RefCell;

use vsp_core::generate::{Entropy, Generated, Seed};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_host::engine::EngineKind;
use vsp_host::native::Tier;

use super::{PROGRAM_LENGTH_AT, repaired};
use crate::Configuration;
use crate::random::{Engine, Machine, check, program_of_bytes};
use crate::reference::Reference;

/// How many choices are made at most. More make longer programs, which take longer and show little more.
const MAX_CHOICES: usize = 4096;

const INTERPRETER: Configuration = Configuration::Run(EngineKind::Interpreter);
const TIER_2: Configuration = Configuration::Run(EngineKind::Tier2);
const CONFIGURATIONS: [Configuration; 6] = [
    INTERPRETER,
    Configuration::Run(EngineKind::Tier1),
    TIER_2,
    Configuration::Save(EngineKind::Tier2),
    Configuration::Plain(EngineKind::Tier2),
    Configuration::Object(Tier::Two),
];

thread_local! {
    /// An engine for each way: making one takes longer than most programs.
    static MACHINES: RefCell<[Machine; CONFIGURATIONS.len()]> =
        RefCell::new(CONFIGURATIONS.map(|configuration| Machine::new(configuration).expect("this computer has machine code")));
}

/// Compares some of [`CONFIGURATIONS`], and perhaps another engine, with the interpreter.
fn compare(made: &Generated, configurations: &[Configuration], other: Option<&mut dyn Engine>) {
    MACHINES.with_borrow_mut(|machines| {
        let chosen = CONFIGURATIONS
            .iter()
            .zip(machines)
            .filter(|(configuration, _)| configurations.contains(configuration));
        let mut engines: Vec<&mut dyn Engine> = Vec::new();
        engines.extend(chosen.map(|(_, machine)| machine as &mut dyn Engine));
        if let Some(other) = other {
            engines.push(other);
        }
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
        compare(&made, &CONFIGURATIONS, None);
    }
}

pub(super) fn reference(data: &[u8]) {
    if let Some(made) = made(data) {
        compare(&made, &[INTERPRETER], Some(&mut Reference::default()));
    }
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
    made.bytes = repaired(&bytes, PROGRAM_LENGTH_AT);
    let verified = Program::read(&made.bytes[..]).map(|program| Verified::new(program).is_ok());
    if verified == Ok(true) {
        compare(&made, &[INTERPRETER, TIER_2], None);
    }
}

/// Choices at random.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut random = Seed::new(1);
    [64, 200, 500, 1000, 2000].map(|length| (0..length).map(|_| random.bits(8) as u8).collect()).into()
}
