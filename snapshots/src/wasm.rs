//! WebAssembly modules in every configuration, with typed calls.

mod program;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use vsp_core::index::GlobalIndex;
use vsp_core::program::Program;
use vsp_core::verify::Verified;
use vsp_core::{HostStop, Imports, Instance, Options, Outcome, Reason, Trap};
use vsp_host::engine::Module;
use vsp_wasm::{ErrorKind, Exports, ItemType};

use crate::configuration::{Configuration, save_and_restore};

pub use program::{Finished, LoadedProgram, WasiProgram};

/// The stack of an instance in cells: enough for the deepest calls of the specification's tests.
const STACK_CELLS: u32 = 1 << 18;

/// The fuel between two suspensions in the configurations that save. It doubles, because programs execute many millions
/// of instructions.
const SLICE: u64 = 61;

/// The fuel of a call in a configuration that counts fuel: more than any test needs.
const FUEL: u64 = i64::MAX as u64;

/// The largest memory of a module that gives no maximum: every suspended instance is saved as a whole.
const MEMORY_MAXIMUM: u64 = 64 << 20;

/// The reason why a module cannot be loaded, or a call does not return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The bytes are not a valid module.
    Invalid(String),
    /// The translator or VSP does not support the module.
    Unsupported(String),
    /// The module cannot be instantiated.
    Instantiation(String),
    /// The module imports something that does not exist, from the module of this name.
    Unlinkable {
        /// The name of the module.
        module: String,
        /// The name of the item.
        name: String,
    },
    /// The module imports a memory, table or global of another one, which they would share.
    Shares,
    /// The program trapped.
    Trap(Trap),
    /// A mistake of the tests or of an engine.
    Other(String),
}

/// Modules whose functions others can import, by name.
pub type Registry = HashMap<String, SharedGuest>;

/// A module that is called by the script and by other modules.
pub type SharedGuest = Arc<Mutex<Guest>>;

type Nested = Arc<Mutex<Option<Failure>>>;

/// A running module.
pub struct Guest {
    module: Module<'static>,
    imports: Arc<Imports<()>>,
    exports: Exports,
    configuration: Configuration,
    /// The failure of a function of another module, which the host function that called it left here.
    nested: Nested,
    /// `None` only while the instance is replaced by a restored one.
    instance: Option<Instance<'static, ()>>,
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guest").field("exports", &self.exports).finish_non_exhaustive()
    }
}

impl Guest {
    /// Translates and instantiates a module, which can import from the specification's module `spectest`, and functions
    /// of registered modules.
    ///
    /// # Errors
    /// The module is refused, or its start function traps.
    pub fn load(module: &[u8], configuration: Configuration, registry: &Registry) -> Result<Guest, Failure> {
        let options = vsp_wasm::Options::default()
            .memory_maximum(MEMORY_MAXIMUM)
            .memory("spectest", "memory", 1, Some(2))
            .table("spectest", "table", 10, Some(20))
            .global("spectest", "global_i32", 666)
            .global("spectest", "global_i64", 666)
            .global("spectest", "global_f32", f32::to_bits(666.6).into())
            .global("spectest", "global_f64", f64::to_bits(666.6));
        let bytes = vsp_wasm::translate(module, &options).map_err(|error| {
            let text = error.to_string();
            match error.kind() {
                ErrorKind::Invalid => Failure::Invalid(text),
                ErrorKind::Instantiation => Failure::Instantiation(text),
                _ => Failure::Unsupported(text),
            }
        })?;
        let program = Program::read(Arc::<[u8]>::from(bytes)).map_err(other)?;
        let exports =
            Exports::read(&program).ok_or_else(|| other("the program has no section of the translator"))?;
        check_imports(&exports, registry)?;
        let program = Arc::new(Verified::new(program).map_err(other)?);
        let module =
            configuration.loader(false).and_then(|mut loader| loader.load(program)).map_err(other)?;
        let nested = Nested::default();
        let imports = Arc::new(host_functions(&module, &exports, registry, &nested)?);
        let options = Options {
            stack_cells: Some(STACK_CELLS),
            fuel: configuration.interrupts().then_some(FUEL),
            ..Options::default()
        };
        let instance = module.instantiate(imports.clone(), (), options).map_err(other)?;
        let start = exports.start.clone();
        let mut guest = Guest { module, imports, exports, configuration, nested, instance: Some(instance) };
        if let Some(start) = start {
            guest.run(&start, &[], 0)?;
        }
        Ok(guest)
    }

    /// Calls an exported function with the bits of its arguments, and returns those of its results.
    ///
    /// # Errors
    /// The function traps.
    pub fn invoke(&mut self, name: &str, args: &[u64]) -> Result<Vec<u64>, Failure> {
        let (params, results) =
            self.exports.function(name).ok_or_else(|| other(format!("no function {name}")))?;
        if params.len() != args.len() {
            return Err(other(format!("{name} takes {} arguments, and not {}", params.len(), args.len())));
        }
        let results = results.len();
        self.run(name, args, results)
    }

    /// Returns the bits of an exported global.
    pub fn global(&self, name: &str) -> Option<u64> {
        match self.exports.exports.iter().find(|(known, _)| known == name)? {
            (_, ItemType::Global { number, .. }) => self.instance()?.global(GlobalIndex(*number)),
            _ => None,
        }
    }

    /// Returns the memory.
    pub fn memory(&self) -> &[u8] {
        self.instance().map_or(&[], |instance| instance.memory())
    }

