//! Indices of items in a program and locations in its code. Each kind of index has its own type, so that they cannot be
//! confused.

macro_rules! define_index {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// Returns the number as an index of a slice.
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
    /// The index of a function of a program.
    FuncIndex
    /// The index of an import of a program.
    ImportIndex
    /// The index of an entry of the constant pool.
    ConstIndex
    /// The index of a global of a program.
    GlobalIndex
    /// The index of a data segment of a program.
    SegmentIndex
    /// The index of a passive segment of a program.
    PassiveIndex
}

/// A location in a program: a word of a function, counted from the function's first word.
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
