//! The `.silc` container: round trips, damage of every kind, limits.

use vsp_core::index::{FuncIndex, Place};
use vsp_core::isa::{Inst, Reg};
use vsp_core::limits::Limits;
use vsp_core::program::{
    Data, FuncType, FunctionBuilder, Import, LineEntry, NameKind, Program, ProgramBuilder, ReadError,
    ReadErrorKind,
};
use vsp_core::verify::Verified;
use vsp_core::{HostStop, Imports, Instance, Options};

fn ty(params: usize, results: usize) -> FuncType {
    FuncType::new(params, results).unwrap()
}

/// A program with every section.
fn full_builder() -> ProgramBuilder {
    let mut program = ProgramBuilder::new();
    let echo = program.import("host", "echo", ty(1, 1)).unwrap();
    program.import("host", "tell", ty(2, 0)).unwrap();
    program.memory(64);
    let counter = program.global(5);
    program.global(u64::MAX);
    let big = program.constant(0x0123_4567_89AB_CDEF);
    program.data(32, b"later".to_vec(), None).unwrap();
    program.data(8, b"data".to_vec(), Some("first")).unwrap();
    let source = program.source_file("full.sil").unwrap();

    let helper = program.declare(ty(2, 1));
    let mut main = FunctionBuilder::new(ty(1, 1));
    main.line(source, 3);
    main.push(Inst::const_(Reg::R1, big.0).unwrap());
    let next = main.here();
    main.line(source, 4);
    main.push(Inst::addi(Reg::R2, Reg::R2, 1).unwrap());
    main.push(Inst::storex(Reg::R3, Reg::R4, 8, Reg::R2).unwrap());
    main.branch(Inst::loop_(Reg::R0, 0).unwrap(), next);
    main.push(Inst::call(helper.0).unwrap());
    main.push(Inst::syscall(echo.0).unwrap());
    main.push(Inst::setg(Reg::R0, counter.0).unwrap());
    main.push(Inst::ret().unwrap());
    let main = program.function(main);

    let mut body = FunctionBuilder::new(ty(2, 1));
    body.set_locals(20);
    body.line(source, 9);
    body.push(Inst::setl(Reg::R1, 19).unwrap());
    body.push(Inst::div(Reg::R0, Reg::R1, Reg::R0).unwrap());
    body.push(Inst::ret().unwrap());
    program.define(helper, body).unwrap();

    program.export("main", main).unwrap();
    program.export("a helper", helper).unwrap();
    program.name(NameKind::Function, main.0, "main").unwrap();
    program.name(NameKind::Global, counter.0, "counter").unwrap();
    program.custom("tool", vec![1, 2, 3]).unwrap();
    program.custom("", vec![]).unwrap();
    program
}

fn full() -> Vec<u8> {
    full_builder().build().unwrap()
}

#[test]
fn what_was_built_is_read() {
    let bytes = full();
    let program = Program::read(&bytes[..]).unwrap();
    let imports: Vec<Import<'_>> = program.imports().collect();
    assert_eq!(imports[0], Import { module: "host", name: "echo", ty: ty(1, 1) });
    assert_eq!(imports.len(), 2);
    let functions: Vec<_> = program.functions().map(|it| (it.ty, it.locals, it.words)).collect();
    assert_eq!(functions, [(ty(2, 1), 20, 3), (ty(1, 1), 0, 8)]);
    assert_eq!(program.code().len(), 11);
    assert_eq!(program.constants(), [0x0123_4567_89AB_CDEFu64.to_le_bytes()]);
    assert_eq!(program.memory_minimum(), 64);
    assert_eq!(program.globals().collect::<Vec<_>>(), [5, u64::MAX]);
    let data: Vec<Data<'_>> = program.data().collect();
    assert_eq!(data, [Data { address: 8, bytes: b"data" }, Data { address: 32, bytes: b"later" }]);
    let exports: Vec<_> = program.exports().map(|it| (it.name, it.function.0)).collect();
    assert_eq!(exports, [("a helper", 0), ("main", 1)]);
    let names: Vec<_> = program.names().map(|it| (it.kind, it.index, it.name)).collect();
    let (function, global, data) = (NameKind::Function, NameKind::Global, NameKind::Data);
    assert_eq!(names, [(function, 1, "main"), (global, 0, "counter"), (data, 0, "first")]);
    let line = |word, line| LineEntry { word, file: 0, line };
    assert_eq!(program.lines().collect::<Vec<_>>(), [line(0, 9), line(3, 3), line(4, 4)]);
    assert_eq!(program.source_line_of(Place { function: FuncIndex(1), word: 5 }), Some(("full.sil", 4)));
    let customs: Vec<_> = program.customs().map(|it| (it.name, it.bytes)).collect();
    assert_eq!(customs, [("", &[][..]), ("tool", &[1, 2, 3])]);
}

