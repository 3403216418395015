//! The numbers and types of functions.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use vsp_core::limits::{Limits, MAX_PARAMS, MAX_RESULTS};
use vsp_core::program::FuncType;

use super::{Growth, Layout, TablePlan};
use crate::error::Error;
use crate::module::{Constant, Item, Module, Signature};

/// The tag of functions that are in no table: no CALLR has it.
const OUTSIDE: u32 = 4095;
/// The tag of the functions that stand for null elements.
const NULL: u32 = 4094;

/// A function that does what no instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Helper {
    /// table.copy and table.init.
    Copy,
    Fill,
    Grow,
    /// memory.grow by bytes. The memory of the program has to grow, or not.
    GrowBytes {
        adds_pages: bool,
    },
}

/// The origin of a function of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The code of a function of the module.
    Body(u32),
    /// A call of a function of the module, or of an import.
    Thunk(u32),
    /// A null element of a table.
    Null,
    Helper(Helper),
}

impl Layout {
    /// Gives equal function types equal tags, and different types of the same shape different ones.
    pub(super) fn number_types(&mut self, module: &Module<'_>) -> Result<(), Error> {
        let mut known: BTreeMap<&Signature, FuncType> = BTreeMap::new();
        let mut tags: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        for ty in &module.types {
            if let Some(ty) = known.get(ty) {
                self.types.push(*ty);
                continue;
            }
            let shape = (ty.params.len().min(MAX_PARAMS), ty.results.len().min(MAX_RESULTS));
            let tag = tags.entry(shape).or_default();
            if *tag >= NULL {
                return Err(Error::limit("the module has more than 4,094 function types of one shape"));
            }
            let new = func_type(shape, *tag)?;
            *tag += 1;
            known.insert(ty, new);
            self.types.push(new);
        }
        Ok(())
    }

    /// Numbers the functions: those of a table that needs no memory of its own come first, in its order.
    pub(super) fn number_functions(
        &mut self,
        module: &Module<'_>,
        contents: &[Vec<Constant>],
    ) -> Result<(), Error> {
        self.numbers = alloc::vec![None; module.functions.len()];
        let direct = self.direct_length().is_some();
        if direct {
            for element in contents.iter().flatten() {
                let source = match *element {
                    Constant::Function(index) if self.import(index).is_some() || self.has_number(index) => {
                        Source::Thunk(index)
                    }
                    Constant::Function(index) => {
                        self.numbers[index as usize] = Some(self.sources.len() as u32);
                        Source::Body(index)
                    }
                    _ => Source::Null,
                };
                self.sources.push(source);
            }
        }
        for index in self.imports..module.functions.len() as u32 {
            if !self.has_number(index) {
                self.numbers[index as usize] = Some(self.sources.len() as u32);
                self.sources.push(Source::Body(index));
            }
        }
        for index in self.thunks(module, direct) {
            if self.import(index).is_some() && !self.has_number(index) {
                self.numbers[index as usize] = Some(self.sources.len() as u32);
                self.sources.push(Source::Thunk(index));
            }
        }
        if module.usage.references {
            for helper in [Helper::Copy, Helper::Fill, Helper::Grow] {
                self.helpers.push((helper, self.sources.len() as u32));
                self.sources.push(Source::Helper(helper));
            }
        }
        if let Growth::Bytes { adds_pages, .. } = self.memory.growth {
            let helper = Helper::GrowBytes { adds_pages };
            self.helpers.push((helper, self.sources.len() as u32));
            self.sources.push(Source::Helper(helper));
        }
        let most = Limits::DEFAULT.functions as usize;
        if self.sources.len() > most {
            return Err(Error::limit(alloc::format!("the program would have more than {most} functions")));
        }
        Ok(())
    }

