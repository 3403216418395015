//! The examples with the smallest numbers and with no input: each ends, since a loop that counts down must not begin at
//! 0.
// The programs are the same for every architecture, and commands are slow where one is emulated.
#![cfg(target_arch = "x86_64")]

mod command;

use command::{example, root, run_with, stderr};

/// Far more than any of the examples needs for such input.
const FUEL: &str = "20000000";

#[test]
fn examples_end_with_small_numbers_and_empty_input() {
    let mut count = 0;
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "sil") {
            continue;
        }
        let program = example(path.file_stem().unwrap().to_str().unwrap());
        for args in [&["0"][..], &["-1"], &["1"], &["0", "0"], &["1", "0"], &["1", "1"], &["8", "0"]] {
            for input in ["", "0", "\n", "1 1 1\n1\n"] {
                let all = [&["run", "--fuel", FUEL, &program, "--"], args].concat();
                let output = run_with(&all, input.as_bytes());
                let code = output.status.code();
                assert!(code != Some(4), "{program} {args:?}, input {input:?}: {}", stderr(&output));
                count += 1;
            }
        }
    }
    assert!(count > 400, "{count} runs");
}