#[test]
fn reading_works_at_any_alignment() {
    let bytes = full();
    let code = Program::read(&bytes[..]).unwrap().code().to_vec();
    for offset in 0..8 {
        let mut shifted = vec![0xAA; offset];
        shifted.extend(&bytes);
        let program = Program::read(&shifted[offset..]).unwrap();
        assert_eq!(program.code(), code);
        assert_eq!(run_all(&program), 2);
    }
}

#[test]
fn an_embedded_program_is_checked_by_the_compiler() {
    assert!(vsp_core::program::looks_like_program(&full()));
    assert!(!vsp_core::program::looks_like_program(
        b"\x7fELF and so on, for more than the 32 bytes of a header"
    ));
    assert!(!vsp_core::program::looks_like_program(b"SILC"));
}

/// CRC-32 bit by bit, apart from the crate that the reader uses.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0u32.wrapping_sub(crc & 1)))
    })
}

#[test]
fn the_checksum_of_the_test_is_crc_32() {
    // The "check" value of CRC-32/ISO-HDLC.
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
}

/// Writes the right length and checksum into a broken file, so that the reader sees what is broken behind them.
fn repair(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = bytes.len() as u32;
    bytes[12..16].copy_from_slice(&length.to_le_bytes());
    repair_checksum(&mut bytes);
    bytes
}

fn repair_checksum(bytes: &mut [u8]) {
    bytes[16..20].fill(0);
    let checksum = crc32(bytes);
    bytes[16..20].copy_from_slice(&checksum.to_le_bytes());
}

/// If the program verifies, runs all its exports with little fuel; whatever happens must be an `Outcome`. Gives how many.
fn run_all(program: &Program<'_>) -> usize {
    let Ok(verified) = Verified::new(program.clone()) else { return 0 };
    let mut imports = Imports::<()>::new();
    for import in program.imports() {
        // A name can stand there twice, with different types.
        let _ = imports.define_raw(import.module, import.name, import.ty, |caller, args, results| {
            results[0] = args[0];
            caller.charge(1);
            if args[0] == 3 { Err(HostStop::Pending) } else { Ok(()) }
        });
    }
    if program.memory_minimum() > 1 << 24 {
        return 0;
    }
    let options = Options { fuel: Some(10_000), stack_cells: Some(1024), ..Options::default() };
    let Ok(mut instance) = Instance::new(&verified, &imports, (), options) else { return 0 };
    let exports: Vec<FuncIndex> = program.exports().map(|export| export.function).collect();
    for function in &exports {
        let params = verified.function(*function).unwrap().ty.params();
        instance.set_fuel(10_000);
        instance.call(*function, &[3; 8][..params]).unwrap();
        instance.reset();
    }
    exports.len()
}

