//! The manual page of one plugin.

use std::fmt::Write as _;

use serde_json::Value;

use super::Entry;
use super::schema_rows::{Row, kind, rows};
use crate::render::table::{Table, wrap};
use crate::terminal::{BOLD, CYAN, DIM, paint};

/// For a terminal.
pub(crate) fn page(entry: &Entry, width: usize) -> String {
    let mut text = paint(BOLD, &entry.name);
    if entry.title != entry.name {
        let _ = write!(text, " - {}", entry.title);
    }
    text.push_str("\n\n");
    prose(&mut text, &entry.description, width);
    for (what, value) in &entry.facts {
        fact(&mut text, what, value, width);
    }
    let _ = writeln!(text, "{}: {}", paint(BOLD, "origin"), entry.origin);
    section(&mut text, "config", &entry.config, "it takes no config", width);
    if let Some(output) = &entry.output {
        section(&mut text, "output", output, "it gives nothing", width);
    }
    text
}

/// For documents.
pub(crate) fn markdown(entry: &Entry) -> String {
    let mut text = format!("## `{}`\n\n", entry.name);
    if entry.title != entry.name {
        let _ = writeln!(text, "**{}**\n", entry.title);
    }
    if !entry.description.is_empty() {
        let _ = writeln!(text, "{}\n", entry.description.trim());
    }
    for (what, value) in &entry.facts {
        let lines: Vec<&str> = value.lines().collect();
        let value =
            if lines.len() > 1 { format!("\n  - {}", lines.join("\n  - ")) } else { format!(" {value}") };
        let _ = writeln!(text, "- {what}:{value}");
    }
    let _ = writeln!(text, "- origin: `{} {}`", entry.origin.package, entry.origin.version);
    markdown_table(&mut text, "Config", &entry.config, true);
    if let Some(output) = &entry.output {
        markdown_table(&mut text, "Output", output, false);
    }
    text
}

/// A fact on its line, or below it where it is long.
fn fact(text: &mut String, what: &str, value: &str, width: usize) {
    let lines = wrap(value, width.saturating_sub(what.len() + 2));
    if let [line] = lines.as_slice() {
        let _ = writeln!(text, "{}: {line}", paint(BOLD, what));
        return;
    }
    let _ = writeln!(text, "{}:", paint(BOLD, what));
    for line in wrap(value, width.saturating_sub(2)) {
        let _ = writeln!(text, "  {line}");
    }
}

/// Paragraphs wrapped, code indented and left alone.
fn prose(text: &mut String, markdown: &str, width: usize) {
    let mut code = false;
    let mut paragraph = String::new();
    for line in markdown.lines().chain([""]) {
        if line.starts_with("```") {
            code = !code;
        } else if code {
            let _ = writeln!(text, "    {}", paint(CYAN, line));
        } else if line.trim().is_empty() || starts_item(line) {
            close(text, &mut paragraph, width);
            if line.trim().is_empty() && !text.ends_with("\n\n") {
                text.push('\n');
            }
            paragraph.push_str(line.trim_end());
        } else {
            let space = if paragraph.is_empty() { "" } else { " " };
            let _ = write!(paragraph, "{space}{}", line.trim());
        }
    }
}

fn starts_item(line: &str) -> bool {
    line.starts_with("- ") || line.starts_with("* ") || line.starts_with('#') || line.starts_with('|')
}

fn close(text: &mut String, paragraph: &mut String, width: usize) {
    if !paragraph.is_empty() {
        for line in wrap(&std::mem::take(paragraph), width) {
            let _ = writeln!(text, "{line}");
        }
    }
}

fn section(text: &mut String, title: &str, schema: &Value, nothing: &str, width: usize) {
    let rows = rows(schema);
    if rows.is_empty() {
        let whole = kind(schema, schema, 0);
        let what = if matches!(&*whole, "a mapping" | "nothing") { nothing.to_owned() } else { whole };
        let _ = writeln!(text, "{}: {what}", paint(BOLD, title));
        return;
    }
    let _ = writeln!(text, "\n{}", paint(BOLD, title));
    let plain = |text: String| text.replace('`', "");
    let table = if title == "output" {
        let mut table = Table::new(["key", "type", "description"]);
        for Row { key, kind, description, .. } in rows {
            table.row([key, plain(kind), plain(description)]);
        }
        table.render(width)
    } else {
        let mut table = Table::new(["key", "type", "default", "description"]);
        for Row { key, kind, default, description } in rows {
            table.row([key, plain(kind), paint(DIM, default), plain(description)]);
        }
        table.render(width)
    };
    text.push_str(&table);
}

fn markdown_table(text: &mut String, title: &str, schema: &Value, defaults: bool) {
    let rows = rows(schema);
    if rows.is_empty() {
        let whole = kind(schema, schema, 0);
        let what = if matches!(&*whole, "a mapping" | "nothing") { "none" } else { &whole };
        let _ = writeln!(text, "- {}: {what}", title.to_lowercase());
        return;
    }
    let cell = |text: &str| text.replace('|', "\\|");
    if defaults {
        let _ = writeln!(text, "\n{title}:\n\n| key | type | default | description |\n|---|---|---|---|");
        for Row { key, kind, default, description } in rows {
            let default = match &*default {
                "" | "required" => default,
                value => format!("`{}`", cell(value)),
            };
            let _ = writeln!(text, "| `{key}` | {} | {default} | {} |", cell(&kind), cell(&description));
        }
    } else {
        let _ = writeln!(text, "\n{title}:\n\n| key | type | description |\n|---|---|---|");
        for Row { key, kind, description, .. } in rows {
            let _ = writeln!(text, "| `{key}` | {} | {} |", cell(&kind), cell(&description));
        }
    }
}
