//! Host functions: what a program can call outside itself.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::array;
use core::cell::Cell;

use crate::Excerpt;
use crate::index::ImportIndex;
use crate::instance::InstantiateError;
use crate::limits::{MAX_PARAMS, MAX_RESULTS};
use crate::program::{FuncType, Program};
use crate::shared::Ref;

/// How a host function ends, if not with results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostStop {
    /// It failed: the program traps with `Trap::Host` and this code.
    Error(u32),
    /// The results are not there yet: the program is suspended until the host resumes it with them.
    Pending,
}

/// How a call of a host function ended, as two machine words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostEnd {
    /// With results; this is the first, if there is one.
    Results(u64),
    /// With an error of this code.
    Error(u64),
    /// The results are not there yet.
    Pending,
}

impl From<HostStop> for HostEnd {
    #[inline]
    fn from(stop: HostStop) -> HostEnd {
        match stop {
            HostStop::Error(code) => HostEnd::Error(code.into()),
            HostStop::Pending => HostEnd::Pending,
        }
    }
}

/// What a host function can reach: the host's own state, the memory of the calling program, and its fuel.
/// The program itself is out of reach: a host function cannot call back into it.
#[derive(Debug)]
pub struct Caller<'a, S> {
    own: &'a mut HostOwn<S>,
    memory: &'a mut [u8],
    balance: &'a mut i64,
}

/// What an instance has for its host functions.
#[derive(Debug)]
pub(crate) struct HostOwn<S> {
    pub(crate) state: S,
    pub(crate) metered: bool,
    /// While the instance runs with slices of its fuel, what it keeps back of the balance. (And after a panic of a host function.)
    #[cfg(feature = "native")]
    pub(crate) kept: i64,
}

impl<S> Caller<'_, S> {
    /// The host's state.
    pub fn state(&mut self) -> &mut S {
        &mut self.own.state
    }

    /// The program's memory.
    pub fn memory(&mut self) -> &mut [u8] {
        self.memory
    }

    /// State and memory at once.
    pub fn parts(&mut self) -> (&mut S, &mut [u8]) {
        (&mut self.own.state, self.memory)
    }

    /// `length` bytes of the program's memory from `address`, if it has them.
    pub fn bytes(&mut self, address: u64, length: u64) -> Option<&mut [u8]> {
        slice(self.memory, address, length)
    }

    /// Takes fuel. The program notices at the safepoint behind the call. Without metering nothing happens.
    pub fn charge(&mut self, units: u64) {
        if self.own.metered {
            #[cfg(feature = "native")]
            if units > LARGE_CHARGE || *self.balance < -(LARGE_CHARGE as i64) {
                *self.balance = self.balance.saturating_add(core::mem::take(&mut self.own.kept));
            }
            *self.balance = self.balance.saturating_sub_unsigned(units);
        }
    }
}

/// Before larger charges, and where so much more than there was is used up, what is kept back is put to the balance. So the
/// balance without it never comes near the lowest number.
#[cfg(feature = "native")]
const LARGE_CHARGE: u64 = 1 << 40;

/// The part of a memory, if all of it is inside.
fn slice(memory: &mut [u8], address: u64, length: u64) -> Option<&mut [u8]> {
    let (address, length) = (usize::try_from(address).ok()?, usize::try_from(length).ok()?);
    memory.get_mut(address..address.checked_add(length)?)
}

/// What an instance has for the calls of its host functions, besides the memory and the fuel.
#[derive(Debug)]
pub struct HostCalls<'a, S> {
    imports: Ref<'a, Imports<S>>,
    /// For each import of the program, the number of the host function.
    resolved: Vec<u32>,
    pub(crate) own: HostOwn<S>,
}

/// Host functions, whatever the type of the host's state.
#[cfg(threaded)]
pub(crate) trait CallHost {
    /// As [`HostCalls::call_with`].
    fn call_with(
        &mut self,
        import: ImportIndex,
        memory: &mut [u8],
        balance: &mut i64,
        registers: &[Cell<u64>; 16],
    ) -> Result<(), HostStop>;
}

