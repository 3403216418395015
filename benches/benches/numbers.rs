//! Benchmarks of ByteSil numbers: sums and products, one by one and sixteen at a time.
//!
//!     cargo bench --features jit numbers
//!
//! Every answer is compared with the same computation in Rust before anything is timed. Times are for one number;
//! `binary64` is the usual way to compute sums, with real and imaginary parts, logarithms and angles.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vsp_core::complex::{ByteSil, State};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, text};
use vsp_host::engine::{Engine, EngineKind};

/// Size of an array that fits the first-level cache together with two others, in bytes.
const SMALL: usize = 4096;

/// Size of an array that fits no cache, in bytes.
const LARGE: usize = 64 << 20;

/// Number of sums in one pass of [`scalar_program`].
const CHAINS: u64 = 8;

/// A program's function `f`, ready to be called, with a memory that holds two arrays of arbitrary numbers and one of
/// zeros.
struct Subject {
    instance: Instance<'static, ()>,
    bytes: usize,
}

impl Subject {
    fn new(source: &str, kind: EngineKind, bytes: usize) -> Subject {
        let image: Arc<[u8]> = text::assemble(source, "numbers").expect("the source assembles").into();
        let program = Verified::new(Program::read(image).expect("the program is well formed"))
            .expect("the program verifies");
        let module = Engine::new(kind)
            .and_then(|engine| engine.load(Arc::new(program)))
            .expect("the program compiles");
        let options = Options { memory: Some(3 * bytes as u64 + 64), ..Options::default() };
        let mut instance =
            module.instantiate(Arc::new(Imports::new()), (), options).expect("the instance can be created");
        let mut number = 1_u64;
        for byte in &mut instance.memory_mut()[..2 * bytes] {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (number >> 56) as u8;
        }
        Subject { instance, bytes }
    }

    fn call(&mut self, arguments: &[u64]) -> u64 {
        match self.instance.call_export("f", black_box(arguments)) {
            Ok(Outcome::Returned(values)) => values.first().copied().unwrap_or(0),
            other => panic!("{other:?}"),
        }
    }

    /// Checks that the third array is the result of `op` on the first two.
    fn check(&mut self, op: fn(State, State) -> State) {
        self.call(&[1]);
        let memory = self.instance.memory();
        let state = |array: usize, index: usize| {
            let at = array * self.bytes + 16 * index;
            State::from_bytes(memory[at..at + 16].try_into().expect("sixteen bytes"))
        };
        for index in 0..self.bytes / 16 {
            assert_eq!(state(2, index), op(state(0, index), state(1, index)));
        }
    }
}

/// Returns a program whose f(passes) combines two arrays of `bytes` bytes, four states at a time.
fn state_program(op: &str, bytes: usize) -> String {
    let mut source = format!(
        ".memory 64\n.export f\n.func f (1) -> 0\n MOVI R4, {bytes}\n ADD R5, R4, R4\n\
         pass:\n MOVI R1, 0\n MOVI R2, {bytes}\n ADD R3, R4, R4\n\
         next:\n"
    );
    // With the ends first, the accesses between them need no checks of their own.
    for index in [0, 3, 1, 2] {
        source += &format!(
            " SLOAD S0, [R1 + {0}]\n SLOAD S1, [R2 + {0}]\n {op} S2, S0, S1\n SSTORE [R3 + {0}], S2\n",
            16 * index
        );
    }
    source
        + " ADDI R1, R1, 64\n ADDI R2, R2, 64\n ADDI R3, R3, 64\n JLTU R1, R4, next\n LOOP R0, pass\n RET\n.end\n"
}

/// Returns a program whose f(passes, c) computes eight independent chains of sums.
fn scalar_program() -> String {
    let mut source = String::from(".export f\n.func f (2) -> 1\n MOVI RB, 0x91\n");
    for chain in 2..10 {
        source += &format!(" MOVI R{chain:X}, {}\n", 0x70 + chain);
    }
    source += "next:\n";
    for chain in 2..10 {
        source += &format!(" COMPLEX_ADD R{chain:X}, R{chain:X}, R1\n");
    }
    source += " XORI R1, R1, 0x8B\n LOOP R0, next\n";
    for chain in 3..10 {
        source += &format!(" XOR R2, R2, R{chain:X}\n");
    }
    source + " MOV R0, R2\n RET\n.end\n"
}

