//! Code objects: they preserve the compiler's output, run without the compiler, and are rejected when they do not fit.
#![cfg(feature = "jit")]

mod command;

use std::sync::Arc;

use command::{example, file, refusal, run as vsp, run_in, stderr, stdout};
use vsp_core::jit::{Arch, Compiler, Target};
use vsp_core::native::{CODE_ALIGN, Caches, CompileOptions, Misfit, Object, ObjectError, Tier};
use vsp_core::program::{Program, ReadErrorKind};
use vsp_core::verify::Verified;
use vsp_core::{AttachError, Imports, Options, Outcome, text};
use vsp_host::engine::{EngineError, Module};
use vsp_host::exec_memory::ExecMemory;
use vsp_host::native::{CompiledProgram, LoadError, NativeError, Trusted, host_target};

type Shared = Arc<Verified<'static>>;

fn program(text: &str) -> Shared {
    named_program(text, "test.sil")
}

fn named_program(text: &str, name: &str) -> Shared {
    let bytes: Arc<[u8]> = text::assemble(text, name).unwrap().into();
    Arc::new(Verified::new(Program::read(bytes).unwrap()).unwrap())
}

fn example_program(name: &str) -> Shared {
    named_program(&std::fs::read_to_string(example(name)).unwrap(), &format!("{name}.sil"))
}

fn object(program: &Shared, target: Target, options: CompileOptions) -> Vec<u8> {
    Compiler::new(target, options).unwrap().compile(program).unwrap().to_object().unwrap()
}

fn host_object(program: &Shared) -> Vec<u8> {
    object(program, host_target().unwrap(), CompileOptions::default())
}

/// Gives a changed object the right checksum.
fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[16..20].fill(0);
    let checksum = crc32(&bytes);
    bytes[16..20].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Computes CRC-32 bit by bit from its definition.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

fn trusted(bytes: &[u8]) -> Trusted<Object<'_>> {
    let object = Object::read(bytes).unwrap();
    // SAFETY: the tests create their objects themselves, and run none that they have damaged.
    unsafe { Trusted::new(object) }
}

#[test]
fn an_object_says_what_the_compiler_said() {
    let targets = Arch::ALL.into_iter().filter(|arch| arch.is_built()).map(Target::new);
    for target in targets.chain([host_target().unwrap()]) {
        for tier in Tier::ALL {
            for checks in [false, true] {
                let options = CompileOptions { tier, fuel: checks, interrupt: checks, check_ir: false };
                let mut compiler = Compiler::new(target.clone(), options).unwrap();
                for program in [example_program("fib"), example_program("json"), program(".memory 16")] {
                    let code = compiler.compile(&program).unwrap();
                    let bytes = code.to_object().unwrap();
                    let object = Object::read(&bytes).unwrap();
                    assert_eq!(object.info(), code.info());
                    assert_eq!(object.placement().code, code.bytes());
                    assert_eq!(object.producer(), vsp_core::jit::producer());
                    object.info().check_program(&program).unwrap();
                    object.info().check_target(&target).unwrap();
                }
            }
        }
    }
}

#[test]
fn every_kind_of_exit_survives() {
    let source = ".import sys.print_int (1) -> 0\n.export main\n.memory 16\n.func main (2) -> 2\n\
        LOAD R2, [R0]\n DIV R2, R2, R1\n CALL half\n CONST R8, 1\n CALLR R8, (1) -> 1\n YIELD R0\n\
        loop: ADDI R1, -1\n JNZ R1, loop\n SYSCALL sys.print_int\n RET\n.end\n\
        .func inner (1) -> 1\n JZ R0, out\n HLT R0\n out: TRAP 77\n.end\n.func half (1) -> 1\n TRAP 16777215\n.end\n";
    let program = program(source);
    let code = Compiler::new(Target::new(Arch::X86_64), CompileOptions::default()).unwrap();
    let code = { code }.compile(&program).unwrap();
    let mut kinds: Vec<String> = code.sites().iter().map(|site| format!("{:?}", site.kind)).collect();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), 12, "{kinds:?}");
    assert_eq!(Object::read(&code.to_object().unwrap()).unwrap().info().sites(), code.sites());
}

#[test]
fn damage_is_found() {
    let bytes = host_object(&example_program("fib"));
    for length in 0..bytes.len() {
        assert!(matches!(Object::read(&bytes[..length]), Err(ObjectError::Read(_))), "{length} bytes");
    }
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(Object::read(&damaged), Err(ObjectError::Read(_))), "bit {bit}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(Object::read(&longer).is_err());
}

