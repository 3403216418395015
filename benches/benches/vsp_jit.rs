//! Benchmarks of machine code: speed, the cost of compilation and of entering it, and the cost of being stoppable.
//!
//!     cargo bench --features jit vsp_jit
//!
//! Every answer is compared with the same computation in Rust before anything is timed.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use vsp_benches::peers::{Engine as _, KERNELS, Kernel, Native, assemble};
use vsp_core::index::FuncIndex;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};
use vsp_host::engine::{Engine, EngineKind, Module};
use vsp_host::native::{CompileOptions, Tier, VspJit};

/// A program, a function of it, the arguments of the call, and its first result.
struct Subject {
    name: &'static str,
    program: Arc<Verified<'static>>,
    function: FuncIndex,
    /// Whether there is a function `setup`, which has to be called with the same arguments first.
    has_setup: bool,
    arguments: Vec<u64>,
    answer: u64,
}

impl Subject {
    /// Creates a subject from function 0 of a program.
    fn new(name: &'static str, source: &str, arguments: &[u64], answer: u64) -> Subject {
        let bytes = assemble(source, name).expect("the source assembles");
        let program = Verified::new(Program::read(bytes).expect("the program is well formed"))
            .expect("the program verifies");
        let (function, arguments) = (FuncIndex(0), arguments.to_vec());
        Subject { name, program: Arc::new(program), function, has_setup: false, arguments, answer }
    }

    fn kernel(kernel: &Kernel) -> Subject {
        let subject = Subject::new(kernel.name, kernel.text, &[kernel.argument], kernel.answer);
        let function = subject.program.export("run").expect("kernels export run");
        Subject { function, has_setup: kernel.has_setup(), ..subject }
    }

    fn words(&self) -> u64 {
        self.program.program().code().len() as u64
    }

    fn module(&self, kind: EngineKind, with: CompileOptions) -> Module<'static> {
        let engine = Engine::with_options(kind, with).expect("this computer has machine code");
        engine.load(self.program.clone()).expect("the program compiles")
    }

    /// Creates an instance that can be stopped in the ways that the code was compiled for, and checks its answer.
    fn instance(&self, module: &Module<'static>, with: CompileOptions) -> Instance<'static, ()> {
        let options = Options {
            fuel: with.fuel.then_some(i64::MAX as u64),
            interrupt: with.interrupt.then(|| Arc::new(AtomicBool::new(false)).into()),
            ..Options::default()
        };
        let imports = Arc::new(Imports::new());
        let mut instance = module.instantiate(imports, (), options).expect("the instance can be created");
        if self.has_setup {
            instance.call_export("setup", &self.arguments).expect("setup can be called");
        }
        assert_eq!(self.call(&mut instance), self.answer, "{}", self.name);
        instance
    }

    fn call(&self, instance: &mut Instance<'static, ()>) -> u64 {
        match instance.call(self.function, black_box(&self.arguments)) {
            Ok(Outcome::Returned(values)) => values[0],
            other => panic!("{}: {other:?}", self.name),
        }
    }

    /// Times calls in every engine.
    fn engines(&self, group: &mut BenchmarkGroup<'_, WallTime>) {
        for kind in EngineKind::ALL {
            let with = CompileOptions::default();
            let mut instance = self.instance(&self.module(kind, with), with);
            group.bench_function(kind.name(), |bencher| bencher.iter(|| self.call(&mut instance)));
        }
    }
}

/// Returns a subject of 10,000 consecutive ADDs of values unknown to the compiler: each depends on the one before it or
/// on the one four before it, and all of them contribute to the results.
fn adds() -> Subject {
    let round = "ADD R0, R0, R1\n ADD R1, R1, R2\n ADD R2, R2, R3\n ADD R3, R3, R0\n";
    let source = format!(".func adds (4) -> 4\n{} RET\n.end", round.repeat(ROUNDS));
    Subject::new("adds_10000", &source, &VALUES, add_in_rust(VALUES)[0])
}

const ROUNDS: usize = 2_500;
const VALUES: [u64; 4] = [3, 0x9E37_79B9_7F4A_7C15, 0x0123_4567_89AB_CDEF, 7];

fn add_in_rust([mut a, mut b, mut c, mut d]: [u64; 4]) -> [u64; 4] {
    for _ in 0..ROUNDS {
        a = a.wrapping_add(b);
        b = b.wrapping_add(c);
        c = c.wrapping_add(d);
        d = d.wrapping_add(a);
    }
    [a, b, c, d]
}

/// Returns a subject of 1,000 iterations of a loop.
fn counted_loop() -> Subject {
    let source = "
        .func turns (2) -> 1
        next:
            ADD  R2, R2, R1
            XOR  R1, R1, R2
            LOOP R0, next
            MOV  R0, R2
            RET
        .end";
    Subject::new("loop_1000", source, &[1_000, VALUES[1]], loop_in_rust(1_000, VALUES[1]))
}

