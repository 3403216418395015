//! Entries into functions of Rust that take the place of machine code, so that Miri can watch the calls in both
//! directions. The compiler describes the program as usual; only its bytes are never executed.
//!
//! ```sh
//! MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-permissive-provenance" \
//!     cargo +nightly miri test -p vsp-native --lib
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::vec;
use std::vec::Vec;

use vsp_core::jit::Compiler;
use vsp_core::native::{Arch, CodeInfo, CompileOptions, ExitKind, Target};
use vsp_core::program::Program;
use vsp_core::{
    AttachError, CallError, Caller, CodeKey, HostResult, HostStop, Imports, Instance, NativeCode, Options,
    Outcome, Trap, text,
};

use super::*;
use crate::platform::{ExecutableMemory, LoadError};

const SOURCE: &str = "
.memory 64
.import host.ask (2) -> 2
.global total = 40
.export main
.func main (2) -> 2
    SYSCALL host.ask
    JZ      R0, trap
    RET
trap: TRAP  5
.end
";

/// The scripts of the machine code, which are its first parameter.
const ACCESS: u64 = 0;
const HOST: u64 = 1;
const TRAP: u64 = 2;
const PENDING: u64 = 3;

/// A platform on which nothing is installed.
#[derive(Debug)]
enum NoMachine {}

// SAFETY: no machine code runs, and functions of Rust take no native stack that counts.
unsafe impl Platform for NoMachine {
    type Memory = NoMemory;
    type Error = LoadError;
    const HOST_STACK: usize = 0;
    const LEAF_STACK: usize = 0;
    const MAX_NATIVE_STACK: u64 = 0;

    fn target() -> Result<Target, LoadError> {
        unreachable!("no code is loaded")
    }

    fn install(_: &[u8]) -> Result<NoMemory, LoadError> {
        unreachable!("no code is installed")
    }

    fn remaining_stack() -> Option<usize> {
        Some(usize::MAX)
    }
}

#[derive(Debug)]
struct NoMemory;

// SAFETY: it has no bytes.
unsafe impl ExecutableMemory for NoMemory {
    fn as_bytes(&self) -> &[u8] {
        &[]
    }
}

/// Code whose functions are functions of this file.
#[derive(Debug)]
struct Fake {
    machine: MachineCode<NoMachine>,
}

impl Fake {
    /// Creates the code. With more than [`DIRECT_PARAMS`] parameters the entry calls the function.
    fn new(program: &Verified<'_>, params: usize) -> Fake {
        let options = CompileOptions { fuel: false, interrupt: false, ..CompileOptions::default() };
        let code =
            Compiler::new(Target::new(Arch::host().unwrap()), options).unwrap().compile(program).unwrap();
        let info = code.into_info();
        let row = &info.table()[0];
        let found = Found {
            entry: (shaped as *const ()).expose_provenance(),
            address: (direct as *const ()).expose_provenance(),
            cells: row.frame_cells().into(),
            params,
            is_leaf: false,
        };
        let machine = MachineCode {
            key: CodeKey::new(),
            memory: NoMemory,
            address: 0,
            functions: vec![Some(found)],
            at_loop: None,
            counts_fuel: false,
            info,
        };
        Fake { machine }
    }

    fn site(&self, kind: ExitKind) -> u64 {
        self.machine.info.sites().iter().position(|site| site.kind == kind).unwrap() as u64
    }
}

impl<S> NativeCode<S> for Fake {
    fn code(&self) -> &CodeInfo {
        &self.machine.info
    }

    fn is_for(&self, _: &Verified<'_>) -> bool {
        true
    }

    fn reserve(&self, _: u32) -> Result<(), AttachError> {
        Ok(())
    }

    fn enter(&self, request: EntryRequest<'_, '_, S>, values: &mut [u64; MAX_PARAMS]) -> bool {
        self.machine.enter_checked(|_| true, request, values)
    }

    fn on_larger_stack(&self, _: u32, _: &mut dyn FnMut()) -> bool {
        false
    }
}

extern_machine! {
    /// A function that does not count fuel.
    fn direct(context: *mut Context, remaining: u64, script: u64, argument: u64, _c: u64, _d: u64) -> Returned {
        run(context, remaining, script, argument)
    }

    /// A function that its entry calls.
    fn shaped(context: *mut Context, remaining: u64, _function: u64) -> u64 {
        // SAFETY: the context is that of the entry.
        let [script, argument, ..] = unsafe { (*context).values };
        let Returned { status, first } = run(context, remaining, script, argument);
        // SAFETY: as above.
        unsafe { (*context).values[0] = first };
        status
    }
}

extern_machine_type! {
    type HostCall = fn(*mut Context, u64, u64, u64, u64) -> u64;
    type Copy = fn(u64, u64, u64) -> ();
}

