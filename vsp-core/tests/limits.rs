//! The limits at their edges and one beyond. Those of the format ([`Limits`](vsp_core::limits::Limits)) are tested in
//! `container.rs`; the longest function that can be compiled and the native stack in vsp-host's `native.rs`. The
//! largest memory and the largest stack are requested in `out_of_memory.rs`, where they need not exist.
#![cfg(feature = "text")]

use vsp_core::analysis::{Graph, Liveness, Signatures, Slot, uninitialised_reads};
use vsp_core::index::FuncIndex;
use vsp_core::isa::{Inst, Reg};
use vsp_core::limits::{
    MAX_ASSEMBLY_ERRORS, MAX_LOCALS_WORDS, MAX_MEMORY, MAX_NAME, MAX_PARAMS, MAX_RESULTS, MAX_STACK_CELLS,
    MAX_VERIFY_ERRORS, MEMORY_GRANULE, MIN_STACK_CELLS,
};
use vsp_core::program::{FuncType, FunctionBuilder, Program, ProgramBuilder};
use vsp_core::text::assemble;
use vsp_core::verify::{Verified, VerifyErrors};
use vsp_core::{Imports, Instance, InstantiateError, Options};

fn with_program<R>(text: &str, run: impl FnOnce(&Verified<'_>) -> R) -> R {
    let bytes = assemble(text, "limits.sil").unwrap_or_else(|errors| panic!("{}", errors[0]));
    run(&Verified::new(Program::read(&bytes[..]).unwrap()).unwrap())
}

fn instantiate(text: &str, options: Options<'_>) -> Result<(u64, u32), InstantiateError> {
    with_program(text, |program| {
        let imports = Imports::new();
        let instance = Instance::new(program, &imports, (), options)?;
        Ok((instance.memory().len() as u64, instance.stack_cells()))
    })
}

fn messages(text: &str) -> Vec<String> {
    let errors = assemble(text, "limits.sil").unwrap_err();
    errors.iter().map(|error| error.message.clone()).collect()
}

const NOTHING: &str = ".func f (0) -> 0\n RET\n.end\n";

#[test]
fn memories_are_neither_too_small_nor_too_large_nor_uneven() {
    let text = format!(".memory 64\n{NOTHING}");
    let memory = |chosen| {
        let outcome = instantiate(&text, Options { memory: Some(chosen), ..Options::default() });
        outcome.map(|(size, _)| size).map_err(|error| error.to_string())
    };
    let refused = |chosen: u64| Err(InstantiateError::Memory { chosen, minimum: 64 }.to_string());
    assert_eq!(memory(64), Ok(64));
    assert_eq!(memory(64 + MEMORY_GRANULE), Ok(80));
    for wrong in [64 - MEMORY_GRANULE, 63, 65, MAX_MEMORY + MEMORY_GRANULE, MAX_MEMORY + 1, u64::MAX, 0] {
        assert_eq!(memory(wrong), refused(wrong));
    }
    let declared = |bytes| assemble(&format!(".memory {bytes}\n{NOTHING}"), "limits.sil").is_ok();
    assert!(
        declared(MAX_MEMORY) && !declared(MAX_MEMORY + 16) && declared(16) && !declared(15) && !declared(0)
    );
}

#[test]
fn stacks_are_neither_too_small_nor_too_large() {
    let stack = |cells| instantiate(NOTHING, Options { stack_cells: Some(cells), ..Options::default() });
    assert_eq!(stack(MIN_STACK_CELLS).unwrap().1, MIN_STACK_CELLS);
    for wrong in [0, MIN_STACK_CELLS - 1, MAX_STACK_CELLS + 1, u32::MAX] {
        assert!(matches!(stack(wrong), Err(InstantiateError::StackCells(cells)) if cells == wrong));
    }
}

#[test]
fn functions_have_at_most_eight_parameters_and_four_results() {
    assert!(FuncType::new(MAX_PARAMS, MAX_RESULTS).is_some());
    assert!(FuncType::new(MAX_PARAMS + 1, 0).is_none() && FuncType::new(0, MAX_RESULTS + 1).is_none());
    let text = |params, results| {
        assemble(&format!(".func f ({params}) -> {results}\n RET\n.end\n"), "limits.sil").map_err(|_| ())
    };
    assert!(text(MAX_PARAMS, MAX_RESULTS).is_ok());
    assert!(text(MAX_PARAMS + 1, 0).is_err() && text(0, MAX_RESULTS + 1).is_err());
}

#[test]
fn names_are_short_in_texts_too() {
    let text = |name: String| format!(".export {name}\n.func {name} (0) -> 0\n RET\n.end\n");
    assert!(assemble(&text("n".repeat(MAX_NAME)), "limits.sil").is_ok());
    let errors = messages(&text("n".repeat(MAX_NAME + 1)));
    assert!(errors.iter().any(|error| error.contains("65535")), "{errors:?}");
}

#[test]
fn parentheses_go_32_deep() {
    let text = |depth: usize| format!(".equ n = {}1{}\n{NOTHING}", "(".repeat(depth), ")".repeat(depth));
    assert!(assemble(&text(32), "limits.sil").is_ok());
    assert_eq!(messages(&text(33)), ["expected a number: parentheses can be nested 32 deep"]);
}

#[test]
fn the_verifier_reports_a_limited_number_of_errors() {
    let errors = |wrong: usize| {
        let mut code = FunctionBuilder::new(FuncType::new(0, 0).unwrap());
        // The program has no globals.
        (0..wrong).for_each(|_| code.push(Inst::setg(Reg::R0, 0).unwrap()));
        code.push(Inst::ret().unwrap());
        let mut program = ProgramBuilder::new();
        program.function(code);
        let bytes = program.build().unwrap();
        match Verified::new(Program::read(&bytes[..]).unwrap()) {
            Ok(_) => 0,
            Err(VerifyErrors::Rules { errors, more }) => {
                assert_eq!(more, wrong > MAX_VERIFY_ERRORS);
                errors.len()
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(errors(0), 0);
    let shown = [1, MAX_VERIFY_ERRORS - 1, MAX_VERIFY_ERRORS, MAX_VERIFY_ERRORS + 1, 1000].map(errors);
    assert_eq!(shown, [1, 31, 32, 32, 32]);
}

#[test]
fn the_assembler_reports_so_many_errors() {
    let errors = |wrong: usize| {
        let text = format!(".func f (0) -> 0\n{} RET\n.end\n", " BAD R1\n".repeat(wrong));
        messages(&text).len()
    };
    let shown = [1, MAX_ASSEMBLY_ERRORS - 1, MAX_ASSEMBLY_ERRORS, MAX_ASSEMBLY_ERRORS + 1, 1000].map(errors);
    assert_eq!(shown, [1, 31, 32, 32, 32]);
}

/// In a function one word longer, all locals are live everywhere, and no read counts as one before initialisation.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn locals_of_longer_functions_are_not_analysed() {
    let facts = |words: u32| {
        let nops = " NOP\n".repeat(words as usize - 2);
        let text = format!(".func f (0) -> 1\n.locals 1\n GETL R0, 0\n{nops} RET\n.end\n");
        with_program(&text, |program| {
            let signatures = Signatures::new(program).unwrap();
            let graph = Graph::new(&signatures, FuncIndex(0)).unwrap();
            assert_eq!(graph.function().words, words);
            let local = Slot::Local(0);
            let live = Liveness::new(&graph, local.group()).unwrap();
            (live.before(1) & local.bit() != 0, uninitialised_reads(&graph).unwrap().len())
        })
    };
    assert_eq!(facts(MAX_LOCALS_WORDS), (false, 1));
    assert_eq!(facts(MAX_LOCALS_WORDS + 1), (true, 0));
}
