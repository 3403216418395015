//! Tests of the value-range analysis of each instruction, against the interpreter's result for each number.

use std::format;
use std::string::String;
use std::vec::Vec;

use super::{EntryFacts, RangeAnalysis, SlotRanges, refine};
use crate::analysis::{Graph, Signatures, Slot};
use crate::index::FuncIndex;
use crate::isa::Reg;
use crate::jit::range::Range;
use crate::jit::range::tests::{contains, numbers};
use crate::program::Program;
use crate::verify::Verified;
use crate::{Imports, Instance, Options, Outcome, text};

/// The ranges of registers.
const RANGES: [Range; 14] = [
    Range { low: 0, high: 0, step: 0 },
    Range { low: 1, high: 1, step: 0 },
    Range { low: 8, high: 8, step: 0 },
    Range { low: 0, high: 4, step: 1 },
    Range { low: 3, high: 12, step: 3 },
    Range { low: 8, high: 40, step: 8 },
    Range { low: 250, high: 258, step: 2 },
    Range { low: 0x7FFF_FFFE, high: 0x8000_0002, step: 1 },
    Range { low: 0xFFFF_FFFA, high: 0x1_0000_0004, step: 5 },
    Range { low: i64::MAX as u64 - 2, high: i64::MAX as u64 + 2, step: 1 },
    Range { low: u64::MAX - 6, high: u64::MAX, step: 3 },
    Range { low: u64::MAX, high: u64::MAX, step: 0 },
    Range { low: 1 << 63, high: 1 << 63, step: 0 },
    Range { low: u64::MAX - 32_768, high: u64::MAX - 32_764, step: 2 },
];

