//! ByteSil instructions with every number and every pair of numbers, in every engine, compared with the reference
//! evaluator.
//!
//! Programs loop over the pairs, so that each is compiled once. The upper bits of the operands are not zero.

use std::sync::Arc;

use vsp_core::isa::Opcode;
use vsp_core::native::{Arch, CompileOptions, Target};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Options, Outcome, text};
use vsp_host::engine::{Engine, EngineKind};
use vsp_snapshots::{EMULATED, reference};

/// The bits of the operands above the low byte.
const UPPER_BITS: u64 = 0x0012_3456_0000;

/// Runs `f` of a program in every engine and checks the numbers that it writes to its memory, from address 0.
fn check(name: &str, source: &str, expected: &[u64]) {
    let bytes: Arc<[u8]> =
        text::assemble(source, name).unwrap_or_else(|errors| panic!("{}", errors[0])).into();
    let program = Arc::new(Verified::new(Program::read(bytes).unwrap()).unwrap());
    let expected: Vec<[u8; 8]> = expected.iter().map(|value| value.to_le_bytes()).collect();
    let engines = EngineKind::ALL.map(|kind| (kind.name(), Engine::new(kind)));
    // The baseline processor of the architecture, without the features of this one: other instructions for states.
    let baseline = Arch::host().map(|arch| {
        ("baseline", Engine::for_target(EngineKind::Tier2, Target::new(arch), CompileOptions::default()))
    });
    for (engine, made) in engines.into_iter().chain(baseline) {
        let module = made.unwrap().load(program.clone()).unwrap();
        let mut instance = module.instantiate(Arc::new(Imports::default()), (), Options::default()).unwrap();
        let outcome = instance.call_export("f", &[]).unwrap();
        assert!(matches!(outcome, Outcome::Returned(_)), "{name}, {engine}: {outcome:?}");
        let (found, _) = instance.memory().as_chunks::<8>();
        if let Some(at) = found.iter().zip(&expected).position(|(found, expected)| found != expected) {
            panic!("{name}, {engine}: {at:#x}: {:x?}, expected {:x?}", found[at], expected[at]);
        }
    }
}

/// Returns the word of an instruction with these operands; its registers are those of the programs here.
fn word(op: Opcode, imm: i32) -> u32 {
    let immediate = (imm as u32 & 0xFFF) << 20;
    u32::from(op.number()) | 0x0002_1300 & op.used_bits() | immediate & op.used_bits()
}

/// Returns the text of the instruction that computes R3 from R1 and R2.
fn line(op: Opcode, imm: i32) -> String {
    let inst = vsp_core::isa::Inst::decode(word(op, imm)).unwrap();
    let mut operands: Vec<String> = inst.registers().map(|(reg, _)| reg.to_string()).collect();
    if op.used_bits() >> 20 != 0 {
        operands.push(imm.to_string());
    }
    format!("{} {}", op.mnemonic(), operands.join(", "))
}

/// Returns a program that loops over all pairs and stores R3, which `body` computes from R1 and R2.
fn over_pairs(body: &str) -> String {
    format!(
        ".memory 0x80000\n.const UPPER_BITS {UPPER_BITS}\n.const LAST {}\n.export f\n.func f (0) -> 0\n CONST R0, UPPER_BITS\n CONST R6, LAST\n\
         next:\n SHRI R1, R0, 8\n MOV R2, R0\n {body}\n STOREX [R4 + R5*8], R3\n ADDI R5, R5, 1\n ADDI R0, R0, 1\n\
         JNE R0, R6, next\n RET\n.end\n",
        UPPER_BITS + 0x1_0000
    )
}

fn pairs() -> impl Iterator<Item = (u64, u64)> {
    (UPPER_BITS..UPPER_BITS + 0x1_0000).map(|index| (index >> 8, index))
}

fn check_pairs(op: Opcode, imm: i32) {
    let expected: Vec<u64> =
        pairs().map(|(b, c)| reference::computed(word(op, imm), b, c).unwrap()).collect();
    check(&line(op, imm), &over_pairs(&line(op, imm)), &expected);
}

