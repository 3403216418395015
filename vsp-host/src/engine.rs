//! One interface over the interpreter and the tiers of machine code.
//!
//! ```
//! use std::sync::Arc;
//! use vsp_core::{Imports, Options, Outcome, program::Program, text, verify::Verified};
//! use vsp_host::engine::{Engine, EngineKind};
//!
//! let bytes = text::assemble(".export f\n.func f (1) -> 1\n ADDI R0, R0, 1\n RET\n.end", "f.sil").unwrap();
//! let program = Arc::new(Verified::new(Program::read(&bytes[..])?)?);
//! let engine = Engine::new(EngineKind::Auto)?;
//! let module = engine.load(program)?;
//! let imports = Imports::new();
//! let mut instance = module.instantiate(&imports, (), Options::default())?;
//! let Outcome::Returned(results) = instance.call_export("f", &[41])? else { panic!("it returns") };
//! assert_eq!(results[..], [42]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "jit")]
mod compilers;

#[cfg(feature = "jit")]
use std::sync::Arc;

use vsp_core::snapshot::{RestoreError, Snapshot};
use vsp_core::verify::Verified;
use vsp_core::{Imports, Instance, InstantiateError, Options, Ref};

#[cfg(feature = "cache")]
use crate::cache::Cache;
#[cfg(feature = "jit")]
use crate::native::{CompileOptions, CompiledProgram, NativeError, Tier, Trusted, VspJit, host_target};
#[cfg(feature = "jit")]
use crate::tiers::{Backend, LoopCode, ProgramTiers};
#[cfg(feature = "jit")]
pub use crate::tiers::{Threshold, TierOptions};
#[cfg(feature = "jit")]
use compilers::Compilers;
#[cfg(feature = "jit")]
use vsp_core::native::{Object, Target};

/// The kind of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum EngineKind {
    /// Starts in the interpreter and runs hot code as machine code as soon as that is compiled ([`TierOptions`]). With
    /// a cache, machine code of tier 2 from the start. Without machine code, the interpreter.
    #[default]
    Auto,
    /// The interpreter.
    Interpreter,
    /// Machine code of tier 1, which compiles fast.
    Tier1,
    /// Machine code of tier 2, which runs fast.
    Tier2,
}

impl EngineKind {
    /// All kinds except [`EngineKind::Auto`].
    pub const ALL: [EngineKind; 3] = [EngineKind::Interpreter, EngineKind::Tier1, EngineKind::Tier2];

    /// Returns the name: `auto`, `interp`, `tier1` or `tier2`.
    pub const fn name(self) -> &'static str {
        match self {
            EngineKind::Auto => "auto",
            EngineKind::Interpreter => "interp",
            EngineKind::Tier1 => "tier1",
            EngineKind::Tier2 => "tier2",
        }
    }

    #[cfg(feature = "jit")]
    fn tier(self) -> Option<Tier> {
        match self {
            EngineKind::Interpreter => None,
            EngineKind::Tier1 => Some(Tier::One),
            EngineKind::Auto | EngineKind::Tier2 => Some(Tier::Two),
        }
    }
}

