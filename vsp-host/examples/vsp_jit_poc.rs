//! Compiles one program from its text to machine code, and measures its times in every engine:
//!
//!     cargo run --release --features jit --example vsp_jit_poc
//!
//! With `--target aarch64-unknown-linux-gnu` (or riscv64gc, s390x) it runs there, under qemu-user.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vsp_core::index::FuncIndex;
use vsp_core::jit::{CompileOptions, Compiler, Tier};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Options, Outcome, text};
use vsp_host::engine::{Engine, EngineKind};
use vsp_host::native::host_target;

/// A program that finds the number up to n that takes the most Collatz steps to 1: an even number is halved, and an odd
/// number n becomes 3n + 1.
const COLLATZ: &str = "
.export longest

.func longest (1) -> 2          ; n -> the number, its steps
    MOV     R8, R0
    MOVI    RA, -1
next:
    MOV     R0, R8
    CALL    steps
    JLT     R0, RA, fewer
    MOV     R9, R8              ; the number so far
    MOV     RA, R0              ; and its steps
fewer:
    LOOP    R8, next
    MOV     R0, R9
    MOV     R1, RA
    RET
.end

.func steps (1) -> 1
    MOVI    R1, 0
again:
    JEQI    R0, 1, done
    ADDI    R1, R1, 1
    ANDI    R2, R0, 1
    JNZ     R2, odd
    SHRI    R0, R0, 1
    JMP     again
odd:
    MULI    R0, R0, 3
    ADDI    R0, R0, 1
    JMP     again
done:
    MOV     R0, R1
    RET
.end
";

/// Computes the same in Rust.
fn longest(n: u64) -> [u64; 2] {
    let steps = |mut number: u64| {
        let mut steps = 0;
        while number != 1 {
            number = if number & 1 == 1 { number * 3 + 1 } else { number >> 1 };
            steps += 1;
        }
        steps
    };
    (1..=n).rev().fold([0, 0], |best, number| match steps(number) {
        steps if steps >= best[1] => [number, steps],
        _ => best,
    })
}

const N: u64 = 10_000;
const STEPS: FuncIndex = FuncIndex(1);

fn main() -> Result<(), Box<dyn Error>> {
    // From text to bytes, from bytes to a program whose code is verified: nothing else can be run or compiled.
    let bytes: Arc<[u8]> = text::assemble(COLLATZ, "collatz.sil")?.into();
    println!("# Bytecode: {} bytes\n", bytes.len());
    let program = Arc::new(Verified::new(Program::read(bytes)?)?);
    println!("{}", text::disassemble(program.program()));

    // The compiler's output for one function, here for this computer's architecture.
    let target = host_target()?;
    for (name, tier) in [("tier 1", Tier::One), ("tier 2", Tier::Two)] {
        let options = CompileOptions { tier, ..CompileOptions::default() };
        let mut compiler = Compiler::new(target.clone(), options)?;
        if let Some(listing) = compiler.listing(&program, STEPS)? {
            println!("# `steps` in {name}: {} bytes of machine code for {target}", listing.bytes.len());
            if tier == Tier::Two {
                println!("\n{}", listing.clif);
            }
        }
    }

    println!("# longest({N})\n");
    let started = Instant::now();
    let expected = longest(N);
    let rust = started.elapsed();
    let mut interpreted = None;
    for kind in EngineKind::ALL {
        let (results, loading, running) = run(kind, &program)?;
        assert_eq!(results, expected, "{} and Rust agree", kind.name());
        let interpreted = *interpreted.get_or_insert(running);
        let times = interpreted.as_secs_f64() / running.as_secs_f64();
        println!(
            "{:8} {results:?}  ready in {loading:9.2?}, ran {running:9.2?}, {times:.1} times as fast",
            kind.name()
        );
    }
    println!("{:8} {expected:?}  ran {rust:.2?}", "rust");
    Ok(())
}

/// Runs the program in an engine. Returns its results, the time to load it, and the shortest of three runs.
fn run(
    kind: EngineKind,
    program: &Arc<Verified<'static>>,
) -> Result<(Vec<u64>, Duration, Duration), Box<dyn Error>> {
    let started = Instant::now();
    let module = Engine::new(kind)?.load(program.clone())?;
    let loading = started.elapsed();
    let options = Options { fuel: Some(i64::MAX as u64), ..Options::default() };
    let mut instance = module.instantiate(Arc::new(Imports::new()), (), options)?;
    let mut shortest = Duration::MAX;
    let mut last = Vec::new();
    for _ in 0..3 {
        let started = Instant::now();
        let outcome = instance.call_export("longest", &[N])?;
        shortest = shortest.min(started.elapsed());
        let Outcome::Returned(results) = outcome else { return Err(format!("{outcome:?}").into()) };
        last = results.to_vec();
    }
    Ok((last, loading, shortest))
}
