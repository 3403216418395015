//! What builds for little flash do differently: without the features `messages` and `debug-sections`.
#![cfg(not(any(feature = "debug-sections", feature = "messages")))]

use vsp_core::index::{FuncIndex, Location};
use vsp_core::isa::{Inst, Opcode, Reg};
use vsp_core::program::{
    FuncType, FunctionBuilder, NameKind, Program, ProgramBuilder, ReadError, ReadErrorKind,
};
use vsp_core::verify::{Rule, RuleNumber, Verified, VerifyError, VerifyErrors};
use vsp_core::{Imports, Instance, Options, Outcome};

/// Builds a program of one function with a name, a custom section and lines.
fn program(words: &[u32]) -> Vec<u8> {
    let mut program = ProgramBuilder::new();
    let file = program.source_file("f.sil").unwrap();
    let mut code = FunctionBuilder::new(FuncType::new(1, 1).unwrap());
    code.line(file, 1);
    words.iter().for_each(|word| code.word(*word));
    let index = program.function(code);
    program.export("f", index).unwrap();
    program.name(NameKind::Function, index.0, "name").unwrap();
    program.custom("custom", vec![1, 2, 3]).unwrap();
    program.build().unwrap()
}

fn ret() -> u32 {
    Inst::ret().unwrap().encode()
}

/// Verifies a function of these words. Returns the word and the number of its error, and whether there are more.
fn broken(words: &[u32]) -> (u32, RuleNumber, bool) {
    let bytes = program(words);
    match Verified::new(Program::read(&bytes[..]).unwrap()) {
        Err(VerifyErrors::Rules { errors, more }) => match errors[..] {
            [
                VerifyError {
                    location: Location { function: FuncIndex(0), word },
                    rule: Rule::Number(number),
                },
            ] => (word, number, more),
            _ => panic!("{errors:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn sections_for_tools_are_skipped() {
    let bytes = program(&[Inst::addi(Reg::R0, Reg::R0, 2).unwrap().encode(), ret()]);
    let program = Program::read(&bytes[..]).unwrap();
    assert_eq!(program.function_name(FuncIndex(0)), Some("f"), "the name that it is exported by");
    assert_eq!((program.names().count(), program.lines().count(), program.customs().count()), (0, 0, 0));
    let verified = Verified::new(program).unwrap();
    let imports = Imports::<()>::new();
    let mut instance = Instance::new(&verified, &imports, (), Options::default()).unwrap();
    let Ok(Outcome::Returned(values)) = instance.call_export("f", &[40]) else {
        panic!("it does not return")
    };
    assert_eq!(values[..], [42]);
}

#[test]
fn errors_of_the_reader_are_numbers() {
    let bytes = program(&[ret()]);
    let error = |offset, number| ReadError { offset, what: "", kind: ReadErrorKind::Number(number) };
    assert_eq!(Program::read(&b"SILX"[..]).unwrap_err(), error(0, ReadErrorKind::Magic.number()));
    assert_eq!(Program::read(&bytes[..3]).unwrap_err(), error(0, 5));
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(Program::read(&damaged[..]).unwrap_err(), error(16, 6));
    assert_eq!(error(16, 6).to_string(), "at offset 16: error 6");
}

#[test]
fn the_first_error_of_the_verifier_is_a_number() {
    let jump = |words| Inst::jmp(words).unwrap().encode();
    assert_eq!(broken(&[0, ret()]), (0, RuleNumber::Instruction, false));
    assert_eq!(broken(&[ret() | 1 << 31, 0]), (0, RuleNumber::Instruction, true));
    // Targets are checked last, and the first word is reported.
    assert_eq!(broken(&[jump(7), 0]), (0, RuleNumber::Target, true));
    assert_eq!(broken(&[u32::from(Opcode::SWITCH.number()) | 1 << 12, ret()]), (0, RuleNumber::Table, false));
    assert_eq!(broken(&[Inst::nop().unwrap().encode()]), (0, RuleNumber::End, false));
    assert_eq!(broken(&[Inst::call(1).unwrap().encode(), ret()]), (0, RuleNumber::Index, false));
    // A type without results.
    let tail_call = u32::from(Opcode::TAILCALLR.number()) | 1 << 12;
    assert_eq!(broken(&[ret(), tail_call]), (1, RuleNumber::Results, false));
}
