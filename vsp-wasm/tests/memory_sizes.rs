//! Memories of chosen sizes, and memories with pages of one byte. Expected values follow from the specification (with the
//! proposal of custom page sizes), and from where LLD puts data and stack.

mod common;

use common::{End, run, run_bytes};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Outcome, Values};
use vsp_wasm::{ErrorKind, Options, translate};

fn results(values: &[u64]) -> End {
    End::Results(values.to_vec())
}

fn out() -> End {
    End::Trap("MemoryOutOfBounds".into())
}

/// Returns the size of the program's memory in bytes, at first and at most.
fn sizes(bytes: &[u8]) -> (u64, u64) {
    let program = Program::read(bytes).unwrap();
    (program.memory_minimum(), program.memory_maximum())
}

/// Returns the size of the program's memory for a module, or why it is refused.
fn size(text: &str, options: &Options) -> Result<u64, String> {
    match translate(&wat::parse_str(text).unwrap(), options) {
        Ok(bytes) => {
            let (minimum, maximum) = sizes(&bytes);
            assert_eq!(minimum, maximum, "{text}");
            Ok(minimum)
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::MemorySize, "{error}");
            Err(error.to_string())
        }
    }
}

fn heap(bytes: u64) -> Options {
    Options::default().heap_bytes(bytes)
}

fn memory(bytes: u64) -> Options {
    Options::default().memory_bytes(bytes)
}

#[test]
fn a_memory_ends_where_it_is_chosen_to() {
    let text = r#"(module (memory 1) (data (i32.const 90) "0123456789")
        (func (export "load8") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "load64") (param i32) (result i64) (i64.load (local.get 0)))
        (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1))))"#;
    let bytes = translate(&wat::parse_str(text).unwrap(), &memory(100)).unwrap();
    assert_eq!(sizes(&bytes), (112, 112));
    let ends = run_bytes(
        &bytes,
        &[
            ("load8", &[99]),
            ("load8", &[111]),
            ("load8", &[112]),
            ("load64", &[104]),
            ("load64", &[105]),
            ("load8", &[u64::from(u32::MAX)]),
            ("fill", &[100, 12]),
            ("fill", &[100, 13]),
            ("load8", &[111]),
        ],
    );
    let (nine, zero, seven, done) = (results(&[u64::from(b'9')]), results(&[0]), results(&[7]), results(&[]));
    let expected = [nine, zero.clone(), out(), zero, out(), out(), done, out(), seven];
    assert_eq!(ends, expected);
    // A larger memory than the module's, and one that is as large as memories can be.
    for bytes in [65_536, 100_000, 1 << 32] {
        assert_eq!(size("(module (memory 1))", &memory(bytes)), Ok(bytes));
    }
    assert_eq!(size("(module (memory 1))", &memory(0)), Ok(16));
    // A module without a memory has the smallest one.
    assert_eq!(size("(module)", &memory(4096)), Ok(16));
    assert_eq!(size("(module)", &heap(4096)), Ok(16));
}

/// Data at 1,024, data that is zero behind it up to 1,184, and a stack of 512 bytes, as LLD places them: behind the data,
/// or before it.
const DATA_FIRST: &str = r#"(memory 1) (global (mut i32) (i32.const 1696)) (data (i32.const 1024) "abc")"#;
const STACK_FIRST: &str = r#"(memory 1) (global (mut i32) (i32.const 512)) (data (i32.const 512) "abc")"#;

