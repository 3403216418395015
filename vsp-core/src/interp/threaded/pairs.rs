//! Pairs of instructions that one handler executes.
//!
//! One behind the other, each pair saves a jump that the processor has to predict. The second instruction stays as it is, so that
//! it can be branched to, and so that a trap of the first one leaves the program there.

use super::op::{self, Handler, One, Then, by_variant, instructions, normal, sequence, variant};
use crate::isa::Opcode;

/// By the variants of the first instruction, and then of the second.
type Pair = [[Handler; variant::COUNT]; variant::COUNT];

/// Takes groups: lists of first and of second instructions, each of which make a pair.
macro_rules! define_pairs {
    ($([$($x:ident)*] then $ys:tt;)*) => {
        define_pairs!(@all {} $($($x $ys)*)*);
    };
    (@all {$($pairs:tt)*} $x:ident [$($y:ident)*] $($rest:tt)*) => {
        define_pairs!(@all {$($pairs)* $($x $y;)*} $($rest)*);
    };
    (@all {$($x:ident $y:ident;)*}) => {
        /// The pairs.
        pub(super) const PAIRS: &[(Opcode, Opcode)] = &[$((Opcode::$x, Opcode::$y)),*];

        static HANDLERS: [Pair; PAIRS.len()] = [$(
            define_pairs!(@pair $x $y 0 1 2 3 4 5 6 7)
        ),*];
    };
    // A constant of its own: the compiler relates all constants within one item to each other.
    (@pair $x:ident $y:ident $($v:literal)*) => {{
        const PAIR: Pair =
            [$(by_variant!(Opcode::$y, [Then $x $v, $y])),*];
        PAIR
    }};
}

define_pairs! {
    // The end of a loop.
    [ADD ADDI SUB MUL XOR MAC FADD STORE8 STORE32 STORE STORE8X STORE32X STOREX] then [LOOP JNE JLT JLTU];
    [ADDI] then [JEQI JNEI JLTI JGEI JLTUI JGEUI];
    [JEQ JNE JLT JLTU] then [LOOP ADDI LOAD];
    [JEQI] then [JEQI JNEI ADDI];
    // What was loaded is used, or the next is loaded.
    [LOAD8U LOAD32U LOAD LOAD8UX LOAD32UX LOADX] then [ADD ADDI XOR SHLI JNE JLT JEQI];
    [LOAD8U LOAD32U] then [LOAD8U LOAD32U LOAD8UX LOAD32UX];
    [LOAD LOADX] then [LOAD LOADX FADD FSUB FMUL MUL];
    // An address is computed.
    [ADD ADDI ANDI SHLI SHRI] then [LOAD8U LOAD32U LOAD LOAD8UX LOAD32UX LOADX];
    // Arithmetic.
    [ADD ADDI SUB MUL AND OR XOR] then [ADD ADDI SUB AND OR XOR ANDI SHLI SHRI STORE8 STORE];
    [ANDI SHLI SHRI] then [ADD SUB AND OR XOR ORI];
    [ADDW XOR AND ROTLWI SHRWI] then [ADDW ROTLWI SHRWI];
    [ADDW ROTLWI SHRWI] then [XOR AND STORE32];
    [LOAD32U] then [ADDW];
    [FADD FSUB FMUL] then [FADD FSUB FMUL STORE];
    // Moves.
    [MOV MOVI] then [MOV MOVI ADD ADDI];
    [ADD ADDI] then [MOV MOVI CALL];
    [GETL LOAD ADD ADDI] then [SETL];
    [GETL SETL] then [GETL ADD ADDI];
}

/// For each opcode number its number among the first instructions of pairs, and among the second ones; the last for those that are
/// not in pairs.
static FIRST: [u8; 256] = numbered(0);
static SECOND: [u8; 256] = numbered(1);

/// More than there are first or second instructions.
const MOST: usize = 64;

const fn numbered(side: usize) -> [u8; 256] {
    let mut numbers = [MOST as u8 - 1; 256];
    let (mut count, mut i) = (0, 0);
    while i < PAIRS.len() {
        let op = [PAIRS[i].0, PAIRS[i].1][side];
        if numbers[op.number() as usize] == MOST as u8 - 1 {
            assert!(count < MOST as u8 - 1);
            numbers[op.number() as usize] = count;
            count += 1;
        }
        i += 1;
    }
    numbers
}

/// The pair's number by these numbers of its instructions; the largest for none.
static NUMBERS: [[u16; MOST]; MOST] = {
    let mut numbers = [[u16::MAX; MOST]; MOST];
    let mut i = 0;
    while i < PAIRS.len() {
        let (x, y) = PAIRS[i];
        let number = &mut numbers[FIRST[x.number() as usize] as usize][SECOND[y.number() as usize] as usize];
        assert!(*number == u16::MAX, "a pair stands in the list twice");
        *number = i as u16;
        i += 1;
    }
    numbers
};

/// The handler of the first of two instructions, each of them an opcode number and variant: if they are a pair, that of both.
#[inline(always)]
pub(super) fn handler(x: (u8, u8), y: (u8, u8)) -> Handler {
    let first = usize::from(FIRST[usize::from(x.0)]) % MOST;
    let second = usize::from(SECOND[usize::from(y.0)]) % MOST;
    match HANDLERS.get(usize::from(NUMBERS[first][second])) {
        Some(pair) => pair[usize::from(x.1) % variant::COUNT][usize::from(y.1) % variant::COUNT],
        None => op::handler(x),
    }
}
