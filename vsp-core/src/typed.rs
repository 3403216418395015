//! Functions of an instance with Rust types.

use core::marker::PhantomData;

use alloc::string::{String, ToString};

use crate::excerpt::Excerpt;
use crate::host::{RustType, Value};
use crate::index::FuncIndex;
use crate::instance::Instance;
use crate::interface::{self, Type};
use crate::limits::MAX_PARAMS;
use crate::outcome::{CallError, Outcome, Suspension, Trapped};
use crate::program::FuncType;
use crate::shared::Ref;
use crate::verify::Verified;

/// The error of looking up a typed function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FunctionError {
    /// No function is exported by this name.
    #[error("the program exports no function \"{}\"", Excerpt(.0))]
    NoExport(String),
    /// The function has another number of parameters or results.
    #[error("\"{}\" is a function {found}, not {expected}", Excerpt(name))]
    Type {
        /// The name.
        name: String,
        /// The type in the program.
        found: FuncType,
        /// The requested type.
        expected: FuncType,
    },
    /// The program says of the function which types of values it has, and they are others.
    #[error("\"{}\" is a function {found}, not {expected}", Excerpt(name))]
    ValueTypes {
        /// The name.
        name: String,
        /// The types in the program: `(i32, f64) -> i32`.
        found: String,
        /// The Rust types: `(u32, f64) -> u64`.
        expected: String,
    },
}

/// The reason why a typed call did not return results.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypedCallError {
    /// The function was looked up in an instance of another program.
    #[error("the function belongs to another program than the instance")]
    OtherProgram,
    /// The instance cannot be called or resumed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The program executed HLT with this value.
    #[error("the program halted with {0}")]
    Halted(u64),
    /// The program is suspended: [`TypedFunction::resume`] continues it.
    #[error("{0}")]
    Suspended(Suspension),
    /// The program trapped.
    #[error(transparent)]
    Trapped(#[from] Trapped),
}

/// An exported function with parameters of the types `P` and results of the types `R`.
///
/// [`Instance::typed`] looks it up and checks its type once. It can be used with every instance of the same
/// [`Verified`] program, whatever engine runs it.
///
/// ```
/// # #[cfg(feature = "text")] {
/// use vsp_core::{Imports, Instance, Options, program::Program, text, verify::Verified};
///
/// let bytes = text::assemble(".export scale\n.func scale (2) -> 1\n MUL R0, R0, R1\n RET\n.end", "scale.sil").unwrap();
/// let program = Verified::new(Program::read(&bytes[..])?)?;
/// let imports = Imports::new();
/// let mut instance = Instance::new(&program, &imports, (), Options::default())?;
///
/// let scale = instance.typed::<(i64, i64), i64>("scale")?;
/// assert_eq!(scale.call(&mut instance, (-6, 7))?, -42);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TypedFunction<'a, P, R> {
    program: Ref<'a, Verified<'a>>,
    function: FuncIndex,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunction<'_, P, R> {
    fn clone(&self) -> Self {
        TypedFunction { program: self.program.clone(), ..*self }
    }
}

impl<'a, S> Instance<'a, S> {
    /// Returns the function exported as `name`, with Rust types for its parameters (a value, or a tuple of up to eight)
    /// and results (`()`, a value, or a tuple of up to four).
    ///
    /// # Errors
    /// There is no such export, it has another number of parameters or results, or the program has an
    /// [interface](crate::interface) that gives it other types.
    pub fn typed<P: Parameters, R: Results>(
        &self,
        name: &str,
    ) -> Result<TypedFunction<'a, P, R>, FunctionError> {
        let function = typed_export::<P, R>(&self.program, name)?;
        Ok(TypedFunction { program: self.program.clone(), function, types: PhantomData })
    }
}

/// Returns the number of the function exported as `name` after checking its type.
///
/// # Errors
/// As for [`Instance::typed`].
pub fn typed_export<P: Parameters, R: Results>(
    program: &Verified<'_>,
    name: &str,
) -> Result<FuncIndex, FunctionError> {
    let no_export = || FunctionError::NoExport(name.into());
    let index = program.export(name).ok_or_else(no_export)?;
    let found = program.function(index).ok_or_else(no_export)?.ty;
    check_value_types(program, name, P::TYPES, R::TYPES)?;
    let expected = const {
        match FuncType::new(P::COUNT, R::COUNT) {
            Some(ty) => ty,
            None => panic!("a function has up to 8 parameters and 4 results"),
        }
    };
    if found.without_tag() != expected {
        return Err(FunctionError::Type { name: name.into(), found, expected });
    }
    Ok(index)
}

/// Compares Rust types with those of the program's interface, if it has one.
fn check_value_types(
    program: &Verified<'_>,
    name: &str,
    params: &[RustType],
    results: &[RustType],
) -> Result<(), FunctionError> {
    let declared = interface::exported_function(program.program(), name);
    let Some((found_params, found_results)) = declared else { return Ok(()) };
    let fit = |rust: &[RustType], found: &[Type]| {
        rust.len() == found.len() && rust.iter().zip(found).all(|(rust, found)| rust.fits.contains(found))
    };
    if fit(params, &found_params) && fit(results, &found_results) {
        return Ok(());
    }
    Err(FunctionError::ValueTypes {
        name: name.into(),
        found: interface::signature(&found_params, &found_results).to_string(),
        expected: interface::signature(params, results).to_string(),
    })
}

