//! Flow graphs as a drawing.

use std::fmt::Write;

use super::graph::{Block, FlowGraph, Kind};
use super::layout::{Layout, Point, Size};

/// A function with more blocks is not drawn.
const MOST_BLOCKS: usize = 2_000;

/// Of the font, in pixels: an advance of 0.6 em is what monospaced fonts have.
const LINE_HEIGHT: f64 = 15.0;
const CHARACTER: f64 = 7.2;
const PADDING: f64 = 8.0;
/// Around the drawing, and between functions.
const MARGIN: f64 = 20.0;
const TITLE: f64 = 30.0;

const STYLE: &str = "\
text { font: 12px monospace; white-space: pre; fill: #222 }
.title { font-weight: bold; font-size: 14px }
.head { fill: #666 }
rect { fill: #f7f7f2; stroke: #555 }
.unreached { stroke-dasharray: 5 4 }
path { fill: none; stroke-width: 1.3 }
.background { fill: #fff; stroke: none }";

/// The classes of arrows, and their colours.
const ARROWS: [(&str, &str); 3] = [("next", "#333"), ("forward", "#197a32"), ("backward", "#c0262d")];

/// The drawing, or why there is none.
pub(crate) fn drawing(graphs: &[FlowGraph]) -> Result<String, String> {
    let mut body = String::new();
    let (mut width, mut y) = (0f64, MARGIN);
    for graph in graphs {
        let too_large =
            || format!("{} is too large to draw; Graphviz may draw it: --format dot", graph.title);
        if graph.blocks.len() > MOST_BLOCKS {
            return Err(too_large());
        }
        let sizes: Vec<Size> = graph.blocks.iter().map(size).collect();
        let edges: Vec<(usize, usize)> = graph.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        let layout = Layout::new(&sizes, &edges).ok_or_else(too_large)?;
        let title_width = graph.title.chars().count() as f64 * CHARACTER * 1.2;
        width = width.max(layout.size.width).max(title_width);
        // Writing to a string cannot fail.
        let _ = function(&mut body, graph, &layout, &sizes, y);
        y += TITLE + layout.size.height + MARGIN;
    }
    let width = width + 2.0 * MARGIN;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{y:.0}\" viewBox=\"0 0 {width:.0} {y:.0}\">\n\
         <style>{STYLE}\n{}</style>\n{}<rect class=\"background\" width=\"100%\" height=\"100%\"/>\n{body}</svg>\n",
        ARROWS.map(|(name, color)| format!(".{name} {{ stroke: {color} }}")).join(" "),
        markers()
    ))
}

/// The heads of the arrows.
fn markers() -> String {
    let marker = |(name, color)| {
        format!(
            "<marker id=\"{name}\" markerWidth=\"9\" markerHeight=\"7\" refX=\"8\" refY=\"3.5\" orient=\"auto\">\
             <polygon points=\"0 0, 9 3.5, 0 7\" fill=\"{color}\"/></marker>"
        )
    };
    format!("<defs>{}</defs>\n", ARROWS.map(marker).concat())
}

fn size(block: &Block) -> Size {
    let widest = block.lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    Size {
        width: widest as f64 * CHARACTER + 2.0 * PADDING,
        height: block.lines.len() as f64 * LINE_HEIGHT + 2.0 * PADDING,
    }
}

fn function(
    out: &mut String,
    graph: &FlowGraph,
    layout: &Layout,
    sizes: &[Size],
    top: f64,
) -> std::fmt::Result {
    let title = escaped(&graph.title);
    writeln!(out, "<text class=\"title\" x=\"{MARGIN}\" y=\"{:.1}\">{title}</text>", top + 14.0)?;
    writeln!(out, "<g transform=\"translate({MARGIN} {:.1})\">", top + TITLE)?;
    for (edge, path) in graph.edges.iter().zip(&layout.paths) {
        let name = match edge.kind {
            Kind::Next => "next",
            Kind::Forward => "forward",
            Kind::Backward => "backward",
        };
        writeln!(out, "<path class=\"{name}\" marker-end=\"url(#{name})\" d=\"{}\"/>", curve(path))?;
        if let (Some(label), Some(end)) = (&edge.label, path.last()) {
            writeln!(out, "<text x=\"{:.1}\" y=\"{:.1}\">{label}</text>", end.x + 3.0, end.y - 5.0)?;
        }
    }
    for ((block, size), corner) in graph.blocks.iter().zip(sizes).zip(&layout.corners) {
        let class = if block.reachable { "" } else { " class=\"unreached\"" };
        writeln!(
            out,
            "<rect{class} x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"3\"/>",
            corner.x, corner.y, size.width, size.height
        )?;
        for (number, line) in block.lines.iter().enumerate() {
            let class = if number == 0 { " class=\"head\"" } else { "" };
            let y = corner.y + PADDING + (number as f64 + 0.8) * LINE_HEIGHT;
            writeln!(
                out,
                "<text{class} x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
                corner.x + PADDING,
                escaped(line)
            )?;
        }
    }
    writeln!(out, "</g>")
}

/// A path through points that starts, ends and passes them vertically.
fn curve(points: &[Point]) -> String {
    let mut out = String::new();
    for (index, point) in points.iter().enumerate() {
        let Point { x, y } = *point;
        let _ = match index.checked_sub(1).map(|last| points[last]) {
            None => write!(out, "M{x:.1} {y:.1}"),
            Some(last) if last.x == x => write!(out, " L{x:.1} {y:.1}"),
            Some(last) => {
                let middle = (last.y + y) / 2.0;
                write!(out, " C{:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}", last.x)
            }
        };
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
