//! Engines and programs.

use core::ffi::c_char;

use vsp_core::Ref;

use crate::engine::Engine;
use crate::handle::Ptr;
use crate::message::{Message, Wanted};
use crate::pointer::{In, Out};
use crate::program::{Program, shared};
use crate::status::{Result, Status, guard};
use crate::types::{Export, Import, Text};

/// Creates an engine.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_engine_new(kind: u32, message: Out<Message>, engine: Out<Ptr<Engine>>) -> Status {
    guard(|| {
        let engine = engine.required()?;
        // SAFETY: the text of a message has the room that it says.
        let message = unsafe { Wanted::new(message)? };
        Ptr::create(Engine::new(kind, message)?, engine)?;
        Ok(Status::OK)
    })
}

/// Frees an engine.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_engine_free(engine: Ptr<Engine>) -> Status {
    guard(|| engine.free().map(|()| Status::OK))
}

/// Loads a program of these bytes, which `image` makes.
fn load(
    engine: Ptr<Engine>,
    message: Out<Message>,
    program: Out<Ptr<Program>>,
    image: impl FnOnce(Wanted) -> Result<Ref<'static, [u8]>>,
) -> Status {
    guard(|| {
        let program = program.required()?;
        // SAFETY: the text of a message has the room that it says.
        let message = unsafe { Wanted::new(message)? };
        let engine = if engine.is_null() { None } else { Some(engine.get()?) };
        let image = image(message)?;
        Ptr::create(Program::load(engine, image, message)?, program)?;
        Ok(Status::OK)
    })
}

/// Loads a program from the bytes of a `.silc` file.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_load(
    engine: Ptr<Engine>,
    bytes: In<u8>,
    length: usize,
    flags: u32,
    message: Out<Message>,
    program: Out<Ptr<Program>>,
) -> Status {
    load(engine, message, program, |_| match flags {
        // SAFETY: C lets the library read `length` bytes during the call.
        0 => shared(unsafe { bytes.slice(length)? }),
        // SAFETY: C keeps `length` bytes as they are for as long as the program and its instances exist.
        1 => Ok(unsafe { bytes.slice::<'static>(length)? }.into()),
        _ => Err(Status::E_ARGUMENT),
    })
}

/// Assembles and loads a program.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_load_text(
    engine: Ptr<Engine>,
    text: In<c_char>,
    file_name: In<c_char>,
    message: Out<Message>,
    program: Out<Ptr<Program>>,
) -> Status {
    load(engine, message, program, |message| {
        // SAFETY: both are null or texts with a zero at their end.
        let (text, file_name) = unsafe { (text.text()?, file_name.text()?) };
        #[cfg(feature = "text")]
        return vsp_core::text::assemble(text, file_name)
            .map_err(|errors| {
                message.say(errors);
                Status::E_TEXT
            })
            .and_then(|bytes| shared(&bytes));
        #[cfg(not(feature = "text"))]
        {
            let _ = (text, file_name, message);
            Err(Status::E_UNSUPPORTED)
        }
    })
}

/// Translates and loads a WebAssembly module.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_load_wasm(
    engine: Ptr<Engine>,
    bytes: In<u8>,
    length: usize,
    message: Out<Message>,
    program: Out<Ptr<Program>>,
) -> Status {
    load(engine, message, program, |message| {
        // SAFETY: C lets the library read `length` bytes during the call.
        let bytes = unsafe { bytes.slice(length)? };
        #[cfg(feature = "wasm")]
        return vsp_wasm::translate(bytes, &vsp_wasm::Options::default())
            .map_err(|error| {
                message.say(error);
                Status::E_WASM
            })
            .and_then(|bytes| shared(&bytes));
        #[cfg(not(feature = "wasm"))]
        {
            let _ = (bytes, message);
            Err(Status::E_UNSUPPORTED)
        }
    })
}

/// Frees a program.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_program_free(program: Ptr<Program>) -> Status {
    guard(|| program.free().map(|()| Status::OK))
}

/// Stores what `find` returns.
fn found<T>(program: Ptr<Program>, out: Out<T>, find: impl FnOnce(&Program) -> Result<T>) -> Status {
    guard(|| {
        let out = out.required()?;
        out.set(find(program.get()?)?);
        Ok(Status::OK)
    })
}

/// Stores the bytes of the program's file.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_program_bytes(
    program: Ptr<Program>,
    bytes: Out<*const u8>,
    length: Out<usize>,
) -> Status {
    guard(|| {
        let (bytes, length) = (bytes.required()?, length.required()?);
        let file = program.get()?.bytes();
        bytes.set(file.as_ptr());
        length.set(file.len());
        Ok(Status::OK)
    })
}

/// Finds an exported function.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_find_export(program: Ptr<Program>, name: In<c_char>, function: Out<u32>) -> Status {
    // SAFETY: the name is null or a text with a zero at its end.
    found(program, function, |it| it.export(unsafe { name.text()? }))
}

/// Stores an export.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_export_at(program: Ptr<Program>, index: u32, item: Out<Export>) -> Status {
    found(program, item, |it| it.export_at(index))
}

/// Stores an import.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_import_at(program: Ptr<Program>, index: u32, item: Out<Import>) -> Status {
    found(program, item, |it| it.import_at(index))
}

/// Stores the numbers of parameters and results of a function.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_function_type(
    program: Ptr<Program>,
    function: u32,
    params: Out<u32>,
    results: Out<u32>,
) -> Status {
    guard(|| {
        let (params, results) = (params.required()?, results.required()?);
        let ty = program.get()?.function(function)?.ty;
        params.set(ty.params() as u32);
        results.set(ty.results() as u32);
        Ok(Status::OK)
    })
}

/// Stores the name of a function.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_function_name(program: Ptr<Program>, function: u32, name: Out<Text>) -> Status {
    found(program, name, |it| it.function_name(function))
}

/// Stores the source line of a location.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_source_line(
    program: Ptr<Program>,
    function: u32,
    word: u32,
    file: Out<Text>,
    line: Out<u32>,
) -> Status {
    guard(|| {
        let (file, line) = (file.required()?, line.required()?);
        let (its_file, its_line) = program.get()?.source_line(function, word)?;
        file.set(its_file);
        line.set(its_line);
        Ok(Status::OK)
    })
}

/// Finds a global.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_find_global(program: Ptr<Program>, name: In<c_char>, global: Out<u32>) -> Status {
    // SAFETY: the name is null or a text with a zero at its end.
    found(program, global, |it| it.global(unsafe { name.text()? }))
}

/// Finds the start function of what was a WebAssembly module.
#[unsafe(no_mangle)]
pub extern "C" fn vsp_start_function(program: Ptr<Program>, function: Out<u32>) -> Status {
    found(program, function, Program::start)
}
