//! The numbers that the items of a module have in the program.

mod extent;
mod functions;
mod memory;
mod tables;

use alloc::vec::Vec;

use vsp_core::limits::{MAX_PARAMS, MAX_RESULTS};
use vsp_core::program::FuncType;
use wasmparser::ValType;

use crate::error::Error;
use crate::module::{Constant, Module, Placement, Signature};
use crate::options::Options;

pub(crate) use functions::{Helper, Source, import_type};
pub(crate) use memory::{AddressCheck, Growth, MemoryPlan};
pub(crate) use tables::{PassiveElements, TablePlan};

/// A data segment that MEMINIT can copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassiveData {
    /// Its number in the program.
    pub(crate) segment: u32,
    /// The global that is all ones once the segment is dropped, if it can be dropped.
    pub(crate) dropped: Option<u32>,
}

#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// The origin of each function of the program, by its number.
    pub(crate) sources: Vec<Source>,
    /// The initial values of the globals. Those of the module come first, in the same order.
    pub(crate) globals: Vec<u64>,
    pub(crate) memory: MemoryPlan,
    /// The passive segments of the program, as indices of the module's data segments; `None`: one without bytes.
    pub(crate) passive: Vec<Option<u32>>,
    /// The number of each function of the module, if it has code or a thunk.
    numbers: Vec<Option<u32>>,
    /// The number of imports: these functions come first.
    imports: u32,
    /// The types of the module as types of the program.
    types: Vec<FuncType>,
    tables: Vec<TablePlan>,
    passive_data: Vec<Option<PassiveData>>,
    passive_elements: Vec<Option<PassiveElements>>,
    helpers: Vec<(Helper, u32)>,
    extra_params: u32,
    extra_results: u32,
}

impl Layout {
    /// Numbers the items of a module.
    pub(crate) fn new(module: &Module<'_>, options: &Options) -> Result<Layout, Error> {
        let mut layout = Layout { imports: module.imports.len() as u32, ..Layout::default() };
        layout.new_globals(module.globals.len());
        layout.plan_memory(module, options)?;
        let contents = layout.plan_tables(module, options)?;
        layout.number_types(module)?;
        layout.number_functions(module, &contents)?;
        layout.number_globals(module, &contents)?;
        layout.number_data(module);
        Ok(layout)
    }

    fn number_globals(&mut self, module: &Module<'_>, contents: &[Vec<Constant>]) -> Result<(), Error> {
        let mut first = Vec::with_capacity(module.globals.len());
        for global in &module.globals {
            first.push(self.constant_bits(global.initial)?);
        }
        // Their places were reserved.
        self.globals.splice(..module.globals.len(), first);
        self.fill_tables(module, contents)?;
        let most = |count: fn(&Signature) -> usize, limit: usize| {
            module.types.iter().map(|ty| count(ty).saturating_sub(limit)).max().unwrap_or(0)
        };
        self.extra_params = self.new_globals(most(|ty| ty.params.len(), MAX_PARAMS));
        self.extra_results = self.new_globals(most(|ty| ty.results.len(), MAX_RESULTS));
        Ok(())
    }

    /// Reserves globals, and returns the number of the first one.
    fn new_globals(&mut self, count: usize) -> u32 {
        let first = self.globals.len();
        self.globals.resize(first + count, 0);
        first as u32
    }

    fn number_data(&mut self, module: &Module<'_>) {
        self.passive_data = alloc::vec![None; module.data.len()];
        let mut empty = None;
        for (index, data) in module.data.iter().enumerate() {
            if !module.usage.data.get(index).copied().unwrap_or(false) {
                continue;
            }
            let plan = if data.placement == Placement::Passive {
                self.passive.push(Some(index as u32));
                let segment = self.passive.len() as u32 - 1;
                PassiveData { segment, dropped: Some(self.new_globals(1)) }
            } else {
                // An active segment was dropped when the module was instantiated.
                let segment = *empty.get_or_insert_with(|| {
                    self.passive.push(None);
                    self.passive.len() as u32 - 1
                });
                PassiveData { segment, dropped: None }
            };
            self.passive_data[index] = Some(plan);
        }
    }

    /// Returns the passive segment for a data segment that an instruction names.
    pub(crate) fn passive_data(&self, index: u32) -> Result<PassiveData, Error> {
        self.passive_data
            .get(index as usize)
            .copied()
            .flatten()
            .ok_or_else(|| Error::internal("a data segment"))
    }

    /// Returns the number of the global for parameter number `place`, 8 or more.
    pub(crate) fn extra_param(&self, place: usize) -> i64 {
        i64::from(self.extra_params) + place as i64 - MAX_PARAMS as i64
    }

    /// Returns the number of the global for result number `place`, 4 or more.
    pub(crate) fn extra_result(&self, place: usize) -> i64 {
        i64::from(self.extra_results) + place as i64 - MAX_RESULTS as i64
    }

    /// Returns the bits of the value of a constant expression.
    pub(crate) fn constant_bits(&self, constant: Constant) -> Result<u64, Error> {
        match constant {
            Constant::Bits(bits) => Ok(bits),
            Constant::Null => Ok(0),
            Constant::Function(index) => self.reference(index),
        }
    }
}

/// The packing of an import's arguments into 8 registers: some are in the upper half of the register of the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packing {
    /// The parameters in the lower halves; the next parameter is in the upper half.
    pub(crate) lower: Vec<usize>,
}

impl Packing {
    /// Returns the packing for a type: from the left, two neighbours that are both i32 share a register, until there
    /// are 8 registers.
    pub(crate) fn of(signature: &Signature) -> Result<Packing, Error> {
        let params = &signature.params;
        let mut beyond = params.len().saturating_sub(MAX_PARAMS);
        let mut lower = Vec::new();
        let mut place = 0;
        while beyond > 0 {
            match params.get(place..place + 2) {
                Some([ValType::I32, ValType::I32]) => {
                    lower.push(place);
                    beyond -= 1;
                    place += 2;
                }
                Some(_) => place += 1,
                None => {
                    return Err(Error::limit(
                        "an imported function has more than 8 parameters, and pairs of i32 do not fit 8 registers",
                    ));
                }
            }
        }
        if signature.results.len() > MAX_RESULTS {
            return Err(Error::limit("an imported function has more than 4 results"));
        }
        Ok(Packing { lower })
    }
}
