#!/usr/bin/env bash
# One would guess that the DWARF which the text parser of WebAssembly (crates wat and wast, option `GenerateDwarf`) adds
# has the addresses of WebAssembly's DWARF convention, offsets from the start of the code section's contents, as LLVM
# writes them. They are smaller: the number of functions at the start of the section is not counted. A module with few
# functions is off by one byte, one with 128 functions or more by two. A reader that trusts the convention gives an
# instruction of one byte (or two) the line of the instruction after it.
# Shown: a module whose last function has one `unreachable` on a line of its own. Its offset in the code section, read
# with wasmparser, and the address that the line table gives for that line, read with gimli, for 1, 127, 128 and 200
# functions.
# Seen with wat 1.263.0, wast 263.0.0, wasmparser 0.263.0, gimli 0.34.0 (crates.io). Source: this program. Takes a minute.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'T'
[package]
name = "addresses"
version = "0.0.0"
edition = "2021"

[dependencies]
gimli = { version = "=0.34.0", default-features = false, features = ["std", "read"] }
wasmparser = { version = "=0.263.0", default-features = false, features = ["std", "features"] }
wast = "=263.0.0"
wat = { version = "=1.263.0", features = ["dwarf"] }
T
cat > src/main.rs <<'R'
use std::collections::BTreeMap;

use gimli::{EndianSlice, LittleEndian};
use wasmparser::{Operator, Parser, Payload};

fn main() {
    for functions in [1, 127, 128, 200] {
        let text = format!("(module\n{}(func\nunreachable\n))\n", "(func)\n".repeat(functions - 1));
        let line = functions as u64 + 2;
        let module = wat::Parser::new()
            .generate_dwarf(wat::GenerateDwarf::Lines)
            .parse_str(Some("test.wat".as_ref()), &text)
            .unwrap();
        let (mut start, mut offset) = (0, 0);
        let mut sections = BTreeMap::new();
        for payload in Parser::new(0).parse_all(&module) {
            match payload.unwrap() {
                Payload::CodeSectionStart { unchecked_range, .. } => start = unchecked_range.start,
                Payload::CodeSectionEntry(body) => {
                    for operator in body.get_operators_reader().unwrap().into_iter_with_offsets() {
                        let (operator, at) = operator.unwrap();
                        if matches!(operator, Operator::Unreachable) {
                            offset = at - start;
                        }
                    }
                }
                Payload::CustomSection(section) => {
                    sections.insert(section.name().to_owned(), section.data());
                }
                _ => {}
            }
        }
        let dwarf = gimli::Dwarf::load(|id| {
            let data = sections.get(id.name()).copied().unwrap_or_default();
            Ok::<_, gimli::Error>(EndianSlice::new(data, LittleEndian))
        })
        .unwrap();
        let header = dwarf.units().next().unwrap().unwrap();
        let unit = dwarf.unit(header).unwrap();
        let mut rows = unit.line_program.clone().unwrap().rows();
        let mut address = None;
        while let Some((_, row)) = rows.next_row().unwrap() {
            if row.line().is_some_and(|found| found.get() == line) && !row.end_sequence() {
                address.get_or_insert(row.address());
            }
        }
        println!("{functions} functions: at {offset}, address {}", address.unwrap());
    }
}
R
cargo run --quiet 2> cargo.log > output || { cat cargo.log; exit 1; }
echo "wast 263.0.0"
cat output
differences=$(sed 's/.* at \(.*\), address \(.*\)/\1 - \2/' output | while read -r sum; do echo $((sum)); done | tr '\n' ' ')
[ "$differences" = "1 1 2 2 " ] || { echo "the differences have changed: $differences"; exit 1; }
