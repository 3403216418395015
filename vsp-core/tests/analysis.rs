//! Static analyses of functions: blocks, effects, liveness and reads before initialisation, compared with expectations
//! worked out by hand and with a slow analysis written from docs/isa.md.
#![cfg(feature = "text")]

#[path = "analysis/naive.rs"]
mod naive;
#[path = "analysis/random.rs"]
mod random;

use std::ops::Range;

use proptest::prelude::*;
use vsp_core::analysis::{Graph, Liveness, Signatures, Slot, Waiting, slots, uninitialised_reads};
use vsp_core::index::FuncIndex;
use vsp_core::isa::{Inst, Opcode, Reg, StateReg};
use vsp_core::program::Program;
use vsp_core::text::assemble;
use vsp_core::verify::Verified;

fn verified(bytes: &[u8]) -> Verified<'_> {
    Verified::new(Program::read(bytes).unwrap()).unwrap()
}

/// Calls `look` with the graph of function 0 of this text.
fn with_graph(text: &str, look: impl FnOnce(&Graph<'_>)) {
    let bytes = assemble(text, "text.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    let program = verified(&bytes);
    let signatures = Signatures::new(&program).unwrap();
    look(&Graph::new(&signatures, FuncIndex(0)).unwrap());
}

fn successors(graph: &Graph<'_>) -> Vec<Vec<u32>> {
    (0..graph.block_count()).map(|block| graph.successors(block).collect()).collect()
}

/// Returns all registers and locals that are live in a frame suspended at a word, as text.
fn live(graph: &Graph<'_>, word: u32, waiting: Waiting) -> String {
    let mut names = Vec::new();
    for group in 0..Slot::groups(graph.function().locals) {
        let live = Liveness::new(graph, group).unwrap();
        names.extend(slots(group, live.suspended(word, waiting)).map(|slot| slot.to_string()));
    }
    names.join(" ")
}

const SWITCH: &str = "
.func f (2) -> 1
        SWITCH R0, 2       ; 0
        JMP two            ; 1
        JMP one            ; 2
        MOVI R0, 0         ; 3
        RET                ; 4
one:    MOVI R0, 1         ; 5
two:    LOOP R1, one       ; 6
        HLT R1             ; 7
        NOP                ; 8
        JMP two            ; 9
.end";

#[test]
fn blocks() {
    with_graph(SWITCH, |graph| {
        let words: Vec<Range<u32>> = (0..graph.block_count()).map(|block| graph.words(block)).collect();
        assert_eq!(words, [0..1, 1..2, 2..3, 3..5, 5..6, 6..7, 7..8, 8..10]);
        let expected: [&[u32]; 8] = [&[1, 2, 3], &[5], &[4], &[], &[5], &[6, 4], &[], &[5]];
        assert_eq!(successors(graph), expected);
        let expected: [&[u32]; 8] = [&[], &[0], &[0], &[0], &[2, 5], &[1, 4, 7], &[5], &[]];
        let found: Vec<&[u32]> = (0..graph.block_count()).map(|block| graph.predecessors(block)).collect();
        assert_eq!(found, expected);
        let heads: Vec<u32> = (0..10).filter(|word| graph.is_loop_head(*word)).collect();
        assert_eq!(heads, [5, 6]);
        assert_eq!(graph.unreachable().unwrap(), std::slice::from_ref(&(8..10)));
        let blocks: Vec<u32> = (0..10).map(|word| graph.block_of(word)).collect();
        assert_eq!(blocks, [0, 1, 2, 3, 3, 4, 5, 6, 7, 7]);

        let order = graph.reverse_postorder().unwrap();
        assert_eq!(order.len(), 7);
        let at = |block: u32| order.iter().position(|other| *other == block).unwrap();
        assert_eq!(at(0), 0);
        assert!(at(0) < at(1) && at(2) < at(4) && at(5) < at(6), "{order:?}");
    });
}

/// A branch to the next word counts twice, and calls do not end blocks.
#[test]
fn blocks_of_calls_and_of_branches_to_the_next_word() {
    let text = "
.func f (0) -> 0
    CALL f
    YIELD R0
    JZ R0, next
next:
    RET
.end";
    with_graph(text, |graph| {
        assert_eq!(successors(graph), [vec![1, 1], vec![]]);
        assert_eq!(graph.predecessors(1), [0, 0]);
        assert!(!graph.is_loop_head(3), "the displacement is 0");
        assert_eq!(graph.unreachable().unwrap(), []);
    });
}

/// Returns R0, R1, … as bits.
fn registers(set: &[usize]) -> u32 {
    set.iter().fold(0, |bits, register| bits | 1 << register)
}

#[test]
fn effects() {
    let text = "
.import test.two (3) -> 2
.func f (4) -> 2
    CALL g
    CALLR R9, (1) -> 4
    SYSCALL test.two
    YIELD R7
    CMOVNZ R1, R2, R3
    MAC R1, R2, R3
    XCHG R4, R5
    GETL R4, 70
    SETL R5, 71
    STOREX [R1 + R2*8], R3
    LOAD R1, [R1]
    FMATH R6, sin, R7
    FMATH R6, pow, R7, R8
    MEMCOPY R1, R2, R3
    CONST R5, $0
    MEMSIZE RF
    LOOP RA, end
    HLT R3
end:
    RET
.locals 72
.end
.func g (2) -> 1
    HLT R3
.end
.const = 1";
    type Row<'a> = (&'a [usize], &'a [usize]);
    let expected: [Row<'_>; 19] = [
        (&[0, 1], &[0]),
        (&[0, 9], &[0, 1, 2, 3]),
        (&[0, 1, 2], &[0, 1]),
        (&[7], &[7]),
        (&[1, 2, 3], &[1]),
        (&[1, 2, 3], &[1]),
        (&[4, 5], &[4, 5]),
        (&[], &[4]),
        (&[5], &[]),
        (&[1, 2, 3], &[]),
        (&[1], &[1]),
        (&[7], &[6]),
        (&[7, 8], &[6]),
        (&[1, 2, 3], &[]),
        (&[], &[5]),
        (&[], &[15]),
        (&[10], &[10]),
        (&[3], &[]),
        (&[0, 1], &[]),
    ];
    with_graph(text, |graph| {
        for (word, (reads, writes)) in (0..).zip(expected) {
            let effects = graph.effects(word);
            assert_eq!((effects.reads, effects.writes), (registers(reads), registers(writes)), "word {word}");
            assert_eq!(effects.local_read, (word == 7).then_some(70));
            assert_eq!(effects.local_written, (word == 8).then_some(71));
        }
        // Local 70 is slot 102, bit 38 of group 1.
        let effects = graph.effects(7);
        assert_eq!((effects.reads_in(0), effects.reads_in(1), effects.writes_in(0)), (0, 1 << 38, 0b1_0000));
        let effects = graph.effects(8);
        assert_eq!(
            (effects.writes_in(0), effects.writes_in(1), effects.reads_in(0)),
            (0, 1 << 39, 0b10_0000)
        );
    });
}

#[test]
fn liveness_at_suspensions() {
    let text = "
.import test.one (1) -> 1
.func f (3) -> 1
        SETL R2, 0         ; 0
loop:   CALL g             ; 1  reads R0 R1, writes R0 R1
        YIELD R3           ; 2
        ADD R0, R0, R3     ; 3
        SYSCALL test.one   ; 4  reads R0, writes R0
        MEMFILL R0, R4, R5 ; 5
        JNZ R0, loop       ; 6
        GETL R0, 0         ; 7
        RET                ; 8
.locals 60
.end
.func g (2) -> 2
    RET
.end";
    with_graph(text, |graph| {
        let check = |word| live(graph, word, Waiting::Safepoint);
        let answer = |word| live(graph, word, Waiting::Answer);
        assert_eq!(check(0), "R0 R1 R2 R3 R4 R5");
        assert_eq!(check(1), "R0 R1 R3 R4 R5 local 0");
        assert_eq!(answer(1), "R3 R4 R5 local 0");
        assert_eq!(answer(2), "R0 R1 R4 R5 local 0");
        assert_eq!(check(4), "R0 R1 R3 R4 R5 local 0");
        assert_eq!(answer(4), "R1 R3 R4 R5 local 0");
        assert_eq!(check(5), "R0 R1 R3 R4 R5 local 0");
        assert_eq!(check(6), "R0 R1 R3 R4 R5 local 0");
        assert_eq!(check(7), "local 0");
        assert_eq!(check(8), "R0");
    });
}

/// The last local of a function with the largest number of locals, and a slot that is written on only one path.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn liveness_of_many_locals_and_of_ways_that_meet() {
    let text = "
.func f (1) -> 1
        JZ R0, else        ; 0
        SETL R0, 4094      ; 1
else:   GETL R1, 4094      ; 2
        SETL R1, 31        ; 3
        SETL R1, 32        ; 4
        YIELD R2           ; 5
        GETL R1, 31        ; 6
        GETL R0, 32        ; 7
        RET                ; 8
.locals 4095
.end";
    with_graph(text, |graph| {
        assert_eq!(Slot::groups(4095), 65);
        assert_eq!(live(graph, 0, Waiting::Safepoint), "R0 R2 local 4094");
        assert_eq!(live(graph, 1, Waiting::Safepoint), "R0 R2");
        assert_eq!(live(graph, 5, Waiting::Answer), "local 31 local 32");
        let early: Vec<String> = uninitialised_reads(graph)
            .unwrap()
            .iter()
            .map(|read| format!("{} {}", read.word, read.slot))
            .collect();
        assert_eq!(early, ["2 local 4094", "5 R2"]);
    });
}

#[test]
fn early_reads_in_loops_and_unreachable_code() {
    let text = "
.func f (1) -> 2
loop:   ADD R2, R1, R0     ; 0  R1 is written at word 1, but not the first time
        MOV R1, R2         ; 1
        LOOP R0, loop      ; 2
        MOV R0, R1         ; 3
        RET                ; 4
        MOV R5, R6         ; 5
        JMP loop           ; 6
.end
.func g (0) -> 2
        RET
.end";
    let names = |graph: &Graph<'_>| -> Vec<String> {
        uninitialised_reads(graph)
            .unwrap()
            .iter()
            .map(|read| format!("{} {}", read.word, read.slot))
            .collect()
    };
    with_graph(text, |graph| assert_eq!(names(graph), ["0 R1"]));
    let bytes = assemble(text, "text.sil").unwrap();
    let program = verified(&bytes);
    let signatures = Signatures::new(&program).unwrap();
    assert_eq!(names(&Graph::new(&signatures, FuncIndex(1)).unwrap()), ["0 R0", "0 R1"]);
}

