//! One interface over the interpreter and the tiers of machine code.
//!
//! ```
//! use std::sync::Arc;
//! use vsp_core::{Imports, Options, Outcome, program::Program, text, verify::Verified};
//! use vsp_host::engine::{Engine, EngineKind};
//!
//! let bytes = text::assemble(".export f\n.func f (1) -> 1\n ADDI R0, R0, 1\n RET\n.end", "f.sil").unwrap();
//! let program = Arc::new(Verified::new(Program::read(&bytes[..])?)?);
//! let mut engine = Engine::new(EngineKind::Auto)?;
//! let module = engine.load(program)?;
//! let imports = Imports::new();
//! let mut instance = module.instantiate(&imports, (), Options::default())?;
//! let Outcome::Returned(results) = instance.call_export("f", &[41])? else { panic!("it returns") };
//! assert_eq!(results[..], [42]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
use crate::tiers::{Backend, ProgramTiers};
#[cfg(feature = "jit")]
pub use crate::tiers::{Threshold, TierOptions};
#[cfg(feature = "jit")]
use vsp_core::native::{Object, Target};

/// What runs programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum EngineKind {
    /// The interpreter first, and machine code of what the program does much, as soon as that is compiled
    /// ([`TierOptions`]). With a cache, machine code of tier 2 from the start. Where there is no machine code, the interpreter.
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
    /// All kinds that are not chosen from others.
    pub const ALL: [EngineKind; 3] = [EngineKind::Interpreter, EngineKind::Tier1, EngineKind::Tier2];

    /// The name: `auto`, `interp`, `tier1` or `tier2`.
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

