//! Machine code on a board: the platform for `vsp-native`, the engines that compile here, and what is measured.

use alloc::sync::Arc;
use core::fmt::Debug;
use core::marker::PhantomData;

use vsp_core::jit::{CompileOptions, Compiler, JitError};
use vsp_core::native::{Arch, Target, Tier};
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, Options, Outcome, text};
use vsp_native::{CompiledProgram, ExecutableMemory, LoadError, Platform};

use crate::board::{Board, stack_used};
use crate::check::{Engine, Failure, Interpreter};
use crate::heap::Heap;
use crate::host::{self, Host};
use crate::measure::{self, measured};
use crate::pages::{CodeMemory, Pages};
use crate::report::{Report, print};

/// A board on which machine code runs.
pub trait Machine: Board + CodeMemory + Debug {}

impl<B: Board + CodeMemory + Debug> Machine for B {}

/// The platform of a board, for `vsp-native`.
#[derive(Debug)]
pub struct OnBoard<B>(PhantomData<B>);

/// The error of loading machine code here.
#[derive(Debug)]
pub enum MachineError {
    /// It cannot be used, or there is no memory for it.
    Load(LoadError),
    /// It was not compiled.
    Compile(JitError),
    /// There is no machine code for this architecture.
    Architecture,
}

impl From<LoadError> for MachineError {
    fn from(error: LoadError) -> Self {
        MachineError::Load(error)
    }
}

impl From<JitError> for MachineError {
    fn from(error: JitError) -> Self {
        MachineError::Compile(error)
    }
}

// SAFETY: pages are read-only while they are executable.
unsafe impl<B: Machine> ExecutableMemory for Pages<B> {
    fn as_bytes(&self) -> &[u8] {
        self.bytes()
    }
}

// SAFETY: `Pages` copies the code to pages of its own, and maintains the caches. The stack ends where the board says.
unsafe impl<B: Machine> Platform for OnBoard<B> {
    type Memory = Pages<B>;
    type Error = MachineError;
    // The functions of `host` and `native_stack` below take less: see the figures `native-stack-…`.
    const HOST_STACK: usize = 16 << 10;
    const LEAF_STACK: usize = 1 << 10;
    const MAX_NATIVE_STACK: u64 = 4 << 20;

    fn target() -> Result<Target, MachineError> {
        // The least processor of the architecture: a board that knows more of its own declares it here.
        let arch = Arch::host().ok_or(MachineError::Architecture)?;
        Ok(Target::new(arch))
    }

    fn install(code: &[u8]) -> Result<Pages<B>, MachineError> {
        Ok(Pages::of(code).ok_or(LoadError::NoMemory { size: code.len() })?)
    }

    fn remaining_stack() -> Option<usize> {
        let stack = B::stack();
        Some(stack.len().saturating_sub(stack_used::<B>()))
    }
}

/// An engine that compiles each program as a whole, on the board.
#[derive(Debug)]
pub struct Compiled<B> {
    compiler: Compiler,
    board: PhantomData<B>,
}

impl<B: Machine> Compiled<B> {
    /// Creates the engine.
    ///
    /// # Errors
    /// There is no code generator for this processor.
    pub fn new(tier: Tier) -> Result<Self, MachineError> {
        let options = CompileOptions { tier, ..CompileOptions::default() };
        let compiler = Compiler::new(OnBoard::<B>::target()?, options)?;
        Ok(Compiled { compiler, board: PhantomData })
    }
}

impl<B: Machine> Engine for Compiled<B> {
    type Loaded<'p> = Arc<CompiledProgram<'p, OnBoard<B>>>;

    fn name(&self) -> &'static str {
        match self.compiler.options().tier {
            Tier::One => "tier-1",
            Tier::Two => "tier-2",
        }
    }

    fn load<'p>(&mut self, program: &'p Verified<'p>) -> Result<Self::Loaded<'p>, Failure> {
        match CompiledProgram::compile(&mut self.compiler, program) {
            Ok(compiled) => Ok(Arc::new(compiled)),
            Err(_) => Err(Failure::of("the program is not compiled")),
        }
    }

    fn attach<'p>(loaded: &Self::Loaded<'p>, instance: &mut Instance<'p, Host>) -> Result<(), Failure> {
        let code: Arc<dyn vsp_core::NativeCode<Host> + 'p> = loaded.clone();
        instance.attach(code).map_err(|_| Failure::of("the instance cannot use the code"))
    }
}

/// The text of the program that is measured, which the board assembles.
const KERNELS: &str = include_str!("../../programs/kernels.sil");