#[test]
fn slots_are_numbered_registers_first() {
    for index in 0..32 + 4095 {
        let slot = Slot::from_index(index);
        assert_eq!(slot.index(), index);
        assert_eq!(slots(slot.group(), slot.bit()).collect::<Vec<_>>(), [slot]);
    }
    assert_eq!(Slot::from_index(15), Slot::Register(Reg::RF));
    assert_eq!(Slot::from_index(16), Slot::State(StateReg::from_low_bits(0)));
    assert_eq!(Slot::from_index(31).to_string(), "SF");
    assert_eq!(Slot::from_index(32), Slot::Local(0));
    assert_eq!((Slot::groups(0), Slot::groups(32), Slot::groups(33)), (1, 1, 2));
}

/// In a frame, the state registers come after the locals and have two cells each.
#[test]
fn cells_belong_to_slots() {
    let cells: Vec<String> = (14..22).map(|cell| Slot::of_cell(cell, 2).to_string()).collect();
    assert_eq!(cells, ["RE", "RF", "local 0", "local 1", "S0", "S0", "S1", "S1"]);
    assert_eq!(Slot::of_cell(16 + 31, 0).to_string(), "SF");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Blocks, liveness at every word and reads before initialisation equal those of the slow analysis.
    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn agrees_with_the_slow_analysis(functions in random::functions()) {
        let bytes = random::program(&functions);
        let program = verified(&bytes);
        let signatures = Signatures::new(&program).unwrap();
        for index in (0..program.functions().len() as u32).map(FuncIndex) {
            let graph = Graph::new(&signatures, index).unwrap();
            let slow = naive::Analysis::new(&program, index);
            for group in 0..Slot::groups(graph.function().locals) {
                let live = Liveness::new(&graph, group).unwrap();
                for block in 0..graph.block_count() {
                    let words = graph.words(block);
                    prop_assert_eq!(live.entry(block), slow.live_before(words.start, group));
                    for word in live.backwards(block) {
                        prop_assert_eq!(word.before, slow.live_before(word.word, group));
                        prop_assert_eq!(word.after, slow.live_after(word.word, group));
                        prop_assert_eq!(word.suspended(Waiting::Answer), slow.live_awaiting(word.word, group));
                    }
                }
            }
            let reads = uninitialised_reads(&graph).unwrap();
            let reads: Vec<(u32, u32)> = reads.iter().map(|read| (read.word, read.slot.index())).collect();
            prop_assert_eq!(reads, slow.uninitialised_reads());
            let unreachable: Vec<u32> = graph.unreachable().unwrap().into_iter().flatten().collect();
            prop_assert_eq!(unreachable, slow.unreachable());
        }
    }
}

