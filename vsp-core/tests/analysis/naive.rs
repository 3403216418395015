//! A slow analysis of a function, word by word and slot by slot, written from docs/isa.md.

use std::collections::BTreeSet;

use vsp_core::index::{FuncIndex, Location};
use vsp_core::isa::{Inst, Role};
use vsp_core::program::FuncType;
use vsp_core::verify::{Function, Verified};

type Set = BTreeSet<u32>;

pub(crate) struct Analysis {
    words: Vec<Word>,
    reachable: Vec<bool>,
    params: u32,
    slots: u32,
}

#[derive(Default)]
struct Word {
    reads: Set,
    writes: Set,
    successors: Vec<usize>,
    before: Set,
    after: Set,
}

impl Analysis {
    pub(crate) fn new(program: &Verified<'_>, index: FuncIndex) -> Analysis {
        let function = program.function(index).unwrap();
        let mut words: Vec<Word> = (0..function.words)
            .map(|word| {
                let inst = program.instruction(Location { function: index, word }).unwrap();
                let (reads, writes) = effects(program, function, inst);
                Word { reads, writes, successors: successors(word as usize, inst), ..Word::default() }
            })
            .collect();
        loop {
            let mut changed = false;
            for at in (0..words.len()).rev() {
                let after: Set = words[at]
                    .successors
                    .iter()
                    .flat_map(|next| words[*next].before.iter().copied())
                    .collect();
                let before: Set = &(&after - &words[at].writes) | &words[at].reads;
                changed |= before != words[at].before || after != words[at].after;
                (words[at].before, words[at].after) = (before, after);
            }
            if !changed {
                break;
            }
        }
        let mut reachable = vec![false; words.len()];
        let mut todo = vec![0];
        while let Some(at) = todo.pop() {
            if !std::mem::replace(&mut reachable[at], true) {
                todo.extend(&words[at].successors);
            }
        }
        let slots = 32 + u32::from(function.locals);
        Analysis { words, reachable, params: function.ty.params() as u32, slots }
    }

    pub(crate) fn live_before(&self, word: u32, group: u32) -> u64 {
        bits(&self.words[word as usize].before, group)
    }

    pub(crate) fn live_after(&self, word: u32, group: u32) -> u64 {
        bits(&self.words[word as usize].after, group)
    }

    pub(crate) fn live_awaiting(&self, word: u32, group: u32) -> u64 {
        let word = &self.words[word as usize];
        bits(&(&word.after - &word.writes), group)
    }

    pub(crate) fn unreachable(&self) -> Vec<u32> {
        (0..).zip(&self.reachable).filter(|(_, reached)| !**reached).map(|(word, _)| word).collect()
    }

    /// Returns the words that read a slot and can be reached without a write to it, each with the slot.
    pub(crate) fn uninitialised_reads(&self) -> Vec<(u32, u32)> {
        let mut found = Vec::new();
        for slot in self.params..self.slots {
            let mut seen = vec![false; self.words.len()];
            let mut todo = vec![0];
            while let Some(at) = todo.pop() {
                if std::mem::replace(&mut seen[at], true) {
                    continue;
                }
                if self.words[at].reads.contains(&slot) {
                    found.push((at as u32, slot));
                }
                if !self.words[at].writes.contains(&slot) {
                    todo.extend(&self.words[at].successors);
                }
            }
        }
        found.sort();
        found
    }
}

fn bits(set: &Set, group: u32) -> u64 {
    set.iter().filter(|slot| **slot / 64 == group).fold(0, |bits, slot| bits | 1 << (slot % 64))
}

fn effects(program: &Verified<'_>, function: &Function, inst: Inst) -> (Set, Set) {
    let (mut reads, mut writes) = (Set::new(), Set::new());
    let immediate = inst.operands().last().map_or(0, |(_, value)| value as u32);
    for (operand, value) in inst.operands() {
        let value = value as u32;
        match operand.role {
            Role::Src | Role::FSrc | Role::Base | Role::X1 | Role::X2 | Role::X4 | Role::X8 | Role::X16 => {
                reads.insert(value);
            }
            // FMATH has a second argument from function 32 on.
            Role::FSrc2 if inst.value_of(Role::Math).unwrap() >= 32 => {
                reads.insert(value);
            }
            Role::Dst | Role::FDst => {
                writes.insert(value);
            }
            // State registers are slots 16 to 31.
            Role::SSrc => {
                reads.insert(16 + value);
            }
            Role::SDst => {
                writes.insert(16 + value);
            }
            Role::SMod => {
                reads.insert(16 + value);
                writes.insert(16 + value);
            }
            Role::Mod => {
                reads.insert(value);
                writes.insert(value);
            }
            _ => {}
        }
    }
    let mut calls = |ty: FuncType| {
        reads.extend(0..ty.params() as u32);
        writes.extend(0..ty.results() as u32);
    };
    match inst.op().mnemonic() {
        "TAILCALL" => reads.extend(0..program.functions()[immediate as usize].ty.params() as u32),
        "TAILCALLR" => reads.extend(0..FuncType::from_bits(immediate).unwrap().params() as u32),
        "CALL" => calls(program.functions()[immediate as usize].ty),
        "CALLR" => calls(FuncType::from_bits(immediate).unwrap()),
        "SYSCALL" => calls(program.program().imports().nth(immediate as usize).unwrap().ty),
        "RET" => reads.extend(0..function.ty.results() as u32),
        "GETL" => {
            reads.insert(32 + immediate);
        }
        "SETL" => {
            writes.insert(32 + immediate);
        }
        _ => {}
    }
    (reads, writes)
}

fn successors(at: usize, inst: Inst) -> Vec<usize> {
    let next = at + 1;
    let immediate = inst.operands().last().map_or(0, |(_, value)| value);
    let target = next.wrapping_add_signed(immediate as isize);
    match inst.op().mnemonic() {
        "HLT" | "RET" | "TRAP" | "TAILCALL" | "TAILCALLR" => vec![],
        "JMP" => vec![target],
        "SWITCH" => (next..=next + immediate as usize).collect(),
        "LOOP" => vec![next, target],
        branch if branch.starts_with('J') => vec![next, target],
        _ => vec![next],
    }
}
