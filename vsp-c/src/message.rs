//! Texts of errors, in memory of the caller.
#![allow(unsafe_code, reason = "one of the files that access memory of C")]

use core::ffi::c_char;
use core::fmt::Display;

use crate::pointer::Out;
use crate::status::{Result, Status};

/// Room for a text: `vsp_message`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Message {
    text: *mut c_char,
    room: usize,
    length: usize,
}

/// A message that the caller of a function may want to have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted(Out<Message>);

impl Wanted {
    /// Takes the message of C, which can be null, and empties it.
    ///
    /// # Safety
    /// If neither the message nor its text are null, the text has as much room as it says, for as long as the result is
    /// used.
    pub(crate) unsafe fn new(message: Out<Message>) -> Result<Wanted> {
        let wanted = Wanted(message.optional()?);
        if let Some(it) = message.current() {
            if it.text.is_null() && it.room > 0 {
                return Err(Status::E_ARGUMENT);
            }
            wanted.write(it, 0, &[]);
            message.set(Message { length: 0, ..it });
        }
        Ok(wanted)
    }

    /// Stores bytes of the text, as far as there is room for them and the zero at the end.
    fn write(self, to: Message, at: usize, bytes: &[u8]) {
        let Some(room) = to.room.checked_sub(at + 1) else { return };
        let count = bytes.len().min(room);
        // SAFETY: at + count + 1 bytes are inside the room, which is the promise of `new`.
        unsafe {
            let start = to.text.add(at).cast::<u8>();
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), start, count);
            start.add(count).write(0);
        }
    }

    /// Stores the text of an error.
    #[cfg(feature = "messages")]
    pub(crate) fn say(self, text: impl Display) {
        struct Writer(Wanted, Message);
        impl core::fmt::Write for Writer {
            fn write_str(&mut self, text: &str) -> core::fmt::Result {
                self.0.write(self.1, self.1.length, text.as_bytes());
                self.1.length += text.len();
                Ok(())
            }
        }
        let Some(empty) = self.0.current() else { return };
        let mut writer = Writer(self, empty);
        // An error of Display has written a part.
        let _ = core::fmt::write(&mut writer, format_args!("{text}"));
        self.0.set(writer.1);
    }

    /// Does nothing: this build has no texts.
    #[cfg(not(feature = "messages"))]
    pub(crate) fn say(self, _: impl Display) {
        let _ = self.0;
    }

    /// Returns a function that stores the text of an error and gives its status.
    pub(crate) fn refused<E: Display>(self) -> impl FnOnce(E) -> Status
    where
        for<'e> &'e E: Into<Status>,
    {
        move |error| {
            let status = (&error).into();
            self.say(error);
            status
        }
    }
}