/// Checks all immediates, or one of eight where the architecture is usually emulated, with 64 pairs.
fn check_all_immediates(op: Opcode, first: i32) {
    let immediates = (first..first + 4096).step_by(if EMULATED { 8 } else { 1 });
    let pair = |index: u64| (UPPER_BITS + index * 67, UPPER_BITS + index * 151 + 13);
    let mut source = format!(
        ".memory 0x200000\n.const UPPER_BITS {UPPER_BITS}\n.export f\n.func f (0) -> 0\n CONST R7, UPPER_BITS\n\
         next:\n MULI R1, R5, 67\n ADD R1, R1, R7\n MULI R2, R5, 151\n ADDI R2, R2, 13\n ADD R2, R2, R7\n"
    );
    for (index, imm) in immediates.clone().enumerate() {
        source += &format!(" {}\n STORE [R4 + {}], R3\n", line(op, imm), 8 * index);
    }
    let half = 4 * immediates.len();
    source += &format!(
        " ADDI R4, R4, {half}\n ADDI R4, R4, {half}\n ADDI R5, R5, 1\n JNEI R5, 64, next\n RET\n.end\n"
    );
    let computed = |index| {
        let (b, c) = pair(index);
        immediates.clone().map(move |imm| reference::computed(word(op, imm), b, c).unwrap())
    };
    let expected: Vec<u64> = (0..64).flat_map(computed).collect();
    check(&format!("{} with all immediates", op.mnemonic()), &source, &expected);
}

/// Checks 33 immediates from the first to the last, or 5 where the architecture is usually emulated.
fn check_some_immediates(op: Opcode, first: i32) {
    let step = if EMULATED { 1024 } else { 128 };
    for imm in (0..=4096).step_by(step) {
        check_pairs(op, first + imm.min(4095));
    }
}

#[test]
fn all_pairs() {
    for op in [Opcode::COMPLEX_ADD, Opcode::COMPLEX_SUB, Opcode::COMPLEX_MUL, Opcode::COMPLEX_DIV] {
        check_pairs(op, 0);
    }
}

#[test]
fn all_numbers() {
    use Opcode::*;
    for op in [COMPLEX_INV, COMPLEX_CONJ, COMPLEX_MAG, COMPLEX_PHASE, COMPLEX_RE, COMPLEX_IM] {
        check_pairs(op, 0);
    }
}

#[test]
fn powers_roots_scales_and_rotations() {
    use Opcode::*;
    for (op, first) in
        [(COMPLEX_POW, -2048), (COMPLEX_ROOT, 0), (COMPLEX_SCALE, -2048), (COMPLEX_ROTATE, -2048)]
    {
        check_some_immediates(op, first);
        check_all_immediates(op, first);
    }
}

#[test]
fn interpolation() {
    check_some_immediates(Opcode::COMPLEX_LERP, 0);
    check_all_immediates(Opcode::COMPLEX_LERP, 0);
}

/// COMPLEX_FROM of the components of a number is that number.
#[test]
fn from_components() {
    let components = " COMPLEX_RE R8, R2\n COMPLEX_IM R9, R2\n COMPLEX_FROM R3, R8, R9";
    let expected: Vec<u64> = pairs().map(|(_, c)| c & 0xFF).collect();
    check("components", &over_pairs(components), &expected);
}

/// COMPLEX_FROM of sums of components, which are points all over the plane.
#[test]
fn from_sums_of_components() {
    let sums = " COMPLEX_RE R8, R1\n COMPLEX_IM R9, R1\n COMPLEX_RE RA, R2\n COMPLEX_IM RB, R2\n FADD R8, R8, RA\n \
        FADD R9, R9, RB\n COMPLEX_FROM R3, R8, R9";
    let component = |op, number| f64::from_bits(reference::computed(word(op, 0), number, 0).unwrap());
    let expected_of = |(b, c)| {
        let sum = |op| (component(op, b) + component(op, c)).to_bits();
        let (re, im) = (sum(Opcode::COMPLEX_RE), sum(Opcode::COMPLEX_IM));
        reference::computed(word(Opcode::COMPLEX_FROM, 0), re, im).unwrap()
    };
    let expected: Vec<u64> = pairs().map(expected_of).collect();
    check("sums of components", &over_pairs(sums), &expected);
}

