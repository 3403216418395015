//! The interpreter against the same loops in Rust. Times are per executed instruction of the VSP program, so that
//! 1 element is 1 instruction; the answers are compared before anything is timed.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vsp_benches::{KERNELS, Kernel};
use vsp_core::program::Program;
use vsp_core::text;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};

fn call(instance: &mut Instance<'_, ()>, argument: u64) -> u64 {
    match instance.call_export("run", &[argument]) {
        Ok(Outcome::Returned(values)) => values[0],
        other => panic!("{other:?}"),
    }
}

fn kernel(criterion: &mut Criterion, kernel: Kernel) {
    let bytes = text::assemble(kernel.text, kernel.name).expect("the kernel assembles");
    let program = Verified::new(Program::read(&bytes[..]).expect("it reads")).expect("it verifies");
    let imports = Imports::<()>::new();
    let fuel = i64::MAX as u64;
    let options = Options { fuel: Some(fuel), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, (), options).expect("it needs little");

    let answer = (kernel.native)(kernel.argument);
    assert_eq!(call(&mut instance, kernel.argument), answer, "{}", kernel.name);
    let instructions = fuel - instance.fuel().unwrap_or(0) as u64;

    let mut group = criterion.benchmark_group(kernel.name);
    group.throughput(Throughput::Elements(instructions));
    group.bench_function("native", |bencher| bencher.iter(|| (kernel.native)(black_box(kernel.argument))));
    group.bench_function("interpreter", |bencher| {
        bencher.iter(|| call(&mut instance, black_box(kernel.argument)));
    });
    group.finish();
}

fn interpreter(criterion: &mut Criterion) {
    for each in KERNELS {
        kernel(criterion, each);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = interpreter
}
criterion_main!(benches);
