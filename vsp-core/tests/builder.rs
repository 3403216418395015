//! Long branches of the builder: programs with many of them behave like a model, no more of them are long than
//! necessary, and building takes little time even where each depends on the one before it.

use proptest::prelude::*;
use vsp_core::isa::{Inst, Opcode, Reg};
use vsp_core::program::{BuildError, FuncType, FunctionBuilder, Label, Program, ProgramBuilder};
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};

/// The reach of a JEQI and of a JZ.
const REL12: usize = 2047;
const IMM20: usize = 524_287;

fn function(params: usize, results: usize) -> FunctionBuilder {
    FunctionBuilder::new(FuncType::new(params, results).unwrap())
}

fn build(code: FunctionBuilder) -> Result<Vec<u8>, BuildError> {
    let mut program = ProgramBuilder::new();
    let index = program.function(code);
    program.export("f", index)?;
    program.build()
}

fn words(bytes: &[u8]) -> usize {
    Program::read(bytes).unwrap().code().len()
}

fn nops(code: &mut FunctionBuilder, count: usize) {
    (0..count).for_each(|_| code.push(Inst::nop().unwrap()));
}

fn run(bytes: &[u8], args: &[u64]) -> Vec<u64> {
    let program = Verified::new(Program::read(bytes).unwrap()).unwrap();
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    match instance.call_export("f", args) {
        Ok(Outcome::Returned(values)) => values.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// A block of a random program: it hashes its number into R1, and branches by the low bits of a counter.
#[derive(Clone, Debug)]
struct Block {
    filler: usize,
    /// The index of the kind of branch; see [`branch`].
    kind: u8,
    number: u8,
    target: prop::sample::Index,
}

/// Number of kinds of branches.
const KINDS: u8 = 18;

/// Creates a branch on R3 (the counter's low three bits), R4 (a number below eight) and R5 (R3 − R4).
fn branch(kind: u8, number: i32) -> Inst {
    let (op, values): (Opcode, &[i32]) = match kind {
        0 => (Opcode::JZ, &[3]),
        1 => (Opcode::JNZ, &[3]),
        2 => (Opcode::JN, &[5]),
        3 => (Opcode::LOOP, &[3]),
        4 => (Opcode::JEQ, &[3, 4]),
        5 => (Opcode::JNE, &[3, 4]),
        6 => (Opcode::JLT, &[5, 3]),
        7 => (Opcode::JGE, &[5, 3]),
        8 => (Opcode::JLTU, &[5, 4]),
        9 => (Opcode::JGEU, &[5, 4]),
        10 => (Opcode::JLTW, &[5, 3]),
        11 => (Opcode::JGEW, &[5, 3]),
        12 => (Opcode::JEQI, &[3, number]),
        13 => (Opcode::JNEI, &[3, number]),
        14 => (Opcode::JLTI, &[5, -number]),
        15 => (Opcode::JGEI, &[5, -number]),
        16 => (Opcode::JLTUI, &[5, number]),
        _ => (Opcode::JGEUI, &[5, number]),
    };
    Inst::new(op, values).unwrap()
}

/// The model of the program in Rust.
fn is_taken(kind: u8, number: i64, low: i64) -> bool {
    let difference = low - number;
    match kind {
        0 => low == 0,
        1 => low != 0,
        2 => difference < 0,
        3 => low != 1,
        4 | 12 => low == number,
        5 | 13 => low != number,
        6 | 10 => difference < low,
        7 | 11 => difference >= low,
        8 | 16 => (difference as u64) < number as u64,
        9 | 17 => difference as u64 >= number as u64,
        14 => difference < -number,
        _ => difference >= -number,
    }
}

/// R0 counts the visited blocks, and the last visit ends the function.
fn random_program(blocks: &[Block]) -> FunctionBuilder {
    let mut code = function(1, 2);
    let labels: Vec<Label> = blocks.iter().map(|_| code.label()).collect();
    let end = code.label();
    for (index, (block, label)) in blocks.iter().zip(&labels).enumerate() {
        code.bind(*label);
        code.push(Inst::muli(Reg::R1, Reg::R1, 31).unwrap());
        code.push(Inst::addi(Reg::R1, Reg::R1, index as i32 + 1).unwrap());
        code.push(Inst::addi(Reg::R0, Reg::R0, -1).unwrap());
        code.branch(Inst::jz(Reg::R0, 0).unwrap(), end);
        code.push(Inst::andi(Reg::R3, Reg::R0, 7).unwrap());
        code.push(Inst::movi(Reg::R4, i32::from(block.number)).unwrap());
        code.push(Inst::sub(Reg::R5, Reg::R3, Reg::R4).unwrap());
        code.branch(branch(block.kind, i32::from(block.number)), *block.target.get(&labels));
        nops(&mut code, block.filler);
    }
    code.branch(Inst::jmp(0).unwrap(), labels[0]);
    code.bind(end);
    code.push(Inst::ret().unwrap());
    code
}

fn model(blocks: &[Block], visits: u64) -> Vec<u64> {
    let (mut at, mut hash) = (0, 0u64);
    for left in (0..visits).rev() {
        hash = hash.wrapping_mul(31).wrapping_add(at as u64 + 1);
        let block = &blocks[at];
        let taken = is_taken(block.kind, i64::from(block.number), (left & 7) as i64);
        at = if taken { block.target.index(blocks.len()) } else { (at + 1) % blocks.len() };
    }
    vec![0, hash]
}

fn block() -> impl Strategy<Value = Block> {
    let filler = prop_oneof![8 => 0..20usize, 1 => 500..1500usize, 1 => 1990..2100usize];
    (filler, 0..KINDS, 0..8u8, any::<prop::sample::Index>())
        .prop_map(|(filler, kind, number, target)| Block { filler, kind, number, target })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn random_programs_run_as_their_model(
        blocks in proptest::collection::vec(block(), 1..60),
        visits in 1..400u64,
    ) {
        let bytes = build(random_program(&blocks)).unwrap();
        prop_assert_eq!(run(&bytes, &[visits]), model(&blocks, visits));
    }
}

/// A branch over `first` words that contain another branch, whose target is just out of reach and which therefore takes
/// one more word.
fn nested(outer: Inst, first: usize) -> Vec<u8> {
    let mut code = function(1, 1);
    let (far, farther) = (code.label(), code.label());
    code.branch(outer, far);
    code.branch(Inst::jeqi(Reg::R1, 1, 0).unwrap(), farther);
    nops(&mut code, first - 1);
    code.bind(far);
    nops(&mut code, REL12 + 2 - first);
    code.bind(farther);
    code.push(Inst::ret().unwrap());
    build(code).unwrap()
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn a_branch_is_long_only_if_it_has_to_be() {
    let outer = Inst::jnei(Reg::R1, 1, 0).unwrap();
    let plain = REL12 + 4;
    assert_eq!(words(&nested(outer, REL12 - 1)), plain + 1, "the outer one reaches");
    assert_eq!(words(&nested(outer, REL12)), plain + 2, "the inner one pushes it out of reach");
    assert_eq!(run(&nested(outer, REL12), &[7]), [7]);
}

/// Branch number i is i words before number 0, and reaches its label until i branches after it are long: each round of
/// the builder finds one more.
fn staircase(code: &mut FunctionBuilder, inst: Inst, reach: usize, steps: usize) {
    let labels: Vec<Label> = (0..steps).map(|_| code.label()).collect();
    labels.iter().rev().for_each(|label| code.branch(inst, *label));
    let mut word = steps;
    for (step, label) in labels.iter().enumerate().rev() {
        // Step 0 is one word too far; the others have room for all but the last of the words inserted between.
        let location = steps - step + reach + 1 - step.min(1) - step.saturating_sub(1);
        nops(code, location.saturating_sub(word));
        word = word.max(location);
        code.bind(*label);
    }
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn steps_that_depend_on_one_another_are_all_made_long() {
    let mut code = function(1, 1);
    staircase(&mut code, Inst::jnei(Reg::R1, 0, 0).unwrap(), REL12, 300);
    code.push(Inst::ret().unwrap());
    let plain = REL12 + 1 + 300;
    let bytes = build(code).unwrap();
    assert_eq!(words(&bytes), plain + 1 + 300);
    assert_eq!(run(&bytes, &[5]), [5]);
}

/// Twenty steps exceed the builder's limit of rounds. Branches after them are made long only if they would not reach if
/// all were long; this is decided in a single round, where 60,000 rounds would take minutes.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn steps_that_reach_in_any_case_stay_short() {
    const STEPS: usize = 60_000;
    for divisor in [2, 3, 4] {
        let reach = IMM20 / divisor;
        let mut code = function(1, 1);
        staircase(&mut code, Inst::jnei(Reg::R1, 0, 0).unwrap(), REL12, 20);
        staircase(&mut code, Inst::jnz(Reg::R1, 0).unwrap(), reach, STEPS);
        code.push(Inst::ret().unwrap());
        let bytes = build(code).unwrap();
        assert_eq!(words(&bytes), (REL12 + 1 + 20) + 20 + (reach + 1 + STEPS) + 1, "1/{divisor}");
        assert_eq!(run(&bytes, &[5]), [5]);
    }
}
