//! Rust functions as host functions: the types of their parameters and results.

use core::fmt::{self, Display};

use super::{Caller, HostStop};
use crate::interface::Type;
use crate::limits::MAX_PARAMS;

/// A Rust type that a 64-bit register can hold: `u64`, `i64`, `u32`, `i32`, `f64`, `f32` or `bool`.
pub trait Value: Copy {
    /// The Rust type.
    const TYPE: RustType;
    /// Returns the value that these bits represent; bits beyond its width are ignored.
    fn from_bits(bits: u64) -> Self;
    /// Returns the register that holds this value: signed ones are sign-extended, all others zero-extended.
    fn to_bits(self) -> u64;
}

/// A Rust type of values, and the types of a program's [interface](crate::interface) that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RustType {
    /// Its name.
    pub name: &'static str,
    /// The types that it fits. A program without an interface has no types, and all Rust types fit.
    pub fits: &'static [Type],
}

impl Display for RustType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! impl_value {
    ($($ty:ident ($($fits:ident)*): $from:expr, $to:expr;)*) => {$(
        impl Value for $ty {
            const TYPE: RustType = RustType { name: stringify!($ty), fits: &[$(Type::$fits),*] };
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
    u64 (I64 FuncRef ExternRef): |bits| bits, |value| value;
    i64 (I64): |bits| bits as i64, |value| value as u64;
    u32 (I32): |bits| bits as u32, u64::from;
    i32 (I32): |bits| bits as i32, |value| i64::from(value) as u64;
    f64 (F64): f64::from_bits, f64::to_bits;
    f32 (F32): |bits| f32::from_bits(bits as u32), |value| value.to_bits().into();
    bool (I32): |bits| bits != 0, u64::from;
}

/// The type of a parameter of a host function: a [`Value`], which is one parameter of the import, or a
/// [`GuestSlice`](super::GuestSlice) or [`GuestStr`](super::GuestStr), which are two.
pub trait HostParameter: Sized {
    /// Number of the import's parameters that it takes.
    const COUNT: usize;
    /// Returns the parameter that starts at `values[at]`.
    fn from_values(values: &[u64; MAX_PARAMS], at: usize) -> Self;
}

impl<T: Value> HostParameter for T {
    const COUNT: usize = 1;
    #[inline]
    fn from_values(values: &[u64; MAX_PARAMS], at: usize) -> T {
        T::from_bits(values[at])
    }
}

/// A return type of host functions: `()`, a [`Value`], a tuple of up to four values, or a `Result` of these and a
/// [`HostStop`].
pub trait HostReturn {
    /// Number of results.
    const COUNT: usize;
    /// Stores the results at the start of `values`.
    ///
    /// # Errors
    /// The function has no results. `values` is unchanged.
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

impl_host_return_for_values!(u64 i64 u32 i32 f64 f32 bool);

/// A Rust function that programs can call: `Fn(&mut Caller<'_, S>, …) -> R` with up to eight [`HostParameter`]s and a
/// [`HostReturn`].
pub trait HostFn<S, Args>: Send + Sync + 'static {
    /// Number of parameters of the import.
    const PARAMS: usize;
    /// Number of results of the import.
    const RESULTS: usize;
    /// Calls the function. `values` starts with the arguments, and afterwards with the results; without results it is
    /// unchanged.
    ///
    /// # Errors
    /// The function has no results.
    fn call(&self, caller: &mut Caller<'_, S>, values: &mut [u64; MAX_PARAMS]) -> Result<(), HostStop>;
}

macro_rules! impl_host_fn {
    ($($($arg:ident)*;)*) => {$(
        impl<S, F, R, $($arg),*> HostFn<S, ($($arg,)*)> for F
        where
            F: Fn(&mut Caller<'_, S>, $($arg),*) -> R + Send + Sync + 'static,
            R: HostReturn,
            $($arg: HostParameter,)*
        {
            const PARAMS: usize = 0 $(+ $arg::COUNT)*;
            const RESULTS: usize = R::COUNT;
            #[inline]
            #[allow(unused_assignments, unused_mut, unused_variables, reason = "nothing follows the last parameter")]
            fn call(&self, caller: &mut Caller<'_, S>, values: &mut [u64; MAX_PARAMS]) -> Result<(), HostStop> {
                const {
                    let params = <Self as HostFn<S, ($($arg,)*)>>::PARAMS;
                    assert!(params <= MAX_PARAMS, "a host function takes up to 8 registers");
                }
                let mut next = 0;
                self(caller, $({
                    let at = next;
                    next += $arg::COUNT;
                    $arg::from_values(values, at)
                }),*)
                .store(values)
            }
        }
    )*};
}

impl_host_fn! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E G;
    A B C D E G H;
    A B C D E G H I;
}
