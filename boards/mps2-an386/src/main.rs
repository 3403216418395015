//! A Cortex-M4: the interpreter on integers, without an operating system.

#![no_std]
#![no_main]

mod board;

use board::{HEAP, Mps2};
use board_checks::board::Board;
use board_checks::check::Interpreter;
use board_checks::report::Report;
use board_checks::{host, measure};
use cortex_m_rt::entry;

/// The table of checks, from the build script.
static TABLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/checks"));

/// The program that is measured.
static KERNELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kernels"));

#[entry]
fn main() -> ! {
    board::init();
    let mut report = Report::<Mps2>::new();
    let Ok(imports) = host::imports() else { Mps2::exit(false) };
    report.figure(&["table"], (TABLE.len() + KERNELS.len()) as u64);
    if let Ok(kernels) = measure::read(&mut report, &HEAP, KERNELS) {
        measure::kernels(&mut report, &HEAP, &kernels, &mut Interpreter, &imports);
    }
    report.table(TABLE, &mut Interpreter, &imports, &HEAP);
    report.end()
}
