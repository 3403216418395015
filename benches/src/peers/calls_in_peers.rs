//! Calls and instances in the other virtual machines.

use mlua::{Function, Lua, Table};

use super::calls::{Calls, Factory};
use super::{Error, Loaded, Rbpf, RbpfProgram, Wasmi, Wasmtime};

/// The program in WebAssembly.
const WAT: &str = include_str!("../../kernels/calls.wat");

const ENTER: &str = "ldxdw r0, [r1]\nadd64 r0, 1\nexit";
/// Helper 1 adds 1 to r1.
const LEAVE: &str = "ldxdw r6, [r1]\nmov64 r0, 0\nmov64 r1, r0\ncall 1\nsub64 r6, 1\njne r6, 0, -4\nexit";
const STAY: &str = "ldxdw r6, [r1]\nmov64 r0, 0\nadd64 r0, 1\nsub64 r6, 1\njne r6, 0, -3\nexit";

pub(super) fn add_calls(all: &mut Vec<(String, Box<dyn Calls>)>) -> Result<(), Error> {
    all.push(("wasmi".into(), Box::new(WasmiCalls::new()?)));
    for (name, engine) in [("wasmtime", Wasmtime::Guards), ("winch", Wasmtime::Winch)] {
        all.push((name.into(), Box::new(WasmtimeCalls::new(engine)?)));
    }
    for (name, engine) in [("rbpf", Rbpf { jit: false }), ("rbpf jit", Rbpf { jit: true })] {
        all.push((name.into(), Box::new(RbpfCalls::new(engine)?)));
    }
    all.push(("luajit".into(), Box::new(LuaCalls::new()?)));
    Ok(())
}

pub(super) fn add_factories(all: &mut Vec<(String, Box<dyn Factory>)>) -> Result<(), Error> {
    all.push(("wasmi".into(), Box::new(WasmiFactory::new()?)));
    for (name, engine) in
        [("wasmtime", Wasmtime::Guards), ("wasmtime pooling", Wasmtime::Pooling), ("winch", Wasmtime::Winch)]
    {
        all.push((name.into(), Box::new(WasmtimeFactory::new(engine)?)));
    }
    Ok(())
}

struct WasmiFactory {
    module: wasmi::Module,
    linker: wasmi::Linker<()>,
}

impl WasmiFactory {
    fn new() -> Result<WasmiFactory, Error> {
        let engine = Wasmi { fuel: false }.engine();
        let mut linker = wasmi::Linker::new(&engine);
        linker.func_wrap("host", "inc", |x: u64| x + 1)?;
        Ok(WasmiFactory { module: wasmi::Module::new(&engine, WAT)?, linker })
    }

    fn instance(&self) -> Result<(wasmi::Store<()>, wasmi::Instance), Error> {
        let mut store = wasmi::Store::new(self.module.engine(), ());
        let instance = self.linker.instantiate_and_start(&mut store, &self.module)?;
        Ok((store, instance))
    }
}

impl Factory for WasmiFactory {
    fn instantiate(&mut self) -> Result<(), Error> {
        std::hint::black_box(self.instance()?);
        Ok(())
    }
}

struct WasmiCalls {
    store: wasmi::Store<()>,
    inc: wasmi::TypedFunc<u64, u64>,
    with_calls: wasmi::TypedFunc<u64, u64>,
    without_calls: wasmi::TypedFunc<u64, u64>,
}

impl WasmiCalls {
    fn new() -> Result<WasmiCalls, Error> {
        let (store, instance) = WasmiFactory::new()?.instance()?;
        Ok(WasmiCalls {
            inc: instance.get_typed_func(&store, "inc")?,
            with_calls: instance.get_typed_func(&store, "with_calls")?,
            without_calls: instance.get_typed_func(&store, "without_calls")?,
            store,
        })
    }
}

impl Calls for WasmiCalls {
    fn inc(&mut self, x: u64) -> Result<u64, Error> {
        Ok(self.inc.call(&mut self.store, x)?)
    }

    fn leave(&mut self, n: u64) -> Result<u64, Error> {
        Ok(self.with_calls.call(&mut self.store, n)?)
    }

    fn stay(&mut self, n: u64) -> Result<u64, Error> {
        Ok(self.without_calls.call(&mut self.store, n)?)
    }
}

struct WasmtimeFactory {
    engine: wasmtime::Engine,
    module: wasmtime::InstancePre<()>,
}