fn loop_in_rust(mut turns: u64, mut value: u64) -> u64 {
    let mut sum = 0u64;
    while turns != 0 {
        sum = sum.wrapping_add(value);
        value ^= sum;
        turns -= 1;
    }
    sum
}

/// Benchmarks straight-line code and a loop, as a proof of concept does.
fn straight_line_and_loop(criterion: &mut Criterion) {
    let adds = adds();
    let code = adds.module(EngineKind::Tier2, CompileOptions::default());
    let bytes = code.compiled().map_or(0, |compiled| compiled.code().length());
    assert!(bytes > 20_000, "the ADDs are not optimised away: {bytes} bytes");
    let mut group = criterion.benchmark_group("vsp_jit/adds_10000");
    group.throughput(Throughput::Elements(10_000));
    adds.engines(&mut group);
    group.bench_function("rust", |bencher| bencher.iter(|| add_in_rust(black_box(VALUES))));
    group.finish();

    let mut group = criterion.benchmark_group("vsp_jit/loop_1000");
    group.throughput(Throughput::Elements(1_000));
    counted_loop().engines(&mut group);
    group.bench_function("rust", |bencher| {
        bencher.iter(|| loop_in_rust(black_box(1_000), black_box(VALUES[1])));
    });
    group.finish();
}

/// Benchmarks compilation, from a verified program to machine code in executable memory, per word of bytecode.
fn compilation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("vsp_jit/compile");
    for subject in [adds(), counted_loop()] {
        group.throughput(Throughput::Elements(subject.words()));
        for (name, tier) in [("tier1", Tier::One), ("tier2", Tier::Two)] {
            let mut jit = VspJit::new(CompileOptions { tier, ..CompileOptions::default() })
                .expect("this computer has machine code");
            group.bench_function(BenchmarkId::new(subject.name, name), |bencher| {
                bencher.iter(|| jit.compile(subject.program.clone()).expect("the program compiles"));
            });
        }
    }
    group.finish();
}

/// Benchmarks calls of a function that does nothing, and first calls of newly compiled code.
fn calls(criterion: &mut Criterion) {
    let nothing = Subject::new("nothing", ".func same (1) -> 1\nRET\n.end", &[42], 42);
    let mut group = criterion.benchmark_group("vsp_jit/warm_call");
    nothing.engines(&mut group);
    group.finish();

    let mut group = criterion.benchmark_group("vsp_jit/first_call");
    for subject in [adds(), counted_loop(), nothing] {
        for kind in [EngineKind::Tier1, EngineKind::Tier2] {
            let with = CompileOptions::default();
            // Checks the answer.
            subject.instance(&subject.module(kind, with), with);
            let engine = Engine::new(kind).expect("this computer has machine code");
            let mut fresh = || {
                let module = engine.load(subject.program.clone()).expect("the program compiles");
                let options = Options { fuel: Some(i64::MAX as u64), ..Options::default() };
                module
                    .instantiate(Arc::new(Imports::new()), (), options)
                    .expect("the instance can be created")
            };
            group.bench_function(BenchmarkId::new(subject.name, kind.name()), |bencher| {
                bencher.iter_batched_ref(
                    &mut fresh,
                    |instance| subject.call(instance),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

/// Benchmarks the cost of being stoppable: tier 2 without and with checks of fuel and of the interrupt flag, and Rust.
fn stoppable(criterion: &mut Criterion) {
    let kernels = KERNELS.map(|kernel| (Subject::kernel(&kernel), Some(kernel)));
    for (subject, kernel) in kernels.into_iter().chain([(counted_loop(), None)]) {
        let mut group = criterion.benchmark_group(format!("vsp_jit/stoppable/{}", subject.name));
        for (name, fuel, interrupt) in [
            ("without", false, false),
            ("interrupt", false, true),
            ("fuel", true, false),
            ("fuel_interrupt", true, true),
        ] {
            let with = CompileOptions { fuel, interrupt, ..CompileOptions::default() };
            let mut instance = subject.instance(&subject.module(EngineKind::Tier2, with), with);
            group.bench_function(name, |bencher| bencher.iter(|| subject.call(&mut instance)));
        }
        if let Some(kernel) = kernel {
            let loaded = Native.load(&kernel).expect("all kernels exist in Rust");
            let mut loaded = loaded.expect("all kernels exist in Rust");
            group.bench_function("rust", |bencher| bencher.iter(|| loaded.run()));
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = straight_line_and_loop, compilation, calls, stoppable
}
criterion_main!(benches);
