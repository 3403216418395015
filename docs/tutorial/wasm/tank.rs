use std::error::Error;

use vsp_core::{Caller, Imports, Instance, Options, Outcome, program::Program, verify::Verified};

/// A tank that loses 10 mm of water between two samples, and gains 20 mm while the pump runs.
pub struct Tank {
    /// The level of the water in millimetres.
    pub level: i32,
    pumping: bool,
    samples: u32,
}

impl Tank {
    /// Creates a tank that is switched off after some samples.
    pub fn new(samples: u32) -> Tank {
        Tank { level: 500, pumping: false, samples }
    }

    fn sample(&mut self) -> i32 {
        let Some(left) = self.samples.checked_sub(1) else { return -1 };
        self.samples = left;
        self.level += if self.pumping { 20 } else { -10 };
        self.level
    }
}

/// Lets the program of a module pump. Returns its result, and the tank.
pub fn pump(module: &[u8], tank: Tank, fuel: u64) -> Result<(u64, Tank), Box<dyn Error>> {
    // WebAssembly to a program of VSP, and that to a checked program. A server does this once.
    let bytes = vsp_wasm::translate(module, &vsp_wasm::Options::default())?;
    let program = Verified::new(Program::read(&bytes[..])?)?;

    // What the program may do.
    let mut imports = Imports::<Tank>::new();
    imports.define("board", "sample", |caller: &mut Caller<'_, Tank>| caller.state().sample())?;
    imports.define("board", "set_pin", |caller: &mut Caller<'_, Tank>, pin: u32, level: u32| {
        if pin == 3 {
            caller.state().pumping = level != 0;
        }
    })?;

    let options = Options { fuel: Some(fuel), ..Options::default() };
    let mut instance = Instance::new(&program, &imports, tank, options)?;
    match instance.call_export("run", &[])? {
        Outcome::Returned(results) => Ok((results[0], instance.into_state())),
        Outcome::Trapped(trapped) => Err(vsp_wasm::trap_report(&instance, &trapped).to_string().into()),
        Outcome::Suspended(suspension) => Err(suspension.to_string().into()),
        Outcome::Halted(value) => Err(format!("it halted with {value}").into()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let module = std::fs::read("pump.wasm")?;
    let (switched, tank) = pump(&module, Tank::new(1_000), 1_000_000)?;
    println!("{switched} times on or off, the water is at {} mm", tank.level);
    if let Err(error) = pump(&module, Tank::new(1_000), 10_000) {
        println!("{error}");
    }
    Ok(())
}
