//! Machine code in the host: typed functions, threads, endless programs, deep recursion, panics, refusals.
#![cfg(feature = "jit")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use vsp_core::index::{FuncIndex, GlobalIndex};
use vsp_core::isa::Reg;
use vsp_core::jit::JitError;
use vsp_core::program::{FuncType, Program};
use vsp_core::verify::Verified;
use vsp_core::{
    AttachError, Caller, HostStop, Imports, Instance, NativeCode, Options, Outcome, Reason, Trap, text,
};
use vsp_host::engine::{Engine, EngineKind, Module};
use vsp_host::native::{
    CompileOptions, CompiledProgram, FunctionError, FunctionStopped, MAX_NATIVE_STACK, NativeError, Tier,
    VspJit,
};

type Shared = Arc<Verified<'static>>;

fn program(text: &str) -> Shared {
    let bytes: Arc<[u8]> = text::assemble(text, "test.sil").unwrap().into();
    Arc::new(Verified::new(Program::read(bytes).unwrap()).unwrap())
}

fn module(kind: EngineKind, program: &Shared) -> Module<'static> {
    let options = CompileOptions { check_ir: true, ..CompileOptions::default() };
    Engine::with_options(kind, options).unwrap().load(program.clone()).unwrap()
}

fn instance(kind: EngineKind, program: &Shared, options: Options<'static>) -> Instance<'static, ()> {
    module(kind, program).instantiate(Arc::new(Imports::new()), (), options).unwrap()
}

fn compiled(text: &str, options: CompileOptions) -> Arc<CompiledProgram<'static>> {
    Arc::new(VspJit::new(options).unwrap().compile(program(text)).unwrap())
}

const DIVIDE: &str =
    ".export divide\n.func divide (2) -> 2\n MOD R3, R0, R1\n DIV R0, R0, R1\n MOV R1, R3\n RET\n.end";

#[test]
fn typed_functions_take_and_give_rust_values() {
    let code = compiled(DIVIDE, CompileOptions::default());
    let divide = code.function::<(i64, i64), (i64, i64)>("divide").unwrap();
    let program = Arc::new(
        Verified::new(Program::read(code.program().program().bytes().to_vec().leak() as &[u8]).unwrap())
            .unwrap(),
    );
    let mut instance = Instance::new(program, Arc::new(Imports::new()), (), Options::default()).unwrap();
    assert_eq!(divide.call(&mut instance, (-7, 2)).unwrap(), (-3, -1));
    assert_eq!(divide.call(&mut instance, (i64::MIN, -1)).unwrap(), (i64::MIN, 0));
    let stopped = divide.clone().call(&mut instance, (1, 0)).unwrap_err();
    assert!(
        matches!(stopped, FunctionStopped::Outcome(Outcome::Trapped(stop)) if stop.trap == Trap::DivideByZero && stop.location.word == 0)
    );
    // The instance can be called after the trap.
    assert_eq!(divide.call(&mut instance, (9, 4)).unwrap(), (2, 1));

    let wrong = code.function::<(i64,), i64>("divide").unwrap_err();
    assert_eq!(wrong.to_string(), "\"divide\" is a function (2) -> 2, not (1) -> 1");
    assert_eq!(code.function::<(), ()>("nothing").unwrap_err(), FunctionError::NoExport("nothing".into()));
}

const SHAPES: &str = "
.export nothing
.func nothing (0) -> 0
    RET
.end
.export turn
.func turn (4) -> 4
    XCHG  R0, R3
    XCHG  R1, R2
    RET
.end
.export fifth
.func fifth (5) -> 1
    MOV   R0, R4
    RET
.end
.export last
.func last (8) -> 4
    MOV   R0, R4
    MOV   R1, R5
    MOV   R2, R6
    MOV   R3, R7
    RET
.end
";

