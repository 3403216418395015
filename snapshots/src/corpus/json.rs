//! JSON, compared with the crate `serde_json`.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::error::Category;

use super::{Example, Expected, Invocation, inputs};

const MAX_DEPTH: usize = 65_536;

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let input = &invocation.input;
    let good = longest_valid_prefix(input);
    if let Some(offset) = too_deep(&input[..good]) {
        return refusal(2, input, offset, "nested more than 65536 deep\n");
    }
    match good == input.len() && is_json(input) {
        true => Expected::output(""),
        false => refusal(1, input, good, ""),
    }
}

fn refusal(exit_code: u8, input: &[u8], offset: usize, message: &str) -> Expected {
    let lines: Vec<&[u8]> = input[..offset].split(|byte| *byte == b'\n').collect();
    let (line, column) = (lines.len(), lines[lines.len() - 1].len() + 1);
    Expected::refusal(exit_code, format!("json: line {line}, column {column}: {message}"))
}

/// Returns whether the input matches the grammar. No values are created, so that none can be out of range.
fn is_json(input: &[u8]) -> bool {
    std::str::from_utf8(input).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Returns the length of the longest prefix that is the beginning of some JSON text.
fn longest_valid_prefix(input: &[u8]) -> usize {
    let (mut low, mut high) = (0, input.len() + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_prefix_of_valid(&input[..middle]) { low = middle } else { high = middle }
    }
    low
}

/// Returns whether some JSON text starts like this.
fn is_prefix_of_valid(start: &[u8]) -> bool {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text.to_owned(),
        Err(error) if error.error_len().is_some() => return false,
        // The input ends within a character. That has to be in a string, where any other character is valid as well.
        Err(error) => String::from_utf8_lossy(&start[..error.valid_up_to()]).into_owned() + "é",
    };
    // The crate examines the four digits of an escape together, and does not report a minus at the end as incomplete.
    let endings = if ends_in_string(&text) { ["000", "n000"] } else { ["", "0"] };
    endings.iter().any(|ending| match serde_json::from_str::<IgnoredAny>(&(text.clone() + ending)) {
        Ok(_) => true,
        Err(error) => error.classify() == Category::Eof,
    })
}

/// Returns the bytes outside of strings with their offsets, and whether the end is inside a string.
fn outside_strings(input: &[u8]) -> (Vec<(usize, u8)>, bool) {
    let (mut outside, mut in_string, mut escaped) = (Vec::new(), false, false);
    for (offset, byte) in input.iter().enumerate() {
        match (byte, in_string) {
            (_, true) if escaped => escaped = false,
            (b'\\', true) => escaped = true,
            (b'"', _) => in_string = !in_string,
            (_, true) => {}
            (_, false) => outside.push((offset, *byte)),
        }
    }
    (outside, in_string)
}

fn ends_in_string(text: &str) -> bool {
    outside_strings(text.as_bytes()).1
}