/// The largest number of blocks in a function, each waiting for the others: time and memory stay linear.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn the_largest_function() {
    use vsp_core::program::{FuncType, FunctionBuilder, ProgramBuilder};
    const WORDS: u32 = 1 << 20;
    let mut code = FunctionBuilder::new(FuncType::new(0, 0).unwrap());
    code.set_locals(100);
    let distance = (WORDS / 4) as i32;
    for word in 0..WORDS - 2 {
        let inst = match word % 3 {
            0 => Inst::new(Opcode::GETL, &[1, (word % 100) as i32]),
            // Backward in the second half and forward in the first.
            1 if word > WORDS / 2 => Inst::new(Opcode::JZ, &[0, -distance]),
            1 => Inst::new(Opcode::JZ, &[0, distance]),
            _ => Inst::new(Opcode::SETL, &[1, (word * 7 % 100) as i32]),
        };
        code.push(inst.unwrap());
    }
    code.push(Inst::new(Opcode::NOP, &[]).unwrap());
    code.push(Inst::new(Opcode::RET, &[]).unwrap());
    let mut program = ProgramBuilder::new();
    program.function(code);
    let bytes = program.build().unwrap();
    let program = verified(&bytes);
    let signatures = Signatures::new(&program).unwrap();
    let graph = Graph::new(&signatures, FuncIndex(0)).unwrap();
    assert!(graph.block_count() > WORDS / 3);
    let live = Liveness::new(&graph, 0).unwrap();
    let locals = !0xFFFF_FFFF;
    assert_eq!((live.before(0), live.before(WORDS - 1)), (locals | 1, locals));
    assert_eq!((live.entry(0), live.suspended(WORDS - 1, Waiting::Answer)), (locals | 1, locals));
    let rest = Liveness::new(&graph, 2).unwrap();
    assert_eq!(rest.before(WORDS - 1), (1 << (100 - 32 - 64)) - 1);
    let early = uninitialised_reads(&graph).unwrap();
    assert!(early.iter().any(|read| read.slot == Slot::Register(Reg::R0)));
    assert!(early.iter().all(|read| matches!(read.slot, Slot::Register(_))));
}

/// In functions of up to 2¹⁵ words locals are analysed; in larger functions all are live, even after their last use.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn locals_of_large_functions() {
    for (words, expected) in [(1 << 15, ""), ((1 << 15) + 1, "local 0 local 1")] {
        let filler = "NOP\n".repeat(words - 3);
        let text = format!(".func f (0) -> 0\n.locals 2\nGETL R0, 1\nYIELD R0\n{filler}RET\n.end");
        with_graph(&text, |graph| {
            assert_eq!(graph.function().words as usize, words);
            assert_eq!(live(graph, 1, Waiting::Answer), expected);
            let early = uninitialised_reads(graph).unwrap();
            assert_eq!(early.len(), usize::from(expected.is_empty()));
        });
    }
}