#[cfg(threaded)]
impl<S> CallHost for HostCalls<'_, S> {
    fn call_with(
        &mut self,
        import: ImportIndex,
        memory: &mut [u8],
        balance: &mut i64,
        registers: &[Cell<u64>; 16],
    ) -> Result<(), HostStop> {
        HostCalls::call_with(self, import, memory, balance, registers)
    }
}

impl<'a, S> HostCalls<'a, S> {
    /// For an instance of the program.
    pub(crate) fn new(
        program: &Program<'_>,
        imports: Ref<'a, Imports<S>>,
        state: S,
        metered: bool,
    ) -> Result<HostCalls<'a, S>, InstantiateError> {
        let mut resolved = Vec::new();
        resolved.try_reserve_exact(program.imports().count()).map_err(|_| InstantiateError::OutOfMemory)?;
        imports.resolve(program, &mut resolved)?;
        let own = HostOwn {
            state,
            metered,
            #[cfg(feature = "native")]
            kept: 0,
        };
        Ok(HostCalls { imports, resolved, own })
    }

    /// The type of an import.
    pub(crate) fn ty(&self, import: ImportIndex) -> FuncType {
        self.imports.ty(self.resolved[import.index()])
    }

    /// Calls the host function of an import. It takes the first three arguments one by one, so that they can stay in machine
    /// registers, and those behind them from their places in `values`. Gives the first result, and puts the others into
    /// their places. What is behind arguments or results means nothing.
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
        let mut caller = Caller { own: &mut self.own, memory, balance };
        (self.imports.definitions[resolved as usize].call)(&mut caller, a, b, c, values)
    }

    /// Calls the host function of an import with the first registers, and puts its results there.
    #[inline]
    pub(crate) fn call_with(
        &mut self,
        import: ImportIndex,
        memory: &mut [u8],
        balance: &mut i64,
        registers: &[Cell<u64>; 16],
    ) -> Result<(), HostStop> {
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
            HostEnd::Error(code) => Err(HostStop::Error(code as u32)),
            HostEnd::Pending => Err(HostStop::Pending),
        }
    }
}

/// A Rust type that a 64-bit register can hold.
pub trait Value: Copy {
    /// The value that these bits mean; bits beyond its width are ignored.
    fn from_bits(bits: u64) -> Self;
    /// The register that holds this value: signed ones are sign-extended, all others zero-extended.
    fn to_bits(self) -> u64;
}

macro_rules! impl_value {
    ($($ty:ty: $from:expr, $to:expr;)*) => {$(
        impl Value for $ty {
            #[inline]
            fn from_bits(bits: u64) -> Self {
                let from: fn(u64) -> $ty = $from;
                from(bits)
            }
            #[inline]
            fn to_bits(self) -> u64 {
                let to: fn($ty) -> u64 = $to;
                to(self)
            }
        }
    )*};
}

impl_value! {
    u64: |bits| bits, |value| value;
    i64: |bits| bits as i64, |value| value as u64;
    u32: |bits| bits as u32, u64::from;
    i32: |bits| bits as i32, |value| i64::from(value) as u64;
    f64: f64::from_bits, f64::to_bits;
    bool: |bits| bits != 0, u64::from;
}

/// What a host function can return: nothing, a [`Value`], a tuple of up to four, or a `Result` of these and a
/// [`HostStop`].
pub trait HostReturn {
    /// How many results that is.
    const COUNT: usize;
    /// Puts the results in the first places.
    ///
    /// # Errors
    /// The function did not end with results.
    fn store(self, values: &mut [u64; MAX_PARAMS]) -> Result<(), HostStop>;
}

