//! The `.silc` container: round trips, damage of every kind, limits. The error messages are tested in
//! `container/errors.rs`.
#![cfg(feature = "text")]

#[path = "container/errors.rs"]
mod errors;

use vsp_core::index::{FuncIndex, Location};
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
    assert_eq!(program.source_line_of(Location { function: FuncIndex(1), word: 5 }), Some(("full.sil", 4)));
    let customs: Vec<_> = program.customs().map(|it| (it.name, it.bytes)).collect();
    assert_eq!(customs, [("", &[][..]), ("tool", &[1, 2, 3])]);
}

/// Returns everything that can be queried from a program.
fn contents(program: &Program<'_>) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:08X}",
        program.imports().collect::<Vec<_>>(),
        program.functions().collect::<Vec<_>>(),
        program.code(),
        program.constants(),
        program.memory_minimum(),
        program.globals().collect::<Vec<_>>(),
        program.data().collect::<Vec<_>>(),
        program.exports().collect::<Vec<_>>(),
        program.names().collect::<Vec<_>>(),
        program.source_files().collect::<Vec<_>>(),
        program.lines().collect::<Vec<_>>(),
        program.customs().collect::<Vec<_>>(),
        program.checksum(),
    )
}

#[test]
fn reading_works_at_any_alignment() {
    let bytes = full();
    let whole = contents(&Program::read(&bytes[..]).unwrap());
    for offset in 0..8 {
        let mut shifted = vec![0xAA; offset];
        shifted.extend(&bytes);
        let program = Program::read(&shifted[offset..]).unwrap();
        assert_eq!(contents(&program), whole);
        assert_eq!(run_all(&program), 2);
    }
    let shared: std::sync::Arc<[u8]> = bytes.into();
    assert_eq!(contents(&Program::read(shared).unwrap()), whole);
}

#[test]
fn a_program_without_anything_is_a_header() {
    let bytes = ProgramBuilder::new().build().unwrap();
    assert_eq!(bytes.len(), 32);
    let program = Program::read(&bytes[..]).unwrap();
    assert_eq!((program.function_count(), program.memory_minimum()), (0, 16));
    assert_eq!(run_all(&program), 0);
    assert!(Verified::new(program).is_ok());
}

#[test]
fn an_embedded_program_is_checked_by_the_compiler() {
    assert!(vsp_core::program::looks_like_program(&full()));
    assert!(!vsp_core::program::looks_like_program(
        b"\x7fELF and so on, for more than the 32 bytes of a header"
    ));
    assert!(!vsp_core::program::looks_like_program(b"SILC"));
}

/// Computes CRC-32 bit by bit, independently of the crate that the reader uses.
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

/// Writes the right length and checksum into a damaged file, so that the reader finds the damage after them.
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

/// If the program verifies, runs all its exports with little fuel. Whatever happens must be an `Outcome`. Returns their
/// number.
fn run_all(program: &Program<'_>) -> usize {
    let Ok(verified) = Verified::new(program.clone()) else { return 0 };
    let mut imports = Imports::<()>::new();
    for import in program.imports() {
        // A name may occur twice, with different types.
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
#[cfg_attr(miri, ignore = "too slow")]
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
#[cfg_attr(miri, ignore = "too slow")]
fn every_flipped_bit_is_an_error() {
    let bytes = full();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Program::read(&flipped[..]).is_err(), "bit {bit}");
    }
}

/// A flipped bit under a right checksum may yield another program, which must behave.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
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
            // Printing it never fails either.
            let _ = vsp_core::text::disassemble(&program);
        }
    }
    assert!(read > 100 && ran > 100, "{read} read, {ran} functions ran");
}

/// Returns the offset of the section with this id.
fn section(bytes: &[u8], id: u32) -> usize {
    let count = u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
    let entry =
        (0..count).map(|index| 32 + 16 * index).find(|at| bytes[*at..*at + 4] == id.to_le_bytes()).unwrap();
    u32::from_le_bytes(bytes[entry + 4..entry + 8].try_into().unwrap()) as usize
}

