//! Host functions: the functions outside a program that it can call.

mod caller;
mod function;
mod guest;
#[cfg(feature = "record")]
pub(crate) mod log;
#[cfg(feature = "record")]
mod logged;

pub use caller::{Caller, GuestMemory};
pub use function::{HostFn, HostParameter, HostReturn, RustType, Value};
pub use guest::{GuestMemoryError, GuestSlice, GuestStr};

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::array;
use core::cell::Cell;

use crate::index::ImportIndex;
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::outcome::{ImportError, InstantiateError};
use crate::program::{FuncType, Program, RawImport};
use crate::shared::Ref;

/// The error of a host function: any type that implements `Error`, or a text.
pub type HostError = Box<dyn core::error::Error + Send + Sync>;

/// The result of a host function, which returns with `T` or stops with [`HostStop`].
pub type HostResult<T = ()> = Result<T, HostStop>;

/// The reason why a host function has no results.
///
/// `?` converts any error to a `HostStop`, and `"…".into()` converts a text:
///
/// ```
/// use vsp_core::{Caller, HostResult, Imports};
///
/// let mut imports = Imports::<()>::new();
/// imports.define("text", "parse", |caller: &mut Caller<'_, ()>, address: u64, length: u64| -> HostResult<u64> {
///     let bytes = caller.bytes(address, length).ok_or("the text is not inside the memory")?;
///     Ok(core::str::from_utf8(bytes)?.parse::<u64>()?)
/// })?;
/// # Ok::<(), vsp_core::ImportError>(())
/// ```
#[derive(Debug)]
pub enum HostStop {
    /// The function failed: the program traps with `Trap::Host` and this code.
    Error(u32),
    /// The function failed: the program traps with `Trap::Host` and the code, and the caller of the instance gets the
    /// error from [`Instance::host_error`](crate::Instance::host_error).
    Failed {
        /// The code; 0 if the stop was converted from an error.
        code: u32,
        /// The error.
        error: HostError,
    },
    /// The results are not available yet: the program is suspended until the host resumes it with them.
    Pending,
}

impl HostStop {
    /// Returns a stop with an error and a code, with which the program traps.
    pub fn failed(code: u32, error: impl Into<HostError>) -> HostStop {
        HostStop::Failed { code, error: error.into() }
    }
}

impl<E: Into<HostError>> From<E> for HostStop {
    fn from(error: E) -> HostStop {
        HostStop::failed(0, error)
    }
}

/// The reason why a host function has no results, as engines handle it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stopped {
    /// The function failed with this code.
    Error(u32),
    /// The results are not available yet.
    Pending,
}

/// The end of a call of a host function, as two machine words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostEnd {
    /// The function returned. This is its first result, if it has one.
    Results(u64),
    /// The function failed with this code.
    Error(u64),
    /// The results are not available yet.
    Pending,
}

/// The data of an instance that its host functions use.
#[derive(Debug)]
pub(crate) struct HostOwn<S> {
    pub(crate) state: S,
    pub(crate) metered: bool,
    /// The error of the host function that failed last.
    pub(crate) error: Option<HostError>,
    /// The arguments of the host call that is pending.
    pub(crate) pending: [u64; MAX_PARAMS],
    /// The log that is written.
    #[cfg(feature = "record")]
    pub(crate) recorder: Option<Box<log::Recorder>>,
    /// The part of the balance that is reserved while the instance runs with slices of its fuel, and after a panic of a
    /// host function.
    #[cfg(feature = "native")]
    pub(crate) reserved: i64,
}

impl<S> HostOwn<S> {
    fn new(state: S, metered: bool) -> HostOwn<S> {
        HostOwn {
            state,
            metered,
            error: None,
            pending: [0; MAX_PARAMS],
            #[cfg(feature = "record")]
            recorder: None,
            #[cfg(feature = "native")]
            reserved: 0,
        }
    }
}

/// The host functions of an instance and their data, apart from memory and fuel.
#[derive(Debug)]
pub struct HostCalls<'a, S> {
    imports: Ref<'a, Imports<S>>,
    /// The number of the host function for each import of the program.
    resolved: Vec<u32>,
    pub(crate) own: HostOwn<S>,
    /// What there is while calls are recorded or replayed.
    #[cfg(feature = "record")]
    logging: Option<Box<logged::Logging<'a, S>>>,
}

