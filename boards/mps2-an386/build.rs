//! Writes the table of checks for which the board has room.

use board_checks::build::{Room, write_table};

fn main() {
    write_table(Room { memory: 2 << 20, cells: &[1024, 65_536], table: 2 << 20, one_of: 1 });
    println!("cargo:rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rerun-if-changed=memory.x");
}
