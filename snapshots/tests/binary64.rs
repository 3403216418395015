//! IEEE 754 arithmetic, against what Berkeley SoftFloat computed (`generate/softfloat.py`).

use vsp_core::generate::{Plan, Slice};
use vsp_core::index::FuncIndex;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Outcome, text};
use vsp_host::engine::EngineKind;
use vsp_snapshots::Way;
use vsp_snapshots::random::{Engine, Machine, Session};
use vsp_snapshots::reference::Reference;

/// One function for each column of a line of two operands.
const BINARY: [&str; 7] = ["FADD", "FSUB", "FMUL", "FDIV", "FEQ", "FLT", "FLE"];

/// The code of one function for each column of a line of one operand. R1 is zero.
const UNARY: [&str; 11] = [
    "FSQRT R0, R0",
    "FFLOOR R0, R0",
    "FCEIL R0, R0",
    "FTRUNC R0, R0",
    "FNEAREST R0, R0",
    "STOREF32 [R1], R0\n LOAD32U R0, [R1]",
    "SHRI R0, R0, 32\n STORE32 [R1], R0\n LOADF32 R0, [R1]",
    "I2F R0, R0",
    "U2F R0, R0",
    "F2I R0, R0",
    "F2U R0, R0",
];

/// The column of a binary32.
const NARROWED: usize = 5;

fn program() -> String {
    let binary = BINARY.iter().map(|name| (2, format!("{name} R0, R0, R1")));
    let unary = UNARY.iter().map(|code| (1, (*code).to_owned()));
    let functions = binary.chain(unary).enumerate();
    functions
        .map(|(number, (params, code))| {
            format!(".export f{number}\n.func f{number} ({params}) -> 1\n {code}\n RET\n.end\n")
        })
        .collect()
}

/// The vector's NaN as VSP writes it.
fn canonical(bits: u64, narrowed: bool) -> u64 {
    match narrowed {
        true if f32::from_bits(bits as u32).is_nan() => 0x7FC0_0000,
        false if f64::from_bits(bits).is_nan() => 0x7FF8_0000_0000_0000,
        _ => bits,
    }
}

/// Compares all vectors, and says how many results there were.
fn check(engine: &mut dyn Engine) -> usize {
    let bytes = text::assemble(&program(), "binary64.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let plan = Plan {
        memory: None,
        stack_cells: None,
        calls: Vec::new(),
        slice: Slice::Plenty,
        interrupts: false,
        seed: 0,
        turns: 1,
    };
    let mut session = engine.start(&program, &plan).unwrap();
    let mut results = 0;
    for line in include_str!("vectors/binary64.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split(' ');
        let operands: usize = fields.next().unwrap().parse().unwrap();
        let mut hex = fields.map(|field| u64::from_str_radix(field, 16).ok());
        let arguments: Vec<u64> = hex.by_ref().take(operands).map(Option::unwrap).collect();
        let first = if operands == 2 { 0 } else { BINARY.len() };
        for (column, expected) in hex.enumerate() {
            let Some(expected) = expected else { continue };
            let is_float = if operands == 2 { column < 4 } else { column < 9 };
            let narrowed = operands == 1 && column == NARROWED;
            let expected = if is_float { canonical(expected, narrowed) } else { expected };
            let found = call(session.as_mut(), first + column, &arguments);
            assert_eq!(
                found,
                expected,
                "{}: column {column} of {line}: {found:x}",
                instruction(first, column)
            );
            results += 1;
        }
    }
    results
}

fn instruction(first: usize, column: usize) -> &'static str {
    if first == 0 { BINARY[column] } else { UNARY[column] }
}

fn call(session: &mut dyn Session, function: usize, arguments: &[u64]) -> u64 {
    session.prepare(1_000, false);
    match session.call(FuncIndex(function as u32), arguments).unwrap() {
        Outcome::Returned(results) => results[0],
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_engines_compute_what_softfloat_computes() {
    for kind in EngineKind::ALL {
        let results = check(&mut Machine::new(Way::Run(kind)).unwrap());
        assert!(results > 14_000, "{results}");
    }
}

#[test]
fn the_reference_evaluator_computes_what_softfloat_computes() {
    check(&mut Reference::default());
}
