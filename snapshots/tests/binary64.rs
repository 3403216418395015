//! IEEE 754 arithmetic, compared with results of Berkeley SoftFloat (`generate/softfloat.py`).

use vsp_core::generate::{Plan, Slice};
use vsp_core::index::FuncIndex;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Outcome, text};
use vsp_host::engine::EngineKind;
use vsp_snapshots::Configuration;
use vsp_snapshots::random::{Engine, EngineInstance, VspEngine};
use vsp_snapshots::reference::Reference;

/// The instruction of each column of a line with two operands, and of the results derived from them.
const BINARY: [&str; 10] = ["FADD", "FSUB", "FMUL", "FDIV", "FEQ", "FLT", "FLE", "FNE", "FMIN", "FMAX"];

/// The code of each column of a line with one operand, and of the results derived from it. R1 is zero.
const UNARY: [&str; 12] = [
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
    "FROUND32 R0, R0",
];

/// Number of results of the vectors, with those derived from them.
const RESULTS: usize = 19_719;

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

/// The NaN that VSP writes.
const NAN: u64 = 0x7FF8_0000_0000_0000;

/// Returns the bits of a vector, with the NaN that VSP writes.
fn canonical(bits: u64, narrowed: bool) -> u64 {
    match narrowed {
        true if f32::from_bits(bits as u32).is_nan() => 0x7FC0_0000,
        false if f64::from_bits(bits).is_nan() => NAN,
        _ => bits,
    }
}

/// Returns the results of FNE, FMIN and FMAX, which SoftFloat does not have, from whether b = c and b < c.
fn derived_from_two([b, c]: [u64; 2], equal: bool, less: bool) -> [u64; 3] {
    let is_nan = [b, c].into_iter().any(|it| f64::from_bits(it).is_nan());
    let [smaller, larger] = match (equal, less) {
        _ if is_nan => [NAN, NAN],
        // The same bits, or zeros: −0 is the smaller one.
        (true, _) => [b | c, b & c],
        (false, true) => [b, c],
        (false, false) => [c, b],
    };
    [u64::from(!equal), smaller, larger]
}

/// Returns the result of FROUND32, from the binary32.
fn derived_from_one(narrowed: u64) -> [u64; 1] {
    [canonical(f64::from(f32::from_bits(narrowed as u32)).to_bits(), false)]
}

/// Returns the operands of a line of vectors, and the results of all functions with this number of operands; `None`
/// where IEEE 754 leaves the result open.
fn parse(line: &str) -> (Vec<u64>, Vec<Option<u64>>) {
    let mut fields = line.split(' ');
    let operands: usize = fields.next().unwrap().parse().unwrap();
    let mut hex = fields.map(|field| (field != "-").then(|| u64::from_str_radix(field, 16).unwrap()));
    let arguments: Vec<u64> = hex.by_ref().take(operands).map(Option::unwrap).collect();
    let floats = if operands == 2 { 4 } else { 9 };
    let mut results: Vec<Option<u64>> = hex
        .enumerate()
        .map(|(column, bits)| match column < floats {
            true => bits.map(|bits| canonical(bits, operands == 1 && column == NARROWED)),
            false => bits,
        })
        .collect();
    let number = |column: usize| results[column].unwrap();
    match arguments[..] {
        [b, c] => results.extend(derived_from_two([b, c], number(4) == 1, number(5) == 1).map(Some)),
        _ => results.extend(derived_from_one(number(NARROWED)).map(Some)),
    }
    (arguments, results)
}

/// Compares all vectors, and returns the number of results.
fn check(engine: &mut dyn Engine) -> usize {
    let bytes = text::assemble(&program(), "binary64.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let plan = Plan {
        changed_frames: false,
        memory: None,
        stack_cells: None,
        calls: Vec::new(),
        slice: Slice::Plenty,
        interrupts: false,
        seed: 0,
        turns: 1,
    };
    let mut instance = engine.start(&program, &plan).unwrap();
    let mut results = 0;
    for line in include_str!("vectors/binary64.txt").lines().filter(|line| !line.starts_with('#')) {
        let (arguments, expected) = parse(line);
        let (first, functions) =
            if arguments.len() == 2 { (0, BINARY.len()) } else { (BINARY.len(), UNARY.len()) };
        assert_eq!(expected.len(), functions, "{line}");
        for (column, expected) in expected.into_iter().enumerate() {
            let Some(expected) = expected else { continue };
            let found = call(instance.as_mut(), first + column, &arguments);
            assert_eq!(
                found,
                expected,
                "{}: column {column} of {line}: {found:x}",
                if first == 0 { BINARY[column] } else { UNARY[column] }
            );
            results += 1;
        }
    }
    results
}

fn call(instance: &mut dyn EngineInstance, function: usize, arguments: &[u64]) -> u64 {
    instance.prepare(1_000, false);
    match instance.call(FuncIndex(function as u32), arguments).unwrap() {
        Outcome::Returned(results) => results[0],
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_engines_compute_what_softfloat_computes() {
    for kind in EngineKind::ALL {
        assert_eq!(check(&mut VspEngine::new(Configuration::Run(kind)).unwrap()), RESULTS);
    }
}

#[test]
fn the_reference_evaluator_computes_what_softfloat_computes() {
    assert_eq!(check(&mut Reference::default()), RESULTS);
}
