//! `include/vsp.h` declares what the library has: functions, structs and types of the sources are translated to C,
//! and a C compiler compares both.
//!
//! (cbindgen could write such declarations too. It takes minutes to build, and finds neither what is missing nor
//! numbers that differ.)
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use vsp_core::Trap;
use vsp_core::limits::{MAX_PARAMS, MAX_RESULTS};

use crate::status::{Status, guard};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the source files.
fn sources() -> Vec<String> {
    let files = |folder: PathBuf| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all = files(folder().join("src")).chain(files(folder().join("src/api")));
    all.filter(|path| path.extension().is_some_and(|it| it == "rs")).map(|path| read(&path)).collect()
}

/// Returns the C name of a Rust type of this crate.
fn named(name: &str) -> &'static str {
    match name {
        "u8" => "uint8_t",
        "i32" => "int32_t",
        "u32" => "uint32_t",
        "i64" => "int64_t",
        "u64" => "uint64_t",
        "usize" => "size_t",
        "c_char" => "char",
        "c_void" => "void",
        "Status" => "vsp_status",
        "Message" => "vsp_message",
        "Text" => "vsp_text",
        "Engine" => "vsp_engine",
        "Program" => "vsp_program",
        "Instance" => "vsp_instance",
        "Caller<'_, '_>" => "vsp_caller",
        "Host" => "vsp_host",
        "Options" => "vsp_options",
        "Outcome" => "vsp_outcome",
        "Export" => "vsp_export",
        "Import" => "vsp_import",
        "Pending" => "vsp_pending",
        "HostFunction" => "vsp_host_function",
        "WriterFunction" => "vsp_writer",
        "Allocate" => "vsp_allocate",
        "Release" => "vsp_release",
        other => panic!("what is `{other}` in C?"),
    }
}

/// Returns a Rust type in C.
fn c_type(rust: &str) -> String {
    let inside = |start: &str, end: &str| rust.strip_prefix(start).and_then(|it| it.strip_suffix(end));
    if rust == "CallerPtr<'_, '_>" {
        "vsp_caller *".into()
    } else if let Some(it) = inside("In<", ">").or(inside("*const ", "")) {
        format!("const {} *", c_type(it))
    } else if let Some(it) = inside("Out<", ">").or(inside("Ptr<", ">")).or(inside("*mut ", "")) {
        format!("{} *", c_type(it))
    } else if let Some(it) = inside("Option<", ">") {
        c_type(it)
    } else {
        named(rust).into()
    }
}

/// Returns the items of a list with one comma between them, without those that are inside of brackets.
fn items(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut found = vec![String::new()];
    for letter in list.chars() {
        depth += i32::from("<[(".contains(letter)) - i32::from(">])".contains(letter));
        match (letter, depth) {
            (',', 0) => found.push(String::new()),
            _ => found.last_mut().unwrap().push(letter),
        }
    }
    found
        .iter()
        .map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|it| !it.is_empty())
        .collect()
}

/// Returns the parameters of a function in C, of `name: Type` each.
fn params(list: &str) -> String {
    let types: Vec<String> = items(list)
        .iter()
        .map(|param| c_type(param.split_once(": ").expect("a name and a type").1))
        .collect();
    if types.is_empty() { "void".into() } else { types.join(", ") }
}

/// Returns the functions of the sources, with their declarations in C.
fn functions(sources: &[String]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for source in sources {
        let source = source.replace("pub unsafe extern", "pub extern");
        for item in source.split("#[unsafe(no_mangle)]\npub extern \"C\" fn ").skip(1) {
            let (name, rest) = item.split_once('(').unwrap();
            let (list, rest) = rest.split_once(") -> ").unwrap();
            let result = c_type(rest.split_once(" {").unwrap().0);
            found.push((name.to_owned(), format!("{result} {name}({});", params(list))));
        }
    }
    found
}

/// Declares the types of functions again.
fn function_types(sources: &[String], c: &mut String) {
    for source in sources {
        for item in source.split("\npub type ").skip(1) {
            let (name, rest) = item.split_once(" =").unwrap();
            let (_, rest) = rest.split_once("unsafe extern \"C\" fn(").expect("a type of C functions");
            let (list, rest) = rest.split_once(')').unwrap();
            let end = rest.split_once(';').unwrap().0;
            let result = end.strip_prefix(" -> ").map_or("void".into(), c_type);
            writeln!(c, "typedef {result} (*{})({});", named(name), params(list)).unwrap();
        }
    }
}

/// Compares sizes and offsets of structs.
fn structs(sources: &[String], c: &mut String) -> usize {
    let mut count = 0;
    for source in sources {
        for item in source.split("#[repr(C)]\n").skip(1) {
            let Some((name, rest)) = item
                .split_once("pub struct ")
                .and_then(|it| it.1.split_once(" {\n"))
                .filter(|it| !it.0.contains('<'))
            else {
                continue;
            };
            let ty = named(name);
            let body = rest.split_once("\n}").unwrap().0;
            let fields: Vec<&str> = body
                .lines()
                .map(|line| line.trim().trim_end_matches(','))
                .filter(|it| !it.starts_with("//"))
                .collect();
            let mut checks = String::new();
            writeln!(c, "struct own_{ty} {{").unwrap();
            for field in fields {
                let field = field.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
                let (field, rust) = field.split_once(": ").unwrap();
                match rust.strip_prefix('[').and_then(|it| it.strip_suffix(']')?.split_once("; ")) {
                    Some((item, count)) => {
                        let count = if count == "MAX_PARAMS" { MAX_PARAMS } else { MAX_RESULTS };
                        writeln!(c, "    {} {field}[{count}];", c_type(item)).unwrap();
                    }
                    None => writeln!(c, "    {} {field};", c_type(rust)).unwrap(),
                }
                let same = "offsetof(struct own_{ty}, {field}) == offsetof({ty}, {field})";
                let same = same.replace("{ty}", ty).replace("{field}", field);
                writeln!(checks, "_Static_assert({same}, \"{ty}.{field}\");").unwrap();
                let sizes =
                    format!("sizeof((({ty} *)0)->{field}) == sizeof(((struct own_{ty} *)0)->{field})");
                writeln!(checks, "_Static_assert({sizes}, \"{ty}.{field}\");").unwrap();
            }
            writeln!(c, "}};\n{checks}_Static_assert(sizeof(struct own_{ty}) == sizeof({ty}), \"{ty}\");")
                .unwrap();
            count += 1;
        }
    }
    count
}

