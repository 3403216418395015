//! Agreement of the documents with the code: instruction tables, links and paths.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use vsp_core::isa::{CLASS_TITLES, Field, Opcode, Role};
use vsp_host::sys::{FUNCTIONS, SysError};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the notation of an instruction, with field names for operands: `LOADX a, [b + c*8 + imm]`.
fn form(op: Opcode) -> String {
    let mut text = op.mnemonic().to_owned();
    let mut open = false;
    for (index, operand) in op.operands().iter().enumerate() {
        let name = match operand.field {
            Field::a => "a",
            Field::b => "b",
            Field::c => "c",
            Field::rel12 => "target",
            _ if operand.role == Role::Target => "target",
            _ => "imm",
        };
        let scale = operand.role.index_scale();
        match operand.role {
            Role::Disp => text += &format!(" + {name}]"),
            _ if open && scale == Some(0) => text += &format!(" + {name}"),
            _ if open => text += &format!(" + {name}*{}", 1 << scale.unwrap_or(0)),
            _ => {
                text += if index == 0 { " " } else { ", " };
                if operand.role == Role::Base {
                    text += "[";
                }
                text += name;
            }
        }
        open = operand.role == Role::Base;
    }
    text
}

fn tables() -> String {
    let mut out = String::new();
    for (class, title) in CLASS_TITLES.iter().enumerate() {
        let ops: Vec<Opcode> =
            Opcode::ALL.iter().copied().filter(|op| usize::from(op.number() >> 4) == class).collect();
        if ops.is_empty() {
            continue;
        }
        let _ = writeln!(out, "### {class:X}x {title}\n");
        out += "| op | instruction | format | roles | meaning |\n|---|---|---|---|---|\n";
        for op in ops {
            let roles: Vec<String> =
                op.operands().iter().map(|operand| format!("{:?}", operand.role)).collect();
            let meaning = op.meaning().replace('|', "\\|");
            let (number, form, format) = (op.number(), form(op), op.format());
            let _ =
                writeln!(out, "| {number:02X} | `{form}` | {format} | {} | {meaning} |", roles.join(", "));
        }
        out.push('\n');
    }
    out
}

/// Checks that the part of a document between its markers is this text, or writes it there under `VSP_BLESS`.
fn check_part(document: &str, name: &str, text: &str) {
    let path = root().join(document);
    let page = std::fs::read_to_string(&path).unwrap();
    let begin = page.find(&format!("<!-- {name}: made from"));
    let begin = begin.map(|at| at + page[at..].find('\n').unwrap() + 1).unwrap();
    let end = page.find(&format!("<!-- end of {name} -->")).unwrap();
    let wanted = format!("{}\n{text}{}", &page[..begin], &page[end..]);
    if std::env::var_os("VSP_BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    } else {
        assert!(
            page == wanted,
            "{document} is out of date: VSP_BLESS=1 cargo test -p vsp-snapshots --test docs"
        );
    }
}

#[test]
fn the_instruction_tables_are_those_of_the_opcode_table() {
    check_part("docs/isa.md", "instructions", &tables());
}

#[test]
fn the_tables_of_sys_are_those_of_the_module() {
    let mut functions =
        "| function | type | parameters and result | what it does | errors |\n|---|---|---|---|---|\n"
            .to_owned();
    for it in FUNCTIONS {
        let errors: Vec<String> = it.errors.iter().map(|error| (*error as u32).to_string()).collect();
        let (name, params, results, signature) = (it.name, it.params, it.results, it.signature);
        let (meaning, errors) = (it.meaning, errors.join(", "));
        let _ = writeln!(
            functions,
            "| `sys.{name}` | `({params}) -> {results}` | {signature} | {meaning} | {errors} |"
        );
    }
    let mut errors = "| code | meaning |\n|---|---|\n".to_owned();
    for error in SysError::ALL {
        let _ = writeln!(errors, "| {} | {error} |", error as u32);
    }
    // One after the other: both write to the same file.
    check_part("docs/sys.md", "functions", &(functions + "\n"));
    check_part("docs/sys.md", "errors", &(errors + "\n"));
}

