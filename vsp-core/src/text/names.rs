//! The names that a text defines, and whether it uses them.

use alloc::collections::btree_map::{BTreeMap, Entry};
use alloc::collections::btree_set::BTreeSet;
use alloc::string::String;
use core::borrow::Borrow;
use core::cell::Cell;
use core::ops::Range;

/// Things of one kind with the names `K`.
#[derive(Debug)]
pub(super) struct Names<K, T> {
    entries: BTreeMap<K, Named<T>>,
    /// The numbers by which things of this kind are used.
    numbers: BTreeSet<u32>,
}

#[derive(Debug)]
struct Named<T> {
    value: T,
    /// What it is called in messages.
    what: &'static str,
    /// Its name where it is defined.
    span: Range<usize>,
    used: Cell<bool>,
}

/// There is something with this name already.
#[derive(Debug)]
pub(super) struct Taken;

/// A name that nothing uses.
#[derive(Debug)]
pub(super) struct Unused {
    /// What it names.
    pub(super) what: &'static str,
    /// Where it is defined.
    pub(super) span: Range<usize>,
}

impl<K: Ord, T: Copy> Names<K, T> {
    pub(super) fn new() -> Self {
        Names { entries: BTreeMap::new(), numbers: BTreeSet::new() }
    }

    /// Gives a name to something.
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

    /// What a name names. This is a use of it.
    pub(super) fn get<Q: Ord + ?Sized>(&self, name: &Q) -> Option<T>
    where
        K: Borrow<Q>,
    {
        let named = self.entries.get(name)?;
        named.used.set(true);
        Some(named.value)
    }

    /// Counts the thing with this number as used.
    pub(super) fn use_number(&mut self, number: u32) {
        self.numbers.insert(number);
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.keys()
    }

    /// The names with what they name, in the order of the names.
    pub(super) fn into_values(self) -> impl Iterator<Item = (K, T)> {
        self.entries.into_iter().map(|(name, named)| (name, named.value))
    }

    /// The things that are used neither by their names nor by their numbers.
    pub(super) fn unused(&self, number: impl Fn(T) -> Option<u32>) -> impl Iterator<Item = Unused> {
        let unused = self.entries.values().filter(move |named| {
            let by_number = number(named.value).is_some_and(|number| self.numbers.contains(&number));
            !named.used.get() && !by_number
        });
        unused.map(|named| Unused { what: named.what, span: named.span.clone() })
    }
}

/// Things whose names are simple.
pub(super) type Simple<T> = Names<String, T>;
