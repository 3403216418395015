//! DWARF that is wrong costs lines, and nothing else: no error, no other code, no time.

mod dwarf;

use std::time::{Duration, Instant};

use vsp_core::generate::{Entropy, Seed};
use vsp_core::program::Program;
use vsp_wasm::Options;

use dwarf::{
    ADVANCE_LINE, ADVANCE_PC, COPY, END_SEQUENCE, HEADER, SET_FILE, SUM, customs, leb, program_4,
    replace_custom, set_address, translate, trap, unit,
};

/// The sections that lines are read from.
const SECTIONS: [&str; 5] = [".debug_line", ".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str"];

/// Where architectures are usually emulated, one of eight bytes is changed.
const STEP: usize = if cfg!(target_arch = "x86_64") { 1 } else { 8 };

/// Asserts that a module has the code that it has without lines.
fn check_code(module: &[u8], code: &[u8], mutation: &str) {
    let program = match vsp_wasm::translate(module, &Options::default()) {
        Ok(program) => program,
        Err(error) => panic!("{mutation}: {error}"),
    };
    assert!(Program::read(&program[..]).unwrap().without_lines() == code, "{mutation}");
}

#[test]
fn damaged_sections() {
    let mut random = Seed::new(1);
    for module in SUM {
        let code = vsp_wasm::translate(module, &Options::default().lines(false)).unwrap();
        let mut sections = customs(module);
        sections.retain(|(name, _)| SECTIONS.contains(&&name[..]));
        for (name, bytes) in &sections {
            for at in (0..bytes.len()).step_by(STEP) {
                check_code(&replace_custom(module, name, &bytes[..at]), &code, name);
                for value in [0xFF, random.bits(8) as u8] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    check_code(&replace_custom(module, name, &changed), &code, name);
                }
            }
        }
        for _ in 0..200 {
            let mut changed = module.to_vec();
            for (name, mut bytes) in sections.clone() {
                for _ in 0..random.below(4) {
                    let at = random.below(bytes.len() as u32) as usize;
                    bytes[at] = random.bits(8) as u8;
                }
                changed = replace_custom(&changed, &name, &bytes);
            }
            check_code(&changed, &code, "several bytes");
        }
    }
}

/// A module with one function, whose code is at 2 to 5 in the code section. It traps.
fn module() -> Vec<u8> {
    wat::parse_str("(module (func (export \"f\") unreachable))").unwrap()
}

/// Returns the source line of the trap of [`module`] with these line number programs.
fn line(programs: &[u8]) -> Option<String> {
    let program = translate(&replace_custom(&module(), ".debug_line", programs));
    let report = trap(&program, "f", &[]);
    Some(report.split_once('(')?.1.trim_end_matches(')').to_owned())
}

/// Returns a sequence from an address on, with one line.
fn sequence(address: u32, line: u8, length: u8) -> Vec<u8> {
    let row = [ADVANCE_LINE, line - 1, COPY, ADVANCE_PC, length];
    [&set_address(address)[..], &row, &END_SEQUENCE].concat()
}

#[test]
fn wrong_programs() {
    let good = sequence(2, 10, 3);
    let program = |instructions: &[u8]| program_4(&["a.rs", "b.rs"], instructions);
    assert_eq!(line(&program(&good)).as_deref(), Some("a.rs:10"));
    // The lowest number, whose negation overflows.
    let lowest = [&set_address(2)[..], &[ADVANCE_LINE], &[0x80; 9], &[0x7F, COPY], &END_SEQUENCE].concat();
    // A file that does not exist; the last two are 0 and u32::MAX as 32 bits.
    let file = |number: u64| {
        let mut instructions = vec![SET_FILE];
        leb(number, &mut instructions);
        [&instructions[..], &good].concat()
    };
    // A line of 33 bits.
    let far = [
        &set_address(2)[..],
        &[ADVANCE_LINE, 0x80, 0x80, 0x80, 0x80, 0x20, COPY, ADVANCE_PC, 3],
        &END_SEQUENCE,
    ];
    for (name, wrong) in [
        ("advance", lowest),
        ("file 0", file(0)),
        ("file 3", file(3)),
        ("file 2^32", file(1 << 32)),
        ("file 2^64 - 1", file(u64::MAX)),
        ("line", far.concat()),
        ("no end", good[..good.len() - 3].to_vec()),
        ("unknown opcodes", vec![0, 1, 99, 0, 0]),
    ] {
        assert_eq!(line(&program(&wrong)), None, "{name}");
        // Other programs are not affected.
        let both = [program(&wrong), program(&good)].concat();
        assert_eq!(line(&both).as_deref(), Some("a.rs:10"), "{name}");
    }
    assert_eq!(line(&program(&file(2))).as_deref(), Some("b.rs:10"));
    // What the linker removed.
    for address in [0, 0xFFFF_FFFE, 0xFFFF_FFFF] {
        let dead = sequence(address, 20, 100);
        for instructions in [[&dead[..], &good].concat(), [&good[..], &dead].concat()] {
            assert_eq!(line(&program(&instructions)).as_deref(), Some("a.rs:10"), "{address}");
        }
    }
    // Headers of other versions, and one that says that it is longer than the unit.
    for version in [0, 1, 6, 0xFFFF] {
        assert_eq!(line(&unit(version, &HEADER, &good)), None, "{version}");
    }
    let mut long = program(&good);
    long[6] = 0xFF;
    assert_eq!(line(&long), None);
}

