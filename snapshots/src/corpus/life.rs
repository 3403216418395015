//! The Game of Life, compared with a set of living cells.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Example, Expected, Invocation, inputs};

/// The smallest number of bytes for the pattern and two fields that does not fit in the memory.
const TOO_LARGE: usize = 0x40000;

pub(super) fn reference(invocation: &Invocation) -> Expected {
    let generations = match invocation.args.first().map_or(Ok(1), |arg| arg.parse::<i64>()) {
        Ok(generations @ 0..) => generations,
        _ => return Expected::refusal(2, "life: the argument must be a number, 0 or more\n"),
    };
    let too_large = Expected::refusal(1, "life: not enough memory for the pattern\n");
    if invocation.input.len() >= TOO_LARGE {
        return too_large;
    }
    let mut rows = Vec::new();
    for (index, line) in lines(&invocation.input).iter().enumerate() {
        if line.first() == Some(&b'!') {
            continue;
        }
        let cells: Vec<u8> = line.iter().copied().filter(|cell| *cell != b'\r').collect();
        if cells.iter().any(|cell| !b".O*".contains(cell)) {
            return Expected::refusal(1, format!("life: line {}: a cell must be . or O or *\n", index + 1));
        }
        rows.push(cells);
    }
    let (height, width) = (rows.len(), rows.iter().map(Vec::len).max().unwrap_or(0));
    if invocation.input.len() + 2 * (height + 2) * (width + 16) > TOO_LARGE {
        return too_large;
    }
    let mut alive = BTreeSet::new();
    for (y, row) in rows.iter().enumerate() {
        alive.extend(row.iter().enumerate().filter(|(_, cell)| **cell != b'.').map(|(x, _)| (y, x)));
    }
    for _ in 0..generations {
        alive = next(&alive, height, width);
    }
    let rows = (0..height).map(|y| {
        let cells = (0..width).map(|x| if alive.contains(&(y, x)) { 'O' } else { '.' });
        cells.collect::<String>() + "\n"
    });
    Expected::output(rows.collect::<String>())
}

fn lines(input: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines
}

/// Returns the next generation: each living cell counts for its eight neighbours.
fn next(alive: &BTreeSet<(usize, usize)>, height: usize, width: usize) -> BTreeSet<(usize, usize)> {
    let mut neighbours = BTreeMap::<(usize, usize), u32>::new();
    for (y, x) in alive {
        for (dy, dx) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)] {
            let neighbour = ((y + height + dy - 1) % height, (x + width + dx - 1) % width);
            *neighbours.entry(neighbour).or_default() += 1;
        }
    }
    let lives = |(cell, count): (_, u32)| (count == 3 || count == 2 && alive.contains(&cell)).then_some(cell);
    neighbours.into_iter().filter_map(lives).collect()
}

fn field(width: usize, height: usize) -> Vec<u8> {
    let cells = inputs::noise(width * height).into_iter().map(|byte| b".O*."[usize::from(byte % 4)]);
    cells.collect::<Vec<u8>>().chunks(width).flat_map(|row| [row, b"\n"].concat()).collect()
}

pub(super) fn invocations() -> Vec<Invocation> {
    let texts = [
        "",
        "\n",
        "O",
        ".",
        "!nothing\n",
        "\n\nO\n",
        "O\r\n.O\r\n",
        "!a\n.O\n!b\n..\n!c",
        "..\n.x\n",
        " ",
        "O\0",
        "OOO\nOOO\nOOO",
    ];
    let mut invocations: Vec<Invocation> = texts.map(Invocation::input).into();
    for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2), (7, 5), (8, 8), (9, 9), (64, 20), (100, 33)] {
        invocations.push(Invocation::input(field(width, height)).with_args("10"));
    }
    let glider = ".O......\n..O.....\nOOO.....\n........\n........\n";
    for generations in ["0", "1", "4", "160", "-1"] {
        invocations.push(Invocation::input(glider).with_args(generations));
    }
    invocations.push(Invocation::input(field(280, 280)));
    invocations.push(Invocation::input(field(400, 400)));
    invocations.push(Invocation::input(".".repeat(TOO_LARGE)));
    invocations.push(Invocation::input("\n".repeat(20_000)));
    invocations
}

/// Returns a blinker, a block, and a glider that wraps around the margin.
pub(super) fn published() -> Vec<Example> {
    let blinker = ".....\n..O..\n..O..\n..O..\n.....\n";
    let turned = ".....\n.....\n.OOO.\n.....\n.....\n";
    let glider = ".O......\n..O.....\nOOO.....\n........\n........\n........\n........\n........\n";
    let after = |input: &str, generations, output: &str| {
        let invocation = Invocation::input(input).with_args(generations);
        Example { invocation, expected: Expected::output(output) }
    };
    vec![
        after(blinker, "1", turned),
        after(blinker, "100", blinker),
        after("....\n.OO.\n.OO.\n....\n", "7", "....\n.OO.\n.OO.\n....\n"),
        after(glider, "32", glider),
    ]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    let rows =
        proptest::collection::vec("[.O*]{0,20}\r?\n", 0..12).prop_map(|rows| rows.concat().into_bytes());
    let text = prop_oneof![4 => rows, 1 => inputs::random_text(b".O*!\r\n", 40)];
    (text, 0..6u32).prop_map(|(text, n)| Invocation::input(text).with_args(&n.to_string())).boxed()
}
