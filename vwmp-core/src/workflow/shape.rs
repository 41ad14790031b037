//! Whether a workflow has the right keys, with values of the right types.

mod extras;

use std::fmt;

use super::duration;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Document, Key, Kind, NodeRef};
use crate::schema::shown;

/// A way from the root to a value, for messages.
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    Root,
    Key(&'a Way<'a>, &'a str),
    Index(&'a Way<'a>, usize),
}

/// A key, and what its value has to be.
type Known = (&'static str, for<'d> fn(&mut Shape, &Way<'_>, NodeRef<'d>));

const WORKFLOW: [Known; 18] = [
    ("vwmp", Shape::version),
    ("name", Shape::text),
    ("handler", Shape::handler_name),
    ("type", Shape::text),
    ("description", Shape::text),
    ("extends", Shape::text),
    ("template", Shape::text),
    ("parameters", Shape::parameters),
    ("config", Shape::any_mapping),
    ("defaults", Shape::defaults),
    ("max_parallel", Shape::count),
    ("timeout", Shape::timeout),
    ("on_failure", Shape::on_failure),
    ("order", Shape::order),
    ("lock", Shape::lock),
    ("outputs", Shape::any_mapping),
    ("steps", Shape::steps),
    ("finally", Shape::steps),
];
const STEP: [Known; 17] = [
    ("id", Shape::id),
    ("name", Shape::text),
    ("handler", Shape::text),
    ("needs", Shape::texts),
    ("when", Shape::condition),
    ("required", Shape::bool),
    ("timeout", Shape::timeout),
    ("retry", Shape::retry),
    ("priority", Shape::priority),
    ("adapters", Shape::texts),
    ("foreach", Shape::list),
    ("matrix", Shape::matrix),
    ("max_parallel", Shape::count),
    ("fail_fast", Shape::bool),
    ("lock", Shape::lock_name),
    ("cache", Shape::cache),
    ("config", Shape::any_mapping),
];
const DEFAULTS: [Known; 4] = [
    ("timeout", Shape::timeout),
    ("retry", Shape::retry),
    ("required", Shape::bool),
    ("priority", Shape::priority),
];
const CACHE: [Known; 3] =
    [("inputs", Shape::patterns), ("key", Shape::anything), ("outputs", Shape::patterns)];
const RETRY: [Known; 5] = [
    ("max_attempts", Shape::attempts),
    ("backoff", Shape::backoff),
    ("delay", Shape::duration),
    ("max_delay", Shape::duration),
    ("jitter", Shape::bool),
];

/// The types of JSON Schema.
pub(super) const TYPES: [&str; 7] = ["string", "integer", "number", "boolean", "array", "object", "null"];

/// Looks at a whole workflow.
pub(super) fn workflow(document: &Document, found: &mut Diagnostics) {
    let mut shape = Shape(Diagnostics::default());
    shape.known("a workflow", &Way::Root, document.root(), &WORKFLOW);
    found.extend(shape.0);
}

/// Looks at the `retry` of a handler in `vwmp_config.yaml`.
pub(super) fn handler_retry(handler: &str, node: NodeRef<'_>, found: &mut Diagnostics) {
    let mut shape = Shape(Diagnostics::default());
    let handlers = Way::Key(&Way::Root, "step_handlers");
    shape.retry(&Way::Key(&Way::Key(&handlers, handler), "retry"), node);
    found.extend(shape.0);
}

/// Whether a text can be the id of a step or the name of a parameter.
pub(super) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Whether a text can be the name of a handler: `group.verb`.
pub(super) fn is_handler_name(text: &str) -> bool {
    text.contains('.') && text.split('.').all(is_name)
}

/// The value of a key; a key with nothing behind it says nothing.
pub(super) fn written<'d>(mapping: NodeRef<'d>, key: &str) -> Option<NodeRef<'d>> {
    mapping.get(key).filter(|node| node.kind() != Kind::Null)
}

/// Says that a value is not what is expected there.
pub(super) fn wrong_type(way: &dyn fmt::Display, node: NodeRef<'_>, expected: &str) -> Diagnostic {
    let message = format!("`{way}`: expected {expected}, found {}", shown(&node.to_json()));
    Diagnostic::error("vwmp::wrong-type", message).at(node.source(), node.span(), "")
}

/// Collects what is wrong.
struct Shape(Diagnostics);

impl Shape {
    /// A mapping with known keys alone.
    fn known(&mut self, what: &str, way: &Way<'_>, node: NodeRef<'_>, known: &[Known]) {
        if node.kind() != Kind::Map {
            return self.0.push(wrong_type(way, node, "a mapping"));
        }
        for (key, value) in node.entries() {
            match known.iter().find(|(name, _)| *name == key.text) {
                Some(_) if value.kind() == Kind::Null => {}
                Some((_, look)) => look(self, &Way::Key(way, key.text), value),
                None => self.unknown(what, node, key, known),
            }
        }
    }

    fn unknown(&mut self, what: &str, node: NodeRef<'_>, key: Key<'_>, known: &[Known]) {
        let names = || known.iter().map(|(name, _)| *name);
        let message = format!("{what} has no key `{}`", key.text);
        let found = Diagnostic::error("vwmp::unknown-key", message).at(node.source(), key.span, "");
        let found = found.nearest(key.text, names());
        self.0.push(if found.help.is_empty() {
            found.help(format!("the keys are {}", names().collect::<Vec<_>>().join(", ")))
        } else {
            found
        });
    }

