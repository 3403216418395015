//! Flame graphs, as SVG.

use inferno::flamegraph;

use super::report::Report;
use crate::translate::counted;

/// Draws the flame graph of the program `name`.
pub(crate) fn draw(report: &Report, name: &str) -> Result<String, String> {
    let stacks = report.folded();
    if stacks.is_empty() {
        return Err("no instruction was executed: there is nothing to draw".to_owned());
    }
    let mut options = flamegraph::Options::default();
    options.title = counted(report.instructions(), "instruction");
    options.count_name = "instructions".to_owned();
    options.hash = true;
    let mut drawing = Vec::new();
    let lines = stacks.iter().map(String::as_str);
    flamegraph::from_lines(&mut options, lines, &mut drawing).map_err(|error| error.to_string())?;
    Ok(label_root(&String::from_utf8_lossy(&drawing), name))
}

/// Labels the root frame, which has only a tooltip.
fn label_root(drawing: &str, name: &str) -> String {
    let escaped = |name: &str| name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let root = drawing.find("<title>all (");
    let label = root.and_then(|root| Some(root + drawing[root..].find("></text>")? + 1));
    match label {
        Some(at) => format!("{}{}{}", &drawing[..at], escaped(name), &drawing[at..]),
        None => drawing.to_owned(),
    }
}
