//! Every program has a text that assembles to the same bytes, whatever its names, words and lines are. (Invalid texts
//! are tested in `hostile_text.rs`.)
#![cfg(feature = "text")]

use proptest::prelude::*;
use proptest::sample::select;
use vsp_core::index::{FuncIndex, Location};
use vsp_core::isa::{Inst, Opcode, Operand};
use vsp_core::program::{BuildError, FuncType, FunctionBuilder, NameKind, Program, ProgramBuilder};
use vsp_core::text::{Listing, assemble, disassemble};

/// Names that need quotes, look like other tokens, or equal the names of other items.
const NAMES: [&str; 28] = [
    "",
    "f",
    "g",
    "x",
    "L0",
    "u8",
    "f64",
    "zero",
    "nan",
    "inf",
    "function",
    "data",
    "R0",
    "rf",
    "RG",
    "7",
    "7x",
    "_",
    "a b",
    "a.b",
    "\"",
    "\\",
    "\n",
    "\u{85}",
    "\u{1F600}",
    "ü",
    "²",
    "; no",
];

fn name() -> impl Strategy<Value = &'static str> {
    select(&NAMES[..])
}

fn func_type() -> impl Strategy<Value = FuncType> {
    (0usize..=8, 0usize..=4).prop_map(|(params, results)| FuncType::new(params, results).unwrap())
}

/// Words: arbitrary ones, instructions with any operands, and branches with near targets.
fn word() -> impl Strategy<Value = u32> {
    let any_values =
        (select(Opcode::ALL), any::<[i32; 4]>()).prop_map(|(op, values)| instruction(op, values));
    let near = (select(Opcode::ALL), -4i32..4).prop_map(|(op, near)| instruction(op, [near; 4]));
    prop_oneof![any::<u32>(), any_values, near]
}

/// Creates an instruction with these values of operands, or their remainders if they are too large.
fn instruction(op: Opcode, values: [i32; 4]) -> u32 {
    let fitting = |(operand, value): (&Operand, &i32)| {
        let (low, high) = operand.role.range(operand.field);
        let value =
            if (low..=high).contains(value) { *value } else { low + value.rem_euclid(high - low + 1) };
        if operand.role.accepts(operand.field, value) { value } else { low }
    };
    let values: Vec<i32> = op.operands().iter().zip(&values).map(fitting).collect();
    Inst::new(op, &values).map_or(0xFF, Inst::encode)
}

#[derive(Clone, Debug)]
struct Function {
    ty: FuncType,
    locals: u16,
    /// Words, each with the file and line that starts at it.
    words: Vec<(u32, Option<(u32, u32)>)>,
}

fn function() -> impl Strategy<Value = Function> {
    let line = proptest::option::of((0u32..3, 0u32..5));
    (func_type(), 0u16..4096, proptest::collection::vec((word(), line), 1..20))
        .prop_map(|(ty, locals, words)| Function { ty, locals, words })
}

