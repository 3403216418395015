//! The program that the examples in C contain as bytes.

use std::fmt::Write;
use std::path::Path;

/// Returns a C header with the bytes of a program.
fn header(bytes: &[u8]) -> String {
    let mut text = String::from("/* The bytes of total.sil, assembled. */\n#include <stdint.h>\n\n");
    writeln!(text, "static const uint8_t total_silc[{}] = {{", bytes.len()).unwrap();
    for line in bytes.chunks(20) {
        let numbers: Vec<String> = line.iter().map(u8::to_string).collect();
        writeln!(text, "    {},", numbers.join(", ")).unwrap();
    }
    text + "};\n"
}

/// With `VSP_C_BLESS=1` it is written instead.
#[test]
fn the_bytes_are_those_of_the_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let text = std::fs::read_to_string(folder.join("total.sil")).unwrap();
    let expected = header(&vsp_core::text::assemble(&text, "total.sil").unwrap());
    let file = folder.join("total.h");
    if std::env::var_os("VSP_C_BLESS").is_some() {
        std::fs::write(file, expected).unwrap();
    } else {
        assert_eq!(std::fs::read_to_string(file).unwrap(), expected, "VSP_C_BLESS=1 writes it");
    }
}