    /// Returns functions that need a number: imports that are more than called need a function that calls them.
    fn thunks(&self, module: &Module<'_>, direct: bool) -> Vec<u32> {
        let exported = module.exports.iter().filter_map(|(_, item)| match item {
            Item::Function(index) => Some(*index),
            _ => None,
        });
        let mut thunks: Vec<u32> = exported.chain(module.start).collect();
        if !direct {
            let elements = module.elements.iter().flat_map(|elements| &elements.items);
            let globals = module.globals.iter().map(|global| &global.initial);
            let tables = module.tables.iter().map(|table| &table.initial);
            thunks.extend(elements.chain(globals).chain(tables).filter_map(|constant| match constant {
                Constant::Function(index) => Some(*index),
                _ => None,
            }));
            if module.usage.references {
                thunks.extend(0..self.imports);
            }
        }
        thunks
    }

    fn has_number(&self, index: u32) -> bool {
        self.numbers.get(index as usize).is_some_and(Option::is_some)
    }

    /// Returns the number of places of the table that is represented by function numbers, if there is one.
    fn direct_length(&self) -> Option<u32> {
        self.tables.iter().find_map(|table| match table {
            TablePlan::Direct { length, .. } => Some(*length),
            TablePlan::Globals { .. } => None,
        })
    }

    /// Returns the number of an import, or `None` for other functions.
    pub(crate) fn import(&self, index: u32) -> Option<u32> {
        (index < self.imports).then_some(index)
    }

    /// Returns the number of a function of the module in the program.
    pub(crate) fn number(&self, index: u32) -> Result<u32, Error> {
        self.numbers.get(index as usize).copied().flatten().ok_or_else(|| Error::internal("a function"))
    }

    /// Returns a reference to a function.
    pub(crate) fn reference(&self, index: u32) -> Result<u64, Error> {
        Ok(u64::from(self.number(index)?) + 1)
    }

    pub(crate) fn helper(&self, helper: Helper) -> Result<u32, Error> {
        let found = self.helpers.iter().find(|(known, _)| *known == helper);
        found.map(|(_, number)| *number).ok_or_else(|| Error::internal("a helper"))
    }

    /// Returns the bits of a function type of the module, for CALLR.
    pub(crate) fn type_bits(&self, ty: u32) -> Result<u32, Error> {
        let ty = self.types.get(ty as usize).ok_or_else(|| Error::internal("a type"))?;
        Ok(ty.bits())
    }

    /// Returns the type of a function of the program.
    pub(crate) fn program_type(&self, module: &Module<'_>, number: u32) -> Result<FuncType, Error> {
        let source = self.sources.get(number as usize).ok_or_else(|| Error::internal("a function"))?;
        match source {
            Source::Body(index) | Source::Thunk(index) => {
                let ty =
                    *module.functions.get(*index as usize).ok_or_else(|| Error::internal("a function"))?;
                let ty = *self.types.get(ty as usize).ok_or_else(|| Error::internal("a type"))?;
                match self.direct_length() {
                    _ if !module.usage.calls_indirect => func_type((ty.params(), ty.results()), 0),
                    Some(length) if number >= length => func_type((ty.params(), ty.results()), OUTSIDE),
                    _ => Ok(ty),
                }
            }
            Source::Null => func_type((0, 0), NULL),
            Source::Helper(Helper::Copy) => func_type((7, 0), OUTSIDE),
            Source::Helper(Helper::Fill) => func_type((5, 0), OUTSIDE),
            Source::Helper(Helper::Grow) => func_type((5, 1), OUTSIDE),
            Source::Helper(Helper::GrowBytes { .. }) => func_type((3, 1), OUTSIDE),
        }
    }
}

/// Returns the type of an import: without a tag.
pub(crate) fn import_type(signature: &Signature) -> Result<FuncType, Error> {
    func_type((signature.params.len().min(MAX_PARAMS), signature.results.len().min(MAX_RESULTS)), 0)
}

fn func_type((params, results): (usize, usize), tag: u32) -> Result<FuncType, Error> {
    FuncType::new(params, results)
        .and_then(|ty| ty.with_tag(tag))
        .ok_or_else(|| Error::internal("a function type"))
}
