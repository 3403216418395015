//! Random programs that verify, with every instruction and arbitrary control flow.

use proptest::prelude::*;
use vsp_core::isa::{Flow, Inst, MathFn, Opcode, Operand, Role};
use vsp_core::program::{FuncType, FunctionBuilder, ProgramBuilder};
use vsp_core::{Caller, HostStop, Imports};

/// The ingredients of a function. All numbers are seeds that are reduced to their ranges.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    ty: FuncType,
    locals: u16,
    instructions: Vec<(usize, [u32; 4])>,
}

pub(crate) fn func_type() -> impl Strategy<Value = FuncType> {
    (0usize..=8, 0usize..=4).prop_map(|(params, results)| FuncType::new(params, results).unwrap())
}

pub(crate) fn functions() -> impl Strategy<Value = Vec<Function>> {
    // Control and locals are a third of the instructions, so that there is something to analyse.
    let often: Vec<usize> = (0..Opcode::ALL.len())
        .filter(|index| {
            let op = Opcode::ALL[*index];
            op.flow() != Flow::Next || op.operands().iter().any(|operand| operand.role == Role::Local)
        })
        .collect();
    let op = prop_oneof![2 => 0..Opcode::ALL.len(), 1 => prop::sample::select(often)];
    let instructions = prop::collection::vec((op, any::<[u32; 4]>()), 1..40);
    let locals = prop_oneof![Just(0u16), 1u16..5, 40u16..60, 100u16..200];
    let function = (func_type(), locals, instructions).prop_map(|(ty, locals, instructions)| Function {
        ty,
        locals,
        instructions,
    });
    prop::collection::vec(function, 1..4)
}

/// Returns the host functions of these programs, one of which is always pending.
#[allow(dead_code, reason = "the tests of the analysis run no program")]
pub(crate) fn imports() -> Imports<()> {
    let mut imports = Imports::new();
    imports.define("test", "a", |_: &mut Caller<'_, ()>| ()).unwrap();
    let ty = FuncType::new(8, 4).unwrap();
    imports.define_raw("test", "b", ty, |_, _, _| Err(HostStop::Pending)).unwrap();
    imports.define("test", "c", |_: &mut Caller<'_, ()>, x: u64, y: u64| x ^ y).unwrap();
    imports
}

/// Returns the bytes of a program with these functions, three imports, two constants, two globals
/// and two passive segments.
pub(crate) fn program(functions: &[Function]) -> Vec<u8> {
    let mut program = ProgramBuilder::new();
    for (name, params, results) in [("a", 0, 0), ("b", 8, 4), ("c", 2, 1)] {
        program.import("test", name, FuncType::new(params, results).unwrap()).unwrap();
    }
    for value in 1..3 {
        program.new_constant(value);
        program.global(value);
        program.passive(vec![0; 10]);
    }
    for function in functions {
        let mut code = FunctionBuilder::new(function.ty);
        code.set_locals(function.locals);
        for word in words(function, functions) {
            code.word(word);
        }
        program.function(code);
    }
    program.build().unwrap()
}

/// Returns the words of a function. Tables follow their SWITCH, targets are chosen from all words outside of tables.
fn words(function: &Function, functions: &[Function]) -> Vec<u32> {
    let results = function.ty.results();
    let (all, same): (Vec<i32>, Vec<i32>) = (
        (0..functions.len() as i32).collect(),
        (0..).zip(functions).filter(|(_, it)| it.ty.results() == results).map(|(index, _)| index).collect(),
    );
    let mut items: Vec<(Opcode, [u32; 4])> = Vec::new();
    let mut targets = Vec::new();
    for (index, seeds) in &function.instructions {
        let op = Opcode::ALL[*index];
        if !op.is_supported() || function.locals == 0 && op.operands().iter().any(|it| it.role == Role::Local)
        {
            continue;
        }
        targets.push(items.len());
        items.push((op, *seeds));
        if op.flow() == Flow::Switch {
            let entries = 1 + seeds[1] % 4;
            items.extend((0..entries).map(|entry| (Opcode::JMP, [seeds[2].rotate_left(entry), 0, 0, 0])));
        }
    }
    targets.push(items.len());
    items.push((Opcode::RET, [0; 4]));
    items
        .iter()
        .enumerate()
        .map(|(word, (op, seeds))| {
            let mut values: Vec<i32> = op
                .operands()
                .iter()
                .zip(seeds)
                .map(|(operand, seed)| match operand.role {
                    Role::Target => {
                        let target = targets[*seed as usize % targets.len()];
                        target as i32 - word as i32 - 1
                    }
                    Role::Local => (seed % u32::from(function.locals)) as i32,
                    Role::Func => {
                        let callees = if op.flow() == Flow::TailCall { &same } else { &all };
                        callees[*seed as usize % callees.len()]
                    }
                    Role::Type if op.flow() == Flow::TailCall => {
                        plain(*operand, *seed) & !0xF0 | (results << 4) as i32
                    }
                    Role::Import => (seed % 3) as i32,
                    Role::Const | Role::Global | Role::Segment => (seed % 2) as i32,
                    Role::Entries => (1 + seed % 4) as i32,
                    _ => plain(*operand, *seed),
                })
                .collect();
            let unary = op.operands().iter().zip(&values).any(|(it, value)| {
                it.role == Role::Math && MathFn::from_number(*value as u32).is_some_and(|it| !it.is_binary())
            });
            if unary {
                values[3] = 0;
            }
            Inst::new(*op, &values).unwrap().encode()
        })
        .collect()
}

/// Returns any valid value of the operand.
fn plain(operand: Operand, seed: u32) -> i32 {
    let (low, high) = operand.role.range(operand.field);
    let span = (high - low) as u32 + 1;
    let mut value = low + (seed % span) as i32;
    while !operand.role.accepts(operand.field, value) {
        value = if value == high { low } else { value + 1 };
    }
    value
}