macro_rules! impl_host_return {
    ($(($count:literal: $ty:ty, $($generic:ident $index:tt)*: $pattern:pat => $($value:expr),*);)*) => {$(
        impl<$($generic: Value),*> HostReturn for $ty {
            const COUNT: usize = $count;
            #[inline]
            #[allow(unused_variables, reason = "without results there is nothing to store into")]
            fn store(self, values: &mut [u64; MAX_PARAMS]) -> Result<(), HostStop> {
                let $pattern = self;
                $(values[$index] = $value.to_bits();)*
                Ok(())
            }
        }

        impl<$($generic: Value),*> HostReturn for Result<$ty, HostStop> {
            const COUNT: usize = $count;
            #[inline]
            fn store(self, values: &mut [u64; MAX_PARAMS]) -> Result<(), HostStop> {
                self?.store(values)
            }
        }
    )*};
}

impl_host_return! {
    (0: (), : () => );
    (1: (A,), A 0: (a,) => a);
    (2: (A, B), A 0 B 1: (a, b) => a, b);
    (3: (A, B, C), A 0 B 1 C 2: (a, b, c) => a, b, c);
    (4: (A, B, C, D), A 0 B 1 C 2 D 3: (a, b, c, d) => a, b, c, d);
}

macro_rules! impl_host_return_for_values {
    ($($ty:ty)*) => {$(
        impl HostReturn for $ty {
            const COUNT: usize = 1;
            #[inline]
            fn store(self, values: &mut [u64; MAX_PARAMS]) -> Result<(), HostStop> {
                (self,).store(values)
            }
        }

        impl HostReturn for Result<$ty, HostStop> {
            const COUNT: usize = 1;
            #[inline]
            fn store(self, values: &mut [u64; MAX_PARAMS]) -> Result<(), HostStop> {
                self?.store(values)
            }
        }
    )*};
}

impl_host_return_for_values!(u64 i64 u32 i32 f64 bool);

/// A Rust function that programs can call: `Fn(&mut Caller<'_, S>, …) -> R` with up to eight [`Value`]s and a
/// [`HostReturn`].
pub trait HostFn<S, Args>: Send + Sync + 'static {
    /// How many parameters it takes.
    const PARAMS: usize;
    /// How many results it gives.
    const RESULTS: usize;
    /// Calls it. `values` are the arguments in the first places, and then the results.
    ///
    /// # Errors
    /// It did not end with results.
    fn call(&self, caller: &mut Caller<'_, S>, values: &mut [u64; MAX_PARAMS]) -> Result<(), HostStop>;
}

macro_rules! impl_host_fn {
    ($($params:literal: $($arg:ident $index:tt)*;)*) => {$(
        impl<S, F, R, $($arg),*> HostFn<S, ($($arg,)*)> for F
        where
            F: Fn(&mut Caller<'_, S>, $($arg),*) -> R + Send + Sync + 'static,
            R: HostReturn,
            $($arg: Value,)*
        {
            const PARAMS: usize = $params;
            const RESULTS: usize = R::COUNT;
            #[inline]
            fn call(&self, caller: &mut Caller<'_, S>, values: &mut [u64; MAX_PARAMS]) -> Result<(), HostStop> {
                self(caller, $($arg::from_bits(values[$index])),*).store(values)
            }
        }
    )*};
}

impl_host_fn! {
    0: ;
    1: A 0;
    2: A 0 B 1;
    3: A 0 B 1 C 2;
    4: A 0 B 1 C 2 D 3;
    5: A 0 B 1 C 2 D 3 E 4;
    6: A 0 B 1 C 2 D 3 E 4 G 5;
    7: A 0 B 1 C 2 D 3 E 4 G 5 H 6;
    8: A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7;
}

/// Takes arguments and gives results as [`HostCalls::call`] does.
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

/// Why host functions and a program do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The same name was defined twice.
    #[error("{}.{} is defined already", Excerpt(module), Excerpt(name))]
    Defined {
        /// The module.
        module: String,
        /// The name.
        name: String,
    },
    /// The program imports what the host does not have.
    #[error("the program imports {}.{} {ty}, which the host does not have", Excerpt(module), Excerpt(name))]
    Missing {
        /// The module.
        module: String,
        /// The name.
        name: String,
        /// The type that the program imports it with.
        ty: FuncType,
    },
    /// The program and the host give it different types.
    #[error(
        "the program imports {}.{} as {program}, and the host has it as {host}",
        Excerpt(module),
        Excerpt(name)
    )]
    Type {
        /// The module.
        module: String,
        /// The name.
        name: String,
        /// The type that the program imports it with.
        program: FuncType,
        /// The type that the host defined it with.
        host: FuncType,
    },
}

