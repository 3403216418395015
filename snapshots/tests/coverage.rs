//! Coverage of the instruction set by the cases.

use vsp_core::isa::Opcode;

/// Every instruction occurs in the program of some case that calls it.
#[test]
fn every_instruction_has_a_case() {
    let files = vsp_snapshots::sil_files(&vsp_snapshots::cases_folder()).unwrap();
    let mut words = std::collections::BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        if text.contains(";! call") {
            let lines = text.lines().filter(|line| !line.trim_start().starts_with(';'));
            words.extend(lines.flat_map(str::split_whitespace).map(str::to_owned));
        }
    }
    // `LOAD8U R0, [R1 + R2]` is the notation of LOAD8UX, so the X may be missing.
    let missing: Vec<&str> = Opcode::ALL
        .iter()
        .map(|op| op.mnemonic())
        .filter(|name| !words.contains(*name) && !words.contains(name.trim_end_matches('X')))
        .collect();
    assert!(missing.is_empty(), "no case calls {missing:?}");
}
