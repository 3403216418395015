//! From a module to a program: all steps in order.

use alloc::string::String;
use alloc::vec::Vec;

use vsp_core::index::FuncIndex;
use vsp_core::isa::Inst;
use vsp_core::program::{FunctionBuilder, NameKind, ProgramBuilder};

use crate::build::{self, Failure, Mode};
use crate::error::{Error, ErrorKind};
use crate::ir;
use crate::layout::{self, Layout, Source};
use crate::lines::Lines;
use crate::module::{self, Item, Module};
use crate::names::debug_name;
use crate::options::Options;
use crate::{allocate, data, emit, exports, helpers, prepare, select, trap_code};

/// Translates a module to a program, and returns the bytes of its `.silc` file.
///
/// # Errors
/// The module is not valid, uses a feature that is not supported, exceeds a limit, or would trap when it is
/// instantiated.
pub fn translate(module: &[u8], options: &Options) -> Result<Vec<u8>, Error> {
    let module = module::read(module, options)?;
    let layout = Layout::new(&module, options)?;
    let mut lines = Lines::read(&module);
    match program(&module, &layout, &mut lines) {
        // It may fit without them.
        Err(error) if error.kind() == ErrorKind::Limit && !lines.is_empty() => {
            program(&module, &layout, &mut Lines::default())
        }
        done => done,
    }
}

/// Returns the bytes of the program.
fn program(module: &Module<'_>, layout: &Layout, lines: &mut Lines) -> Result<Vec<u8>, Error> {
    let mut program = ProgramBuilder::new();
    program.memory(layout.memory.minimum);
    if layout.memory.maximum != layout.memory.minimum {
        program.memory_maximum(layout.memory.maximum);
    }
    for (index, (name, item)) in module.imports.iter().enumerate() {
        let signature = module.signature(index as u32).ok_or_else(|| Error::internal("a type"))?;
        layout::Packing::of(signature).map_err(|error| error.in_function(index as u32, Some(item)))?;
        program.import(name, item, layout::import_type(signature)?)?;
    }
    for global in &layout.globals {
        program.global(*global);
    }
    for (address, bytes) in data::segments(module, layout.memory.initial)? {
        program.data(address, bytes, None)?;
    }
    for segment in &layout.passive {
        let data = segment.and_then(|index| module.data.get(index as usize));
        program.passive(data.map_or(Vec::new(), |data| data.bytes.into()));
    }
    define_functions(module, layout, &mut program, lines)?;
    for (name, item) in &module.exports {
        if let Item::Function(index) = item {
            program.export(name, FuncIndex(layout.number(*index)?))?;
        }
    }
    let start = match module.start {
        Some(index) => {
            let name = unused_name(module);
            program.export(&name, FuncIndex(layout.number(index)?))?;
            Some(name)
        }
        None => None,
    };
    program.custom(vsp_core::interface::SECTION, exports::write(module, layout, start))?;
    Ok(program.build()?)
}

/// Returns a name for the start function that no export has.
fn unused_name(module: &Module<'_>) -> String {
    let mut name = String::from("wasm:start");
    while module.exports.iter().any(|(known, _)| *known == name) {
        name.push('\'');
    }
    name
}

fn define_functions(
    module: &Module<'_>,
    layout: &Layout,
    program: &mut ProgramBuilder,
    lines: &mut Lines,
) -> Result<(), Error> {
    for number in 0..layout.sources.len() as u32 {
        program.declare(layout.program_type(module, number)?);
    }
    for (number, source) in layout.sources.iter().enumerate() {
        let ty = layout.program_type(module, number as u32)?;
        let code = match *source {
            Source::Body(index) => {
                let name = module.name(index).map(debug_name);
                if let Some(name) = &name {
                    program.name(NameKind::Function, number as u32, name)?;
                }
                let translated = body(module, layout, index).and_then(|function| {
                    let (function, allocated) = lower(&function, layout)?;
                    emit::emit(&function, &allocated, ty, program, lines)
                });
                translated.map_err(|error| error.in_function(index, name.as_deref()))?
            }
            Source::Thunk(index) => {
                let (function, allocated) = lower(&build::thunk(module, layout, index)?, layout)?;
                emit::emit(&function, &allocated, ty, program, lines)?
            }
            Source::Null => {
                let mut code = FunctionBuilder::new(ty);
                code.push(Inst::trap(trap_code::NULL_ELEMENT)?);
                code
            }
            Source::Helper(helper) => helpers::helper(helper, ty)?,
        };
        program.define(FuncIndex(number as u32), code)?;
    }
    Ok(())
}

/// Returns a function of the module in SSA form.
fn body(module: &Module<'_>, layout: &Layout, index: u32) -> Result<ir::Function, Error> {
    let at = index as usize - module.imports.len();
    let body = module.bodies.get(at).ok_or_else(|| Error::internal("code"))?;
    for mode in [Mode::Ssa, Mode::Frugal] {
        match build::build(module, layout, index, body, mode) {
            Ok(function) => return Ok(function),
            Err(Failure::TooComplex) => {}
            Err(Failure::Error(error)) => return Err(error),
        }
    }
    Err(Error::limit("the flow of control is too complex: too many values meet at too many places"))
}

/// Selects instructions and allocates registers.
fn lower(
    function: &ir::Function,
    layout: &Layout,
) -> Result<(crate::machine::Function, allocate::Allocated), Error> {
    let mut function = select::select(function, layout);
    prepare::prepare(&mut function);
    let allocated = allocate::allocate(&function)?;
    Ok((function, allocated))
}
