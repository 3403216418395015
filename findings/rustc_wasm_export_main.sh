#!/usr/bin/env bash
# One would guess that a function of a `no_std` cdylib that is exported to WebAssembly under some name has the parameters
# that it is written with. If the name is `main` it has two more: rustc gives
#     #[unsafe(export_name = "main")] pub extern "C" fn start() -> u32
# the type (i32, i32) -> i32, that of C's main, and the same function exported as `run` the type () -> i32. A host that
# calls `main` without arguments, as its source says, is refused.
# Seen with rustc 1.95.0 for wasm32v1-none and wasm32-unknown-unknown; types are read with Wasmtime 50.0.1 (PyPI).
# Source: this program.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export RUSTUP_HOME=$folder/rustup
rustup toolchain install 1.95.0 --profile minimal --target wasm32v1-none,wasm32-unknown-unknown > rustup.log 2>&1 ||
    { cat rustup.log; exit 1; }
python3 -m venv venv
venv/bin/pip install --quiet wasmtime==50.0.1
for name in main run; do
    cat > $name.rs <<R
#![no_std]
#![crate_type = "cdylib"]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(export_name = "$name")]
pub extern "C" fn start() -> u32 {
    7
}
R
    for target in wasm32v1-none wasm32-unknown-unknown; do
        rustc +1.95.0 --edition 2024 -C panic=abort -O --target $target -o $name-$target.wasm $name.rs
    done
done
venv/bin/python - <<'P' | tee types
from wasmtime import Engine, Module

for target in ["wasm32v1-none", "wasm32-unknown-unknown"]:
    for name in ["main", "run"]:
        for export in Module.from_file(Engine(), f"{name}-{target}.wasm").exports:
            if export.name == name:
                print(target, name, [str(it) for it in export.type.params], [str(it) for it in export.type.results])
P
diff types - <<'T' || { echo "the types of exports have changed"; exit 1; }
wasm32v1-none main ['i32', 'i32'] ['i32']
wasm32v1-none run [] ['i32']
wasm32-unknown-unknown main ['i32', 'i32'] ['i32']
wasm32-unknown-unknown run [] ['i32']
T