    fn instance(&self) -> Option<&Instance<'static, ()>> {
        self.instance.as_ref()
    }

    fn run(&mut self, name: &str, args: &[u64], results: usize) -> Result<Vec<u64>, Failure> {
        let Some(mut instance) = self.instance.take() else { return Err(other("the instance was lost")) };
        let (direct, extra) = args.split_at(args.len().min(vsp_core::limits::MAX_PARAMS));
        for (number, value) in (self.exports.extra_params..).zip(extra) {
            match instance.global_mut(GlobalIndex(number)) {
                Some(global) => *global = *value,
                None => return Err(other(format!("no global {number} for a parameter"))),
            }
        }
        let saves = self.configuration.needs_suspensions();
        let mut slice = SLICE;
        if self.configuration.interrupts() {
            instance.set_fuel(if saves { slice } else { FUEL });
        }
        let mut outcome = self.configuration.call(&mut instance, name, direct).map_err(other)?;
        while let Outcome::Suspended(suspension) = outcome {
            if suspension.reason != Reason::Fuel {
                return Err(other(format!("{suspension:?}")));
            }
            instance = save_and_restore(&instance, |saved| {
                let restored = self.module.restore(self.imports.clone(), (), Options::default(), saved);
                restored.map_err(|error| error.to_string())
            })
            .map_err(other)?;
            slice *= 2;
            instance.set_fuel(slice);
            outcome = self.configuration.resume(&mut instance, &[]).map_err(other)?;
        }
        let finished = match outcome {
            Outcome::Returned(values) => {
                let mut found: Vec<u64> = values.iter().copied().take(results).collect();
                for number in (self.exports.extra_results..).take(results - found.len()) {
                    found.extend(instance.global(GlobalIndex(number)));
                }
                Ok(found)
            }
            Outcome::Trapped(trapped) => {
                let nested = self.nested.lock().unwrap_or_else(PoisonError::into_inner).take();
                Err(nested.unwrap_or(Failure::Trap(trapped.trap)))
            }
            outcome => Err(other(format!("{outcome:?}"))),
        };
        self.instance = Some(instance);
        finished
    }
}

fn other(message: impl std::fmt::Display) -> Failure {
    Failure::Other(message.to_string())
}

/// The functions of the specification's module `spectest`, with their numbers of parameters. They do nothing.
const FUNCTIONS: [(&str, usize); 7] = [
    ("print", 0),
    ("print_i32", 1),
    ("print_i64", 1),
    ("print_f32", 1),
    ("print_f64", 1),
    ("print_i32_f32", 2),
    ("print_f64_f64", 2),
];

const GLOBALS: [&str; 4] = ["global_i32", "global_i64", "global_f32", "global_f64"];

/// Checks that everything that a module imports is in `spectest`, or is a function of a registered module.
fn check_imports(exports: &Exports, registry: &Registry) -> Result<(), Failure> {
    let (mut shares, mut missing) = (false, None);
    for vsp_wasm::Import { module, name, ty } in &exports.imports {
        let name = name.as_str();
        let is_there = match ty {
            ItemType::Function { params, results } if module == "spectest" => {
                results.is_empty() && FUNCTIONS.contains(&(name, params.len()))
            }
            ItemType::Global { mutable, .. } if module == "spectest" => !mutable && GLOBALS.contains(&name),
            ItemType::Memory if module == "spectest" => name == "memory",
            ItemType::Table if module == "spectest" => name == "table",
            ItemType::Function { params, results } => registry.get(module).is_some_and(|guest| {
                let guest = guest.lock().unwrap_or_else(PoisonError::into_inner);
                guest.exports.function(name) == Some((params, results))
            }),
            _ if registry.contains_key(module) => {
                shares = true;
                continue;
            }
            _ => false,
        };
        if !is_there {
            missing = Some(Failure::Unlinkable { module: module.clone(), name: name.into() });
        }
    }
    match missing {
        _ if shares => Err(Failure::Shares),
        Some(missing) => Err(missing),
        None => Ok(()),
    }
}

/// Returns the host functions for the imports of a program: those of `spectest`, and calls of registered modules.
fn host_functions(
    module: &Module<'_>,
    exports: &Exports,
    registry: &Registry,
    nested: &Nested,
) -> Result<Imports<()>, Failure> {
    let mut imports = Imports::new();
    for import in module.program().program().imports() {
        let name = import.name.to_owned();
        let params = exports.imports.iter().find_map(|known| match &known.ty {
            ItemType::Function { params, .. }
                if (&*known.module, &*known.name) == (import.module, import.name) =>
            {
                Some(params.len())
            }
            _ => None,
        });
        let params = params.unwrap_or_default();
        let guest = registry.get(import.module).cloned();
        let nested = nested.clone();
        let defined = imports.define_raw(import.module, import.name, import.ty, move |_, args, results| {
            let Some(guest) = &guest else { return Ok(()) };
            let mut guest = guest.lock().unwrap_or_else(PoisonError::into_inner);
            let values = guest.invoke(&name, &args[..params]).map_err(|failure| {
                *nested.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                HostStop::Error(TRAPPED)
            })?;
            results[..values.len()].copy_from_slice(&values);
            Ok(())
        });
        match defined {
            Ok(_) | Err(vsp_core::ImportError::Defined { .. }) => {}
            Err(error) => return Err(other(error)),
        }
    }
    Ok(imports)
}

/// The code of a host function that called a function which trapped.
const TRAPPED: u32 = 1;
