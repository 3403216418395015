//! The interface of a program: the value types of its imports and exports, which translators store in a custom section.
//!
//! A program has only the numbers of parameters and results. A translator from a typed language can add their types:
//! [`Instance::typed`](crate::Instance::typed) then compares Rust types with them. `vsp-wasm` writes the section.
//!
//! All numbers are u32, little-endian. A string is its length and its bytes in UTF-8.
//!
//! ```text
//! section  version (a byte), translator (string), 1 and the name of the start function (string) or 0 (a byte),
//!          first global of parameters, first global of results,
//!          number of exports, for each: name (string), item
//!          number of imports, for each: module (string), name (string), item
//! item     0, types of the parameters, types of the results    a function
//!          1, number, type (a byte), whether mutable (a byte)  a global
//!          2                                                   the memory
//!          3                                                   a table
//! types    their number, for each a byte: 0 i32, 1 i64, 2 f32, 3 f64, 4 funcref, 5 externref
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display};

use crate::program::Program;

/// The name of the custom section.
pub const SECTION: &str = "vsp.wasm";

/// The version of the section's layout.
pub const VERSION: u8 = 1;

/// The type of a value, named as in WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// A 32-bit integer; in a register it is zero-extended.
    I32,
    /// A 64-bit integer.
    I64,
    /// A binary32: a register contains its bits, zero-extended.
    F32,
    /// A binary64: a register contains its bits.
    F64,
    /// A reference to a function: 0 is null, else the number of the function and 1.
    FuncRef,
    /// A reference of the host: 0 is null, else what the host chooses.
    ExternRef,
}

/// The types with their names. Positions are the numbers in the section.
const TYPES: [(Type, &str); 6] = [
    (Type::I32, "i32"),
    (Type::I64, "i64"),
    (Type::F32, "f32"),
    (Type::F64, "f64"),
    (Type::FuncRef, "funcref"),
    (Type::ExternRef, "externref"),
];

impl Type {
    /// Returns the number of the type in the section.
    pub fn number(self) -> u8 {
        TYPES.iter().position(|(known, _)| *known == self).unwrap_or(0) as u8
    }
}

impl Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TYPES[usize::from(self.number())].1)
    }
}

/// Returns a display of the type of a function: `(i32, f64) -> i32`, with `()` for no results and parentheses around
/// several.
pub fn signature<T: Display>(params: &[T], results: &[T]) -> impl Display {
    fmt::from_fn(move |f| {
        write_list(f, params)?;
        f.write_str(" -> ")?;
        match results {
            [one] => one.fmt(f),
            several => write_list(f, several),
        }
    })
}

fn write_list<T: Display>(f: &mut fmt::Formatter<'_>, types: &[T]) -> fmt::Result {
    f.write_str("(")?;
    for (index, ty) in types.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        ty.fmt(f)?;
    }
    f.write_str(")")
}

/// The type of an import or export.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemType {
    /// A function, exported by the program under the same name.
    Function {
        /// The types of its parameters.
        params: Vec<Type>,
        /// The types of its results.
        results: Vec<Type>,
    },
    /// A global.
    Global {
        /// Its number in the program.
        number: u32,
        /// Its type.
        ty: Type,
        /// Whether it can be written.
        mutable: bool,
    },
    /// The memory.
    Memory,
    /// A table.
    Table,
}

/// An import of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The name of the module that it is imported from.
    pub module: String,
    /// Its name there.
    pub name: String,
    /// Its type.
    pub ty: ItemType,
}

/// The imports and exports of the module that a program was translated from, with their types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exports {
    /// The version of the translator. Another one may give programs that need other amounts of fuel.
    pub translator: String,
    /// The name under which the program exports the module's start function. The host calls it once, before all else.
    pub start: Option<String>,
    /// The exports with their names, in the order of the module.
    pub exports: Vec<(String, ItemType)>,
    /// The imports, in the order of functions, globals, memories and tables.
    pub imports: Vec<Import>,
    /// The number of the global for the ninth parameter of a function; the next ones follow. The host writes them
    /// before it calls such a function.
    pub extra_params: u32,
    /// The number of the global for the fifth result of a function; the next ones follow.
    pub extra_results: u32,
}

