//! Running WebAssembly text as VSP programs.
#![allow(dead_code, reason = "each test file uses some of it")]

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, Trapped};

/// Returns the bytes of the program for a module in the text format.
pub(crate) fn translate(text: &str) -> Vec<u8> {
    let module = wat::parse_str(text).expect("the text is a module");
    vsp_wasm::translate(&module, &vsp_wasm::Options::default()).expect("the module is translated")
}

/// What a call ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Results(Vec<u64>),
    Trap(String),
}

/// A program and calls of it, one after the other, in one instance.
pub(crate) fn run(text: &str, calls: &[(&str, &[u64])]) -> Vec<End> {
    run_bytes(&translate(text), calls)
}

pub(crate) fn run_bytes(bytes: &[u8], calls: &[(&str, &[u64])]) -> Vec<End> {
    let program = Program::read(bytes).expect("the program has a valid structure");
    if std::env::var_os("VSP_SHOW").is_some() {
        println!("{}", vsp_core::text::disassemble(&program));
    }
    let exports = vsp_wasm::Exports::read(&program).expect("the program has the section");
    let program = match Verified::new(program) {
        Ok(program) => program,
        Err(errors) => panic!("{errors}\n{}", vsp_core::text::disassemble(&Program::read(bytes).unwrap())),
    };
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).expect("an instance");
    let mut ends = Vec::new();
    if let Some(start) = &exports.start {
        ends.push(call(&mut instance, start, &[]));
    }
    for (name, args) in calls {
        ends.push(call(&mut instance, name, args));
    }
    ends
}

fn call(instance: &mut Instance<'_, ()>, name: &str, args: &[u64]) -> End {
    match instance.call_export(name, args).expect("a call") {
        Outcome::Returned(results) => End::Results(results.to_vec()),
        Outcome::Trapped(Trapped { trap, .. }) => End::Trap(format!("{trap:?}")),
        other => panic!("{name}: {other:?}"),
    }
}

/// Asserts that calls give these results, in one instance.
pub(crate) fn check(text: &str, calls: &[(&str, &[u64], &[u64])]) {
    let asked: Vec<(&str, &[u64])> = calls.iter().map(|(name, args, _)| (*name, *args)).collect();
    let ends = run(text, &asked);
    for ((name, args, expected), end) in calls.iter().zip(ends) {
        assert_eq!(end, End::Results(expected.to_vec()), "{name} {args:x?}");
    }
}
