//! The evaluator as an engine, and its main loop.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use vsp_core::generate::Plan;
use vsp_core::index::{FuncIndex, ImportIndex, Location};
use vsp_core::isa::Reg;
use vsp_core::program::FuncType;
use vsp_core::verify::Verified;
use vsp_core::{Outcome, Reason, Suspension, Trap, Trapped, Values};

use super::frame::Frame;
use super::word::Word;
use crate::random::{Engine, EngineInstance, FrameView};

/// The evaluator.
#[derive(Debug, Default)]
pub struct Reference {
    executed: Rc<RefCell<BTreeMap<u8, u64>>>,
}

impl Reference {
    /// Returns the number of executions of each instruction, by opcode number.
    pub fn executed(&self) -> BTreeMap<u8, u64> {
        self.executed.borrow().clone()
    }

    /// Creates an instance with this much memory and stack, or the defaults, and without fuel.
    pub(super) fn machine(
        &self,
        program: &Verified<'_>,
        memory: Option<u64>,
        stack_cells: Option<u32>,
    ) -> Machine {
        Machine::new(program, memory, stack_cells, self.executed.clone())
    }
}

impl Engine for Reference {
    fn name(&self) -> &str {
        "reference"
    }

    fn start<'p>(
        &mut self,
        program: &'p Verified<'p>,
        plan: &Plan,
    ) -> Result<Box<dyn EngineInstance + 'p>, String> {
        Ok(Box::new(self.machine(program, plan.memory, plan.stack_cells)))
    }
}

/// A function of the program.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) ty: FuncType,
    pub(super) locals: u32,
    pub(super) code: Vec<Word>,
}

/// The event that a suspended program waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Waiting {
    /// To pass a safepoint.
    Safepoint,
    /// The value of a YIELD, for this register.
    Yield(u32),
    /// The results of this import.
    Pending(u32),
}

/// An instance.
pub(super) struct Machine {
    pub(super) functions: Vec<Function>,
    pub(super) constants: Vec<u64>,
    /// The names and types of the imports.
    pub(super) imports: Vec<(String, FuncType)>,
    pub(super) memory: Vec<u8>,
    /// The size in bytes to which the memory can grow.
    pub(super) memory_maximum: i128,
    pub(super) passive: Vec<Vec<u8>>,
    pub(super) globals: BTreeMap<u32, u64>,
    pub(super) stack_cells: i128,
    /// The frames, innermost last.
    pub(super) frames: Vec<Frame>,
    pub(super) balance: i128,
    pub(super) interrupt: bool,
    waiting: Option<Waiting>,
    executed: Rc<RefCell<BTreeMap<u8, u64>>>,
}

/// The control flow after an instruction.
pub(super) enum Then {
    /// To the next word.
    Next,
    /// To a word of this function; backwards it is a safepoint.
    Branch(i128),
    /// To the next word, which is a safepoint.
    NextAtSafepoint,
    /// To the location of the innermost frame, after a call or return.
    Elsewhere,
    /// To the location of the innermost frame, which is a safepoint.
    ElsewhereAtSafepoint,
    /// Nowhere: the call has ended or is suspended.
    End(Outcome),
}

impl Function {
    /// Returns whether its code has operands that are state registers.
    pub(super) fn states(&self) -> bool {
        self.code.iter().any(|word| super::states::names_state(*word))
    }
}

impl Machine {
    fn new(
        program: &Verified<'_>,
        memory: Option<u64>,
        stack_cells: Option<u32>,
        executed: Rc<RefCell<BTreeMap<u8, u64>>>,
    ) -> Machine {
        let image = program.program();
        let mut words = image.code().iter().map(|bytes| Word(u32::from_le_bytes(*bytes)));
        let functions = image.functions().map(|decl| Function {
            ty: decl.ty,
            locals: u32::from(decl.locals),
            code: words.by_ref().take(decl.words as usize).collect(),
        });
        let functions = functions.collect();
        let mut memory = vec![0; memory.unwrap_or(image.memory_minimum()) as usize];
        for data in image.data() {
            for (address, byte) in (data.address as usize..).zip(data.bytes) {
                memory[address] = *byte;
            }
        }
        let memory_maximum = match image.memory_maximum() > image.memory_minimum() {
            true => i128::from(image.memory_maximum()),
            false => memory.len() as i128,
        };
        Machine {
            functions,
            constants: image.constants().iter().map(|bytes| u64::from_le_bytes(*bytes)).collect(),
            imports: image.imports().map(|it| (format!("{}.{}", it.module, it.name), it.ty)).collect(),
            memory,
            memory_maximum,
            passive: image.passive().map(<[u8]>::to_vec).collect(),
            globals: (0..).zip(image.globals()).collect(),
            stack_cells: i128::from(stack_cells.unwrap_or(65_536)),
            frames: Vec::new(),
            balance: 0,
            interrupt: false,
            waiting: None,
            executed,
        }
    }

