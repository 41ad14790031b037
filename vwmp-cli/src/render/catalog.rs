//! Plugins: lists and manual pages, for people and as Markdown.

mod manual;
mod schema_rows;

use std::fmt::Write as _;

use serde::{Serialize, Serializer};
use serde_json::Value;
use vwmp_interfaces::register::Origin;

use super::table::Table;
pub(crate) use manual::{markdown, page};

/// A plugin of any kind, as it is listed and described.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// The name that workflows use.
    pub(crate) name: String,
    /// A few words; the name where the plugin says none.
    pub(crate) title: String,
    /// The heading that it is listed under.
    pub(crate) category: String,
    /// The manual, in Markdown.
    pub(crate) description: String,
    /// Facts, such as the effect of a handler: what and its value; of several lines, where it is a list.
    #[serde(serialize_with = "as_mapping")]
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What can be configured, as a JSON Schema.
    pub(crate) config: Value,
    /// What later steps can read, as a JSON Schema; handlers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<Value>,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

impl Entry {
    /// The first sentence of the description, without Markdown; the title where there is none.
    pub(crate) fn summary(&self) -> String {
        let paragraph = self.description.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        let paragraph = paragraph.trim().replace('`', "");
        let sentence = paragraph.split_once(". ").map_or(&*paragraph, |(first, _)| first);
        let sentence = sentence.trim_end_matches('.');
        if sentence.is_empty() { self.title.clone() } else { sentence.to_owned() }
    }

    /// The value of a fact.
    fn fact(&self, what: &str) -> &str {
        self.facts.iter().find(|(name, _)| *name == what).map_or("", |(_, value)| value)
    }
}

fn as_mapping<S: Serializer>(facts: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(facts.iter().map(|(what, value)| (what.replace(' ', "_"), value)))
}

/// All of a kind in a table with one of their facts.
pub(crate) fn list(entries: &[Entry], kind: &str, fact: &'static str, width: usize) -> String {
    if entries.is_empty() {
        return format!("there are no {kind}s: no crate that is linked registers one\n");
    }
    let mut table = Table::new(["name", fact, "what it does"]);
    for entry in entries {
        table.row([entry.name.clone(), entry.fact(fact).to_owned(), entry.summary()]);
    }
    let mut text = table.render(width);
    let _ = writeln!(text, "\n{}", super::counted(entries.len(), kind));
    text
}