/// Returns the error of a file after some of its bytes were changed.
fn broken(at: usize, with: &[u8]) -> ReadError {
    let mut bytes = full();
    bytes[at..at + with.len()].copy_from_slice(with);
    repair_checksum(&mut bytes);
    Program::read(&bytes[..]).unwrap_err()
}

/// A program at a limit is read, and one beyond it is not, for each limit.
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
        passive_segments: 0,
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

/// A host cannot choose limits beyond the format's.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn limits_of_the_host_do_not_exceed_those_of_the_format() {
    let most = u32::MAX;
    let everything = Limits {
        file_bytes: most,
        code_words: most,
        function_words: most,
        functions: most,
        imports: most,
        constants: most,
        segments: most,
        passive_segments: most,
        globals: most,
        locals: most,
    };
    let build = |locals: u16, globals: u32, segments: u32, imports: u32| {
        let mut program = ProgramBuilder::new();
        program.memory(1 << 16);
        let mut code = FunctionBuilder::new(ty(0, 0));
        code.set_locals(locals);
        code.push(Inst::ret().unwrap());
        program.function(code);
        (0..globals).for_each(|value| _ = program.global(value.into()));
        (0..segments).for_each(|address| program.data(address, vec![1], None).unwrap());
        (0..imports).for_each(|_| _ = program.import("m", "f", ty(0, 0)).unwrap());
        program.build_limited(&everything).map_err(|error| error.to_string())
    };
    assert!(build(4095, 65_536, 4096, 4096).is_ok());
    for (past, what) in [
        (build(4096, 0, 0, 0), "function 0 has 4096 locals"),
        (build(0, 65_537, 0, 0), "globals: 65537"),
        (build(0, 0, 4097, 0), "data segment count: 4097"),
        (build(0, 0, 0, 4097), "import count: 4097"),
    ] {
        assert!(past.as_ref().is_err_and(|error| error.contains(what)), "{what}: {past:?}");
    }
}

/// The annotated dump in docs/format.md equals the output of the builder.
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
    let mut program = ProgramBuilder::new();
    let mut code = FunctionBuilder::new(ty(2, 1));
    code.push(Inst::add(Reg::R0, Reg::R0, Reg::R1).unwrap());
    code.push(Inst::ret().unwrap());
    let function = program.function(code);
    program.export("f", function).unwrap();
    assert_eq!(bytes, program.build().unwrap());
    let text = ".lines none\n.export f = $0\n.func (2) -> 1\n ADD R0, R1\n RET\n.end\n";
    assert_eq!(bytes, vsp_core::text::assemble(text, "f.sil").unwrap());
}

/// The messages in docs/format.md equal those of the errors.
#[test]
fn the_messages_in_the_document_are_right() {
    use ReadErrorKind::*;
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/format.md")).unwrap();
    let kinds = [
        Magic,
        OldVersion,
        Version(0x0300),
        Minor { needed: 1, stated: 0 },
        TooShort { needed: 8, left: 4 },
        Checksum { stored: 0x8FFE_64E4, computed: 0x1234_5678 },
        Expected { expected: 0, found: 1 },
        TooLarge { found: 4096, limit: 4095 },
        TooSmall { found: 0, least: 1 },
        Granule(65),
        Unknown(77),
        Order,
        Redundant,
        ReadErrorKind::FuncType(9),
        Utf8,
        LeftOver(1),
        SnapshotMagic,
        SnapshotVersion(0x0300),
    ];
    for kind in kinds {
        assert!(page.contains(&format!("| `{kind}` |")), "{kind}");
    }
    let example = ReadError { offset: 0x52, what: "number of locals", kind: kinds[7] };
    assert!(page.contains(&format!("`{example}`")), "{example}");
}