    /// Returns the innermost frame of a running program.
    pub(super) fn frame(&mut self) -> &mut Frame {
        match self.frames.last_mut() {
            Some(frame) => frame,
            None => unreachable!("a program that runs has a frame"),
        }
    }

    pub(super) fn register(&mut self, number: u32) -> u64 {
        self.frame().register(number)
    }

    pub(super) fn set_register(&mut self, number: u32, value: u64) {
        self.frame().set_register(number, value);
    }

    /// Returns the location of the innermost frame.
    fn location(&mut self) -> Location {
        let frame = self.frame();
        Location { function: FuncIndex(frame.function), word: frame.word }
    }

    /// Deducts fuel (section 7).
    pub(super) fn charge(&mut self, units: i128) {
        self.balance = (self.balance - units).max(i128::from(i64::MIN));
    }

    pub(super) fn trap(&mut self, trap: Trap) -> Outcome {
        Outcome::Trapped(Trapped { trap, location: self.location() })
    }

    fn suspend(&mut self, reason: Reason, waiting: Waiting) -> Outcome {
        self.waiting = Some(waiting);
        Outcome::Suspended(Suspension { reason, location: self.location() })
    }

    pub(super) fn suspend_yield(&mut self, value: u64, register: u32) -> Outcome {
        self.suspend(Reason::Yield(value), Waiting::Yield(register))
    }

    pub(super) fn suspend_pending(&mut self, import: u32) -> Outcome {
        self.suspend(Reason::Pending(ImportIndex(import)), Waiting::Pending(import))
    }

    /// Executes the safepoint at the location of the innermost frame. Returns the outcome if the program stops there.
    fn safepoint(&mut self) -> Option<Outcome> {
        if self.balance < 0 {
            Some(self.suspend(Reason::Fuel, Waiting::Safepoint))
        } else if self.interrupt {
            Some(self.suspend(Reason::Interrupted, Waiting::Safepoint))
        } else {
            None
        }
    }

    /// Executes instructions until the call ends or is suspended.
    fn run(&mut self) -> Outcome {
        loop {
            if let Some(outcome) = self.step() {
                return outcome;
            }
        }
    }

    /// Executes the instruction at the location of the innermost frame.
    fn step(&mut self) -> Option<Outcome> {
        let (function, at) = (self.frame().function, self.frame().word);
        let word = self.functions[function as usize].code[at as usize];
        *self.executed.borrow_mut().entry(word.op() as u8).or_default() += 1;
        self.charge(1);
        let then = match self.execute(word) {
            Ok(then) => then,
            Err(trap) => return Some(self.trap(trap)),
        };
        match then {
            Then::Next => self.go(i128::from(at) + 1),
            Then::Branch(displacement) => {
                self.go(i128::from(at) + 1 + displacement);
                if displacement < 0 {
                    return self.safepoint();
                }
            }
            Then::NextAtSafepoint => {
                self.go(i128::from(at) + 1);
                return self.safepoint();
            }
            Then::Elsewhere => {}
            Then::ElsewhereAtSafepoint => return self.safepoint(),
            Then::End(outcome) => return Some(outcome),
        }
        None
    }

    fn go(&mut self, word: i128) {
        match u32::try_from(word) {
            Ok(word) => self.frame().word = word,
            Err(_) => unreachable!("branches stay in their function"),
        }
    }

