//! The error of a translation.

use alloc::format;
use alloc::string::String;

use wasmparser::WasmFeatures;

/// The error of a module that cannot be translated: where it is, and what was expected.
///
/// ```
/// let error = vsp_wasm::translate(b"\0asm\x02\0\0\0", &vsp_wasm::Options::default()).err().ok_or("no error")?;
/// assert_eq!(error.kind(), vsp_wasm::ErrorKind::Invalid);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    offset: Option<u64>,
    function: Option<(u32, String)>,
    message: String,
}

/// The kinds of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a valid WebAssembly module.
    Invalid,
    /// The module uses a feature of WebAssembly that is not translated.
    Unsupported,
    /// The module exceeds a limit of VSP or of the translator.
    Limit,
    /// The module would trap when it is instantiated: an active segment does not fit its memory or table.
    Instantiation,
    /// The memory cannot have the size that the options choose.
    MemorySize,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, offset: None, function: None, message: message.into() }
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unsupported, message)
    }

    pub(crate) fn limit(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Limit, message)
    }

    pub(crate) fn instantiation(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Instantiation, message)
    }

    /// Returns the error for something that validation has excluded.
    pub(crate) fn internal(message: &str) -> Error {
        Error::new(ErrorKind::Invalid, format!("the translator expected {message}"))
    }

    pub(crate) fn at(mut self, offset: u64) -> Error {
        self.offset.get_or_insert(offset);
        self
    }

    pub(crate) fn in_function(mut self, index: u32, name: Option<&str>) -> Error {
        self.function.get_or_insert_with(|| (index, name.unwrap_or_default().into()));
        self
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the offset in the module's bytes, if the error has one.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// Returns the index of the function in the module's function index space, if the error is in a function.
    pub fn function(&self) -> Option<u32> {
        self.function.as_ref().map(|(index, _)| *index)
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if let Some((index, name)) = &self.function {
            write!(f, "function {index}")?;
            if !name.is_empty() {
                write!(f, " \"{}\"", vsp_core::Excerpt(name))?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)?;
        match self.offset {
            Some(offset) => write!(f, " (at offset 0x{offset:x})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Error {}

impl From<wasmparser::Error> for Error {
    fn from(error: wasmparser::Error) -> Error {
        let missing = match error.message() {
            "multiple memories" => Some(WasmFeatures::MULTI_MEMORY),
            // The parser is built without these instructions.
            message if message.starts_with("unexpected SIMD opcode") => Some(WasmFeatures::SIMD),
            _ => error.missing_wasm_feature(),
        };
        let refused = missing.and_then(describe);
        let new = match refused {
            Some(message) => Error::unsupported(message),
            None => Error::new(ErrorKind::Invalid, error.message()),
        };
        new.at(error.offset())
    }
}

impl From<vsp_core::program::BuildError> for Error {
    fn from(error: vsp_core::program::BuildError) -> Error {
        Error::limit(format!("the module does not fit the format of VSP programs: {error}"))
    }
}

impl From<vsp_core::isa::EncodeError> for Error {
    fn from(error: vsp_core::isa::EncodeError) -> Error {
        Error::limit(format!("an instruction cannot be encoded: {error}"))
    }
}

/// Features that are refused: what they are, and how compilers leave them out.
const REFUSED: &[(WasmFeatures, &str, &str, &str)] = &[
    (WasmFeatures::SIMD, "SIMD", "-simd128", "-mno-simd128"),
    (WasmFeatures::RELAXED_SIMD, "relaxed SIMD", "-relaxed-simd", "-mno-relaxed-simd"),
    (WasmFeatures::THREADS, "threads", "-atomics", "-mno-atomics"),
    (WasmFeatures::EXCEPTIONS, "exception handling", "-exception-handling", "-fno-exceptions"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "exception handling", "-exception-handling", "-fno-exceptions"),
    (WasmFeatures::MULTI_MEMORY, "multiple memories", "-multimemory", "-mno-multimemory"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic", "-wide-arithmetic", "-mno-wide-arithmetic"),
    (WasmFeatures::GC, "garbage collection", "-gc", "-mno-gc"),
];

/// Returns the message for a feature that is refused, or `None` if its name says nothing to users.
fn describe(missing: WasmFeatures) -> Option<String> {
    if missing.intersects(WasmFeatures::MEMORY64) {
        return Some(
            "64-bit memories are not supported: compile for wasm32 (`--target wasm32-wasip1` or `--target=wasm32`)"
                .into(),
        );
    }
    let (_, name, rustc, clang) = REFUSED.iter().find(|(feature, ..)| missing.intersects(*feature))?;
    Some(format!(
        "{name} is not supported: switch it off with `-C target-feature={rustc}` (rustc) or `{clang}` (clang)"
    ))
}
