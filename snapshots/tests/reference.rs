//! The interpreter compared with the reference evaluator, which was written from `docs/isa.md` alone.
//!
//! `VSP_RANDOM=0..100000 cargo test --release -p vsp-snapshots --test reference` compares these seeds.

use vsp_core::isa::Opcode;
use vsp_host::engine::EngineKind;
use vsp_snapshots::random::{Engine, Tally, VspEngine, case_file, check, minimise, program, seeds};
use vsp_snapshots::reference::{Reference, run_case};
use vsp_snapshots::{Configuration, Step};

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "too slow where it is emulated")]
fn random_programs_agree_with_the_reference() {
    let mut interpreter = VspEngine::new(Configuration::Run(EngineKind::Interpreter)).unwrap();
    let mut reference = Reference::default();
    let mut all = Tally::default();
    for seed in seeds(600) {
        let made = program(seed).unwrap();
        let engines: &mut [&mut dyn Engine] = &mut [&mut reference, &mut interpreter];
        match check(&made, engines) {
            Ok(tally) => all.add(&tally),
            Err(difference) => {
                let small = minimise(&made, 20_000, &mut |made| {
                    check(made, &mut [&mut Reference::default(), &mut interpreter]).is_err()
                });
                let text = case_file(&small, &mut reference, &format!("seed {seed}: {difference}")).unwrap();
                panic!("seed {seed}: {difference}\n{text}");
            }
        }
    }
    println!("{all}");
    let executed = reference.executed();
    let missing: Vec<&Opcode> =
        Opcode::ALL.iter().filter(|op| !executed.contains_key(&op.number())).collect();
    assert!(missing.is_empty(), "never executed: {missing:?}");
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "the reference evaluator is the same on every architecture")]
fn cases_pass_in_the_reference() {
    let reference = Reference::default();
    let mut calls = 0;
    for path in vsp_snapshots::sil_files(&vsp_snapshots::cases_folder()).unwrap() {
        let text = std::fs::read_to_string(&path).unwrap();
        let case = vsp_snapshots::parse(&text).unwrap();
        run_case(&text, &case, &reference).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        calls += case.steps.iter().filter(|(_, step)| matches!(step, Step::Call(..))).count();
    }
    assert!(calls > 20_000, "{calls} calls");
}
