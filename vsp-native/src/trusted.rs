//! Machine code that somebody vouches for.

/// Machine code that the host vouches for: an [`Object`](vsp_core::native::Object), an [`ExecutableMemory`](crate::ExecutableMemory) that holds
/// one, or the path of a directory that contains only such objects.
#[derive(Clone, Debug)]
pub struct Trusted<T>(T);

impl<T> Trusted<T> {
    /// Vouches for machine code.
    ///
    /// # Safety
    /// Each code object was made by VSP's compiler from the program with which it will be loaded, and is unchanged. For
    /// a directory, this stays true while it is used.
    #[must_use]
    pub unsafe fn new(code: T) -> Trusted<T> {
        Trusted(code)
    }

    /// Returns a reference to the machine code.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Returns the machine code.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}