impl<P: Parameters, R: Results> TypedFunction<'_, P, R> {
    /// Returns the number of the function.
    pub fn index(&self) -> FuncIndex {
        self.function
    }

    /// Calls the function and runs it until it returns.
    ///
    /// # Errors
    /// The instance is of another program or cannot be called, or the program halted, trapped or was suspended.
    #[inline]
    pub fn call<S>(&self, instance: &mut Instance<'_, S>, args: P) -> Result<R, TypedCallError> {
        self.check_program(instance)?;
        let mut values = [0; MAX_PARAMS];
        args.store(&mut values);
        results(&instance.call(self.function, &values[..P::COUNT])?)
    }

    /// Resumes a suspended call of the function, with the values it waits for, as [`Instance::resume`].
    ///
    /// # Errors
    /// The instance is of another program, is not suspended or waits for another number of values; or the program
    /// halted, trapped or was suspended again.
    pub fn resume<S>(&self, instance: &mut Instance<'_, S>, values: &[u64]) -> Result<R, TypedCallError> {
        self.check_program(instance)?;
        results(&instance.resume(values)?)
    }

    #[inline]
    fn check_program<S>(&self, instance: &Instance<'_, S>) -> Result<(), TypedCallError> {
        let is_same = core::ptr::addr_eq(&raw const *self.program, &raw const *instance.program);
        if is_same { Ok(()) } else { Err(TypedCallError::OtherProgram) }
    }
}

/// Returns the results of a call, or the reason why there are none.
#[inline]
fn results<R: Results>(outcome: &Outcome) -> Result<R, TypedCallError> {
    match outcome {
        Outcome::Returned(results) if results.len() == R::COUNT => {
            let mut values = [0; MAX_PARAMS];
            values[..R::COUNT].copy_from_slice(results);
            Ok(R::from_values(&values))
        }
        // A suspended call of another function was resumed.
        Outcome::Returned(results) => {
            Err(CallError::Results { expected: R::COUNT, returned: results.len() }.into())
        }
        Outcome::Halted(value) => Err(TypedCallError::Halted(*value)),
        Outcome::Suspended(suspension) => Err(TypedCallError::Suspended(*suspension)),
        Outcome::Trapped(trapped) => Err(TypedCallError::Trapped(*trapped)),
    }
}

/// The arguments of a typed call: a [`Value`], or a tuple of up to eight.
pub trait Parameters {
    /// Number of parameters.
    const COUNT: usize = Self::TYPES.len();
    /// The types of the parameters.
    const TYPES: &'static [RustType];
    /// Stores the arguments at the start of `values`.
    fn store(self, values: &mut [u64; MAX_PARAMS]);
}

/// The results of a typed call: `()`, a [`Value`], or a tuple of up to four.
pub trait Results {
    /// Number of results.
    const COUNT: usize = Self::TYPES.len();
    /// The types of the results.
    const TYPES: &'static [RustType];
    /// Returns the results that are stored at the start of `values`.
    fn from_values(values: &[u64; MAX_PARAMS]) -> Self;
}

macro_rules! impl_parameters {
    ($($($name:ident $index:tt)*;)*) => {$(
        impl<$($name: Value),*> Parameters for ($($name,)*) {
            const TYPES: &'static [RustType] = &[$($name::TYPE),*];
            #[inline]
            #[allow(unused_variables, reason = "without parameters nothing is stored")]
            fn store(self, values: &mut [u64; MAX_PARAMS]) {
                $(values[$index] = self.$index.to_bits();)*
            }
        }
    )*};
}

impl_parameters! {
    ;
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E 4;
    A 0 B 1 C 2 D 3 E 4 F 5;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
}

macro_rules! impl_results {
    ($($($name:ident $index:tt)*;)*) => {$(
        impl<$($name: Value),*> Results for ($($name,)*) {
            const TYPES: &'static [RustType] = &[$($name::TYPE),*];
            #[inline]
            #[allow(unused_variables, clippy::unused_unit, reason = "without results nothing is read")]
            fn from_values(values: &[u64; MAX_PARAMS]) -> Self {
                ($($name::from_bits(values[$index]),)*)
            }
        }
    )*};
}

impl_results! {
    ;
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
}

impl<T: Value> Parameters for T {
    const TYPES: &'static [RustType] = &[T::TYPE];
    #[inline]
    fn store(self, values: &mut [u64; MAX_PARAMS]) {
        values[0] = self.to_bits();
    }
}

impl<T: Value> Results for T {
    const TYPES: &'static [RustType] = &[T::TYPE];
    #[inline]
    fn from_values(values: &[u64; MAX_PARAMS]) -> Self {
        T::from_bits(values[0])
    }
}