fn with_program<R>(source: &str, run: impl FnOnce(&Verified<'_>) -> R) -> R {
    let bytes =
        text::assemble(source, "ranges.sil").unwrap_or_else(|errors| panic!("{}\n{source}", errors[0]));
    run(&Verified::new(Program::read(&bytes[..]).unwrap()).unwrap())
}

fn register(number: u32) -> Slot {
    Slot::Register(Reg::from_low_bits(number))
}

/// Returns these ranges for R0, R1 and R2.
fn known(ranges: [Range; 3]) -> SlotRanges {
    let mut known = SlotRanges::unknown(1).unwrap();
    for (number, range) in (0..).zip(ranges) {
        known.set(register(number), range);
    }
    known
}

/// Returns all numbers of three ranges.
fn triples([a, b, c]: [Range; 3]) -> impl Iterator<Item = [u64; 3]> {
    numbers(a).into_iter().flat_map(move |a| {
        numbers(b).into_iter().flat_map(move |b| numbers(c).into_iter().map(move |c| [a, b, c]))
    })
}

/// Returns the instructions to test, and forms with the same register twice.
fn instructions() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for op in ["ADD", "SUB", "AND", "MINU", "MAXU", "MODU", "DIVU", "ADDW", "SUBW", "MULW"]
        .into_iter()
        .chain(["SLT", "SLE", "SLTU", "SLEU", "SEQ", "SNE", "OR", "XOR", "MUL", "MIN", "MAX", "SHL", "SHR"])
    {
        all.extend(["R0, R1, R2", "R0, R0, R1", "R1, R1, R1", "R0, R2, R0"].map(|it| format!("{op} {it}")));
    }
    for imm in [-32_768, -9, -1, 0, 1, 7, 8, 32_767] {
        for op in ["ADDI", "ADDWI", "SLTI", "SLTUI", "SEQI", "SNEI", "MULI"] {
            all.extend([format!("{op} R0, R1, {imm}"), format!("{op} R0, R0, {imm}")]);
        }
        all.push(format!("MOVI R0, {imm}"));
    }
    for mask in [0, 1, 6, 7, 8, 12, 255, 0xFFF8, 0xFFFF] {
        all.push(format!("ANDI R0, R1, {mask}"));
    }
    for count in [0, 1, 3, 31, 32, 33, 62, 63] {
        all.extend([format!("SHLI R0, R1, {count}"), format!("SHRI R0, R1, {count}")]);
        all.extend((count < 32).then(|| format!("SHRWI R0, R1, {count}")));
    }
    for bits in [8, 16, 32] {
        all.push(format!("ZEXT R0, R1, {bits}"));
    }
    all.extend(["MOV R0, R1", "XCHG R0, R1", "SETL R1, 0", "CONST R0, c"].map(String::from));
    all.extend(["CMOVZ R0, R1, R2", "CMOVNZ R0, R1, R2", "NEG R0, R1", "NOT R0, R1"].map(String::from));
    all
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn each_result_is_in_the_range_of_its_instruction() {
    for inst in instructions() {
        let source = format!(
            ".const c = 0x8000000000000001\n.export f\n.func f (3) -> 4\n.locals 1\n {inst}\n GETL R3, 0\n RET\n.end\n"
        );
        with_program(&source, |program| {
            let signatures = Signatures::new(program).unwrap();
            let graph = Graph::new(&signatures, FuncIndex(0)).unwrap();
            let ranges = RangeAnalysis {
                graph: &graph,
                constants: program.program().constants(),
                entries: Vec::new(),
            };
            let imports = Imports::new();
            let mut instance = Instance::new(program, &imports, (), Options::default()).unwrap();
            for (a, b, c) in picks() {
                let mut known = known([a, b, c]);
                known.set(Slot::Local(0), Range::one(0));
                ranges.step(0, &mut known);
                ranges.step(1, &mut known);
                for values in triples([a, b, c]) {
                    // A trap has no result.
                    let Outcome::Returned(results) = instance.call(FuncIndex(0), &values).unwrap() else {
                        continue;
                    };
                    for (number, result) in (0..).zip(results.iter()) {
                        let range = known.get(register(number));
                        assert!(contains(range, *result), "{inst} with {values:?}: R{number} in {range:?}");
                    }
                }
            }
        });
    }
}

/// Returns each pair of ranges for R0 and R1, with one of them for R2 too.
fn picks() -> impl Iterator<Item = (Range, Range, Range)> {
    let pairs = RANGES
        .iter()
        .enumerate()
        .flat_map(|(i, a)| RANGES.iter().enumerate().map(move |(j, b)| (i + j, a, b)));
    pairs.map(|(sum, a, b)| (*a, *b, RANGES[(sum * 5 + 3) % RANGES.len()]))
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn each_branch_refines_the_numbers_on_its_edges() {
    let mut branches: Vec<String> = Vec::new();
    for op in ["JEQ", "JNE", "JLT", "JGE", "JLTU", "JGEU"] {
        branches.extend([format!("{op} R0, R1, t"), format!("{op} R0, R0, t")]);
    }
    for op in ["JEQI", "JNEI", "JLTI", "JGEI"] {
        branches.extend([-128, -1, 0, 1, 8, 127].map(|imm| format!("{op} R0, {imm}, t")));
    }
    for op in ["JLTUI", "JGEUI"] {
        branches.extend([0, 1, 8, 255].map(|imm| format!("{op} R0, {imm}, t")));
    }
    branches.extend(["JZ R0, t", "JNZ R0, t", "JN R0, t", "LOOP R0, t"].map(String::from));
    for branch in branches {
        let source = format!(
            ".export f\n.func f (3) -> 4\n {branch}\n MOVI R3, 0\n RET\nt:\n MOVI R3, 1\n RET\n.end\n"
        );
        with_program(&source, |program| {
            let signatures = Signatures::new(program).unwrap();
            let graph = Graph::new(&signatures, FuncIndex(0)).unwrap();
            let ranges = RangeAnalysis { graph: &graph, constants: &[], entries: Vec::new() };
            let imports = Imports::new();
            let mut instance = Instance::new(program, &imports, (), Options::default()).unwrap();
            for (a, b, c) in picks() {
                let mut before = known([a, b, c]);
                ranges.step(0, &mut before);
                let ways = [false, true].map(|is_target| {
                    let mut known = before.clone();
                    refine(graph.inst(0), is_target, &mut known).then_some(known)
                });
                for values in triples([a, b, c]) {
                    let Outcome::Returned(results) = instance.call(FuncIndex(0), &values).unwrap() else {
                        panic!("{branch} returns");
                    };
                    let Some(known) = &ways[results[3] as usize] else {
                        panic!("{branch} with {values:?} goes a way that is said to be impossible");
                    };
                    for (number, value) in (0..3).zip(results.iter()) {
                        let range = known.get(register(number));
                        assert!(contains(range, *value), "{branch} with {values:?}: R{number} in {range:?}");
                    }
                }
            }
        });
    }
}

/// Checks the facts at the start of each block, of a program with an entry.
fn facts(source: &str, entry: u32, check: impl Fn(&[EntryFacts])) {
    with_program(source, |program| {
        let signatures = Signatures::new(program).unwrap();
        let graph = Graph::new(&signatures, FuncIndex(0)).unwrap();
        let ranges = RangeAnalysis::new(&graph, &[], 0, graph.block_of(entry)).unwrap();
        let all: Vec<EntryFacts> = (0..graph.block_count()).map(|block| ranges.facts(block)).collect();
        check(&all);
    });
}

#[test]
fn a_loop_that_a_constant_closes_is_an_entry_with_any_values() {
    let source = ".memory 64\n.func f (0) -> 1\n MOVI R1, 0\n MOVI R2, 1\n JZ R2, dead\nlive:\n STORE [R1], R0\n RET\n\
                  dead:\n LOOP R3, dead\n JMP live\n.end\n";
    let of_r1 = |facts: &EntryFacts| match facts {
        EntryFacts::Ranges(known) => known.get(register(1)),
        EntryFacts::NotAnalysed | EntryFacts::Unreached => panic!("this block is reached"),
    };
    facts(source, 0, |blocks| {
        assert_eq!(of_r1(&blocks[1]), Range::one(0));
        assert!(matches!(blocks[2], EntryFacts::Unreached));
    });
    facts(source, 5, |blocks| {
        assert_eq!(of_r1(&blocks[2]), Range::ANY);
        assert_eq!(of_r1(&blocks[1]), Range::ANY, "also what comes from there");
    });
}
