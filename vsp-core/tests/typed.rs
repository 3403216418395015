//! Calls of functions with Rust types.
#![cfg(feature = "text")]

use std::sync::Arc;

use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{CallError, FunctionError, Imports, Instance, Options, Reason, Trap, TypedCallError, text};

const SOURCE: &str = "
.export nothing
.export halve
.export negate
.export sum
.export split
.export divide
.export halt
.export ask
.func nothing (0) -> 0
    RET
.end
.func halve (1) -> 1
    MOVI    R1, 1
    SHR     R0, R0, R1
    RET
.end
.func negate (1) -> 1
    MOVI    R1, 0
    SUB     R0, R1, R0
    RET
.end
.func sum (8) -> 1
    ADD     R0, R1
    ADD     R0, R2
    ADD     R0, R3
    ADD     R0, R4
    ADD     R0, R5
    ADD     R0, R6
    ADD     R0, R7
    RET
.end
.func split (2) -> 4
    MOV     R2, R0
    MOV     R3, R1
    RET
.end
.func divide (2) -> 1
    DIVU    R0, R0, R1
    RET
.end
.func halt (1) -> 0
    HLT     R0
.end
.func ask (1) -> 1
    YIELD   R1
    ADD     R0, R1
    RET
.end
";

fn program() -> Arc<Verified<'static>> {
    assembled(SOURCE)
}

fn assembled(source: &str) -> Arc<Verified<'static>> {
    let bytes = text::assemble(source, "typed.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    Arc::new(Verified::new(Program::read(Arc::<[u8]>::from(bytes)).unwrap()).unwrap())
}