/// Everything except functions and data.
#[derive(Clone, Debug)]
struct Rest {
    imports: Vec<(&'static str, &'static str, FuncType)>,
    constants: Vec<u64>,
    globals: Vec<u64>,
    names: Vec<(bool, usize, &'static str)>,
    exports: Vec<(&'static str, usize)>,
    customs: Vec<(&'static str, Vec<u8>)>,
}

fn rest() -> impl Strategy<Value = Rest> {
    use proptest::collection::vec;
    (
        vec((name(), name(), func_type()), 0..4),
        vec(any::<u64>(), 0..4),
        vec(any::<u64>(), 0..4),
        vec((any::<bool>(), 0usize..12, name()), 0..6),
        vec((name(), 0usize..12), 0..4),
        vec((name(), vec(any::<u8>(), 0..80)), 0..3),
    )
        .prop_map(|(imports, constants, globals, names, exports, customs)| Rest {
            imports,
            constants,
            globals,
            names,
            exports,
            customs,
        })
}

/// Data segments: distance from the preceding one, contents and name.
fn data() -> impl Strategy<Value = Vec<(u32, Vec<u8>, Option<&'static str>)>> {
    let content = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "[ -~\n\t\"\\\\é]{0,100}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec((0u32..40, content, proptest::option::of(name())), 0..4)
}

fn build(
    functions: &[Function],
    data: Vec<(u32, Vec<u8>, Option<&str>)>,
    rest: &Rest,
    with_lines: bool,
) -> Result<Vec<u8>, BuildError> {
    let mut builder = ProgramBuilder::new();
    let mut end = 0;
    for (gap, bytes, name) in data {
        let address = end + gap;
        end = address + bytes.len() as u32;
        builder.data(address, bytes, name)?;
    }
    builder.memory(u64::from(end).next_multiple_of(16).max(16));
    for (module, name, ty) in &rest.imports {
        builder.import(module, name, *ty)?;
    }
    for value in &rest.constants {
        builder.new_constant(*value);
    }
    for value in &rest.globals {
        builder.global(*value);
    }
    if with_lines {
        for file in ["a.sil", "", "a.sil"] {
            builder.push_source_file(file)?;
        }
    }
    for function in functions {
        let mut code = FunctionBuilder::new(function.ty);
        code.set_locals(function.locals);
        for (word, line) in &function.words {
            if let Some((file, line)) = line.filter(|_| with_lines) {
                code.line(file, line);
            }
            code.word(*word);
        }
        builder.function(code);
    }
    for (of_function, index, name) in &rest.names {
        match rest.globals.len() {
            count if count > 0 && !of_function => {
                builder.name(NameKind::Global, (index % count) as u32, name)?;
            }
            _ => builder.name(NameKind::Function, (index % functions.len()) as u32, name)?,
        }
    }
    for (name, index) in &rest.exports {
        // Duplicate names are left out.
        let _ = builder.export(name, FuncIndex((index % functions.len()) as u32));
    }
    for (name, bytes) in &rest.customs {
        let _ = builder.custom(name, bytes.clone());
    }
    builder.build()
}

fn check(bytes: &[u8]) {
    let program = Program::read(bytes).unwrap();
    let listing = disassemble(&program);
    match assemble(&listing, "listing.sil") {
        Ok(again) => assert!(again == bytes, "other bytes from\n{listing}"),
        Err(errors) => panic!("{} in\n{listing}", errors[0]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn programs_come_back_from_their_text(
        functions in proptest::collection::vec(function(), 1..4),
        data in data(),
        rest in rest(),
        with_lines in any::<bool>(),
    ) {
        let bytes = build(&functions, data, &rest, with_lines);
        prop_assert!(bytes.is_ok(), "{:?}", bytes);
        check(&bytes.unwrap());
    }
}

/// The texts of the smaller case files, which together use all syntax.
fn cases() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/cases");
    let mut texts = Vec::new();
    for group in ["text", "control", "calls", "verify"] {
        for file in std::fs::read_dir(format!("{folder}/{group}")).unwrap() {
            texts.push(std::fs::read_to_string(file.unwrap().path()).unwrap());
        }
    }
    texts.retain(|text| text.len() < 8000);
    texts.sort();
    texts
}

/// Returns the lines of a text without comments and expectations, as words including the spaces after them.
fn pieces(text: &str) -> Vec<&str> {
    let lines = text.split_inclusive('\n').filter(|line| !line.trim_start().starts_with(';'));
    lines.flat_map(|line| line.split_inclusive([' ', ',', '\n'])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Case files in which words are removed, repeated, or taken from elsewhere, including other files.
    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn texts_with_some_words_changed_come_back_or_are_refused(
        text in select(cases()),
        other in select(cases()),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4), 1..5),
    ) {
        let other = pieces(&other);
        let mut words = pieces(&text);
        for (at, from, what) in changes {
            let at = at.index(words.len());
            match what {
                0 => _ = words.remove(at),
                1 => words.insert(at, words[from.index(words.len())]),
                2 => words[at] = other[from.index(other.len())],
                _ => words.insert(at, words[at]),
            }
            words.push("\n");
        }
        let text = words.concat();
        if let Ok(bytes) = assemble(&text, "changed.sil") {
            check(&bytes);
        }
    }
}

/// Every name, as the name of every kind of item.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn any_name_can_be_that_of_anything() {
    for (index, name) in NAMES.iter().enumerate() {
        let other = NAMES[(index + 1) % NAMES.len()];
        let function = Function {
            ty: FuncType::default(),
            locals: 0,
            words: vec![
                (Inst::new(Opcode::CALL, &[0]).unwrap().encode(), None),
                (Inst::new(Opcode::GETG, &[0, 0]).unwrap().encode(), None),
                (Inst::new(Opcode::SYSCALL, &[0]).unwrap().encode(), None),
                (Inst::new(Opcode::JMP, &[-4]).unwrap().encode(), None),
            ],
        };
        let rest = Rest {
            imports: vec![(name, other, FuncType::default())],
            constants: vec![],
            globals: vec![7],
            names: vec![(true, 0, name), (false, 0, name)],
            exports: vec![(name, 0), (other, 0)],
            customs: vec![(name, b"custom".to_vec())],
        };
        let data = vec![(3, b"text".to_vec(), Some(*name)), (0, vec![0xFF; 3], Some(other))];
        check(&build(&[function], data, &rest, true).unwrap());
    }
}

/// Single instructions and their labels equal those of the whole text.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn a_listing_has_the_lines_of_the_disassembly() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    for name in ["sha256.sil", "fib.sil", "mandelbrot.sil"] {
        let text = std::fs::read_to_string(format!("{examples}/{name}")).unwrap();
        let bytes = assemble(&text, name).unwrap();
        let program = Program::read(&bytes[..]).unwrap();
        let whole = disassemble(&program);
        let mut expected = whole
            .lines()
            .map(str::trim)
            .skip_while(|line| !line.starts_with(".func"))
            .filter(|line| !line.is_empty() && !line.starts_with('.'));

        let listing = Listing::new(&program);
        for (function, decl) in (0..).map(FuncIndex).zip(program.functions()) {
            for word in 0..decl.words {
                let location = Location { function, word };
                if let Some(label) = listing.label(location) {
                    assert_eq!(expected.next(), Some(format!("{label}:").as_str()), "{name}, {location}");
                }
                assert_eq!(listing.instruction(location).as_deref(), expected.next(), "{name}, {location}");
            }
            assert_eq!(listing.instruction(Location { function, word: decl.words }), None);
        }
        assert_eq!(expected.next(), None);
    }
    let none = Location { function: FuncIndex(99), word: 0 };
    let bytes = assemble("", "empty.sil").unwrap();
    assert_eq!(Listing::new(&Program::read(&bytes[..]).unwrap()).instruction(none), None);
}

#[test]
fn errors_are_one_error_that_shows_all_of_them() {
    let errors = assemble(".func f (0) -> 0\n  JMQ out\n  ADD R0\n.end\n", "f.sil").unwrap_err();
    assert_eq!((errors.len(), errors.file_name(), errors.is_full()), (2, "f.sil", false));
    let shown = format!("f.sil: {}\nf.sil: {}", errors[0], errors[1]);
    assert_eq!(errors.to_string(), shown);
    assert!(shown.contains("f.sil: line 3, column 7: "), "{shown}");
    let boxed: Box<dyn std::error::Error + Send + Sync> = errors.clone().into();
    assert_eq!(boxed.to_string(), shown);
    assert_eq!(errors.into_iter().map(|error| error.line).collect::<Vec<_>>(), [2, 3]);

    let many = assemble(&"JMQ\n".repeat(100), "").unwrap_err();
    assert!(many.is_full() && many.len() == vsp_core::limits::MAX_ASSEMBLY_ERRORS);
    let shown = many.to_string();
    assert!(shown.starts_with("line 1, column 1: "), "{shown}");
    assert!(shown.ends_with("\nstopped after 32 errors"), "{shown}");
}
