//! The control-flow graph of a function, with its instructions as text.

use vsp_core::Escaped;
use vsp_core::analysis::{Graph, OutOfMemory, Signatures};
use vsp_core::index::{FuncIndex, Location};
use vsp_core::isa::Flow;

use crate::code::Code;

/// Maximum number of instructions of a block that are shown.
const MAX_INSTRUCTIONS: usize = 100;

/// The graph of a function.
pub(crate) struct FlowGraph {
    /// Name and type of the function.
    pub(crate) title: String,
    pub(crate) blocks: Vec<Block>,
    pub(crate) edges: Vec<Edge>,
}

pub(crate) struct Block {
    /// The lines of its box: a head, and the instructions.
    pub(crate) lines: Vec<String>,
    /// Its words, for a tooltip.
    pub(crate) words: String,
    pub(crate) reachable: bool,
}

/// A control-flow edge between two blocks.
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) kind: EdgeKind,
    /// The entry of a SWITCH that it belongs to.
    pub(crate) label: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EdgeKind {
    /// Fall-through.
    Next,
    /// A forward branch.
    Forward,
    /// A backward branch, or one to the same block.
    Backward,
}

impl EdgeKind {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            EdgeKind::Next => "falls through",
            EdgeKind::Forward => "branches forwards",
            EdgeKind::Backward => "branches backwards",
        }
    }
}

impl FlowGraph {
    pub(crate) fn new(
        signatures: &Signatures<'_>,
        code: &Code<'_>,
        function: FuncIndex,
    ) -> Result<FlowGraph, OutOfMemory> {
        let graph = Graph::new(signatures, function)?;
        let blocks = (0..).zip(graph.reachable()?).map(|(block, reachable)| {
            let words = graph.words(block);
            let name = Escaped(&code.function(function)).to_string();
            let words = format!("{name}+{} to +{}", words.start, words.end - 1);
            Block { lines: lines(&graph, code, function, block), words, reachable }
        });
        let title = Escaped(&format!("{} {}", code.function(function), graph.function().ty)).to_string();
        let blocks = blocks.collect();
        let edges = (0..graph.block_count()).flat_map(|block| edges(&graph, block)).collect();
        Ok(FlowGraph { title, blocks, edges })
    }
}

fn lines(graph: &Graph<'_>, code: &Code<'_>, function: FuncIndex, block: u32) -> Vec<String> {
    let words = graph.words(block);
    let first = Location { function, word: words.start };
    let label = code.written_label(first).map_or_else(String::new, |label| format!("{label}: "));
    let source = code.line(first).map_or_else(String::new, |line| format!(" ({})", code.line_name(line)));
    let head = format!("{label}block {block}, +{}{source}", words.start);
    let count = words.len();
    let instructions = words.take(MAX_INSTRUCTIONS).map(|word| {
        let text = code.written_instruction(Location { function, word }).unwrap_or_default();
        format!("  {text}")
    });
    let more = count.checked_sub(MAX_INSTRUCTIONS).filter(|more| *more > 0);
    let more = more.map(|more| format!("  … and {more} more instructions"));
    std::iter::once(head).chain(instructions).chain(more).collect()
}

fn edges(graph: &Graph<'_>, block: u32) -> Vec<Edge> {
    let last = graph.words(block).end - 1;
    let flow = graph.inst(last).op().flow();
    let successors: Vec<u32> = graph.successors(block).collect();
    let count = successors.len();
    let edge = |(index, to): (usize, u32)| {
        let kind = match flow {
            Flow::Jump => EdgeKind::Forward,
            Flow::Branch if index + 1 == count => EdgeKind::Forward,
            _ => EdgeKind::Next,
        };
        let label = (flow == Flow::Switch).then(|| match index + 1 == count {
            true => "else".to_owned(),
            false => index.to_string(),
        });
        let kind = if kind == EdgeKind::Forward && to <= block { EdgeKind::Backward } else { kind };
        Edge { from: block as usize, to: to as usize, kind, label }
    };
    successors.into_iter().enumerate().map(edge).collect()
}
