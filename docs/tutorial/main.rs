use std::error::Error;

use vsp_core::{
    Caller, HostStop, Imports, Instance, Options, Outcome, program::Program, text, verify::Verified,
};

/// Counts the vowels of a text with the program whose source this is.
pub fn count_vowels(source: &str, text: &[u8]) -> Result<u64, Box<dyn Error>> {
    // Text to bytes, bytes to a checked program. A server does this once, and not for every text.
    let bytes = text::assemble(source, "vowels.sil")?;
    let program = Verified::new(Program::read(&bytes[..])?)?;

    // What the program may do: nothing. But its imports have to be there.
    let mut imports = Imports::<()>::new();
    imports
        .define("sys", "read", |_: &mut Caller<'_, ()>, _: u64, _: u64| Err::<u64, _>(HostStop::Error(1)))?;
    imports
        .define("sys", "write", |_: &mut Caller<'_, ()>, _: u64, _: u64| Err::<u64, _>(HostStop::Error(1)))?;
    imports.define("sys", "print_uint", |_: &mut Caller<'_, ()>, _: u64| Err::<(), _>(HostStop::Error(1)))?;

    // The text goes into the program's buffer: 4,096 bytes from address 0.
    let options = Options { fuel: Some(1_000_000), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, (), options)?;
    let buffer = &mut instance.memory_mut()[..4096];
    buffer.get_mut(..text.len()).ok_or("the text is too long")?.copy_from_slice(text);

    match instance.call_export("count", &[0, text.len() as u64])? {
        Outcome::Returned(results) => Ok(results[0]),
        other => Err(format!("the program did not return: {other:?}").into()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let source = std::fs::read_to_string("vowels.sil")?;
    println!("{} vowels", count_vowels(&source, b"Hello, Voyager!")?);
    Ok(())
}
