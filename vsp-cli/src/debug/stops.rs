//! Where and when a running program stops: breakpoints and watched expressions; and what is shown when it does.

use vsp_core::index::Location;

use super::expression::{Expression, Value};

/// A condition, as it was written and as it is computed.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) text: String,
    pub(crate) expression: Expression,
}

/// A breakpoint.
#[derive(Clone, Debug)]
pub(crate) struct Breakpoint {
    pub(crate) number: u32,
    /// Where it is, in words.
    pub(crate) at: String,
    pub(crate) locations: Vec<Location>,
    pub(crate) condition: Option<Condition>,
    pub(crate) enabled: bool,
    /// Is it deleted when it stops the program?
    pub(crate) temporary: bool,
    /// How often it stopped the program.
    pub(crate) hits: u64,
}

/// An expression whose changes stop the program.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) number: u32,
    pub(crate) watched: Condition,
    pub(crate) enabled: bool,
    /// The frame that registers and locals in it are those of, counted from the outermost one, which is 1.
    pub(crate) depth: Option<usize>,
    /// Its value when it was computed last; `None` if it had none.
    pub(crate) last: Option<Value>,
}

/// Everything that has a number, and what is shown at every stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stops {
    pub(crate) breakpoints: Vec<Breakpoint>,
    pub(crate) watches: Vec<Watch>,
    pub(crate) displays: Vec<(u32, Condition)>,
    last_number: u32,
}

impl Stops {
    /// The next number.
    pub(crate) fn number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    /// Deletes what has this number. Was there something?
    pub(crate) fn delete(&mut self, number: u32) -> bool {
        let count = |stops: &Stops| stops.breakpoints.len() + stops.watches.len() + stops.displays.len();
        let before = count(self);
        self.breakpoints.retain(|it| it.number != number);
        self.watches.retain(|it| it.number != number);
        self.displays.retain(|(it, _)| *it != number);
        count(self) < before
    }

    /// Switches a breakpoint or watched expression on or off. Is there one?
    pub(crate) fn enable(&mut self, number: u32, enabled: bool) -> bool {
        let breakpoints = self.breakpoints.iter_mut().map(|it| (it.number, &mut it.enabled));
        let watches = self.watches.iter_mut().map(|it| (it.number, &mut it.enabled));
        let mut found = breakpoints.chain(watches).filter(|(it, _)| *it == number);
        found.next().map(|(_, it)| *it = enabled).is_some()
    }

    /// Are there expressions to look at after every instruction?
    pub(crate) fn is_watching(&self) -> bool {
        self.watches.iter().any(|watch| watch.enabled)
    }

    /// The places where breakpoints that are on may stop the program.
    pub(crate) fn locations(&self) -> impl Iterator<Item = Location> {
        self.breakpoints.iter().filter(|it| it.enabled).flat_map(|it| it.locations.iter().copied())
    }

    /// One line for each.
    pub(crate) fn list(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let off = |enabled: bool| if enabled { "" } else { ", off" };
        for it in &self.breakpoints {
            let condition = it.condition.as_ref().map_or_else(String::new, |it| format!(" if {}", it.text));
            let once = if it.temporary { ", once" } else { "" };
            let (number, at, off) = (it.number, &it.at, off(it.enabled));
            lines.push((number, format!("{number}: break at {at}{condition}{once}{off}, hits: {}", it.hits)));
        }
        for it in &self.watches {
            let (number, text, off) = (it.number, &it.watched.text, off(it.enabled));
            lines.push((number, format!("{number}: watch {text}{off}")));
        }
        for (number, it) in &self.displays {
            lines.push((*number, format!("{number}: display {}", it.text)));
        }
        lines.sort();
        lines.into_iter().map(|(_, line)| line).collect()
    }
}
