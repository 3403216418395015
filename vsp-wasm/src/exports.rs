//! Writing the interface of a program: the types of the module's imports and exports.

use alloc::string::String;
use alloc::vec::Vec;

use vsp_core::interface::{Type, VERSION};

use crate::layout::Layout;
use crate::module::{Item, Module, Signature};

/// Returns a type of the module as a type of the program's interface.
fn value_type(ty: wasmparser::ValType) -> Type {
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
        self.0.push(value_type(ty).number());
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
