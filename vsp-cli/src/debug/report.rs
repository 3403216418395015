//! What is shown when the program stops.

use std::io::Write;

use vsp_core::index::GlobalIndex;
use vsp_core::isa::Reg;
use vsp_core::{Instance, Outcome, Reason};
use vsp_host::echo::Echo;

use super::changes::Values;
use super::expression::Scope;
use super::session::{Session, Stop};
use super::show;
use crate::end::{EXITED, End};
use crate::state::State;
use crate::style::{CHANGED, LOCATION, paint};

impl Session<'_> {
    /// Returns the stop after starting or resuming a call.
    pub(super) fn stop(&mut self, begun: Option<Outcome>) -> Stop {
        begun.map_or(Stop::Arrived, |outcome| self.end(&outcome))
    }

    /// Reports how the program ended, or why it is suspended.
    pub(super) fn end(&mut self, outcome: &Outcome) -> Stop {
        let text = self.ended.take().unwrap_or_else(|| self.described(outcome));
        self.out += &text;
        self.ended = Some(text);
        Stop::Ended
    }

    /// Describes how the program ended, or why it is suspended.
    fn described(&mut self, outcome: &Outcome) -> String {
        let (end, chosen) = match &self.setup.recorded {
            Some(recorded) => {
                if matches!(outcome, Outcome::Suspended(it) if it.reason == Reason::Interrupted) {
                    return format!(
                        "the recording ends here, where the program was stopped; fuel used: {}\n",
                        self.fuel_used()
                    );
                }
                // The end of the log, and the state there, are compared.
                let is_compared = self.instance.replay_error().is_none();
                let compared = if is_compared { self.instance.finish_replay() } else { Ok(()) };
                if let Some(error) = self.instance.replay_error().or(compared.as_ref().err()) {
                    return format!("{}; fuel used: {}\n", recorded.described(error), self.fuel_used());
                }
                let end = recorded.end(&self.setup, &mut self.instance, *outcome);
                (end, self.instance.state().echo.as_ref().map_or(0, |echo| echo.exit_code))
            }
            None => {
                let failure = self.instance.state_mut().sys.failure.take();
                let chosen = self.instance.state().sys.exit_code;
                let error = self.instance.take_host_error();
                (End::new(*outcome, self.setup.verified, failure, chosen, error.as_deref()), chosen)
            }
        };
        let values: Vec<String> = end.results.iter().map(|value| crate::value::short(*value)).collect();
        let mut text = match (outcome, end.message) {
            (Outcome::Suspended(suspension), _) => match suspension.reason {
                Reason::Fuel => "the fuel is used up; `fuel UNITS` gives it more".to_owned(),
                Reason::Interrupted => "interrupted".to_owned(),
                Reason::Yield(value) => {
                    format!("the program yields {}, and waits for `resume VALUE`", crate::value::short(value))
                }
                Reason::Pending(_) => "a host function is pending".to_owned(),
            },
            (_, Some(message)) => message,
            (_, None) if end.outcome == EXITED => {
                format!("the program exits with status {}", values.join(""))
            }
            (_, None) if values.is_empty() => format!("the program {}", end.outcome),
            (_, None) => format!("the program {} {}", end.outcome, values.join(", ")),
        };
        if chosen != 0 {
            text += &format!(", with exit code {chosen}");
        }
        format!("{text}; fuel used: {}\n", self.fuel_used())
    }

    /// Reports the location of the program, and the changes since the last stop.
    pub(super) fn report(&mut self, stop: Stop) -> Result<(), String> {
        let state = self.instance.state_mut();
        let echoed = state.echo.as_mut().map_or(Ok(()), Echo::finish);
        let flushed = echoed.and_then(|()| state.sys.output.flush());
        flushed.map_err(|error| format!("the program's output: {error}"))?;
        self.selected = 0;
        self.listed = None;
        let now = Values::of(&self.instance);
        let is_same_frame = now.innermost() == self.before.innermost();
        if let Stop::Because(reasons) = &stop {
            reasons.iter().for_each(|reason| self.out += &format!("{reason}\n"));
        }
        if let Some(location) = self.location() {
            if !is_same_frame || stop != Stop::Arrived {
                self.out += &format!("{}:\n", paint(LOCATION, &self.code.describe(location)));
            }
            self.out += &show::location(&self.code, location, show::mark(true, false));
        }
        let changes = self.before.changes(&now, &self.code);
        if !changes.is_empty() {
            self.out += &format!("{} {}\n", paint(CHANGED, "changed:"), changes.join(", "));
        }
        self.before = now;
        self.show_displays();
        Ok(())
    }

    /// Shows the displayed expressions.
    pub(crate) fn show_displays(&mut self) {
        let scope = View { instance: &self.instance, selected: self.selected };
        for (number, it) in &self.stops.displays {
            let value = it.expression.value(&scope);
            let value = value.map_or_else(|error| format!("no value: {error}"), |value| value.to_string());
            self.out += &format!("{number}: {} = {value}\n", it.text);
        }
    }
}

/// A stopped program with the selected frame.
pub(crate) struct View<'s, 'p> {
    pub(super) instance: &'s Instance<'p, State>,
    pub(super) selected: usize,
}

impl Scope for View<'_, '_> {
    fn register(&self, register: Reg) -> Option<u64> {
        self.instance.frames().nth(self.selected).map(|frame| frame.registers[register.index()])
    }

    fn local(&self, number: u32) -> Option<u64> {
        self.instance.frames().nth(self.selected)?.locals.get(number as usize).copied()
    }

    fn global(&self, global: GlobalIndex) -> Option<u64> {
        self.instance.global(global)
    }

    fn memory(&self) -> &[u8] {
        self.instance.memory()
    }

    fn depth(&self) -> usize {
        self.instance.call_stack().count()
    }
}
