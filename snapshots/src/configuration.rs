//! The configurations in which a case is run. All must give the same results.

use vsp_core::Ref;
use vsp_core::analysis::{Graph, Liveness, Signatures, Slot, Waiting};
use vsp_core::index::Location;
use vsp_core::jit::{Arch, Compiler, Target};
use vsp_core::native::ObjectError;
use vsp_core::snapshot::Snapshot;
use vsp_core::verify::Verified;
use vsp_core::{CallError, Instance, Outcome, Reason};
use vsp_host::engine::{Engine, EngineError, EngineKind, Module, Threshold, TierOptions};
use vsp_host::exec_memory::ExecMemory;
use vsp_host::native::{CompileOptions, CompiledProgram, NativeError, Tier, Trusted};

/// A configuration: an engine and its way of executing calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Configuration {
    /// The engine runs calls to their end.
    Run(EngineKind),
    /// The interpreter executes calls instruction by instruction.
    Step,
    /// As [`Self::Run`]; each suspended instance is saved, and replaced by one restored from the snapshot.
    Save(EngineKind),
    /// As [`Self::Run`]; in each suspended instance, all registers and locals that are not live are overwritten.
    Scramble(EngineKind),
    /// As [`Self::Run`], with machine code for the baseline processor of this architecture, executed in place in a code
    /// object.
    Object(Tier),
    /// As [`Self::Run`] with [`EngineKind::Auto`], whose machine code keeps whole frames, as debuggers need them.
    Frames,
    /// As [`Self::Run`], with machine code that neither counts fuel nor polls the interrupt flag.
    Plain(EngineKind),
}

impl Configuration {
    /// All configurations, with their names.
    pub const ALL: [(&'static str, Configuration); 18] = [
        ("interpreter", Configuration::Run(EngineKind::Interpreter)),
        ("step", Configuration::Step),
        ("save", Configuration::Save(EngineKind::Interpreter)),
        ("scramble", Configuration::Scramble(EngineKind::Interpreter)),
        ("tier1", Configuration::Run(EngineKind::Tier1)),
        ("tier1 save", Configuration::Save(EngineKind::Tier1)),
        ("tier1 scramble", Configuration::Scramble(EngineKind::Tier1)),
        ("tier1 plain", Configuration::Plain(EngineKind::Tier1)),
        ("tier2", Configuration::Run(EngineKind::Tier2)),
        ("tier2 save", Configuration::Save(EngineKind::Tier2)),
        ("tier2 scramble", Configuration::Scramble(EngineKind::Tier2)),
        ("tier2 plain", Configuration::Plain(EngineKind::Tier2)),
        ("tier2 object", Configuration::Object(Tier::Two)),
        ("auto", Configuration::Run(EngineKind::Auto)),
        ("auto save", Configuration::Save(EngineKind::Auto)),
        ("auto scramble", Configuration::Scramble(EngineKind::Auto)),
        ("auto plain", Configuration::Plain(EngineKind::Auto)),
        ("auto frames", Configuration::Frames),
    ];

    /// Options that tier up as early as possible and wait for the compiler, so that every run is the same. Tier 1 and
    /// tier 2 compile the loops of resumed calls as early.
    const EAGER: TierOptions = TierOptions {
        worker: false,
        slice: 23,
        tier1: Some(Threshold { instructions: 0, per_word: 0 }),
        tier2: Threshold { instructions: 100, per_word: 0 },
        short_slices: 0,
        ..TierOptions::WITH_WORKER
    };

    /// Returns whether a case with this text can run in this configuration and tests something there.
    pub fn is_for(self, text: &str) -> bool {
        match self {
            Configuration::Run(_)
            | Configuration::Step
            | Configuration::Object(_)
            | Configuration::Frames => true,
            Configuration::Save(_) | Configuration::Scramble(_) => text.contains(" suspends "),
            Configuration::Plain(_) => {
                !["fuel", "balance", "interrupt"].iter().any(|it| text.contains(&format!(";! {it} ")))
            }
        }
    }

    /// Returns whether the configuration differs from others only in suspended instances.
    pub fn needs_suspensions(self) -> bool {
        matches!(self, Configuration::Save(_) | Configuration::Scramble(_))
    }

    /// Returns whether instances can be metered and interrupted.
    pub fn interrupts(self) -> bool {
        !matches!(self, Configuration::Plain(_))
    }

    /// Creates the loader of the configuration. `check_ir` enables Cranelift's verifier, which takes as long as the
    /// rest of compilation.
    pub(crate) fn loader(self, check_ir: bool) -> Result<Loader, EngineError> {
        let checks = self.interrupts();
        let options =
            CompileOptions { fuel: checks, interrupt: checks, check_ir, ..CompileOptions::default() };
        let kind = match self {
            Configuration::Run(kind)
            | Configuration::Save(kind)
            | Configuration::Scramble(kind)
            | Configuration::Plain(kind) => kind,
            Configuration::Step => EngineKind::Interpreter,
            Configuration::Frames => EngineKind::Auto,
            Configuration::Object(tier) => {
                let arch = Arch::host().ok_or_else(|| NativeError::Host(std::env::consts::ARCH.into()))?;
                let compiler = Compiler::new(Target::new(arch), CompileOptions { tier, ..options });
                return Ok(Loader::Object(Box::new(compiler.map_err(NativeError::from)?)));
            }
        };
        let engine = Engine::with_options(kind, options)?;
        let keep_frames = self == Configuration::Frames;
        Ok(Loader::Engine(engine.with_tiers(TierOptions { keep_frames, ..Configuration::EAGER })))
    }

    pub(crate) fn call<S>(
        self,
        instance: &mut Instance<'_, S>,
        export: &str,
        args: &[u64],
    ) -> Result<Outcome, CallError> {
        if self != Configuration::Step {
            return instance.call_export(export, args);
        }
        let function = instance.program().export(export);
        let function = function.ok_or_else(|| CallError::NoExport(export.into()))?;
        let begun = instance.begin(function, args)?;
        step(instance, begun)
    }

    pub(crate) fn resume<S>(
        self,
        instance: &mut Instance<'_, S>,
        values: &[u64],
    ) -> Result<Outcome, CallError> {
        if self != Configuration::Step {
            return instance.resume(values);
        }
        let begun = instance.begin_resume(values)?;
        step(instance, begun)
    }
}

/// The loader of the programs of a configuration.
#[derive(Debug)]
pub(crate) enum Loader {
    Engine(Engine),
    /// Compiles each program to a code object and executes that in place.
    Object(Box<Compiler>),
}

impl Loader {
    pub(crate) fn load<'p>(
        &mut self,
        program: impl Into<Ref<'p, Verified<'p>>>,
    ) -> Result<Module<'p>, EngineError> {
        let program = program.into();
        match self {
            Loader::Engine(engine) => engine.load(program),
            Loader::Object(compiler) => {
                let code = compiler.compile(&program).map_err(NativeError::from)?;
                let file =
                    code.to_object().map_err(|_| NativeError::Load(ObjectError::OutOfMemory.into()))?;
                let memory = ExecMemory::new(&file).map_err(NativeError::from)?;
                // SAFETY: the object was made from this program just now.
                let memory = unsafe { Trusted::new(memory) };
                Ok(Module::from_compiled(CompiledProgram::in_place(memory, 0..file.len(), program)?))
            }
        }
    }
}

