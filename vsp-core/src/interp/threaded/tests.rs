//! Tests that handlers jump to each other. If one called the next instead, a loop would need native stack for each
//! iteration.

use std::string::ToString;
use std::thread;
use std::vec::Vec;

use super::superinstructions::{self, PAIRS};
use super::variant;
use crate::index::FuncIndex;
use crate::isa::{Field, Flow, Inst, Opcode, Operand, Reg, Role};
use crate::program::{FuncType, FunctionBuilder, Program, ProgramBuilder};
use crate::verify::Verified;
use crate::{Caller, Imports, Instance, Options, Outcome};

/// Bytes of native stack.
const STACK: usize = 64 << 10;

/// Iterations of a loop: with 8 bytes for each, the stack would be too small four times over.
const ITERATIONS: u64 = 4 * STACK as u64 / 8;

/// Registers that only the loop counts in, that are zero, and that hold 1.
const COUNTER: i32 = 8;
const ZERO: i32 = 4;
const ONE: i32 = 1;

/// Returns whether it can be in the middle of a loop.
fn fits_in_a_loop(op: &Opcode) -> bool {
    op.is_supported() && matches!(op.flow(), Flow::Next | Flow::Branch | Flow::Jump | Flow::Bulk)
}

/// Returns an operand with which the instruction does not trap, and a branch goes to the next word.
fn harmless(operand: &Operand) -> i32 {
    match operand.role {
        Role::Dst | Role::FDst | Role::Mod => 2,
        Role::Base | Role::X1 | Role::X2 | Role::X4 | Role::X8 | Role::X16 => ZERO,
        Role::Src | Role::FSrc => ONE,
        Role::Bits => 8,
        _ => 0,
    }
}

fn inst(op: Opcode) -> Inst {
    variant_of(op, variant::NONE)
}

/// Creates an instruction that follows one that writes R2, and reads R2 as the operand that the variant says.
fn variant_of(op: Opcode, variant: u8) -> Inst {
    let last = match variant {
        variant::A => Some(Field::a),
        variant::B => Some(Field::b),
        variant::C => Some(Field::c),
        _ => None,
    };
    let of = |operand: &Operand| if Some(operand.field) == last { 2 } else { harmless(operand) };
    let operands: Vec<i32> = op.operands().iter().map(of).collect();
    Inst::new(op, &operands).expect("the operands are in their ranges")
}

/// Runs these instructions in a loop that ends with a LOOP, on a small native stack.
fn run(body: &[Inst]) {
    let mut program = ProgramBuilder::new();
    program.memory(64);
    (0..=ONE).for_each(|_| _ = program.global(0));
    program.constant(7);
    program.passive(std::vec![0; 8]);
    let mut code = FunctionBuilder::new(FuncType::new(0, 0).expect("the type exists"));
    code.set_locals(1);
    for (reg, value) in [(Reg::R1, 1), (Reg::R4, 0), (Reg::R8, ITERATIONS as i32)] {
        code.push(Inst::movi(reg, value).expect("it fits"));
    }
    let head = code.here();
    body.iter().for_each(|inst| code.push(*inst));
    code.branch(Inst::new(Opcode::LOOP, &[COUNTER, 0]).expect("it fits"), head);
    code.push(Inst::ret().expect("it fits"));
    program.function(code);
    let outcome = call(&program.build().expect("it can be built"));
    assert!(matches!(outcome, Outcome::Returned(_)), "{body:?}: {outcome:?}");
}

/// Returns the outcome of a call of the first function of a program.
fn call(bytes: &[u8]) -> Outcome {
    let verified = Verified::new(Program::read(bytes).expect("it reads")).expect("it verifies");
    let mut imports = Imports::new();
    imports.define("host", "inc", |_: &mut Caller<'_, ()>, x: u64| x + 1).expect("it is the only one");
    let mut instance = Instance::new(&verified, &imports, (), Options::default()).expect("it needs little");
    instance.call(FuncIndex(0), &[]).expect("it can be called")
}

fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK).name("small".to_string()).spawn(test);
    thread.expect("there is a thread").join().expect("the stack suffices");
}

#[test]
fn every_handler_jumps_to_the_next() {
    on_a_small_stack(|| Opcode::ALL.iter().filter(|op| fits_in_a_loop(op)).for_each(|op| run(&[inst(*op)])));
}

#[test]
fn every_fused_pair_jumps_to_the_next() {
    on_a_small_stack(|| {
        let pairs = PAIRS.iter().filter(|(x, y)| fits_in_a_loop(x) && fits_in_a_loop(y));
        pairs.for_each(|(x, y)| run(&[inst(*x), inst(*y), inst(Opcode::NOP)]));
    });
}

#[test]
fn every_fused_sequence_jumps_to_the_next() {
    on_a_small_stack(|| {
        for (first, tail) in superinstructions::sequences() {
            let mut body = std::vec![inst(first)];
            body.extend(tail.iter().map(|(op, variant)| variant_of(*op, *variant)));
            if tail.last() == Some(&(Opcode::LOOP, variant::BACK)) {
                body.pop();
            }
            if body.iter().all(|inst| fits_in_a_loop(&inst.op())) {
                run(&body);
            }
        }
    });
}

#[test]
fn calls_and_returns_jump() {
    on_a_small_stack(|| {
        let text = ".export run\n.func run (0) -> 1\n MOVI R8, 100000\nagain:\n CALL one\n\
             CALL other\n MOVI R9, 1\n CALLR R9, (1) -> 1\n LOOP R8, again\n RET\n\
             .end\n.func one (1) -> 1\n ADDI R0, R0, 1\n RET\n.end\n.func other (1) -> 1\n.locals 3\n GETL R1, $2\n\
             ADD R0, R1\n RET\n.end";
        match call(&crate::text::assemble(text, "calls.sil").expect("it assembles")) {
            Outcome::Returned(results) => assert_eq!(results[..], [200_000]),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn calls_of_the_host_jump() {
    on_a_small_stack(|| {
        let text = ".import host.inc (1) -> 1\n.export run\n.func run (0) -> 1\n MOVI R8, 100000\nagain:\n\
             SYSCALL host.inc\n LOOP R8, again\n RET\n.end";
        match call(&crate::text::assemble(text, "host.sil").expect("it assembles")) {
            Outcome::Returned(results) => assert_eq!(results[..], [100_000]),
            other => panic!("{other:?}"),
        }
    });
}