/// They are called one after another, in an instance that is moved between calls, that has trapped, and that has run
/// other code.
#[test]
fn functions_of_every_shape_can_be_called() {
    let program = program(&(SHAPES.to_owned() + DIVIDE));
    let compile =
        || Arc::new(VspJit::new(CompileOptions::default()).unwrap().compile(program.clone()).unwrap());
    let (code, other): (_, Arc<dyn NativeCode<()>>) = (compile(), compile());
    let nothing = code.function::<(), ()>("nothing").unwrap();
    let turn = code.function::<(u64, i32, bool, f64), (f64, bool, i32, u64)>("turn").unwrap();
    let fifth = code.function::<(u64, u64, u64, u64, u64), u64>("fifth").unwrap();
    let last =
        code.function::<(u64, u64, u64, u64, i64, u64, u64, u64), (i64, u64, u64, u64)>("last").unwrap();
    let divide = code.function::<(i64, i64), (i64, i64)>("divide").unwrap();
    let options = Options { fuel: Some(1_000), ..Options::default() };
    let mut instance = Instance::new(program.clone(), Arc::new(Imports::new()), (), options).unwrap();
    for round in 0..3 {
        nothing.call(&mut instance, ()).unwrap();
        assert_eq!(turn.call(&mut instance, (u64::MAX, -2, true, 1.5)).unwrap(), (1.5, true, -2, u64::MAX));
        let mut moved = Box::new(instance);
        assert_eq!(turn.call(&mut moved, (round, 7, false, -0.0)).unwrap(), (-0.0, false, 7, round));
        assert_eq!(fifth.call(&mut moved, (1, 2, 3, 4, 5)).unwrap(), 5);
        assert_eq!(last.call(&mut moved, (1, 2, 3, 4, -5, 6, 7, 8)).unwrap(), (-5, 6, 7, 8));
        assert!(divide.call(&mut moved, (1, 0)).is_err());
        assert_eq!(moved.call_stack().count(), 1);
        assert_eq!(divide.call(&mut moved, (9, 4)).unwrap(), (2, 1));
        assert_eq!(moved.call_stack().count(), 0);
        instance = *moved;
        assert!(instance.runs(&*code));
        instance.attach(other.clone()).unwrap();
        assert!(!instance.runs(&*code));
        assert_eq!(divide_once(&mut instance), [2, 1]);
    }
    // Each round executes these words: 1 + 2·3 + 2 + 5 + 1 + 2·4.
    assert_eq!(instance.fuel(), Some(1_000 - 3 * 23));
}

