//! Compilation is deterministic: the examples have the same code objects on every computer, byte for byte.
//!
//! The table of their checksums was recorded on one computer. This test compares it on the others, also those of other
//! byte orders.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use vsp_core::jit::{Arch, Compiler, Target};
use vsp_core::native::{CompileOptions, Tier};
use vsp_core::program::Program;
use vsp_core::text;
use vsp_core::verify::Verified;

/// Returns a target of each architecture that every build can compile for, and one with features.
fn targets() -> [Target; 4] {
    let with_features = Target::new(Arch::X86_64).with("haswell").expect("Cranelift knows it");
    [Target::new(Arch::X86_64), with_features, Target::new(Arch::Aarch64), Target::new(Arch::Riscv64)]
}

#[test]
fn objects_are_the_same_on_every_computer() {
    let mut table = String::from("program, target, tier: bytes, CRC-32\n");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for path in vsp_snapshots::sil_files(&examples).unwrap() {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let bytes: Arc<[u8]> = text::assemble(&text, &format!("{name}.sil")).unwrap().into();
        let program = Verified::new(Program::read(bytes).unwrap()).unwrap();
        for target in targets() {
            for (number, tier) in (1..).zip(Tier::ALL) {
                let options = CompileOptions { tier, ..CompileOptions::default() };
                let code = Compiler::new(target.clone(), options).unwrap().compile(&program).unwrap();
                let object = code.to_object().unwrap();
                let (arch, crc) = (target.arch(), crc32fast::hash(&object));
                let with_features = if target.features().next().is_some() { "+haswell" } else { "" };
                writeln!(table, "{name}, {arch}{with_features}, {number}: {}, {crc:08x}", object.len())
                    .unwrap();
            }
        }
    }
    insta::assert_snapshot!("objects", table);
}
