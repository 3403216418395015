//! Chooses the interpreter.
//!
//! The threaded one needs a compiler that turns calls in tail position into jumps. It does that from optimisation level 2 on,
//! but not in handlers that keep something in memory, as they do with debug assertions. There, where it optimises for size, and on
//! architectures where nobody looked, the portable loop runs.

use std::env;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(threaded)");
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, wanted: &[&str]| env::var(name).is_ok_and(|value| wanted.contains(&value.as_str()));
    let asserts = env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_some();
    if is("CARGO_CFG_TARGET_ARCH", &["x86_64", "aarch64"]) && is("OPT_LEVEL", &["2", "3"]) && !asserts {
        println!("cargo::rustc-cfg=threaded");
    }
}
