//! Frames and locations (sections 1 and 5).

use std::collections::BTreeMap;

use super::states::Layers;

/// A frame: location, registers, locals and state registers of a function. Entries that are absent from the maps are
/// zero.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) function: u32,
    /// The word that is executed, that made a call, or that is next.
    pub(super) word: u32,
    registers: BTreeMap<u32, u64>,
    locals: BTreeMap<u32, u64>,
    states: BTreeMap<u32, Layers>,
}

impl Frame {
    pub(super) fn new(function: u32, arguments: &[u64]) -> Frame {
        let registers = (0..).zip(arguments.iter().copied()).collect();
        Frame { function, word: 0, registers, locals: BTreeMap::new(), states: BTreeMap::new() }
    }

    pub(super) fn register(&self, number: u32) -> u64 {
        self.registers.get(&number).copied().unwrap_or(0)
    }

    pub(super) fn set_register(&mut self, number: u32, value: u64) {
        self.registers.insert(number, value);
    }

    pub(super) fn local(&self, number: u32) -> u64 {
        self.locals.get(&number).copied().unwrap_or(0)
    }

    pub(super) fn set_local(&mut self, number: u32, value: u64) {
        self.locals.insert(number, value);
    }

    pub(super) fn state(&self, number: u32) -> Layers {
        self.states.get(&number).copied().unwrap_or_default()
    }

    pub(super) fn set_state(&mut self, number: u32, layers: Layers) {
        self.states.insert(number, layers);
    }

    /// Returns R0 to R(count − 1).
    pub(super) fn first_registers(&self, count: usize) -> Vec<u64> {
        (0..).map(|number| self.register(number)).take(count).collect()
    }

    pub(super) fn set_first_registers(&mut self, values: &[u64]) {
        self.registers.extend((0..).zip(values.iter().copied()));
    }
}
