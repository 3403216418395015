//! Modules with DWARF: of compilers, and by hand.
#![allow(dead_code, reason = "each test file uses some of it")]

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome};

/// The modules of `data/sum.c` with DWARF 4 and 5.
pub(crate) const SUM: [&[u8]; 2] =
    [include_bytes!("../data/sum-dwarf4.wasm"), include_bytes!("../data/sum-dwarf5.wasm")];

pub(crate) fn translate(module: &[u8]) -> Vec<u8> {
    vsp_wasm::translate(module, &vsp_wasm::Options::default()).expect("the module is translated")
}

/// Returns the trap and the call stack of a call.
pub(crate) fn trap(program: &[u8], name: &str, args: &[u64]) -> String {
    let program = Verified::new(Program::read(program).unwrap()).unwrap();
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&program, &imports, (), Options::default()).unwrap();
    match instance.call_export(name, args).unwrap() {
        Outcome::Trapped(trapped) => instance.trap_report(&trapped).to_string(),
        other => panic!("{name}: {other:?}"),
    }
}

pub(crate) fn leb(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_leb(bytes: &[u8], at: &mut usize) -> usize {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        value |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

/// Returns the sections of a module: their numbers and contents.
fn sections(module: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut sections = Vec::new();
    let mut at = 8;
    while at < module.len() {
        let id = module[at];
        at += 1;
        let length = read_leb(module, &mut at);
        sections.push((id, module[at..at + length].to_vec()));
        at += length;
    }
    sections
}

/// Splits the contents of a custom section into name and bytes.
fn custom(content: &[u8]) -> (String, Vec<u8>) {
    let mut at = 0;
    let length = read_leb(content, &mut at);
    (String::from_utf8(content[at..at + length].to_vec()).unwrap(), content[at + length..].to_vec())
}

/// Returns the custom sections of a module.
pub(crate) fn customs(module: &[u8]) -> Vec<(String, Vec<u8>)> {
    sections(module).iter().filter(|(id, _)| *id == 0).map(|(_, content)| custom(content)).collect()
}

pub(crate) fn is_debug(name: &str) -> bool {
    name.starts_with(".debug_")
}

/// Returns a module with a custom section in place of the one with this name, if there is one.
pub(crate) fn replace_custom(module: &[u8], name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = module[..8].to_vec();
    let mut put = |id: u8, content: &[u8]| {
        out.push(id);
        leb(content.len() as u64, &mut out);
        out.extend(content);
    };
    for (id, content) in sections(module) {
        if id != 0 || custom(&content).0 != name {
            put(id, &content);
        }
    }
    let mut content = Vec::new();
    leb(name.len() as u64, &mut content);
    content.extend(name.bytes());
    content.extend(bytes);
    put(0, &content);
    out
}

/// Standard opcodes of line number programs.
pub(crate) const COPY: u8 = 1;
pub(crate) const ADVANCE_PC: u8 = 2;
pub(crate) const ADVANCE_LINE: u8 = 3;
pub(crate) const SET_FILE: u8 = 4;

/// The instruction that sets the address.
pub(crate) fn set_address(address: u32) -> Vec<u8> {
    [&[0, 5, 2][..], &address.to_le_bytes()].concat()
}

pub(crate) const END_SEQUENCE: [u8; 3] = [0, 1, 1];

/// The beginning of a header: minimum instruction length, operations per instruction, is_stmt, line_base, line_range,
/// opcode_base, and the numbers of operands of the standard opcodes.
pub(crate) const HEADER: [u8; 18] = [1, 1, 1, 0xFB, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];

/// Returns a line number program of DWARF 4 with these files, of which each is in the directory of the compiler.
pub(crate) fn program_4(files: &[&str], instructions: &[u8]) -> Vec<u8> {
    // No directories.
    let mut header = [&HEADER[..], &[0]].concat();
    for file in files {
        header.extend(file.bytes());
        header.extend([0; 4]);
    }
    header.push(0);
    unit(4, &header, instructions)
}

/// Returns a unit of `.debug_line`.
pub(crate) fn unit(version: u16, header: &[u8], instructions: &[u8]) -> Vec<u8> {
    let mut rest = version.to_le_bytes().to_vec();
    if version >= 5 {
        rest.extend([4, 0]);
    }
    rest.extend((header.len() as u32).to_le_bytes());
    rest.extend(header);
    rest.extend(instructions);
    [&(rest.len() as u32).to_le_bytes()[..], &rest].concat()
}
