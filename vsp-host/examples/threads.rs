//! Shares an engine and a program between threads; each thread has instances of its own.
//!
//!     cargo run --example threads

use std::error::Error;
use std::sync::Arc;

use vsp_core::{Caller, GuestStr, HostResult, Imports, Options, program::Program, text, verify::Verified};
use vsp_host::engine::{Engine, EngineKind, Module};

const SOURCE: &str = r#"
.import log.line (2) -> 0
.export square
.data text "squaring"
.space end 0
.func square (1) -> 1
    MOV     R2, R0
    MOVI    R0, text
    MOVI    R1, end - text
    SYSCALL log.line
    MUL     R0, R2, R2
    RET
.end
"#;

/// The state of the host, one for each instance.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
}

/// A program with its imports, ready to run. Cloning it copies two reference counts.
#[derive(Clone)]
struct Plugin {
    module: Module<'static>,
    imports: Arc<Imports<Log>>,
}

impl Plugin {
    fn load(engine: &Engine, source: &str) -> Result<Plugin, Box<dyn Error + Send + Sync>> {
        let bytes: Arc<[u8]> = text::assemble(source, "plugin.sil")?.into();
        let program = Arc::new(Verified::new(Program::read(bytes)?)?);
        let mut imports = Imports::new();
        imports.define("log", "line", |caller: &mut Caller<'_, Log>, line: GuestStr| -> HostResult {
            let (log, memory) = caller.parts();
            log.lines.push(line.get(memory)?.to_owned());
            Ok(())
        })?;
        Ok(Plugin { module: engine.load(program)?, imports: Arc::new(imports) })
    }

    /// Runs the program in a new instance and returns its result and the number of lines that it logged.
    fn square(&self, number: u64) -> Result<(u64, usize), Box<dyn Error + Send + Sync>> {
        let options = Options { fuel: Some(1_000), ..Options::default() };
        let mut instance = self.module.instantiate(self.imports.clone(), Log::default(), options)?;
        let square = instance.typed::<u64, u64>("square")?.call(&mut instance, number)?;
        Ok((square, instance.into_state().lines.len()))
    }
}

pub(crate) fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    for (square, lines) in squares()? {
        println!("{square}, {lines} line logged");
    }
    Ok(())
}

pub(crate) fn squares() -> Result<Vec<(u64, usize)>, Box<dyn Error + Send + Sync>> {
    let plugin = Plugin::load(&Engine::new(EngineKind::Auto)?, SOURCE)?;
    let threads: Vec<_> = (1..=4)
        .map(|number| {
            let plugin = plugin.clone();
            std::thread::spawn(move || plugin.square(number))
        })
        .collect();
    let mut squares = Vec::new();
    for thread in threads {
        squares.push(thread.join().map_err(|_| "a thread panicked")??);
    }
    Ok(squares)
}
