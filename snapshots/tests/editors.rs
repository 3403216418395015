//! The TextMate grammar of `.sil` texts: its lists are those of the opcode table, and it assigns the right scopes.

mod textmate;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use textmate::Grammar;
use vsp_core::isa::{Flow, MathFn, Opcode};
use vsp_core::text;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the grammar. Under `VSP_BLESS` it is regenerated before any test sees it.
fn grammar() -> &'static str {
    static GRAMMAR: LazyLock<String> = LazyLock::new(|| {
        let path = root().join("editors/sil.tmLanguage.json");
        let current = std::fs::read_to_string(&path).unwrap();
        if std::env::var_os("VSP_BLESS").is_none() {
            return current;
        }
        let wanted = with_lists(&current);
        std::fs::write(path, &wanted).unwrap();
        wanted
    });
    &GRAMMAR
}

/// The end of a word: no letter, digit or `_` follows, and no colon, which makes a label.
const WORD_END: &str = r"(?![\p{L}\p{N}_]|\s*:)";

/// Returns the pattern of mnemonics at the start of a line or after a label. Longer ones come first: editors differ in
/// which alternative they take.
fn statement<'n>(names: impl Iterator<Item = &'n str>) -> String {
    format!("(?:^|(?<=:))\\s*((?i:{})){WORD_END}", alternatives(names))
}

fn alternatives<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_by_key(|name| (std::cmp::Reverse(name.len()), *name));
    names.join("|")
}

fn falls_through(op: Opcode) -> bool {
    matches!(op.flow(), Flow::Next | Flow::Bulk)
}

/// Returns the directives of the table in docs/isa.md, without their dots.
fn directives() -> Vec<String> {
    let page = std::fs::read_to_string(root().join("docs/isa.md")).unwrap();
    let table = page.split("| directive | meaning |").nth(1).unwrap().split("\n\n").next().unwrap();
    let cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let words = cells.flat_map(|cell| cell.split(['`', ' ', ',']));
    let mut names: Vec<String> = words.filter_map(|word| word.strip_prefix('.')).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// Returns a grammar with the lists of the opcode table and of docs/isa.md.
fn with_lists(current: &str) -> String {
    let mut wanted: Value = serde_json::from_str(current).unwrap();
    let names = |flow: bool| {
        text::mnemonics().filter(move |(_, op)| falls_through(*op) != flow).map(|(name, _)| name)
    };
    let directives = directives();
    let directives = alternatives(directives.iter().map(String::as_str));
    let functions = alternatives(MathFn::ALL.iter().map(|function| function.name()));
    let made = [
        ("directive", format!("^\\s*(\\.(?:{directives})){WORD_END}")),
        ("flow", statement(names(true))),
        ("computing", statement(names(false))),
        ("math", format!("(?<=,)\\s*(?:{functions})(?=\\s*,)")),
    ];
    for (rule, pattern) in made {
        wanted["repository"][rule]["match"] = pattern.into();
    }
    serde_json::to_string_pretty(&wanted).unwrap() + "\n"
}

#[test]
fn the_lists_are_those_of_the_opcode_table() {
    assert!(
        grammar() == with_lists(grammar()),
        "the grammar is out of date: VSP_BLESS=1 cargo test -p vsp-snapshots --test editors"
    );
}

/// Returns the scope of the first token of a line that is this word.
fn scope_of(grammar: &Grammar, line: &str, word: &str) -> Option<String> {
    let tokens = grammar.line(line);
    tokens.into_iter().find(|(token, _)| token.trim() == word).map(|(_, scope)| scope)
}

#[test]
fn mnemonics_and_shorthands_are_named() {
    let mut count = 0;
    let grammar = Grammar::new(grammar());
    for (name, op) in text::mnemonics() {
        let scope = if falls_through(op) { "keyword.mnemonic.sil" } else { "keyword.control.sil" };
        for written in [name.to_owned(), name.to_lowercase()] {
            for line in [format!("    {written} R0"), format!("l:{written} R0"), written.clone()] {
                assert_eq!(scope_of(&grammar, &line, &written).as_deref(), Some(scope), "{line}");
            }
        }
        count += 1;
    }
    assert_eq!(count, Opcode::ALL.len() + 16);
    assert_eq!(scope_of(&grammar, "    ADDER R0", "ADDER"), None);
    assert_eq!(scope_of(&grammar, "    JZ R0, add", "add"), None);
    assert_eq!(scope_of(&grammar, "add: NOP", "add").as_deref(), Some("entity.name.label.sil"));
}

#[test]
fn directives_are_named() {
    let grammar = Grammar::new(grammar());
    let names = directives();
    assert!(names.len() >= 26, "{names:?}");
    for name in names {
        for (line, what) in [(format!(".{name} 1"), "alone"), (format!("  .{name} \"x\" 1 ; 1"), "indented")]
        {
            let scope = scope_of(&grammar, &line, &format!(".{name}"));
            assert_eq!(scope.as_deref(), Some("keyword.other.directive.sil"), "{line}, {what}");
        }
    }
    assert_eq!(
        scope_of(&grammar, ".func main (0) -> 0", "main").as_deref(),
        Some("entity.name.function.sil")
    );
    assert_eq!(scope_of(&grammar, ".functions", ".functions"), None);
}

/// Names, numbers and strings of docs/isa.md, as an editor sees them.
#[test]
fn tokens_of_lines() {
    let lines = r#"
.memory 0x1_0000 ; bytes, "quoted"
.import sys.write (2) -> 1
.equ half = -2.5e-3
.data message @ 0b11 "a;b\n\x41\u{e9}\q", u8 1, 'c', zero 8
.data zero @ 16
.func main (0) -> 0
.locals 2
    MOVI    R0, message - 1_000 ; R0
next: loop rA, next
    STOREX  [R1 + RF*8 - 16], R2
    FMATH   R0, atan2, R1, R2
    FMATH   R0, sin, R1
    MOVI    R0, inf
    CALLR   R0, (2) -> 1
    GETL    R0, $1
    SADD    S0, sf, SA
    "R0":   R10 R0x R0
    .word   0x05
.end
"#;
    let grammar = Grammar::new(grammar());
    let mut shown = String::new();
    for line in lines.trim().lines() {
        shown += &format!("{line}\n");
        for (token, scope) in grammar.line(line) {
            shown += &format!("    {token:?} {scope}\n");
        }
    }
    insta::assert_snapshot!(shown);
}

/// The grammar recognises every mnemonic, register and comment that the assembler does.
#[test]
fn texts_of_the_project_are_coloured() {
    let grammar = Grammar::new(grammar());
    let mut instructions = 0;
    for path in vsp_snapshots::sil_files(&root().join("examples")).unwrap() {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let tokens = grammar.line(line);
            let of = |scope: &str| tokens.iter().filter(|(_, it)| it.starts_with(scope)).count();
            if line.starts_with("    ") && !line.trim_start().starts_with(';') {
                instructions += 1;
                assert_eq!(of("keyword.mnemonic") + of("keyword.control"), 1, "{line}");
            }
            assert_eq!(of("keyword.other.directive"), usize::from(line.starts_with('.')), "{line}");
            assert_eq!(of("entity.name.label"), usize::from(line.starts_with(char::is_alphabetic)), "{line}");
            assert_eq!(of("invalid"), 0, "{line}");
        }
    }
    assert!(instructions > 500);
}
