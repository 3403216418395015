//! Random modules of wasm-smith: results, traps, globals and memory are those of wasmi, in every configuration.
//!
//! `VSP_RANDOM=0..100000` chooses other seeds. Each of more than 10,000 modules is compared in one configuration.

use arbitrary::Unstructured;
use vsp_core::Trap;
use vsp_core::generate::{Entropy, Seed};
use vsp_host::engine::EngineKind;
use vsp_snapshots::random::seeds;
use vsp_snapshots::wasm::{Failure, Guest, Registry};
use vsp_snapshots::{Configuration, EMULATED};
use vsp_wasm::trap_code;
use wasm_smith::{Config, Module};
use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{Extern, TrapCode, Val};

const CONFIGURATIONS: [Configuration; 5] = [
    Configuration::Run(EngineKind::Interpreter),
    Configuration::Run(EngineKind::Tier1),
    Configuration::Run(EngineKind::Tier2),
    Configuration::Save(EngineKind::Interpreter),
    Configuration::Run(EngineKind::Auto),
];

/// Number of random bytes from which a module is generated.
const ENTROPY: usize = 6_000;

/// Number of loop iterations and calls after which a generated module traps by itself.
const TERMINATION: u32 = 3_000;

/// A module in memory, with the entropy for the arguments of its functions.
struct Sample {
    module: Vec<u8>,
    arguments: Seed,
}

/// Generates a module. Returns `None` if the bytes of this seed give none.
fn sample(seed: u64) -> Option<Sample> {
    let mut entropy = Seed::new(seed);
    let bytes: Vec<u8> = (0..ENTROPY).map(|_| entropy.bits(8) as u8).collect();
    let config = Config {
        allow_start_export: seed.is_multiple_of(8),
        canonicalize_nans: true,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: seed.is_multiple_of(3),
        // Most functions of modules that may trap do so within a few instructions.
        disallow_traps: seed % 4 < 2,
        exceptions_enabled: false,
        export_everything: true,
        gc_enabled: false,
        max_imports: 0,
        max_instructions: 300,
        max_memory32_bytes: 1 << 20,
        max_table_elements: 50,
        max_values: 100,
        memory64_enabled: false,
        memory_max_size_required: true,
        min_funcs: 4,
        min_memories: 1,
        // Without types there are no functions.
        min_types: 4,
        reference_types_enabled: !seed.is_multiple_of(2),
        relaxed_simd_enabled: false,
        simd_enabled: false,
        table_max_size_required: true,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    };
    let mut module = Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    module.ensure_termination(TERMINATION).ok()?;
    Some(Sample { module: module.to_bytes(), arguments: entropy })
}

/// The end of a call, as far as both engines have it.
#[derive(Clone, Debug, PartialEq)]
enum End {
    Returned(Vec<u64>),
    Unreachable,
    Memory,
    /// An access of a table, or an indirect call that finds no function of its type.
    Table,
    DivideByZero,
    Overflow,
    Conversion,
    /// The stacks have different sizes: nothing is compared after this.
    Stack,
}

fn end_of_wasmi(result: Result<Vec<u64>, wasmi::Error>) -> Result<End, String> {
    let error = match result {
        Ok(values) => return Ok(End::Returned(values)),
        Err(error) => error,
    };
    Ok(match error.as_trap_code() {
        Some(TrapCode::UnreachableCodeReached) => End::Unreachable,
        Some(TrapCode::MemoryOutOfBounds) => End::Memory,
        Some(TrapCode::TableOutOfBounds | TrapCode::IndirectCallToNull | TrapCode::BadSignature) => {
            End::Table
        }
        Some(TrapCode::IntegerDivisionByZero) => End::DivideByZero,
        Some(TrapCode::IntegerOverflow) => End::Overflow,
        Some(TrapCode::BadConversionToInteger) => End::Conversion,
        Some(TrapCode::StackOverflow) => End::Stack,
        None if matches!(
            error.kind(),
            ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. })
        ) =>
        {
            End::Table
        }
        _ => return Err(format!("wasmi: {error}")),
    })
}