/// Host functions, independent of the type of the host's state.
#[cfg(threaded)]
pub(crate) trait CallHost {
    /// As [`HostCalls::call_with`].
    fn call_with(
        &mut self,
        import: ImportIndex,
        memory: &mut [u8],
        balance: &mut i64,
        registers: &[Cell<u64>; 16],
    ) -> Result<(), Stopped>;
}

#[cfg(threaded)]
impl<S> CallHost for HostCalls<'_, S> {
    fn call_with(
        &mut self,
        import: ImportIndex,
        memory: &mut [u8],
        balance: &mut i64,
        registers: &[Cell<u64>; 16],
    ) -> Result<(), Stopped> {
        HostCalls::call_with(self, import, memory, balance, registers)
    }
}

impl<'a, S> HostCalls<'a, S> {
    /// Resolves the imports of a program.
    pub(crate) fn new(
        program: &Program<'_>,
        imports: Ref<'a, Imports<S>>,
        state: S,
        metered: bool,
    ) -> Result<HostCalls<'a, S>, InstantiateError> {
        let mut resolved = Vec::new();
        resolved.try_reserve_exact(program.import_count()).map_err(|_| InstantiateError::OutOfMemory)?;
        imports.resolve(program, &mut resolved)?;
        Ok(Self::of(imports, resolved, HostOwn::new(state, metered)))
    }

    /// Returns host functions that are neither recorded nor replayed.
    fn of(imports: Ref<'a, Imports<S>>, resolved: Vec<u32>, own: HostOwn<S>) -> HostCalls<'a, S> {
        HostCalls {
            imports,
            resolved,
            own,
            #[cfg(feature = "record")]
            logging: None,
        }
    }

    /// Returns the same host functions with another state of the host, for an instance that goes on from the same place.
    /// A log is neither written nor replayed.
    pub(crate) fn fork(&self, state: S) -> Result<HostCalls<'a, S>, InstantiateError> {
        #[cfg(feature = "record")]
        let numbers = self.true_numbers();
        #[cfg(not(feature = "record"))]
        let numbers = &self.resolved;
        let mut resolved = Vec::new();
        resolved.try_reserve_exact(numbers.len()).map_err(|_| InstantiateError::OutOfMemory)?;
        resolved.extend_from_slice(numbers);
        let mut own = HostOwn::new(state, self.own.metered);
        own.pending = self.own.pending;
        #[cfg(feature = "native")]
        {
            own.reserved = self.own.reserved;
        }
        Ok(Self::of(self.imports.clone(), resolved, own))
    }

    /// Returns the type of an import.
    pub(crate) fn ty(&self, import: ImportIndex) -> FuncType {
        #[cfg(feature = "record")]
        return match self.imports.definitions.get(self.resolved[import.index()] as usize) {
            Some(definition) => definition.ty,
            None => self.logged_ty(import),
        };
        #[cfg(not(feature = "record"))]
        self.imports.ty(self.resolved[import.index()])
    }

    /// Calls the host function of an import. The first three arguments are passed one by one, so that they can stay in
    /// machine registers, and the others in `values` at their own index. The first result is returned, and the others
    /// are stored in `values` at their own index. Values after the arguments or results are undefined.
    #[inline]
    pub fn call(
        &mut self,
        import: ImportIndex,
        memory: &mut [u8],
        balance: &mut i64,
        [a, b, c]: [u64; 3],
        values: &mut [u64; MAX_PARAMS],
    ) -> HostEnd {
        let resolved = self.resolved[import.index()];
        #[cfg(feature = "record")]
        let Some(definition) = self.imports.definitions.get(resolved as usize) else {
            return self.call_logged(import, memory, balance, [a, b, c], values);
        };
        #[cfg(not(feature = "record"))]
        let definition = &self.imports.definitions[resolved as usize];
        let mut caller = Caller { own: &mut self.own, memory, balance };
        (definition.call)(&mut caller, a, b, c, values)
    }

    /// Calls the host function of an import with the first registers, and stores its results there.
    #[inline]
    pub(crate) fn call_with(
        &mut self,
        import: ImportIndex,
        memory: &mut [u8],
        balance: &mut i64,
        registers: &[Cell<u64>; 16],
    ) -> Result<(), Stopped> {
        let ty = self.ty(import);
        let mut values = [0; MAX_PARAMS];
        if ty.params() > 3 {
            values = array::from_fn(|index| registers[index].get());
        }
        let [a, b, c, ..] = registers;
        match self.call(import, memory, balance, [a.get(), b.get(), c.get()], &mut values) {
            HostEnd::Results(first) => {
                if ty.results() > 0 {
                    a.set(first);
                }
                if ty.results() > 1 {
                    for index in 1..ty.results() {
                        registers[index].set(values[index]);
                    }
                }
                Ok(())
            }
            HostEnd::Error(code) => Err(Stopped::Error(code as u32)),
            HostEnd::Pending => Err(Stopped::Pending),
        }
    }
}

