//! Writes the table of checks for which the board has room.

use board_checks::build::{Room, write_table};

fn main() {
    write_table(Room { memory: 8 << 20, cells: &[1024, 65_536], table: 8 << 20, one_of: 1 });
    println!("cargo:rustc-link-arg-bins=-T{}/link.ld", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rerun-if-changed=link.ld");
}