fn end_of_vsp(result: Result<Vec<u64>, Failure>) -> Result<End, String> {
    Ok(match result {
        Ok(values) => End::Returned(values),
        Err(Failure::Trap(Trap::Explicit(trap_code::UNREACHABLE))) => End::Unreachable,
        Err(Failure::Trap(Trap::MemoryOutOfBounds)) => End::Memory,
        Err(Failure::Trap(
            Trap::BadIndirectCall | Trap::Explicit(trap_code::TABLE_BOUNDS | trap_code::NULL_ELEMENT),
        )) => End::Table,
        Err(Failure::Trap(Trap::DivideByZero)) => End::DivideByZero,
        Err(Failure::Trap(Trap::Explicit(trap_code::INTEGER_OVERFLOW))) => End::Overflow,
        Err(Failure::Trap(Trap::Explicit(trap_code::INVALID_CONVERSION))) => End::Conversion,
        Err(Failure::Trap(Trap::StackOverflow)) => End::Stack,
        // An active segment does not fit: wasmi traps when it instantiates the module.
        Err(Failure::Instantiation(message)) if message.contains("table") => End::Table,
        Err(Failure::Instantiation(_)) => End::Memory,
        Err(failure) => return Err(format!("{failure:?}")),
    })
}

/// Returns the bits of a value. References are compared only with null: numbers of functions differ.
fn bits(value: &Val) -> u64 {
    match value {
        Val::I32(value) => u64::from(*value as u32),
        Val::I64(value) => *value as u64,
        Val::F32(value) => value.to_bits().into(),
        Val::F64(value) => value.to_bits(),
        Val::FuncRef(reference) => u64::from(!reference.is_null()),
        Val::ExternRef(reference) => u64::from(!reference.is_null()),
        Val::V128(_) => 0,
    }
}

fn value(ty: wasmi::ValType, bits: u64) -> Option<Val> {
    Some(match ty {
        wasmi::ValType::I32 => Val::I32(bits as i32),
        wasmi::ValType::I64 => Val::I64(bits as i64),
        wasmi::ValType::F32 => Val::F32(wasmi::F32::from_bits(bits as u32)),
        wasmi::ValType::F64 => Val::F64(wasmi::F64::from_bits(bits)),
        _ => return None,
    })
}

/// What wasmi does: the end of the instantiation, the ends of calls with their arguments, globals and memory.
struct Expected {
    start: End,
    calls: Vec<(String, Vec<u64>, Vec<bool>, End)>,
    globals: Vec<(String, u64)>,
    memory: Option<Vec<u8>>,
}

fn expected(sample: &Sample) -> Result<Expected, String> {
    let engine = wasmi::Engine::new(wasmi::Config::default().wasm_custom_page_sizes(true));
    let module = wasmi::Module::new(&engine, &sample.module[..]).map_err(|error| error.to_string())?;
    let mut store = wasmi::Store::new(&engine, ());
    let instance = wasmi::Linker::<()>::new(&engine).instantiate_and_start(&mut store, &module);
    let instance = match instance {
        Ok(instance) => instance,
        Err(error) => {
            let start = end_of_wasmi(Err(error))?;
            return Ok(Expected { start, calls: Vec::new(), globals: Vec::new(), memory: None });
        }
    };
    let mut arguments = sample.arguments.clone();
    let exports: Vec<(String, Extern)> =
        instance.exports(&store).map(|export| (export.name().to_owned(), export.into_extern())).collect();
    let mut calls = Vec::new();
    for (name, function) in exports.iter().filter_map(|(name, export)| Some((name, export.into_func()?))) {
        let ty = function.ty(&store);
        // Small numbers more often than others: they are addresses, lengths and counts.
        let args: Vec<u64> = ty.params().iter().map(|_| arguments.bits(64) >> arguments.below(64)).collect();
        let typed: Option<Vec<Val>> =
            ty.params().iter().zip(&args).map(|(ty, bits)| value(*ty, *bits)).collect();
        let Some(typed) = typed else { continue };
        let args = typed.iter().map(bits).collect();
        let is_reference = |ty: &wasmi::ValType| ty.is_ref();
        let references = ty.results().iter().map(is_reference).collect();
        let mut results: Vec<Val> = ty.results().iter().map(|ty| Val::default_for_ty(*ty)).collect();
        let called = function.call(&mut store, &typed, &mut results);
        let end = end_of_wasmi(called.map(|()| results.iter().map(bits).collect()))?;
        let is_last = end == End::Stack;
        calls.push((name.clone(), args, references, end));
        if is_last {
            break;
        }
    }
    let mut globals = Vec::new();
    let mut memory = None;
    for (name, export) in exports {
        match export {
            Extern::Global(global) if !global.ty(&store).content().is_ref() => {
                globals.push((name, bits(&global.get(&store))));
            }
            Extern::Memory(bytes) => memory = Some(bytes.data(&store).to_vec()),
            _ => {}
        }
    }
    Ok(Expected { start: End::Returned(Vec::new()), calls, globals, memory })
}

