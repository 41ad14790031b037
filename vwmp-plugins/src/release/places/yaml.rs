//! Where the values of a YAML text are.

use granit_parser::{Event, Options, Parser, ScalarStyle, Span};

use super::key::{KeyPath, Spot};

/// A mapping or a sequence that is being read.
enum Level {
    /// Whether its own path is on the way to the key, and the key that was read last.
    Mapping { on_way: bool, key: Option<bool> },
    /// The same, and the number of the next element.
    Sequence { on_way: bool, next: usize },
}

/// The plain and quoted strings at a key; more where there are several documents.
///
/// # Errors
/// What is wrong, to follow the file's name.
pub(super) fn spots(text: &str, key: &KeyPath) -> Result<Vec<Spot>, String> {
    let mut options = Options::default();
    options.emit_comments = false;
    let mut reader = Reader { key, levels: Vec::new(), spots: Vec::new() };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event
            .map_err(|error| format!("isn't valid YAML: line {}: {}", error.marker().line(), error.info()))?;
        reader.read(text, &event, &span)?;
    }
    Ok(reader.spots)
}

struct Reader<'k> {
    key: &'k KeyPath,
    levels: Vec<Level>,
    spots: Vec<Spot>,
}

impl Reader<'_> {
    fn read(&mut self, text: &str, event: &Event<'_>, span: &Span) -> Result<(), String> {
        let on_way = match event {
            Event::MappingStart(..) | Event::SequenceStart(..) | Event::Alias(..) => self.node(None),
            Event::Scalar(value, ..) => self.node(Some(value)),
            _ => false,
        };
        let below = on_way && self.levels.len() < self.key.parts().len();
        match event {
            Event::MappingStart(..) => self.levels.push(Level::Mapping { on_way: below, key: None }),
            Event::SequenceStart(..) => self.levels.push(Level::Sequence { on_way: below, next: 0 }),
            Event::MappingEnd | Event::SequenceEnd => {
                self.levels.pop();
            }
            Event::Scalar(value, style, ..) if on_way && self.at_depth() => {
                self.spots.push(self.spot(text, value, *style, span)?);
            }
            Event::Alias(..) if on_way && self.at_depth() => {
                return Err(format!("has no plain string at `{}`", self.key));
            }
            _ => {}
        }
        Ok(())
    }

    fn at_depth(&self) -> bool {
        self.levels.len() == self.key.parts().len()
    }

    /// Moves on by one node; whether it is a value whose path is on the way to the key.
    fn node(&mut self, scalar: Option<&str>) -> bool {
        let depth = self.levels.len();
        let Some(level) = self.levels.last_mut() else {
            return self.key.parts().is_empty() || scalar.is_none();
        };
        let wanted = self.key.parts().get(depth - 1).map(String::as_str);
        match level {
            Level::Mapping { on_way, key } => match key.take() {
                None => {
                    *key = Some(*on_way && scalar.is_some() && scalar == wanted);
                    false
                }
                Some(is_it) => is_it,
            },
            Level::Sequence { on_way, next } => {
                let is_it = *on_way && wanted.is_some_and(|wanted| *wanted == next.to_string());
                *next += 1;
                is_it
            }
        }
    }

    fn spot(&self, text: &str, value: &str, style: ScalarStyle, span: &Span) -> Result<Spot, String> {
        let quote = match style {
            ScalarStyle::Plain => Some(0),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Some(1),
            _ => None,
        };
        let inner = quote.zip(span.byte_range()).and_then(|(quote, whole)| {
            let inner = whole.start + quote..whole.end.checked_sub(quote)?;
            (text.get(inner.clone())? == value).then_some(inner)
        });
        let span = inner.ok_or_else(|| format!("has no plain string at `{}`", self.key))?;
        Ok(Spot { value: value.to_owned(), span })
    }
}