/// Objects with damage and a correct checksum: none makes the reader panic, and accepted objects have the same form.
#[test]
fn damage_with_the_right_checksum_is_found_or_harmless_to_read() {
    let program = example_program("fib");
    let bytes = host_object(&program);
    let code = Object::read(&bytes).unwrap().placement().offset;
    let mut refused = 0;
    for at in 0..code {
        for change in [0x01, 0x80, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[at] ^= change;
            let Ok(object) = Object::read(&with_checksum(damaged)).map(|object| object.into_info()) else {
                refused += 1;
                continue;
            };
            let _ = object.check_program(&program);
            for index in (0..4).map(vsp_core::index::FuncIndex) {
                assert!(object.function(index).is_none_or(|range| range.end <= object.length()));
                assert!(object.entry(index).is_none_or(|entry| entry < object.length()));
            }
        }
    }
    assert!(refused > code, "{refused} of {}", 3 * code);
}

#[test]
fn errors_say_what_was_expected() {
    let bytes = host_object(&example_program("fib"));
    let read = |at: usize, value: &[u8]| {
        let mut changed = bytes.clone();
        changed[at..][..value.len()].copy_from_slice(value);
        Object::read(&with_checksum(changed)).unwrap_err()
    };
    let kind = |error: ObjectError| match error {
        ObjectError::Read(error) => error.kind,
        other => panic!("{other}"),
    };
    assert_eq!(kind(read(0, b"SILC")), ReadErrorKind::ObjectMagic);
    assert_eq!(kind(read(4, &[1, 1])), ReadErrorKind::ObjectVersion(0x0101));
    assert_eq!(kind(read(6, &[4, 0])), ReadErrorKind::TooLarge { found: 4, limit: 3 });
    assert_eq!(kind(read(12, &[1, 0, 0, 0])), ReadErrorKind::ObjectAbi(1));
    assert_eq!(kind(read(20, &[5])), ReadErrorKind::Unknown(5));
    assert_eq!(kind(read(21, &[0])), ReadErrorKind::Unknown(0));
    assert_eq!(
        read(12, &[1, 0, 0, 0]).to_string(),
        "at offset 12, ABI version: the code has ABI version 1, and this host has another: compile it again"
    );
    assert_eq!(
        Object::read(b"no code object at all").unwrap_err().to_string(),
        "at offset 0, magic: expected \"SILN\": this is not a code object"
    );
}

#[test]
fn code_for_others_is_refused() {
    let fib = example_program("fib");
    let other = Arch::ALL.into_iter().find(|arch| arch.is_built() && Some(*arch) != Arch::host()).unwrap();
    let bytes = object(&fib, Target::new(other), CompileOptions::default());
    let error = CompiledProgram::load(trusted(&bytes), fib.clone()).unwrap_err();
    assert!(
        matches!(error, NativeError::Load(LoadError::Object(ObjectError::Arch { needed, .. })) if needed == other)
    );

    let able = Target::new(Arch::X86_64).with("avx2").unwrap();
    let bytes = object(&fib, able.clone(), CompileOptions::default());
    let info = Object::read(&bytes).unwrap().into_info();
    info.check_target(&able.clone().with("bmi1").unwrap()).unwrap();
    let error = info.check_target(&Target::new(Arch::X86_64).with("avx").unwrap()).unwrap_err();
    assert_eq!(error, ObjectError::Features { missing: vec!["has_avx2".into()] });
    assert_eq!(error.to_string(), "the code needs has_avx2, which this computer's processor does not have");

    let bytes = host_object(&fib);
    let error = CompiledProgram::load(trusted(&bytes), example_program("json")).unwrap_err();
    assert!(matches!(error, NativeError::Load(LoadError::Object(ObjectError::Program { .. }))), "{error}");
    assert!(error.to_string().contains("another program: that one has 836 bytes"), "{error}");
}

/// The checksum of a program can be forged. The code's other data about the program are compared nevertheless.
#[test]
fn code_that_does_not_fit_its_program_is_refused() {
    let fib = example_program("fib");
    let bytes = host_object(&fib);
    let functions = 148;
    let sites = functions + 8 * fib.functions().len();
    let check = |at: usize, value: &[u8]| {
        let mut changed = bytes.clone();
        changed[at..][..value.len()].copy_from_slice(value);
        let changed = with_checksum(changed);
        Object::read(&changed).unwrap().info().check_program(&fib)
    };
    let misfit = |found: Result<(), ObjectError>| match found {
        Err(ObjectError::Misfit(misfit)) => misfit,
        other => panic!("{other:?}"),
    };
    assert!(
        matches!(misfit(check(functions + 6, &[0x17, 0])), Misfit::Function(function) if function.0 == 0)
    );
    assert!(
        matches!(misfit(check(sites, &[9, 0, 0, 0])), Misfit::Location(location) if location.function.0 == 9)
    );
    assert!(matches!(misfit(check(sites + 4, &[200])), Misfit::Location(location) if location.word == 200));
}

