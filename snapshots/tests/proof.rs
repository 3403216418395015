//! Proves of all examples, all case files and random programs that machine code stays inside the memory that it is
//! given (`vsp_snapshots::proof`). Needs z3: `cargo test -p vsp-snapshots --test proof -- --ignored`.

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_host::native::{CompileOptions, Tier};
use vsp_snapshots::proof::{Proved, Solver};

#[test]
#[ignore = "needs z3"]
fn tier_one() {
    prove(Tier::One);
}

#[test]
#[ignore = "needs z3"]
fn tier_two() {
    prove(Tier::Two);
}

fn prove(tier: Tier) {
    let mut solver = Solver::start().unwrap();
    let (mut all, mut failures) = (Proved::default(), Vec::new());
    for (name, bytes) in programs() {
        let program = Program::read(&bytes[..]).ok().and_then(|program| Verified::new(program).ok());
        let Some(program) = program else { continue };
        match solver.prove(&program, CompileOptions { tier, ..CompileOptions::default() }) {
            Ok(proved) => {
                all.functions += proved.functions;
                all.loops += proved.loops;
                all.claims += proved.claims;
            }
            Err(error) => failures.push(format!("{name}: {error}")),
        }
    }
    let Proved { functions, loops, claims } = all;
    println!("{tier:?}: {functions} functions, {loops} loop entries, {claims} accesses and calls");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let least = if tier == Tier::Two { 200 } else { 0 };
    assert!(
        functions > 3_000 && loops >= least && claims > 5_000,
        "fewer functions, loops or claims than the programs have"
    );
}

/// Returns the examples, the case files and random programs, with their names. Some case files are there to be
/// rejected.
fn programs() -> Vec<(String, Vec<u8>)> {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    let mut programs = Vec::new();
    for folder in [examples.into(), vsp_snapshots::cases_folder()] {
        for path in vsp_snapshots::sil_files(&folder).unwrap() {
            let (name, text) = (path.display().to_string(), std::fs::read_to_string(&path).unwrap());
            programs.extend(vsp_core::text::assemble(&text, &name).ok().map(|bytes| (name, bytes)));
        }
    }
    for seed in 0..20 {
        let program = vsp_snapshots::random::program(seed).unwrap();
        programs.push((format!("random program {seed}"), program.bytes));
    }
    programs
}
