//! Release notes as text.

use std::sync::LazyLock;

use minijinja::Environment;
use minijinja::value::Serde;
use regex::Regex;
use serde::Serialize;
use serde_json::Value;
use vwmp_interfaces::StepError;

use super::notes::{Item, Section};

/// Addresses with places to fill in; nothing where there is no link.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) commit: Option<String>,
    pub(super) issue: Option<String>,
    /// Complete.
    pub(super) compare: Option<String>,
}

/// How much a template may do.
const FUEL: u64 = 1_000_000;

static ISSUE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(^|[\s(,])#([0-9]+)\b").expect("a valid expression"));

/// The notes in the usual layout.
pub(super) fn markdown(
    sections: &[Section],
    breaking: &[Item],
    contributors: &[String],
    links: &Links,
) -> String {
    let mut blocks = Vec::new();
    if !breaking.is_empty() {
        blocks.push(block("⚠ Breaking Changes", breaking.iter().map(|item| links.breaking_line(item))));
    }
    for section in sections {
        blocks.push(block(&section.title, section.changes.iter().map(|item| links.line(item))));
    }
    if !contributors.is_empty() {
        blocks.push(block("Contributors", contributors.iter().map(|name| format!("- {name}"))));
    }
    if let Some(url) = &links.compare
        && !blocks.is_empty()
    {
        blocks.push(format!("[All changes]({url})"));
    }
    blocks.join("\n\n")
}

/// Why a text isn't a template.
pub(super) fn check_template(template: &str) -> Result<(), String> {
    let read = Environment::new().template_from_str(template).map(drop);
    read.map_err(|error| format!("the template can't be read: {error}"))
}

/// A template filled with the notes.
pub(super) fn filled(template: &str, notes: &impl Serialize, more: &Value) -> Result<String, StepError> {
    let fails = |error: &dyn std::fmt::Display| {
        StepError::permanent(format!("the template can't be filled: {error}"))
    };
    let mut values = serde_json::to_value(notes).map_err(|error| fails(&error))?;
    if let (Some(values), Some(more)) = (values.as_object_mut(), more.as_object()) {
        values.extend(more.clone());
    }
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.render_str(template, Serde(values)).map_err(|error| fails(&error))
}

fn block(title: &str, lines: impl Iterator<Item = String>) -> String {
    format!("### {title}\n\n{}", lines.collect::<Vec<_>>().join("\n"))
}

impl Links {
    fn line(&self, item: &Item) -> String {
        format!("- {}{}{}", scope(item), self.with_issues(&item.description), self.commit_link(item))
    }

    fn breaking_line(&self, item: &Item) -> String {
        let what = item.breaking.as_deref().unwrap_or(&item.description);
        format!("- {}{}{}", scope(item), self.with_issues(what), self.commit_link(item))
    }

    fn with_issues(&self, text: &str) -> String {
        match &self.issue {
            Some(url) => {
                let link = |found: &regex::Captures<'_>| {
                    format!("{}[#{}]({})", &found[1], &found[2], url.replace("{id}", &found[2]))
                };
                ISSUE.replace_all(text, link).into_owned()
            }
            None => text.to_owned(),
        }
    }

    fn commit_link(&self, item: &Item) -> String {
        let short = item.commit.get(..7).unwrap_or(&item.commit);
        match &self.commit {
            Some(url) => format!(" ([{short}]({}))", url.replace("{id}", &item.commit)),
            None => format!(" ({short})"),
        }
    }
}

fn scope(item: &Item) -> String {
    item.scope.as_ref().map(|scope| format!("**{scope}:** ")).unwrap_or_default()
}
