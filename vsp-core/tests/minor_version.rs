//! What needs format 2.1, at its edges, and that every file states the lowest version that can express it.
#![cfg(feature = "text")]

use vsp_core::isa::{Inst, Opcode, Reg};
use vsp_core::limits::{GLOBALS_OF_2_0, MAX_NAME, MAX_TAG, NAME_OF_2_0, SWITCH_ENTRIES_OF_2_0};
use vsp_core::program::{FuncType, FunctionBuilder, NameKind, Program, ProgramBuilder, ReadErrorKind};
use vsp_core::text::{assemble, disassemble};

fn ty(tag: u32) -> FuncType {
    FuncType::new(1, 2).unwrap().with_tag(tag).unwrap()
}

/// Builds a program with one function, whose last instruction is RET.
fn built(ty: FuncType, code: &[Inst], more: impl FnOnce(&mut ProgramBuilder)) -> Vec<u8> {
    let mut program = ProgramBuilder::new();
    let mut body = FunctionBuilder::new(ty);
    body.set_locals(4095);
    code.iter().for_each(|inst| body.push(*inst));
    body.push(Inst::ret().unwrap());
    let function = program.function(body);
    program.export("f", function).unwrap();
    more(&mut program);
    program.build().unwrap()
}

/// Returns the file with another version and the right checksum.
fn restated(bytes: &[u8], minor: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    (bytes[4], bytes[5]) = (minor, 2);
    bytes[16..20].fill(0);
    let crc = bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    });
    bytes[16..20].copy_from_slice(&(!crc).to_le_bytes());
    bytes
}

fn check(bytes: &[u8], minor: u8, what: &str) {
    assert_eq!(&bytes[4..6], &[minor, 2], "{what}");
    let program = Program::read(bytes).unwrap();
    assert_eq!(program.format_version(), (2, minor), "{what}");
    assert!(restated(bytes, minor) == bytes, "{what}: the checksum");
    assert!(Program::read(&restated(bytes, 1 - minor)[..]).is_err(), "{what}");
    if bytes.len() < 100_000 {
        let text = disassemble(&program);
        assert!(assemble(&text, "again.sil").unwrap() == bytes, "{what}: {text}");
    }
}

#[test]
fn programs_state_the_version_that_they_need() {
    let table = |entries: u32| {
        let mut code = vec![Inst::new(Opcode::SWITCH, &[0, entries as i32]).unwrap()];
        code.extend((0..entries).rev().map(|after| Inst::jmp(after as i32).unwrap()));
        code
    };
    let callr = |tag| vec![Inst::new(Opcode::CALLR, &[0, ty(tag).bits() as i32]).unwrap()];
    let nothing = |_: &mut ProgramBuilder| {};
    let globals =
        |count: u32| move |it: &mut ProgramBuilder| (0..count).for_each(|n| _ = it.global(n.into()));
    let long = |length: usize| "n".repeat(length);
    check(&built(ty(0), &[], nothing), 0, "nothing");
    check(&built(ty(1), &[], nothing), 1, "a tag");
    check(&built(ty(MAX_TAG), &[], nothing), 1, "the last tag");
    check(&built(ty(0), &callr(0), nothing), 0, "a call");
    check(&built(ty(0), &callr(1), nothing), 1, "a call with a tag");
    check(&built(ty(0), &callr(MAX_TAG), nothing), 1, "a call with the last tag");
    check(&built(ty(0), &table(SWITCH_ENTRIES_OF_2_0), nothing), 0, "a SWITCH");
    check(&built(ty(0), &table(SWITCH_ENTRIES_OF_2_0 + 1), nothing), 1, "a long SWITCH");
    check(&built(ty(0), &[], globals(GLOBALS_OF_2_0)), 0, "globals");
    check(&built(ty(0), &[], globals(GLOBALS_OF_2_0 + 1)), 1, "more globals");
    check(&built(ty(0), &[], globals(65_536)), 1, "most globals");
    for (length, minor) in [(NAME_OF_2_0, 0), (NAME_OF_2_0 + 1, 1), (MAX_NAME, 1)] {
        let name = long(length);
        let import = |it: &mut ProgramBuilder| _ = it.import("m", &name, ty(0)).unwrap();
        check(&built(ty(0), &[], import), minor, "an import");
        let module = |it: &mut ProgramBuilder| _ = it.import(&name, "f", ty(0)).unwrap();
        check(&built(ty(0), &[], module), minor, "a module");
        let export = |it: &mut ProgramBuilder| it.export(&name, vsp_core::index::FuncIndex(0)).unwrap();
        check(&built(ty(0), &[], export), minor, "an export");
        let debug = |it: &mut ProgramBuilder| it.name(NameKind::Function, 0, &name).unwrap();
        check(&built(ty(0), &[], debug), minor, "a debug name");
        let custom = |it: &mut ProgramBuilder| it.custom(&name, vec![1, 2]).unwrap();
        check(&built(ty(0), &[], custom), minor, "a custom section");
        let mut program = ProgramBuilder::new();
        let file = program.source_file(&name).unwrap();
        let mut body = FunctionBuilder::new(ty(0));
        body.line(file, 7);
        body.push(Inst::ret().unwrap());
        program.function(body);
        check(&program.build().unwrap(), minor, "a source file");
    }
    let import = |it: &mut ProgramBuilder| _ = it.import("m", "f", ty(5)).unwrap();
    check(&built(ty(0), &[], import), 1, "an import with a tag");
}