/// Why an engine, a module or an instance cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// This build has the interpreter only.
    #[error("this build has no machine code: it was built without the feature `jit`")]
    NoJit,
    /// There is no machine code.
    #[cfg(feature = "jit")]
    #[error(transparent)]
    Native(#[from] NativeError),
    /// The instance cannot be made.
    #[error(transparent)]
    Instantiate(#[from] InstantiateError),
    /// The saved state does not fit.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The instance cannot use the machine code.
    #[cfg(feature = "jit")]
    #[error(transparent)]
    Attach(#[from] vsp_core::AttachError),
}

/// What loads programs. It keeps what can be used again from one program to the next.
#[derive(Debug)]
pub struct Engine {
    kind: EngineKind,
    #[cfg(feature = "jit")]
    jit: Option<VspJit>,
    #[cfg(feature = "jit")]
    tiers: Option<Arc<Backend>>,
    #[cfg(feature = "cache")]
    cache: Option<Arc<Cache>>,
}

impl Engine {
    /// An engine whose machine code counts fuel and can be interrupted.
    ///
    /// # Errors
    /// It is a tier of machine code, and there is none on this computer or in this build.
    pub fn new(kind: EngineKind) -> Result<Engine, EngineError> {
        #[cfg(feature = "jit")]
        {
            Engine::with_options(kind, CompileOptions::default())
        }
        #[cfg(not(feature = "jit"))]
        match kind {
            EngineKind::Auto | EngineKind::Interpreter => Ok(Engine { kind }),
            EngineKind::Tier1 | EngineKind::Tier2 => Err(EngineError::NoJit),
        }
    }

    /// An engine whose machine code is compiled with these options, but with the kind's own tier.
    ///
    /// # Errors
    /// As [`Self::new`].
    #[cfg(feature = "jit")]
    pub fn with_options(kind: EngineKind, options: CompileOptions) -> Result<Engine, EngineError> {
        match host_target() {
            Ok(target) => Engine::for_target(kind, target, options),
            Err(_) if kind.tier().is_none() || kind == EngineKind::Auto => Ok(Engine {
                kind,
                jit: None,
                tiers: None,
                #[cfg(feature = "cache")]
                cache: None,
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// An engine whose machine code uses only some features of this computer's processor.
    ///
    /// # Errors
    /// As [`VspJit::for_target`].
    #[cfg(feature = "jit")]
    pub fn for_target(
        kind: EngineKind,
        target: Target,
        options: CompileOptions,
    ) -> Result<Engine, EngineError> {
        let auto = kind == EngineKind::Auto;
        let tiers = auto.then(|| Arc::new(Backend::new(target.clone(), options, TierOptions::default())));
        let made = kind.tier().map(|tier| VspJit::for_target(target, CompileOptions { tier, ..options }));
        Ok(Engine {
            kind,
            jit: made.transpose()?,
            tiers,
            #[cfg(feature = "cache")]
            cache: None,
        })
    }

    /// In automatic mode, with other choices of when code is compiled, for programs that are loaded from now on.
    #[cfg(feature = "jit")]
    #[must_use]
    pub fn with_tiers(self, options: TierOptions) -> Engine {
        let jit = self.jit.as_ref().filter(|_| self.kind == EngineKind::Auto);
        let backend = jit.map(|jit| Backend::new(jit.target().clone(), jit.options(), options));
        Engine { tiers: backend.map(Arc::new), ..self }
    }

    /// With a cache, which other engines can use too.
    #[cfg(feature = "cache")]
    #[must_use]
    pub fn with_cache(self, cache: Arc<Cache>) -> Engine {
        Engine { cache: Some(cache), ..self }
    }

    /// Its kind.
    pub fn kind(&self) -> EngineKind {
        self.kind
    }

    /// Makes a program ready to be instantiated.
    ///
    /// # Errors
    /// It cannot be compiled. (In automatic mode the interpreter runs it then.)
    pub fn load<'p>(&mut self, program: impl Into<Ref<'p, Verified<'p>>>) -> Result<Module<'p>, EngineError> {
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
                tiers: Some(Arc::new(tiers)),
                must_run_compiled: false,
            });
        }
        #[cfg(feature = "jit")]
        let compiled = {
            #[cfg(feature = "cache")]
            let compiled = self.jit.as_mut().map(|jit| match &self.cache {
                Some(cache) => cache.compile(jit, program.clone()),
                None => jit.compile(program.clone()),
            });
            #[cfg(not(feature = "cache"))]
            let compiled = self.jit.as_mut().map(|jit| jit.compile(program.clone()));
            match compiled.transpose() {
                Err(_) if self.kind == EngineKind::Auto => None,
                compiled => compiled?.map(Arc::new),
            }
        };
        Ok(Module {
            program,
            #[cfg(feature = "jit")]
            compiled,
            #[cfg(feature = "jit")]
            tiers: None,
            #[cfg(feature = "jit")]
            must_run_compiled: self.kind != EngineKind::Auto,
        })
    }
}

/// A program that an engine has loaded.
#[derive(Clone, Debug)]
pub struct Module<'p> {
    program: Ref<'p, Verified<'p>>,
    #[cfg(feature = "jit")]
    compiled: Option<Arc<CompiledProgram<'p>>>,
    #[cfg(feature = "jit")]
    tiers: Option<Arc<ProgramTiers<'p>>>,
    #[cfg(feature = "jit")]
    must_run_compiled: bool,
}

impl<'p> Module<'p> {
    /// A program with machine code that was compiled before. Nothing is compiled.
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

    /// The program of machine code that is ready to run.
    #[cfg(feature = "jit")]
    pub fn from_compiled(compiled: CompiledProgram<'p>) -> Module<'p> {
        let program = compiled.shared_program();
        Module { program, compiled: Some(Arc::new(compiled)), tiers: None, must_run_compiled: true }
    }

    /// The program.
    pub fn program(&self) -> &Verified<'p> {
        &self.program
    }

    /// Its machine code, if all of it was compiled before it runs.
    #[cfg(feature = "jit")]
    pub fn compiled(&self) -> Option<&Arc<CompiledProgram<'p>>> {
        self.compiled.as_ref()
    }

    /// How many pieces of machine code were made while the program ran.
    #[cfg(feature = "jit")]
    pub fn pieces(&self) -> usize {
        self.tiers.as_ref().map_or(0, |tiers| tiers.pieces())
    }

    /// Makes an instance.
    ///
    /// # Errors
    /// As [`Instance::new`] and [`Instance::attach`]. (In automatic mode what cannot be attached is interpreted.)
    pub fn instantiate<S>(
        &self,
        imports: impl Into<Ref<'p, Imports<S>>>,
        state: S,
        options: Options<'p>,
    ) -> Result<Instance<'p, S>, EngineError> {
        self.attached(Instance::new(self.program.clone(), imports, state, options)?)
    }

    /// Makes an instance that goes on where another one was saved. See [`Instance::restore`].
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
        if let Some(tiers) = &self.tiers {
            let tiers: Arc<dyn vsp_core::Tiers<S> + 'p> = tiers.clone();
            // What cannot use machine code is interpreted.
            let _ = instance.attach_tiers(tiers);
        }
        Ok(instance)
    }

    #[cfg(not(feature = "jit"))]
    fn attached<S>(&self, instance: Instance<'p, S>) -> Result<Instance<'p, S>, EngineError> {
        Ok(instance)
    }
}
