//! The names that a text defines, and their uses.

use alloc::collections::btree_map::{BTreeMap, Entry};
use alloc::collections::btree_set::BTreeSet;
use alloc::string::String;
use core::borrow::Borrow;
use core::cell::Cell;
use core::ops::Range;

/// The items of one kind, with names of type `K`.
#[derive(Debug)]
pub(super) struct Names<K, T> {
    entries: BTreeMap<K, Named<T>>,
    /// The indices by which items of this kind are used.
    numbers: BTreeSet<u32>,
    /// The index from which on all items of this kind are used.
    used_from: u32,
}

#[derive(Debug)]
struct Named<T> {
    value: T,
    /// The kind of item in messages.
    what: &'static str,
    /// The position of the name in its definition.
    span: Range<usize>,
    used: Cell<bool>,
}

/// The error that a name is already defined.
#[derive(Debug)]
pub(super) struct Taken;

/// A name that is never used.
#[derive(Debug)]
pub(super) struct Unused {
    /// The kind of item.
    pub(super) what: &'static str,
    /// The position of its definition.
    pub(super) span: Range<usize>,
}

impl<K: Ord, T: Copy> Names<K, T> {
    pub(super) fn new() -> Self {
        Names { entries: BTreeMap::new(), numbers: BTreeSet::new(), used_from: u32::MAX }
    }

    /// Defines a name for an item.
    pub(super) fn define(
        &mut self,
        name: K,
        value: T,
        what: &'static str,
        span: Range<usize>,
    ) -> Result<(), Taken> {
        match self.entries.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(Named { value, what, span, used: Cell::new(false) });
                Ok(())
            }
            Entry::Occupied(_) => Err(Taken),
        }
    }

    /// Returns the item with this name and counts it as used.
    pub(super) fn get<Q: Ord + ?Sized>(&self, name: &Q) -> Option<T>
    where
        K: Borrow<Q>,
    {
        let named = self.entries.get(name)?;
        named.used.set(true);
        Some(named.value)
    }

    /// Counts the item with this index as used.
    pub(super) fn use_number(&mut self, number: u32) {
        self.numbers.insert(number);
    }

    /// Counts the items with this index and all larger ones as used.
    pub(super) fn use_from(&mut self, number: u32) {
        self.used_from = self.used_from.min(number);
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.keys()
    }

    /// Returns the names and their items, in the order of the names.
    pub(super) fn into_values(self) -> impl Iterator<Item = (K, T)> {
        self.entries.into_iter().map(|(name, named)| (name, named.value))
    }

    /// Returns the items that are used neither by name nor by index.
    pub(super) fn unused(&self, number: impl Fn(T) -> Option<u32>) -> impl Iterator<Item = Unused> {
        let unused = self.entries.values().filter(move |named| {
            let is_used = |number| number >= self.used_from || self.numbers.contains(&number);
            let by_number = number(named.value).is_some_and(is_used);
            !named.used.get() && !by_number
        });
        unused.map(|named| Unused { what: named.what, span: named.span.clone() })
    }
}

/// The items of a kind with simple names.
pub(super) type Simple<T> = Names<String, T>;