impl<S> Imports<S> {
    /// No host functions.
    pub const fn new() -> Self {
        Imports { definitions: Vec::new() }
    }

    /// Defines a host function. Its type follows from the Rust function's.
    ///
    /// # Errors
    /// There is one of this name already.
    pub fn define<Args, F>(&mut self, module: &str, name: &str, function: F) -> Result<&mut Self, ImportError>
    where
        F: HostFn<S, Args>,
    {
        let ty = const {
            match FuncType::new(F::PARAMS, F::RESULTS) {
                Some(ty) => ty,
                None => panic!("the implementations of HostFn stay within the limits"),
            }
        };
        self.add(module, name, ty, move |caller, a, b, c, values| {
            let [_, _, _, d, e, f, g, h] = *values;
            let mut own = [a, b, c, d, e, f, g, h];
            if let Err(stop) = function.call(caller, &mut own) {
                return stop.into();
            }
            if F::RESULTS > 1 {
                values[1..F::RESULTS].copy_from_slice(&own[1..F::RESULTS]);
            }
            HostEnd::Results(own[0])
        })
    }

    /// Defines a host function whose type is only known when the host runs. It is given eight arguments, of which
    /// those beyond its type are zero, and stores its results.
    ///
    /// # Errors
    /// There is one of this name already.
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
                return stop.into();
            }
            values[..MAX_RESULTS].copy_from_slice(&results);
            HostEnd::Results(results[0])
        })
    }

    fn add<F>(&mut self, module: &str, name: &str, ty: FuncType, call: F) -> Result<&mut Self, ImportError>
    where
        F: Fn(&mut Caller<'_, S>, u64, u64, u64, &mut [u64; MAX_PARAMS]) -> HostEnd + Send + Sync + 'static,
    {
        if self.find(module, name).is_some() {
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

    fn find(&self, module: &str, name: &str) -> Option<usize> {
        self.definitions.iter().position(|it| it.module == module && it.name == name)
    }

    /// The module, name and type of everything that is defined.
    pub fn definitions(&self) -> impl Iterator<Item = (&str, &str, FuncType)> {
        self.definitions.iter().map(|it| (it.module.as_str(), it.name.as_str(), it.ty))
    }

    /// Module, name and type of every function here.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &str, FuncType)> {
        self.definitions.iter().map(|it| (it.module.as_str(), it.name.as_str(), it.ty))
    }

    /// For each import of the program, the number of the function here.
    pub(crate) fn resolve(&self, program: &Program<'_>, out: &mut Vec<u32>) -> Result<(), ImportError> {
        for import in program.imports() {
            let owned = || (String::from(import.module), String::from(import.name));
            let Some(found) = self.find(import.module, import.name) else {
                let (module, name) = owned();
                return Err(ImportError::Missing { module, name, ty: import.ty });
            };
            let host = self.definitions[found].ty;
            if host != import.ty {
                let (module, name) = owned();
                return Err(ImportError::Type { module, name, program: import.ty, host });
            }
            out.push(found as u32);
        }
        Ok(())
    }

    /// The type of a resolved import.
    pub(crate) fn ty(&self, resolved: u32) -> FuncType {
        self.definitions[resolved as usize].ty
    }
}
