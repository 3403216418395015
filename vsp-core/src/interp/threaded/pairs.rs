//! Pairs of instructions that one handler executes.
//!
//! One behind the other, each pair saves a jump that the processor has to predict. The second instruction stays as it is, so that
//! it can be branched to, and so that a trap of the first one leaves the program there.

use super::op::{Handler, by_variant, instructions, pair, variant, variants};
use crate::isa::Opcode;

/// By the variants of both; the first instruction of a pair is no branch.
type Pair = [[Handler; variant::COUNT]; 8];

macro_rules! define_pairs {
    ($($x:ident $y:ident;)*) => {
        /// The pairs.
        const PAIRS: &[(Opcode, Opcode)] = &[$((Opcode::$x, Opcode::$y)),*];

        static HANDLERS: [Pair; PAIRS.len()] = [$(
            define_pairs!(@ $x $y, 0 1 2 3 4 5 6 7)
        ),*];
    };
    (@ $x:ident $y:ident, $($v:literal)*) => {
        [$(by_variant!(pair [instructions::$x, instructions::$y, { variants(Opcode::$x) & $v }] variants(Opcode::$y))),*]
    };
}

define_pairs! {
    LOAD FMUL;
    LOAD LOAD;
    LOADX LOAD;
    FMUL FADD;
    ADDI LOOP;
    ADD LOOP;
    XOR MUL;
    MUL LOOP;
}

/// The pair's number by its opcodes, more by one; 0 for none.
static NUMBERS: [[u8; 256]; 256] = {
    let mut numbers = [[0; 256]; 256];
    let mut i = 0;
    while i < PAIRS.len() {
        let (x, y) = PAIRS[i];
        numbers[x.number() as usize][y.number() as usize] = i as u8 + 1;
        i += 1;
    }
    numbers
};

/// The handler of two instructions, if they are a pair.
pub(super) fn handler(x: Opcode, x_variant: u8, y: Opcode, y_variant: u8) -> Option<Handler> {
    let number = NUMBERS[usize::from(x.number())][usize::from(y.number())].checked_sub(1)?;
    Some(HANDLERS[usize::from(number)][usize::from(x_variant)][usize::from(y_variant)])
}