impl Exports {
    /// Reads the section. Returns `None` if the program has none, or one of another version.
    pub fn read(program: &Program<'_>) -> Option<Exports> {
        let mut reader = Reader(section(program)?);
        let head = reader.head()?;
        let mut exports = Vec::new();
        for _ in 0..reader.number()? {
            exports.push((reader.string()?.into(), reader.item()?.into_type()));
        }
        let mut imports = Vec::new();
        for _ in 0..reader.number()? {
            let (module, name) = (reader.string()?.into(), reader.string()?.into());
            imports.push(Import { module, name, ty: reader.item()?.into_type() });
        }
        Some(Exports {
            translator: head.translator.into(),
            start: head.start.map(String::from),
            exports,
            imports,
            extra_params: head.extra_params,
            extra_results: head.extra_results,
        })
    }

    /// Returns the types of the parameters and results of an exported function.
    pub fn function(&self, name: &str) -> Option<(&[Type], &[Type])> {
        match self.exports.iter().find(|(known, _)| known == name) {
            Some((_, ItemType::Function { params, results })) => Some((params, results)),
            _ => None,
        }
    }
}

/// Returns the types of the parameters and results of an exported function, if the program has them.
pub(crate) fn exported_function(program: &Program<'_>, name: &str) -> Option<(Vec<Type>, Vec<Type>)> {
    let mut reader = Reader(section(program)?);
    reader.head()?;
    for _ in 0..reader.number()? {
        let found = reader.string()? == name;
        match reader.item()? {
            Item::Function { params, results } if found => return Some((types(params), types(results))),
            _ => {}
        }
    }
    None
}

fn section<'p>(program: &'p Program<'_>) -> Option<&'p [u8]> {
    program.customs().find(|custom| custom.name == SECTION).map(|custom| custom.bytes)
}

/// Returns the types with these numbers, which [`Reader::types`] has checked.
fn types(numbers: &[u8]) -> Vec<Type> {
    numbers.iter().filter_map(|number| TYPES.get(usize::from(*number))).map(|(ty, _)| *ty).collect()
}

/// The fields before the exports.
struct Head<'b> {
    translator: &'b str,
    start: Option<&'b str>,
    extra_params: u32,
    extra_results: u32,
}

/// An item whose types are numbers in the section.
enum Item<'b> {
    Function { params: &'b [u8], results: &'b [u8] },
    Other(ItemType),
}

impl Item<'_> {
    fn into_type(self) -> ItemType {
        match self {
            Item::Function { params, results } => {
                ItemType::Function { params: types(params), results: types(results) }
            }
            Item::Other(ty) => ty,
        }
    }
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*first))
    }

    /// Returns bytes that come after their number.
    fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.number()? as usize;
        let (first, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(first)
    }

    fn string(&mut self) -> Option<&'b str> {
        core::str::from_utf8(self.bytes()?).ok()
    }

    fn types(&mut self) -> Option<&'b [u8]> {
        self.bytes().filter(|numbers| numbers.iter().all(|number| usize::from(*number) < TYPES.len()))
    }

    fn head(&mut self) -> Option<Head<'b>> {
        if self.byte()? != VERSION {
            return None;
        }
        let translator = self.string()?;
        let start = if self.byte()? == 1 { Some(self.string()?) } else { None };
        Some(Head { translator, start, extra_params: self.number()?, extra_results: self.number()? })
    }

    fn item(&mut self) -> Option<Item<'b>> {
        Some(match self.byte()? {
            0 => Item::Function { params: self.types()?, results: self.types()? },
            1 => {
                let (number, ty) = (self.number()?, self.byte()?);
                let (ty, _) = TYPES.get(usize::from(ty))?;
                Item::Other(ItemType::Global { number, ty: *ty, mutable: self.byte()? != 0 })
            }
            2 => Item::Other(ItemType::Memory),
            3 => Item::Other(ItemType::Table),
            _ => return None,
        })
    }
}
