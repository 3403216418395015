//! Errors of the reader and their offsets: one case for each check.

use vsp_core::isa::Inst;
use vsp_core::program::{FunctionBuilder, Program, ProgramBuilder, ReadError, ReadErrorKind};

use crate::{broken, full, repair, repair_checksum, section, ty};

fn error(offset: usize, what: &'static str, kind: ReadErrorKind) -> ReadError {
    ReadError { offset, what, kind }
}

#[test]
fn errors_of_the_header_say_where_and_what() {
    use ReadErrorKind::*;
    let bytes = full();
    let length = bytes.len() as u64;
    assert_eq!(Program::read(&b""[..]).unwrap_err(), error(0, "magic", Magic));
    assert_eq!(Program::read(&b"SIL"[..]).unwrap_err(), error(0, "magic", TooShort { needed: 4, left: 3 }));
    assert_eq!(broken(0, b"silc"), error(0, "magic", Magic));
    assert_eq!(broken(4, &[0, 1]), error(4, "version", OldVersion));
    assert_eq!(broken(4, &[1, 0]), error(4, "version", OldVersion));
    assert_eq!(broken(4, &[2, 2]), error(4, "version", Version(0x0202)));
    assert!(broken(4, &[0, 1]).to_string().contains("format 1.0"));
    assert_eq!(broken(6, &[1]), error(6, "flags", Expected { expected: 0, found: 1 }));
    assert_eq!(broken(8, &[200]), error(8, "section count", TooLarge { found: 200, limit: 10 }));
    let wrong_length = Expected { expected: length + 1, found: length };
    assert_eq!(broken(12, &(length as u32 + 1).to_le_bytes()), error(12, "total length", wrong_length));
    assert_eq!(broken(27, &[9]), error(27, "reserved header bytes", Expected { expected: 0, found: 9 }));
    let mut damaged = bytes.clone();
    damaged[40] ^= 1;
    let found = Program::read(&damaged[..]).unwrap_err();
    assert!(matches!(found.kind, Checksum { .. }) && found.offset == 16, "{found}");
}

#[test]
fn errors_of_the_section_table_say_where_and_what() {
    use ReadErrorKind::*;
    let bytes = full();
    let first = section(&bytes, 1) as u64;
    assert_eq!(broken(32, &[77]), error(32, "section id", Unknown(77)));
    assert_eq!(broken(32, &[0]), error(32, "section id", Unknown(0)));
    assert_eq!(broken(48, &[1]), error(48, "section id", Order));
    let moved = Expected { expected: first, found: first + 8 };
    assert_eq!(broken(36, &(first as u32 + 8).to_le_bytes()), error(36, "section offset", moved));
    assert_eq!(broken(40, &[0, 0, 0, 0]), error(40, "section length", Redundant));
    let left = bytes.len() - first as usize;
    let long = TooShort { needed: 0x00FF_FFFF, left };
    assert_eq!(broken(40, &[255, 255, 255]), error(40, "section length", long));
    assert_eq!(broken(44, &[1]), error(44, "section table", Expected { expected: 0, found: 1 }));
    // The imports end with "tell" at an odd offset.
    let padding = section(&bytes, 2) - 1;
    let found = Expected { expected: 0, found: 7 };
    assert_eq!(broken(padding, &[7]), error(padding, "padding before a section", found));
    let extra = repair([&bytes[..], &[0]].concat());
    let found = error(bytes.len(), "end of the last section", LeftOver(1));
    assert_eq!(Program::read(&extra[..]).unwrap_err(), found);
}

