//! Kernels in LuaJIT.

use mlua::{Function, Lua, StdLib, Table};

use super::{Engine, Error, Kernel, Loaded};

/// LuaJIT. Its numbers are binary64; 64-bit integers are those of its `ffi` library, and so are the arrays.
#[derive(Clone, Copy, Debug)]
pub struct LuaJit;

const TEXTS: [(&str, &str); 10] = [
    ("sum_loop", include_str!("../../kernels/sum_loop.lua")),
    ("fib", include_str!("../../kernels/fib.lua")),
    ("sieve", include_str!("../../kernels/sieve.lua")),
    ("matmul", include_str!("../../kernels/matmul.lua")),
    ("matmulf", include_str!("../../kernels/matmulf.lua")),
    ("mandelbrot", include_str!("../../kernels/mandelbrot.lua")),
    ("fnv1a", include_str!("../../kernels/fnv1a.lua")),
    ("crc32", include_str!("../../kernels/crc32.lua")),
    ("sort", include_str!("../../kernels/sort.lua")),
    ("nbody", include_str!("../../kernels/nbody.lua")),
];

impl Engine for LuaJit {
    fn name(&self) -> String {
        "luajit".into()
    }

    fn load(&self, kernel: &Kernel) -> Result<Option<Box<dyn Loaded>>, Error> {
        let Some((_, text)) = TEXTS.iter().find(|(name, _)| *name == kernel.name) else { return Ok(None) };
        let libraries = StdLib::ALL_SAFE | StdLib::FFI;
        // SAFETY: the texts are those of this crate. They use `ffi` for arrays and integers, and stay inside the
        // arrays.
        let lua = unsafe { Lua::unsafe_new_with(libraries, mlua::LuaOptions::default()) };
        let common = lua.load(include_str!("../../kernels/common.lua")).set_name("common").eval::<Table>()?;
        lua.globals().set("common", common)?;
        let exports = lua.load(*text).set_name(kernel.name).eval::<Table>()?;
        if let Some(setup) = exports.get::<Option<Function>>("setup")? {
            setup.call::<()>(kernel.argument as f64)?;
        }
        let run = exports.get("run")?;
        Ok(Some(Box::new(LuaKernel { run, argument: kernel.argument as f64, _lua: lua })))
    }
}

struct LuaKernel {
    run: Function,
    argument: f64,
    _lua: Lua,
}

impl Loaded for LuaKernel {
    fn run(&mut self) -> Result<u64, Error> {
        let (high, low) = self.run.call::<(f64, f64)>(self.argument)?;
        Ok((high as u64) << 32 | low as u64)
    }
}
