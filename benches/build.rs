//! Determines the version of the compiler. With the feature `peers` it compiles the kernels to WebAssembly.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=BENCHES_RUSTC={}", version());
    for source in ["kernels.rs", "wasm.rs"] {
        println!("cargo::rerun-if-changed=kernels/{source}");
    }
    if env::var_os("CARGO_FEATURE_PEERS").is_some() {
        let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
        if let Err(error) = compile(&folder.join("kernels.wasm")) {
            println!("cargo::error={error}");
        }
    }
}

fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

fn version() -> String {
    let output = rustc().arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split_whitespace().nth(1).unwrap_or("unknown").to_owned()
}

fn compile(output: &Path) -> Result<(), String> {
    let libraries = rustc().args(["--target", TARGET, "--print", "target-libdir"]).output();
    let libraries = libraries.map_err(|error| format!("rustc cannot be run: {error}"))?;
    let folder = String::from_utf8_lossy(&libraries.stdout);
    if !libraries.status.success() || !Path::new(folder.trim()).is_dir() {
        return Err(format!("the kernels are compiled to WebAssembly: run `rustup target add {TARGET}`"));
    }
    let status = rustc()
        .args(["--edition", "2024", "--target", TARGET, "--crate-type", "cdylib", "--crate-name", "kernels"])
        .args(["-C", "opt-level=3", "-C", "panic=abort", "-C", "codegen-units=1", "-C", "strip=symbols"])
        .arg("kernels/wasm.rs")
        .arg("-o")
        .arg(output)
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("rustc could not compile kernels/wasm.rs: {status}")),
        Err(error) => Err(format!("rustc cannot be run: {error}")),
    }
}
