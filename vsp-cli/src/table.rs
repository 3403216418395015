//! Tables for terminals.

use crate::style::{TITLE, paint};

/// A table: rows of cells in aligned columns.
pub(crate) struct Table {
    /// For each column, whether it has numbers, which are right-aligned.
    numbers: &'static [bool],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table with these titles.
    pub(crate) fn new(titles: &'static [&'static str], numbers: &'static [bool]) -> Table {
        Table { numbers, rows: vec![titles.iter().map(|title| (*title).to_owned()).collect()] }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Formats the rows, one per line, indented by `indent` blanks; the head has a style.
    pub(crate) fn render(&self, indent: usize) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        let mut out = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).zip(self.numbers).map(|((cell, width), is_number)| {
                if *is_number { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            let cells: Vec<String> = cells.collect();
            let line = format!("{:indent$}{}", "", cells.join("  "));
            let line = line.trim_end();
            out += &if number == 0 { paint(TITLE, line) } else { line.to_owned() };
            out.push('\n');
        }
        out
    }
}
