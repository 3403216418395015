//! Control flow, branches, calls and host calls (classes 0x, 1x and Ex; `docs/isa.md`, sections 5 to 7).

use vsp_core::{Outcome, Trap};

use super::frame::Frame;
use super::host::{self, Answer};
use super::machine::{Function, Machine, Then, returned};
use super::numbers::{register, signed, signed_low, unsigned};
use super::word::Word;

/// Returns the displacement of a branch, or `None` for other instructions.
fn displacement(word: Word) -> Option<i128> {
    match word.op() {
        0x10 => Some(word.s24()),
        0x11..=0x13 | 0x1A => Some(word.s20()),
        0x14..=0x19 | 0xD9 | 0xDA => Some(word.s16()),
        0xE0..=0xE5 => Some(word.s12()),
        _ => None,
    }
}

/// Returns whether the function is a short leaf.
fn is_short_leaf(function: &Function) -> bool {
    let calls = |word: &Word| {
        matches!(word.op(), 0x06 | 0x07 | 0x1C | 0x1D | 0x1E | 0x03 | 0x29 | 0x2A | 0x2D | 0xC5)
    };
    let back = |word: &Word| displacement(*word).is_some_and(|displacement| displacement < 0);
    function.code.len() <= 32
        && function.locals <= 16
        && !function.code.iter().any(|word| calls(word) || back(word))
}

impl Machine {
    /// Executes a control-flow instruction. Returns `None` for other instructions.
    pub(super) fn control(&mut self, word: Word) -> Option<Result<Then, Trap>> {
        let a = self.register(word.a());
        Some(match word.op() {
            0x01 => Ok(self.finish(Outcome::Halted(a))),
            0x02 => Ok(self.return_()),
            0x03 => Ok(Then::End(self.suspend_yield(a, word.a()))),
            0x04 => Err(Trap::Explicit(word.u24())),
            0x05 => Ok(Then::Next),
            0x06 => self.tail_call(word.u24()),
            0x07 => self.named(a, word.u20()).and_then(|callee| self.tail_call(callee)),
            0x1A => {
                let left = register(unsigned(a) - 1);
                self.set_register(word.a(), left);
                Ok(if left != 0 { Then::Branch(word.s20()) } else { Then::Next })
            }
            0x1B => {
                let entries = word.u20();
                // Skips entries of the table.
                let over = unsigned(a).min(i128::from(entries));
                Ok(Then::Branch(over))
            }
            0x1C => self.call_function(word.u24()),
            0x1D => self.named(a, word.u20()).and_then(|callee| self.call_function(callee)),
            0x1E => self.call_host(word.u24()),
            _ => {
                let displacement = displacement(word)?;
                Ok(if self.is_taken(word)? { Then::Branch(displacement) } else { Then::Next })
            }
        })
    }

    /// Returns whether a branch is taken.
    fn is_taken(&mut self, word: Word) -> Option<bool> {
        let (a, b) = (self.register(word.a()), self.register(word.b()));
        let half = |value: u64| signed_low(unsigned(value), 32);
        Some(match word.op() {
            0x10 => true,
            0x11 => a == 0,
            0x12 => a != 0,
            0x13 => signed(a) < 0,
            0x14 => a == b,
            0x15 => a != b,
            0x16 => signed(a) < signed(b),
            0x17 => signed(a) >= signed(b),
            0x18 => unsigned(a) < unsigned(b),
            0x19 => unsigned(a) >= unsigned(b),
            0xD9 => half(a) < half(b),
            0xDA => half(a) >= half(b),
            0xE0 => signed(a) == word.s8(),
            0xE1 => signed(a) != word.s8(),
            0xE2 => signed(a) < word.s8(),
            0xE3 => signed(a) >= word.s8(),
            0xE4 => unsigned(a) < i128::from(word.u8()),
            0xE5 => unsigned(a) >= i128::from(word.u8()),
            _ => return None,
        })
    }

    fn return_(&mut self) -> Then {
        let function = self.frame().function;
        let count = self.functions[function as usize].ty.results();
        let results = self.frame().first_registers(count);
        self.frames.pop();
        match self.frames.last_mut() {
            None => self.finish(returned(&results)),
            Some(caller) => {
                caller.set_first_registers(&results);
                caller.word += 1;
                Then::Elsewhere
            }
        }
    }

    fn call_function(&mut self, callee: u32) -> Result<Then, Trap> {
        let count = self.functions[callee as usize].ty.params();
        let arguments = self.frame().first_registers(count);
        self.enter(callee, &arguments)
    }

    /// Calls a function whose frame takes the place of the innermost one, which stays if there is no room.
    fn tail_call(&mut self, callee: u32) -> Result<Then, Trap> {
        let count = self.functions[callee as usize].ty.params();
        let arguments = self.frame().first_registers(count);
        let replaced = self.frames.pop();
        let entered = self.enter(callee, &arguments);
        if entered.is_err() {
            self.frames.extend(replaced);
        }
        entered
    }

    /// Returns the function with this number, which must have this type.
    fn named(&self, number: u64, ty: u32) -> Result<u32, Trap> {
        let callee = u32::try_from(number).ok().filter(|callee| {
            let function = self.functions.get(*callee as usize);
            function.is_some_and(|function| {
                let ty_of =
                    (function.ty.params() + 16 * function.ty.results()) as u32 + 256 * function.ty.tag();
                ty_of == ty
            })
        });
        callee.ok_or(Trap::BadIndirectCall)
    }

    /// Calls a function: pushes its frame, at word 0, and charges for its locals.
    pub(super) fn enter(&mut self, callee: u32, arguments: &[u64]) -> Result<Then, Trap> {
        let cells = |function: u32| {
            let function = &self.functions[function as usize];
            18 + i128::from(function.locals) + if function.states() { 32 } else { 0 }
        };
        let used: i128 = self.frames.iter().map(|frame| cells(frame.function)).sum();
        let locals = i128::from(self.functions[callee as usize].locals);
        if used + cells(callee) > self.stack_cells {
            return Err(Trap::StackOverflow);
        }
        self.frames.push(Frame::new(callee, arguments));
        self.charge(locals.div_euclid(16));
        let is_short_leaf = is_short_leaf(&self.functions[callee as usize]);
        Ok(if is_short_leaf { Then::Elsewhere } else { Then::ElsewhereAtSafepoint })
    }

    fn call_host(&mut self, import: u32) -> Result<Then, Trap> {
        let (name, ty) = self.imports[import as usize].clone();
        let arguments = self.frame().first_registers(ty.params());
        let (answer, charged) = host::call(&name, &arguments, &mut self.memory);
        self.charge(i128::from(charged));
        match answer {
            Answer::Results(results) => {
                self.frame().set_first_registers(&results[..ty.results()]);
                Ok(Then::NextAtSafepoint)
            }
            Answer::Error(code) => Err(Trap::Host(code)),
            Answer::Pending => Ok(Then::End(self.suspend_pending(import))),
        }
    }
}
