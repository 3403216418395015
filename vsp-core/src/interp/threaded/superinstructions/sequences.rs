//! Superinstructions with a tail of one to three fixed instructions.
//!
//! The first instruction can have any variant. Each instruction of the tail has one fixed variant, so that a
//! superinstruction takes a few handlers and not hundreds: it is the variant that the instructions before it nearly
//! always produce.

use crate::interp::threaded::handlers::{
    One, Sequence, Then, by_first_variant, instructions, normal, sequence,
};
use crate::interp::threaded::state::Handler;
use crate::interp::threaded::variant;
use crate::isa::Opcode;
#[cfg(all(test, feature = "text"))]
use alloc::vec::Vec;

/// The largest number of instructions in a tail.
const MAX_TAIL: usize = 3;

/// The tail of an instruction: numbers and variants of the instructions after it, 16 bits each, the next one lowest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Tail(u64);

impl Tail {
    /// The empty tail.
    pub(in super::super) const NONE: Tail = Tail(0);

    /// Returns the tail with one more instruction at its front.
    #[inline(always)]
    pub(in super::super) const fn with(self, (number, variant): (u8, u8)) -> Tail {
        Tail(self.0 << 16 | (variant as u64) << 8 | number as u64)
    }
}

struct Superinstruction {
    first: Opcode,
    tail: Tail,
    /// The bits of [`Tail`] that are compared.
    mask: u64,
    /// The handlers by the variant of the first instruction.
    handlers: [Handler; variant::COUNT],
}

/// The sequence type of these instructions.
macro_rules! instructions_of {
    ($op:ident $variant:ident $(,)?) => {
        One<instructions::$op, { normal(Opcode::$op, variant::$variant) }>
    };
    ($op:ident $variant:ident, $($rest:tt)+) => {
        Then<instructions::$op, { normal(Opcode::$op, variant::$variant) }, instructions_of!($($rest)+)>
    };
}

/// The tail that code is compared with.
macro_rules! key {
    () => { Tail::NONE };
    ($op:ident $variant:ident $(, $($rest:tt)*)?) => {
        key!($($($rest)*)?).with((Opcode::$op.number(), normal(Opcode::$op, variant::$variant)))
    };
}

/// Takes lists of first instructions, of second ones, and of tails after them. Each combination is a superinstruction.
macro_rules! define_superinstructions {
    ($($xs:tt then $ys:tt then $tails:tt;)*) => {
        const TABLE: &[&[&[&[Superinstruction]]]] = &[$(define_superinstructions!(@firsts $xs $ys $tails)),*];
    };
    (@firsts [$($x:ident)*] $ys:tt $tails:tt) => { &[$(define_superinstructions!(@seconds $x $ys $tails)),*] };
    (@seconds $x:ident [$($y:tt)*] $tails:tt) => { &[$(define_superinstructions!(@tails $x $y $tails)),*] };
    (@tails $x:ident $y:tt [$($tail:tt)*]) => { &[$(define_superinstructions!(@one $x $y $tail)),*] };
    // A constant of its own: the compiler relates all constants within one item to each other.
    (@one $x:ident ($($y:tt)*) ($($tail:tt)*)) => {{
        const SUPERINSTRUCTION: Superinstruction = {
            type Rest = instructions_of!($($y)*, $($tail)*);
            Superinstruction {
                first: Opcode::$x,
                tail: key!($($y)*, $($tail)*),
                mask: mask(Rest::LENGTH),
                handlers: by_first_variant!($x Rest),
            }
        };
        SUPERINSTRUCTION
    }};
}

/// Returns the mask of a tail of this length.
const fn mask(length: usize) -> u64 {
    u64::MAX >> (64 - 16 * length)
}

