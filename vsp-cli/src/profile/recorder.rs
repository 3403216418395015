//! Counts of instructions and calls while a program runs.

use std::collections::{BTreeMap, HashMap};

use vsp_core::index::{FuncIndex, Location};
use vsp_core::isa::{Flow, Inst, Opcode};
use vsp_core::verify::Verified;

use crate::code::Line;

/// Maximum depth of recorded call stacks; deeper calls are attributed to their callers.
pub(crate) const MAX_DEPTH: usize = 256;

/// Maximum number of distinct call stacks.
pub(crate) const MAX_NODES: usize = 1 << 20;

/// The effect of an instruction on the call stack.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StackEffect {
    Call,
    TailCall,
    Return,
    Other,
}

/// A node of the call tree: a function, called from the function of the parent node.
struct Node {
    function: FuncIndex,
    parent: usize,
    instructions: u64,
}

/// The instructions of each node by source line.
struct ByLine {
    /// The source line of every word of the code.
    lines: Vec<Option<Line>>,
    counts: BTreeMap<(usize, Option<Line>), u64>,
    /// The running node and line, and its instructions that are not in `counts` yet.
    running: (usize, Option<Line>),
    count: u64,
}

impl ByLine {
    #[inline]
    fn record(&mut self, node: usize, word: usize) {
        let running = (node, self.lines[word]);
        if running != self.running {
            self.add();
            self.running = running;
        }
        self.count += 1;
    }

    fn add(&mut self) {
        if self.count > 0 {
            *self.counts.entry(self.running).or_default() += self.count;
            self.count = 0;
        }
    }
}

/// The counts of a function.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Its own instructions.
    pub(crate) own: u64,
    /// Its own instructions and those of its callees.
    pub(crate) total: u64,
    pub(crate) calls: u64,
    /// Number of its active calls, and the number of instructions when the first of them began.
    running: u32,
    since: u64,
}

pub(crate) struct Recorder {
    /// The first word of every function.
    starts: Vec<u32>,
    effects: Vec<StackEffect>,
    words: Vec<u64>,
    functions: Vec<Counts>,
    /// The active functions, outermost first.
    stack: Vec<FuncIndex>,
    nodes: Vec<Node>,
    by_line: Option<ByLine>,
    children: HashMap<(usize, FuncIndex), usize>,
    /// The node of the running function, or of its innermost caller that has one.
    current: usize,
    /// Number of active functions without a node.
    excess: u64,
    is_cut: bool,
    instructions: u64,
    last: StackEffect,
}

/// The recorded counts.
pub(crate) struct Recording {
    pub(crate) instructions: u64,
    /// The count of every word of the code.
    pub(crate) words: Vec<u64>,
    pub(crate) functions: Vec<Counts>,
    nodes: Vec<Node>,
    by_line: Option<ByLine>,
    /// Whether some instructions are attributed to callers because of the limits.
    pub(crate) is_cut: bool,
}

impl Recorder {
    /// Creates a recorder that counts by source line, too, if the line of every word is given.
    pub(crate) fn new(program: &Verified<'_>, lines: Option<Vec<Option<Line>>>) -> Recorder {
        let effects = program.program().code().iter().map(|word| {
            match Inst::decode(u32::from_le_bytes(*word)).map(Inst::op) {
                Ok(op) if op.flow() == Flow::Call => StackEffect::Call,
                Ok(op) if op.flow() == Flow::TailCall => StackEffect::TailCall,
                Ok(Opcode::RET) => StackEffect::Return,
                _ => StackEffect::Other,
            }
        });
        Recorder {
            starts: program.functions().iter().map(|function| function.start).collect(),
            effects: effects.collect(),
            words: vec![0; program.program().code().len()],
            functions: vec![Counts::default(); program.functions().len()],
            stack: Vec::new(),
            nodes: Vec::new(),
            by_line: lines.map(|lines| ByLine {
                lines,
                counts: BTreeMap::new(),
                running: (usize::MAX, None),
                count: 0,
            }),
            children: HashMap::new(),
            current: usize::MAX,
            excess: 0,
            is_cut: false,
            instructions: 0,
            // The host's call.
            last: StackEffect::Call,
        }
    }

    /// Records that the instruction at this location is executed next.
    #[inline]
    pub(crate) fn record(&mut self, location: Location) {
        match self.last {
            StackEffect::Call => self.enter(location.function),
            StackEffect::TailCall => {
                self.leave();
                self.enter(location.function);
            }
            StackEffect::Return => self.leave(),
            StackEffect::Other => {}
        }
        let word = (self.starts[location.function.index()] + location.word) as usize;
        self.instructions += 1;
        self.words[word] += 1;
        self.functions[location.function.index()].own += 1;
        self.nodes[self.current].instructions += 1;
        if let Some(by_line) = &mut self.by_line {
            by_line.record(self.current, word);
        }
        self.last = self.effects[word];
    }

    fn enter(&mut self, function: FuncIndex) {
        self.stack.push(function);
        let counts = &mut self.functions[function.index()];
        counts.calls += 1;
        counts.running += 1;
        if counts.running == 1 {
            counts.since = self.instructions;
        }
        let is_new = !self.children.contains_key(&(self.current, function));
        if self.excess > 0 || self.stack.len() > MAX_DEPTH || (is_new && self.nodes.len() == MAX_NODES) {
            self.excess += 1;
            self.is_cut = true;
            return;
        }
        let parent = self.current;
        self.current = *self.children.entry((parent, function)).or_insert_with(|| {
            self.nodes.push(Node { function, parent, instructions: 0 });
            self.nodes.len() - 1
        });
    }

    fn leave(&mut self) {
        let Some(function) = self.stack.pop() else { return };
        let counts = &mut self.functions[function.index()];
        counts.running -= 1;
        if counts.running == 0 {
            counts.total += self.instructions - counts.since;
        }
        match self.excess.checked_sub(1) {
            Some(excess) => self.excess = excess,
            None => self.current = self.nodes[self.current].parent,
        }
    }

    /// Returns the recording, after leaving all active functions.
    pub(crate) fn finish(mut self) -> Recording {
        while !self.stack.is_empty() {
            self.leave();
        }
        self.by_line.iter_mut().for_each(ByLine::add);
        let Recorder { instructions, words, functions, nodes, by_line, is_cut, .. } = self;
        Recording { instructions, words, functions, nodes, by_line, is_cut }
    }
}

impl Recording {
    /// Returns the call stacks with their own instructions, outermost function first; by source line, if they were
    /// counted so.
    pub(crate) fn stacks(&self) -> Vec<(Vec<FuncIndex>, Option<Line>, u64)> {
        let of_node = |node: &Node| {
            let parent = |node: &&Node| self.nodes.get(node.parent);
            let mut stack: Vec<FuncIndex> =
                std::iter::successors(Some(node), parent).map(|node| node.function).collect();
            stack.reverse();
            stack
        };
        match &self.by_line {
            Some(by_line) => {
                let counts = by_line.counts.iter();
                counts.map(|((node, line), count)| (of_node(&self.nodes[*node]), *line, *count)).collect()
            }
            None => {
                let nodes = self.nodes.iter().filter(|node| node.instructions > 0);
                nodes.map(|node| (of_node(node), None, node.instructions)).collect()
            }
        }
    }
}
