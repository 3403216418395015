//! Targets that compare engines on programs that are generated from the fuzzer's bytes.

use std::cell::RefCell;

use vsp_core::generate::{Entropy, Generated, Seed};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_host::engine::EngineKind;
use vsp_host::native::Tier;

use super::{PROGRAM_LENGTH_AT, repaired};
use crate::Configuration;
use crate::random::{Engine, VspEngine, check, program_of_bytes};
use crate::reference::Reference;

/// Largest number of choices. More make longer programs, which take longer and show little more.
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
    /// An engine for each configuration: creating one takes longer than most programs run.
    static ENGINES: RefCell<[VspEngine; CONFIGURATIONS.len()]> =
        RefCell::new(CONFIGURATIONS.map(|configuration| VspEngine::new(configuration).expect("this computer has engine code")));
}

/// Compares some of [`CONFIGURATIONS`], and optionally another engine, with the interpreter.
fn compare(made: &Generated, configurations: &[Configuration], other: Option<&mut dyn Engine>) {
    ENGINES.with_borrow_mut(|engines| {
        let chosen = CONFIGURATIONS
            .iter()
            .zip(engines)
            .filter(|(configuration, _)| configurations.contains(configuration));
        let mut compared: Vec<&mut dyn Engine> = Vec::new();
        compared.extend(chosen.map(|(_, engine)| engine as &mut dyn Engine));
        if let Some(other) = other {
            compared.push(other);
        }
        if let Err(difference) = check(made, &mut compared) {
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

/// Number of bytes that select the words to change, and the bits to flip.
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

/// Returns random choices.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut random = Seed::new(1);
    [64, 200, 500, 1000, 2000].map(|length| (0..length).map(|_| random.bits(8) as u8).collect()).into()
}