#[test]
fn errors_of_imports_functions_and_code_say_where_and_what() {
    use ReadErrorKind::*;
    let bytes = full();
    let imports = section(&bytes, 1);
    assert_eq!(broken(imports, &[0]), error(imports, "imports", Redundant));
    assert_eq!(broken(imports + 4, &[0x09]), error(imports + 4, "import's type", FuncType(9)));
    assert_eq!(broken(imports + 4, &[0x51]), error(imports + 4, "import's type", FuncType(0x51)));
    assert_eq!(broken(imports + 5, &[1]), error(imports + 4, "import's type", FuncType(0x111)));
    assert_eq!(broken(imports + 8, &[0xFF]), error(imports + 8, "import's module", Utf8));
    assert_eq!(broken(imports, &[1]).kind, LeftOver(12));
    assert!(matches!(broken(imports, &[3]).kind, TooShort { .. }));

    let functions = section(&bytes, 2);
    assert_eq!(broken(functions + 1, &[1]), error(functions, "function's type", FuncType(0x112)));
    let locals = TooLarge { found: 4096, limit: 4095 };
    assert_eq!(broken(functions + 2, &[0, 16]), error(functions, "number of locals", locals));
    let what = "function's word count";
    assert_eq!(broken(functions + 4, &[0]), error(functions, what, TooSmall { found: 0, least: 1 }));
    let words = TooLarge { found: (1 << 20) + 1, limit: 1 << 20 };
    assert_eq!(broken(functions + 4, &[1, 0, 16]), error(functions, what, words));
    let sum = Expected { expected: 11, found: 12 };
    assert_eq!(broken(functions + 4, &[4]), error(functions, "sum of the functions' word counts", sum));
}

#[test]
fn errors_of_memory_data_and_exports_say_where_and_what() {
    use ReadErrorKind::*;
    let bytes = full();
    let memory = section(&bytes, 5);
    assert_eq!(broken(memory, &[65]), error(memory, "memory minimum", Granule(65)));
    assert_eq!(broken(memory, &[0]), error(memory, "memory minimum", TooSmall { found: 0, least: 16 }));
    let large = TooLarge { found: (1 << 32) + 64, limit: 1 << 32 };
    assert_eq!(broken(memory + 4, &[1]), error(memory, "memory minimum", large));

    let data = section(&bytes, 6);
    assert_eq!(broken(data + 4, &[1]), error(data + 4, "data", Expected { expected: 0, found: 1 }));
    assert_eq!(broken(data + 16, &[11]), error(data + 16, "data segment", Order));
    assert_eq!(broken(data + 12, &[0]), error(data + 8, "data segment", Redundant));
    let outside = TooLarge { found: 65, limit: 64 };
    assert_eq!(broken(data + 16, &[60]), error(data + 16, "end of a data segment", outside));
    assert_eq!(broken(data + 20, &[4]).kind, LeftOver(1));
    assert!(matches!(broken(data + 20, &[6]).kind, TooShort { needed: 6, left: 5 }));

    let exports = section(&bytes, 7);
    assert_eq!(
        broken(exports + 4, &[2]),
        error(exports + 4, "exported function", TooLarge { found: 2, limit: 1 })
    );
    assert_eq!(broken(exports + 9, b"n"), error(exports + 17, "export", Order));
}

#[test]
fn errors_of_debug_and_custom_sections_say_where_and_what() {
    use ReadErrorKind::*;
    let bytes = full();
    let names = section(&bytes, 8);
    assert_eq!(broken(names + 4, &[3]), error(names + 4, "kind of a name", Unknown(3)));
    let what = "number of a named thing";
    assert_eq!(broken(names + 6, &[2]), error(names + 4, what, TooLarge { found: 2, limit: 1 }));
    assert_eq!(broken(names + 14, &[0]), error(names + 14, "name", Order));

    let lines = section(&bytes, 9);
    let entries = lines + 8 + 1 + "full.sil".len();
    assert_eq!(broken(lines + 4, &[0]), error(lines, "lines", Redundant));
    assert_eq!(broken(entries + 12, &[0]), error(entries + 12, "line", Order));
    assert_eq!(
        broken(entries + 24, &[11]),
        error(entries + 24, "word of a line", TooLarge { found: 11, limit: 10 })
    );
    assert_eq!(broken(entries + 4, &[1]), error(entries, "file of a line", TooLarge { found: 1, limit: 0 }));
    assert_eq!(broken(entries + 20, &[9]), error(entries + 12, "line", Redundant));

    let customs = section(&bytes, 10);
    assert_eq!(broken(customs + 5, &[1]).what, "custom section's bytes");
    assert!(matches!(broken(customs, &[3]).kind, TooShort { .. }));
}