/// Returns a program that loops over all pairs, 16 at a time, and stores S2, which `body` computes from S0 and S1:
/// layer i of S0 is number b of pair `index + i`, layer i of S1 is number c, and all are rotated by `turn` layers.
fn over_states(body: &str, turn: u32) -> String {
    format!(
        ".memory 0x30000\n.export f\n.func f (0) -> 0\n MOVI R6, 0x10000\n\
         bytes:\n SHRI R1, R0, 8\n STORE8X [R0 + R5], R1\n ADDI R2, R6, 0\n STORE8X [R2 + R0], R0\n ADDI R0, R0, 1\n\
         JNE R0, R6, bytes\n MOVI R0, 0\n\
         next:\n SLOAD S0, [R0]\n ADD R1, R0, R6\n SLOAD S1, [R1]\n SROTL S0, S0, {turn}\n SROTL S1, S1, {turn}\n {body}\n\
         ADD R1, R1, R6\n SSTORE [R1], S2\n ADDI R0, R0, 16\n JNE R0, R6, next\n RET\n.end\n"
    )
}

/// In every layer, states do what numbers do: with all pairs, and again in other layers.
#[test]
fn states_of_all_pairs() {
    use Opcode::*;
    let binary = [(SADD, COMPLEX_ADD), (SSUB, COMPLEX_SUB), (SMUL, COMPLEX_MUL), (SDIV, COMPLEX_DIV)];
    let unary = [(SCONJ, COMPLEX_CONJ), (SINV, COMPLEX_INV)];
    let number = |op, b, c| reference::computed(word(op, 0), b, c).unwrap() as u8;
    for turn in [0, 5] {
        for (state, scalar) in binary {
            check_states(&format!("{} S2, S0, S1", state.mnemonic()), turn, |b, c| number(scalar, b, c));
        }
        for (state, scalar) in unary {
            check_states(&format!("{} S2, S1", state.mnemonic()), turn, |_, c| number(scalar, c, 0));
        }
        check_states("SXOR S2, S0, S1", turn, |b, c| (b ^ c) as u8);
        check_states("SAND S2, S0, S1", turn, |b, c| (b & c) as u8);
        check_states("SOR S2, S0, S1", turn, |b, c| (b | c) as u8);
        check_states("SNOT S2, S1", turn, |_, c| !c as u8);
        check_states("SMOV S2, S1", turn, |_, c| c as u8);
    }
}

fn check_states(body: &str, turn: u32, f: impl Fn(u64, u64) -> u8) {
    let mut bytes: Vec<u8> = (0..0x1_0000).map(|index: u32| (index >> 8) as u8).collect();
    bytes.extend((0..0x1_0000).map(|index: u32| index as u8));
    let results: Vec<u8> = (0..0x1_0000).map(|index| f(index >> 8, index & 0xFF)).collect();
    for state in results.chunks(16) {
        let mut turned = state.to_vec();
        turned.rotate_right(turn as usize);
        bytes.extend(turned);
    }
    let (words, _) = bytes.as_chunks::<8>();
    let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
    check(body, &over_states(body, turn), &words);
}

/// Sums of layers: of each pair in two layers, with NULL in the others.
#[test]
fn sums_of_two_layers() {
    for (first, second) in [(0, 1), (3, 12), (15, 7), (5, 13)] {
        let body = format!(
            " SSPLAT S3, R8\n SSET S3, R1, {first}\n SSET S3, R2, {second}\n SSUM R3, S3\n SGET R9, S3, {second}\n ANDI RA, R2, 255\n \
             XOR R9, R9, RA\n OR R3, R3, R9\n SFOLD R9, S3\n XOR RA, R1, R2\n ANDI RA, RA, 255\n XOR R9, R9, RA\n OR R3, R3, R9"
        );
        let sum = |(b, c)| reference::computed(word(Opcode::COMPLEX_ADD, 0), b, c).unwrap();
        let expected: Vec<u64> = pairs().map(sum).collect();
        check("sum of layers", &over_pairs(&body), &expected);
    }
}
