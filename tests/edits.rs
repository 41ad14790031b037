//! Workflows with something changed at random.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use vwmp_core::registry::Registry;
use vwmp_plugins as _;

use crate::path::planned;

/// One change to a text.
#[derive(Debug, Clone)]
enum Edit {
    Remove(Index),
    Insert(Index, &'static str),
    RemoveLine(Index),
    RepeatLine(Index),
    Indent(Index),
}

/// Whatever is done to a workflow, the check ends with a workflow or with an error that has a place.
#[test]
fn no_text_breaks_the_check() {
    let texts: Vec<String> = ["release", "pipeline", "cleanup", "conditions"]
        .map(|name| {
            std::fs::read_to_string(format!("{}/../workflows/{name}.yaml", env!("CARGO_MANIFEST_DIR")))
                .unwrap()
        })
        .into();
    let registry = Registry::linked().unwrap();
    let edited = (prop::sample::select(texts), prop::collection::vec(Edit::any(), 1..6));
    let mut runner = TestRunner::new(Config { cases: 500, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&edited, |(mut text, edits)| {
        edits.iter().for_each(|edit| edit.apply(&mut text));
        let planned = planned(text, &registry, Path::new("/"), &[]);
        for found in planned.err().into_iter().flatten() {
            prop_assert!(!found.message.is_empty() && !found.labels.is_empty(), "{found}");
            prop_assert!(!found.message.contains("ParseError"), "{found}");
        }
        Ok(())
    });
    checked.unwrap();
}

impl Edit {
    fn any() -> impl Strategy<Value = Self> {
        let place = any::<Index>;
        let pieces = "$< $<step-outputs. > { } [ ] ' \" : , &a *a !!int | % é # null -1 1e999".split(' ');
        let pieces: Vec<_> = pieces.chain([": ", "- ", "? ", "<<: ", "\t", "\n", "\0", "\u{feff}"]).collect();
        prop_oneof![
            place().prop_map(Self::Remove),
            (place(), prop::sample::select(pieces)).prop_map(|(at, piece)| Self::Insert(at, piece)),
            place().prop_map(Self::RemoveLine),
            place().prop_map(Self::RepeatLine),
            place().prop_map(Self::Indent),
        ]
    }

    fn apply(&self, text: &mut String) {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at_char = |at: &Index| {
            let starts: Vec<usize> = text.char_indices().map(|(start, _)| start).collect();
            starts.get(at.index(starts.len().max(1))).copied()
        };
        match self {
            Self::Remove(at) => {
                if let Some(at) = at_char(at) {
                    text.remove(at);
                }
                return;
            }
            Self::Insert(at, piece) => {
                let at = at_char(at).unwrap_or_default();
                return text.insert_str(at, piece);
            }
            _ if lines.is_empty() => return,
            Self::RemoveLine(at) => drop(lines.remove(at.index(lines.len()))),
            Self::RepeatLine(at) => lines.insert(at.index(lines.len()), lines[at.index(lines.len())].clone()),
            Self::Indent(at) => lines[at.index(text.lines().count())].insert(0, ' '),
        }
        *text = lines.join("\n");
    }
}