/// Returns a file with these sections, in this order, in which everything around them is right.
fn file(sections: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"SILC\0\x02\0\0".to_vec();
    bytes.extend((sections.len() as u32).to_le_bytes());
    bytes.resize(32 + 16 * sections.len(), 0);
    for (index, (id, content)) in sections.iter().enumerate() {
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let entry = [*id, bytes.len() as u32, content.len() as u32, 0].map(u32::to_le_bytes).concat();
        bytes[32 + 16 * index..][..16].copy_from_slice(&entry);
        bytes.extend(content);
    }
    repair(bytes)
}

/// Returns the error of a program `RET` with one section added or replaced; the offset counts from the section's start.
fn error_of_section(id: u32, parts: &[&[u8]]) -> (usize, &'static str, ReadErrorKind) {
    let ret: [(u32, Vec<u8>); 2] = [(2, vec![0, 0, 0, 0, 1, 0, 0, 0]), (3, vec![2, 0, 0, 0])];
    let mut sections: Vec<_> = ret.into_iter().filter(|(other, _)| *other != id).collect();
    sections.push((id, parts.concat()));
    sections.sort_by_key(|(id, _)| *id);
    let bytes = file(&sections);
    let error = Program::read(&bytes[..]).unwrap_err();
    (error.offset - section(&bytes, id), error.what, error.kind)
}

/// A section in pieces, and its error: offset, item and reason.
type Case<'a> = (u32, &'a [&'a [u8]], usize, &'a str, ReadErrorKind);

