//! Columns of text.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr as _;

use crate::terminal::{BOLD, paint};

/// Rows of text in columns. The last column takes what is left of the width and wraps.
pub(crate) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// Between columns.
const GAP: usize = 2;
/// The last column wraps at no less.
const NARROWEST: usize = 20;

impl Table {
    pub(crate) fn new(header: impl Into<Vec<&'static str>>) -> Self {
        Self { header: header.into(), rows: Vec::new() }
    }

    /// Adds a row; its cells may have colors, which take no room.
    pub(crate) fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table in lines of at most `width` columns, where that is possible.
    pub(crate) fn render(&self, width: usize) -> String {
        let widths = self.widths();
        let left: usize = widths.iter().map(|width| width + GAP).sum();
        let last = width.saturating_sub(left).max(NARROWEST);
        let mut text = String::new();
        let header: Vec<String> = self.header.iter().map(|title| paint(BOLD, title)).collect();
        for row in std::iter::once(&header).chain(&self.rows) {
            line(&mut text, row, &widths, last);
        }
        text
    }

    /// The widths of all columns but the last.
    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| columns(cell)).max().unwrap_or(0).max(self.header[column].len())
        };
        (0..self.header.len() - 1).map(width).collect()
    }
}

fn line(text: &mut String, row: &[String], widths: &[usize], last: usize) {
    let mut start = String::new();
    for (cell, width) in row.iter().zip(widths) {
        start.push_str(cell);
        start.extend(std::iter::repeat_n(' ', width.saturating_sub(columns(cell)) + GAP));
    }
    let indent = widths.iter().map(|width| width + GAP).sum();
    let note = row.get(widths.len()).map_or("", String::as_str);
    for (i, part) in wrap(note, last).iter().enumerate() {
        let before = if i == 0 { Cow::Borrowed(&*start) } else { " ".repeat(indent).into() };
        text.push_str(format!("{before}{part}").trim_end());
        text.push('\n');
    }
}

/// Text in lines of at most `width` columns; longer words stay whole.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let words = paragraph.trim_start_matches(' ');
        let mut line = " ".repeat(paragraph.len() - words.len());
        let mut is_new = true;
        for word in words.split(' ') {
            if !is_new && columns(&line) + 1 + columns(word) > width {
                lines.push(std::mem::take(&mut line));
            } else if !is_new {
                line.push(' ');
            }
            line.push_str(word);
            is_new = false;
        }
        lines.push(line);
    }
    lines
}

fn columns(text: &str) -> usize {
    if text.contains('\u{1b}') {
        anstream::adapter::strip_str(text).to_string().width()
    } else {
        text.width()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_the_last_one_wraps() {
        let mut table = Table::new(["name", "status", "note"]);
        table.row(["déjà".into(), paint(crate::terminal::RED, "failed"), "one two three four five".into()]);
        table.row(["b".into(), "done".into(), String::new()]);
        let text = anstream::adapter::strip_str(&table.render(34)).to_string();
        assert_eq!(
            text,
            "name  status  note\ndéjà  failed  one two three four\n              five\nb     done\n"
        );
    }
}
