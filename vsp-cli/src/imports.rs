//! Imports of a program that a host cannot resolve.

use vsp_core::program::Program;
use vsp_core::{ImportError, Imports, text};

/// An import that cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) struct UnresolvedImport {
    /// Its number.
    pub(crate) index: u32,
    /// Its module.
    pub(crate) module: String,
    /// Its name.
    pub(crate) name: String,
    /// The error.
    pub(crate) error: ImportError,
    /// The names that the host has in this module.
    pub(crate) known: Vec<String>,
    /// The most similar of them, if one is similar.
    pub(crate) similar: Option<String>,
}

/// Returns all imports of a program that a host does not have, or has with another type.
pub(crate) fn unresolved_imports<S>(program: &Program<'_>, imports: &Imports<S>) -> Vec<UnresolvedImport> {
    let unresolved = |(index, import): (u32, vsp_core::program::Import<'_>)| {
        let (module, name) = (import.module.to_owned(), import.name.to_owned());
        let here = || imports.functions().filter(|(known, ..)| *known == import.module);
        let error = match here().find(|(_, known, _)| *known == import.name) {
            Some((_, _, ty)) if ty == import.ty.without_tag() => return None,
            Some((.., host)) => {
                ImportError::Type { module: module.clone(), name: name.clone(), program: import.ty, host }
            }
            None => ImportError::Missing { module: module.clone(), name: name.clone(), ty: import.ty },
        };
        let similar = match error {
            ImportError::Missing { .. } => text::most_similar(import.name, here().map(|(_, known, _)| known)),
            _ => None,
        };
        let similar = similar.map(str::to_owned);
        let known = here().map(|(_, known, _)| known.to_owned()).collect();
        Some(UnresolvedImport { index, module, name, error, known, similar })
    };
    (0..).zip(program.imports()).filter_map(unresolved).collect()
}