define_superinstructions! {
    // The end of a loop.
    [ADD ADDI SUB MUL XOR MAC FADD MOV STORE8 STORE32 STORE STORE8X STORE32X STOREX]
        then [(ADDI NONE)]
        then [(LOOP BACK) (JNE A_BACK) (JLT A_BACK) (JLTU A_BACK) (JLTI A_BACK)];
    [MOV STORE8 STORE32 STORE STORE8X STORE32X STOREX]
        then [(ADD NONE)]
        then [(LOOP BACK) (JNE A_BACK) (JLT A_BACK) (JLTU A_BACK)];
    [ADD SUB XOR MUL AND OR]
        then [(ADD B) (ADDI B) (XOR B) (MUL B)]
        then [(LOOP BACK)];
    [LOAD8U]
        then [(LOAD8U NONE) (LOAD8UX NONE)]
        then [(JNE B) (JNE B, LOOP BACK)];
    // A loaded value is used.
    [LOAD8U LOAD32U LOAD LOADX]
        then [(ADD B) (ADD C) (XOR B) (XOR C)]
        then [(STORE A) (MUL B) (ANDI B) (LOAD NONE)];
    [LOAD LOADX]
        then [(LOAD NONE) (LOADX NONE)]
        then [(ADD B) (ADD C) (SUB C) (MUL B) (MUL C) (MAC B) (MAC C) (SLT C) (SLTU C) (FADD NONE) (FSUB NONE)
              (FMUL NONE) (FMUL NONE, FADD C)];
    [LOAD LOADX]
        then [(FADD NONE) (FSUB NONE) (FMUL NONE)]
        then [(STORE NONE) (LOAD NONE) (FADD B) (FADD C) (FSUB C) (FMUL B)];
    [LOAD8U LOAD32U LOAD]
        then [(ADDI NONE)]
        then [(JEQI NONE) (SETG A) (XOR NONE) (ADD NONE)];
    // An address is computed.
    [ADD ADDI SHLI]
        then [(LOAD8U B) (LOAD B) (LOADX C)]
        then [(ADD C) (XOR C) (STORE8 A) (JEQI A)];
    // Arithmetic.
    [SHLI SHRI SHRWI ROTLWI]
        then [(XOR C) (OR C) (ADD C)]
        then [(SHLI B) (SHRI B) (ROTLWI NONE) (SHRWI NONE)];
    [XOR AND ADD ADDW]
        then [(SHLI NONE) (SHRI NONE) (ROTLWI NONE) (SHRWI NONE)]
        then [(XOR C) (ADD C) (ADDW C)];
    [LOAD32U ADDW]
        then [(ADDW B) (ADDW C)]
        then [(ADDW B) (ADDW C) (LOAD32U NONE) (STORE32 A)];
    [FADD FSUB FMUL]
        then [(FMUL NONE)]
        then [(FADD B) (FADD C) (FSUB C) (FMUL NONE) (FADD C, FMUL NONE) (FSUB C, FMUL NONE)];
    [FADD FSUB FMUL]
        then [(FADD B) (FADD C) (FSUB B) (FSUB C) (FMUL B) (FMUL C)]
        then [(FMUL NONE) (FADD B) (FADD C) (STORE NONE)];
    [FADD FSUB FMUL]
        then [(STORE NONE)]
        then [(ADDI NONE) (LOAD NONE) (FMUL NONE)];
    // Calls and returns.
    [MOV MOVI ADD ADDI]
        then [(ADDI B) (ADDI NONE) (MOV NONE)]
        then [(CALL ONE) (CALL CACHED_ONE) (CALL TWO)];
    [MOV ADD ADDI SUB OR LOAD STORE]
        then [(RET NONE) (RET ONE) (RET CACHED_ONE)]
        then [()];
}

const COUNT: usize = flattened::<0>().0;

/// All superinstructions.
static ALL: [Option<&Superinstruction>; COUNT] = flattened().1;

