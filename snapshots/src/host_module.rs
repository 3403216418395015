//! The host module `test`, from which the cases and random programs import.

use vsp_core::generate::HostImport;
use vsp_core::program::FuncType;
use vsp_core::{HostStop, ImportError, Imports};

/// The name of the module.
pub(crate) const MODULE: &str = "test";

/// The host state that a function of the module can access.
pub(crate) struct Host<'a> {
    pub(crate) memory: &'a mut [u8],
    /// Fuel that is charged when the function returns.
    pub(crate) charged: u64,
}

type Arguments = [u64; 8];
type Results = [u64; 4];

/// A function of the module. Engines call it through [`imports`], the reference evaluator calls it directly.
pub(crate) struct HostFunction {
    pub(crate) name: &'static str,
    params: usize,
    results: usize,
    /// Whether the function, with arbitrary arguments, mostly ends the program or uses up all fuel.
    seldom: bool,
    pub(crate) call: fn(&mut Host<'_>, &Arguments) -> Result<Results, HostStop>,
}

impl HostFunction {
    pub(crate) fn ty(&self) -> Option<FuncType> {
        FuncType::new(self.params, self.results)
    }
}

type Call = fn(&mut Host<'_>, &Arguments) -> Result<Results, HostStop>;

const fn function(
    name: &'static str,
    (params, results): (usize, usize),
    seldom: bool,
    call: Call,
) -> HostFunction {
    HostFunction { name, params, results, seldom, call }
}

/// The functions of the module. `README.md` describes them.
pub(crate) const FUNCTIONS: &[HostFunction] = &[
    function("echo", (1, 1), false, |_, args| Ok([args[0], 0, 0, 0])),
    function("add", (2, 1), false, |_, args| Ok([args[0].wrapping_add(args[1]), 0, 0, 0])),
    function("swap", (2, 2), false, |_, args| Ok([args[1], args[0], 0, 0])),
    function("four", (0, 4), false, |_, _| Ok([1, 2, 3, 4])),
    function("sum", (8, 1), false, |_, args| {
        Ok([args.iter().fold(0, |sum, it| sum.wrapping_add(*it)), 0, 0, 0])
    }),
    function("fail", (1, 0), true, |_, args| Err(HostStop::Error(args[0] as u32))),
    function("pending", (1, 1), false, |_, _| Err(HostStop::Pending)),
    function("charge", (1, 0), true, |host, args| {
        host.charged = args[0];
        Ok([0; 4])
    }),
    function("poke", (2, 0), true, |host, args| {
        let byte = usize::try_from(args[0]).ok().and_then(|address| host.memory.get_mut(address));
        *byte.ok_or(HostStop::Error(1))? = args[1] as u8;
        Ok([0; 4])
    }),
    function("put", (2, 1), false, |host, args| {
        let address = args[0] % host.memory.len() as u64;
        let byte = &mut host.memory[address as usize];
        Ok([u64::from(std::mem::replace(byte, args[1] as u8)), 0, 0, 0])
    }),
    function("toll", (2, 1), false, |host, args| {
        host.charged = args[0] % 64;
        Ok([args[1], 0, 0, 0])
    }),
    function("maybe", (3, 2), false, |host, args| match args[0] % 16 {
        14 => Err(HostStop::Pending),
        15 => {
            host.charged = 3;
            Err(HostStop::Error(args[1] as u32))
        }
        _ => Ok([args[2], args[1], 0, 0]),
    }),
];

/// Returns the host functions in the form that engines take.
pub(crate) fn imports() -> Result<Imports<()>, ImportError> {
    let mut imports = Imports::new();
    for function in FUNCTIONS {
        let Some(ty) = function.ty() else { unreachable!("the types of the module are types") };
        imports.define_raw(MODULE, function.name, ty, move |caller, args, results| {
            let mut host = Host { memory: caller.memory(), charged: 0 };
            let given = (function.call)(&mut host, args);
            let charged = host.charged;
            caller.charge(charged);
            *results = given?;
            Ok(())
        })?;
    }
    Ok(imports)
}

/// Returns the host functions in the form that the generator of random programs takes.
pub(crate) fn for_generator() -> Vec<HostImport<'static>> {
    let import = |function: &'static HostFunction| {
        let ty = function.ty()?;
        Some(HostImport { module: MODULE, name: function.name, ty, is_rare: function.seldom })
    };
    FUNCTIONS.iter().filter_map(import).collect()
}
