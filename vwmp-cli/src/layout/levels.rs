//! How deep a line is.

/// The mappings and lists that are open, outermost first.
#[derive(Debug, Clone, Default)]
pub(super) struct Levels(Vec<Level>);

#[derive(Debug, Clone, Copy)]
struct Level {
    /// The column it was written in.
    was: usize,
    /// The column it goes to.
    now: usize,
    is_list: bool,
}

/// A line in its new place.
pub(super) struct Moved {
    pub(super) column: usize,
    /// The line from its first character.
    pub(super) text: String,
    /// By how much lines move that belong to its value.
    pub(super) shift: isize,
    /// The column of a text in block style below it.
    pub(super) body: usize,
}

/// Each level is this much deeper.
const STEP: usize = 2;

impl Levels {
    /// Takes in a line with content.
    pub(super) fn enter(&mut self, column: usize, content: &str) -> Moved {
        if column == 0 && ["---", "...", "%"].iter().any(|mark| content.starts_with(mark)) {
            self.0.clear();
            return Moved { column: 0, text: content.to_owned(), shift: 0, body: STEP };
        }
        let is_item = item(content).is_some();
        self.0.retain(|level| level.was < column || (level.was == column && (is_item || !level.is_list)));
        let first = self.level(column, is_item);
        let mut text = String::new();
        let (mut at, mut rest, mut level) = (column, content, first);
        while let Some(inner) = item(rest) {
            at += rest.len() - inner.len();
            text.push_str(if inner.is_empty() { "-" } else { "- " });
            rest = inner;
            if rest.is_empty() || rest.starts_with('#') {
                break;
            }
            // A text in block style behind a dash is as deep as what else might stand there.
            let now = level.now + STEP;
            level = Level { was: at, now, is_list: item(rest).is_some() };
            self.0.push(level);
        }
        text.push_str(rest);
        let behind_dash = rest.starts_with(['|', '>']) && is_item;
        let body = if behind_dash { level.now } else { level.now + STEP };
        Moved { column: first.now, text, shift: level.now as isize - level.was as isize, body }
    }

    /// The level of a line, opened where there is none yet.
    fn level(&mut self, column: usize, is_list: bool) -> Level {
        let known = self.0.iter().rev().find(|level| level.was == column && level.is_list == is_list);
        if let Some(level) = known {
            return *level;
        }
        let now = self.0.last().map_or(0, |parent| parent.now + STEP);
        let level = Level { was: column, now, is_list };
        self.0.push(level);
        level
    }

    /// The column of a comment, from what follows it and what is open above it.
    pub(super) fn of_comment(&self, column: usize, next: Option<(usize, usize)>) -> usize {
        let open = || self.0.iter().rev();
        match next {
            Some((was, now)) if was == column => now,
            None if column == 0 => 0,
            _ if open().any(|level| level.was == column) => {
                open().find(|level| level.was == column).map_or(0, |level| level.now)
            }
            Some((was, now)) if column < was => now,
            _ => open().find(|level| level.was <= column).map_or(0, |level| level.now),
        }
    }
}

/// What stands behind the dash of an item.
fn item(content: &str) -> Option<&str> {
    let rest = content.strip_prefix('-')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim_start_matches(' '))
}
