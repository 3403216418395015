//! Failed allocations are errors: every allocation of the reader, the verifier, an instance, a snapshot, the analyses
//! and the loader of code objects fails once, and none of them aborts.
#![cfg(all(feature = "text", feature = "math"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use vsp_core::analysis::{Graph, Liveness, OutOfMemory, Signatures};
use vsp_core::index::FuncIndex;
use vsp_core::limits::{MAX_MEMORY, MAX_STACK_CELLS, MEMORY_GRANULE};
use vsp_core::program::Program;
use vsp_core::snapshot::{RestoreError, SaveError, Snapshot};
use vsp_core::verify::{Verified, VerifyErrors};
use vsp_core::{Caller, Imports, Instance, InstantiateError, Options, Outcome, text};

/// Makes this thread's allocations fail: all after a number of them, or all large ones.
struct Failing;

thread_local! {
    /// Number of allocations that succeed before all others fail.
    static EXITED: Cell<u64> = const { Cell::new(u64::MAX) };
    /// The largest allocation in bytes that succeeds.
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

// SAFETY: every call is forwarded to the system allocator, or returns null, which an allocator may always do.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let left = EXITED.get();
        if left == 0 || layout.size() > LARGEST.get() {
            return core::ptr::null_mut();
        }
        if left != u64::MAX {
            EXITED.set(left - 1);
        }
        // SAFETY: the caller upholds the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `System.alloc` with this layout.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// Runs a function with an increasing number of successful allocations, until it succeeds. Returns the number it needs.
fn fails_until_it_succeeds<T, E: std::fmt::Debug>(
    run: impl Fn() -> Result<T, E>,
    is_out_of_memory: impl Fn(&E) -> bool,
) -> u64 {
    for allocations in 0..10_000 {
        EXITED.set(allocations);
        let result = run();
        EXITED.set(u64::MAX);
        match result {
            Ok(_) => return allocations,
            Err(error) => assert!(is_out_of_memory(&error), "{allocations}: {error:?}"),
        }
    }
    panic!("it never succeeds");
}

const PROGRAM: &str = "
.memory 4096
.data @ 16 \"some data\"
.global total = 7
.import t.f (1) -> 1
.export busy
.func busy (1) -> 1
    .locals 100
    MOV   R8, R0
again:
    MOV   R0, R8
    CALL  work
    SYSCALL t.f
    YIELD R0
    SETL  R0, 99
    LOOP  R8, again
    RET
.end
.func work (1) -> 1
    SWITCH R0, 3
    JMP one
    JMP two
    JMP two
one:
    ADDI R0, R0, 1
two:
    RET
.end
";

fn program() -> Verified<'static> {
    let bytes: Arc<[u8]> = text::assemble(PROGRAM, "p.sil").unwrap().into();
    Verified::new(Program::read(bytes).unwrap()).unwrap()
}

fn imports() -> Imports<()> {
    let mut imports = Imports::new();
    imports.define("t", "f", |_: &mut Caller<'_, ()>, value: u64| value + 1).unwrap();
    imports
}

fn small() -> Options<'static> {
    Options { stack_cells: Some(512), fuel: Some(1_000), ..Options::default() }
}

#[test]
fn reading_allocates_nothing() {
    let bytes = text::assemble(PROGRAM, "p.sil").unwrap();
    EXITED.set(0);
    let read = Program::read(&bytes[..]).is_ok();
    let damaged = Program::read(&bytes[..bytes.len() - 1]).is_err();
    EXITED.set(u64::MAX);
    assert!(read && damaged);
}

#[test]
fn a_verifier_without_memory_says_so() {
    let bytes = text::assemble(PROGRAM, "p.sil").unwrap();
    let verify = || Verified::new(Program::read(&bytes[..]).unwrap());
    let needed = fails_until_it_succeeds(verify, |error| matches!(error, VerifyErrors::OutOfMemory));
    assert!(needed >= 2, "{needed}");
}

#[test]
fn an_instance_without_memory_says_so() {
    let program = program();
    let imports = imports();
    let instantiate = || Instance::new(&program, &imports, (), small());
    let needed = fails_until_it_succeeds(instantiate, |error| matches!(error, InstantiateError::OutOfMemory));
    assert!(needed >= 4, "{needed}");
}

