//! `vsp dump` and `vsp cfg` from the user's view.

mod command;

use command::{example, file, refusal, run, run_in, stderr, stdout};
use serde_json::Value;

const EXAMPLES: [&str; 6] = ["fib", "json", "regex", "sha256", "nbody", "brainfuck"];

fn dump(args: &[&str]) -> Value {
    let output = run(&[&["dump", "--json"], args].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

/// The sections are consecutive in the file, and contain the code of the functions.
#[test]
fn sizes_add_up() {
    for name in EXAMPLES {
        let program = dump(&[&example(name)]);
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image.silc");
        assert!(run(&["asm", &example(name), "-o", image.to_str().unwrap()]).status.success());
        let image = std::fs::read(image).unwrap();
        assert_eq!(number(&program["bytes"]), image.len() as u64, "{name}");

        let mut end = 0;
        let mut code_bytes = 0;
        for section in list(&program["sections"]) {
            let (offset, bytes) = (number(&section["offset"]), number(&section["bytes"]));
            assert!(offset >= end && bytes > 0, "{name}: {section}");
            end = offset + bytes;
            if section["name"] == "code" {
                code_bytes = bytes;
            }
        }
        assert!(end <= image.len() as u64, "{name}");
        let words: u64 = list(&program["functions"]).iter().map(|function| number(&function["words"])).sum();
        assert_eq!(words * 4, code_bytes, "{name}");
    }
}

/// Blocks tile their function, and their successors are blocks.
#[test]
fn blocks_tile_functions_and_the_graph_has_all_of_them() {
    for name in EXAMPLES {
        let path = example(name);
        let program = dump(&[&path]);
        let dot = stdout(&run(&["cfg", &path]));
        let (mut blocks, mut edges) = (0, 0);
        for function in list(&program["functions"]) {
            let mut next = 0;
            let all = list(&function["blocks"]);
            for block in all {
                assert_eq!(number(&block["first_word"]), next, "{name}: {function}");
                next += number(&block["words"]);
                let successors = list(&block["successors"]);
                assert!(successors.iter().all(|to| number(to) < all.len() as u64), "{name}: {block}");
                edges += successors.len();
            }
            assert_eq!(next, number(&function["words"]), "{name}");
            blocks += all.len();
        }
        assert_eq!(dot.matches("[label=\"").count(), blocks, "{name}");
        assert_eq!(dot.matches(" -> f").count(), edges, "{name}");
    }
}

#[test]
fn a_dump_for_people() {
    insta::assert_snapshot!(stdout(&run_in(
        &command::root(),
        &["dump", "--blocks", "examples/fib.sil"],
        b""
    )));
}

#[test]
fn one_function_only() {
    let all = list(&dump(&[&example("fib")])["functions"]).len();
    let one = dump(&["--function", "fib", &example("fib")]);
    assert_eq!((all, list(&one["functions"]).len()), (2, 1));
    assert_eq!(one["functions"], dump(&["-f", "$1", &example("fib")])["functions"]);
}

/// A program that the verifier rejects can be dumped.
#[test]
fn a_program_that_is_not_verified_is_dumped_without_blocks() {
    let (folder, _) = file("add.sil", b".export f\n.func f (0) -> 1\n NOP\n NOP\n RET\n.end\n");
    assert!(run_in(folder.path(), &["asm", "add.sil"], b"").status.success());
    let program = dump(&[folder.path().join("add.silc").to_str().unwrap()]);
    let code = list(&program["sections"]).iter().find(|section| section["name"] == "code").unwrap();
    let mut image = std::fs::read(folder.path().join("add.silc")).unwrap();
    // The last word becomes a NOP: execution would run off the end.
    let last = number(&code["offset"]) as usize + 8;
    image.copy_within(last - 8..last - 4, last);
    let sum = crc32(&image);
    image[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
    let bad = folder.path().join("bad.silc");
    std::fs::write(&bad, image).unwrap();
    let bad = bad.to_str().unwrap();
    assert_eq!(run(&["check", bad]).status.code(), Some(1));
    let program = dump(&[bad]);
    assert!(!list(&program["errors"]).is_empty(), "{program}");
    assert_eq!(number(&program["functions"][0]["words"]), 3);
    assert_eq!(program["functions"][0]["blocks"], Value::Null);
}

/// Offset of the checksum by docs/format.md. It is that of the file with zeros in its place.
const CHECKSUM_AT: usize = 16;

fn crc32(image: &[u8]) -> u32 {
    let byte =
        |(at, byte): (usize, &u8)| if (CHECKSUM_AT..CHECKSUM_AT + 4).contains(&at) { 0 } else { *byte };
    !image.iter().enumerate().map(byte).fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 * (sum & 1)))
    })
}