#[test]
fn truncation_at_every_byte_is_an_error() {
    let bytes = full();
    for length in 0..bytes.len() {
        let short = bytes[..length].to_vec();
        assert!(Program::read(&short[..]).is_err(), "{length} bytes");
        if length >= 32 {
            let repaired = repair(short);
            assert!(Program::read(&repaired[..]).is_err(), "{length} bytes with a right checksum");
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error() {
    let bytes = full();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Program::read(&flipped[..]).is_err(), "bit {bit}");
    }
}

/// A flipped bit under a right checksum may make another program, which has to behave.
#[test]
fn every_flipped_bit_with_a_right_checksum_is_an_error_or_a_program() {
    let bytes = full();
    let (mut read, mut ran) = (0, 0);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        repair_checksum(&mut flipped);
        if let Ok(program) = Program::read(&flipped[..]) {
            read += 1;
            ran += run_all(&program);
            // What is printed of it never fails either.
            let _ = vsp_core::text::disassemble(&program);
        }
    }
    assert!(read > 100 && ran > 100, "{read} read, {ran} functions ran");
}

/// Where the section with this id starts.
fn section(bytes: &[u8], id: u32) -> usize {
    let count = u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
    let entry =
        (0..count).map(|index| 32 + 16 * index).find(|at| bytes[*at..*at + 4] == id.to_le_bytes()).unwrap();
    u32::from_le_bytes(bytes[entry + 4..entry + 8].try_into().unwrap()) as usize
}

/// The error of a file after bytes of it were changed.
fn broken(at: usize, with: &[u8]) -> ReadError {
    let mut bytes = full();
    bytes[at..at + with.len()].copy_from_slice(with);
    repair_checksum(&mut bytes);
    Program::read(&bytes[..]).unwrap_err()
}

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
    assert_eq!(broken(4, &[1, 2]), error(4, "version", Version(0x0201)));
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
    // The imports end with "tell" at an odd place.
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

/// For each limit: at its edge a program reads, one past it it does not.
#[test]
fn limits_hold_at_their_edges() {
    let bytes = full();
    let full_size = Limits {
        file_bytes: bytes.len() as u32,
        code_words: 11,
        function_words: 8,
        functions: 2,
        imports: 2,
        constants: 1,
        segments: 2,
        globals: 2,
        locals: 20,
    };
    assert!(Program::read_limited(&bytes[..], &full_size).is_ok());
    let tighter: [(&str, Limits); 9] = [
        ("total length", Limits { file_bytes: full_size.file_bytes - 1, ..full_size }),
        ("code", Limits { code_words: 10, ..full_size }),
        ("function's word count", Limits { function_words: 7, ..full_size }),
        ("functions", Limits { functions: 1, ..full_size }),
        ("import count", Limits { imports: 1, ..full_size }),
        ("constants", Limits { constants: 0, ..full_size }),
        ("data segment count", Limits { segments: 1, ..full_size }),
        ("globals", Limits { globals: 1, ..full_size }),
        ("number of locals", Limits { locals: 19, ..full_size }),
    ];
    for (what, limits) in tighter {
        let error = Program::read_limited(&bytes[..], &limits).unwrap_err();
        assert!(
            error.what == what && matches!(error.kind, ReadErrorKind::TooLarge { .. }),
            "{what}: {error}"
        );
        assert!(full_builder().build_limited(&limits).is_err(), "{what}");
    }
}

/// The annotated dump in docs/format.md is what the builder writes.
#[test]
fn the_dump_in_the_document_is_right() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/format.md")).unwrap();
    let dump = page.split("```text\n").find(|block| block.starts_with("0000  53 49 4C 43")).unwrap();
    let mut bytes = Vec::new();
    for line in dump.split("```").next().unwrap().lines() {
        assert_eq!(usize::from_str_radix(&line[..4], 16), Ok(bytes.len()), "{line}");
        let digits = line[6..].split("  ").next().unwrap();
        bytes.extend(digits.split(' ').map(|digits| u8::from_str_radix(digits, 16).unwrap()));
    }
    let text = ".lines none\n.export f\n.func (2) -> 1\n ADD R0, R1\n RET\n.end\n"
        .replace("f\n.func", "f = $0\n.func");
    assert_eq!(bytes, vsp_core::text::assemble(&text, "f.sil").unwrap());
}
