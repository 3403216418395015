//! The debug names of functions.

use alloc::string::String;
use core::fmt::{self, Write};

use rustc_demangle::try_demangle;

/// The largest length of a name in bytes; a longer one is cut.
const MAX_NAME: usize = 255;

/// Returns the name for a function whose name in the module is this one. Rust's compiler leaves symbols mangled, and
/// other linkers do not.
pub(crate) fn debug_name(name: &str) -> String {
    let mut out = Limited(String::new());
    // An error says that it was cut.
    let _ = match try_demangle(name) {
        Ok(path) => write!(out, "{path:#}"),
        Err(_) => out.write_str(name),
    };
    out.0
}

/// A text that ends at the largest length.
struct Limited(String);

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_NAME - self.0.len();
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn symbols_of_rust_are_demangled() {
        for (name, expected) in [
            ("main", "main"),
            ("a b", "a b"),
            // The two manglings of Rust, from its RFC 2603 and from a program.
            ("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"),
            ("_ZN7average5steps17haa48bfe25f2466bfE", "average::steps"),
            // C++ has another grammar: f(int).
            ("_Z1fi", "_Z1fi"),
            ("_ZN", "_ZN"),
            ("_R", "_R"),
        ] {
            assert_eq!(debug_name(name), expected);
        }
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(debug_name(&"a".repeat(255)), "a".repeat(255));
        assert_eq!(debug_name(&"a".repeat(256)), "a".repeat(255));
        // A character has two bytes.
        assert_eq!(debug_name(&"ä".repeat(128)), "ä".repeat(127));
        let long = "a".repeat(300);
        assert_eq!(debug_name(&format!("_ZN300{long}1bE")), "a".repeat(255));
    }

    #[test]
    fn exponential_symbols_take_no_time() {
        // Each tuple has the one before it twice.
        let mut name = String::from("_RIC1aTuuE");
        let mut before = 4;
        for _ in 0..60 {
            let here = name.len() - 2;
            write!(name, "TB{0}_B{0}_E", base_62(before)).unwrap();
            before = here;
        }
        name.push('E');
        let shown = debug_name(&name);
        assert!(shown.starts_with("a::<((), ()), (((), ()), ((), ())), ((((), ()), "), "{shown}");
        assert_eq!(shown.len(), MAX_NAME);
    }

    /// Writes a number as symbols do: those from 1 on as one less.
    fn base_62(number: usize) -> String {
        const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut rest = number - 1;
        let mut digits = String::new();
        loop {
            digits.insert(0, char::from(DIGITS[rest % 62]));
            rest /= 62;
            if rest == 0 {
                return digits;
            }
        }
    }
}
