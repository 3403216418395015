//! Flow graphs as a drawing.

use std::fmt::Write;

use super::graph::{Block, EdgeKind, FlowGraph};
use super::layout::{Layout, Point, Size};

/// Maximum number of blocks of a function that is drawn.
const MAX_BLOCKS: usize = 2_000;

/// Metrics of the font, in pixels: monospaced fonts have an advance of 0.6 em.
const LINE_HEIGHT: f64 = 15.0;
const CHARACTER: f64 = 7.2;
const PADDING: f64 = 8.0;
/// Margins around the drawing, and between functions.
const MARGIN: f64 = 20.0;
const TITLE: f64 = 30.0;

/// Length of the straight part of an arrow at a box, so that its head points in its direction, and a label has room.
const STRAIGHT: f64 = 18.0;
/// Aspect ratio of a drawing of many functions.
const ASPECT: f64 = 1.6;

const STYLE: &str = "\
text { font: 12px monospace; white-space: pre; fill: #222 }
.title { font-weight: bold; font-size: 14px }
.head { fill: #666 }
.label { paint-order: stroke; stroke: #fff; stroke-width: 3px }
rect { fill: #f7f7f2; stroke: #555 }
.unreachable { stroke-dasharray: 5 4 }
path { fill: none; stroke-width: 1.3 }
.background { fill: #fff; stroke: none }
.forward { stroke-dasharray: 7 3 } .backward { stroke-dasharray: 2 2.5 }
polygon { stroke: none }
";

/// The differences on a dark screen.
const DARK: &str = "\
text { fill: #ddd } .head { fill: #999 } .label { stroke: #1b1b1b }
rect { fill: #2a2a28; stroke: #888 } .background { fill: #1b1b1b }
";

/// The classes of arrows, with their colours on light and on dark.
const ARROWS: [(&str, &str, &str); 3] =
    [("next", "#333", "#ccc"), ("forward", "#197a32", "#6fd08c"), ("backward", "#c0262d", "#ff8a80")];

/// Returns the drawing, or an error if it would be too large.
pub(crate) fn drawing(graphs: &[FlowGraph]) -> Result<String, String> {
    let drawn = graphs.iter().map(Drawn::new).collect::<Result<Vec<Drawn<'_>>, String>>()?;
    let area: f64 = drawn.iter().map(|drawn| drawn.size.width * drawn.size.height).sum();
    let widest = drawn.iter().map(|drawn| drawn.size.width).fold(0.0, f64::max);
    let limit = widest.max((area * ASPECT).sqrt());
    let mut body = String::new();
    // Functions in rows, in order; a row is as high as its highest.
    let (mut right, mut x, mut y, mut row) = (0f64, MARGIN, MARGIN, 0f64);
    for drawn in &drawn {
        if x > MARGIN && x + drawn.size.width > MARGIN + limit {
            (x, y, row) = (MARGIN, y + row + MARGIN, 0.0);
        }
        // Writing to a string cannot fail.
        let _ = drawn.write(&mut body, Point { x, y });
        x += drawn.size.width + 2.0 * MARGIN;
        right = right.max(x - MARGIN);
        row = row.max(drawn.size.height);
    }
    let (width, height) = (right.max(2.0 * MARGIN), y + row + MARGIN);
    let colours = |dark: bool| {
        let rule = |(name, on_light, on_dark)| {
            let colour = if dark { on_dark } else { on_light };
            format!("path.{name} {{ stroke: {colour} }} polygon.{name} {{ fill: {colour} }}\n")
        };
        ARROWS.map(rule).concat()
    };
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\">\n\
         <style>{STYLE}{}@media (prefers-color-scheme: dark) {{\n{DARK}{}}}\n</style>\n{}\
         <rect class=\"background\" width=\"100%\" height=\"100%\"/>\n{body}</svg>\n",
        colours(false),
        colours(true),
        markers()
    ))
}

/// Returns the heads of the arrows.
fn markers() -> String {
    let marker = |(name, _, _)| {
        format!(
            "<marker id=\"{name}\" markerWidth=\"9\" markerHeight=\"7\" refX=\"8\" refY=\"3.5\" orient=\"auto\">\
             <polygon class=\"{name}\" points=\"0 0, 9 3.5, 0 7\"/></marker>"
        )
    };
    format!("<defs>{}</defs>\n", ARROWS.map(marker).concat())
}

/// A function with its layout.
struct Drawn<'g> {
    graph: &'g FlowGraph,
    sizes: Vec<Size>,
    layout: Layout,
    /// The size with the title.
    size: Size,
}

impl<'g> Drawn<'g> {
    fn new(graph: &'g FlowGraph) -> Result<Drawn<'g>, String> {
        let too_large =
            || format!("{} is too large to draw; Graphviz may draw it: --format dot", graph.title);
        if graph.blocks.len() > MAX_BLOCKS {
            return Err(too_large());
        }
        let edges = &graph.edges;
        let mut sizes: Vec<Size> = graph.blocks.iter().map(size).collect();
        // Arrows that enter a box are spaced so that their labels fit between them.
        let mut entering = vec![(0usize, 0usize); sizes.len()];
        for edge in edges {
            let (count, longest) = &mut entering[edge.to];
            *count += 1;
            *longest = (*longest).max(edge.label.as_ref().map_or(0, |label| label.chars().count()));
        }
        for (size, (count, longest)) in sizes.iter_mut().zip(entering) {
            if longest > 0 {
                size.width = size.width.max((count + 1) as f64 * (longest as f64 * CHARACTER + PADDING));
            }
        }
        let ends: Vec<(usize, usize)> = edges.iter().map(|edge| (edge.from, edge.to)).collect();
        let layout = Layout::new(&sizes, &ends).ok_or_else(too_large)?;
        let title = graph.title.chars().count() as f64 * CHARACTER * 1.2;
        let size = Size { width: layout.size.width.max(title), height: TITLE + layout.size.height };
        Ok(Drawn { graph, sizes, layout, size })
    }

    fn write(&self, out: &mut String, at: Point) -> std::fmt::Result {
        let Drawn { graph, sizes, layout, .. } = self;
        let title = escape(&graph.title);
        writeln!(out, "<text class=\"title\" x=\"{:.1}\" y=\"{:.1}\">{title}</text>", at.x, at.y + 14.0)?;
        writeln!(out, "<g transform=\"translate({:.1} {:.1})\">", at.x, at.y + TITLE)?;
        for (edge, path) in graph.edges.iter().zip(&layout.paths) {
            let name = match edge.kind {
                EdgeKind::Next => "next",
                EdgeKind::Forward => "forward",
                EdgeKind::Backward => "backward",
            };
            let words = |block: usize| escape(&graph.blocks[block].words);
            let what = edge.label.as_ref().map_or_else(
                || edge.kind.describe().to_owned(),
                |label| format!("if it is {}", label.replace("else", "another number")),
            );
            writeln!(
                out,
                "<path class=\"{name}\" marker-end=\"url(#{name})\" d=\"{}\"><title>{} → {}: {what}</title></path>",
                curve(path),
                words(edge.from),
                words(edge.to),
            )?;
        }
        // In front of all arrows.
        for (edge, path) in graph.edges.iter().zip(&layout.paths) {
            if let (Some(label), [.., before, end]) = (&edge.label, &path[..]) {
                let y = if before.y < end.y { end.y - STRAIGHT + 8.0 } else { end.y + STRAIGHT };
                writeln!(out, "<text class=\"label\" x=\"{:.1}\" y=\"{y:.1}\">{label}</text>", end.x + 6.0)?;
            }
        }
        for ((block, size), corner) in graph.blocks.iter().zip(sizes).zip(&layout.corners) {
            box_of(out, block, *size, *corner)?;
        }
        writeln!(out, "</g>")
    }
}

fn size(block: &Block) -> Size {
    let widest = block.lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    Size {
        width: widest as f64 * CHARACTER + 2.0 * PADDING,
        height: block.lines.len() as f64 * LINE_HEIGHT + 2.0 * PADDING,
    }
}

fn box_of(out: &mut String, block: &Block, size: Size, corner: Point) -> std::fmt::Result {
    let class = if block.reachable { "" } else { " class=\"unreachable\"" };
    let never = if block.reachable { "" } else { ", unreachable" };
    writeln!(
        out,
        "<rect{class} x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"3\"><title>{}{never}</title></rect>",
        corner.x,
        corner.y,
        size.width,
        size.height,
        escape(&block.words)
    )?;
    for (number, line) in block.lines.iter().enumerate() {
        let class = if number == 0 { " class=\"head\"" } else { "" };
        let y = corner.y + PADDING + (number as f64 + 0.8) * LINE_HEIGHT;
        writeln!(out, "<text{class} x=\"{:.1}\" y=\"{y:.1}\">{}</text>", corner.x + PADDING, escape(line))?;
    }
    Ok(())
}

/// Returns a path through points that passes them vertically, and is straight at its start and its end.
fn curve(points: &[Point]) -> String {
    let mut out = String::new();
    let last = points.len() - 1;
    let mut at = points[0];
    let _ = write!(out, "M{:.1} {:.1}", at.x, at.y);
    for (index, point) in points.iter().enumerate().skip(1) {
        let Point { x, y } = *point;
        let room = (y - at.y).abs();
        if at.x == x || room == 0.0 {
            let _ = write!(out, " L{x:.1} {y:.1}");
            at = *point;
            continue;
        }
        let straight = STRAIGHT.min(room / 3.0).copysign(y - at.y);
        let start = if index == 1 { at.y + straight / 3.0 } else { at.y };
        let end = if index == last { y - straight } else { y };
        let middle = (start + end) / 2.0;
        if start != at.y {
            let _ = write!(out, " L{:.1} {start:.1}", at.x);
        }
        let _ = write!(out, " C{:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {end:.1}", at.x);
        if end != y {
            let _ = write!(out, " L{x:.1} {y:.1}");
        }
        at = *point;
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