/// Returns the number of superinstructions, and the first N of them.
const fn flattened<const N: usize>() -> (usize, [Option<&'static Superinstruction>; N]) {
    let (mut all, mut count, mut line) = ([None; N], 0, 0);
    while line < TABLE.len() {
        let (firsts, mut first) = (TABLE[line], 0);
        while first < firsts.len() {
            let (seconds, mut second) = (firsts[first], 0);
            while second < seconds.len() {
                let (tails, mut tail) = (seconds[second], 0);
                while tail < tails.len() {
                    if count < N {
                        all[count] = Some(&tails[tail]);
                    }
                    (count, tail) = (count + 1, tail + 1);
                }
                second += 1;
            }
            first += 1;
        }
        line += 1;
    }
    (count, all)
}

/// Returns all superinstructions: the first instruction, and the tail with its variants.
#[cfg(all(test, feature = "text"))]
pub(in super::super) fn all() -> impl Iterator<Item = (Opcode, Vec<(Opcode, u8)>)> {
    ALL.iter().flatten().map(|fused| {
        let tail = fused.tail.0.to_le_bytes();
        let tail = tail.chunks(2).take_while(|word| word[0] != 0);
        (fused.first, tail.map(|word| (Opcode::from_number(word[0]).expect("it exists"), word[1])).collect())
    })
}

/// Chains of the superinstructions that begin with the same two instructions, the longer ones first.
struct Chains {
    /// For each opcode number, its index among the first and among the second instructions.
    numbers: [[u8; 256]; 2],
    /// The first superinstruction of a chain, by these indices.
    firsts: [[u16; MAX_INDEX]; MAX_INDEX],
    /// The next superinstruction in the chain of each.
    nexts: [u16; COUNT],
}

/// An upper bound of the number of first or second instructions.
const MAX_INDEX: usize = 64;

/// The end of a chain.
const NONE: u16 = u16::MAX;

static CHAINS: Chains = {
    let mut chains =
        Chains { numbers: [[0; 256]; 2], firsts: [[NONE; MAX_INDEX]; MAX_INDEX], nexts: [NONE; COUNT] };
    let (mut counts, mut chained, mut length, mut i) = ([0, 0], 0, 1, 0);
    while length <= MAX_TAIL {
        if i == COUNT {
            (length, i) = (length + 1, 0);
            continue;
        }
        let Some(fused) = ALL[i] else { panic!("the list is complete") };
        if fused.mask == mask(length) {
            let ops = [fused.first.number() as usize, fused.tail.0 as usize & 0xFF];
            let mut side = 0;
            while side < 2 {
                let number = &mut chains.numbers[side][ops[side]];
                if *number == 0 {
                    counts[side] += 1;
                    assert!(counts[side] < MAX_INDEX);
                    *number = counts[side] as u8;
                }
                side += 1;
            }
            let first =
                &mut chains.firsts[chains.numbers[0][ops[0]] as usize][chains.numbers[1][ops[1]] as usize];
            chains.nexts[i] = *first;
            *first = i as u16;
            chained += 1;
        }
        i += 1;
    }
    assert!(chained == COUNT, "no tail is longer than MAX_TAIL");
    chains
};

/// Returns the handler of the longest superinstruction that begins with this instruction, an opcode number and variant,
/// and this tail.
#[inline(always)]
pub(super) fn handler(first: (u8, u8), tail: Tail) -> Option<Handler> {
    let [one, two] = [first.0, tail.0 as u8].map(usize::from);
    let (one, two) = (usize::from(CHAINS.numbers[0][one]), usize::from(CHAINS.numbers[1][two]));
    let mut found = CHAINS.firsts[one % MAX_INDEX][two % MAX_INDEX];
    while let Some(Some(fused)) = ALL.get(usize::from(found)) {
        if tail.0 & fused.mask == fused.tail.0 {
            return Some(fused.handlers[usize::from(first.1) % variant::COUNT]);
        }
        found = CHAINS.nexts[usize::from(found)];
    }
    None
}
