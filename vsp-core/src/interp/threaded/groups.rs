//! Groups of three instructions and more that one handler executes.
//!
//! As with pairs, every instruction stays as it is. Of the first one there are all variants; those behind it are of one
//! variant each, so that a group is a few handlers and not hundreds: nearly always the one that the instructions before it
//! make it.

use super::op::{Handler, One, Sequence, Then, by_first_variant, instructions, normal, sequence, variant};
use crate::isa::Opcode;
#[cfg(all(test, feature = "text"))]
use alloc::vec::Vec;

/// Instructions behind the first one that a group has at most.
pub(super) const MOST_BEHIND: usize = 4;

/// Numbers and variants of the instructions behind one, 16 bits each, the next one lowest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Behind(u64);

impl Behind {
    /// There are none.
    pub(super) const NONE: Behind = Behind(0);

    /// With one more, before the others.
    #[inline(always)]
    pub(super) const fn with(self, (number, variant): (u8, u8)) -> Behind {
        Behind(self.0 << 16 | (variant as u64) << 8 | number as u64)
    }
}

struct Group {
    first: Opcode,
    behind: Behind,
    /// The bits of [`Behind`] that are compared.
    mask: u64,
    /// By the variant of the first one.
    handlers: [Handler; variant::COUNT],
}

/// The sequence of these instructions.
macro_rules! behind {
    ($op:ident $variant:ident $(,)?) => {
        One<instructions::$op, { normal(Opcode::$op, variant::$variant) }>
    };
    ($op:ident $variant:ident, $($rest:tt)+) => {
        Then<instructions::$op, { normal(Opcode::$op, variant::$variant) }, behind!($($rest)+)>
    };
}

/// What a word is compared with.
macro_rules! key {
    () => { Behind::NONE };
    ($op:ident $variant:ident $(, $($rest:tt)*)?) => {
        key!($($($rest)*)?).with((Opcode::$op.number(), normal(Opcode::$op, variant::$variant)))
    };
}

/// Takes lists of first instructions, of second ones, and of what stands behind them. Each makes a group with each.
macro_rules! define_groups {
    ($($xs:tt then $ys:tt then $tails:tt;)*) => {
        const GROUPS: &[&[&[&[Group]]]] = &[$(define_groups!(@firsts $xs $ys $tails)),*];
    };
    (@firsts [$($x:ident)*] $ys:tt $tails:tt) => { &[$(define_groups!(@seconds $x $ys $tails)),*] };
    (@seconds $x:ident [$($y:tt)*] $tails:tt) => { &[$(define_groups!(@tails $x $y $tails)),*] };
    (@tails $x:ident $y:tt [$($tail:tt)*]) => { &[$(define_groups!(@group $x $y $tail)),*] };
    // A constant of its own: the compiler relates all constants within one item to each other.
    (@group $x:ident ($($y:tt)*) ($($tail:tt)*)) => {{
        const GROUP: Group = {
            type Tail = behind!($($y)*, $($tail)*);
            Group {
                first: Opcode::$x,
                behind: key!($($y)*, $($tail)*),
                mask: mask(Tail::LENGTH),
                handlers: by_first_variant!($x Tail),
            }
        };
        GROUP
    }};
}

/// The bits that say what so many instructions are.
const fn mask(length: usize) -> u64 {
    u64::MAX >> (64 - 16 * length)
}

define_groups! {
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
    // What was loaded is used.
    [LOAD8U LOAD32U LOAD LOADX]
        then [(ADD B) (ADD C) (XOR B) (XOR C)]
        then [(STORE A) (MUL B) (ANDI B) (LOAD NONE)];
    [LOAD LOADX]
        then [(LOAD NONE) (LOADX NONE)]
        then [(ADD B) (ADD C) (SUB C) (MUL B) (MUL C) (MAC B) (MAC C) (SLT C) (SLTU C) (FADD NONE) (FSUB NONE) (FMUL NONE)
              (FMUL NONE, FADD C)];
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
        then [(CALL ONE) (CALL LAST_ONE) (CALL TWO)];
    [MOV ADD ADDI SUB OR LOAD STORE]
        then [(RET NONE) (RET ONE) (RET LAST_ONE)]
        then [()];
}