/// All parts of a file are found again, whatever the sizes of its fields.
#[test]
fn files_of_both_versions_have_the_same_contents() {
    let contents = |tag| {
        let bytes = built(ty(tag), &[Inst::nop().unwrap()], |it| {
            it.import("module", "import", ty(tag)).unwrap();
            it.name(NameKind::Function, 0, "name").unwrap();
            it.custom("custom", vec![3, 4]).unwrap();
            it.data(0, vec![1], Some("data")).unwrap();
        });
        let program = Program::read(&bytes[..]).unwrap();
        let import =
            program.imports().map(|it| (it.module.to_owned(), it.name.to_owned(), it.ty)).collect::<Vec<_>>();
        let names = program.names().map(|it| (it.kind, it.index, it.name.to_owned())).collect::<Vec<_>>();
        let functions = program.functions().map(|it| (it.ty, it.locals, it.words)).collect::<Vec<_>>();
        let customs = program.customs().map(|it| (it.name.to_owned(), it.bytes.to_vec())).collect::<Vec<_>>();
        let exports = program.exports().map(|it| it.name.to_owned()).collect::<Vec<_>>();
        assert_eq!((import[0].2, functions[0].0), (ty(tag), ty(tag)));
        (import[0].0.clone(), import[0].1.clone(), names, (functions[0].1, functions[0].2), customs, exports)
    };
    assert_eq!(contents(0), contents(0xABC));
}

#[test]
fn a_version_that_does_not_fit_is_refused_where_it_does_not() {
    let plain = built(ty(0), &[], |_| {});
    let found = Program::read(&restated(&plain, 1)[..]).unwrap_err();
    // The fields of the other version have other sizes, so something else is wrong before.
    assert_ne!(found.offset, 0, "{found}");
    // Without functions, imports and names, everything else is equal.
    let empty = ProgramBuilder::new().build().unwrap();
    let found = Program::read(&restated(&empty, 1)[..]).unwrap_err();
    assert_eq!((found.offset, found.kind), (4, ReadErrorKind::Minor { needed: 0, stated: 1 }));
    let mut program = ProgramBuilder::new();
    let mut body = FunctionBuilder::new(FuncType::new(0, 0).unwrap());
    body.push(Inst::nop().unwrap());
    body.push(Inst::new(Opcode::CALLR, &[0, 0x100]).unwrap());
    body.push(Inst::ret().unwrap());
    program.function(body);
    let bytes = program.build().unwrap();
    let found = Program::read(&restated(&bytes, 0)[..]).unwrap_err();
    let word = bytes.len() - 8;
    assert_eq!((found.offset, found.kind), (word, ReadErrorKind::Minor { needed: 1, stated: 0 }));
}

#[test]
fn texts_give_types_tags() {
    let text = ".lines none\n.import m.f (0) -> 1 tag 7\n.func f (1) -> 1 tag 4095\n CALLR R0, (2) -> 1 tag 3\n RET\n.end\n";
    let bytes = assemble(text, "tags.sil").unwrap();
    let program = Program::read(&bytes[..]).unwrap();
    assert_eq!(program.imports().next().unwrap().ty.tag(), 7);
    assert_eq!(program.functions().next().unwrap().ty.tag(), 4095);
    let callr = Inst::callr(Reg::R0, 2 | 1 << 4 | 3 << 8).unwrap();
    assert_eq!(program.code()[0], callr.encode().to_le_bytes());
    let text = disassemble(&program);
    for part in [".import m.f (0) -> 1 tag 7", "f (1) -> 1 tag 4095", "CALLR R0, (2) -> 1 tag 3"] {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(part), "{part}: {text}");
    }
    for wrong in ["tag", "tag 4096", "tag -1", "tag x", "tag 1 2", "Tag 1"] {
        assert!(assemble(&format!(".func f (1) -> 1 {wrong}\n RET\n.end\n"), "tags.sil").is_err(), "{wrong}");
    }
    // Tag 0 is not written.
    let plain = assemble(".lines none\n.func f (1) -> 1 tag 0\n RET\n.end\n", "tags.sil").unwrap();
    assert_eq!(plain[4..6], [0, 2]);
    assert!(!disassemble(&Program::read(&plain[..]).unwrap()).contains("tag"));
}
