//! Brainfuck, compared with an interpreter that walks a tree.

use proptest::prelude::*;

use super::{Example, Expected, Invocation, inputs};

/// Limit of executed letters, since random programs need not end.
const STEPS: usize = 20_000_000;

enum Node {
    Move(i64, usize),
    Add(u8),
    Write,
    Read,
    Loop(Vec<Node>),
}

pub(super) fn reference(invocation: &Invocation) -> Expected {
    run(&invocation.input, STEPS).expect("a program that ends")
}

/// Runs a program with its input. Returns `None` if it takes more than `steps` steps.
fn run(text: &[u8], steps: usize) -> Option<Expected> {
    let (program, input) = match text.iter().position(|byte| *byte == b'!') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &text[text.len()..]),
    };
    let nodes = match parse(program) {
        Ok(nodes) => nodes,
        Err(message) => return Some(Expected::refusal(2, format!("brainfuck: {message}\n"))),
    };
    let mut machine = Machine { cells: vec![0; 30_000], at: 0, input, output: Vec::new(), steps };
    match machine.execute(&nodes) {
        Ok(()) => Some(Expected::output(machine.output)),
        Err(Stop::Steps) => None,
        Err(Stop::Outside(offset)) => {
            let errors = format!("brainfuck: the cells are left at byte {offset}\n");
            Some(Expected { output: machine.output, errors, exit_code: 1 })
        }
    }
}

fn parse(program: &[u8]) -> Result<Vec<Node>, String> {
    let mut open_loops = Vec::new();
    let mut nodes = Vec::new();
    let mut count = 0;
    for (offset, letter) in program.iter().enumerate() {
        let before = count;
        count += 1;
        match (letter, nodes.last_mut()) {
            (b'>', Some(Node::Move(cells, _))) => (*cells, count) = (*cells + 1, before),
            (b'<', Some(Node::Move(cells, _))) => (*cells, count) = (*cells - 1, before),
            (b'+', Some(Node::Add(number))) => (*number, count) = (number.wrapping_add(1), before),
            (b'-', Some(Node::Add(number))) => (*number, count) = (number.wrapping_sub(1), before),
            (b'>', _) => nodes.push(Node::Move(1, offset)),
            (b'<', _) => nodes.push(Node::Move(-1, offset)),
            (b'+', _) => nodes.push(Node::Add(1)),
            (b'-', _) => nodes.push(Node::Add(255)),
            (b'.', _) => nodes.push(Node::Write),
            (b',', _) => nodes.push(Node::Read),
            (b'[', _) => open_loops.push((offset, std::mem::take(&mut nodes))),
            (b']', _) => match open_loops.pop() {
                Some((_, outer)) => {
                    let inner = std::mem::replace(&mut nodes, outer);
                    nodes.push(Node::Loop(inner));
                }
                None => return Err(format!("there is no [ for the ] at byte {offset}")),
            },
            _ => count = before,
        }
        if count > 16_383 {
            return Err(format!("no room for the letter at byte {offset}"));
        }
    }
    match open_loops.last() {
        Some((offset, _)) => Err(format!("there is no ] for the [ at byte {offset}")),
        None => Ok(nodes),
    }
}

struct Machine<'a> {
    cells: Vec<u8>,
    at: usize,
    input: &'a [u8],
    output: Vec<u8>,
    steps: usize,
}

enum Stop {
    Steps,
    Outside(usize),
}