/// The error of creating an engine, a module or an instance.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// This build has the interpreter only.
    #[error("this build has no machine code: it was built without the feature `jit`")]
    NoJit,
    /// Machine code cannot be generated.
    #[cfg(feature = "jit")]
    #[error(transparent)]
    Native(#[from] NativeError),
    /// The instance cannot be created.
    #[error(transparent)]
    Instantiate(#[from] InstantiateError),
    /// The snapshot does not match the program or the options.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The instance cannot use the machine code.
    #[cfg(feature = "jit")]
    #[error(transparent)]
    Attach(#[from] vsp_core::AttachError),
}

/// A loader of programs.
///
/// A clone is cheap and shares everything with the original: compilers, the background thread, the cache. An engine can
/// be used by several threads at once, and each of them compiles in parallel with the others.
#[derive(Clone, Debug)]
pub struct Engine {
    kind: EngineKind,
    #[cfg(feature = "jit")]
    compilers: Option<Arc<Compilers>>,
    #[cfg(feature = "jit")]
    tiers: Option<Arc<Backend>>,
    #[cfg(feature = "jit")]
    tier_options: TierOptions,
    #[cfg(feature = "cache")]
    cache: Option<Arc<Cache>>,
}

impl Engine {
    /// Creates an engine whose machine code counts fuel and can be interrupted.
    ///
    /// # Errors
    /// `kind` is a tier of machine code, and this computer or this build has none.
    pub fn new(kind: EngineKind) -> Result<Engine, EngineError> {
        #[cfg(feature = "jit")]
        {
            Engine::with_options(kind, CompileOptions::default())
        }
        #[cfg(not(feature = "jit"))]
        match kind {
            EngineKind::Auto | EngineKind::Interpreter => Ok(Engine::interpreting(kind)),
            EngineKind::Tier1 | EngineKind::Tier2 => Err(EngineError::NoJit),
        }
    }

    /// Creates an engine whose machine code is compiled with `options`, but with the tier of `kind`.
    ///
    /// # Errors
    /// As [`Self::new`].
    #[cfg(feature = "jit")]
    pub fn with_options(kind: EngineKind, options: CompileOptions) -> Result<Engine, EngineError> {
        match host_target() {
            Ok(target) => Engine::for_target(kind, target, options),
            Err(_) if kind.tier().is_none() || kind == EngineKind::Auto => Ok(Engine::interpreting(kind)),
            Err(error) => Err(error.into()),
        }
    }

    /// Creates an engine whose machine code uses only the processor features of `target`.
    ///
    /// # Errors
    /// The target is not this computer's, or asks for features that it does not have.
    #[cfg(feature = "jit")]
    pub fn for_target(
        kind: EngineKind,
        target: Target,
        options: CompileOptions,
    ) -> Result<Engine, EngineError> {
        let auto = kind == EngineKind::Auto;
        let tier_options = if auto { TierOptions::default() } else { TierOptions::WITHOUT_WORKER };
        let tiers = auto.then(|| Arc::new(Backend::new(target.clone(), options, tier_options)));
        let compilers = kind.tier().map(|tier| Compilers::new(target, CompileOptions { tier, ..options }));
        let compilers = compilers.transpose()?.map(Arc::new);
        Ok(Engine { compilers, tiers, tier_options, ..Engine::interpreting(kind) })
    }

    /// Returns an engine without machine code.
    fn interpreting(kind: EngineKind) -> Engine {
        Engine {
            kind,
            #[cfg(feature = "jit")]
            compilers: None,
            #[cfg(feature = "jit")]
            tiers: None,
            #[cfg(feature = "jit")]
            tier_options: TierOptions::default(),
            #[cfg(feature = "cache")]
            cache: None,
        }
    }

    /// Returns the engine with other tiering options, which apply to programs loaded from now on. To
    /// [`EngineKind::Tier1`] and [`EngineKind::Tier2`] only `tier2`, `max_words` and `max_times` matter, for the loops
    /// of resumed calls; to the interpreter, none.
    #[cfg(feature = "jit")]
    #[must_use]
    pub fn with_tiers(self, options: TierOptions) -> Engine {
        let compilers = self.compilers.as_ref().filter(|_| self.kind == EngineKind::Auto);
        let backend = compilers.map(|it| Backend::new(it.target().clone(), it.options(), options));
        Engine { tiers: backend.map(Arc::new), tier_options: options, ..self }
    }

    /// Returns the engine with a cache, which other engines can share.
    #[cfg(feature = "cache")]
    #[must_use]
    pub fn with_cache(self, cache: Arc<Cache>) -> Engine {
        Engine { cache: Some(cache), ..self }
    }

    /// Returns the kind of the engine.
    pub fn kind(&self) -> EngineKind {
        self.kind
    }

    /// Loads a program, so that it can be instantiated.
    ///
    /// # Errors
    /// The program cannot be compiled. ([`EngineKind::Auto`] interprets it instead.)
    pub fn load<'p>(&self, program: impl Into<Ref<'p, Verified<'p>>>) -> Result<Module<'p>, EngineError> {
        let program = program.into();
        #[cfg(feature = "cache")]
        let is_cached = self.cache.is_some();
        #[cfg(all(feature = "jit", not(feature = "cache")))]
        let is_cached = false;
        #[cfg(feature = "jit")]
        if let Some(backend) = self.tiers.as_ref().filter(|_| !is_cached) {
            let tiers = ProgramTiers::new(program.clone(), backend.clone());
            return Ok(Module {
                program,
                compiled: None,
                loops: None,
                tiers: Some(Arc::new(tiers)),
                must_run_compiled: false,
            });
        }
        #[cfg(feature = "jit")]
        let compiled = {
            let compiled =
                self.compilers.as_ref().map(|it| it.with(|jit| self.compile(jit, program.clone())));
            match compiled.transpose() {
                Err(_) if self.kind == EngineKind::Auto => None,
                compiled => compiled?.map(Arc::new),
            }
        };
        #[cfg(feature = "jit")]
        let loops = compiled
            .as_ref()
            .map(|it| Arc::new(LoopCode::new(program.clone(), it.code(), self.tier_options)));
        Ok(Module {
            program,
            #[cfg(feature = "jit")]
            compiled,
            #[cfg(feature = "jit")]
            loops,
            #[cfg(feature = "jit")]
            tiers: None,
            #[cfg(feature = "jit")]
            must_run_compiled: self.kind != EngineKind::Auto,
        })
    }

    #[cfg(feature = "jit")]
    fn compile<'p>(
        &self,
        jit: &mut VspJit,
        program: Ref<'p, Verified<'p>>,
    ) -> Result<CompiledProgram<'p>, NativeError> {
        #[cfg(feature = "cache")]
        if let Some(cache) = &self.cache {
            return cache.compile(jit, program);
        }
        jit.compile(program)
    }
}