#[test]
fn a_drawing_has_every_block() {
    for name in EXAMPLES {
        let path = example(name);
        let folder = tempfile::tempdir().unwrap();
        let svg = folder.path().join("cfg.svg");
        let output = run(&["cfg", &path, "-o", svg.to_str().unwrap()]);
        assert!(output.status.success() && output.stdout.is_empty());
        let drawing = std::fs::read_to_string(svg).unwrap();
        let blocks = stdout(&run(&["cfg", &path])).matches("[label=\"").count();
        assert!(drawing.starts_with("<svg") && drawing.trim_end().ends_with("</svg>"), "{name}");
        assert_eq!(drawing.matches("block ").count(), blocks, "{name}");
        assert_eq!(drawing.matches("<text").count(), drawing.matches("</text>").count(), "{name}");
        assert_eq!(drawing, stdout(&run(&["cfg", "--format", "svg", &path])), "{name}");
    }
}

/// A box shows the text as its author wrote it: labels and characters.
#[test]
fn a_drawing_has_the_names_of_the_text() {
    let source = b".export kind
.func kind (1) -> 1
    SWITCH  R0, 5
    JMP     first
    JMP     first
    JMP     first
    JMP     second
    JMP     first
again:
    ADDI    R0, 1
    JEQI    R0, 'a', first              ; a comment
    LOOP    R1, again
first:                                  ; a place
    MOVI    R0, 'x'
    RET
second:
    JMP     again
.end
";
    let (folder, path) = file("kind.sil", source);
    for args in [&["cfg", &path][..], &["cfg", "--format", "svg", &path]] {
        let drawing = stdout(&run(args));
        for text in ["first: block", "again: block", "JEQI      R0, 'a', first", "LOOP      R1, again"] {
            assert!(drawing.contains(text), "{text}: {drawing}");
        }
        assert!(!drawing.contains("L0") && !drawing.contains("comment"), "{drawing}");
    }
    let drawing = stdout(&run(&["cfg", "--format", "svg", &path]));
    assert!(drawing.contains("class=\"label\"") && drawing.contains(">else</text>"), "{drawing}");
    assert!(drawing.contains("<title>kind+"), "{drawing}");
    assert!(drawing.contains("prefers-color-scheme: dark"), "{drawing}");
    assert!(drawing.contains("stroke-dasharray"), "{drawing}");
    // A program next to its text is drawn in the same way; without the text, or if that has changed since, with the
    // names of the disassembler.
    assert!(run_in(folder.path(), &["asm", "kind.sil"], b"").status.success());
    let drawn = || stdout(&run_in(folder.path(), &["cfg", "kind.silc"], b""));
    assert!(drawn().contains("JEQI      R0, 'a', first"), "{}", drawn());
    std::fs::write(&path, [b"; new\n", &source[..]].concat()).unwrap();
    assert!(drawn().contains("JEQI      R0, 97, L"), "{}", drawn());
    std::fs::remove_file(&path).unwrap();
    assert!(drawn().contains("JEQI      R0, 97, L"), "{}", drawn());
}

/// Many functions are not drawn in one column when one of them is wide.
#[test]
fn a_drawing_of_many_functions_is_not_a_column() {
    let drawing = stdout(&run(&["cfg", "--format", "svg", &example("json")]));
    let number = |name: &str| -> f64 {
        let rest = drawing.split_once(&format!(" {name}=\"")).unwrap().1;
        rest.split('"').next().unwrap().parse().unwrap()
    };
    assert!(number("height") < 1.5 * number("width"), "{} × {}", number("width"), number("height"));
}

#[test]
fn mistakes_are_explained() {
    let fib = example("fib");
    assert!(refusal(&["dump", "nothing.sil"], 1).contains("nothing.sil"));
    for command in ["dump", "cfg"] {
        let message = refusal(&[command, "--function", "fab", &fib], 1);
        assert!(message.contains("`fab`"), "{message}");
        let (_folder, text) = file("not.silc", b"what is this?");
        assert!(refusal(&[command, &text], 1).contains("not.silc"));
        refusal(&[command], 2);
    }
    assert!(refusal(&["cfg", "--format", "png", &fib], 2).contains("png"));
}
