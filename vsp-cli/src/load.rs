//! Loading of programs from files: `.silc`, `.sil` texts, which are assembled, or WebAssembly, which is translated.

use std::io;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;

use vsp_core::program::{Program, ReadError};
use vsp_core::text::{AssemblyErrors, assemble};
use vsp_core::verify::{Verified, VerifyErrors};

/// An error of loading a program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LoadError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The file is neither a program nor a text.
    #[error("{}: neither a .silc program (it does not start with \"SILC\") nor a .sil text (invalid UTF-8 at byte {offset})", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The offset of the first byte that is not text.
        offset: usize,
    },
    /// The file is a program, where a text is needed.
    #[error("{}: this is a .silc program, not a .sil text; `vsp dis` disassembles it", path.display())]
    IsProgram {
        /// The file.
        path: PathBuf,
    },
    /// The file is a code object, where a program or its text is needed.
    #[error("{}: this is a code object, not a program; run it with `vsp run PROGRAM --code`", path.display())]
    IsCode {
        /// The file.
        path: PathBuf,
    },
    /// The module cannot be translated.
    #[cfg(feature = "wasm")]
    #[error("{}: {error}", path.display())]
    Wasm {
        /// The file.
        path: PathBuf,
        /// The error.
        error: String,
    },
    /// The file is a module, where a text is needed.
    #[error("{}: this is WebAssembly, {}", path.display(), NOT_A_TEXT)]
    IsWasm {
        /// The file.
        path: PathBuf,
    },
    /// The text has errors.
    #[error("{}: {}", path.display(), errors[0])]
    Text {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: String,
        /// The errors, at least one.
        errors: AssemblyErrors,
    },
    /// The bytes are damaged, or of another format.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error.
        error: ReadError,
    },
    /// The code does not verify.
    #[error("{}: {errors}", loaded.path.display())]
    Verify {
        /// The program.
        loaded: Box<Loaded>,
        /// The errors.
        errors: VerifyErrors,
    },
}

/// What is wrong with WebAssembly where a text is needed, or where it cannot be translated.
const NOT_A_TEXT: &str = if cfg!(feature = "wasm") {
    "not a .sil text"
} else {
    "and this build cannot translate it: it needs the feature `wasm`"
};

/// A program, with the text that it was assembled from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// The file.
    pub(crate) path: PathBuf,
    /// The program.
    pub(crate) program: Program<'static>,
    /// The text, if the file was one.
    pub(crate) text: Option<String>,
}

impl Loaded {
    /// Verifies the program.
    ///
    /// # Errors
    /// The code breaks rules of the verifier.
    pub(crate) fn verify(&self) -> Result<Verified<'static>, LoadError> {
        Verified::new(self.program.clone())
            .map_err(|errors| LoadError::Verify { loaded: Box::new(self.clone()), errors })
    }
}

/// Reads a program from the bytes of a file. A text is assembled, and a module translated.
///
/// # Errors
/// They are not a valid program.
pub(crate) fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Loaded, LoadError> {
    if bytes.starts_with(b"SILC") || path.extension().is_some_and(|extension| extension == "silc") {
        return read(path, bytes, None);
    }
    #[cfg(feature = "wasm")]
    if crate::wasm::is_module(path, &bytes) {
        return match crate::wasm::translate(path, &bytes, &vsp_wasm::Options::default()) {
            Ok(bytes) => read(path, bytes, None),
            Err(error) => Err(LoadError::Wasm { path: path.into(), error }),
        };
    }
    let text = text(path, bytes)?;
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    match assemble(&text, &name) {
        Ok(bytes) => read(path, bytes, Some(text)),
        Err(errors) => Err(LoadError::Text { path: path.into(), text, errors }),
    }
}

/// Returns whether the bytes of a file are a code object, or meant to be one.
pub(crate) fn is_code(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SILN")
}

/// Decodes the bytes of a file as text.
///
/// # Errors
/// They are not a text.
pub(crate) fn text(path: &Path, bytes: Vec<u8>) -> Result<String, LoadError> {
    let not_text = |error: FromUtf8Error| LoadError::NotText {
        path: path.into(),
        offset: error.utf8_error().valid_up_to(),
    };
    if bytes.starts_with(b"SILC") {
        return Err(LoadError::IsProgram { path: path.into() });
    }
    if is_code(&bytes) {
        return Err(LoadError::IsCode { path: path.into() });
    }
    if bytes.starts_with(b"\0asm") {
        return Err(LoadError::IsWasm { path: path.into() });
    }
    String::from_utf8(bytes).map_err(not_text)
}

/// Reads a program from the bytes of a `.silc` file.
///
/// # Errors
/// They are not a valid program.
pub(crate) fn read(path: &Path, bytes: Vec<u8>, text: Option<String>) -> Result<Loaded, LoadError> {
    match Program::read(Arc::<[u8]>::from(bytes)) {
        Ok(program) => Ok(Loaded { path: path.into(), program, text }),
        Err(error) => Err(LoadError::Read { path: path.into(), error }),
    }
}