    fn steps(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        if node.kind() != Kind::Seq {
            return self.0.push(wrong_type(way, node, "a list of steps"));
        }
        for (i, step) in node.items().enumerate() {
            self.known("a step", &Way::Index(way, i), step, &STEP);
        }
    }

    fn parameters(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.any_mapping(way, node);
        for (key, parameter) in node.entries() {
            if !is_name(key.text) {
                let message = format!(
                    "`{}` can't be the name of a parameter: letters, digits, `_` and `-`, beginning with a letter or `_`",
                    key.text
                );
                self.0.push(Diagnostic::error("vwmp::invalid-name", message).at(node.source(), key.span, ""));
            }
            let way = Way::Key(way, key.text);
            if !matches!(parameter.kind(), Kind::Map | Kind::Null) {
                self.0.push(wrong_type(&way, parameter, "a mapping such as { type: string }"));
            }
            for key in ["required", "secret"] {
                if let Some(node) = written(parameter, key) {
                    self.bool(&Way::Key(&way, key), node);
                }
            }
            if let Some(node) = written(parameter, "description") {
                self.text(&Way::Key(&way, "description"), node);
            }
            if let Some(node) = written(parameter, "type") {
                self.types(&Way::Key(&way, "type"), node);
            }
        }
    }

    /// One type of JSON Schema, or a list of them.
    fn types(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        match node.kind() {
            Kind::Seq => {
                node.items().enumerate().for_each(|(i, item)| self.one_of(&Way::Index(way, i), item, &TYPES));
            }
            _ => self.one_of(way, node, &TYPES),
        }
    }

    /// The name of a composite handler, as which the workflow is used.
    fn handler_name(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        let fits = node.as_str().is_some_and(is_handler_name);
        self.expect(way, node, fits, "the name of a handler, such as team.deploy");
    }

    fn defaults(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.known("`defaults`", way, node, &DEFAULTS);
    }

    fn retry(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.known("`retry`", way, node, &RETRY);
    }

    fn any_mapping(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.expect(way, node, node.kind() == Kind::Map, "a mapping");
    }

    fn text(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        let fits = node.as_str().is_some_and(|text| !text.trim().is_empty());
        self.expect(way, node, fits, "text");
    }

    fn id(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        let expected = "letters, digits, `_` and `-`, beginning with a letter or `_`";
        self.expect(way, node, node.as_str().is_some_and(is_name), expected);
    }

    /// One text, or a list of texts.
    fn texts(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        match node.kind() {
            Kind::Str(_) => {}
            Kind::Seq => {
                for (i, item) in node.items().enumerate() {
                    self.text(&Way::Index(way, i), item);
                }
            }
            _ => self.expect(way, node, false, "a list of texts"),
        }
    }

    fn condition(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        let fits = matches!(node.kind(), Kind::Str(_) | Kind::Bool(_));
        self.expect(way, node, fits, "a condition such as parameters.env == \"prod\"");
    }

    fn bool(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.expect(way, node, matches!(node.kind(), Kind::Bool(_)), "true or false");
    }

    fn count(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        let fits = matches!(node.kind(), Kind::Int(1..=65_536));
        self.expect(way, node, fits, "a whole number from 1 to 65536");
    }

    fn attempts(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        let fits = matches!(node.kind(), Kind::Int(1..=100));
        self.expect(way, node, fits, "a whole number from 1 to 100");
    }

    fn priority(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        let fits = matches!(node.kind(), Kind::Int(-1_000_000..=1_000_000));
        self.expect(way, node, fits, "a whole number from -1000000 to 1000000");
    }

    fn version(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.expect(way, node, node.kind() == Kind::Int(1), "1, the only version of the format there is");
    }

    fn duration(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.expect(way, node, duration::read(node).is_some(), duration::EXPECTED);
    }

    fn timeout(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        if node.as_str() == Some("none") {
            return;
        }
        match duration::read(node) {
            Some(time) if time.is_zero() => {
                let found = wrong_type(way, node, "a duration above 0");
                self.0.push(found.help("write `timeout: none` for no limit"));
            }
            found => self.expect(way, node, found.is_some(), duration::EXPECTED),
        }
    }

    fn backoff(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.one_of(way, node, &["exponential", "linear", "constant"]);
    }

    fn order(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.one_of(way, node, &["graph", "sequential"]);
    }

    fn on_failure(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.one_of(way, node, &["continue", "stop", "rollback"]);
    }

    fn one_of(&mut self, way: &Way<'_>, node: NodeRef<'_>, choices: &[&str]) {
        match node.as_str() {
            Some(text) if choices.contains(&text) => {}
            text => {
                let found = wrong_type(way, node, &format!("one of {}", choices.join(", ")));
                self.0.push(found.nearest(text.unwrap_or_default(), choices.iter().copied()));
            }
        }
    }

    fn expect(&mut self, way: &Way<'_>, node: NodeRef<'_>, fits: bool, expected: &str) {
        if !fits {
            self.0.push(wrong_type(way, node, expected));
        }
    }
}

/// Such as `steps[2].timeout`.
impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Root => f.write_str("workflow"),
            Way::Key(Way::Root, key) => f.write_str(key),
            Way::Key(parent, key) => write!(f, "{parent}.{key}"),
            Way::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}