impl Machine<'_> {
    fn execute(&mut self, nodes: &[Node]) -> Result<(), Stop> {
        for node in nodes {
            self.steps = self.steps.checked_sub(1).ok_or(Stop::Steps)?;
            match node {
                Node::Move(cells, offset) => match self.at.checked_add_signed(*cells as isize) {
                    Some(at) if at < self.cells.len() => self.at = at,
                    _ => return Err(Stop::Outside(*offset)),
                },
                Node::Add(number) => self.cells[self.at] = self.cells[self.at].wrapping_add(*number),
                Node::Write => self.output.push(self.cells[self.at]),
                Node::Read => {
                    self.cells[self.at] = self.input.first().copied().unwrap_or(0);
                    self.input = self.input.get(1..).unwrap_or_default();
                }
                Node::Loop(inner) => {
                    while self.cells[self.at] != 0 {
                        self.steps = self.steps.checked_sub(1).ok_or(Stop::Steps)?;
                        self.execute(inner)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Returns a program that writes a text; each byte is computed from the one before.
fn writer(text: &str) -> String {
    let mut last = 0u8;
    let letters = text.bytes().map(|byte| {
        let plus = "+".repeat(usize::from(byte.wrapping_sub(last)));
        last = byte;
        plus + "."
    });
    letters.collect()
}

pub(super) fn invocations() -> Vec<Invocation> {
    let texts = [
        "",
        "!",
        "comment",
        "!input only",
        "[",
        "]",
        "[[]",
        "[]]",
        "+[[-]",
        "<",
        ">>>+[>+]",
        "+[<+]",
        "[-]",
        "-.",
        "+++---.",
        "<>.",
        "><<",
        ".,.,.,.!ab",
        "[ignored ] in a loop that is not entered] .",
        ",!\u{0}",
        "+[-[-]+-]",
        "!]",
        ",+.!\u{7f}",
    ];
    let mut invocations: Vec<Invocation> = texts.map(Invocation::input).into();
    invocations.push(Invocation::input(format!("{}>{}", ">".repeat(29_999), "+.")));
    invocations.push(Invocation::input(format!("{}+.", ">".repeat(29_999))));
    invocations.push(Invocation::input("+-".repeat(35_000) + "."));
    invocations.push(Invocation::input(".,".repeat(8191) + "."));
    invocations.push(Invocation::input(".,".repeat(8192)));
    invocations.push(Invocation::input("[".repeat(1000) + &"]".repeat(1000)));
    invocations
        .push(Invocation::input([b",[.,]!".as_slice(), include_bytes!("../../../README.md")].concat()));
    invocations
        .push(Invocation::input([b">,[>,]<[.<]!".as_slice(), include_bytes!("../../../README.md")].concat()));
    invocations.push(Invocation::input(inputs::all_bytes()));
    // A loop of 255 · 255 · 3.
    invocations.push(Invocation::input("-[>-[>+++<-]<-]>>."));
    invocations
}

pub(super) fn published() -> Vec<Example> {
    vec![
        Example::new(writer("Hello, world!\n"), "Hello, world!\n"),
        Example::new(",>,<[->[->+>+<<]>>[-<<+>>]<<<]>>.!\x05\x07", [35]),
        Example::new("++++++++[>++++++++[>+++<-]<-]>>.", [192]),
        Example::new("+++[>,.<-]!abc", "abc"),
        Example::new(",[.,]!cat", "cat"),
        Example::new(">,[>,]<[.<]!reverse", "esrever"),
    ]
}

pub(super) fn random() -> BoxedStrategy<Invocation> {
    let leaf = prop::sample::select(&["+", "-", ">", "<", ".", ",", "+++", ">+", "x", "[-]"][..])
        .prop_map(str::to_owned);
    let program = leaf.prop_recursive(4, 60, 8, |inner| {
        let list = proptest::collection::vec(inner, 0..8).prop_map(|parts| parts.concat());
        (list, any::<bool>()).prop_map(|(list, is_loop)| if is_loop { format!("[{list}]") } else { list })
    });
    let program = prop_oneof![4 => ("[+>]{0,9}", program).prop_map(|(start, rest)| start + &rest), 1 => "[-+<>.,\\[\\]]{0,20}"];
    (program, "[ -~]{0,10}")
        .prop_map(|(program, input)| Invocation::input(format!("{program}!{input}")))
        .prop_filter("endless", |invocation| run(&invocation.input, 20_000).is_some())
        .boxed()
}
