//! The part of the memory that data and stack take.
//!
//! Linkers place them at its beginning. LLD puts the data first, or the stack with `--stack-first`, as rustc asks it to.
//! Data that is zero at first is in no segment; its end is known only from the symbols `__heap_base` and `__data_end`,
//! which can be exported, or from a stack after it.

use alloc::format;
use alloc::string::String;

use wasmparser::ValType;

use crate::module::{Constant, Global, Item, Module, Placement};

/// The alignment of LLD's stack in bytes.
const STACK_ALIGNMENT: u64 = 16;

/// The extent of data and stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// The address at which both end. The heap begins there.
    pub(super) end: Option<u64>,
    /// The address at which they end at the earliest.
    least: u64,
    /// The address at which the stack begins, and from which it grows downwards.
    stack: Option<u64>,
}

impl Extent {
    pub(super) fn of(module: &Module<'_>) -> Extent {
        let segments = module.data.iter().filter_map(|data| match data.placement {
            Placement::Active { offset, .. } => Some(u64::from(offset) + data.bytes.len() as u64),
            _ => None,
        });
        let segments = segments.max().unwrap_or(0);
        let heap_base = exported_address(module, "__heap_base");
        let data_end = exported_address(module, "__data_end");
        let stack = stack_pointer(module);
        let end = match (heap_base, data_end, stack) {
            (Some(base), ..) => Some(base),
            (None, Some(data), stack) => Some(data.max(stack.unwrap_or(0))),
            // The stack is after all data.
            (None, None, Some(stack)) if stack >= segments => Some(stack),
            _ => None,
        };
        let end = end.map(|end| end.max(segments));
        Extent { end, least: end.unwrap_or(segments.max(stack.unwrap_or(0))), stack }
    }

    /// Returns why data and stack do not fit a memory of this number of bytes, if they do not.
    pub(super) fn beyond(&self, bytes: u64) -> Option<String> {
        if self.least <= bytes {
            return None;
        }
        let least = self.least;
        Some(match self.stack {
            None => format!("the data ends at {least}, beyond the memory of {bytes} bytes"),
            Some(stack) => {
                let smaller = (stack / 2).clamp(16, 1024) & !15;
                format!(
                    "data and stack end at {least}, beyond the memory of {bytes} bytes; the stack begins at {stack}, \
                    and `-C link-arg=-zstack-size={smaller}` (rustc) or `-Wl,-z,stack-size={smaller}` (clang) makes it \
                    smaller"
                )
            }
        })
    }
}

/// Returns the initial value of an i32 global, if it is a number and not imported.
fn address(global: &Global<'_>) -> Option<u64> {
    match global.initial {
        Constant::Bits(bits) if global.ty == ValType::I32 && global.import.is_none() => Some(bits),
        _ => None,
    }
}

/// Returns the address that a symbol of the linker has, if it is exported.
fn exported_address(module: &Module<'_>, symbol: &str) -> Option<u64> {
    let (_, item) = module.exports.iter().find(|(name, _)| *name == symbol)?;
    let Item::Global(index) = *item else { return None };
    module.globals.get(index as usize).filter(|global| !global.mutable).and_then(address)
}

/// Returns the initial value of the stack pointer: of the global with its name, or of the first one if it can be it, as
/// LLD makes it.
fn stack_pointer(module: &Module<'_>) -> Option<u64> {
    let named = module.exports.iter().find(|(name, _)| *name == "__stack_pointer");
    if let Some((_, Item::Global(index))) = named {
        return module.globals.get(*index as usize).and_then(address);
    }
    let first = module.globals.iter().find(|global| global.import.is_none())?;
    let memory = module.memory.map_or(0, |memory| memory.minimum << memory.page_log2);
    let is_stack = |at: &u64| *at > 0 && *at <= memory && at.is_multiple_of(STACK_ALIGNMENT);
    address(first).filter(|at| first.mutable && is_stack(at))
}