#[test]
fn the_table_of_wasi_is_that_of_the_module() {
    let mut functions = "| function | type | parameters | what it does |\n|---|---|---|---|\n".to_owned();
    for it in vsp_host::wasi::FUNCTIONS {
        let (name, params, results) = (it.name, it.params.len(), it.results);
        let (signature, meaning) = (it.signature(), it.meaning);
        let _ = writeln!(functions, "| `{name}` | `({params}) -> {results}` | {signature} | {meaning} |");
    }
    check_part("docs/wasi.md", "wasi", &(functions + "\n"));
}

/// Every feature of a package is explained in its README, which is part of its crate documentation.
#[test]
fn features_are_documented() {
    for package in ["vsp-core", "vsp-native", "vsp-host", "vsp-cli"] {
        let manifest = std::fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        let features = manifest.split("\n[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
        let names =
            features.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
        let names: Vec<&str> = names.filter_map(|line| line.split(" = ").next()).collect();
        assert!(names.len() >= 2, "{package}: {names:?}");
        let page = std::fs::read_to_string(root().join(package).join("README.md")).unwrap();
        for name in names.iter().filter(|name| **name != "default") {
            assert!(page.contains(&format!("\n| `{name}` ")), "{package} does not explain `{name}`");
        }
    }
}

/// Returns the project's documents.
fn documents() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/tutorial", "snapshots", "editors"].map(|folder| root().join(folder));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    files
}

#[test]
fn links_lead_to_files() {
    let mut count = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if !target.starts_with("http") && !file.is_empty() {
                let path = document.parent().unwrap().join(file);
                assert!(path.exists(), "{} links to {target}, which does not exist", document.display());
                count += 1;
            }
        }
    }
    assert!(count > 0, "no document has a link");
}

/// Paths in backquotes, such as `vsp-core/src/isa.rs`, exist.
#[test]
fn paths_in_documents_exist() {
    let top = [
        "vsp-core/",
        "vsp-host/",
        "vsp-cli/",
        "snapshots/",
        "benches/",
        "docs/",
        "editors/",
        "examples/",
        "flash/",
        ".ci/",
        ".cargo/",
    ];
    let mut count = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            if top.iter().any(|prefix| quoted.starts_with(prefix))
                && !quoted.contains([' ', '*', '<', '{', '…'])
            {
                let path = root().join(quoted);
                assert!(path.exists(), "{} mentions {quoted}, which does not exist", document.display());
                count += 1;
            }
        }
    }
    assert!(count > 0, "no document mentions a file");
}

/// The means in the comparison with WebAssembly runtimes are those of the measurements.
#[test]
fn the_comparison_has_the_measured_means() {
    let [measured, compared] = ["docs/performance.md", "docs/wasm.md"]
        .map(|name| std::fs::read_to_string(root().join(name)).unwrap());
    let row = |document: &str, start: &str| {
        let line = document.lines().find(|line| line.starts_with(start)).unwrap();
        line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<String>>()
    };
    let ratios = measured.split("<!-- table: ratios -->").nth(1).unwrap();
    let (names, means) = (row(ratios, "| kernel |"), row(ratios, "| geometric mean |"));
    let mean = |name: &str| &means[names.iter().position(|it| it == name).unwrap()];
    let pair = |name: &str| format!("{} and {}", mean(name), mean(&format!("{name}+fuel")));
    let speed = row(&compared, "| speed,");
    assert_eq!(speed[2], format!("interpreter {}, tier 2 {}", pair("vsp interp"), pair("vsp tier2")));
    assert_eq!(speed[3], pair("wasmi"));
    assert_eq!(speed[4], format!("Cranelift {}; Winch {}", pair("wasmtime"), mean("winch")));
}