#[test]
fn a_heap_follows_data_and_stack() {
    let module = |first: &str, exports: &[(&str, u32)]| {
        let exports = exports
            .iter()
            .map(|(name, address)| format!(r#"(global (export "{name}") i32 (i32.const {address}))"#));
        format!("(module {first} {})", exports.collect::<String>())
    };
    for (text, end) in [
        (module(DATA_FIRST, &[("__heap_base", 1696)]), 1696),
        (module(DATA_FIRST, &[("__data_end", 1184)]), 1696),
        (module(DATA_FIRST, &[("__data_end", 1184), ("__heap_base", 1696)]), 1696),
        (module(DATA_FIRST, &[]), 1696),
        (module(STACK_FIRST, &[("__heap_base", 672)]), 672),
        (module(STACK_FIRST, &[("__data_end", 671)]), 672),
        // Neither a stack nor data.
        (module("(memory 1)", &[("__heap_base", 32)]), 32),
        (module("(memory 1)", &[("__data_end", 64)]), 64),
    ] {
        for bytes in [0, 16, 1000, 70_000] {
            assert_eq!(size(&text, &heap(bytes)), Ok((end + bytes).next_multiple_of(16)), "{text}");
        }
        assert_eq!(size(&text, &memory(end)), Ok(end), "{text}");
        let refused = size(&text, &memory(end - 16)).unwrap_err();
        assert!(refused.contains(&format!("beyond the memory of {} bytes", end - 16)), "{refused}");
    }
    // The symbol is wrong: the data ends at 515.
    assert_eq!(size(&module(STACK_FIRST, &[("__heap_base", 64)]), &heap(0)), Ok(528));
    // Data that is zero can be behind the stack, or anywhere.
    for text in [
        module(STACK_FIRST, &[]),
        module("(memory 1)", &[]),
        // A global that can be written, is imported, of another type, or outside the memory is not an address.
        "(module (memory 1) (global (export \"__heap_base\") (mut i32) (i32.const 100)))".into(),
        "(module (import \"e\" \"g\" (global i32)) (memory 1) (export \"__heap_base\" (global 0)))".into(),
        "(module (memory 1) (global (export \"__heap_base\") i64 (i64.const 64)))".into(),
        "(module (memory 1) (func (export \"__heap_base\")))".into(),
        "(module (memory 1) (global (mut i32) (i32.const 100000)))".into(),
        "(module (memory 1) (global (mut i32) (i32.const 1000)))".into(),
        "(module (memory 1) (global (mut i64) (i64.const 1024)))".into(),
    ] {
        let refused = size(&text, &heap(0)).unwrap_err();
        assert!(refused.contains("--export=__heap_base"), "{text}: {refused}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_advice() {
    for (text, options, advice) in [
        (
            "(module (memory 1) (func $f (drop (memory.grow (i32.const 1)))))",
            memory(64),
            "function 0 \"f\": memory.grow",
        ),
        ("(module (memory 1) (func) (func (drop (memory.size))))", heap(64), "function 1: memory.size"),
        ("(module (import \"e\" \"m\" (memory 1)))", memory(64), "link without `--import-memory`"),
        (
            "(module (memory 2) (global (mut i32) (i32.const 66736)) (data (i32.const 1024) \"x\"))",
            memory(4096),
            "data and stack end at 66736, beyond the memory of 4096 bytes; the stack begins at 66736, and \
            `-C link-arg=-zstack-size=1024` (rustc) or `-Wl,-z,stack-size=1024` (clang) makes it smaller",
        ),
        (
            "(module (memory 1) (global (mut i32) (i32.const 272)))",
            memory(64),
            "the stack begins at 272, and `-C link-arg=-zstack-size=128` (rustc)",
        ),
        (
            "(module (memory 17) (global (mut i32) (i32.const 1048576)) (data (i32.const 1048576) \"x\")
                (global (export \"__heap_base\") i32 (i32.const 1048592)))",
            memory(4096),
            "end at 1048592, beyond the memory of 4096 bytes; the stack begins at 1048576",
        ),
        (
            "(module (memory 1) (data (i32.const 62) \"xyz\"))",
            memory(64),
            "the data ends at 65, beyond the memory of 64 bytes",
        ),
    ] {
        let refused = size(text, &options).unwrap_err();
        assert!(refused.contains(advice), "{refused}");
    }
    let module =
        wat::parse_str(r#"(module (memory 1) (global (export "__heap_base") i32 (i32.const 16)))"#).unwrap();
    for options in [memory((1 << 32) + 1), memory(u64::MAX), heap(1 << 32), heap(u64::MAX)] {
        let error = translate(&module, &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert!(error.to_string().starts_with("a memory has at most 4294967296 bytes"), "{error}");
    }
}

/// A module whose memory has pages of one byte.
fn bytes_module(memory: &str) -> String {
    format!(
        r#"(module (memory {memory} (pagesize 1)) (data $d "abcdefgh")
        (func (export "size") (result i32) (memory.size))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "load8") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "load16") (param i32) (result i32) (i32.load16_u (local.get 0)))
        (func (export "load32") (param i32) (result i32) (i32.load offset=4 (local.get 0)))
        (func (export "load64") (param i32) (result f64) (f64.load (local.get 0)))
        (func (export "store8") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
        (func (export "store64") (param i32) (i64.store (local.get 0) (i64.const -1)))
        (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
        (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
        (func (export "init") (param i32 i32) (memory.init $d (local.get 0) (i32.const 0) (local.get 1))))"#
    )
}

const FAILED: u64 = 0xFFFF_FFFF;

#[test]
fn a_memory_of_some_bytes_ends_at_the_last_one() {
    for memory in ["21 21", "21 22"] {
        let ends = run(
            &bytes_module(memory),
            &[
                ("size", &[]),
                ("load8", &[20]),
                ("load8", &[21]),
                ("load16", &[19]),
                ("load16", &[20]),
                ("load32", &[13]),
                ("load32", &[14]),
                ("load64", &[13]),
                ("load64", &[14]),
                ("store64", &[13]),
                ("store64", &[14]),
                ("store8", &[21, 1]),
                ("fill", &[21, 0]),
                ("fill", &[22, 0]),
                ("fill", &[20, 2]),
                ("copy", &[0, 13, 8]),
                ("copy", &[0, 14, 8]),
                ("copy", &[14, 0, 8]),
                ("init", &[13, 8]),
                ("init", &[14, 8]),
                ("load8", &[20]),
                ("load8", &[0xFFFF_FFFF]),
                ("grow", &[0]),
                ("grow", &[2]),
            ],
        );
        let (done, zero) = (results(&[]), results(&[0]));
        let expected = [
            results(&[21]),
            zero.clone(),
            out(),
            zero.clone(),
            out(),
            zero.clone(),
            out(),
            zero,
            out(),
            done.clone(),
            out(),
            out(),
            done.clone(),
            out(),
            out(),
            done.clone(),
            out(),
            out(),
            done,
            out(),
            results(&[u64::from(b'h')]),
            out(),
            results(&[21]),
            results(&[FAILED]),
        ];
        assert_eq!(ends, expected, "{memory}");
    }
}

#[test]
fn a_memory_grows_by_bytes() {
    let text = bytes_module("3 200000");
    let ends = run(
        &text,
        &[
            ("grow", &[0]),
            ("store8", &[2, 9]),
            ("load8", &[3]),
            ("grow", &[1]),
            ("load8", &[3]),
            ("load8", &[4]),
            ("grow", &[130_000]),
            ("size", &[]),
            ("load8", &[130_003]),
            ("load8", &[130_004]),
            ("store64", &[129_996]),
            ("store64", &[129_997]),
            ("grow", &[69_997]),
            ("grow", &[FAILED]),
            ("grow", &[69_996]),
            ("load8", &[130_004]),
            ("load8", &[130_003]),
            ("load8", &[199_999]),
            ("load8", &[200_000]),
            ("fill", &[199_990, 10]),
            ("fill", &[199_990, 11]),
            ("grow", &[1]),
            ("grow", &[0]),
            ("load8", &[2]),
        ],
    );
    let (done, zero, failed) = (results(&[]), results(&[0]), results(&[FAILED]));
    let expected = [
        results(&[3]),
        done.clone(),
        out(),
        results(&[3]),
        zero.clone(),
        out(),
        results(&[4]),
        results(&[130_004]),
        zero.clone(),
        out(),
        done.clone(),
        out(),
        failed.clone(),
        failed.clone(),
        results(&[130_004]),
        zero.clone(),
        results(&[255]),
        zero,
        out(),
        done,
        out(),
        failed,
        results(&[200_000]),
        results(&[9]),
    ];
    assert_eq!(ends, expected);
}

#[test]
fn the_host_can_stop_growth_by_bytes() {
    let bytes = translate(&wat::parse_str(bytes_module("3 200000")).unwrap(), &Options::default()).unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let most = program.program().memory_minimum() + 65_536;
    let imports = Imports::<()>::new();
    let options = vsp_core::Options { memory_maximum: Some(most), ..Default::default() };
    let mut instance = Instance::new(&program, &imports, (), options).unwrap();
    for (name, args, result) in [
        ("grow", &[most - 2][..], FAILED),
        ("size", &[], 3),
        ("grow", &[most - 3], 3),
        ("load8", &[most - 1], 0),
        ("grow", &[1], FAILED),
        ("size", &[], most),
    ] {
        let outcome = instance.call_export(name, args).unwrap();
        assert_eq!(outcome, Outcome::Returned(Values::new(&[result])), "{name}");
    }
}

#[test]
fn the_program_of_a_memory_that_grows_by_bytes_reserves_no_more_than_it_can_need() {
    let translated = |memory: &str, options: &Options| {
        sizes(&translate(&wat::parse_str(bytes_module(memory)).unwrap(), options).unwrap())
    };
    let default = Options::default();
    // Growth by less than 64 KiB is there from the beginning.
    assert_eq!(translated("1000 3000", &default), (3008, 3008));
    assert_eq!(translated("0 65535", &default), (65_536, 65_536));
    assert_eq!(translated("0 200000", &default), (200_000 - 3 * 65_536, 200_000));
    assert_eq!(translated("0", &default).1, 1 << 30);
    assert_eq!(translated("100", &default.clone().memory_maximum(70_000)).1, 70_000);
    assert_eq!(translated("100", &default.clone().memory_maximum(50)), (112, 112));
    // 2³² − 1 bytes are the most that such a memory can have.
    assert_eq!(translated("4294967295", &default), (1 << 32, 1 << 32));
    let all =
        translate(&wat::parse_str(bytes_module("0")).unwrap(), &default.memory_maximum(u64::MAX)).unwrap();
    assert_eq!(sizes(&all).1, 1 << 32);
}