/// A program that an engine has loaded.
///
/// A clone is cheap and shares the program and its machine code. Several threads can instantiate a module at once.
#[derive(Clone, Debug)]
pub struct Module<'p> {
    program: Ref<'p, Verified<'p>>,
    #[cfg(feature = "jit")]
    compiled: Option<Arc<CompiledProgram<'p>>>,
    /// The loops, in which a suspended call goes on.
    #[cfg(feature = "jit")]
    loops: Option<Arc<LoopCode<'p>>>,
    #[cfg(feature = "jit")]
    tiers: Option<Arc<ProgramTiers<'p>>>,
    #[cfg(feature = "jit")]
    must_run_compiled: bool,
}

impl<'p> Module<'p> {
    /// Creates a module from machine code that was compiled before.
    ///
    /// # Errors
    /// As [`CompiledProgram::load`].
    #[cfg(feature = "jit")]
    pub fn from_object(
        object: Trusted<Object<'_>>,
        program: impl Into<Ref<'p, Verified<'p>>>,
    ) -> Result<Module<'p>, EngineError> {
        let program = program.into();
        Ok(Module::from_compiled(CompiledProgram::load(object, program)?))
    }

    /// Creates a module from a compiled program.
    #[cfg(feature = "jit")]
    pub fn from_compiled(compiled: CompiledProgram<'p>) -> Module<'p> {
        let program = compiled.shared_program();
        let loops = LoopCode::new(program.clone(), compiled.code(), TierOptions::WITHOUT_WORKER);
        Module {
            program,
            compiled: Some(Arc::new(compiled)),
            loops: Some(Arc::new(loops)),
            tiers: None,
            must_run_compiled: true,
        }
    }

    /// Returns the program.
    pub fn program(&self) -> &Verified<'p> {
        &self.program
    }

    /// Returns the program as it was given to [`Engine::load`], to be loaded or instantiated elsewhere: another share
    /// of an `Arc`, or the same borrow.
    pub fn shared_program(&self) -> Ref<'p, Verified<'p>> {
        self.program.clone()
    }

    /// Returns the machine code, if all of it was compiled when the program was loaded.
    #[cfg(feature = "jit")]
    pub fn compiled(&self) -> Option<&Arc<CompiledProgram<'p>>> {
        self.compiled.as_ref()
    }

    /// Returns the number of regions that were compiled while the program ran.
    #[cfg(feature = "jit")]
    pub fn compiled_regions(&self) -> usize {
        self.tiers.as_ref().map_or(0, |tiers| tiers.compiled_regions())
    }

    /// Returns the number of loops that were compiled because a suspended call went on in them.
    #[cfg(feature = "jit")]
    pub fn compiled_loops(&self) -> usize {
        self.loops.as_ref().map_or(0, |loops| loops.count())
    }

    /// Creates an instance.
    ///
    /// # Errors
    /// As [`Instance::new`] and [`Instance::attach`]. ([`EngineKind::Auto`] interprets a program if its code cannot be
    /// attached.)
    pub fn instantiate<S>(
        &self,
        imports: impl Into<Ref<'p, Imports<S>>>,
        state: S,
        options: Options<'p>,
    ) -> Result<Instance<'p, S>, EngineError> {
        self.attached(Instance::new(self.program.clone(), imports, state, options)?)
    }

    /// Restores an instance from a snapshot. See [`Instance::restore`].
    ///
    /// # Errors
    /// As [`Instance::restore`] and [`Instance::attach`].
    pub fn restore<S>(
        &self,
        imports: impl Into<Ref<'p, Imports<S>>>,
        state: S,
        options: Options<'p>,
        saved: &Snapshot<'_>,
    ) -> Result<Instance<'p, S>, EngineError> {
        self.attached(Instance::restore(self.program.clone(), imports, state, options, saved)?)
    }

    #[cfg(feature = "jit")]
    fn attached<S>(&self, mut instance: Instance<'p, S>) -> Result<Instance<'p, S>, EngineError> {
        if let Some(compiled) = &self.compiled {
            let native: Arc<dyn vsp_core::NativeCode<S> + 'p> = compiled.clone();
            match instance.attach(native) {
                Err(_) if !self.must_run_compiled => {}
                attached => attached?,
            }
        }
        if let Some(loops) = self.loops.as_ref().filter(|_| instance.native_code().is_some()) {
            let loops: Arc<dyn vsp_core::Tiers<S> + 'p> = loops.clone();
            instance.attach_loops(loops)?;
        }
        if let Some(tiers) = &self.tiers {
            let tiers: Arc<dyn vsp_core::Tiers<S> + 'p> = tiers.clone();
            // An instance that cannot use the machine code is interpreted.
            let _ = instance.attach_tiers(tiers);
        }
        Ok(instance)
    }

    #[cfg(not(feature = "jit"))]
    fn attached<S>(&self, instance: Instance<'p, S>) -> Result<Instance<'p, S>, EngineError> {
        Ok(instance)
    }
}