    fn execute(&mut self, word: Word) -> Result<Then, Trap> {
        if let Some(then) = self.control(word) {
            return then;
        }
        if let Some(then) = self.data(word) {
            return then;
        }
        if let Some(then) = self.states(word) {
            return then;
        }
        let (a, b, c) = (self.register(word.a()), self.register(word.b()), self.register(word.c()));
        let computed = super::integer::compute(word, a, b, c);
        let computed = computed.or_else(|| super::float::compute(word, b, c).map(Ok));
        let computed = computed.or_else(|| super::bytesil::compute(word, b, c).map(Ok));
        match computed {
            Some(value) => {
                let value = value?;
                self.set_register(word.a(), value);
                Ok(Then::Next)
            }
            None => unreachable!("the page has no instruction 0x{:08X}", word.0),
        }
    }

    /// Ends a call, and drops its frames.
    pub(super) fn finish(&mut self, outcome: Outcome) -> Then {
        self.frames.clear();
        Then::End(outcome)
    }
}

impl EngineInstance for Machine {
    fn prepare(&mut self, fuel: u64, interrupt: bool) {
        self.balance = i128::from(fuel);
        self.interrupt = interrupt;
    }

    fn call(&mut self, function: FuncIndex, arguments: &[u64]) -> Result<Outcome, String> {
        if self.waiting.is_some() {
            return Err("the instance is suspended".into());
        }
        self.frames.clear();
        let location = Location { function, word: 0 };
        Ok(match self.enter(function.0, arguments) {
            Err(trap) => Outcome::Trapped(Trapped { trap, location }),
            Ok(Then::ElsewhereAtSafepoint) => self.safepoint().unwrap_or_else(|| self.run()),
            Ok(_) => self.run(),
        })
    }

    fn resume(&mut self, values: &[u64]) -> Result<Outcome, String> {
        let next = i128::from(self.location().word) + 1;
        match self.waiting.take() {
            None => return Err("the instance is not suspended".into()),
            Some(Waiting::Safepoint) => {}
            Some(Waiting::Yield(register)) => {
                self.set_register(register, values[0]);
                self.go(next);
                return Ok(self.run());
            }
            Some(Waiting::Pending(_)) => {
                self.frame().set_first_registers(values);
                self.go(next);
            }
        }
        Ok(self.safepoint().unwrap_or_else(|| self.run()))
    }

    fn fail(&mut self, code: u32) -> Result<Outcome, String> {
        match self.waiting.take() {
            Some(Waiting::Pending(_)) => Ok(self.trap(Trap::Host(code))),
            _ => Err("the instance does not wait for a host function".into()),
        }
    }

    fn reset(&mut self) {
        self.waiting = None;
        self.frames.clear();
    }

    fn write(&mut self, slot: u32, value: u64) -> Result<(), String> {
        match slot.checked_sub(Reg::ALL.len() as u32) {
            None => self.set_register(slot, value),
            Some(local) => self.frame().set_local(local, value),
        }
        Ok(())
    }

    fn balance(&self) -> Option<i64> {
        i64::try_from(self.balance).ok()
    }

    fn call_stack(&self) -> Vec<Location> {
        let location = |frame: &Frame| Location { function: FuncIndex(frame.function), word: frame.word };
        self.frames.iter().rev().map(location).collect()
    }

    fn memory(&self) -> &[u8] {
        &self.memory
    }

    fn globals(&self) -> Vec<u64> {
        self.globals.values().copied().collect()
    }

    fn frames(&self) -> Option<Vec<FrameView>> {
        let view = |frame: &Frame| FrameView {
            location: Location { function: FuncIndex(frame.function), word: frame.word },
            registers: std::array::from_fn(|number| frame.register(number as u32)),
            locals: (0..self.functions[frame.function as usize].locals).map(|it| frame.local(it)).collect(),
            states: match self.functions[frame.function as usize].states() {
                true => (0..16).map(|number| frame.state(number)).collect(),
                false => Vec::new(),
            },
        };
        Some(self.frames.iter().rev().map(view).collect())
    }
}

/// Creates the outcome of up to four results.
pub(super) fn returned(results: &[u64]) -> Outcome {
    Outcome::Returned(Values::new(results))
}
