//! Programs: `vsp_program`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use vsp_core::Ref;
use vsp_core::index::{FuncIndex, Location};
use vsp_core::interface::Exports;
use vsp_core::verify::{Function, Verified};
#[cfg(feature = "jit")]
use vsp_host::engine::{EngineKind, Module};

use crate::engine::Engine;
use crate::handle::Kind;
use crate::message::Wanted;
use crate::status::{Result, Status};
use crate::types::{Export, Import, Text};

/// A verified program, for any number of instances and threads.
#[derive(Debug)]
pub struct Program {
    #[cfg(feature = "jit")]
    pub(crate) module: Module<'static>,
    #[cfg(not(feature = "jit"))]
    pub(crate) verified: Arc<Verified<'static>>,
}

impl Kind for Program {
    const TAG: u32 = u32::from_le_bytes(*b"prog");
}

/// The bytes that a shared item needs beside itself.
const SHARED: usize = 64;

/// Refuses if there is no memory for `bytes` bytes in one piece. What follows allocates no more than that, and in a way
/// that cannot be refused.
pub(crate) fn room(bytes: usize) -> Result {
    let mut room = Vec::<u8>::new();
    room.try_reserve_exact(bytes).map_err(|_| Status::E_OUT_OF_MEMORY)?;
    // Otherwise the compiler leaves out memory that nobody uses.
    core::hint::black_box(&mut room);
    Ok(())
}

/// Returns a copy of the bytes of a file.
pub(crate) fn shared(bytes: &[u8]) -> Result<Ref<'static, [u8]>> {
    room(bytes.len().saturating_add(SHARED))?;
    Ok(Arc::<[u8]>::from(bytes).into())
}

impl Program {
    /// Reads and verifies a program, and compiles it if the engine does that.
    pub(crate) fn load(
        engine: Option<&Engine>,
        image: Ref<'static, [u8]>,
        message: Wanted,
    ) -> Result<Program> {
        let program = vsp_core::program::Program::read(image).map_err(message.refused())?;
        let verified = Verified::new(program).map_err(message.refused())?;
        room(size_of::<Verified<'_>>() + SHARED)?;
        let verified = Arc::new(verified);
        #[cfg(feature = "jit")]
        {
            let interpreter = || vsp_host::engine::Engine::new(EngineKind::Interpreter);
            let engine = engine.map_or_else(interpreter, |it| Ok(it.engine.clone()));
            let module = engine.and_then(|it| it.load(verified)).map_err(message.refused())?;
            Ok(Program { module })
        }
        #[cfg(not(feature = "jit"))]
        {
            let _ = engine;
            Ok(Program { verified })
        }
    }

    /// Returns the verified program.
    pub(crate) fn verified(&self) -> &Verified<'static> {
        #[cfg(feature = "jit")]
        return self.module.program();
        #[cfg(not(feature = "jit"))]
        &self.verified
    }

    fn image(&self) -> &vsp_core::program::Program<'static> {
        self.verified().program()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.image().bytes()
    }

    pub(crate) fn function(&self, function: u32) -> Result<&Function> {
        self.verified().function(FuncIndex(function)).ok_or(Status::E_NOT_FOUND)
    }

    pub(crate) fn export(&self, name: &str) -> Result<u32> {
        self.verified().export(name).map(|it| it.0).ok_or(Status::E_NOT_FOUND)
    }

    pub(crate) fn export_at(&self, index: u32) -> Result<Export> {
        let export = self.image().exports().nth(index as usize).ok_or(Status::E_NOT_FOUND)?;
        Ok(Export::new(export, self.function(export.function.0)?.ty))
    }

    pub(crate) fn import_at(&self, index: u32) -> Result<Import> {
        self.image().imports().nth(index as usize).map(Import::from).ok_or(Status::E_NOT_FOUND)
    }

    pub(crate) fn function_name(&self, function: u32) -> Result<Text> {
        self.function(function)?;
        self.image().function_name(FuncIndex(function)).map(Text::from).ok_or(Status::E_NOT_FOUND)
    }

    pub(crate) fn source_line(&self, function: u32, word: u32) -> Result<(Text, u32)> {
        if word >= self.function(function)?.words {
            return Err(Status::E_NOT_FOUND);
        }
        let location = Location { function: FuncIndex(function), word };
        let (file, line) = self.image().source_line_of(location).ok_or(Status::E_NOT_FOUND)?;
        Ok((file.into(), line))
    }

    pub(crate) fn global(&self, name: &str) -> Result<u32> {
        self.image().global(name).map(|it| it.0).ok_or(Status::E_NOT_FOUND)
    }

    /// Returns the function that a program which was WebAssembly wants to have called before all others.
    pub(crate) fn start(&self) -> Result<u32> {
        let start = Exports::read(self.image()).and_then(|it| it.start).ok_or(Status::E_NOT_FOUND)?;
        self.export(&start)
    }
}