/// Does what machine code does: reaches everything through the addresses in the context.
fn run(context: *mut Context, remaining: u64, script: u64, argument: u64) -> Returned {
    // SAFETY: the addresses in the context are those of an instance with 64 bytes of memory and one global, and of the
    // functions of `extern_machine`.
    unsafe {
        let memory = ptr::with_exposed_provenance_mut::<u8>((*context).memory as usize);
        let global = ptr::with_exposed_provenance_mut::<u64>((*context).globals as usize);
        let last_cell = ptr::with_exposed_provenance_mut::<u64>((*context).cells_end as usize).sub(1);
        let interrupt = ptr::with_exposed_provenance::<u8>((*context).interrupt as usize);
        assert_eq!((*context).memory_size, 64);
        assert_eq!(interrupt.read(), 0);
        assert!(remaining < (*context).cells);
        match script {
            ACCESS => {
                memory.cast::<u64>().write_unaligned(argument.to_le());
                *last_cell = argument;
                *global += *last_cell;
                let copy = ptr::with_exposed_provenance::<u8>((*context).copy as usize);
                let copy = core::mem::transmute::<*const u8, Copy>(copy);
                copy((*context).memory + 1, (*context).memory, 8);
                let fill = ptr::with_exposed_provenance::<u8>((*context).fill as usize);
                let fill = core::mem::transmute::<*const u8, Copy>(fill);
                fill((*context).memory + 16, 7, 4);
                (*context).values[1] = memory.add(16).cast::<u32>().read_unaligned().into();
                Returned { status: 0, first: *global }
            }
            TRAP => exit(context, argument),
            HOST | PENDING => {
                *memory = 1;
                let call = ptr::with_exposed_provenance::<u8>((*context).host_call as usize);
                let call = core::mem::transmute::<*const u8, HostCall>(call);
                let first = call(context, 0, argument, 3, 0);
                if (*context).status == HostStatus::Done as u64 {
                    *global += u64::from(*memory);
                    return Returned { status: 0, first };
                }
                exit(context, if script == PENDING { HOST_PENDING } else { HOST_ERROR })
            }
            _ => unreachable!("no such script"),
        }
    }
}

/// The sites of `host.ask`, which the tests compare with those of the compiler.
const HOST_PENDING: u64 = 0;
const HOST_ERROR: u64 = 1;

/// Exits at a site of the outermost frame.
fn exit(context: *mut Context, site: u64) -> Returned {
    // SAFETY: the context is that of the entry.
    unsafe {
        (*context).site = site;
        (*context).frame = 0;
    }
    Returned { status: 1, first: 0 }
}

fn ask(caller: &mut Caller<'_, Vec<u64>>, question: u64, other: u64) -> HostResult<(u64, u64)> {
    let memory = caller.memory();
    assert_eq!(memory[0], 1);
    memory[0] = 2;
    caller.state().push(question);
    match question {
        0 => Err(HostStop::Error(9)),
        1 => Err(HostStop::Pending),
        2 => panic!("from the host"),
        _ => Ok((question * 2, other)),
    }
}

#[test]
fn functions_in_the_place_of_machine_code_reach_all_data_and_the_host() {
    let bytes = text::assemble(SOURCE, "fake.sil").unwrap();
    let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
    let mut imports = Imports::new();
    imports.define("host", "ask", ask).unwrap();
    for params in [2, DIRECT_PARAMS + 1] {
        let fake = Fake::new(&program, params);
        assert_eq!(fake.site(ExitKind::HostError), HOST_ERROR);
        assert_eq!(fake.site(ExitKind::Pending(ImportIndex(0))), HOST_PENDING);
        let trap = fake.site(ExitKind::Trap(Trap::Explicit(5)));

        let mut instance = Instance::new(&program, &imports, Vec::new(), Options::default()).unwrap();
        instance.attach(&fake as &dyn NativeCode<Vec<u64>>).unwrap();
        // Twice, as the second entry finds a context that is filled in.
        for total in [42, 44] {
            let outcome = instance.call_export("main", &[ACCESS, 2]).unwrap();
            assert!(matches!(outcome, Outcome::Returned(results) if results[..] == [total, 0x0707_0707]));
        }
        assert_eq!(instance.memory()[..17], [2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);

        let outcome = instance.call_export("main", &[HOST, 21]).unwrap();
        assert!(matches!(outcome, Outcome::Returned(results) if results[..] == [42, 3]));
        assert_eq!(instance.global_named("total"), Some(46));

        let outcome = instance.call_export("main", &[HOST, 0]).unwrap();
        assert!(matches!(outcome, Outcome::Trapped(trapped) if trapped.trap == Trap::Host(9)));
        let outcome = instance.call_export("main", &[TRAP, trap]).unwrap();
        assert!(matches!(outcome, Outcome::Trapped(trapped) if trapped.trap == Trap::Explicit(5)));

        let outcome = instance.call_export("main", &[PENDING, 1]).unwrap();
        assert!(matches!(outcome, Outcome::Suspended(_)));
        assert!(matches!(instance.call_export("main", &[ACCESS, 0]), Err(CallError::Suspended)));
        instance.reset();

        let panicked = catch_unwind(AssertUnwindSafe(|| instance.call_export("main", &[HOST, 2])));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"from the host"));
        instance.reset();
        assert_eq!(*instance.state(), [21, 0, 1, 2]);
        let outcome = instance.call_export("main", &[ACCESS, 0]).unwrap();
        assert!(matches!(outcome, Outcome::Returned(results) if results[0] == 46));
    }
}