fn check_cases(cases: &[Case<'_>]) {
    for (id, parts, offset, what, kind) in cases {
        assert_eq!(error_of_section(*id, parts), (*offset, *what, *kind), "section {id}: {parts:?}");
    }
}

const fn short(needed: usize, left: usize) -> ReadErrorKind {
    ReadErrorKind::TooShort { needed, left }
}

/// Encodes numbers 0 to 2 in four bytes, and 16 in eight.
const ZERO: &[u8] = &[0, 0, 0, 0];
const ONE: &[u8] = &[1, 0, 0, 0];
const TWO: &[u8] = &[2, 0, 0, 0];
const SIXTEEN: &[u8] = &[16, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn files_by_hand_are_read_where_nothing_is_wrong() {
    let bytes = file(&[(2, [ZERO, ONE].concat()), (3, TWO.to_vec()), (7, [ONE, ZERO, b"\x01f"].concat())]);
    let mut builder = ProgramBuilder::new();
    let mut code = FunctionBuilder::new(ty(0, 0));
    code.push(Inst::ret().unwrap());
    let function = builder.function(code);
    builder.export("f", function).unwrap();
    assert_eq!(builder.build().unwrap(), bytes);
}

#[test]
fn headers_that_end_too_early_say_what_is_missing() {
    let bytes = file(&[]);
    let cases: [(usize, usize, &str, usize); 12] = [
        (1, 0, "magic", 4),
        (4, 4, "version", 2),
        (5, 4, "version", 2),
        (6, 6, "flags", 2),
        (7, 6, "flags", 2),
        (8, 8, "section count", 4),
        (11, 8, "section count", 4),
        (12, 12, "total length", 4),
        (15, 12, "total length", 4),
        (16, 16, "checksum", 4),
        (20, 20, "header", 12),
        (31, 20, "header", 12),
    ];
    for (length, offset, what, needed) in cases {
        let mut cut = bytes[..length].to_vec();
        if length >= 16 {
            cut[12..16].copy_from_slice(&(length as u32).to_le_bytes());
        }
        if length >= 20 {
            repair_checksum(&mut cut);
        }
        let found = Program::read(&cut[..]).unwrap_err();
        assert_eq!(found, error(offset, what, short(needed, length - offset)), "{length} bytes");
    }
    let mut no_table = file(&[]);
    no_table[8] = 1;
    let found = Program::read(&repair(no_table)[..]).unwrap_err();
    assert_eq!(found, error(0, "section table", short(48, 32)));
}

#[test]
fn sections_of_the_wrong_size_say_where_and_what() {
    use ReadErrorKind::*;
    assert_eq!(error_of_section(2, &[ZERO, ONE, &[0]]), (0, "functions", LeftOver(1)));
    assert_eq!(error_of_section(3, &[TWO, &[0, 0, 0]]), (0, "code", LeftOver(3)));
    assert_eq!(error_of_section(4, &[ZERO, &[0, 0, 0]]), (0, "constants", LeftOver(7)));
    assert_eq!(error_of_section(5, &[ZERO]), (0, "memory minimum", short(8, 4)));
    assert_eq!(error_of_section(5, &[SIXTEEN]), (0, "memory section", Redundant));
    assert_eq!(error_of_section(5, &[SIXTEEN, &[0, 0, 0]]), (8, "globals", LeftOver(3)));
    let many = vec![0; 257 * 8];
    assert_eq!(error_of_section(5, &[SIXTEEN, &many]), (8, "globals", TooLarge { found: 257, limit: 256 }));
    // An absent section has no offset in the file: its errors are at 0.
    let no_functions = file(&[(3, TWO.to_vec())]);
    let sum = error(0, "sum of the functions' word counts", Expected { expected: 1, found: 0 });
    assert_eq!(Program::read(&no_functions[..]).unwrap_err(), sum);
}

/// Sections that start with the number of their entries: 0 is never written, and each piece can be missing.
#[test]
fn sections_that_end_too_early_say_what_is_missing() {
    let (f, g): (&[u8], &[u8]) = (b"\x01f", b"g");
    for (id, what) in [(1, "imports"), (6, "data"), (7, "exports"), (8, "names"), (10, "custom sections")] {
        assert_eq!(error_of_section(id, &[ZERO]), (0, what, ReadErrorKind::Redundant));
        assert_eq!(error_of_section(id, &[&[1, 0]]), (0, what, short(4, 2)));
    }
    let cases: [Case<'_>; 21] = [
        (1, &[ONE], 4, "import's type", short(2, 0)),
        (1, &[ONE, &[0, 0]], 6, "import's module", short(1, 0)),
        (1, &[ONE, &[0, 0, 2]], 7, "import's name", short(1, 0)),
        (1, &[ONE, &[0, 0, 2, 0], g], 8, "import's module", short(2, 1)),
        (1, &[ONE, &[0, 0, 1, 9], g, g], 9, "import's name", short(9, 1)),
        (6, &[ONE], 4, "data", short(4, 0)),
        (6, &[TWO, ZERO, ZERO, ONE], 8, "data segments", short(16, 8)),
        (6, &[ONE, ZERO, ZERO, TWO, g], 16, "data segment's bytes", short(2, 1)),
        (6, &[&[255; 4], ZERO], 8, "data segments", short((u32::MAX as usize).saturating_mul(8), 0)),
        (7, &[ONE, &[0, 0]], 4, "exported function", short(4, 2)),
        (7, &[ONE, ZERO], 8, "export's name", short(1, 0)),
        (7, &[ONE, ZERO, &[3], g], 9, "export's name", short(3, 1)),
        (8, &[ONE], 4, "kind of a name", short(1, 0)),
        (8, &[ONE, &[0]], 5, "name", short(1, 0)),
        (8, &[ONE, &[0, 1], &[0, 0]], 6, "number of a named thing", short(4, 2)),
        (9, &[ONE], 4, "line count", short(4, 0)),
        (9, &[ONE, ONE], 8, "source file's name", short(1, 0)),
        (9, &[ONE, ONE, f], 10, "word of a line", short(4, 0)),
        (9, &[ONE, ONE, f, ZERO, ZERO], 18, "line", short(4, 0)),
        (10, &[ONE, &[1], &[0, 0]], 5, "custom section's size", short(4, 2)),
        (10, &[ONE, &[1], TWO, g, g], 10, "custom section's bytes", short(2, 1)),
    ];
    check_cases(&cases);
}

#[test]
fn names_that_are_no_text_and_bytes_behind_the_last_entry_are_refused() {
    use ReadErrorKind::*;
    let (f, bad, more): (&[u8], &[u8], &[u8]) = (b"\x01f", &[1, 0xFF], &[0, 0]);
    let cases: [Case<'_>; 12] = [
        (1, &[ONE, &[0, 0, 0], bad], 8, "import's name", Utf8),
        (1, &[ONE, &[0, 0, 0], f, more], 9, "imports", LeftOver(2)),
        (6, &[ONE, ZERO, ZERO, ONE, f], 17, "data", LeftOver(1)),
        (7, &[ONE, ZERO, bad], 9, "export's name", Utf8),
        (7, &[ONE, ZERO, f, more], 10, "exports", LeftOver(2)),
        (8, &[ONE, &[0, 1], ZERO, &[0xFF]], 10, "name", Utf8),
        (8, &[ONE, &[0, 0], ZERO, more], 10, "names", LeftOver(2)),
        (9, &[ONE, ONE, bad, ZERO, ZERO, ONE], 9, "source file's name", Utf8),
        (9, &[ONE, ONE, f, ZERO, ZERO, ONE, more], 22, "lines", LeftOver(2)),
        (9, &[ONE, ZERO, f], 0, "lines", Redundant),
        (10, &[ONE, &[1], ZERO, &[0xFF]], 9, "custom section's name", Utf8),
        (10, &[ONE, &[0], ONE, more], 10, "custom sections", LeftOver(1)),
    ];
    check_cases(&cases);
}

/// Entries in a wrong order, equal entries that must differ, and entries about items that do not exist.
#[test]
fn entries_rise_and_speak_of_what_is_there() {
    use ReadErrorKind::*;
    let f: &[u8] = b"\x01f";
    let (named, custom): (&[u8], &[u8]) = (&[0, 0, 0, 0, 0, 0], &[1, 0, 0, 0, 0, b'c']);
    let cases: [Case<'_>; 9] = [
        (6, &[TWO, ZERO, ZERO, ONE, ZERO, ONE, b"ab"], 16, "data segment", Order),
        (7, &[TWO, ZERO, f, ZERO, f], 10, "export", Order),
        (8, &[TWO, named, named], 10, "name", Order),
        (8, &[ONE, &[1], &named[1..]], 4, "number of a named thing", Unknown(0)),
        (8, &[ONE, &[2], &named[1..]], 4, "number of a named thing", Unknown(0)),
        (9, &[ZERO, ONE, ZERO, ZERO, ONE], 8, "file of a line", Unknown(0)),
        (9, &[ONE, ONE, f, ONE, ZERO, ONE], 10, "word of a line", TooLarge { found: 1, limit: 0 }),
        (10, &[TWO, custom, custom], 10, "custom section", Order),
        (10, &[TWO, custom, &[0, 0, 0, 0, 0]], 10, "custom section", Order),
    ];
    check_cases(&cases);
    let no_function = file(&[(7, [ONE, ZERO, f].concat())]);
    let found = error(section(&no_function, 7) + 4, "exported function", Unknown(0));
    assert_eq!(Program::read(&no_function[..]).unwrap_err(), found);
}
