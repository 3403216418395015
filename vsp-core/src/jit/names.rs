//! Names for the blocks and values of CLIF that do not change when a value is added elsewhere.
//!
//! Cranelift numbers blocks and values in the order in which they are made, so one more value renumbers all that
//! follow. Here a block is named after the first word that it has instructions of, and a value after its word or block:
//!
//! - `block_w3` is the first block of word 3, `block_w3_1` the next one in the text; `block0`, `block1`, … are blocks
//!   that belong to no word.
//! - `w3.0`, `w3.1`, … are made by word 3, `block_w3_1.0` by the block of that name: its parameters, and all values of
//!   blocks that belong to no word or are not the first of theirs.
//! - Aliases are replaced by their values.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Returns CLIF with stable names instead of numbers. Text that is not CLIF is returned unchanged.
pub(super) fn with_stable_names(clif: &str) -> String {
    let blocks = name_blocks(clif);
    let values = name_values(clif, &blocks);
    let mut out = String::with_capacity(clif.len());
    for line in clif.lines().filter(|line| alias(line).is_none()) {
        rename(line, &blocks, &values, &mut out);
        out.push('\n');
    }
    out
}

/// Splits a line into the word that it comes from and the rest.
fn located(line: &str) -> (Option<u32>, &str) {
    let split = line.strip_prefix('@').and_then(|line| line.split_once(' '));
    match split.and_then(|(word, rest)| Some((u32::from_str_radix(word, 16).ok()?, rest))) {
        Some((word, rest)) => (Some(word), rest.trim_start()),
        None => (None, line.trim_start()),
    }
}

/// Returns the block that begins with this line.
fn block_header(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.ends_with(':').then(|| token(line)).filter(|name| number(name, "block").is_some())
}

/// Returns the alias that a line defines, and its value.
fn alias(line: &str) -> Option<(&str, &str)> {
    let (alias, value) = line.trim().split_once(" -> ")?;
    (number(alias, "v").is_some() && number(value, "v").is_some()).then_some((alias, value))
}

/// Returns the number of an entity: 12 of `v12` with the prefix `v`.
fn number(name: &str, prefix: &str) -> Option<u32> {
    name.strip_prefix(prefix)?.parse().ok()
}

/// Returns the letters and digits that a text begins with.
fn token(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    &text[..end]
}

/// Names of blocks by the names that Cranelift gives them.
fn name_blocks(clif: &str) -> BTreeMap<&str, String> {
    let mut names = BTreeMap::new();
    // The number of blocks of each word so far; `None` counts blocks without a word.
    let mut counts: BTreeMap<Option<u32>, u32> = BTreeMap::new();
    let mut lines = clif.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(block) = block_header(line) else { continue };
        let mut word = None;
        while let Some(line) = lines.next_if(|line| word.is_none() && block_header(line).is_none()) {
            word = located(line).0;
        }
        let count = counts.entry(word).or_insert(0);
        let name = match (word, *count) {
            (None, count) => format!("block{count}"),
            (Some(word), 0) => format!("block_w{word}"),
            (Some(word), count) => format!("block_w{word}_{count}"),
        };
        *count += 1;
        names.insert(block, name);
    }
    names
}

/// Names of values by the names that Cranelift gives them.
fn name_values<'t>(clif: &'t str, blocks: &BTreeMap<&'t str, String>) -> BTreeMap<&'t str, String> {
    let mut names = BTreeMap::new();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut aliases = Vec::new();
    let mut block = "";
    for line in clif.lines() {
        if let Some(header) = block_header(line) {
            block = blocks.get(header).map_or("", String::as_str);
        }
        if let Some(found) = alias(line) {
            aliases.push(found);
            continue;
        }
        let is_first_of_word = block.starts_with("block_w") && !block["block_w".len()..].contains('_');
        let group = match located(line) {
            (Some(word), _) if is_first_of_word => format!("w{word}"),
            _ => block.to_string(),
        };
        for value in definitions(line) {
            let count = counts.entry(group.clone()).or_insert(0);
            names.insert(value, format!("{group}.{count}"));
            *count += 1;
        }
    }
    // An alias may stand for another one, which may come later in the text.
    for _ in 0..aliases.len() {
        let before = names.len();
        for (alias, value) in &aliases {
            if let Some(name) = names.get(value).cloned() {
                names.insert(alias, name);
            }
        }
        if names.len() == before {
            break;
        }
    }
    names
}

/// Returns the values that a line defines: parameters of a block or results of an instruction.
fn definitions(line: &str) -> Vec<&str> {
    let (_, text) = located(line);
    let text = text.split(';').next().unwrap_or_default();
    let list = match block_header(line) {
        Some(_) => text.split_once('(').map_or("", |(_, parameters)| parameters),
        None => text.split_once(" = ").map_or("", |(results, _)| results),
    };
    let names = list.split(", ").map(token);
    names.filter(|name| number(name, "v").is_some()).collect()
}

/// Writes a line with the new names.
fn rename(line: &str, blocks: &BTreeMap<&str, String>, values: &BTreeMap<&str, String>, out: &mut String) {
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let name = token(rest);
        if name.is_empty() {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        out.push_str(blocks.get(name).or_else(|| values.get(name)).map_or(name, String::as_str));
        rest = &rest[name.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIF: &str = "\
function u0:0(i64) -> i64 system_v {
    sig0 = (i64) -> i64

                                block0(v0: i64):
                                    v4 -> v9
                                    v1 = iconst.i64 7
@0000                               v2, v3 = call fn0(v1)  ; v1 = 7
@0002                               brif v2, block1(v3), block2

                                block1(v5: i64):
@0002                               v6 = iadd v5, v4
                                    return v6, v5  ; v6 = 0, v5 = 1

                                block2:
@0002                               v9 = iconst.i64 1
@0002                               jump block1(v9)  ; v9 = 1
}
";

    #[test]
    fn names_follow_words_and_blocks() {
        let text = with_stable_names(CLIF);
        let lines: Vec<&str> = text.lines().map(|line| located(line).1).collect();
        assert_eq!(
            lines[3..],
            [
                "block_w0(block_w0.0: i64):",
                "block_w0.1 = iconst.i64 7",
                "w0.0, w0.1 = call fn0(block_w0.1)  ; block_w0.1 = 7",
                "brif w0.0, block_w2(w0.1), block_w2_1",
                "",
                "block_w2(block_w2.0: i64):",
                "w2.0 = iadd block_w2.0, block_w2_1.0",
                "return w2.0, block_w2.0  ; w2.0 = 0, block_w2.0 = 1",
                "",
                "block_w2_1:",
                "block_w2_1.0 = iconst.i64 1",
                "jump block_w2(block_w2_1.0)  ; block_w2_1.0 = 1",
                "}",
            ]
        );
    }

    #[test]
    fn one_more_value_renames_those_of_its_word_only() {
        let more = CLIF.replace("v2, v3 =", "v20 = iconst.i64 3\n@0000    v2, v3 =");
        let (before, after) = (with_stable_names(CLIF), with_stable_names(&more));
        let changed = after.lines().filter(|line| !before.contains(line)).count();
        assert_eq!(changed, 3, "{after}");
    }

    #[test]
    fn other_text_stays() {
        for text in ["", "block7: nothing\n", "block1(:\n", "v1 -> \n", "@zz v1 = v2\n", "block0(v0: é):\n"]
        {
            let _ = with_stable_names(text);
        }
        assert_eq!(with_stable_names("no block v1\n"), "no block v1\n");
    }
}
