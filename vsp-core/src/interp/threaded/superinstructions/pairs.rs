//! Superinstructions of two instructions, each in all its variants.

use crate::interp::threaded::handlers::{self, One, Then, by_variant, instructions, normal, sequence};
use crate::interp::threaded::state::Handler;
use crate::interp::threaded::variant;
use crate::isa::Opcode;

/// The handlers by the variants of the first instruction, and then of the second.
type Pair = [[Handler; variant::COUNT]; variant::COUNT];

/// Takes lists of first and of second instructions. Each combination is a pair.
macro_rules! define_pairs {
    ($([$($x:ident)*] then $ys:tt;)*) => {
        define_pairs!(@all {} $($($x $ys)*)*);
    };
    (@all {$($pairs:tt)*} $x:ident [$($y:ident)*] $($rest:tt)*) => {
        define_pairs!(@all {$($pairs)* $($x $y;)*} $($rest)*);
    };
    (@all {$($x:ident $y:ident;)*}) => {
        /// The pairs.
        pub(in super::super) const PAIRS: &[(Opcode, Opcode)] = &[$((Opcode::$x, Opcode::$y)),*];

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
    // A loaded value is used, or the next one is loaded.
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

/// For each opcode number, its index among the first and among the second instructions of pairs; the largest index for
/// opcodes in no pair.
static FIRST: [u8; 256] = numbered(0);
static SECOND: [u8; 256] = numbered(1);

/// An upper bound of the number of first or second instructions.
const MAX_INDEX: usize = 64;

const fn numbered(side: usize) -> [u8; 256] {
    let mut numbers = [MAX_INDEX as u8 - 1; 256];
    let (mut count, mut i) = (0, 0);
    while i < PAIRS.len() {
        let op = [PAIRS[i].0, PAIRS[i].1][side];
        if numbers[op.number() as usize] == MAX_INDEX as u8 - 1 {
            assert!(count < MAX_INDEX as u8 - 1);
            numbers[op.number() as usize] = count;
            count += 1;
        }
        i += 1;
    }
    numbers
}

/// The pair's number by the indices of its instructions; the largest number for no pair.
static NUMBERS: [[u16; MAX_INDEX]; MAX_INDEX] = {
    let mut numbers = [[u16::MAX; MAX_INDEX]; MAX_INDEX];
    let mut i = 0;
    while i < PAIRS.len() {
        let (x, y) = PAIRS[i];
        let number = &mut numbers[FIRST[x.number() as usize] as usize][SECOND[y.number() as usize] as usize];
        assert!(*number == u16::MAX, "the list contains a pair twice");
        *number = i as u16;
        i += 1;
    }
    numbers
};

/// Returns the handler of the first of two instructions, each given as opcode number and variant: that of both, if they
/// are a pair.
#[inline(always)]
pub(super) fn handler(x: (u8, u8), y: (u8, u8)) -> Handler {
    let first = usize::from(FIRST[usize::from(x.0)]) % MAX_INDEX;
    let second = usize::from(SECOND[usize::from(y.0)]) % MAX_INDEX;
    match HANDLERS.get(usize::from(NUMBERS[first][second])) {
        Some(pair) => pair[usize::from(x.1) % variant::COUNT][usize::from(y.1) % variant::COUNT],
        None => handlers::handler(x),
    }
}