/// A host function with the calling convention of [`HostCalls::call`].
type Call<S> = dyn Fn(&mut Caller<'_, S>, u64, u64, u64, &mut [u64; MAX_PARAMS]) -> HostEnd + Send + Sync;

struct Definition<S> {
    module: String,
    name: String,
    ty: FuncType,
    call: Box<Call<S>>,
}

/// The host functions that instances can import, over host state of type `S`.
///
/// ```
/// use vsp_core::{Caller, HostStop, Imports};
///
/// let mut imports = Imports::<Vec<u64>>::new();
/// imports.define("log", "put", |caller: &mut Caller<'_, Vec<u64>>, value: u64| {
///     caller.state().push(value);
/// })?;
/// imports.define("math", "root", |_: &mut Caller<'_, Vec<u64>>, x: f64| -> Result<f64, HostStop> {
///     if x < 0.0 { Err(HostStop::Error(1)) } else { Ok(x.sqrt()) }
/// })?;
/// # Ok::<(), vsp_core::ImportError>(())
/// ```
pub struct Imports<S> {
    definitions: Vec<Definition<S>>,
}

impl<S> Default for Imports<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> core::fmt::Debug for Imports<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names = self.definitions.iter().map(|it| (&it.module, &it.name, it.ty));
        f.debug_list().entries(names).finish()
    }
}

impl<S> Imports<S> {
    /// Creates an empty set of host functions.
    pub const fn new() -> Self {
        Imports { definitions: Vec::new() }
    }

    /// Defines a host function, whose type follows from the Rust types:
    ///
    /// ```text
    /// Fn(&mut Caller<'_, S>, P1, …, P8) -> R + Send + Sync + 'static
    /// ```
    ///
    /// - Each `P` is a [`Value`], or a [`GuestSlice`] or [`GuestStr`], which are two parameters of the import.
    /// - `R` is `()`, a [`Value`], a tuple of up to four, or a [`HostResult`] of one of these.
    ///
    /// A closure needs its parameter types written out, `|caller: &mut Caller<'_, S>, key: u64|`, and
    /// `-> HostResult<u64>` if it uses `?`.
    ///
    /// # Errors
    /// The name is defined already.
    pub fn define<Args, F>(&mut self, module: &str, name: &str, function: F) -> Result<&mut Self, ImportError>
    where
        F: HostFn<S, Args>,
    {
        let ty = const {
            match FuncType::new(F::PARAMS, F::RESULTS) {
                Some(ty) => ty,
                None => panic!("a host function takes up to 8 registers and gives up to 4"),
            }
        };
        self.add(module, name, ty, move |caller, a, b, c, values| {
            let [_, _, _, d, e, f, g, h] = *values;
            let mut own = [a, b, c, d, e, f, g, h];
            if let Err(stop) = function.call(caller, &mut own) {
                return caller.stop(stop, own);
            }
            if F::RESULTS > 1 {
                values[1..F::RESULTS].copy_from_slice(&own[1..F::RESULTS]);
            }
            HostEnd::Results(own[0])
        })
    }

