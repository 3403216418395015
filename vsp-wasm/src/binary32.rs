//! Binary32 numbers that meet at the beginning of a block are passed as binary64, as instructions compute with them,
//! where nobody can tell the difference: so a sum in a loop is not converted in every turn.
//!
//! A parameter can be wide if everybody widens it. If others read its bits, it can be wide if its arguments come from
//! arithmetic: only the conversion of a NaN that is not the canonical one loses bits.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use vsp_core::isa::Opcode as O;

use crate::ir::{BlockId, EXACT, Function, Kind, Value, for_each_read};

/// The uses and arguments of a parameter.
#[derive(Default)]
struct Candidate {
    /// Its arguments, of all edges to its block.
    args: Vec<Value>,
    /// The parameters that have this one as an argument.
    users: Vec<Value>,
    /// The instructions that widen it.
    widenings: Vec<Value>,
    /// Whether an instruction reads its bits.
    read: bool,
    /// Whether no argument can be a NaN other than the canonical one.
    canonical: bool,
    wide: bool,
}

/// Widens parameters of blocks.
pub(crate) fn widen_parameters(function: &mut Function) {
    let mut candidates = find(function);
    if candidates.values().all(|candidate| candidate.widenings.is_empty()) {
        return;
    }
    decide(function, &mut candidates);
    candidates.retain(|_, candidate| candidate.wide);
    if !candidates.is_empty() {
        rewrite(function, &candidates);
    }
}

/// Returns the bits of the argument that a wide parameter gets, if it is free.
fn wide_constant(bits: u64) -> u64 {
    let wide = f64::from(f32::from_bits(bits as u32));
    if wide.is_nan() { 0x7FF8_0000_0000_0000 } else { wide.to_bits() }
}

/// Returns the parameters of all blocks with their uses and arguments.
fn find(function: &Function) -> BTreeMap<Value, Candidate> {
    let mut candidates = BTreeMap::new();
    // Few functions compute with binary32 numbers at all.
    if !function.values.iter().any(|kind| matches!(kind, Kind::Op { op: O::F32WIDEN, .. })) {
        return candidates;
    }
    for block in &function.order {
        for param in &function.blocks[block.index()].params {
            if function.narrow[param.index()] {
                let candidate = Candidate { canonical: true, ..Candidate::default() };
                candidates.insert(*param, candidate);
            }
        }
    }
    for block in &function.order {
        let block = &function.blocks[block.index()];
        for inst in &block.insts {
            let kind = &function.values[inst.index()];
            for_each_read(kind, |value| {
                let Some(candidate) = candidates.get_mut(&function.resolve(value)) else { return };
                match kind {
                    Kind::Op { op: O::F32WIDEN, .. } => candidate.widenings.push(*inst),
                    _ => candidate.read = true,
                }
            });
        }
        for value in block.terminator.reads() {
            if let Some(candidate) = candidates.get_mut(&function.resolve(*value)) {
                candidate.read = true;
            }
        }
        for edge in block.terminator.edges() {
            let params = &function.blocks[edge.to.index()].params;
            for (arg, param) in edge.args.iter().zip(params) {
                let arg = function.resolve(*arg);
                match candidates.get_mut(param) {
                    Some(candidate) => candidate.args.push(arg),
                    None => {
                        if let Some(candidate) = candidates.get_mut(&arg) {
                            candidate.read = true;
                        }
                    }
                }
                if let Some(candidate) = candidates.get_mut(&arg) {
                    candidate.users.push(*param);
                }
            }
        }
    }
    candidates
}

/// Decides which parameters are wide.
fn decide(function: &Function, candidates: &mut BTreeMap<Value, Candidate>) {
    // Where a NaN with other bits can come from, and where it goes.
    let is_canonical =
        |candidates: &BTreeMap<Value, Candidate>, arg: Value| match &function.values[arg.index()] {
            Kind::Op { op: O::F32NARROW, .. } => true,
            Kind::Constant(bits) => !f32::from_bits(*bits as u32).is_nan() || *bits == 0x7FC0_0000,
            _ => candidates.get(&arg).is_some_and(|candidate| candidate.canonical),
        };
    let mut work: Vec<Value> = candidates.keys().copied().collect();
    while let Some(param) = work.pop() {
        let Some(candidate) = candidates.get(&param) else { continue };
        if candidate.canonical && !candidate.args.iter().all(|arg| is_canonical(candidates, *arg)) {
            work.extend_from_slice(&candidate.users);
            if let Some(candidate) = candidates.get_mut(&param) {
                candidate.canonical = false;
            }
        }
    }
    // Who is widened by nobody, also not through others, stays; so does who must keep its bits.
    let mut reached = Vec::new();
    reached.extend(candidates.iter().filter(|(_, it)| !it.widenings.is_empty()).map(|(param, _)| *param));
    while let Some(param) = reached.pop() {
        let Some(candidate) = candidates.get_mut(&param) else { continue };
        if !candidate.wide {
            candidate.wide = true;
            reached.extend_from_slice(&candidate.args);
        }
    }
    let mut work: Vec<Value> = candidates.keys().copied().collect();
    while let Some(param) = work.pop() {
        let Some(candidate) = candidates.get(&param) else { continue };
        let is_wide = |user: &Value| candidates.get(user).is_some_and(|user| user.wide);
        let keeps_bits = candidate.read || !candidate.users.iter().all(is_wide);
        if candidate.wide && keeps_bits && !candidate.canonical {
            work.extend(candidate.args.iter().filter(|arg| candidates.contains_key(arg)));
            if let Some(candidate) = candidates.get_mut(&param) {
                candidate.wide = false;
            }
        }
    }
}

