//! Selects the interpreter.
//!
//! The threaded interpreter needs a compiler that turns calls in tail position into jumps. It does so from optimisation
//! level 2 on, but not in handlers that keep data in memory, as they do with debug assertions. The portable loop runs
//! there, in builds that are optimised for size, and on architectures where the jumps have not been verified.

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