fn divide_once(instance: &mut Instance<'_, ()>) -> Vec<u64> {
    match instance.call_export("divide", &[9, 4]).unwrap() {
        Outcome::Returned(values) => values.to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn host_functions_take_eight_arguments_and_give_four_results_in_every_engine() {
    let program = program(
        ".import t.many (8) -> 4\n.import t.raw (2) -> 2\n.export run\n.func run (8) -> 4\n SYSCALL t.many\n SYSCALL t.raw\n RET\n.end",
    );
    type Eight = (u64, u64, u64, u64);
    let mut imports = Imports::<()>::new();
    let many =
        |_: &mut Caller<'_, ()>, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64| -> Eight {
            (a * 10 + h, b * 10 + g, c * 10 + f, d * 10 + e)
        };
    imports.define("t", "many", many).unwrap();
    let ty = FuncType::new(2, 2).unwrap();
    imports
        .define_raw("t", "raw", ty, |_, args, results| {
            assert_eq!(args[2..], [0; 6]);
            results.copy_from_slice(&[args[1], args[0], 99, 99]);
            Ok(())
        })
        .unwrap();
    let imports = Arc::new(imports);
    for kind in EngineKind::ALL {
        let mut instance =
            module(kind, &program).instantiate(imports.clone(), (), Options::default()).unwrap();
        match instance.call_export("run", &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap() {
            Outcome::Returned(values) => assert_eq!(values[..], [27, 18, 36, 45], "{}", kind.name()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn one_code_serves_several_threads() {
    let text =
        ".export sum\n.func sum (1) -> 1\nloop: ADD R8, R8, R0\n LOOP R0, loop\n MOV R0, R8\n RET\n.end";
    let program = program(text);
    for tier in [Tier::One, Tier::Two] {
        let options = CompileOptions { tier, ..CompileOptions::default() };
        let code = Arc::new(VspJit::new(options).unwrap().compile(program.clone()).unwrap());
        let threads: Vec<_> = (1..=8u64)
            .map(|n| {
                let sum = code.function::<(u64,), u64>("sum").unwrap();
                let program = program.clone();
                thread::spawn(move || {
                    let mut instance =
                        Instance::new(program, Arc::new(Imports::new()), (), Options::default()).unwrap();
                    for count in 1..200 {
                        let count = count * n;
                        assert_eq!(sum.call(&mut instance, (count,)).unwrap(), count * (count + 1) / 2);
                    }
                })
            })
            .collect();
        // The functions keep the code alive.
        drop(code);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

#[test]
fn an_endless_loop_without_stores_is_stopped_by_the_flag() {
    let program = program(".export f\n.func f (0) -> 1\nloop: ADDI R1, R1, 1\n JMP loop\n.end");
    for kind in EngineKind::ALL {
        let flag = Arc::new(AtomicBool::new(false));
        let options = Options { interrupt: Some(flag.clone().into()), ..Options::default() };
        let mut instance = instance(kind, &program, options);
        let setter = thread::spawn(move || {
            thread::sleep(Duration::from_millis(30));
            flag.store(true, Ordering::Relaxed);
        });
        let Outcome::Suspended(suspension) = instance.call_export("f", &[]).unwrap() else {
            panic!("{kind:?}")
        };
        setter.join().unwrap();
        assert_eq!((suspension.reason, suspension.location.word), (Reason::Interrupted, 0), "{kind:?}");
        // The counter is in the frame with which the interpreter continues.
        assert!(instance.frames().next().unwrap().registers[Reg::R1.index()] > 1_000, "{kind:?}");
    }
}

#[test]
fn an_endless_loop_is_stopped_by_fuel() {
    let program = program(".export f\n.func f (0) -> 1\nloop: ADDI R1, R1, 1\n JMP loop\n.end");
    for kind in EngineKind::ALL {
        let mut instance = instance(kind, &program, Options { fuel: Some(1_000_001), ..Options::default() });
        let outcome = instance.call_export("f", &[]).unwrap();
        assert!(
            matches!(outcome, Outcome::Suspended(it) if it.reason == Reason::Fuel),
            "{kind:?}: {outcome:?}"
        );
        assert_eq!(instance.fuel(), Some(-1), "{kind:?}");
        assert_eq!(instance.frames().next().unwrap().registers[Reg::R1.index()], 500_001, "{kind:?}");
    }
}

#[test]
fn runaway_recursion_traps_at_the_same_depth_everywhere() {
    let text = ".global depth = 0\n.export f\n.func f (8) -> 4\n.locals 7\n GETG R9, depth\n ADDI R9, R9, 1\n SETG R9, depth\n CALL f\n ADD R0, R0, R9\n RET\n.end";
    let program = program(text);
    for cells in [64, 1_000, 65_536, 1 << 20] {
        let seen = EngineKind::ALL.map(|kind| {
            // A thread whose own stack is far too small for machine code, which gets another one. Compiling without
            // optimisation needs more as well, so the module is made here.
            let module = module(kind, &program);
            let run = move || {
                let options = Options { stack_cells: Some(cells), ..Options::default() };
                let mut instance = module.instantiate(Arc::new(Imports::new()), (), options).unwrap();
                let outcome = instance.call_export("f", &[0; 8]).unwrap();
                (outcome, instance.global(GlobalIndex(0)), instance.call_stack().count())
            };
            thread::Builder::new().stack_size(128 << 10).spawn(run).unwrap().join().unwrap()
        });
        let depth = u64::from(cells / 25);
        assert_eq!((seen[0].1, seen[0].2), (Some(depth), depth as usize));
        assert!(matches!(seen[0].0, Outcome::Trapped(stop) if stop.trap == Trap::StackOverflow));
        assert!(seen.iter().all(|other| *other == seen[0]), "{cells} cells: {seen:?}");
    }
}

#[test]
fn a_panic_of_a_host_function_passes_and_leaves_an_instance_that_works() {
    let text = ".import t.panic (1) -> 1\n.export f\n.func f (1) -> 1\n SYSCALL t.panic\n RET\n.end\n.export g\n.func g (1) -> 1\n CALL f\n RET\n.end";
    let program = program(text);
    let mut imports = Imports::new();
    let panics = |caller: &mut Caller<'_, u32>, value: u64| -> Result<u64, HostStop> {
        *caller.state() += 1;
        caller.charge(10);
        assert_ne!(value, 7, "seven");
        Ok(value + 1)
    };
    imports.define("t", "panic", panics).unwrap();
    let imports = Arc::new(imports);
    let mut balances = Vec::new();
    for kind in EngineKind::ALL {
        let options = Options { fuel: Some(1_000), ..Options::default() };
        let mut instance = module(kind, &program).instantiate(imports.clone(), 0, options).unwrap();
        let panic = catch_unwind(AssertUnwindSafe(|| instance.call_export("g", &[7]))).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().contains("seven"), "{kind:?}");
        let Outcome::Returned(results) = instance.call_export("g", &[8]).unwrap() else { panic!("{kind:?}") };
        assert_eq!((results[0], *instance.state()), (9, 2), "{kind:?}");
        balances.push(instance.fuel());
    }
    assert!(balances.iter().all(|balance| *balance == balances[0]), "{balances:?}");
}

#[test]
fn a_balance_near_the_lowest_saturates_everywhere() {
    let text = ".import t.all (0) -> 0\n.export f\n.func f (0) -> 0\n.locals 16\n SYSCALL t.all\n RET\n.end\n.export leaf\n.func leaf (0) -> 0\n.locals 16\n RET\n.end";
    let program = program(text);
    let mut imports = Imports::new();
    imports.define("t", "all", |caller: &mut Caller<'_, ()>| caller.charge(u64::MAX)).unwrap();
    let imports = Arc::new(imports);
    let seen = EngineKind::ALL.map(|kind| {
        let options = Options { fuel: Some(100), ..Options::default() };
        let mut instance = module(kind, &program).instantiate(imports.clone(), (), options).unwrap();
        let first = instance.call_export("f", &[]).unwrap();
        instance.reset();
        let again = instance.call_export("f", &[]).unwrap();
        instance.reset();
        let leaves: Vec<_> = (0..3).map(|_| instance.call_export("leaf", &[]).unwrap()).collect();
        (first, again, leaves, instance.fuel())
    });
    assert_eq!(seen[0].3, Some(i64::MIN));
    assert!(seen.iter().all(|other| *other == seen[0]), "{seen:#?}");
}

#[test]
fn code_is_refused_by_instances_that_it_does_not_fit() {
    let plain = CompileOptions { fuel: false, interrupt: false, ..CompileOptions::default() };
    let code = compiled(DIVIDE, plain);
    let native = || -> Arc<dyn NativeCode<()>> { code.clone() };
    let own = || {
        Arc::new(
            Verified::new(Program::read(code.program().program().bytes().to_vec().leak() as &[u8]).unwrap())
                .unwrap(),
        )
    };
    let attach = |program: Shared, options: Options<'static>| {
        Instance::new(program, Arc::new(Imports::new()), (), options).unwrap().attach(native())
    };
    assert_eq!(attach(own(), Options::default()), Ok(()));
    assert_eq!(
        attach(program(".func f (0) -> 0\n RET\n.end"), Options::default()),
        Err(AttachError::Program)
    );
    assert_eq!(attach(own(), Options { fuel: Some(1), ..Options::default() }), Err(AttachError::Fuel));
    let flag = Options { interrupt: Some(Arc::new(AtomicBool::new(false)).into()), ..Options::default() };
    assert_eq!(attach(own(), flag), Err(AttachError::Interrupt));
}

#[test]
fn too_much_native_stack_is_refused() {
    // A frame of few cells whose machine code needs many bytes: hundreds of values that are all alive at once.
    let mut text = String::from(".memory 1024\n.export f\n.func f (1) -> 1\n");
    for index in 0..32 {
        text += &format!(" LOAD R1, [R0 + {}]\n SETL R1, {index}\n", index * 8);
    }
    text += " CALL g\n";
    for index in 0..32 {
        text += &format!(" GETL R1, {index}\n ADD R0, R0, R1\n");
    }
    text = text.replace("-> 1\n", "-> 1\n.locals 32\n");
    text += " RET\n.end\n.func g (1) -> 1\nloop: LOOP R0, loop\n RET\n.end";
    let program = program(&text);
    let tier2 = module(EngineKind::Tier2, &program);
    let code: &CompiledProgram<'_> = tier2.compiled().unwrap();
    let reserve = |cells| NativeCode::<()>::reserve(code, cells);
    let bytes = u64::from(code.code().bytes_per_cell()) << 28;
    let most = (MAX_NATIVE_STACK / u64::from(code.code().bytes_per_cell())) as u32;
    assert_eq!(reserve(1 << 16), Ok(()));
    assert_eq!(reserve(most), Ok(()));
    assert!(matches!(reserve(most + 1), Err(AttachError::NativeStack { .. })));
    assert_eq!(
        reserve(1 << 28),
        Err(AttachError::NativeStack { cells: 1 << 28, bytes, limit: MAX_NATIVE_STACK })
    );
}

#[test]
fn a_function_beyond_the_limit_is_an_error_that_names_it() {
    let mut text = String::from(".func small (0) -> 0\n RET\n.end\n.func long (1) -> 1\n");
    text += &" ADD R0, R0, R0\n".repeat(1 << 15);
    text += " RET\n.end";
    let longest = program(&text.replacen(" ADD R0, R0, R0\n", "", 1));
    assert!(VspJit::new(CompileOptions::default()).unwrap().compile(longest).is_ok());
    let program = program(&text);
    let refused = VspJit::new(CompileOptions::default()).unwrap().compile(program.clone()).unwrap_err();
    let expected = JitError::FunctionTooLong { function: FuncIndex(1), words: (1 << 15) + 1 };
    assert!(matches!(refused, NativeError::Compile(error) if error == expected));
    let auto = Engine::new(EngineKind::Auto).unwrap().load(program).unwrap();
    assert!(auto.compiled().is_none());
}