/// Compares numbers.
fn constants(c: &mut String) {
    let mut same =
        |name: &str, value: i64| writeln!(c, "_Static_assert({name} == {value}, \"{name}\");").unwrap();
    for (status, name) in Status::ALL {
        same(&format!("VSP_{name}"), status.0.into());
    }
    let traps = [
        ("EXPLICIT", Trap::Explicit(0)),
        ("MEMORY", Trap::MemoryOutOfBounds),
        ("DIVISION", Trap::DivideByZero),
        ("STACK", Trap::StackOverflow),
        ("INDIRECT_CALL", Trap::BadIndirectCall),
        ("HOST", Trap::Host(0)),
        ("GLOBAL", Trap::GlobalOutOfBounds),
    ];
    for (name, trap) in traps {
        same(&format!("VSP_TRAP_{name}"), trap.code().into());
    }
    same("VSP_MAX_ARGS", MAX_PARAMS as i64);
    same("VSP_MAX_RESULTS", MAX_RESULTS as i64);
    same("VSP_VERSION", crate::api::library::vsp_version().into());
    #[cfg(feature = "wasm")]
    same("VSP_WASM_STACK_CELLS", vsp_wasm::STACK_CELLS.into());
}

/// Returns the functions that the header declares.
fn declared(header: &str) -> BTreeSet<String> {
    let starts =
        |line: &&str| line.starts_with(|it: char| it.is_ascii_lowercase()) && !line.starts_with("typedef");
    header
        .lines()
        .filter(starts)
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("vsp_"))
        .map(str::to_owned)
        .collect()
}

fn compile(c: &str, name: &str) -> (bool, String) {
    let file = std::env::temp_dir().join(format!("vsp-{}-{name}", std::process::id()));
    std::fs::write(&file, c).unwrap();
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I"])
        .arg(folder().join("include"))
        .arg(&file)
        .output()
        .unwrap();
    std::fs::remove_file(file).unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_header_declares_what_the_library_has() {
    let sources = sources();
    let header = read(&folder().join("include/vsp.h"));
    let functions = functions(&sources);
    let names: BTreeSet<String> = functions.iter().map(|it| it.0.clone()).collect();
    assert_eq!(declared(&header), names);
    assert!(names.len() > 50, "{}", names.len());

    let mut c = String::from("#include <vsp.h>\n");
    function_types(&sources, &mut c);
    assert!(structs(&sources, &mut c) >= 8, "{c}");
    constants(&mut c);
    for (_, declaration) in &functions {
        writeln!(c, "{declaration}").unwrap();
    }
    let (is_same, errors) = compile(&c, "interface.c");
    assert!(is_same, "{errors}");

    // The compiler finds what differs.
    for (from, to) in [
        ("vsp_global(vsp_instance *, uint32_t", "vsp_global(vsp_instance *, uint64_t"),
        ("    uint32_t stack_cells;\n", "    uint64_t stack_cells;\n"),
        ("VSP_E_PANIC == -21", "VSP_E_PANIC == -22"),
        ("(*vsp_writer)(void *, const void *, size_t)", "(*vsp_writer)(void *, void *, size_t)"),
    ] {
        assert!(c.contains(from), "{from}: {c}");
        assert!(!compile(&c.replace(from, to), "differs.c").0, "{to}");
    }
}

#[test]
fn the_header_has_every_status() {
    let header = read(&folder().join("include/vsp.h"));
    let (_, statuses) = header.split_once("enum {\n").unwrap();
    let statuses = statuses.split_once("};").unwrap().0;
    let in_header = statuses.lines().filter(|line| line.trim().starts_with("VSP_")).count();
    assert_eq!(in_header, Status::ALL.len());
}

#[test]
fn a_panic_is_a_status() {
    assert_eq!(guard(|| panic!("a mistake")), Status::E_PANIC);
}

/// The functions that are used as `vsp_...` in the manual exist.
#[test]
fn the_manual_names_what_exists() {
    let header = read(&folder().join("include/vsp.h"));
    let manual = read(&folder().join("../docs/c.md"));
    let python = read(&folder().join("../python/vsp.py"));
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut seen = BTreeSet::new();
    for word in manual.split(|letter| !is_part(letter)) {
        if word.starts_with("vsp_") || word.starts_with("VSP_") {
            assert!(header.contains(word) || python.contains(word), "docs/c.md: what is {word}?");
            seen.insert(word);
        }
    }
    for name in declared(&header) {
        assert!(seen.contains(name.as_str()), "docs/c.md has nothing of {name}");
    }
}
