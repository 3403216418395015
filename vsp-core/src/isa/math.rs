//! The functions that FMATH selects with its immediate.

/// The computation of a mathematical function, with its number of binary64 arguments.
#[derive(Clone, Copy, Debug)]
pub enum MathCall {
    /// One argument, in register b.
    Unary(fn(f64) -> f64),
    /// Two arguments, in registers b and c.
    Binary(fn(f64, f64) -> f64),
}

macro_rules! math_functions {
    ($($number:literal $variant:ident $name:literal $kind:ident($function:path);)*) => {
        /// A mathematical function of FMATH. Its results are, to the bit, those of the `libm` crate at the version that
        /// this crate pins, with every NaN replaced by the canonical one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each is the function of its name")]
        #[repr(u8)]
        pub enum MathFn {
            $($variant = $number,)*
        }

        impl MathFn {
            /// All functions, in ascending order of their numbers.
            pub const ALL: &[MathFn] = &[$(MathFn::$variant,)*];

            /// Returns the function with this number in FMATH's immediate.
            pub const fn from_number(number: u32) -> Option<MathFn> {
                match number {
                    $($number => Some(MathFn::$variant),)*
                    _ => None,
                }
            }

            /// Returns the name in program text.
            pub const fn name(self) -> &'static str {
                match self {
                    $(MathFn::$variant => $name,)*
                }
            }

            /// Returns the computation, without canonicalisation of NaNs.
            pub const fn call(self) -> MathCall {
                match self {
                    $(MathFn::$variant => MathCall::$kind($function),)*
                }
            }

            /// Returns whether it takes two arguments instead of one. (It does not refer to the functions themselves,
            /// so that a program that calls only this method links none of them.)
            pub const fn is_binary(self) -> bool {
                self as u8 >= 32
            }
        }
    };
}

math_functions! {
    0 Sin "sin" Unary(libm::sin);
    1 Cos "cos" Unary(libm::cos);
    2 Tan "tan" Unary(libm::tan);
    3 Asin "asin" Unary(libm::asin);
    4 Acos "acos" Unary(libm::acos);
    5 Atan "atan" Unary(libm::atan);
    6 Sinh "sinh" Unary(libm::sinh);
    7 Cosh "cosh" Unary(libm::cosh);
    8 Tanh "tanh" Unary(libm::tanh);
    9 Exp "exp" Unary(libm::exp);
    10 Exp2 "exp2" Unary(libm::exp2);
    11 Expm1 "expm1" Unary(libm::expm1);
    12 Ln "ln" Unary(libm::log);
    13 Log2 "log2" Unary(libm::log2);
    14 Log10 "log10" Unary(libm::log10);
    15 Log1p "log1p" Unary(libm::log1p);
    16 Cbrt "cbrt" Unary(libm::cbrt);
    32 Pow "pow" Binary(libm::pow);
    33 Atan2 "atan2" Binary(libm::atan2);
    34 Hypot "hypot" Binary(libm::hypot);
    35 Fmod "fmod" Binary(libm::fmod);
}

/// Checks that `is_binary` and `call` agree.
const _: () = {
    let mut i = 0;
    while i < MathFn::ALL.len() {
        let function = MathFn::ALL[i];
        assert!(function.is_binary() == matches!(function.call(), MathCall::Binary(_)));
        i += 1;
    }
};

impl MathFn {
    /// Returns the function called `name`.
    pub fn parse(name: &str) -> Option<MathFn> {
        Self::ALL.iter().copied().find(|function| function.name() == name)
    }
}