fn rewrite(function: &mut Function, wide: &BTreeMap<Value, Candidate>) {
    for param in wide.keys() {
        function.narrow[param.index()] = false;
    }
    for block in function.order.clone() {
        replace_reads(function, block, wide);
        let mut terminator =
            core::mem::replace(&mut function.blocks[block.index()].terminator, crate::ir::Terminator::None);
        let mut new = Vec::new();
        for value in terminator.reads_mut() {
            *value = bits(function, *value, wide, &mut new);
        }
        for edge in terminator.edges_mut() {
            for place in 0..edge.args.len() {
                let param = function.blocks[edge.to.index()].params.get(place);
                let is_wide = param.is_some_and(|param| wide.contains_key(param));
                let change = if is_wide { widened } else { bits };
                edge.args[place] = change(function, edge.args[place], wide, &mut new);
            }
        }
        let block = &mut function.blocks[block.index()];
        block.terminator = terminator;
        block.insts.append(&mut new);
    }
    for (param, candidate) in wide {
        for widening in &candidate.widenings {
            function.values[widening.index()] = Kind::Alias(*param);
        }
    }
}

/// Lets those instructions of a block that do not widen parameters read their bits.
fn replace_reads(function: &mut Function, block: BlockId, wide: &BTreeMap<Value, Candidate>) {
    let old = core::mem::take(&mut function.blocks[block.index()].insts);
    let mut insts = Vec::with_capacity(old.len());
    for inst in old {
        let mut kind = core::mem::replace(&mut function.values[inst.index()], Kind::Result);
        let mut replace = |value: &mut Value| *value = bits(function, *value, wide, &mut insts);
        match &mut kind {
            Kind::Op { op: O::F32WIDEN, .. } => {}
            Kind::Op { args, .. } => args.iter_mut().filter(|value| **value != Value::NONE).for_each(replace),
            Kind::Call { args, .. } => args.iter_mut().for_each(replace),
            Kind::TrapIf { condition, .. } => replace(condition),
            Kind::DivisionCheck { dividend, divisor, .. } => {
                replace(dividend);
                replace(divisor);
            }
            _ => {}
        }
        function.values[inst.index()] = kind;
        insts.push(inst);
    }
    function.blocks[block.index()].insts = insts;
}

/// Returns the bits of a value: of a wide parameter, by a new instruction.
fn bits(
    function: &mut Function,
    value: Value,
    wide: &BTreeMap<Value, Candidate>,
    new: &mut Vec<Value>,
) -> Value {
    let value = function.resolve(value);
    if !wide.contains_key(&value) {
        return value;
    }
    let bits = new_value(function, O::F32NARROW, value, true);
    new.push(bits);
    bits
}

/// Returns an argument as a binary64.
fn widened(
    function: &mut Function,
    arg: Value,
    wide: &BTreeMap<Value, Candidate>,
    new: &mut Vec<Value>,
) -> Value {
    let arg = function.resolve(arg);
    if wide.contains_key(&arg) {
        return arg;
    }
    match function.values[arg.index()] {
        Kind::Op { op: O::F32NARROW, args, imm: EXACT } => function.resolve(args[0]),
        Kind::Constant(bits) => {
            let offset = function.offsets[arg.index()];
            function.new_value(Kind::Constant(wide_constant(bits)), false, offset)
        }
        _ => {
            let value = new_value(function, O::F32WIDEN, arg, false);
            new.push(value);
            value
        }
    }
}

fn new_value(function: &mut Function, op: O, source: Value, narrow: bool) -> Value {
    let imm = if op == O::F32NARROW { EXACT } else { 0 };
    let offset = function.offsets[source.index()];
    function.new_value(Kind::Op { op, args: [source, Value::NONE, Value::NONE], imm }, narrow, offset)
}
