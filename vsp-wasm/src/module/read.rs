//! Reading and validating a module, section by section.

use alloc::format;
use alloc::vec::Vec;

use wasmparser::{
    CustomSectionReader, DataKind, ElementItems, ElementKind, ExternalKind, FuncToValidate,
    FuncValidatorAllocations, FunctionBody, KnownCustom, Name, Operator, Parser, Payload, TableInit, TypeRef,
    ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

use vsp_core::Excerpt;

use super::constant::evaluate;
use super::{Constant, Data, Elements, Global, Item, Memory, Module, Placement, Signature, Table, Usage};
use crate::error::Error;
use crate::options::{Options, Size};

/// The features of WebAssembly that are translated.
const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::CUSTOM_PAGE_SIZES);

/// Reads and validates a module.
pub(crate) fn read<'a>(bytes: &'a [u8], options: &Options) -> Result<Module<'a>, Error> {
    let mut reader =
        Reader { module: Module::default(), options, allocations: FuncValidatorAllocations::default() };
    if Parser::is_component(bytes) {
        let message = "this is a component, and not a module: compile for wasm32-wasip1, which makes modules";
        return Err(Error::unsupported(message));
    }
    let mut validator = Validator::new_with_features(FEATURES);
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        match validator.payload(&payload)? {
            ValidPayload::Func(function, body) => reader.body(function, body)?,
            _ => reader.section(payload)?,
        }
    }
    Ok(reader.module)
}

struct Reader<'a, 'o> {
    module: Module<'a>,
    options: &'o Options,
    allocations: FuncValidatorAllocations,
}

impl<'a> Reader<'a, '_> {
    fn section(&mut self, payload: Payload<'a>) -> Result<(), Error> {
        let module = &mut self.module;
        match payload {
            Payload::TypeSection(types) => {
                for ty in types.into_iter_err_on_gc_types() {
                    let ty = ty?;
                    module.types.push(Signature { params: ty.params().into(), results: ty.results().into() });
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    self.import(import?)?;
                }
            }
            Payload::FunctionSection(functions) => {
                for ty in functions {
                    module.functions.push(ty?);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    let table = table?;
                    let initial = match table.init {
                        TableInit::RefNull => Constant::Null,
                        TableInit::Expr(expression) => evaluate(&expression, &module.globals)?,
                    };
                    module.tables.push(new_table(table.ty, initial));
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    module.memory = Some(new_memory(memory?));
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let global = global?;
                    let initial = evaluate(&global.init_expr, &module.globals)?;
                    let (ty, mutable) = (global.ty.content_type, global.ty.mutable);
                    module.globals.push(Global { ty, mutable, initial, import: None });
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    let item = match export.kind {
                        ExternalKind::Func | ExternalKind::FuncExact => Item::Function(export.index),
                        ExternalKind::Table => Item::Table(export.index),
                        ExternalKind::Memory => Item::Memory,
                        ExternalKind::Global => Item::Global(export.index),
                        ExternalKind::Tag => {
                            return Err(Error::unsupported("exception handling is not supported"));
                        }
                    };
                    if let Item::Function(index) = item {
                        module.usage.exported.insert(index);
                    }
                    module.exports.push((export.name, item));
                }
            }
            Payload::StartSection { func, .. } => module.start = Some(func),
            Payload::ElementSection(elements) => {
                for element in elements {
                    self.elements(element?)?;
                }
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    let segment = segment?;
                    let placement = match segment.kind {
                        DataKind::Passive => Placement::Passive,
                        DataKind::Active { memory_index, offset_expr } => Placement::Active {
                            index: memory_index,
                            offset: offset(evaluate(&offset_expr, &module.globals)?)?,
                        },
                    };
                    module.data.push(Data { placement, bytes: segment.data });
                }
            }
            Payload::CodeSectionStart { unchecked_range, .. } => module.code = unchecked_range,
            Payload::CustomSection(section) => {
                read_names(module, &section);
                if self.options.lines {
                    module.dwarf.add(section.name(), section.data());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'a>) -> Result<(), Error> {
        let module = &mut self.module;
        match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                module.functions.push(ty);
                module.imports.push((import.module, import.name));
            }
            TypeRef::Table(ty) => {
                let item = Item::Table(module.tables.len() as u32);
                module.other_imports.push(((import.module, import.name), item));
                let mut table = new_table(ty, Constant::Null);
                if let Some(given) = self.options.imported_table(import.module, import.name) {
                    let wanted = Size { minimum: ty.initial, maximum: ty.maximum };
                    check_size(&import, "elements", given, wanted)?;
                    table.minimum = u32::try_from(given.minimum).unwrap_or(u32::MAX);
                    table.maximum = given.maximum.map(|maximum| u32::try_from(maximum).unwrap_or(u32::MAX));
                }
                module.tables.push(table);
            }
            TypeRef::Memory(ty) => {
                module.other_imports.push(((import.module, import.name), Item::Memory));
                let mut memory = new_memory(ty);
                if let Some(given) = self.options.imported_memory(import.module, import.name) {
                    let wanted = Size { minimum: memory.minimum, maximum: memory.maximum };
                    check_size(&import, "pages", given, wanted)?;
                    (memory.minimum, memory.maximum) = (given.minimum, given.maximum);
                }
                module.memory = Some(memory);
            }
            TypeRef::Global(ty) => {
                let bits = self.options.global_value(import.module, import.name);
                let initial = match ty.content_type {
                    wasmparser::ValType::Ref(_) => Constant::Null,
                    ty if super::is_32_bits(ty) => Constant::Bits(bits & 0xFFFF_FFFF),
                    _ => Constant::Bits(bits),
                };
                module.globals.push(Global {
                    ty: ty.content_type,
                    mutable: ty.mutable,
                    initial,
                    import: Some((import.module, import.name)),
                });
            }
            TypeRef::Tag(_) => return Err(Error::unsupported("exception handling is not supported")),
        }
        Ok(())
    }

    fn elements(&mut self, element: wasmparser::Element<'a>) -> Result<(), Error> {
        let module = &mut self.module;
        let mut items = Vec::new();
        match element.items {
            ElementItems::Functions(functions) => {
                for function in functions {
                    items.push(Constant::Function(function?));
                }
            }
            ElementItems::Expressions(_, expressions) => {
                for expression in expressions {
                    items.push(evaluate(&expression?, &module.globals)?);
                }
            }
        }
        let placement = match element.kind {
            ElementKind::Passive => Placement::Passive,
            ElementKind::Declared => Placement::Declared,
            ElementKind::Active { table_index, offset_expr } => Placement::Active {
                index: table_index.unwrap_or(0),
                offset: offset(evaluate(&offset_expr, &module.globals)?)?,
            },
        };
        module.elements.push(Elements { placement, items });
        Ok(())
    }

    fn body(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: FunctionBody<'a>,
    ) -> Result<(), Error> {
        let index = function.index;
        let allocations = core::mem::take(&mut self.allocations);
        let mut validator = function.into_validator(allocations);
        let usage = &mut self.module.usage;
        let mut validate = || -> Result<(), Error> {
            let mut reader = body.get_binary_reader();
            validator.read_locals(&mut reader)?;
            reader.set_features(FEATURES);
            let mut operators = wasmparser::OperatorsReader::new(reader);
            while !operators.eof() {
                let (operator, offset) = operators.read_with_offset()?;
                validator.op(offset, &operator)?;
                note(usage, &operator, index);
            }
            Ok(operators.finish()?)
        };
        validate().map_err(|error| error.in_function(index, None))?;
        self.allocations = validator.into_allocations();
        self.module.bodies.push(body);
        Ok(())
    }
}

