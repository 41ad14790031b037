//! A workflow in the making.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::splice::splice;
use super::words::Ids;
use crate::emit;

/// A workflow in the making, and what could not be carried over.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) parameters: Map<String, Value>,
    pub(super) config: Map<String, Value>,
    pub(super) timeout: Option<String>,
    pub(super) max_parallel: Option<u64>,
    pub(super) steps: Vec<Step>,
    pub(super) finally: Vec<Step>,
    pub(super) notes: BTreeSet<(u32, String)>,
    pub(super) ids: Ids,
}

/// A step in the making.
#[derive(Debug, Default, Clone)]
pub(super) struct Step {
    pub(super) id: String,
    pub(super) name: Option<String>,
    /// The line it comes from.
    pub(super) line: u32,
    pub(super) needs: Vec<String>,
    pub(super) when: Option<String>,
    pub(super) tolerated: bool,
    pub(super) timeout: Option<String>,
    pub(super) retry: Option<Value>,
    pub(super) work: Work,
}

/// What a step does.
#[derive(Debug, Default, Clone)]
pub(super) enum Work {
    /// Nothing: it could not be carried over, or there is nothing to do.
    #[default]
    Nothing,
    /// A script or a program: the config of `shell.run`.
    Shell(Map<String, Value>),
}

/// Never true: for conditions that could not be carried over, so that nothing runs by mistake.
pub(super) const NEVER: &str = "false";

impl Draft {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Notes what could not be carried over.
    pub(super) fn note(&mut self, line: u32, text: impl Into<String>) {
        self.notes.insert((line, text.into()));
    }

    /// What could not be carried over, each with the line it was on.
    pub(crate) fn notes(&self) -> impl Iterator<Item = (u32, &str)> {
        self.notes.iter().map(|(line, text)| (*line, text.as_str()))
    }

    /// How many steps there are, and how many of them do something.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let all = || self.steps.iter().chain(&self.finally);
        (all().count(), all().filter(|step| matches!(step.work, Work::Shell(_))).count())
    }

    /// Makes a step do nothing, because what it does is refused; whether it did something before.
    pub(crate) fn give_up(&mut self, number: usize, why: &str) -> bool {
        let Some(step) = self.steps.iter_mut().chain(&mut self.finally).nth(number) else { return false };
        if matches!(step.work, Work::Nothing) && step.when.as_deref().is_none_or(|when| when == NEVER) {
            return false;
        }
        step.work = Work::Nothing;
        if step.when.is_some() {
            step.when = Some(NEVER.to_owned());
        }
        let note = (step.line, format!("step `{}`: {why}", step.id));
        self.notes.insert(note);
        true
    }

    /// Lets scripts read their values as variables. The draft must be valid: values in quotes that keep them from being
    /// replaced would go unnoticed afterwards.
    pub(crate) fn splice(&mut self) {
        for step in self.steps.iter_mut().chain(&mut self.finally) {
            if let Work::Shell(config) = &mut step.work {
                splice(config);
            }
        }
    }

    /// The draft as a workflow; `origin` says where it comes from.
    pub(crate) fn text(&self, origin: &str) -> String {
        let mut text = format!("# Imported from {}.\n", one_line(origin));
        if !self.notes.is_empty() {
            text.push_str("# Not carried over, by the line it was on:\n");
        }
        for (line, note) in &self.notes {
            text.push_str(&format!("# - {line}: {}\n", one_line(note)));
        }
        let mut head =
            json!({ "vwmp": 1, "name": if self.name.is_empty() { "imported" } else { &self.name } });
        let optional = [
            ("description", self.description.as_ref().map(|text| json!(text))),
            ("parameters", (!self.parameters.is_empty()).then(|| json!(self.parameters))),
            ("config", (!self.config.is_empty()).then(|| json!(self.config))),
            ("timeout", self.timeout.as_ref().map(|text| json!(text))),
            ("max_parallel", self.max_parallel.map(|number| json!(number))),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                head[key] = value;
            }
        }
        emit::entries(&mut text, head.as_object().into_iter().flatten(), 0);
        steps(&mut text, "steps", &self.steps);
        if !self.finally.is_empty() {
            steps(&mut text, "finally", &self.finally);
        }
        text
    }
}

impl Step {
    fn value(&self) -> Value {
        let mut step = json!({ "id": self.id });
        let (handler, config) = match &self.work {
            Work::Nothing => ("flow.noop", None),
            Work::Shell(config) => ("shell.run", Some(json!(config))),
        };
        let entries = [
            ("name", self.name.as_ref().map(|text| json!(text))),
            ("handler", Some(json!(handler))),
            ("needs", (!self.needs.is_empty()).then(|| json!(self.needs))),
            ("when", self.when.as_ref().map(|text| json!(text))),
            ("required", self.tolerated.then(|| json!(false))),
            ("timeout", self.timeout.as_ref().map(|text| json!(text))),
            ("retry", self.retry.clone()),
            ("config", config),
        ];
        for (key, value) in entries {
            if let Some(value) = value {
                step[key] = value;
            }
        }
        step
    }
}

fn steps(text: &mut String, key: &str, steps: &[Step]) {
    if steps.is_empty() {
        text.push_str(&format!("\n{key}: []\n"));
        return;
    }
    text.push_str(&format!("\n{key}:\n"));
    for (i, step) in steps.iter().enumerate() {
        if i > 0 {
            text.push('\n');
        }
        emit::dashed(text, &step.value(), 2);
    }
}

fn one_line(text: &str) -> String {
    crate::render::plain(text.lines().next().unwrap_or_default())
}