/// Compares a module in one configuration.
///
/// # Errors
/// Something differs.
fn compare(sample: &Sample, expected: &Expected, configuration: Configuration) -> Result<(), String> {
    let mut guest = match Guest::load(&sample.module, configuration, &Registry::new()) {
        Ok(guest) => guest,
        Err(failure) => {
            let start = end_of_vsp(Err(failure))?;
            let is_comparable = start != End::Stack && expected.start != End::Stack;
            return match is_comparable && start != expected.start {
                true => Err(format!("start: {start:?}, and not {:?}", expected.start)),
                false => Ok(()),
            };
        }
    };
    if expected.start == End::Stack {
        return Ok(());
    }
    if expected.start != End::Returned(Vec::new()) {
        return Err(format!("start: returned, and not {:?}", expected.start));
    }
    for (name, args, references, end) in &expected.calls {
        let mut found = end_of_vsp(guest.invoke(name, args))?;
        if let End::Returned(values) = &mut found {
            for (value, _) in values.iter_mut().zip(references).filter(|(_, is_reference)| **is_reference) {
                *value = u64::from(*value != 0);
            }
        }
        if found == End::Stack || *end == End::Stack {
            return Ok(());
        }
        if found != *end {
            return Err(format!("{name}({args:#X?}): {found:X?}, and not {end:X?}"));
        }
    }
    for (name, bits) in &expected.globals {
        let found = guest.global(name);
        if found != Some(*bits) {
            return Err(format!("global {name}: {found:X?}, and not {bits:#X}"));
        }
    }
    let Some(memory) = &expected.memory else { return Ok(()) };
    // Bytes beyond the module's memory are there if it has no pages, or pages of one byte. The program does not reach them.
    match guest.memory().split_at_checked(memory.len()) {
        Some((found, rest)) if found == memory && rest.iter().all(|byte| *byte == 0) => Ok(()),
        _ => Err("the memories differ".into()),
    }
}

#[test]
fn random_modules_agree_with_wasmi() {
    let (mut modules, mut calls, mut returned) = (0, 0, 0);
    let seeds = seeds(if EMULATED { 20 } else { 200 });
    let are_many = seeds.end - seeds.start > 10_000;
    for seed in seeds {
        let Some(sample) = sample(seed) else { continue };
        let expected = expected(&sample).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let in_turn = [CONFIGURATIONS[seed as usize % CONFIGURATIONS.len()]];
        for configuration in if are_many { &in_turn[..] } else { &CONFIGURATIONS } {
            if let Err(message) = compare(&sample, &expected, *configuration) {
                panic!("seed {seed} in {configuration:?}: {message}");
            }
        }
        modules += 1;
        calls += expected.calls.len();
        returned += expected.calls.iter().filter(|call| matches!(call.3, End::Returned(_))).count();
    }
    println!("{modules} modules, {calls} calls, {returned} returned");
    assert!(modules > 10 && returned * 20 > calls, "{modules} modules, {calls} calls, {returned} returned");
}
