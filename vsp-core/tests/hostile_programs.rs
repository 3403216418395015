//! Programs that are hard to compile. The compiler's output for each word is bounded, and so is its work.
// The other architectures are usually emulated when these tests run, and produce the same code.
#![cfg(all(feature = "jit", feature = "text", target_arch = "x86_64"))]

use std::fmt::Write;

use vsp_core::index::FuncIndex;
use vsp_core::jit::{Arch, CompileOptions, Compiler, JitError, Target, Tier};
use vsp_core::limits::{MAX_NATIVE_BYTES_PER_CELL, MAX_NATIVE_INSTRUCTIONS, NATIVE_CALL_WORDS};
use vsp_core::native::ExitKind;
use vsp_core::program::Program;
use vsp_core::text;
use vsp_core::verify::Verified;

fn with_program<R>(source: &str, run: impl FnOnce(&Verified<'_>) -> R) -> R {
    let bytes = text::assemble(source, "hostile.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    run(&Verified::new(Program::read(&bytes[..]).unwrap()).unwrap())
}

/// Compiles in both tiers for every architecture. The instructions of the intermediate representation and the bytes of
/// machine code for each word are bounded by one and a half times what was measured.
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

/// Adds `count` locals to R0.
fn sum_of_locals(count: u32) -> String {
    (0..count).map(|local| format!(" GETL R1, {local}\n ADD R0, R0, R1\n")).collect()
}

/// More locals than are kept in variables, all of them live at every safepoint, because they are all summed at the end.
#[test]
fn all_locals_live_at_every_safepoint() {
    let mut source = String::from(".func f (8) -> 1\n.locals 4095\n");
    for call in 0..400 {
        let _ = writeln!(source, " SETL R0, {}\n CALL g\n GETL R1, {}", call * 2, call * 2 + 1);
    }
    source += &sum_of_locals(4_095);
    source += " RET\n.end\n.func g (1) -> 1\nx: LOOP R0, x\n RET\n.end\n";
    compile(&source, 14, 170);
}

/// As many locals as are kept in variables, which every block can leave changed.
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

/// 65,536 calls of a function with eight parameters are too many for one function; a fraction of them compiles.
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

/// A chain of additions, each of which is observed at a safepoint, in a block that a SWITCH leads to, or at a branch
/// target: the optimiser would copy all preceding ones to each of these points.
#[test]
fn values_that_are_used_in_many_locations() {
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

/// The longest leaf that is inlined, called 4,000 times: only the first of these calls are inlined.
#[test]
fn many_calls_of_a_leaf() {
    let leaf = format!(".func g (1) -> 1\n{} RET\n.end\n", " DIV R0, R0, R0\n".repeat(31));
    compile(&format!(".func f (1) -> 1\n{} RET\n.end\n{leaf}", " CALL g\n".repeat(4_000)), 63, 447);
}

/// Sums of layers are the largest work, with all state registers live at safepoints.
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

/// Blocks each of which branches back to the preceding one, so that information about a value travels one block in each
/// pass over them. Repeating passes until a fixed point would take hours.
fn chain_backwards(blocks: u32, padding: usize) -> String {
    let padding = " NOP\n".repeat(padding);
    let mut source = String::from(".func f (2) -> 1\n");
    for block in 0..blocks {
        let back = if block > 0 { format!(" JZ R1, b{}\n", block - 1) } else { String::new() };
        let _ = write!(source, "b{block}:\n{padding}{back}");
    }
    let _ = writeln!(source, " FADD R5, R5, R5\n JZ R0, b{}\n MOV R0, R5\n RET\n.end", blocks - 1);
    source
}

#[test]
fn kinds_that_travel_backwards() {
    compile(&chain_backwards(500, 3), 20, 150);
    // At full size.
    with_program(&chain_backwards(4_000, 3), |program| {
        let options = CompileOptions { tier: Tier::One, ..CompileOptions::default() };
        let code = Compiler::new(Target::new(Arch::X86_64), options).unwrap().compile(program);
        assert!(code.is_ok_and(|code| code.stats().words == 16_003));
    });
}

/// The same repeatedly: when a value's representation has reached the first block, it is copied, and the copy's
/// representation starts from the last one.
#[test]
fn kinds_that_travel_backwards_one_after_the_other() {
    let registers: Vec<String> = (4..16).map(|number| format!("R{number:X}")).collect();
    let pairs: Vec<&[String]> = registers.chunks(2).collect();
    let (mut first, mut last) = (String::new(), format!(" FADD R2, R2, R2\n MOV {}, R2\n", pairs[0][0]));
    for (number, pair) in pairs.iter().enumerate() {
        let _ = writeln!(first, " MOV {}, {}", pair[1], pair[0]);
        if let Some(next) = pairs.get(number + 1) {
            let _ = writeln!(last, " MOV {}, {}", next[0], pair[1]);
        }
    }
    let blocks = 500;
    let mut source = format!(".func f (2) -> 1\nb0:\n{first} NOP\n");
    for block in 1..blocks {
        let _ = writeln!(source, "b{block}:\n NOP\n JZ R1, b{}", block - 1);
    }
    let _ = writeln!(source, "{last} JZ R0, b{}", blocks - 1);
    for pair in &pairs {
        let _ = writeln!(source, " XOR R0, R0, {}", pair[1]);
    }
    source += " RET\n.end\n";
    compile(&source, 30, 240);
}

/// Fifteen registers and some locals with the results of binary64 operations.
fn floats(locals: u32) -> String {
    let mut source = format!(".func f (1) -> 1\n.locals {locals}\n");
    (1..16).for_each(|register| {
        let _ = writeln!(source, " FADD R{register:X}, R{register:X}, R{register:X}");
    });
    (0..locals).for_each(|local| {
        let _ = writeln!(source, " FADD RF, RF, RE\n SETL RF, {local}");
    });
    source
}

/// Reads their bits.
fn bits(locals: u32) -> String {
    let registers = (1..16).map(|register| format!(" XOR R0, R0, R{register:X}\n"));
    let locals = (0..locals).map(|local| format!(" GETL RF, {local}\n XOR R0, R0, RF\n"));
    registers.chain(locals).chain([" RET\n.end\n".to_owned()]).collect()
}

/// A SWITCH with many edges to code that reads the bits of values in floating-point registers.
#[test]
fn conversions_on_the_ways_of_a_switch() {
    for (ways, locals) in [(900, 32), (3_000, 0)] {
        let mut source = floats(locals);
        let _ = writeln!(source, " SWITCH R0, {ways}");
        (0..ways).for_each(|way| {
            let _ = writeln!(source, " JMP w{}", way % 64);
        });
        (0..64).for_each(|way| {
            let _ = writeln!(source, "w{way}: ADDI R0, R0, {way}");
        });
        compile(&(source + &bits(locals)), 8, 60);
    }
}

/// Many branches to code that reads the bits, followed by code that reads the numbers.
#[test]
fn conversions_on_the_ways_of_many_branches() {
    for (branches, locals) in [(900, 32), (1_500, 0)] {
        let mut source = floats(locals) + &" JZ R0, out\n".repeat(branches);
        (1..15).for_each(|register| {
            let _ = writeln!(source, " FADD RF, RF, R{register:X}");
        });
        (0..locals).for_each(|local| {
            let _ = writeln!(source, " GETL R1, {local}\n FADD RF, RF, R1");
        });
        let _ = writeln!(source, " F2I R0, RF\n RET\nout:");
        compile(&(source + &bits(locals)), 8, 170);
    }
}

/// Each function alone is much code: all of them together are refused.
#[test]
fn instructions_without_end() {
    let divisions = format!(".func f (8) -> 1\n{} RET\n.end\n", " DIV R0, R0, R1\n".repeat(32_000));
    with_program(&divisions, |program| {
        for tier in Tier::ALL {
            let options = CompileOptions { tier, ..CompileOptions::default() };
            let mut compiler = Compiler::new(Target::new(Arch::X86_64), options).unwrap();
            let Err(error) = compiler.compile(program) else { panic!("it is compiled") };
            let JitError::TooManyInstructions { function, instructions } = error else { panic!("{error}") };
            assert!(function == FuncIndex(0) && instructions > MAX_NATIVE_INSTRUCTIONS);
        }
    });
}

/// A host can set a lower limit for a program's machine code.
#[test]
fn machine_code_beyond_the_limit() {
    let function =
        |name: u32| format!(".func f{name} (2) -> 1\n{} RET\n.end\n", " DIV R0, R0, R1\n".repeat(100));
    let source: String = (0..8).map(function).collect();
    with_program(&source, |program| {
        for arch in [Arch::X86_64, Arch::Aarch64, Arch::Riscv64] {
            let compiler = || Compiler::new(Target::new(arch), CompileOptions::default()).unwrap();
            let length = compiler().compile(program).unwrap().length() as u32;
            let mut fits = compiler().with_code_limit(length);
            assert_eq!(fits.compile(program).unwrap().length() as u32, length);
            let refused = compiler().with_code_limit(length / 2).compile(program);
            let Err(error) = refused else { panic!("it is compiled") };
            assert!(
                matches!(error, JitError::CodeTooLarge { function: FuncIndex(3..=5), limit } if limit == length / 2),
                "{error}"
            );
        }
    });
}

/// A chain of products, all of them stored, twice, with a call between them: the optimiser keeps them across the call
/// in the native frame.
#[test]
fn values_that_are_remembered_across_a_call() {
    let chain: String =
        (0..2_000).map(|step| format!(" MUL R2, R2, R1\n STORE8 [R4 + {step}], R2\n")).collect();
    let call = " JZ R0, out\n MOV R5, R0\n ADDI R0, R0, -1\n CALL f\n MOV R2, R1\n";
    let source =
        format!(".memory 65536\n.func f (2) -> 1\n MOV R2, R1\n{chain}{call}{chain}out: RET\n.end\n");
    with_program(&source, |program| {
        for arch in [Arch::X86_64, Arch::Aarch64, Arch::Riscv64] {
            for tier in Tier::ALL {
                let options = CompileOptions { tier, ..CompileOptions::default() };
                let code = Compiler::new(Target::new(arch), options).unwrap().compile(program).unwrap();
                let bytes = code.bytes_per_cell();
                assert!(bytes <= MAX_NATIVE_BYTES_PER_CELL, "{arch} {tier:?}: {bytes} bytes for each cell");
            }
        }
    });
}

/// Thousands of loops without fuel and interruption would keep Cranelift's removal of constant block parameters busy:
/// they have safepoints although the options do not ask for them. Fewer loops have none.
#[test]
fn many_loops_have_safepoints_in_any_case() {
    let loops = |count: u32| -> String {
        let blocks: String =
            (1..=count).map(|block| format!("b{block}:\n NOP\n JZ R1, b{}\n", block - 1)).collect();
        format!(".func f (2) -> 1\nb0:\n MOV R3, R2\n{blocks} ADDI R2, R2, 1\n MOV R0, R3\n RET\n.end\n")
    };
    for (count, is_checked) in [(200, false), (2_000, true)] {
        with_program(&loops(count), |program| {
            for tier in Tier::ALL {
                let options =
                    CompileOptions { tier, fuel: false, interrupt: false, ..CompileOptions::default() };
                let code =
                    Compiler::new(Target::new(Arch::X86_64), options).unwrap().compile(program).unwrap();
                let is_interruptible = code.sites().iter().any(|site| site.kind == ExitKind::Interrupted);
                assert_eq!(is_interruptible, is_checked, "{count} loops in {tier:?}");
                assert_eq!(code.options(), options);
            }
        });
    }
}
