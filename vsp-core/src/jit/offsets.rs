//! The offsets of the fields of the context and of the function table.

use core::mem::offset_of;

use crate::native::{Context, TableEntry};

macro_rules! define_offsets {
    ($($name:ident = $ty:ident.$field:ident;)*) => {
        $(pub(crate) const $name: i32 = offset_of!($ty, $field) as i32;)*
    };
}

define_offsets! {
    MEMORY = Context.memory;
    MEMORY_SIZE = Context.memory_size;
    GLOBALS = Context.globals;
    CELLS_END = Context.cells_end;
    CELLS = Context.cells;
    FUEL = Context.fuel;
    INTERRUPT = Context.interrupt;
    CODE = Context.code;
    FUNCTIONS = Context.functions;
    HOST_CALL = Context.host_call;
    MATH = Context.math;
    COPY = Context.copy;
    FILL = Context.fill;
    VALUES = Context.values;
    VALUE = Context.value;
    SITE = Context.site;
    FRAME = Context.frame;
    STATUS = Context.status;
    MEMORY_MAXIMUM = Context.memory_maximum;
    PASSIVE = Context.passive;
    ENTRY_OFFSET = TableEntry.offset;
    ENTRY_TYPE = TableEntry.ty;
    ENTRY_CELLS = TableEntry.cells;
}

/// log₂ of the size of a row of the function table.
pub(crate) const ENTRY_SHIFT: i64 = size_of::<TableEntry>().trailing_zeros() as i64;