#[test]
fn instances_that_need_more_than_the_code_has_are_refused() {
    let program = program(SQUARE);
    let options = CompileOptions { fuel: false, interrupt: false, ..CompileOptions::default() };
    let bytes = object(&program, host_target().unwrap(), options);
    let module = Module::from_object(trusted(&bytes), program).unwrap();
    let imports = Arc::new(Imports::new());
    let metered = Options { fuel: Some(1000), ..Options::default() };
    let refused = module.instantiate(imports.clone(), (), metered).unwrap_err();
    assert!(matches!(refused, EngineError::Attach(AttachError::Fuel)), "{refused}");
    let flag = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let interruptible = Options { interrupt: Some(flag.into()), ..Options::default() };
    let refused = module.instantiate(imports.clone(), (), interruptible).unwrap_err();
    assert!(matches!(refused, EngineError::Attach(AttachError::Interrupt)), "{refused}");
    module.instantiate(imports, (), Options::default()).unwrap();
}

const SQUARE: &str = ".export square\n.func square (1) -> 1\n MUL R0, R0, R0\n RET\n.end";

fn square(module: &Module<'static>) -> u64 {
    let mut instance = module.instantiate(Arc::new(Imports::new()), (), Options::default()).unwrap();
    assert!(instance.native_code().is_some());
    match instance.call_export("square", &[12]).unwrap() {
        Outcome::Returned(results) => results[0],
        other => panic!("{other:?}"),
    }
}