/// The program that shows how much native stack machine code and what it calls need.
const NATIVE_STACK: &str = include_str!("../../programs/native_stack.sil");

/// The arguments of its functions: 0.5 and 1e10, so that the argument of a sine has to be reduced.
const ARGUMENTS: [u64; 2] = [0.5_f64.to_bits(), 1e10_f64.to_bits()];

/// Carries out everything that a board with a compiler is checked for. `kernels` are the bytes that the computer
/// assembled, and `table` the checks.
pub fn run<B: Machine>(heap: &Heap, kernels: &'static [u8], table: &'static [u8]) -> ! {
    let mut report = Report::<B>::new();
    report.figure(&["table"], (table.len() + kernels.len()) as u64);
    if let Err(failure) = engines(&mut report, heap, kernels, table) {
        report.check("board", "engines", || Err(failure));
    }
    report.end()
}

fn engines<B: Machine>(
    report: &mut Report<B>,
    heap: &Heap,
    kernels: &'static [u8],
    table: &'static [u8],
) -> Result<(), Failure> {
    let imports = host::imports().map_err(|_| Failure::of("imports"))?;
    let bytes = measured(report, heap, &["assemble"], || text::assemble(KERNELS, "kernels.sil"));
    let bytes = bytes.map_err(|_| Failure::of("the text is refused"))?;
    report.check("measure", "assembled as on the computer that built this", || {
        if bytes == kernels { Ok(()) } else { Err(Failure::of("other bytes")) }
    });
    let program = measure::read(report, heap, &bytes)?;
    measure::kernels(report, heap, &program, &mut Interpreter, &imports);
    report.table(table, &mut Interpreter, &imports, heap);
    for tier in Tier::ALL {
        let name = match tier {
            Tier::One => "tier-1",
            Tier::Two => "tier-2",
        };
        let engine = measured(report, heap, &["compiler", name], || Compiled::<B>::new(tier));
        let mut engine = engine.map_err(|_| Failure::of("there is no code generator"))?;
        measure::kernels(report, heap, &program, &mut engine, &imports);
        let loaded = engine.load(&program)?;
        report.figure(&["code-", name], loaded.code().length() as u64);
        report.figure(&["bytes-per-cell-", name], loaded.code().bytes_per_cell().into());
        if let (Some(code), Some(data)) =
            (B::can_write(loaded.address_range().start), B::can_write(bytes.as_ptr().addr()))
        {
            report.check(name, "machine code cannot be written, and data can", || match (code, data) {
                (false, true) => Ok(()),
                _ => Err(Failure::of("rights")),
            });
        }
        drop(loaded);
        native_stack(report, heap, &mut engine, &imports)?;
        report.table(table, &mut engine, &imports, heap);
    }
    Ok(())
}

/// Writes how much native stack a call of machine code takes, with the functions that it calls.
fn native_stack<B: Machine>(
    report: &mut Report<B>,
    heap: &Heap,
    engine: &mut Compiled<B>,
    imports: &Imports<Host>,
) -> Result<(), Failure> {
    let bytes = text::assemble(NATIVE_STACK, "native_stack.sil");
    let bytes = bytes.map_err(|_| Failure::of("the text is refused"))?;
    let program = Program::read(&bytes[..]).map_err(|_| Failure::of("the program is not read"))?;
    let program = Verified::new(program).map_err(|_| Failure::of("the program is refused"))?;
    let loaded = engine.load(&program)?;
    for function in ["nothing", "host", "memory", "math"] {
        let options = Options { stack_cells: Some(1024), fuel: Some(1 << 20), ..Options::default() };
        let made = Instance::new(&program, imports, Host::default(), options);
        let mut instance = made.map_err(|_| Failure::of("the instance is not made"))?;
        Compiled::<B>::attach(&loaded, &mut instance)?;
        let name = ["native-stack", function];
        let outcome = measured(report, heap, &name, || instance.call_export(function, &ARGUMENTS));
        let returned = matches!(outcome, Ok(Outcome::Returned(_)));
        report.check(engine.name(), function, || {
            if returned { Ok(()) } else { Err(Failure::of("it did not return")) }
        });
    }
    Ok(())
}

/// Writes a panic to the console, and ends the emulator.
pub fn panicked<B: Board>(info: &core::panic::PanicInfo<'_>) -> ! {
    struct Console<B>(PhantomData<B>);
    impl<B: Board> core::fmt::Write for Console<B> {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            B::write(text.as_bytes());
            Ok(())
        }
    }
    print::<B>(&["Bail out! "]);
    let _ = core::fmt::Write::write_fmt(&mut Console::<B>(PhantomData), format_args!("{info}\n"));
    B::exit(false)
}
