//! Traps: errors that stop a program.

/// An error that stops a program. Nothing is undone: memory written earlier stays written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Trap {
    /// A TRAP instruction with this number, 0 to 2²⁴ − 1.
    #[error("explicit trap {0}")]
    Explicit(u32),
    /// A load, store, MEMCOPY, MEMFILL or MEMINIT reached outside the memory, or a MEMINIT outside its segment.
    #[error("memory access out of bounds")]
    MemoryOutOfBounds,
    /// An integer division by zero.
    #[error("division by zero")]
    DivideByZero,
    /// The frame of a called function did not fit into the stack.
    #[error("stack overflow")]
    StackOverflow,
    /// A CALLR or TAILCALLR named a function that does not exist, or one of another type.
    #[error("indirect call of no function, or one of another type")]
    BadIndirectCall,
    /// A GETGX or SETGX named a global that does not exist.
    #[error("global out of bounds")]
    GlobalOutOfBounds,
    /// A host function failed with this code.
    #[error("host error {0}")]
    Host(u32),
}

impl Trap {
    /// Returns the kind of trap as a small number: 1 Explicit, 2 MemoryOutOfBounds, 3 DivideByZero, 4 StackOverflow, 5
    /// BadIndirectCall, 6 Host, 7 GlobalOutOfBounds. 0 is never returned.
    pub const fn code(self) -> u8 {
        match self {
            Trap::Explicit(_) => 1,
            Trap::MemoryOutOfBounds => 2,
            Trap::DivideByZero => 3,
            Trap::StackOverflow => 4,
            Trap::BadIndirectCall => 5,
            Trap::Host(_) => 6,
            Trap::GlobalOutOfBounds => 7,
        }
    }

    /// Returns the name of the kind of trap, as in `docs/isa.md`.
    pub const fn name(self) -> &'static str {
        match self {
            Trap::Explicit(_) => "Explicit",
            Trap::MemoryOutOfBounds => "MemoryOutOfBounds",
            Trap::DivideByZero => "DivideByZero",
            Trap::StackOverflow => "StackOverflow",
            Trap::BadIndirectCall => "BadIndirectCall",
            Trap::Host(_) => "Host",
            Trap::GlobalOutOfBounds => "GlobalOutOfBounds",
        }
    }
}
