//! Targets that parse one of the formats.

use std::path::Path;

use vsp_core::index::FuncIndex;
use vsp_core::jit::{Arch, Compiler, Target};
use vsp_core::native::{CompileOptions, Object, Tier};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Instance, Options, text};

use super::{PROGRAM_LENGTH_AT, repaired, samples};
use crate::{host_module, sil_files};

/// Offset of the length in a code object's header.
const OBJECT_LENGTH_AT: usize = 8;

/// Largest memory of programs that are run, in bytes.
const MAX_MEMORY: u64 = 1 << 20;

pub(super) fn container(data: &[u8]) {
    let _ = Program::read(data);
    let bytes = repaired(data, PROGRAM_LENGTH_AT);
    let Ok(program) = Program::read(&bytes[..]) else { return };
    let listing = text::disassemble(&program);
    match text::assemble(&listing, "") {
        Ok(again) => assert!(again == bytes, "other bytes of\n{listing}"),
        Err(errors) => panic!("{} in\n{listing}", errors[0]),
    }
    if let Ok(verified) = Verified::new(program) {
        run(&verified);
    }
}

/// Runs the exports with little fuel.
fn run(program: &Verified<'_>) {
    if program.program().memory_minimum() > MAX_MEMORY {
        return;
    }
    let Ok(imports) = host_module::imports() else { unreachable!("the imports of the cases") };
    let options = Options { stack_cells: Some(4096), fuel: Some(5_000), ..Options::default() };
    let Ok(mut instance) = Instance::new(program, &imports, (), options) else { return };
    let exports: Vec<FuncIndex> = program.program().exports().map(|export| export.function).take(4).collect();
    for export in exports {
        let Some(function) = program.function(export) else { unreachable!("verified: the function exists") };
        let called = instance.call(export, &[7; 8][..function.ty.params()]);
        assert!(called.is_ok(), "{called:?}");
        instance.reset();
    }
}

pub(super) fn container_seeds() -> Vec<Vec<u8>> {
    let texts = text_seeds();
    let programs =
        texts.iter().filter_map(|text| text::assemble(std::str::from_utf8(text).ok()?, "a.sil").ok());
    programs.chain(samples().iter().map(|sample| sample.made.bytes.clone())).collect()
}

pub(super) fn text(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let assembled = text::assemble(source, "text.sil");
    let _ = text::unused(source);
    let formatted = text::format(source);
    assert_eq!(formatted.is_ok(), assembled.is_ok());
    let (Ok(bytes), Ok(formatted)) = (assembled, formatted) else { return };
    assert!(text::assemble(&formatted, "text.sil").as_ref() == Ok(&bytes), "other bytes of\n{formatted}");
    assert_eq!(text::format(&formatted).as_ref(), Ok(&formatted));
    let Ok(program) = Program::read(&bytes[..]) else {
        panic!("the assembler's output is not a program:\n{source}")
    };
    let listing = text::disassemble(&program);
    assert!(text::assemble(&listing, "other.sil").as_ref() == Ok(&bytes), "other bytes of\n{listing}");
}

/// Returns the short examples.
pub(super) fn text_seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let files = sil_files(&folder).unwrap_or_default();
    let texts = files.iter().filter_map(|path| std::fs::read(path).ok());
    texts.filter(|text| text.len() < 3_000).collect()
}

pub(super) fn object(data: &[u8]) {
    let _ = Object::read(data);
    let bytes = repaired(data, OBJECT_LENGTH_AT);
    let Ok(object) = Object::read(&bytes) else { return };
    let placement = object.placement();
    let info = object.info();
    assert_eq!(placement.code.len(), info.length());
    assert_eq!(placement.offset + placement.code.len(), bytes.len());
    for index in (0..info.table().len() as u32).map(FuncIndex) {
        assert!(info.function(index).is_some_and(|range| range.end <= info.length()));
        assert!(info.entry(index).is_some_and(|entry| entry < info.length()));
    }
    let _ = info.check_target(&Target::new(Arch::X86_64));
    if info.check_program(program()).is_ok() {
        assert_eq!(info.table().len(), program().functions().len());
    }
}

/// Returns the program that code objects are compared with.
fn program() -> &'static Verified<'static> {
    &samples()[0].program
}

pub(super) fn object_seeds() -> Vec<Vec<u8>> {
    let targets = [(Arch::X86_64, Tier::One), (Arch::Aarch64, Tier::Two), (Arch::Riscv64, Tier::Two)];
    let object = |(arch, tier)| {
        let options = CompileOptions { tier, ..CompileOptions::default() };
        let code = Compiler::new(Target::new(arch), options).ok()?.compile(program()).ok()?;
        code.to_object().ok()
    };
    targets.into_iter().filter_map(object).collect()
}
