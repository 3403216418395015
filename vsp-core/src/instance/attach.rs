//! Attaching machine code to an instance.

use super::Instance;
use crate::native::entry::{LastEntry, NativeCode};
use crate::native::tiers::Tiers;
use crate::native::{CodeInfo, CompileOptions};
use crate::outcome::AttachError;
use crate::shared::Ref;

impl<'a, S> Instance<'a, S> {
    /// Attaches machine code of this program, which runs the functions that are called from now on. The interpreter
    /// continues a suspended call, and [`Self::attach_loops`] adds what that needs to be machine code, too.
    ///
    /// # Errors
    /// The code was made from another program, or compiled without the fuel or interruption that the instance has.
    pub fn attach(&mut self, native: impl Into<Ref<'a, dyn NativeCode<S> + 'a>>) -> Result<(), AttachError> {
        let native = native.into();
        self.check_code(native.is_for(&self.program), native.code().options())?;
        native.reserve(self.stack.cells())?;
        self.put_back();
        self.native_address = address(&*native);
        self.last_entry = LastEntry::NOTHING;
        self.native = Some(native);
        self.tiers = None;
        Ok(())
    }

    /// Attaches tiers: machine code that is made while the program runs takes over from the interpreter, function by
    /// function and at loop headers (on-stack replacement).
    ///
    /// # Errors
    /// As [`Self::attach`].
    pub fn attach_tiers(&mut self, tiers: impl Into<Ref<'a, dyn Tiers<S> + 'a>>) -> Result<(), AttachError> {
        let tiers = tiers.into();
        self.check_code(tiers.is_for(&self.program), tiers.options())?;
        self.put_back();
        self.last_entry = LastEntry::NOTHING;
        self.tiers = Some(tiers);
        self.native = None;
        self.native_address = 0;
        Ok(())
    }

    /// Attaches machine code of loops, in addition to that of the functions ([`Self::attach`]): it takes over from the
    /// interpreter when that continues a suspended call, at the next loop headers (on-stack replacement).
    ///
    /// # Errors
    /// As [`Self::attach`].
    pub fn attach_loops(&mut self, loops: impl Into<Ref<'a, dyn Tiers<S> + 'a>>) -> Result<(), AttachError> {
        let loops = loops.into();
        self.check_code(loops.is_for(&self.program), loops.options())?;
        self.put_back();
        self.tiers = Some(loops);
        Ok(())
    }

    /// Checks that the instance can use machine code with these options.
    fn check_code(&self, is_for_this: bool, options: CompileOptions) -> Result<(), AttachError> {
        if !is_for_this {
            return Err(AttachError::Program);
        }
        if self.host.own.metered && !options.fuel {
            return Err(AttachError::Fuel);
        }
        if self.interrupt.is_some() && !options.interrupt {
            return Err(AttachError::Interrupt);
        }
        Ok(())
    }

    /// Returns whether this machine code is attached.
    #[inline]
    pub fn runs<N: NativeCode<S> + ?Sized>(&self, native: &N) -> bool {
        self.native_address == address(native)
    }

    /// Returns the attached machine code, if there is any.
    pub fn native_code(&self) -> Option<&CodeInfo> {
        self.native.as_deref().map(NativeCode::code)
    }

    /// Returns whether tiers are attached.
    pub fn has_tiers(&self) -> bool {
        self.tiers.is_some() && self.native.is_none()
    }
}

/// Returns the address of `it`.
fn address<T: ?Sized>(it: &T) -> usize {
    core::ptr::from_ref(it).addr()
}