/// Maximum number of instructions that are executed one by one; some cases execute many millions. The rest is not
/// stepped.
const STEPS: u32 = 100_000;

fn step<S>(instance: &mut Instance<'_, S>, mut outcome: Option<Outcome>) -> Result<Outcome, CallError> {
    for _ in 0..STEPS {
        match outcome {
            None => outcome = instance.step()?,
            Some(outcome) => return Ok(outcome),
        }
    }
    outcome.map_or_else(|| instance.finish(), Ok)
}

/// Saves a suspended instance, and restores another one from the snapshot with `restore`.
///
/// # Errors
/// The snapshot cannot be restored, or the restored instance has a different snapshot.
pub(crate) fn save_and_restore<'a, S>(
    instance: &Instance<'a, S>,
    restore: impl FnOnce(&Snapshot<'_>) -> Result<Instance<'a, S>, String>,
) -> Result<Instance<'a, S>, String> {
    let bytes = instance.save().map_err(|error| error.to_string())?;
    let state = Snapshot::read(&bytes).map_err(|error| format!("snapshot: {error}"))?;
    let restored = restore(&state)?;
    if restored.suspended() != instance.suspended() || restored.fuel() != instance.fuel() {
        return Err("the restored instance is suspended differently".into());
    }
    match restored.save() {
        Ok(again) if again == bytes => Ok(restored),
        Ok(_) => Err("the restored instance is saved as other bytes".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// Overwrites the registers, locals and state registers of a suspended instance that are not live.
///
/// # Errors
/// Memory is exhausted, or the change altered the snapshot.
pub(crate) fn scramble<S>(instance: &mut Instance<'_, S>) -> Result<(), String> {
    let Some(suspension) = instance.suspended() else { return Ok(()) };
    let saved = instance.save().map_err(|error| error.to_string())?;
    let innermost = match suspension.reason {
        Reason::Fuel | Reason::Interrupted => Waiting::Safepoint,
        Reason::Yield(_) | Reason::Pending(_) => Waiting::Answer,
    };
    let locations: Vec<Location> = instance.call_stack().collect();
    let mut changes = Vec::new();
    let signatures = Signatures::new(instance.program()).map_err(|error| error.to_string())?;
    for (depth, location) in locations.into_iter().enumerate() {
        let graph = Graph::new(&signatures, location.function).map_err(|error| error.to_string())?;
        let waiting = if depth == 0 { innermost } else { Waiting::Answer };
        let locals = graph.function().locals;
        for group in 0..Slot::groups(locals) {
            let live = Liveness::new(&graph, group).map_err(|error| error.to_string())?;
            let live = live.suspended(location.word, waiting);
            let slots = (group * 64..Slot::count(locals).min(group * 64 + 64)).map(Slot::from_index);
            changes.extend(slots.filter(|slot| live & slot.bit() == 0).map(|slot| (depth, slot)));
        }
    }
    for (depth, slot) in changes {
        let Some(frame) = instance.frame_mut(depth) else { return Err("a frame is missing".into()) };
        let garbage = 0xBAD0_0000_0000_0001 | u64::from(slot.index()) << 16;
        match slot {
            Slot::Register(reg) => frame.registers[reg.index()] = garbage,
            Slot::Local(local) => frame.locals[usize::from(local)] = garbage,
            Slot::State(state) => {
                if let Some(halves) = frame.states.get_mut(state.index()) {
                    *halves = [garbage; 2];
                }
            }
        }
    }
    match instance.save() {
        Ok(again) if again == saved => Ok(()),
        Ok(_) => Err("the snapshot contains values that are not live".into()),
        Err(error) => Err(error.to_string()),
    }
}