/// Asserts that a module is translated in bounded time. (The limit is far above what is needed.)
fn check_time(name: &str, sections: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut module = module();
    for (name, bytes) in sections {
        module = replace_custom(&module, name, bytes);
    }
    let begin = Instant::now();
    let program = translate(&module);
    assert!(begin.elapsed() < Duration::from_secs(10), "{name}: {:?}", begin.elapsed());
    program
}

#[test]
fn much_work() {
    // More rows than code, in sequences that overlap.
    let many = program_4(&["a.rs"], &sequence(2, 10, 3).repeat(100_000));
    let program = check_time("rows", &[(".debug_line", many)]);
    assert!(program.len() < 1000, "{}", program.len());
    // 2^64 - 1 files, as far as there are bytes: one for each name.
    let mut header = [&HEADER[..], &[1, 1, 0x0B, 0, 1, 1, 0x0B], &[0xFF; 9], &[1]].concat();
    header.resize((1 << 18) - 1, 0);
    let mut units = unit(5, &header, &[]).repeat(16);
    header.resize(1 << 24, 0);
    units.extend(unit(5, &header, &[]));
    check_time("files", &[(".debug_line", units)]);
    // Units with tables of abbreviations that overlap: each unit begins another one.
    let table: Vec<u8> = (1..50_000u64).flat_map(abbreviation).collect();
    let units: Vec<u8> =
        (0..50_000).flat_map(|unit| [&[8, 0, 0, 0, 4, 0][..], &offset(unit), &[4, 1]].concat()).collect();
    check_time(
        "abbreviations",
        &[(".debug_info", units), (".debug_abbrev", table), (".debug_line", vec![0; 99])],
    );
    // Files whose names are parts of one long name.
    let long = vec![b'a'; 1 << 20];
    let mut files = [&HEADER[..], &[1, 1, 0x1F, 0, 1, 1, 0x1F]].concat();
    leb(50_000, &mut files);
    files.extend((0..50_000).flat_map(offset));
    let mut instructions = Vec::new();
    for file in 0..50_000 {
        instructions.push(SET_FILE);
        leb(file, &mut instructions);
        instructions.extend(sequence(2, 10, 3));
    }
    let names = [(".debug_line_str", long), (".debug_line", unit(5, &files, &instructions))];
    let program = check_time("names", &names);
    assert!(program.len() < 1000, "{}", program.len());
}

fn offset(number: u32) -> [u8; 4] {
    number.to_le_bytes()
}

/// Returns an abbreviation without attributes.
fn abbreviation(code: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    leb(code, &mut bytes);
    bytes.extend([0x11, 0, 0, 0]);
    bytes
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "too slow where it is emulated")]
fn lines_that_do_not_fit() {
    // A program can have 64 MiB.
    let with_data = |size: usize| {
        let module = wat::parse_str("(module (memory 1024) (func (export \"f\") unreachable))").unwrap();
        let mut content = vec![1, 0, 0x41, 0, 0x0B];
        leb(size as u64, &mut content);
        content.resize(content.len() + size, 1);
        let mut data = vec![11];
        leb(content.len() as u64, &mut data);
        let lines = program_4(&["a.rs"], &sequence(2, 10, 3));
        replace_custom(&[module, data, content].concat(), ".debug_line", &lines)
    };
    let small = translate(&with_data(16));
    assert!(trap(&small, "f", &[]).ends_with("(a.rs:10)"));
    let others = Program::read(&small[..]).unwrap().without_lines().len() - 16;
    let large = translate(&with_data(((64 << 20) - others) & !7));
    assert!((64 << 20) - large.len() < 8);
    assert!(trap(&large, "f", &[]).ends_with("function f, word 0"));
}
