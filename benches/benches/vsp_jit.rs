//! Machine code: how fast it runs, what it costs to make and to enter it, and what being stoppable costs.
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
use vsp_benches::peers::{Engine as _, KERNELS, Kernel, Native, assembled};
use vsp_core::index::FuncIndex;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};
use vsp_host::engine::{Engine, EngineKind, Module};
use vsp_host::native::{CompileOptions, Tier, VspJit};

/// A program, a function of it that is called with these arguments, and its first result.
struct Subject {
    name: &'static str,
    program: Arc<Verified<'static>>,
    function: FuncIndex,
    /// Is there a `setup`, which has to be called with the same arguments before?
    has_setup: bool,
    arguments: Vec<u64>,
    answer: u64,
}

impl Subject {
    /// Function 0 of a program.
    fn new(name: &'static str, source: &str, arguments: &[u64], answer: u64) -> Subject {
        let bytes = assembled(source, name).expect("it assembles");
        let program = Verified::new(Program::read(bytes).expect("it reads")).expect("it verifies");
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
        let engine = Engine::with_options(kind, with).expect("there is machine code");
        engine.load(self.program.clone()).expect("it can be compiled")
    }

    /// An instance that can be stopped in the ways that the code was compiled with, and gives the right answer.
    fn instance(&self, module: &Module<'static>, with: CompileOptions) -> Instance<'static, ()> {
        let options = Options {
            fuel: with.fuel.then_some(i64::MAX as u64),
            interrupt: with.interrupt.then(|| Arc::new(AtomicBool::new(false)).into()),
            ..Options::default()
        };
        let imports = Arc::new(Imports::new());
        let mut instance = module.instantiate(imports, (), options).expect("it can be made");
        if self.has_setup {
            instance.call_export("setup", &self.arguments).expect("it can be called");
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

/// 10,000 ADDs one behind the other, of values that the compiler cannot know: each one needs the one before it or the one
/// four before it, and all of them are in the results.
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

/// 1,000 turns of a loop.
fn turns() -> Subject {
    let source = "
        .func turns (2) -> 1
        next:
            ADD  R2, R2, R1
            XOR  R1, R1, R2
            LOOP R0, next
            MOV  R0, R2
            RET
        .end";
    Subject::new("loop_1000", source, &[1_000, VALUES[1]], turn_in_rust(1_000, VALUES[1]))
}

fn turn_in_rust(mut turns: u64, mut value: u64) -> u64 {
    let mut sum = 0u64;
    while turns != 0 {
        sum = sum.wrapping_add(value);
        value ^= sum;
        turns -= 1;
    }
    sum
}

/// The questions that a proof of concept asks: how fast is straight code, and how fast is a loop?
fn questions(criterion: &mut Criterion) {
    let adds = adds();
    let code = adds.module(EngineKind::Tier2, CompileOptions::default());
    let bytes = code.compiled().map_or(0, |compiled| compiled.code().length());
    assert!(bytes > 20_000, "the ADDs are there: {bytes} bytes");
    let mut group = criterion.benchmark_group("vsp_jit/adds_10000");
    group.throughput(Throughput::Elements(10_000));
    adds.engines(&mut group);
    group.bench_function("rust", |bencher| bencher.iter(|| add_in_rust(black_box(VALUES))));
    group.finish();

    let mut group = criterion.benchmark_group("vsp_jit/loop_1000");
    group.throughput(Throughput::Elements(1_000));
    turns().engines(&mut group);
    group.bench_function("rust", |bencher| {
        bencher.iter(|| turn_in_rust(black_box(1_000), black_box(VALUES[1])));
    });
    group.finish();
}

/// What it takes from a verified program to machine code in executable memory, in words of bytecode.
fn compiling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("vsp_jit/compile");
    for subject in [adds(), turns()] {
        group.throughput(Throughput::Elements(subject.words()));
        for (name, tier) in [("tier1", Tier::One), ("tier2", Tier::Two)] {
            let mut jit = VspJit::new(CompileOptions { tier, ..CompileOptions::default() })
                .expect("there is machine code");
            group.bench_function(BenchmarkId::new(subject.name, name), |bencher| {
                bencher.iter(|| jit.compile(subject.program.clone()).expect("it can be compiled"));
            });
        }
    }
    group.finish();
}

/// Calls of a function that does nothing, and the first calls of fresh code.
fn calls(criterion: &mut Criterion) {
    let nothing = Subject::new("nothing", ".func same (1) -> 1\nRET\n.end", &[42], 42);
    let mut group = criterion.benchmark_group("vsp_jit/warm_call");
    nothing.engines(&mut group);
    group.finish();

    let mut group = criterion.benchmark_group("vsp_jit/first_call");
    for subject in [adds(), turns(), nothing] {
        for kind in [EngineKind::Tier1, EngineKind::Tier2] {
            let with = CompileOptions::default();
            // Makes sure of the answer.
            subject.instance(&subject.module(kind, with), with);
            let engine = Engine::new(kind).expect("there is machine code");
            let mut fresh = || {
                let module = engine.load(subject.program.clone()).expect("it can be compiled");
                let options = Options { fuel: Some(i64::MAX as u64), ..Options::default() };
                module.instantiate(Arc::new(Imports::new()), (), options).expect("it can be made")
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

/// What being stoppable costs: tier 2 without and with the checks of fuel and of the interrupt flag, and Rust.
fn stoppable(criterion: &mut Criterion) {
    let kernels = KERNELS.map(|kernel| (Subject::kernel(&kernel), Some(kernel)));
    for (subject, kernel) in kernels.into_iter().chain([(turns(), None)]) {
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
            let loaded = Native.load(&kernel).expect("Rust can say all kernels");
            let mut loaded = loaded.expect("Rust can say all kernels");
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
    targets = questions, compiling, calls, stoppable
}
criterion_main!(benches);