const COUNT: usize = flattened::<0>().0;

/// All groups.
static ALL: [Option<&Group>; COUNT] = flattened().1;

/// How many groups there are, and the first N of them.
const fn flattened<const N: usize>() -> (usize, [Option<&'static Group>; N]) {
    let (mut all, mut count, mut line) = ([None; N], 0, 0);
    while line < GROUPS.len() {
        let (firsts, mut first) = (GROUPS[line], 0);
        while first < firsts.len() {
            let (seconds, mut second) = (firsts[first], 0);
            while second < seconds.len() {
                let (groups, mut group) = (seconds[second], 0);
                while group < groups.len() {
                    if count < N {
                        all[count] = Some(&groups[group]);
                    }
                    (count, group) = (count + 1, group + 1);
                }
                second += 1;
            }
            first += 1;
        }
        line += 1;
    }
    (count, all)
}

/// All groups: the first instruction, and those behind it with their variants.
#[cfg(all(test, feature = "text"))]
pub(super) fn all() -> impl Iterator<Item = (Opcode, Vec<(Opcode, u8)>)> {
    ALL.iter().flatten().map(|group| {
        let behind = group.behind.0.to_le_bytes();
        let behind = behind.chunks(2).take_while(|word| word[0] != 0);
        (
            group.first,
            behind.map(|word| (Opcode::from_number(word[0]).expect("it exists"), word[1])).collect(),
        )
    })
}

/// Where the groups that begin with the same two instructions are found, the longer ones first.
struct Chains {
    /// For each opcode number its number among the first and among the second instructions of groups.
    numbers: [[u8; 256]; 2],
    /// By these numbers, the first group.
    firsts: [[u16; MOST]; MOST],
    /// The group behind each one.
    nexts: [u16; COUNT],
}

/// More than there are first or second instructions.
const MOST: usize = 64;

/// No group.
const NONE: u16 = u16::MAX;

static CHAINS: Chains = {
    let mut chains = Chains { numbers: [[0; 256]; 2], firsts: [[NONE; MOST]; MOST], nexts: [NONE; COUNT] };
    let (mut counts, mut length, mut i) = ([0, 0], 1, 0);
    while length <= MOST_BEHIND {
        if i == COUNT {
            (length, i) = (length + 1, 0);
            continue;
        }
        let Some(group) = ALL[i] else { panic!("all are there") };
        if group.mask == mask(length) {
            let ops = [group.first.number() as usize, group.behind.0 as usize & 0xFF];
            let mut side = 0;
            while side < 2 {
                let number = &mut chains.numbers[side][ops[side]];
                if *number == 0 {
                    counts[side] += 1;
                    assert!(counts[side] < MOST);
                    *number = counts[side] as u8;
                }
                side += 1;
            }
            let first =
                &mut chains.firsts[chains.numbers[0][ops[0]] as usize][chains.numbers[1][ops[1]] as usize];
            chains.nexts[i] = *first;
            *first = i as u16;
        }
        i += 1;
    }
    chains
};

/// The handler of the longest group that begins with this instruction, an opcode number and variant, before these.
#[inline(always)]
pub(super) fn handler(first: (u8, u8), behind: Behind) -> Option<Handler> {
    let [one, two] = [first.0, behind.0 as u8].map(usize::from);
    let (one, two) = (usize::from(CHAINS.numbers[0][one]), usize::from(CHAINS.numbers[1][two]));
    let mut found = CHAINS.firsts[one % MOST][two % MOST];
    while let Some(Some(group)) = ALL.get(usize::from(found)) {
        if behind.0 & group.mask == group.behind.0 {
            return Some(group.handlers[usize::from(first.1) % variant::COUNT]);
        }
        found = CHAINS.nexts[usize::from(found)];
    }
    None
}
