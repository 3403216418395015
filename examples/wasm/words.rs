//! Counts the words of files, and prints the most frequent ones. It is an ordinary Rust program for WASI preview 1:
//!
//! ```sh
//! rustc --edition 2024 --target wasm32-wasip1 -C opt-level=s -C lto -C strip=symbols words.rs
//! vsp run --dir . words.wasm README.md
//! ```

use std::collections::HashMap;
use std::process::ExitCode;

/// Number of words that are printed.
const MOST: usize = 5;

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        eprintln!("usage: words FILE…");
        return ExitCode::from(2);
    }
    let mut counts: HashMap<String, u32> = HashMap::new();
    let mut code = ExitCode::SUCCESS;
    for path in &paths {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
                    *counts.entry(word.to_lowercase()).or_default() += 1;
                }
            }
            Err(error) => {
                eprintln!("{path}: {error}");
                code = ExitCode::FAILURE;
            }
        }
    }
    let total: u32 = counts.values().sum();
    println!("{total} words, {} different", counts.len());
    let mut ordered: Vec<(String, u32)> = counts.into_iter().collect();
    ordered.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    for (word, count) in ordered.iter().take(MOST) {
        println!("{count:>6} {word}");
    }
    code
}