/// Notes what an operator of a function uses.
fn note(usage: &mut Usage, operator: &Operator<'_>, function: u32) {
    let mark = |list: &mut Vec<bool>, index: u32| {
        let index = index as usize;
        if list.len() <= index {
            list.resize(index + 1, false);
        }
        list[index] = true;
    };
    match *operator {
        Operator::MemoryGrow { .. } => _ = usage.grows.get_or_insert(function),
        Operator::MemorySize { .. } => _ = usage.asks_size.get_or_insert(function),
        Operator::ReturnCall { function_index } if function_index == function => {
            usage.self_calls.insert(function);
        }
        Operator::CallIndirect { .. } | Operator::ReturnCallIndirect { .. } => usage.calls_indirect = true,
        Operator::MemoryInit { data_index, .. } | Operator::DataDrop { data_index } => {
            mark(&mut usage.data, data_index);
        }
        Operator::TableGrow { table } => {
            usage.references = true;
            mark(&mut usage.growing_tables, table);
        }
        Operator::TableInit { elem_index, .. } | Operator::ElemDrop { elem_index } => {
            usage.references = true;
            mark(&mut usage.elements, elem_index);
        }
        Operator::TableGet { .. }
        | Operator::TableSet { .. }
        | Operator::TableFill { .. }
        | Operator::TableCopy { .. }
        | Operator::RefFunc { .. } => usage.references = true,
        _ => {}
    }
}

/// Reads the names of functions. A name section with errors is a custom section with other contents.
fn read_names<'a>(module: &mut Module<'a>, section: &CustomSectionReader<'a>) {
    let KnownCustom::Name(subsections) = section.as_known() else { return };
    for subsection in subsections {
        let Ok(Name::Function(names)) = subsection else { continue };
        for name in names {
            let Ok(name) = name else { break };
            module.names.push((name.index, name.name));
        }
    }
    module.names.sort_by_key(|(index, _)| *index);
    module.names.dedup_by_key(|(index, _)| *index);
}

/// Checks that what the host gives is large enough for an import, and grows no further than the import allows.
fn check_size(import: &wasmparser::Import<'_>, unit: &str, given: Size, wanted: Size) -> Result<(), Error> {
    if given.is_at_least(wanted) {
        return Ok(());
    }
    let show = |size: Size| match size.maximum {
        Some(maximum) => format!("{} to {maximum} {unit}", size.minimum),
        None => format!("{} or more {unit}", size.minimum),
    };
    let (module, name) = (Excerpt(import.module), Excerpt(import.name));
    let message =
        format!("the module imports {module}.{name} with {}, which has {}", show(wanted), show(given));
    Err(Error::instantiation(message))
}

fn new_table(ty: wasmparser::TableType, initial: Constant) -> Table {
    Table {
        element: ty.element_type,
        minimum: u32::try_from(ty.initial).unwrap_or(u32::MAX),
        maximum: ty.maximum.map(|maximum| u32::try_from(maximum).unwrap_or(u32::MAX)),
        initial,
    }
}

fn new_memory(ty: wasmparser::MemoryType) -> Memory {
    Memory { minimum: ty.initial, maximum: ty.maximum, page_log2: ty.page_size_log2.unwrap_or(16) }
}

fn offset(constant: Constant) -> Result<u32, Error> {
    match constant {
        Constant::Bits(bits) => Ok(bits as u32),
        other => Err(Error::internal(&format!("an offset instead of {other:?}"))),
    }
}
