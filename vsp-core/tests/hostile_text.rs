//! No text makes the assembler panic. The disassembler reproduces the bytes of an accepted text, and the formatter its
//! bytes and comments.
#![cfg(feature = "text")]

mod layout;

use proptest::prelude::*;
use vsp_core::program::Program;
use vsp_core::text::{assemble, disassemble};

fn check(text: &str) {
    let assembled = assemble(text, "hostile.sil");
    layout::check(text, &assembled);
    if let Ok(bytes) = assembled {
        let program = Program::read(&bytes[..]).unwrap();
        let listing = disassemble(&program);
        match assemble(&listing, "other name.sil") {
            Ok(again) => assert!(again == bytes, "other bytes from\n{text}\nlisted as\n{listing}"),
            Err(errors) => panic!("{} in the listing of\n{text}\n{listing}", errors[0]),
        }
    }
}

fn examples() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "sil"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert!(texts.len() >= 5);
    texts
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn examples_come_back_as_the_same_bytes() {
    for text in examples() {
        assert!(assemble(&text, "example.sil").is_ok());
        check(&text);
    }
}

/// The pieces of lines; from `REGISTER_PIECE` on, the pieces of operands.
const PIECES: &[&str] = &[
    ".func",
    ".end",
    ".data",
    ".export",
    ".import",
    ".equ",
    ".const",
    ".global",
    ".memory",
    ".space",
    ".align",
    ".locals",
    ".line",
    ".lines",
    ".file",
    ".name",
    ".custom",
    ".word",
    ".u8",
    ".f32",
    ".string",
    ".zero",
    "ADD",
    "JZ",
    "LOADX",
    "STORE",
    "MOVI",
    "SWITCH",
    "explicit",
    ":",
    "f",
    "x",
    "(0) -> 0",
    "(2) -> 1",
    "(9) -> 9",
    "->",
    "R0",
    "R1",
    "RF",
    "[R1]",
    "[R1 + R2*8 - 16]",
    "[",
    "]",
    "(",
    ")",
    "+",
    "-",
    "*",
    ",",
    ",",
    ",",
    "=",
    "@",
    "$0",
    "$1",
    "$99999999999",
    "0",
    "1",
    "-1",
    "16",
    "65535",
    "0xFFFFFFFF",
    "18446744073709551615",
    "99999999999999999999",
    "2.5",
    "1e999",
    "inf",
    "'a'",
    "'",
    "\"s\"",
    "\"",
    "\"\\u{1F600}\"",
    "l",
    "g",
    "c",
    "; a comment",
];
const REGISTER_PIECE: usize = 30;

fn line() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..7).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn pieces_in_any_order(lines in proptest::collection::vec(line(), 0..12), wrap in any::<bool>()) {
        let body = lines.join("\n");
        check(&if wrap { format!(".func f (1) -> 1\n{body}\n RET\n.end\n") } else { body });
    }

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn any_characters(text in "\\PC{0,80}(\n\\PC{0,40}){0,4}") {
        check(&text);
    }

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn instructions_with_any_operands(
        op in proptest::sample::select(vsp_core::isa::Opcode::ALL),
        operands in proptest::collection::vec(proptest::sample::select(&PIECES[REGISTER_PIECE..]), 0..5),
    ) {
        let operands = operands.join(", ");
        check(&format!(".global g\n.const c 5\n.func f (1) -> 1\nl: {} {operands}\n RET\n.end\n", op.mnemonic()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn damaged_examples(
        which in 0usize..5,
        cut in any::<prop::sample::Index>(),
        with in "\\PC{0,3}|\n",
        keep in any::<bool>(),
    ) {
        let text = &examples()[which];
        let locations: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let at = locations[cut.index(locations.len())];
        let rest = if keep { &text[at..] } else { "" };
        check(&format!("{}{with}{rest}", &text[..at]));
    }
}