/// An allowed size is requested from the allocator (which has not enough memory here), and the next larger one is
/// refused.
#[test]
fn the_largest_memory_and_stack_are_asked_for() {
    let (program, imports) = (program(), imports());
    let instance = |options| {
        LARGEST.set(1 << 24);
        let result = Instance::new(&program, &imports, (), options);
        LARGEST.set(usize::MAX);
        result.map(|_| ()).unwrap_err()
    };
    let memory = |bytes| instance(Options { memory: Some(bytes), ..small() });
    assert!(matches!(memory(MAX_MEMORY), InstantiateError::OutOfMemory));
    assert!(matches!(memory(MAX_MEMORY + MEMORY_GRANULE), InstantiateError::Memory { .. }));
    let stack = |cells| instance(Options { stack_cells: Some(cells), ..small() });
    assert!(matches!(stack(MAX_STACK_CELLS), InstantiateError::OutOfMemory));
    assert!(matches!(stack(MAX_STACK_CELLS + 1), InstantiateError::StackCells(_)));
}

#[test]
fn saving_and_restoring_without_memory_says_so() {
    let program = program();
    let imports = imports();
    let mut instance = Instance::new(&program, &imports, (), small()).unwrap();
    let outcome = instance.call_export("busy", &[5]).unwrap();
    assert!(matches!(outcome, Outcome::Suspended(_)), "{outcome:?}");
    let needed = fails_until_it_succeeds(|| instance.save(), |error| *error == SaveError::OutOfMemory);
    assert!(needed >= 4, "{needed}");

    let state = instance.save().unwrap();
    let restore = || {
        let state = Snapshot::read(&state).map_err(|_| None)?;
        Instance::restore(&program, &imports, (), small(), &state).map_err(Some)
    };
    let is_out_of_memory = |error: &Option<RestoreError>| {
        matches!(error, Some(RestoreError::Instantiate(InstantiateError::OutOfMemory)))
    };
    let needed = fails_until_it_succeeds(restore, is_out_of_memory);
    assert!(needed >= 4, "{needed}");
}

#[test]
fn an_analysis_without_memory_says_so() {
    let program = program();
    let analyse = || -> Result<(), OutOfMemory> {
        let signatures = Signatures::new(&program)?;
        for function in [FuncIndex(0), FuncIndex(1)] {
            let graph = Graph::new(&signatures, function)?;
            graph.reverse_postorder()?;
            (0..2).try_for_each(|group| Liveness::new(&graph, group).map(drop))?;
        }
        Ok(())
    };
    let needed = fails_until_it_succeeds(analyse, |OutOfMemory| true);
    assert!(needed >= 10, "{needed}");
}

#[cfg(feature = "jit")]
mod native {
    use super::*;
    use vsp_core::jit::{Arch, CompileOptions, Compiler, JitError, Target};
    use vsp_core::native::{Object, ObjectError};

    #[test]
    fn a_loader_of_code_without_memory_says_so() {
        let program = program();
        let target = Target::new(Arch::X86_64).with("avx2").unwrap();
        let mut compiler = Compiler::new(target, CompileOptions::default()).unwrap();
        let code = compiler.compile(&program).unwrap();
        fails_until_it_succeeds(|| code.to_object(), |OutOfMemory| true);
        let file = code.to_object().unwrap();
        let needed =
            fails_until_it_succeeds(|| Object::read(&file), |error| *error == ObjectError::OutOfMemory);
        assert!(needed >= 3, "{needed}");
    }

    /// Cranelift aborts when there is no memory, so only the allocations before it starts can be tested: tables for all
    /// functions of a large program.
    #[test]
    fn a_compiler_without_memory_for_its_tables_says_so() {
        let mut source = String::from(".func (0) -> 0\n RET\n.end\n");
        source = source.repeat(100_000);
        let bytes = text::assemble(&source, "p.sil").unwrap();
        let program = Verified::new(Program::read(&bytes[..]).unwrap()).unwrap();
        for (fuel, largest) in [(true, 700_000), (false, 90_000)] {
            let options = CompileOptions { fuel, interrupt: fuel, ..CompileOptions::default() };
            let mut compiler = Compiler::new(Target::new(Arch::X86_64), options).unwrap();
            LARGEST.set(largest);
            let refused = compiler.compile(&program).map(drop);
            LARGEST.set(usize::MAX);
            assert_eq!(refused, Err(JitError::OutOfMemory));
        }
    }
}
