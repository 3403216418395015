//! Numbers of things, one type each, so that they cannot be mistaken for one another.

macro_rules! define_index {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// The number as an index of a slice.
            #[inline(always)]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    )*};
}

define_index! {
    /// A function of a program.
    FuncIndex
    /// An import of a program.
    ImportIndex
    /// An entry of the constant pool.
    ConstIndex
    /// A global of a program.
    GlobalIndex
    /// A data segment of a program.
    SegmentIndex
}

/// A place in a program: a word of a function, counted from the function's first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The function.
    pub function: FuncIndex,
    /// The word.
    pub word: u32,
}

impl core::fmt::Display for Location {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "function {} word {}", self.function, self.word)
    }
}
