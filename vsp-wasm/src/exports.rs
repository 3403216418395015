//! The custom section `vsp.wasm`: what a host has to know of the module to call the program with typed arguments.

use alloc::string::String;
use alloc::vec::Vec;

use vsp_core::program::Program;

use crate::layout::Layout;
use crate::module::{Item, Module, Signature};

/// The name of the custom section.
pub(crate) const SECTION: &str = "vsp.wasm";

/// The version of the section's layout.
const VERSION: u8 = 1;

/// A type of WebAssembly.
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

const TYPES: [(Type, &str); 6] = [
    (Type::I32, "i32"),
    (Type::I64, "i64"),
    (Type::F32, "f32"),
    (Type::F64, "f64"),
    (Type::FuncRef, "funcref"),
    (Type::ExternRef, "externref"),
];

impl core::fmt::Display for Type {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let name = TYPES.iter().find(|(ty, _)| ty == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl From<wasmparser::ValType> for Type {
    fn from(ty: wasmparser::ValType) -> Type {
        use wasmparser::ValType as V;
        match ty {
            V::I32 => Type::I32,
            V::F32 => Type::F32,
            V::F64 => Type::F64,
            V::Ref(ty) if ty.is_extern_ref() => Type::ExternRef,
            V::Ref(_) => Type::FuncRef,
            V::I64 | V::V128 => Type::I64,
        }
    }
}

/// What an import or export is.
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
    /// What it is.
    pub ty: ItemType,
}

/// What the module of a translated program imports and exports, with types of WebAssembly.
///
/// ```
/// use vsp_core::program::Program;
///
/// let text = r#"(module (func (export "half") (param f32) (result f32) (f32.mul (local.get 0) (f32.const 0.5))))"#;
/// let bytes = vsp_wasm::translate(&wat::parse_str(text)?, &vsp_wasm::Options::default())?;
/// let exports = vsp_wasm::Exports::read(&Program::read(&bytes[..])?).ok_or("not translated")?;
/// let (params, results) = exports.function("half").ok_or("no function")?;
/// assert_eq!((params, results), (&[vsp_wasm::Type::F32][..], &[vsp_wasm::Type::F32][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
        let section = program.customs().find(|custom| custom.name == SECTION)?;
        let mut reader = Reader(section.bytes);
        if reader.byte()? != VERSION {
            return None;
        }
        let translator = reader.string()?;
        let start = if reader.byte()? == 1 { Some(reader.string()?) } else { None };
        let (extra_params, extra_results) = (reader.number()?, reader.number()?);
        let mut exports = Vec::new();
        for _ in 0..reader.number()? {
            exports.push((reader.string()?, reader.item()?));
        }
        let mut imports = Vec::new();
        for _ in 0..reader.number()? {
            imports.push(Import { module: reader.string()?, name: reader.string()?, ty: reader.item()? });
        }
        Some(Exports { translator, start, exports, imports, extra_params, extra_results })
    }

    /// Returns the types of the parameters and results of an exported function.
    pub fn function(&self, name: &str) -> Option<(&[Type], &[Type])> {
        match self.exports.iter().find(|(known, _)| known == name) {
            Some((_, ItemType::Function { params, results })) => Some((params, results)),
            _ => None,
        }
    }
}

/// Returns the bytes of the section.
pub(crate) fn write(module: &Module<'_>, layout: &Layout, start: Option<String>) -> Vec<u8> {
    let mut out = Writer(alloc::vec![VERSION]);
    out.string(env!("CARGO_PKG_VERSION"));
    out.0.push(u8::from(start.is_some()));
    if let Some(start) = start {
        out.string(&start);
    }
    out.number(layout.extra_param(vsp_core::limits::MAX_PARAMS) as u32);
    out.number(layout.extra_result(vsp_core::limits::MAX_RESULTS) as u32);
    out.number(module.exports.len() as u32);
    for (name, item) in &module.exports {
        out.string(name);
        out.item(module, *item);
    }
    let functions = (0..).zip(&module.imports).map(|(index, name)| (*name, Item::Function(index)));
    let globals = (0..).zip(&module.globals);
    let globals = globals.filter_map(|(index, global)| Some((global.import?, Item::Global(index))));
    let imports: Vec<_> = functions.chain(globals).chain(module.other_imports.iter().copied()).collect();
    out.number(imports.len() as u32);
    for ((module_name, name), item) in imports {
        out.string(module_name);
        out.string(name);
        out.item(module, item);
    }
    out.0
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn string(&mut self, string: &str) {
        self.number(string.len() as u32);
        self.0.extend_from_slice(string.as_bytes());
    }

    fn types(&mut self, types: &[wasmparser::ValType]) {
        self.number(types.len() as u32);
        types.iter().for_each(|ty| self.ty(*ty));
    }

    fn ty(&mut self, ty: wasmparser::ValType) {
        let ty = Type::from(ty);
        self.0.push(TYPES.iter().position(|(known, _)| *known == ty).unwrap_or(0) as u8);
    }

    fn item(&mut self, module: &Module<'_>, item: Item) {
        match item {
            Item::Function(index) => {
                self.0.push(0);
                let none = Signature::default();
                let signature = module.signature(index).unwrap_or(&none);
                self.types(&signature.params);
                self.types(&signature.results);
            }
            Item::Global(index) => {
                self.0.push(1);
                self.number(index);
                let global = module.globals.get(index as usize);
                self.ty(global.map_or(wasmparser::ValType::I32, |global| global.ty));
                self.0.push(u8::from(global.is_some_and(|global| global.mutable)));
            }
            Item::Memory => self.0.push(2),
            Item::Table(_) => self.0.push(3),
        }
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
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

    fn string(&mut self) -> Option<String> {
        let length = self.number()? as usize;
        let (first, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(core::str::from_utf8(first).ok()?.into())
    }

    fn ty(&mut self) -> Option<Type> {
        TYPES.get(usize::from(self.byte()?)).map(|(ty, _)| *ty)
    }

    fn types(&mut self) -> Option<Vec<Type>> {
        let mut types = Vec::new();
        for _ in 0..self.number()? {
            types.push(self.ty()?);
        }
        Some(types)
    }

    fn item(&mut self) -> Option<ItemType> {
        Some(match self.byte()? {
            0 => ItemType::Function { params: self.types()?, results: self.types()? },
            1 => ItemType::Global { number: self.number()?, ty: self.ty()?, mutable: self.byte()? != 0 },
            2 => ItemType::Memory,
            3 => ItemType::Table,
            _ => return None,
        })
    }
}
