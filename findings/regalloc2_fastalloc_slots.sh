#!/usr/bin/env bash
# One would guess that spill slots of values that never live at the same time are shared, in both allocators of
# regalloc2, only less well in the fast one: Output::num_spillslots is the size of the frame.
# In fact Algorithm::Fastalloc gives every spilled value a slot of its own, and never uses one again. Here 8 values live
# at once, in 4 registers, and then the next 8, 100 times: Ion needs at most 8 slots, Fastalloc hundreds. A caller with
# small frames, or with cheap and expensive slots, has to renumber slots itself.
# Seen with regalloc2 0.15.2. Source: the crate's published code and this program.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'T'
[package]
name = "finding"
version = "0.1.0"
edition = "2024"
[dependencies]
regalloc2 = "=0.15.2"
T
cat > src/main.rs <<'R'
use regalloc2::{
    Algorithm, Block, Function, Inst, InstRange, MachineEnv, Operand, OperandConstraint, OperandKind, OperandPos, PReg,
    PRegSet, RegClass, RegallocOptions, VReg,
};

const GROUPS: usize = 100;
const LIVE: usize = 8;

/// A block without branches; the operands of each instruction, the last of which returns.
struct Code(Vec<Vec<Operand>>);

impl Function for Code {
    fn num_insts(&self) -> usize {
        self.0.len()
    }
    fn num_blocks(&self) -> usize {
        1
    }
    fn entry_block(&self) -> Block {
        Block::new(0)
    }
    fn block_insns(&self, _: Block) -> InstRange {
        InstRange::new(Inst::new(0), Inst::new(self.0.len()))
    }
    fn block_succs(&self, _: Block) -> &[Block] {
        &[]
    }
    fn block_preds(&self, _: Block) -> &[Block] {
        &[]
    }
    fn block_params(&self, _: Block) -> &[VReg] {
        &[]
    }
    fn is_ret(&self, inst: Inst) -> bool {
        inst.index() + 1 == self.0.len()
    }
    fn is_branch(&self, _: Inst) -> bool {
        false
    }
    fn branch_blockparams(&self, _: Block, _: Inst, _: usize) -> &[VReg] {
        &[]
    }
    fn inst_operands(&self, inst: Inst) -> &[Operand] {
        &self.0[inst.index()]
    }
    fn inst_clobbers(&self, _: Inst) -> PRegSet {
        PRegSet::empty()
    }
    fn num_vregs(&self) -> usize {
        GROUPS * LIVE
    }
    fn spillslot_size(&self, _: RegClass) -> usize {
        1
    }
}

fn main() {
    let operand = |value, kind, position| {
        Operand::new(VReg::new(value, RegClass::Int), OperandConstraint::Reg, kind, position)
    };
    let mut code = Vec::new();
    for group in 0..GROUPS {
        let values = group * LIVE..(group + 1) * LIVE;
        code.extend(values.clone().map(|value| vec![operand(value, OperandKind::Def, OperandPos::Late)]));
        code.extend(values.map(|value| vec![operand(value, OperandKind::Use, OperandPos::Early)]));
    }
    code.push(Vec::new());
    let code = Code(code);
    let mut registers = PRegSet::empty();
    (0..4).for_each(|number| registers.add(PReg::new(number, RegClass::Int)));
    let env = MachineEnv {
        preferred_regs_by_class: [registers, PRegSet::empty(), PRegSet::empty()],
        non_preferred_regs_by_class: [PRegSet::empty(); 3],
        scratch_by_class: [None; 3],
        fixed_stack_slots: Vec::new(),
    };
    for algorithm in [Algorithm::Ion, Algorithm::Fastalloc] {
        let options = RegallocOptions { algorithm, ..RegallocOptions::default() };
        let slots = regalloc2::run(&code, &env, &options).expect("the function is valid").num_spillslots;
        println!("{algorithm:?}: {slots} slots for {GROUPS} groups, {}", match slots {
            0..=LIVE => "shared",
            slots if slots >= GROUPS * 4 => "not shared",
            _ => "shared in part",
        });
    }
}
R
found=$(cargo run --quiet)
echo "regalloc2 0.15.2:"
echo "$found"
grep -q '^Ion: .*, shared$' <<<"$found" && grep -q '^Fastalloc: .*, not shared$' <<<"$found" ||
    { echo "changed; seen before: Ion shared, Fastalloc not" >&2; exit 1; }
