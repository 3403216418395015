//! The debugger's breakpoints, watched expressions, and expressions that are displayed at every stop.

use vsp_core::index::Location;

use super::expression::{Expression, Scope, Value};

/// An expression and its text.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) text: String,
    pub(crate) expression: Expression,
}

/// A breakpoint.
#[derive(Clone, Debug)]
pub(crate) struct Breakpoint {
    pub(crate) number: u32,
    /// The description of its location.
    pub(crate) at: String,
    pub(crate) locations: Vec<Location>,
    pub(crate) condition: Option<Condition>,
    pub(crate) enabled: bool,
    /// Whether it is deleted after it stops the program.
    pub(crate) temporary: bool,
    /// Number of times that it stopped the program.
    pub(crate) hits: u64,
}

/// An expression whose changes stop the program.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) number: u32,
    pub(crate) watched: Condition,
    pub(crate) enabled: bool,
    /// The depth of the frame to which its registers and locals belong, counted from the outermost one, which is 1.
    pub(crate) depth: Option<usize>,
    /// The value when it was last evaluated, or `None` if that failed.
    pub(crate) last: Option<Value>,
}

/// The result of evaluating a watch.
pub(crate) enum Evaluated {
    /// Its frame does not exist.
    Gone,
    /// It is disabled, or its frame is not the innermost: the value cannot have changed.
    Skipped,
    Same,
    /// The value has changed; this describes how.
    Changed(String),
}

impl Watch {
    /// Evaluates the expression in the innermost frame, of `depth`, and keeps the value.
    pub(crate) fn evaluate(&mut self, depth: usize, scope: &impl Scope) -> Evaluated {
        let frame = self.depth.unwrap_or(depth);
        if depth < frame {
            return Evaluated::Gone;
        }
        if !self.enabled || depth > frame {
            return Evaluated::Skipped;
        }
        let now = self.watched.expression.value(scope).ok();
        let last = std::mem::replace(&mut self.last, now);
        if now == last {
            return Evaluated::Same;
        }
        let show = |value: Option<Value>| value.map_or_else(|| "no value".into(), |it| it.to_string());
        let (number, text) = (self.number, &self.watched.text);
        Evaluated::Changed(format!("watch {number}: {text}: {} -> {}", show(last), show(now)))
    }
}

/// All breakpoints, watches and displays, which share their numbering.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stops {
    pub(crate) breakpoints: Vec<Breakpoint>,
    pub(crate) watches: Vec<Watch>,
    pub(crate) displays: Vec<(u32, Condition)>,
    last_number: u32,
}

impl Stops {
    /// Assigns the next number.
    pub(crate) fn number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    /// Deletes the item with this number. Returns whether it existed.
    pub(crate) fn delete(&mut self, number: u32) -> bool {
        let count = |stops: &Stops| stops.breakpoints.len() + stops.watches.len() + stops.displays.len();
        let before = count(self);
        self.breakpoints.retain(|it| it.number != number);
        self.watches.retain(|it| it.number != number);
        self.displays.retain(|(it, _)| *it != number);
        count(self) < before
    }

    /// Enables or disables a breakpoint or watch. Returns whether it exists.
    pub(crate) fn enable(&mut self, number: u32, enabled: bool) -> bool {
        let breakpoints = self.breakpoints.iter_mut().map(|it| (it.number, &mut it.enabled));
        let watches = self.watches.iter_mut().map(|it| (it.number, &mut it.enabled));
        let mut found = breakpoints.chain(watches).filter(|(it, _)| *it == number);
        found.next().map(|(_, it)| *it = enabled).is_some()
    }

    /// Returns whether there are watches to evaluate after every instruction.
    pub(crate) fn is_watching(&self) -> bool {
        self.watches.iter().any(|watch| watch.enabled)
    }

    /// Returns the locations of the enabled breakpoints.
    pub(crate) fn locations(&self) -> impl Iterator<Item = Location> {
        self.breakpoints.iter().filter(|it| it.enabled).flat_map(|it| it.locations.iter().copied())
    }

    /// Returns the numbers of the breakpoints that stop the program at a location, and their descriptions.
    pub(crate) fn breaks(&self, location: Location, scope: &impl Scope) -> Vec<(u32, String)> {
        let here = self.breakpoints.iter().filter(|it| it.enabled && it.locations.contains(&location));
        let reason = |it: &Breakpoint| {
            let number = it.number;
            match it.condition.as_ref().map(|condition| condition.expression.value(scope)) {
                Some(Ok(value)) if !value.is_true() => None,
                None | Some(Ok(_)) => Some((number, format!("breakpoint {number}"))),
                Some(Err(error)) => {
                    Some((number, format!("breakpoint {number}: its condition has no value: {error}")))
                }
            }
        };
        here.filter_map(reason).collect()
    }

    /// Counts a stop at the breakpoints for whose numbers `is_hit` holds. Deletes those that stop only once.
    pub(crate) fn stopped(&mut self, is_hit: impl Fn(u32) -> bool) {
        self.breakpoints.retain_mut(|it| {
            let is_hit = is_hit(it.number);
            it.hits += u64::from(is_hit);
            !(it.temporary && is_hit)
        });
    }

    /// Lists all items, one per line.
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