impl WasmtimeFactory {
    fn new(engine: Wasmtime) -> Result<WasmtimeFactory, Error> {
        let engine = engine.engine()?;
        let mut linker = wasmtime::Linker::new(&engine);
        linker.func_wrap("host", "inc", |x: u64| x + 1)?;
        let module = linker.instantiate_pre(&wasmtime::Module::new(&engine, WAT)?)?;
        Ok(WasmtimeFactory { engine, module })
    }

    fn instance(&self) -> Result<(wasmtime::Store<()>, wasmtime::Instance), Error> {
        let mut store = wasmtime::Store::new(&self.engine, ());
        let instance = self.module.instantiate(&mut store)?;
        Ok((store, instance))
    }
}

impl Factory for WasmtimeFactory {
    fn instantiate(&mut self) -> Result<(), Error> {
        std::hint::black_box(self.instance()?);
        Ok(())
    }
}

struct WasmtimeCalls {
    store: wasmtime::Store<()>,
    inc: wasmtime::TypedFunc<u64, u64>,
    with_calls: wasmtime::TypedFunc<u64, u64>,
    without_calls: wasmtime::TypedFunc<u64, u64>,
}

impl WasmtimeCalls {
    fn new(engine: Wasmtime) -> Result<WasmtimeCalls, Error> {
        let (mut store, instance) = WasmtimeFactory::new(engine)?.instance()?;
        Ok(WasmtimeCalls {
            inc: instance.get_typed_func(&mut store, "inc")?,
            with_calls: instance.get_typed_func(&mut store, "with_calls")?,
            without_calls: instance.get_typed_func(&mut store, "without_calls")?,
            store,
        })
    }
}

impl Calls for WasmtimeCalls {
    fn inc(&mut self, x: u64) -> Result<u64, Error> {
        Ok(self.inc.call(&mut self.store, x)?)
    }

    fn leave(&mut self, n: u64) -> Result<u64, Error> {
        Ok(self.with_calls.call(&mut self.store, n)?)
    }

    fn stay(&mut self, n: u64) -> Result<u64, Error> {
        Ok(self.without_calls.call(&mut self.store, n)?)
    }
}

/// Three programs, whose argument is in memory.
struct RbpfCalls {
    enter: RbpfProgram,
    leave: RbpfProgram,
    stay: RbpfProgram,
}

impl RbpfCalls {
    fn new(engine: Rbpf) -> Result<RbpfCalls, Error> {
        let program = |text| engine.program(text, vec![0; 8]);
        Ok(RbpfCalls { enter: program(ENTER)?, leave: program(LEAVE)?, stay: program(STAY)? })
    }

    fn run(program: &mut RbpfProgram, argument: u64) -> Result<u64, Error> {
        program.memory_mut().copy_from_slice(&argument.to_le_bytes());
        program.run()
    }
}

impl Calls for RbpfCalls {
    fn inc(&mut self, x: u64) -> Result<u64, Error> {
        RbpfCalls::run(&mut self.enter, x)
    }

    fn leave(&mut self, n: u64) -> Result<u64, Error> {
        RbpfCalls::run(&mut self.leave, n)
    }

    fn stay(&mut self, n: u64) -> Result<u64, Error> {
        RbpfCalls::run(&mut self.stay, n)
    }
}

struct LuaCalls {
    inc: Function,
    with_calls: Function,
    without_calls: Function,
    _lua: Lua,
}

impl LuaCalls {
    fn new() -> Result<LuaCalls, Error> {
        let lua = Lua::new();
        lua.globals().set("host_inc", lua.create_function(|_, x: f64| Ok(x + 1.0))?)?;
        let exports = lua.load(include_str!("../../kernels/calls.lua")).eval::<Table>()?;
        Ok(LuaCalls {
            inc: exports.get("inc")?,
            with_calls: exports.get("with_calls")?,
            without_calls: exports.get("without_calls")?,
            _lua: lua,
        })
    }
}

impl Calls for LuaCalls {
    fn inc(&mut self, x: u64) -> Result<u64, Error> {
        Ok(self.inc.call::<f64>(x as f64)? as u64)
    }

    fn leave(&mut self, n: u64) -> Result<u64, Error> {
        Ok(self.with_calls.call::<f64>(n as f64)? as u64)
    }

    fn stay(&mut self, n: u64) -> Result<u64, Error> {
        Ok(self.without_calls.call::<f64>(n as f64)? as u64)
    }
}
