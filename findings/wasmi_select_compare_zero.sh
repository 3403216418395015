#!/usr/bin/env bash
# One would guess that an interpreter which passes the specification's tests computes a select whose condition is a
# comparison of a parameter with zero. wasmi 2.0.0 does not: for
#     (select (i32.const 5) (i32.const 7) (i32.eqz (local.get 0)))
# called with 4677 it returns 5, though 4677 is not zero. With i32.eq and i32.ne against the constant 0 the wrong value is
# chosen, too. The same condition in an `if`, and the parameter itself as the condition, are right; so is Wasmtime.
# Seen with wasmi 2.0.0 (crates.io), compared with Wasmtime 50.0.1 (PyPI). Source: this program. Takes a few minutes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > select.wat <<'W'
(module
  (func (export "eqz") (param i32) (result i32)
    (select (i32.const 5) (i32.const 7) (i32.eqz (local.get 0))))
  (func (export "eq") (param i32) (result i32)
    (select (i32.const 5) (i32.const 7) (i32.eq (local.get 0) (i32.const 0))))
  (func (export "ne") (param i32) (result i32)
    (select (i32.const 5) (i32.const 7) (i32.ne (local.get 0) (i32.const 0))))
  (func (export "if") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 5)) (else (i32.const 7))))
  (func (export "itself") (param i32) (result i32)
    (select (i32.const 5) (i32.const 7) (local.get 0))))
W
mkdir src
cat > Cargo.toml <<'T'
[package]
name = "finding"
version = "0.1.0"
edition = "2024"
[dependencies]
wasmi = { version = "=2.0.0", default-features = false, features = ["std", "validate", "wat"] }
T
cat > src/main.rs <<'R'
use wasmi::{Engine, Linker, Module, Store};

fn main() {
    let engine = Engine::default();
    let module = Module::new(&engine, std::fs::read_to_string("select.wat").unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::<()>::new(&engine).instantiate_and_start(&mut store, &module).unwrap();
    for name in ["eqz", "eq", "ne", "if", "itself"] {
        let function = instance.get_typed_func::<i32, i32>(&store, name).unwrap();
        println!("{name} {}", function.call(&mut store, 4677).unwrap());
    }
}
R
cargo run --quiet | tee wasmi
python3 -m venv venv
venv/bin/pip install --quiet wasmtime==50.0.1
venv/bin/python - <<'P' | tee wasmtime
from wasmtime import Instance, Module, Store

store = Store()
exports = Instance(store, Module(store.engine, open("select.wat").read()), []).exports(store)
for name in ["eqz", "eq", "ne", "if", "itself"]:
    print(name, exports[name](store, 4677))
P
expected=$'eqz 7\neq 7\nne 5\nif 7\nitself 5'
[ "$(cat wasmtime)" = "$expected" ] || { echo "Wasmtime computes something else"; exit 1; }
wrong=$(diff wasmi wasmtime | grep '^<' || true)
echo "wasmi differs:"
echo "$wrong"
grep -q '^< eqz 5$' <<< "$wrong" || { echo "wasmi 2.0.0 computes i32.eqz as one would guess"; exit 1; }
