#!/usr/bin/env bash
# One would guess that modules of wasm-smith with `canonicalize_nans`, whose documentation says that it follows all
# binary32 and binary64 operations and is meant for comparing engines, compute the same bits in every correct engine.
# They do not: after f32.demote_f64 and f64.promote_f32 nothing is made canonical, although the result of both may be
# any of several NaNs (and Cranelift's pass, on which wasm-smith bases its list, includes both). A NaN whose payload
# depends on the engine then reaches globals and memory through reinterpretation or stores: a comparison of engines
# reports differences that the specification permits.
# Counted here: for modules of 400 seeds, how many additions, and how many conversions between the two formats, are
# followed by the sequence that makes a NaN canonical.
# Seen with wasm-smith 0.263.0, read with wasmparser 0.263.0 (crates.io). Source: this program. Takes a minute.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'T'
[package]
name = "nans"
version = "0.0.0"
edition = "2021"

[dependencies]
arbitrary = "=1.4.2"
wasm-smith = "=0.263.0"
wasmparser = { version = "=0.263.0", default-features = false, features = ["std", "features"] }
T
cat > src/main.rs <<'R'
use arbitrary::Unstructured;
use wasm_smith::{Config, Module};
use wasmparser::{Operator, Parser, Payload};

fn main() {
    // [instructions, those that are followed by a store to a local and a constant]
    let (mut additions, mut conversions) = ([0, 0], [0, 0]);
    for seed in 0..400u64 {
        let mut state = seed + 1;
        let bytes: Vec<u8> = (0..6000)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 33) as u8
            })
            .collect();
        let config = Config {
            canonicalize_nans: true,
            simd_enabled: false,
            relaxed_simd_enabled: false,
            min_funcs: 4,
            min_types: 4,
            max_imports: 0,
            ..Config::default()
        };
        let Ok(module) = Module::new(config, &mut Unstructured::new(&bytes)) else { continue };
        for payload in Parser::new(0).parse_all(&module.to_bytes()) {
            let Payload::CodeSectionEntry(body) = payload.unwrap() else { continue };
            let operators: Vec<Operator> =
                body.get_operators_reader().unwrap().into_iter().map(Result::unwrap).collect();
            for (index, operator) in operators.iter().enumerate() {
                let counts = match operator {
                    Operator::F32Add | Operator::F64Add => &mut additions,
                    Operator::F32DemoteF64 | Operator::F64PromoteF32 => &mut conversions,
                    _ => continue,
                };
                counts[0] += 1;
                let canonical = matches!(
                    operators.get(index + 1..index + 3),
                    Some([
                        Operator::LocalTee { .. } | Operator::LocalSet { .. },
                        Operator::F32Const { .. } | Operator::F64Const { .. }
                    ])
                );
                counts[1] += usize::from(canonical);
            }
        }
    }
    println!("additions: {} of {} canonical", additions[1], additions[0]);
    println!("conversions: {} of {} canonical", conversions[1], conversions[0]);
}
R
cargo run --quiet 2> cargo.log > output || { cat cargo.log; exit 1; }
echo "wasm-smith 0.263.0"
cat output
read -r _ canonical _ all _ < <(grep additions output)
[ "$canonical" = "$all" ] && [ "$all" -gt 0 ] || { echo "additions have changed"; exit 1; }
read -r _ canonical _ all _ < <(grep conversions output)
[ "$canonical" = 0 ] && [ "$all" -gt 0 ] || { echo "conversions have changed"; exit 1; }
