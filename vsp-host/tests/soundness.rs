//! Safe code, snapshots and changed frames cannot make machine code access memory outside that of its instance.
#![cfg(feature = "jit")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vsp_core::index::FuncIndex;
use vsp_core::limits::MAX_PARAMS;
use vsp_core::native::CodeInfo;
use vsp_core::program::Program;
use vsp_core::snapshot::Snapshot;
use vsp_core::verify::Verified;
use vsp_core::{
    AttachError, EntryRequest, Imports, Instance, NativeCode, Options, Outcome, Reason, Trap, text,
};
use vsp_host::engine::{Engine, EngineKind, Module, Threshold, TierOptions};
use vsp_host::native::{CompileOptions, CompiledProgram, VspJit};

fn verified(source: &str) -> Arc<Verified<'static>> {
    let bytes = text::assemble(source, "t.sil").map_err(|errors| errors[0].to_string()).unwrap();
    Arc::new(Verified::new(Program::read(Arc::<[u8]>::from(bytes)).unwrap()).unwrap())
}

fn compile(program: &Arc<Verified<'static>>) -> CompiledProgram<'static> {
    VspJit::new(CompileOptions::default()).unwrap().compile(program.clone()).unwrap()
}

fn instance(program: &Arc<Verified<'static>>) -> Instance<'static, ()> {
    Instance::new(program.clone(), Arc::new(Imports::new()), (), Options::default()).unwrap()
}

/// Loops are entered in machine code as soon as they have run a thousand instructions.
const EAGER: TierOptions = TierOptions {
    worker: false,
    slice: 100,
    tier1: None,
    tier2: Threshold { instructions: 1_000, per_word: 0 },
    short_slices: 0,
    ..TierOptions::WITH_WORKER
};

fn load(program: &Arc<Verified<'static>>, kind: EngineKind) -> Module<'static> {
    let engine = Engine::new(kind).unwrap();
    let engine = if kind == EngineKind::Auto { engine.with_tiers(EAGER) } else { engine };
    engine.load(program.clone()).unwrap()
}

/// The condition before `dead` is constant, so that no execution from the start reaches it; at `live`, R1 is always 0
/// then.
const DEAD_LOOP: &str = "
.memory 4096
.export f
.func f (0) -> 1
    MOVI    R1, 0
    MOVI    R2, 1
    YIELD   R4
    JZ      R2, dead
live:
    STORE   [R1], R0
    RET
dead:
    LOOP    R3, dead
    JMP     live
.end";

/// Returns a snapshot in which the program is in a loop that its own execution never reaches.
fn state_in_dead_loop(program: &Arc<Verified<'static>>, address: u64) -> Vec<u8> {
    let options = Options { fuel: Some(100), ..Options::default() };
    let mut it =
        load(program, EngineKind::Interpreter).instantiate(Arc::new(Imports::new()), (), options).unwrap();
    assert!(matches!(it.call_export("f", &[]).unwrap(), Outcome::Suspended(_)));
    let frame = it.frame_mut(0).unwrap();
    frame.registers[..4].copy_from_slice(&[0x6666, address, 0, 1_000_000]);
    it.set_fuel(20);
    let outcome = it.resume(&[0]).unwrap();
    assert!(
        matches!(outcome, Outcome::Suspended(at) if at.reason == Reason::Fuel && at.location.word == 6),
        "{outcome:?}"
    );
    it.save().unwrap()
}

#[test]
fn a_loop_that_only_a_state_leads_to_is_entered_with_checks() {
    let program = verified(DEAD_LOOP);
    // These addresses are outside the memory of the program. Without a check, R0 would be stored there.
    for address in [1 << 45, 4096, u64::MAX - 7] {
        let bytes = state_in_dead_loop(&program, address);
        for kind in [EngineKind::Interpreter, EngineKind::Auto, EngineKind::Tier2] {
            let module = load(&program, kind);
            let options = Options { fuel: Some(1 << 40), ..Options::default() };
            let state = Snapshot::read(&bytes).unwrap();
            let mut it = module.restore(Arc::new(Imports::new()), (), options, &state).unwrap();
            let outcome = it.resume(&[]).unwrap();
            let is_trap = matches!(outcome, Outcome::Trapped(at) if at.trap == Trap::MemoryOutOfBounds);
            assert!(is_trap && it.memory().iter().all(|byte| *byte == 0), "{kind:?}: {outcome:?}");
            assert!(kind != EngineKind::Auto || module.compiled_regions() > 0, "machine code was entered");
        }
    }
}

const SMALL: &str = ".memory 16\n.export f\n.func f (1) -> 1\n ANDI R0, R0, 8\n LOAD R0, [R0]\n RET\n.end\n";
/// The same function, but for a memory in which no access needs a check.
const LARGE: &str =
    ".memory 1048576\n.export f\n.func f (1) -> 1\n ANDI R0, R0, 4088\n LOAD R0, [R0]\n RET\n.end\n";

/// Machine code that passes entry requests on to its current code, of any program.
#[derive(Debug)]
struct Changing {
    own: CompiledProgram<'static>,
    now: Mutex<Option<CompiledProgram<'static>>>,
}

impl Changing {
    fn now(&self) -> MutexGuard<'_, Option<CompiledProgram<'static>>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NativeCode<()> for Changing {
    fn code(&self) -> &CodeInfo {
        self.own.code()
    }
    fn is_for(&self, _: &Verified<'_>) -> bool {
        true
    }
    fn reserve(&self, _: u32) -> Result<(), AttachError> {
        Ok(())
    }
    fn enter(&self, request: EntryRequest<'_, '_, ()>, values: &mut [u64; MAX_PARAMS]) -> bool {
        NativeCode::<()>::enter(self.now().as_ref().unwrap(), request, values)
    }
    fn on_larger_stack(&self, _: u32, _: &mut dyn FnMut()) -> bool {
        false
    }
}

/// Code of another program is mapped where code of the instance's program was.
#[test]
fn code_is_not_known_by_its_address() {
    let (small, large) = (verified(SMALL), verified(LARGE));
    let changing = Arc::new(Changing { own: compile(&small), now: Mutex::new(Some(compile(&small))) });
    let native: Arc<dyn NativeCode<()>> = changing.clone();
    let mut it = instance(&small);
    it.attach(native).unwrap();
    assert!(matches!(it.call_export("f", &[0]).unwrap(), Outcome::Returned(r) if r[..] == [0]));

    let address = changing.now().take().unwrap().address_range().start;
    let mut others = Vec::new();
    let reused = (0..1_000).any(|_| {
        let other = compile(&large);
        if other.address_range().start == address {
            *changing.now() = Some(other);
            return true;
        }
        others.push(other);
        false
    });
    // If the system never reuses the address, code at another address is refused.
    if !reused {
        *changing.now() = others.pop();
    }
    let entered = catch_unwind(AssertUnwindSafe(|| it.call_export("f", &[4088])));
    assert!(entered.is_err(), "code of another program ran, reused: {reused}");
}

/// A request always enters the instance that made it.
#[test]
fn exchanged_entry_requests_keep_their_instances() {
    let program = verified(SMALL);
    let code = Arc::new(compile(&program));
    let mut instances = [instance(&program), instance(&program)];
    for (it, byte) in instances.iter_mut().zip([11, 22]) {
        it.memory_mut()[0] = byte;
        let native: Arc<dyn NativeCode<()>> = code.clone();
        it.attach(native).unwrap();
    }
    let [one, other] = &mut instances;
    let mut values = [[0; MAX_PARAMS]; 2];
    let [of_one, of_other] = &mut values;
    one.call_native(&*code, FuncIndex(0), |first| {
        let mut first = Some(first);
        other
            .call_native(&*code, FuncIndex(0), |second| {
                let first = first.take().unwrap();
                NativeCode::<()>::enter(&*code, second, of_other);
                NativeCode::<()>::enter(&*code, first, of_one)
            })
            .unwrap();
        false
    })
    .unwrap();
    assert_eq!((of_one[0], of_other[0]), (11, 22));
}

/// Attaching tiers discards the recorded properties of the code that was attached before.
#[test]
fn tiers_after_code_enter_with_addresses_of_their_own() {
    let program =
        verified(".memory 16\n.export f\n.func f (1) -> 1\nl: LOOP R0, l\n LOAD R0, [R1 + 8]\n RET\n.end\n");
    let code = Arc::new(compile(&program));
    let module = load(&program, EngineKind::Auto);
    let mut it: Instance<'static, ()> =
        module.instantiate(Arc::new(Imports::new()), (), Options::default()).unwrap();
    it.memory_mut()[8] = 33;
    let f = code.function::<(u64,), u64>("f").unwrap();
    for _ in 0..3 {
        assert_eq!(f.call(&mut it, (10_000,)).unwrap(), 33);
    }
}
