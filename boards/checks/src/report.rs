//! The report: a line for each check (Test Anything Protocol), and measured figures.

use core::marker::PhantomData;

use vsp_core::Imports;

use crate::board::{Board, paint_stack, stack_depth};
use crate::check::{self, Engine, Failure};
use crate::heap::Heap;
use crate::host::Host;
use crate::wire::Reader;

/// The report of a board, which is written to its console as it grows.
#[derive(Debug)]
pub struct Report<B> {
    checks: u32,
    failed: u32,
    board: PhantomData<B>,
}

impl<B: Board> Default for Report<B> {
    fn default() -> Self {
        Report::new()
    }
}

impl<B: Board> Report<B> {
    /// Begins a report.
    pub fn new() -> Self {
        print::<B>(&["TAP version 13\n"]);
        Report { checks: 0, failed: 0, board: PhantomData }
    }

    /// Carries out a check, and writes its line with the number of instructions that it took.
    pub fn check(&mut self, group: &str, name: &str, run: impl FnOnce() -> Result<(), Failure>) {
        let start = B::instructions();
        let result = run();
        let instructions = B::instructions() - start;
        self.checks += 1;
        if result.is_err() {
            self.failed += 1;
            print::<B>(&["not "]);
        }
        print::<B>(&["ok "]);
        decimal::<B>(self.checks.into());
        print::<B>(&[" - ", group, " ", name, " # "]);
        decimal::<B>(instructions);
        print::<B>(&[" instructions\n"]);
        if let Err(failure) = result {
            print::<B>(&["  step "]);
            decimal::<B>(failure.step.into());
            print::<B>(&[": ", failure.what, ": "]);
            decimal::<B>(failure.found);
            print::<B>(&[", expected "]);
            decimal::<B>(failure.expected);
            print::<B>(&["\n"]);
        }
    }

    /// Carries out all checks of a table, and measures heap and stack.
    pub fn table<E: Engine>(
        &mut self,
        table: &'static [u8],
        engine: &mut E,
        imports: &Imports<Host>,
        heap: &Heap,
    ) {
        paint_stack::<B>();
        heap.take_peak();
        let mark = heap.mark();
        let mut reader = Reader::new(table);
        while reader.remaining() > 0 {
            let check = reader.check();
            let (group, name) = (engine.name(), check.map_or("the table", |check| check.name));
            self.check(group, name, || match check {
                Some(check) => check::run(&check, engine, imports),
                None => Err(Failure::of("the table cannot be read")),
            });
            if E::KEEPS_NOTHING {
                // SAFETY: what was allocated before, for the host functions, is borrowed; the check has ended.
                unsafe { heap.reset(&mark) };
            }
            if check.is_none() {
                break;
            }
        }
        self.figure(&["heap-", engine.name()], heap.take_peak() as u64);
        self.figure(&["stack-", engine.name()], stack_depth::<B>(B::stack().end) as u64);
    }

    /// Writes a figure. The name is in parts. `boards/limits` can have a limit for it.
    pub fn figure(&mut self, name: &[&str], value: u64) {
        print::<B>(&["# figure "]);
        print::<B>(name);
        print::<B>(&[" "]);
        decimal::<B>(value);
        print::<B>(&["\n"]);
    }

    /// Ends the report and the emulator.
    pub fn end(self) -> ! {
        print::<B>(&["1.."]);
        decimal::<B>(self.checks.into());
        print::<B>(&["\n"]);
        B::exit(self.failed == 0)
    }
}

/// Reports an exception of the processor, and ends the emulator. `cause` is what the architecture calls its number.
pub fn exception<B: Board>(cause: &str, number: u64, at: u64, address: u64) -> ! {
    print::<B>(&["Bail out! exception, ", cause, " "]);
    decimal::<B>(number);
    print::<B>(&[" at "]);
    decimal::<B>(at);
    print::<B>(&[", address "]);
    decimal::<B>(address);
    print::<B>(&["\n"]);
    B::exit(false)
}

/// Writes texts to the console.
pub fn print<B: Board>(texts: &[&str]) {
    for text in texts {
        B::write(text.as_bytes());
    }
}

/// Writes a number to the console. (`core::fmt` would take several kilobytes of flash.)
pub fn decimal<B: Board>(number: u64) {
    B::write(digits(number, &mut [0; 20]));
}

/// Returns a number in decimal.
pub(crate) fn digits(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[first..];
        }
    }
}