fn instance(program: &Arc<Verified<'static>>) -> Instance<'static, ()> {
    Instance::new(program.clone(), Arc::new(Imports::new()), (), Options::default()).unwrap()
}

#[test]
fn arguments_and_results_have_rust_types() {
    let mut instance = instance(&program());
    let nothing = instance.typed::<(), ()>("nothing").unwrap();
    assert_eq!(nothing.call(&mut instance, ()), Ok(()));
    let halve = instance.typed::<u64, u64>("halve").unwrap();
    assert_eq!(halve.call(&mut instance, 10), Ok(5));
    let negate = instance.typed::<(i32,), (i64,)>("negate").unwrap();
    assert_eq!(negate.call(&mut instance, (-7,)), Ok((7,)));
    let sum = instance.typed::<(u64, u32, bool, u64, u64, u64, u64, i64), i64>("sum").unwrap();
    assert_eq!(sum.call(&mut instance, (1, 2, true, 4, 5, 6, 7, -8)), Ok(18));
    let split = instance.typed::<(f64, bool), (f64, bool, u64, u64)>("split").unwrap();
    assert_eq!(split.call(&mut instance, (1.5, true)), Ok((1.5, true, 1.5f64.to_bits(), 1)));
    assert_eq!(split.clone().index(), instance.program().export("split").unwrap());
}

#[test]
fn types_are_checked_when_a_function_is_looked_up() {
    let instance = instance(&program());
    let missing = instance.typed::<(), ()>("missing").unwrap_err();
    assert_eq!(missing, FunctionError::NoExport("missing".into()));
    let wrong = instance.typed::<(u64, u64), ()>("halve").unwrap_err();
    assert_eq!(wrong.to_string(), "\"halve\" is a function (1) -> 1, not (2) -> 0");
}

#[test]
fn a_call_that_does_not_return_says_why() {
    let mut instance = instance(&program());
    let divide = instance.typed::<(u64, u64), u64>("divide").unwrap();
    assert_eq!(divide.call(&mut instance, (7, 2)), Ok(3));
    match divide.call(&mut instance, (7, 0)) {
        Err(TypedCallError::Trapped(trapped)) => assert_eq!(trapped.trap, Trap::DivideByZero),
        other => panic!("{other:?}"),
    }
    let halt = instance.typed::<u64, ()>("halt").unwrap();
    assert_eq!(halt.call(&mut instance, 9), Err(TypedCallError::Halted(9)));
}

#[test]
fn a_suspended_call_is_resumed_with_its_types() {
    let mut instance = instance(&program());
    let ask = instance.typed::<u64, u64>("ask").unwrap();
    let suspended = ask.call(&mut instance, 40).unwrap_err();
    assert!(matches!(suspended, TypedCallError::Suspended(it) if it.reason == Reason::Yield(0)));
    assert_eq!(suspended.to_string(), "suspended at function 7 word 0: YIELD with the value 0");
    assert_eq!(ask.call(&mut instance, 1), Err(TypedCallError::Call(CallError::Suspended)));
    assert_eq!(ask.resume(&mut instance, &[2]), Ok(42));

    let nothing = instance.typed::<(), ()>("nothing").unwrap();
    ask.call(&mut instance, 40).unwrap_err();
    let other = CallError::Results { expected: 0, returned: 1 };
    assert_eq!(nothing.resume(&mut instance, &[2]), Err(TypedCallError::Call(other)));
}

#[test]
fn a_function_belongs_to_instances_of_its_program() {
    let one = program();
    let halve = instance(&one).typed::<u64, u64>("halve").unwrap();
    assert_eq!(halve.call(&mut instance(&one), 4), Ok(2));
    assert_eq!(halve.call(&mut instance(&program()), 4), Err(TypedCallError::OtherProgram));
}

/// An interface that has the types of `halve`, `split` and a function that the program does not export.
const INTERFACE: &str = r#"
.custom "vsp.wasm" u8 1, u32 1, "t", u8 0, u32 0, 0, 4
.string u32 6, "memory", u8 2
.string u32 5, "halve", u8 0, u32 1, u8 1, u32 1, u8 1
.string u32 4, "gone", u8 0, u32 0, 0
.string u32 5, "split", u8 0, u32 2, u8 3, 0, u32 4, u8 2, 0, 1, 5
.u32 0
"#;

#[test]
fn rust_types_are_compared_with_the_interface() {
    let program = assembled(&(INTERFACE.to_owned() + SOURCE));
    let instance = instance(&program);
    let wrong = |error: FunctionError| error.to_string();

    instance.typed::<i64, u64>("halve").unwrap();
    let halve = instance.typed::<f64, u64>("halve").unwrap_err();
    assert_eq!(wrong(halve), "\"halve\" is a function (i64) -> i64, not (f64) -> u64");
    let halve = instance.typed::<u64, i32>("halve").unwrap_err();
    assert_eq!(wrong(halve), "\"halve\" is a function (i64) -> i64, not (u64) -> i32");
    let halve = instance.typed::<(), ()>("halve").unwrap_err();
    assert_eq!(wrong(halve), "\"halve\" is a function (i64) -> i64, not () -> ()");

    let split = instance.typed::<(f64, i32), (f32, bool, i64, u64)>("split").unwrap();
    assert_eq!(split.index(), program.export("split").unwrap());
    let split = instance.typed::<(f64, i32), (f32, bool, i64, i64)>("split").unwrap_err();
    let found = "(f64, i32) -> (f32, i32, i64, externref)";
    assert_eq!(
        wrong(split),
        format!("\"split\" is a function {found}, not (f64, i32) -> (f32, bool, i64, i64)")
    );

    // A function without types there has only numbers of parameters and results.
    instance.typed::<f64, f64>("ask").unwrap();
    let gone = instance.typed::<(), ()>("gone").unwrap_err();
    assert_eq!(gone, FunctionError::NoExport("gone".into()));
}

#[test]
fn an_interface_that_cannot_be_read_says_nothing() {
    use vsp_core::interface::Exports;

    let whole = assembled(&(INTERFACE.to_owned() + SOURCE));
    let section = whole.program().customs().next().unwrap().bytes.to_vec();
    assert_eq!(Exports::read(whole.program()).unwrap().exports.len(), 4);
    for length in 0..section.len() {
        let bytes: Vec<String> = section[..length].iter().map(u8::to_string).collect();
        let custom = match &bytes[..] {
            [] => ".custom \"vsp.wasm\"\n".to_owned(),
            bytes => format!(".custom \"vsp.wasm\" u8 {}\n", bytes.join(", ")),
        };
        let program = assembled(&(custom + SOURCE));
        assert_eq!(Exports::read(program.program()), None, "{length}");
        instance(&program).typed::<u64, u64>("halve").unwrap();
    }
}