    /// Defines a host function whose type is known only at run time. It gets eight arguments, of which those beyond its
    /// type are zero, and stores its results.
    ///
    /// # Errors
    /// The name is defined already.
    pub fn define_raw<F>(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        function: F,
    ) -> Result<&mut Self, ImportError>
    where
        F: Fn(&mut Caller<'_, S>, &[u64; MAX_PARAMS], &mut [u64; MAX_RESULTS]) -> Result<(), HostStop>
            + Send
            + Sync
            + 'static,
    {
        self.add(module, name, ty, move |caller, a, b, c, values| {
            let [_, _, _, d, e, f, g, h] = *values;
            let mut args = [a, b, c, d, e, f, g, h];
            args[ty.params()..].fill(0);
            let mut results = [0; MAX_RESULTS];
            if let Err(stop) = function(caller, &args, &mut results) {
                return caller.stop(stop, args);
            }
            values[..MAX_RESULTS].copy_from_slice(&results);
            HostEnd::Results(results[0])
        })
    }

    fn add<F>(&mut self, module: &str, name: &str, ty: FuncType, call: F) -> Result<&mut Self, ImportError>
    where
        F: Fn(&mut Caller<'_, S>, u64, u64, u64, &mut [u64; MAX_PARAMS]) -> HostEnd + Send + Sync + 'static,
    {
        if self.find(module.as_bytes(), name.as_bytes()).is_some() {
            return Err(ImportError::Defined { module: module.into(), name: name.into() });
        }
        self.definitions.push(Definition {
            module: module.into(),
            name: name.into(),
            ty,
            call: Box::new(call),
        });
        Ok(self)
    }

    fn find(&self, module: &[u8], name: &[u8]) -> Option<usize> {
        self.definitions.iter().position(|it| it.module.as_bytes() == module && it.name.as_bytes() == name)
    }

    /// Returns the module, name and type of each host function.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &str, FuncType)> {
        self.definitions.iter().map(|it| (it.module.as_str(), it.name.as_str(), it.ty))
    }

    /// Appends the number of the host function for each import of the program.
    pub(crate) fn resolve(&self, program: &Program<'_>, out: &mut Vec<u32>) -> Result<(), ImportError> {
        for import in program.raw_imports() {
            let owned = || named(import);
            let Some(found) = self.find(import.module, import.name) else {
                let (module, name) = owned();
                return Err(ImportError::Missing { module, name, ty: import.ty });
            };
            let host = self.definitions[found].ty;
            if host != import.ty.without_tag() {
                let (module, name) = owned();
                return Err(ImportError::Type { module, name, program: import.ty, host });
            }
            out.push(found as u32);
        }
        Ok(())
    }

    /// Defines a host function for each import of a program, which fails: for an instance that only replays a log, and
    /// so calls no host function.
    ///
    /// ```
    /// use vsp_core::{Imports, Instance, Options, program::Program, text, verify::Verified};
    ///
    /// let bytes = text::assemble(".import net.ask (1) -> 1\n.export f\n.func f (1) -> 1\n RET\n.end", "f.sil")?;
    /// let program = Verified::new(Program::read(&bytes[..])?)?;
    /// let imports = Imports::<()>::unavailable(program.program())?;
    /// assert!(Instance::new(&program, &imports, (), Options::default()).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The program imports one name twice with different types.
    #[cfg(feature = "record")]
    pub fn unavailable(program: &Program<'_>) -> Result<Imports<S>, ImportError> {
        let mut imports = Imports::new();
        for import in program.imports() {
            let ty = import.ty.without_tag();
            match imports.find(import.module.as_bytes(), import.name.as_bytes()) {
                Some(found) if imports.definitions[found].ty == ty => {}
                _ => {
                    let fails = |_: &mut Caller<'_, S>, _: &_, _: &mut _| {
                        Err(HostStop::from(
                            "the host functions are not available: a log can only be replayed",
                        ))
                    };
                    imports.define_raw(import.module, import.name, ty, fails)?;
                }
            }
        }
        Ok(imports)
    }

    /// Returns the type of a resolved import.
    pub(crate) fn ty(&self, resolved: u32) -> FuncType {
        self.definitions[resolved as usize].ty
    }
}

/// Returns module and name of an import for an error; without the feature `messages` they are empty.
fn named(import: RawImport<'_>) -> (String, String) {
    if !cfg!(feature = "messages") {
        return (String::new(), String::new());
    }
    let import = import.named();
    (import.module.into(), import.name.into())
}
