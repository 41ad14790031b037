//! The text of a board, and what it is after a move. Problems follow the board's name.

use std::ops::Range;

use vwmp_interfaces::capability::{Card, CardMove};

/// A column and where it stands.
struct Column<'t> {
    name: &'t str,
    cards: Vec<Placed>,
    /// Just after its last line that isn't empty.
    end: usize,
}

/// A card with all its lines.
struct Placed {
    card: Card,
    span: Range<usize>,
}

/// The names of the columns.
pub(super) fn columns(text: &str) -> Vec<String> {
    read(text).iter().map(|column| column.name.to_owned()).collect()
}

/// The cards of a column.
pub(super) fn cards(text: &str, column: &str) -> Result<Vec<Card>, String> {
    let columns = read(text);
    let cards = find(&columns, column)?.cards.iter();
    Ok(cards.map(|placed| placed.card.clone()).collect())
}

/// The board with the cards at the end of the column. Every other byte stays.
pub(super) fn moved(text: &str, request: &CardMove) -> Result<String, String> {
    let columns = read(text);
    let target = find(&columns, &request.column)?;
    let mut leaving = Vec::new();
    for id in &request.ids {
        let places: Vec<&Placed> =
            columns.iter().flat_map(|column| &column.cards).filter(|placed| placed.card.id == *id).collect();
        match places.as_slice() {
            [] => return Err(format!("has no card `{id}`")),
            [one] if target.cards.iter().any(|there| there.span == one.span) => {}
            [one] => leaving.push(one.span.clone()),
            _ => return Err(format!("has the card `{id}` twice; remove one of them")),
        }
    }
    if leaving.is_empty() {
        return Ok(text.to_owned());
    }
    let place = target.cards.last().map_or(target.end, |last| last.span.end);
    let arriving = arriving(text, place, &leaving, target.cards.is_empty(), request.note.as_deref());
    let mut edits: Vec<(Range<usize>, &str)> = leaving.into_iter().map(|span| (span, "")).collect();
    edits.push((place..place, &arriving));
    edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = text.to_owned();
    for (span, with) in edits {
        text.replace_range(span, with);
    }
    Ok(text)
}

/// The lines to insert at a place: the cards, each with the note.
fn arriving(text: &str, place: usize, cards: &[Range<usize>], first: bool, note: Option<&str>) -> String {
    let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines = String::new();
    if !text[..place].ends_with('\n') {
        lines.push_str(eol);
    }
    if first {
        lines.push_str(eol);
    }
    for span in cards {
        lines.push_str(text[span.clone()].trim_end());
        lines.push_str(eol);
        if let Some(note) = note {
            lines.push_str(&format!("  {note}{eol}"));
        }
    }
    lines
}

fn find<'c, 't>(columns: &'c [Column<'t>], name: &str) -> Result<&'c Column<'t>, String> {
    columns.iter().find(|column| column.name == name).ok_or_else(|| {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        format!(
            "has no column `{name}`; it has {}",
            if names.is_empty() { "none".into() } else { names.join(", ") }
        )
    })
}

fn read(text: &str) -> Vec<Column<'_>> {
    let mut columns: Vec<Column<'_>> = Vec::new();
    let mut open = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let span = at..at + line.len();
        at = span.end;
        if let Some(name) = line.strip_prefix("## ") {
            columns.push(Column { name: name.trim(), cards: Vec::new(), end: span.end });
            open = false;
            continue;
        }
        let Some(column) = columns.last_mut().filter(|_| !line.trim().is_empty()) else {
            open = false;
            continue;
        };
        column.end = span.end;
        if let Some(card) = card(line) {
            column.cards.push(Placed { card, span });
            open = true;
        } else if let Some(last) = column.cards.last_mut().filter(|_| open && line.starts_with([' ', '\t'])) {
            last.span.end = span.end;
        } else {
            open = false;
        }
    }
    columns
}

/// A card, such as `- [KB-1] Faster`; a box to tick may stand before the id.
fn card(line: &str) -> Option<Card> {
    let item = ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark))?;
    let item = ["[ ] ", "[x] ", "[X] "].iter().find_map(|tick| item.strip_prefix(tick)).unwrap_or(item);
    let (id, title) = item.strip_prefix('[')?.split_once("] ")?;
    let is_id = id.chars().all(|c| c.is_alphanumeric() || "-_.#".contains(c));
    (is_id && id.len() > 1).then(|| Card { id: id.to_owned(), title: title.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOARD: &str = "# Board\n\n## Doing\n\n- [KB-1] Faster\n  by half\n- [ ] a task, no card\n- [ ] [KB-2] Safer\n\n\
                         ## Done\n\n- [KB-0] Born\n\nThe end.\n";

    fn to(column: &str, ids: &[&str]) -> CardMove {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        CardMove { ids, column: column.into(), note: Some("in 1.1.0".into()) }
    }

    #[test]
    fn columns_and_cards_are_read() {
        assert_eq!(columns(BOARD), ["Doing", "Done"]);
        let ids: Vec<String> = cards(BOARD, "Doing").unwrap().into_iter().map(|card| card.id).collect();
        assert_eq!(ids, ["KB-1", "KB-2"]);
        assert_eq!(cards(BOARD, "Later").unwrap_err(), "has no column `Later`; it has Doing, Done");
        assert_eq!(cards("", "Later").unwrap_err(), "has no column `Later`; it has none");
    }

    #[test]
    fn cards_move_with_their_lines() {
        let after = "# Board\n\n## Doing\n\n- [ ] a task, no card\n\n## Done\n\n- [KB-0] Born\n\
                     - [KB-1] Faster\n  by half\n  in 1.1.0\n- [ ] [KB-2] Safer\n  in 1.1.0\n\nThe end.\n";
        assert_eq!(moved(BOARD, &to("Done", &["KB-1", "KB-2"])).unwrap(), after);
        assert_eq!(moved(after, &to("Done", &["KB-1", "KB-2"])).unwrap(), after);
        let back = "## Doing\n\n- [KB-0] Born\n  in 1.1.0\n\n## Done\n\n";
        assert_eq!(moved("## Doing\n\n## Done\n\n- [KB-0] Born", &to("Doing", &["KB-0"])).unwrap(), back);
        let crlf = moved("## A\r\n- [K-1] x\r\n## B", &to("B", &["K-1"])).unwrap();
        assert_eq!(crlf, "## A\r\n## B\r\n\r\n- [K-1] x\r\n  in 1.1.0\r\n");
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(moved(BOARD, &to("Done", &["KB-9"])).unwrap_err(), "has no card `KB-9`");
        let twice = "## A\n- [K-1] x\n- [K-1] y\n## B\n";
        assert_eq!(
            moved(twice, &to("B", &["K-1"])).unwrap_err(),
            "has the card `K-1` twice; remove one of them"
        );
    }
}
