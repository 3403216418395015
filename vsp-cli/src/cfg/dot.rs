//! Flow graphs as a text for Graphviz.

use std::fmt::Write;

use super::graph::{EdgeKind, FlowGraph};

pub(crate) fn text(graphs: &[FlowGraph]) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_graphs(&mut out, graphs);
    out
}

fn write_graphs(out: &mut String, graphs: &[FlowGraph]) -> std::fmt::Result {
    writeln!(out, "digraph program {{")?;
    writeln!(out, "  node [shape=box, fontname=\"monospace\", fontsize=10];")?;
    writeln!(out, "  edge [fontname=\"monospace\", fontsize=10];")?;
    for (index, graph) in graphs.iter().enumerate() {
        writeln!(out, "  subgraph cluster_{index} {{")?;
        writeln!(out, "    label=\"{}\";", escape(&graph.title))?;
        writeln!(out, "    fontname=\"monospace\";")?;
        for (number, block) in graph.blocks.iter().enumerate() {
            let lines: String = block.lines.iter().map(|line| escape(line) + "\\l").collect();
            let style = if block.reachable { "" } else { ", style=dashed" };
            writeln!(out, "    f{index}b{number} [label=\"{lines}\"{style}];")?;
        }
        for edge in &graph.edges {
            let label = edge.label.as_ref().map_or_else(String::new, |label| format!(", label=\"{label}\""));
            let style = match edge.kind {
                EdgeKind::Next => "color=black",
                EdgeKind::Forward => "color=darkgreen, style=dashed",
                EdgeKind::Backward => "color=red, style=dotted",
            };
            writeln!(out, "    f{index}b{} -> f{index}b{} [{style}{label}];", edge.from, edge.to)?;
        }
        writeln!(out, "  }}")?;
    }
    writeln!(out, "}}")
}

/// Escapes a text for a quoted string of Graphviz.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