/// Returns the offset of the first bracket that exceeds the nesting depth.
fn too_deep(input: &[u8]) -> Option<usize> {
    let mut depth = 0;
    for (offset, byte) in outside_strings(input).0 {
        match byte {
            b'[' | b'{' if depth == MAX_DEPTH => return Some(offset),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

pub(super) fn invocations() -> Vec<Invocation> {
    let good = [
        "0",
        "-0",
        "-0.0e-0",
        "1E400",
        "123456789012345678901234567890",
        "\"\"",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        " [ ] ",
        "\t{\r\n}\n",
        "[[],{}]",
        r#"{"a":{"b":[{"c":null}]},"a":[1,2,[3]]}"#,
        r#""\"\\\/\b\f\n\r\t\u0000\uD800\uabCD""#,
        "\"\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\"",
        "[1 ,2\n, 3 ]",
    ];
    let bad = [
        "",
        " ",
        "\n\n",
        "[",
        "{",
        "\"",
        "\"\\",
        "\"\\u12",
        "[1",
        "[1,",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "-",
        "1.",
        "1e",
        "1e+",
        "tru",
        "nul",
        "fals",
        "truE",
        "nulL",
        "falsy",
        "truex",
        "[1,]",
        "{,}",
        "{\"a\":1,}",
        "{1:2}",
        "[1}",
        "{\"a\":1]",
        "]",
        "}",
        ",",
        ":",
        "01",
        "-01",
        "+1",
        ".5",
        "1.e5",
        "0x1",
        "1 2",
        "[1 2]",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "\"\n\"",
        "\"\t\"",
        "\"\0\"",
        "\"\\x\"",
        "\"\\a\"",
        "\"\\u12g4\"",
        "\"\\U1234\"",
        "'a'",
        "[\"a\",\n \"b\",\n 'c']",
        "// comment\n1",
        "NaN",
        "Infinity",
        "\u{FEFF}1",
        "é",
        "[é]",
        "1\u{A0}",
        "\u{C}1",
        "[1]\n\n x",
    ];
    let bytes: [&[u8]; 17] = [
        b"\"\x80\"",
        b"\"\xBF\"",
        b"\"\xC0\x80\"",
        b"\"\xC1\xBF\"",
        b"\"\xC2\"",
        b"\"\xC2\x7F\"",
        b"\"\xE0\x9F\xBF\"",
        b"\"\xED\xA0\x80\"",
        b"\"\xE1\x80\"",
        b"\"\xF0\x8F\xBF\xBF\"",
        b"\"\xF4\x90\x80\x80\"",
        b"\"\xF5\x80\x80\x80\"",
        b"\"\xFF\"",
        b"\"\xF1\x80\x80\"",
        b"\"\xE2\x82",
        b"[\xC3",
        b"\"\xF0\x9F",
    ];
    let mut invocations: Vec<Invocation> = good.into_iter().chain(bad).map(Invocation::input).collect();
    invocations.extend(bytes.map(Invocation::input));
    invocations.extend(inputs::files().into_iter().map(Invocation::input));
    invocations.push(Invocation::input(inputs::all_bytes()));
    // Depths around the words of the stack, its end, and the end of the buffer.
    for depth in [63, 64, 65, 128, MAX_DEPTH, MAX_DEPTH + 1] {
        invocations.push(Invocation::input("[".repeat(depth) + &"]".repeat(depth)));
    }
    invocations.push(Invocation::input("{\"\":[".repeat(100) + "0" + &"]}".repeat(100)));
    invocations.push(Invocation::input("{\"\":[".repeat(100) + "0" + &"]}".repeat(50) + "}"));
    invocations.push(Invocation::input("[".repeat(MAX_DEPTH + 1)));
    invocations.push(Invocation::input(format!("[\n\"{}\", x]", "é".repeat(33_000))));
    invocations.push(Invocation::input(large()));
    invocations
}

/// Returns a text with all types of values.
fn large() -> String {
    let elements = (0..300).map(|n| {
        serde_json::json!({
            "number": n, "fraction": f64::from(n) / 7.0, "text": "ü \" \\ \n".repeat(n as usize % 5), "list": [null, true, false, {}, []],
        })
    });
    serde_json::to_string_pretty(&elements.collect::<Vec<_>>()).unwrap_or_default()
}

pub(super) fn published() -> Vec<Example> {
    // The examples of RFC 8259, section 13.
    let image = r#"{
        "Image": {
            "Width":  800,
            "Height": 600,
            "Title":  "View from 15th Floor",
            "Thumbnail": {
                "Url":    "http://www.example.com/image/481989943",
                "Height": 125,
                "Width":  100
            },
            "Animated" : false,
            "IDs": [116, 943, 234, 38793]
          }
      }"#;
    let good = [image, "\"Hello world!\"", "42", "true"].map(|input| Example::new(input, ""));
    let bad = [
        ("[1,\n 2,\n]", "line 3, column 1: expected a value"),
        ("{\"a\":1,}", "line 1, column 8: expected a name in quotes"),
        ("{1", "line 1, column 2: expected a name in quotes or }"),
        ("{\"a\" 1", "line 1, column 6: expected :"),
        ("[1 2", "line 1, column 4: expected , or ]"),
        ("{\"a\":1 2", "line 1, column 8: expected , or }"),
        ("1 2", "line 1, column 3: expected nothing more"),
        ("-x", "line 1, column 2: expected a digit"),
        ("\"\\u0_", "line 1, column 5: expected a hexadecimal digit"),
        ("\"\\_", "line 1, column 3: expected one of \"\\/bfnrtu"),
        ("trie", "line 1, column 3: expected true, false or null"),
        ("\"a", "line 1, column 3: expected the rest of a string"),
        ("\"\n", "line 1, column 2: a control character in a string must be escaped"),
    ];
    let bad = bad.map(|(input, message)| Example {
        invocation: Invocation::input(input),
        expected: Expected::refusal(1, format!("json: {message}\n")),
    });
    good.into_iter().chain(bad).collect()
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        "\\PC{0,8}".prop_map(serde_json::Value::from),
    ];
    let value = leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            proptest::collection::hash_map("[a-c\"\\\\é]{0,3}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    let text = (value, any::<bool>()).prop_map(|(value, pretty)| match pretty {
        true => serde_json::to_vec_pretty(&value).unwrap_or_default(),
        false => serde_json::to_vec(&value).unwrap_or_default(),
    });
    let damaged = (
        text.clone(),
        any::<prop::sample::Index>(),
        prop::sample::select(b"[]{},:\"\\0-.e \n\xC3\xA9".as_slice()),
    );
    let damaged = damaged.prop_map(|(mut text, at, byte)| {
        let at = at.index(text.len());
        text[at] = byte;
        text
    });
    prop_oneof![text, damaged, inputs::random_text(b"[]{},:\"\\0-.e \ntrue", 30)]
        .prop_map(Invocation::input)
        .boxed()
}
