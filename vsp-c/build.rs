//! Gives the shared library the name that programs load it by.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is_linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    if is_linux {
        // Before 1.0, libraries with another minor number are not compatible.
        let version = [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR")].join(".");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libvsp.so.{version}");
    }
}
