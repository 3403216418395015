//! Tables.
//!
//! The usual table, which only call_indirect reads, needs no memory: the functions in it get the numbers of their
//! places, and the type of CALLR tells them from all others. Other tables are ranges of globals.

use alloc::format;
use alloc::vec::Vec;

use vsp_core::limits::Limits;
use wasmparser::{HeapType, ValType};

use super::Layout;
use crate::error::Error;
use crate::module::{Constant, Module, Placement};
use crate::options::Options;

/// The representation of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TablePlan {
    /// By the numbers of functions: place `n` is function `n`, for `n` below `length`. What is beyond is null.
    Direct { size: u32, length: u32 },
    /// By globals from `base` on.
    Globals {
        base: u32,
        /// The global that has the size, if the table grows.
        size: Option<u32>,
        minimum: u32,
        capacity: u32,
    },
}

/// An element segment in globals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassiveElements {
    pub(crate) base: u32,
    /// The global that has the length: 0 once the segment is dropped.
    pub(crate) length: u32,
}

/// The most globals of a program.
const MOST: usize = Limits::DEFAULT.globals as usize;

impl Layout {
    /// Decides how tables are represented, and returns the contents of each.
    pub(super) fn plan_tables(
        &mut self,
        module: &Module<'_>,
        options: &Options,
    ) -> Result<Vec<Vec<Constant>>, Error> {
        let mut contents = contents(module)?;
        let has_references = module.globals.iter().any(|global| matches!(global.ty, ValType::Ref(_)));
        let functions = module.functions.len();
        if let ([table], [contents]) = (&module.tables[..], &mut contents[..])
            && !module.usage.references
            && !has_references
            && contents.len() <= 2 * functions + 1024
            && table.element.heap_type() == HeapType::FUNC
        {
            if !module.usage.calls_indirect {
                contents.clear();
            }
            self.tables.push(TablePlan::Direct { size: table.minimum, length: contents.len() as u32 });
        } else {
            for (index, table) in module.tables.iter().enumerate() {
                let grows = module.usage.growing_tables.get(index).copied().unwrap_or(false);
                let wished = options
                    .table_maximum
                    .unwrap_or(table.minimum.saturating_add(Options::DEFAULT_TABLE_GROWTH))
                    .min(table.maximum.unwrap_or(u32::MAX));
                let capacity = if grows { wished.max(table.minimum) } else { table.minimum };
                if self.globals.len() + capacity as usize >= MOST {
                    return Err(Error::limit(format!(
                        "table {index} with {capacity} elements does not fit the {MOST} globals of a program"
                    )));
                }
                // GETGX names a global even if the table is empty.
                let base = self.new_globals(capacity.max(1) as usize);
                let size = grows.then(|| self.new_globals(1));
                self.tables.push(TablePlan::Globals { base, size, minimum: table.minimum, capacity });
            }
        }
        self.passive_elements = alloc::vec![None; module.elements.len()];
        for (index, elements) in module.elements.iter().enumerate() {
            if !module.usage.elements.get(index).copied().unwrap_or(false) {
                continue;
            }
            let count = if elements.placement == Placement::Passive { elements.items.len() } else { 0 };
            if self.globals.len() + count >= MOST {
                return Err(Error::limit(format!(
                    "element segment {index} with {count} elements does not fit the {MOST} globals of a program"
                )));
            }
            let base = self.new_globals(count);
            let length = self.new_globals(1);
            self.passive_elements[index] = Some(PassiveElements { base, length });
        }
        Ok(contents)
    }

    /// Sets the initial values of the globals of tables and element segments.
    pub(super) fn fill_tables(
        &mut self,
        module: &Module<'_>,
        contents: &[Vec<Constant>],
    ) -> Result<(), Error> {
        for (plan, contents) in self.tables.clone().into_iter().zip(contents) {
            let TablePlan::Globals { base, size, minimum, .. } = plan else { continue };
            for (at, element) in contents.iter().enumerate() {
                self.globals[base as usize + at] = self.constant_bits(*element)?;
            }
            if let Some(size) = size {
                self.globals[size as usize] = u64::from(minimum);
            }
        }
        for (index, elements) in module.elements.iter().enumerate() {
            let Some(PassiveElements { base, length }) = self.passive_elements[index] else { continue };
            if elements.placement != Placement::Passive {
                continue;
            }
            for (at, element) in elements.items.iter().enumerate() {
                self.globals[base as usize + at] = self.constant_bits(*element)?;
            }
            self.globals[length as usize] = elements.items.len() as u64;
        }
        Ok(())
    }

    pub(crate) fn table(&self, index: u32) -> Result<TablePlan, Error> {
        self.tables.get(index as usize).copied().ok_or_else(|| Error::internal("a table"))
    }

    pub(crate) fn passive_elements(&self, index: u32) -> Result<PassiveElements, Error> {
        self.passive_elements
            .get(index as usize)
            .copied()
            .flatten()
            .ok_or_else(|| Error::internal("an element segment"))
    }
}

/// Returns the elements of each table after instantiation, without the null elements at its end.
fn contents(module: &Module<'_>) -> Result<Vec<Vec<Constant>>, Error> {
    let mut contents: Vec<Vec<Constant>> = Vec::new();
    for (index, table) in module.tables.iter().enumerate() {
        let filled = if table.initial == Constant::Null { 0 } else { table.minimum as usize };
        if filled > MOST {
            return Err(Error::limit(format!(
                "table {index} has more than {MOST} elements that are not null"
            )));
        }
        contents.push(alloc::vec![table.initial; filled]);
    }
    for (number, elements) in module.elements.iter().enumerate() {
        let Placement::Active { index, offset } = elements.placement else { continue };
        let table = module.tables.get(index as usize).zip(contents.get_mut(index as usize));
        let (table, contents) = table.ok_or_else(|| Error::internal("a table"))?;
        let (offset, end) = (offset as usize, offset as usize + elements.items.len());
        if end > table.minimum as usize {
            return Err(Error::instantiation(format!(
                "element segment {number} ends at {end}, but table {index} has {} elements",
                table.minimum
            )));
        }
        if elements.items.is_empty() {
            continue;
        }
        let most = Limits::DEFAULT.functions;
        if end > most as usize {
            return Err(Error::limit(format!("element segment {number} ends at {end}, beyond {most}")));
        }
        if contents.len() < end {
            contents.resize(end, Constant::Null);
        }
        contents[offset..end].copy_from_slice(&elements.items);
    }
    for contents in &mut contents {
        while contents.last() == Some(&Constant::Null) {
            contents.pop();
        }
    }
    Ok(contents)
}
