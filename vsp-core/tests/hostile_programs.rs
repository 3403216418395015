//! Programs that are made to be hard to compile. What the compiler makes of each word is bounded, so that its work is too.
// The other architectures are emulated where these tests usually run, and make the same code.
#![cfg(all(feature = "jit", feature = "text", target_arch = "x86_64"))]

use std::fmt::Write;

use vsp_core::index::FuncIndex;
use vsp_core::jit::{Arch, CompileOptions, Compiler, JitError, Target, Tier};
use vsp_core::limits::NATIVE_CALL_WORDS;
use vsp_core::program::Program;
use vsp_core::text;
use vsp_core::verify::Verified;

fn with_program<R>(source: &str, run: impl FnOnce(&Verified<'_>) -> R) -> R {
    let bytes = text::assemble(source, "hostile.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    run(&Verified::new(Program::read(&bytes[..]).unwrap()).unwrap())
}

/// Compiles in both tiers for every architecture. For each word there are at most so many instructions of the intermediate
/// representation, and so many bytes of machine code; half as much again as was measured.
fn compile(source: &str, most_instructions: u32, most_bytes: usize) {
    with_program(source, |program| {
        let words = program.program().code().len();
        for arch in [Arch::X86_64, Arch::Aarch64, Arch::Riscv64] {
            for tier in Tier::ALL {
                let options = CompileOptions { tier, ..CompileOptions::default() };
                let code = Compiler::new(Target::new(arch), options).unwrap().compile(program);
                let code = code.unwrap_or_else(|error| panic!("{error}"));
                let (instructions, bytes) = (code.stats().ir_instructions, code.length());
                assert!(
                    instructions <= most_instructions * words as u32 && bytes <= most_bytes * words,
                    "{arch} {tier:?}: {words} words, {instructions} instructions, {bytes} bytes"
                );
            }
        }
    });
}

/// Adds that many locals to R0.
fn sum_of_locals(count: u32) -> String {
    (0..count).map(|local| format!(" GETL R1, {local}\n ADD R0, R0, R1\n")).collect()
}

/// More locals than are kept in variables, all of them live at every check point: they are all summed at the end.
#[test]
fn all_locals_live_at_every_check_point() {
    let mut source = String::from(".func f (8) -> 1\n.locals 4095\n");
    for call in 0..400 {
        let _ = writeln!(source, " SETL R0, {}\n CALL g\n GETL R1, {}", call * 2, call * 2 + 1);
    }
    source += &sum_of_locals(4_095);
    source += " RET\n.end\n.func g (1) -> 1\nx: LOOP R0, x\n RET\n.end\n";
    compile(&source, 14, 170);
}

/// As many as are kept in variables, and every block can leave them changed.
#[test]
fn all_variables_live_in_every_block() {
    let mut source = String::from(".func f (8) -> 1\n.locals 32\n");
    for block in 0..1_000 {
        let _ = writeln!(
            source,
            "b{block}:\n JZ R1, b{}\n SETL R0, {}\n ADDI R0, R0, 1",
            999 - block,
            block % 32
        );
    }
    source += &sum_of_locals(32);
    source += " RET\n.end\n";
    compile(&source, 9, 50);
}

/// A SWITCH with 4,096 targets inside 100 nested loops.
#[test]
fn a_large_switch_in_a_deep_nest_of_loops() {
    let mut source = String::from(".func f (8) -> 1\n.locals 100\n");
    for level in 0..100 {
        let _ = writeln!(source, " SETL R0, {level}\nl{level}:");
    }
    source += " SWITCH R0, 4096\n";
    for way in 0..4_096 {
        let _ = writeln!(source, " JMP w{}", way % 64);
    }
    for way in 0..64 {
        let _ = writeln!(source, "w{way}:\n ADDI R1, R1, {way}");
    }
    for level in (0..100).rev() {
        let _ = writeln!(source, " GETL R2, {level}\n ADDI R2, R2, -1\n SETL R2, {level}\n JNZ R2, l{level}");
    }
    source += " RET\n.end\n";
    compile(&source, 5, 38);
}

/// 65,536 calls of a function with eight parameters are too many for one function; a fraction of them is possible.
#[test]
fn many_calls_of_a_function_with_eight_parameters() {
    let callee = ".func g (8) -> 4\nx: LOOP R7, x\n RET\n.end\n";
    let caller = |calls| format!(".func f (8) -> 1\n{} RET\n.end\n{callee}", " CALL g\n".repeat(calls));
    with_program(&caller(65_536), |program| {
        let mut compiler = Compiler::new(Target::new(Arch::X86_64), CompileOptions::default()).unwrap();
        let words = 65_536 * NATIVE_CALL_WORDS + 1;
        let refused = JitError::FunctionTooLong { function: FuncIndex(0), words };
        assert_eq!(compiler.compile(program), Err(refused));
    });
    compile(&caller(1_000), 57, 440);
}

/// A chain of additions, each of which is seen at a check point, in a block to which a switch leads, or where a branch
/// leads: the optimiser would copy all that come before to each of these places.
#[test]
fn values_that_are_used_in_many_places() {
    let chain = |step: &str| format!(".func f (8) -> 1\nx: ADDI R0, R0, 1\n{} RET\n", step.repeat(2_000));
    compile(&format!("{}.end\n", chain(" ADD R0, R0, R1\n LOOP R2, x\n")), 15, 102);
    compile(&format!("{} out: SUBI R0, R0, 1\n RET\n.end\n", chain(" ADD R0, R0, R1\n JZ R0, out\n")), 6, 27);
    let blocks = |count: u32| {
        (0..count).map(|block| format!("b{block}: ADD R3, R0, R2\n HLT R3\n")).collect::<String>()
    };
    let jumps = |count: u32| (0..count).map(|block| format!(" JMP b{block}\n")).collect::<String>();
    let additions = " ADD R0, R0, R1\n".repeat(1_000);
    let count = 4_096;
    let (jumps, blocks) = (jumps(count), blocks(count));
    compile(&format!(".func f (8) -> 1\n{additions} SWITCH R1, {count}\n{jumps} RET\n{blocks}.end\n"), 4, 21);
}

/// The longest leaf that is inlined, called 4,000 times: only the first of these calls are.
#[test]
fn many_calls_of_a_leaf() {
    let leaf = format!(".func g (1) -> 1\n{} RET\n.end\n", " DIV R0, R0, R0\n".repeat(31));
    compile(&format!(".func f (1) -> 1\n{} RET\n.end\n{leaf}", " CALL g\n".repeat(4_000)), 63, 447);
}

/// Sums of layers are most work, and all states are live at check points.
#[test]
fn many_sums_of_layers() {
    let mut source = String::from(".func f (8) -> 1\n");
    for word in 0..300 {
        let state = word % 16;
        let _ = writeln!(source, "l{word}: SSUM R0, S{state:X}\n SSPLAT S{state:X}, R0\n LOOP R1, l{word}");
    }
    for state in 0..16 {
        let _ = writeln!(source, " SFOLD R1, S{state:X}\n ADD R0, R0, R1");
    }
    source += " RET\n.end\n";
    compile(&source, 477, 2_529);
}

/// Every instruction can trap.
#[test]
fn every_instruction_is_a_trap_site() {
    let divisions = format!(".func f (8) -> 1\n{} RET\n.end\n", " DIV R0, R0, R1\n".repeat(2_000));
    compile(&divisions, 18, 185);
    let mut loads = String::from(".func f (8) -> 1\n");
    for word in 0..2_000 {
        let _ = writeln!(loads, " LOAD R{}, [R{} + {}]", word % 7, (word + 1) % 7, word % 4096);
    }
    loads += " RET\n.end\n";
    compile(&loads, 12, 115);
}
