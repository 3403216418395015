//! The formatter.
#![cfg(feature = "text")]

mod layout;

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use vsp_core::text::{assemble, format};

/// The `.sil` files in a folder of the project and in its subfolders, by name.
fn texts(folder: &str) -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "sil") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), &mut found);
    found.sort();
    found.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn examples_are_formatted() {
    let examples = texts("examples");
    assert!(examples.len() >= 5);
    for (path, text) in examples {
        assert!(format(&text).unwrap() == text, "vsp fmt {}", path.display());
    }
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn cases_stay_the_same_programs() {
    let mut assembled = 0;
    for (path, text) in texts("snapshots/cases") {
        let bytes = assemble(&text, "hostile.sil");
        assembled += usize::from(bytes.is_ok());
        println!("{}", path.display());
        layout::check(&text, &bytes);
    }
    assert!(assembled > 200, "only {assembled} cases assemble");
}

const UNTIDY: &str = "
\t.memory   0x100 ;bytes\t
  .import test . \"a;b\"(2)->1
.import\ttest.echo (1) -> 1;;  two
.global  g= -1
.global h -1
.const c=2.5
.equ n 3*( 4+5 ) - -1
   ; about data
.data d@16 \"a ; b\",u8 -1,'\\'' , n-1 ,zero 8-4
.u16 1,-2
.space s@ 0x40 n*0+16
.func f(2)->1
; before
.locals 2 ; of it
  add  r0,RA ; the sum
             ; of both
\t; not about it
ADD R0,R0,R1
a:b:
  c: loop r0,a
there:hlt
.line 7
.word 0X05
load16u r1,[ r2+R3 * 2-n*2+ -4 ]
callr r0 ,(2)->1 ; a long one, whose comment does not fit
fcopysign r0,r1,r2
storef32x [r1+r2*4+1000-1000+1000-1000+1000-1000],r3;long
                                                    ; and below
trap -0+5
movi r0, - 5
syscall test . echo
.end


";

const TIDY: &str = "
.memory 0x100                           ;bytes
.import test.\"a;b\" (2) -> 1
.import test.echo (1) -> 1              ;;  two
.global g = -1
.global h -1
.const c = 2.5
.equ n 3*(4 + 5) - -1
; about data
.data d @ 16 \"a ; b\", u8 -1, '\\'', n - 1, zero 8 - 4
.u16 1, -2
.space s @ 0x40 n*0 + 16
.func f (2) -> 1
    ; before
.locals 2                               ; of it
    ADD     R0, RA                      ; the sum
                                        ; of both
    ; not about it
    ADD     R0, R0, R1
a: b:
c:  LOOP    R0, a
there: HLT
    .line 7
    .word 0X05
    LOAD16U R1, [R2 + R3*2 - n*2 + -4]
    CALLR   R0, (2) -> 1                ; a long one, whose comment does not fit
    FCOPYSIGN R0, R1, R2
    STOREF32X [R1 + R2*4 + 1000 - 1000 + 1000 - 1000 + 1000 - 1000], R3 ;long
                                                                        ; and below
    TRAP    -0 + 5
    MOVI    R0, -5
    SYSCALL test.echo
.end
";

#[test]
fn an_untidy_text_gets_the_layout() {
    assert_eq!(format(UNTIDY).map_err(|errors| errors[0].to_string()), Ok(TIDY.to_owned()));
    layout::check(UNTIDY, &assemble(UNTIDY, "hostile.sil"));
}

#[test]
fn ends_of_lines_and_of_the_text() {
    let formatted = |text| format(text).unwrap();
    assert_eq!(formatted(""), "");
    assert_eq!(formatted("\n \n\n"), "");
    assert_eq!(formatted("; c"), "; c\n");
    assert_eq!(formatted(".equ a 1\r\n\r\n;c \r\n"), ".equ a 1\n\n;c\n");
}

#[test]
fn a_text_with_errors_has_no_layout() {
    let errors = format(".func f (0) -> 0\n  jmp out\n.end\n").unwrap_err();
    assert_eq!((errors[0].line, errors[0].message.as_str()), (2, "there is no label `out` in this function"));
}

/// Whitespace, used cyclically in this order.
fn blanks() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[ \t]{1,5}", 1..20)
}

/// Changes the whitespace between the tokens of a text, and optionally the case of mnemonics. Comments on their own
/// lines stay unchanged.
fn blurred(text: &str, blanks: &[String], lower: bool) -> String {
    let mut next = blanks.iter().cycle();
    let mut blurred = String::new();
    for line in text.split_inclusive('\n') {
        let start = layout::comment_start(line).unwrap_or(line.trim_end().len());
        let (code, comment) = line.split_at(start);
        if code.contains(['"', '\'']) || code.trim().is_empty() {
            blurred.push_str(line);
            continue;
        }
        let mut in_mnemonic = lower && code.starts_with("    ");
        for character in code.trim().chars() {
            in_mnemonic &= character != ' ';
            match character {
                ' ' => blurred.extend(next.next().cloned()),
                _ if in_mnemonic => blurred.push(character.to_ascii_lowercase()),
                '[' | ']' | ',' | '@' | '=' => {
                    blurred.extend(next.next().cloned());
                    blurred.push(character);
                    blurred.extend(next.next().cloned());
                }
                _ => blurred.push(character),
            }
        }
        blurred.extend(next.next().cloned());
        blurred.push_str(comment);
    }
    blurred
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn the_layout_depends_on_no_blanks(which in any::<prop::sample::Index>(), blanks in blanks(), lower in any::<bool>()) {
        let (path, text) = which.get(&texts("examples")).clone();
        let blurred = blurred(&text, &blanks, lower);
        prop_assert!(blurred != text);
        prop_assert!(format(&blurred).unwrap() == text, "{}\n{blurred}", path.display());
    }

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn cases_with_other_blanks_stay_the_same_programs(which in any::<prop::sample::Index>(), blanks in blanks()) {
        let cases = texts("snapshots/cases");
        let blurred = blurred(&which.get(&cases).1, &blanks, true);
        layout::check(&blurred, &assemble(&blurred, "hostile.sil"));
    }
}