/// An image of flash memory: other data, followed by the object.
#[test]
fn code_runs_where_it_lies() {
    let program = program(SQUARE);
    let bytes = host_object(&program);
    for first in [0, CODE_ALIGN, 1000 * CODE_ALIGN] {
        let image = [&vec![0xEE; first][..], &bytes].concat();
        let memory = ExecMemory::new(&image).unwrap();
        let addresses = memory.address_range();
        // SAFETY: the object was created from the program just now.
        let memory = unsafe { Trusted::new(memory) };
        let compiled = CompiledProgram::in_place(memory, first..image.len(), program.clone()).unwrap();
        let code = compiled.address_range();
        assert!(
            code.start.is_multiple_of(CODE_ALIGN)
                && code.start > addresses.start + first
                && code.end == addresses.end
        );
        assert_eq!(square(&Module::from_compiled(compiled)), 144);
    }
    let image = [&[0; 8][..], &bytes].concat();
    for (file, expected) in
        [(8..image.len(), "multiple of 64"), (8..image.len() + 1, "not inside the memory")]
    {
        let memory = ExecMemory::new(&image).unwrap();
        // SAFETY: as above.
        let memory = unsafe { Trusted::new(memory) };
        let error = CompiledProgram::in_place(memory, file, program.clone()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(square(&Module::from_object(trusted(&bytes), program.clone()).unwrap()), 144);
}

#[test]
fn a_placement_says_what_a_host_must_do() {
    let program = program(SQUARE);
    for (arch, caches) in [
        (Arch::X86_64, Caches::Coherent),
        (Arch::Aarch64, Caches::CleanAndInvalidate),
        (Arch::Riscv64, Caches::Fence),
    ] {
        let bytes = object(&program, Target::new(arch), CompileOptions::default());
        // The buffer has an aligned offset for the object, and after it one that is not aligned.
        let mut flash = vec![0; bytes.len() + 2 * CODE_ALIGN];
        let first = flash.as_ptr().align_offset(CODE_ALIGN);
        for (offset, in_place) in [(0, true), (1, false), (32, false)] {
            flash[first + offset..][..bytes.len()].copy_from_slice(&bytes);
            let object = Object::read(&flash[first + offset..][..bytes.len()]).unwrap();
            let placement = object.placement();
            assert_eq!(
                (placement.in_place, placement.align, placement.caches),
                (in_place, CODE_ALIGN, caches)
            );
            assert_eq!(placement.code, &bytes[placement.offset..]);
        }
    }
}

#[test]
fn the_command_compiles_runs_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let fib = example("fib");
    let object = folder.path().join("fib.vsc").display().to_string();
    for settings in [&[][..], &["--tier", "1", "--no-interrupt"]] {
        let compiled = vsp(&[&["compile", &fib, "-o", &object][..], settings].concat());
        assert!(compiled.status.success(), "{}", stderr(&compiled));
        let ran = vsp(&["run", &fib, "--code", &object, "--json", "20"]);
        assert_eq!(stdout(&ran), "6765\n", "{}", stderr(&ran));
        let report: serde_json::Value = serde_json::from_slice(&ran.stderr).unwrap();
        assert_eq!(report["engine"], if settings.is_empty() { "tier2" } else { "tier1" });
        let verified = vsp(&["compile", &fib, "--verify", &object]);
        assert!(verified.status.success(), "{}", stderr(&verified));
        assert!(stdout(&verified).contains("fib.vsc: what "), "{}", stdout(&verified));
    }
    let copied = folder.path().join("fib.sil");
    std::fs::copy(&fib, copied).unwrap();
    assert!(run_in(folder.path(), &["compile", "fib.sil"], b"").status.success());
    assert!(folder.path().join("fib.vsc").exists());
}

#[test]
fn the_command_shows_what_is_in_an_object() {
    let program = example_program("json");
    let options = CompileOptions { interrupt: false, ..CompileOptions::default() };
    let target = Target::new(Arch::Aarch64).with("lse").unwrap();
    let bytes = object(&program, target, options);
    let (_folder, path) = file("json.vsc", &bytes);
    let info = Object::read(&bytes).unwrap().into_info();

    let text = stdout(&vsp(&["dump", &path]));
    for line in [
        "runs on     aarch64 +has_lse".to_owned(),
        "compiled    by tier 2, counting fuel, not interruptible".to_owned(),
        format!("made by     {}", vsp_core::jit::producer()),
        format!("CRC-32 0x{:08X}", info.program().crc),
        format!("functions: {}\n", info.table().len()),
        format!("exits: {}\n", info.sites().len()),
    ] {
        assert!(text.contains(&line), "{line} is not in {text}");
    }

    let json: serde_json::Value = serde_json::from_str(&stdout(&vsp(&["dump", "--json", &path]))).unwrap();
    let (functions, sites) = (json["functions"].as_array().unwrap(), json["sites"].as_array().unwrap());
    assert_eq!((functions.len(), sites.len()), (info.table().len(), info.sites().len()));
    assert!(functions.windows(2).all(|pair| {
        let [offset, bytes, next] = [&pair[0]["offset"], &pair[0]["bytes"], &pair[1]["offset"]];
        offset.as_u64().unwrap() + bytes.as_u64().unwrap() == next.as_u64().unwrap()
    }));
    let one = stdout(&vsp(&["dump", "--json", "--function", "$1", &path]));
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["functions"], serde_json::json!([functions[1]]));
    assert!(one["sites"].as_array().unwrap().iter().all(|site| site["function"] == 1));

    let message = refusal(&["dump", "--function", "main", &path], 1);
    assert!(
        message.contains("there is no function `main`; functions have no names here, and are $0 to $"),
        "{message}"
    );
    let message = refusal(&["dump", "--blocks", &path], 1);
    assert!(message.contains("json.vsc: a code object has no basic blocks"), "{message}");
    let (_folder, path) = file("cut.vsc", &bytes[..100]);
    let message = refusal(&["dump", &path], 1);
    assert!(message.contains("cut.vsc: at offset 8, total length"), "{message}");
}

#[test]
fn the_command_refuses_code_that_does_not_fit() {
    let fib = example("fib");
    let bytes = host_object(&example_program("fib"));
    let (_folder, path) = file("fib.vsc", &bytes);
    let message = refusal(&["run", &example("json"), "--code", &path], 1);
    assert!(message.contains("fib.vsc: the code was compiled from another program"), "{message}");
    let message = refusal(&["run", &fib, "--code", &fib, "9"], 1);
    assert!(message.contains("expected \"SILN\": this is not a code object"), "{message}");
    let message = refusal(&["run", &path], 1);
    assert!(message.contains("this is a code object"), "{message}");

    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    let (_folder, path) = file("fib.vsc", &with_checksum(other));
    let message = refusal(&["compile", &fib, "--verify", &path], 1);
    let expected = format!("byte {} is the first that differs", 16);
    assert!(message.contains(&expected), "{message}");

    let at = bytes.windows(4).position(|window| window == b"vsp ").unwrap();
    let mut other = bytes;
    other[at + 4] = b'9';
    let (_folder, path) = file("fib.vsc", &with_checksum(other));
    let message = refusal(&["compile", &fib, "--verify", &path], 1);
    assert!(
        message.contains("it was compiled by vsp 9.") && message.contains("help: compare with"),
        "{message}"
    );
}