/// Computes the result of [`scalar_program`].
fn scalar_answer(passes: u64, c: u64) -> u64 {
    let mut chains: [ByteSil; 8] = std::array::from_fn(|chain| ByteSil::from_bits(0x72 + chain as u8));
    let mut c = c as u8;
    for _ in 0..passes {
        for chain in &mut chains {
            *chain = *chain + ByteSil::from_bits(c);
        }
        c ^= 0x8B;
    }
    chains.into_iter().fold(0, |all, chain| all ^ u64::from(chain.to_bits()))
}

/// Computes a sum with real and imaginary parts.
fn binary64_sum(b: ByteSil, c: ByteSil) -> ByteSil {
    ByteSil::from_cartesian(b.re() + c.re(), b.im() + c.im())
}

fn scalars(c: &mut Criterion) {
    let mut group = c.benchmark_group("COMPLEX_ADD");
    let passes = 1_000;
    group.throughput(Throughput::Elements(passes * CHAINS));
    for kind in EngineKind::ALL {
        let mut subject = Subject::new(&scalar_program(), kind, 0);
        assert_eq!(subject.call(&[passes, 0x7A]), scalar_answer(passes, 0x7A));
        group.bench_function(kind.name(), |bencher| bencher.iter(|| subject.call(&[passes, 0x7A])));
    }
    group.bench_function("rust", |bencher| bencher.iter(|| scalar_answer(black_box(passes), 0x7A)));
    let pairs: Vec<_> = ByteSil::all().flat_map(|b| ByteSil::all().step_by(8).map(move |c| (b, c))).collect();
    group.throughput(Throughput::Elements(pairs.len() as u64));
    let sum = |pairs: &[(ByteSil, ByteSil)]| {
        pairs.iter().fold(0, |all, (b, c)| all ^ binary64_sum(*b, *c).to_bits())
    };
    group.bench_function("binary64", |bencher| bencher.iter(|| sum(black_box(&pairs))));
    group.finish();
}

fn states(c: &mut Criterion) {
    type Case = (&'static str, fn(State, State) -> State);
    let cases: [Case; 3] =
        [("SADD", std::ops::Add::add), ("SMUL", std::ops::Mul::mul), ("SXOR", std::ops::BitXor::bitxor)];
    for (name, op) in cases {
        let mut group = c.benchmark_group(name);
        let passes = 16;
        group.throughput(Throughput::Elements(passes * SMALL as u64));
        for kind in EngineKind::ALL {
            let mut subject = Subject::new(&state_program(name, SMALL), kind, SMALL);
            subject.check(op);
            group.bench_function(kind.name(), |bencher| bencher.iter(|| subject.call(&[passes])));
        }
        group.finish();
    }
}

/// Benchmarks an array that fits no cache, compared with copying one of the same size.
fn large_arrays(c: &mut Criterion) {
    let mut group = c.benchmark_group("64 MiB");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(LARGE as u64));
    let source = format!(
        ".memory 64\n.export f\n.func f (0) -> 0\n CONST R4, {LARGE}\n MOV R3, R4\n MOVI R1, 0x91\n SSPLAT S1, R1\n MOVI R1, 0\n\
         next:\n SLOAD S0, [R1]\n SMUL S0, S0, S1\n SSTORE [R3], S0\n SLOAD S2, [R1 + 16]\n SMUL S2, S2, S1\n SSTORE [R3 + 16], S2\n \
         ADDI R1, R1, 32\n ADDI R3, R3, 32\n JLTU R1, R4, next\n RET\n.end\n"
    );
    let mut subject = Subject::new(&source, EngineKind::Tier2, LARGE);
    subject.call(&[]);
    let number = ByteSil::from_bits(0x91);
    let (from, to) = subject.instance.memory().split_at(LARGE);
    let product = |byte: u8| (ByteSil::from_bits(byte) * number).to_bits();
    assert!(from.iter().zip(to).all(|(from, to)| *to == product(*from)));
    group.bench_function("SMUL by a number", |bencher| bencher.iter(|| subject.call(&[])));
    let from = vec![1_u8; LARGE];
    let mut to = vec![0_u8; LARGE];
    group.bench_function("copy", |bencher| {
        bencher.iter(|| black_box(&mut to).copy_from_slice(black_box(&from)));
    });
    group.finish();
}

criterion_group! {
    name = numbers;
    config = Criterion::default().measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500)).sample_size(20);
    targets = scalars, states, large_arrays
}
criterion_main!(numbers);
