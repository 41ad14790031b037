//! `vwmp_config.yaml`.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Document, Key, Kind, NodeRef};
use crate::source::Span;

/// A `vwmp_config.yaml` whose keys are known and whose values have the right types.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    document: Arc<Document>,
    plugins: Plugins,
}

/// Which plugins are looked for; `plugins` of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugins {
    /// Whether there are plugins at all.
    pub enabled: bool,
    /// Whether those that are found are loaded unasked.
    pub auto_load: bool,
    /// How they are looked for; `None` when the file does not say.
    pub methods: Option<Vec<Discovery>>,
    /// The directories of [`Discovery::Directory`].
    pub directories: Vec<String>,
}

/// A way in which plugins are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discovery {
    /// They are part of the program.
    LinkTime,
    /// They lie in a directory.
    Directory,
    /// They were installed.
    Store,
}

/// What the file says of one workflow type, handler or adapter.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'c> {
    /// The workflow type, handler or adapter.
    pub name: &'c str,
    /// Where it is named.
    pub span: Span,
    /// Whether it may be used.
    pub enabled: bool,
    /// Its config, a mapping.
    pub config: Option<NodeRef<'c>>,
    /// How its steps are retried; of handlers only.
    pub retry: Option<NodeRef<'c>>,
}

const SECTIONS: [&str; 5] = ["plugins", "config", WORKFLOW_TYPES, STEP_HANDLERS, INTEGRATION_ADAPTERS];
const WORKFLOW_TYPES: &str = "workflow_types";
const STEP_HANDLERS: &str = "step_handlers";
const INTEGRATION_ADAPTERS: &str = "integration_adapters";

impl ConfigFile {
    /// Checks a document.
    ///
    /// # Errors
    /// Every key that is not known and every value of a wrong type.
    pub fn new(document: Arc<Document>) -> Result<Self, Diagnostics> {
        let mut reader = Reader::default();
        let plugins = reader.file(document.root());
        if reader.0.is_empty() { Ok(Self { document, plugins }) } else { Err(reader.0.in_order()) }
    }

    /// The document.
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// Which plugins are looked for.
    pub fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// The config of every workflow, a mapping.
    pub fn config(&self) -> Option<NodeRef<'_>> {
        written(self.document.root(), "config")
    }

    /// What the file says of a workflow type.
    pub fn workflow_type(&self, name: &str) -> Option<Entry<'_>> {
        self.workflow_types().find(|entry| entry.name == name)
    }

    /// What the file says of a handler.
    pub fn step_handler(&self, name: &str) -> Option<Entry<'_>> {
        self.step_handlers().find(|entry| entry.name == name)
    }

    /// What the file says of an adapter.
    pub fn integration_adapter(&self, name: &str) -> Option<Entry<'_>> {
        self.integration_adapters().find(|entry| entry.name == name)
    }

    /// Every workflow type that the file names.
    pub fn workflow_types(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries(WORKFLOW_TYPES)
    }

    /// Every handler that the file names.
    pub fn step_handlers(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries(STEP_HANDLERS)
    }

    /// Every adapter that the file names.
    pub fn integration_adapters(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries(INTEGRATION_ADAPTERS)
    }

    fn entries(&self, section: &str) -> impl Iterator<Item = Entry<'_>> {
        let entries = self.document.root().get(section).into_iter().flat_map(NodeRef::entries);
        entries.map(|(key, node)| Entry {
            name: key.text,
            span: key.span,
            enabled: node.get("enabled").is_none_or(|node| node.kind() != Kind::Bool(false)),
            config: written(node, "config"),
            retry: written(node, "retry"),
        })
    }
}

impl Default for Plugins {
    fn default() -> Self {
        Self { enabled: true, auto_load: true, methods: None, directories: Vec::new() }
    }
}

impl Discovery {
    const ALL: [(&str, Self); 3] =
        [("link-time", Self::LinkTime), ("directory", Self::Directory), ("store", Self::Store)];
}

/// An entry that has a value; a key with nothing behind it says nothing.
fn written<'d>(mapping: NodeRef<'d>, key: &str) -> Option<NodeRef<'d>> {
    mapping.get(key).filter(|node| node.kind() != Kind::Null)
}

/// Collects what is wrong.
#[derive(Default)]
struct Reader(Diagnostics);

impl Reader {
    fn file(&mut self, root: NodeRef<'_>) -> Plugins {
        let mut plugins = Plugins::default();
        for (key, node) in self.mapping("", root, &SECTIONS) {
            match key.text {
                "plugins" => plugins = self.plugins(node),
                "config" => {
                    self.any_mapping("config", node);
                }
                STEP_HANDLERS => self.section(key.text, node, &["enabled", "retry", "config"]),
                _ => self.section(key.text, node, &["enabled", "config"]),
            }
        }
        plugins
    }

    fn plugins(&mut self, node: NodeRef<'_>) -> Plugins {
        let mut plugins = Plugins::default();
        for (key, node) in self.mapping("plugins", node, &["enabled", "discovery", "auto_load"]) {
            match key.text {
                "enabled" => plugins.enabled = self.bool("plugins.enabled", node),
                "auto_load" => plugins.auto_load = self.bool("plugins.auto_load", node),
                _ => self.discovery(node, &mut plugins),
            }
        }
        plugins
    }

    fn discovery(&mut self, node: NodeRef<'_>, plugins: &mut Plugins) {
        for (key, node) in self.mapping("plugins.discovery", node, &["method", "directories"]) {
            if key.text == "directories" {
                let texts = self.texts("plugins.discovery.directories", node);
                plugins.directories = texts.into_iter().map(|(text, _)| text.to_owned()).collect();
            } else {
                let texts = self.texts("plugins.discovery.method", node);
                plugins.methods = Some(texts.into_iter().filter_map(|text| self.method(text)).collect());
            }
        }
    }

    fn method(&mut self, (text, node): (&str, NodeRef<'_>)) -> Option<Discovery> {
        let known = Discovery::ALL.iter().find(|(name, _)| *name == text).map(|&(_, method)| method);
        if known.is_none() {
            let names = Discovery::ALL.map(|(name, _)| name);
            let message = format!("`{text}` is no way to find plugins");
            let diagnostic =
                Diagnostic::error("vwmp::unknown-value", message).at(node.source(), node.span(), "");
            self.0.push(one_of(diagnostic, text, &names, "ways"));
        }
        known
    }

    fn section(&mut self, name: &str, node: NodeRef<'_>, known: &[&str]) {
        for (key, node) in self.any_mapping(name, node) {
            let path = format!("{name}.{}", key.text);
            for (key, node) in self.mapping(&path, node, known) {
                let path = format!("{path}.{}", key.text);
                if key.text == "enabled" {
                    self.bool(&path, node);
                } else {
                    self.any_mapping(&path, node);
                }
            }
        }
    }

    /// The entries with known keys.
    fn mapping<'d>(&mut self, path: &str, node: NodeRef<'d>, known: &[&str]) -> Vec<(Key<'d>, NodeRef<'d>)> {
        let mut entries = self.any_mapping(path, node);
        entries.retain(|(key, _)| {
            let is_known = known.contains(&key.text);
            if !is_known {
                let place = if path.is_empty() { "the config file".to_owned() } else { format!("`{path}`") };
                let message = format!("{place} has no key `{}`", key.text);
                let diagnostic =
                    Diagnostic::error("vwmp::unknown-key", message).at(node.source(), key.span, "");
                self.0.push(one_of(diagnostic, key.text, known, "keys"));
            }
            is_known
        });
        entries
    }

    fn any_mapping<'d>(&mut self, path: &str, node: NodeRef<'d>) -> Vec<(Key<'d>, NodeRef<'d>)> {
        if !matches!(node.kind(), Kind::Map | Kind::Null) {
            self.wrong_type(path, node, "a mapping");
        }
        node.entries().collect()
    }

    fn bool(&mut self, path: &str, node: NodeRef<'_>) -> bool {
        if let Kind::Bool(value) = node.kind() {
            return value;
        }
        self.wrong_type(path, node, "true or false");
        true
    }

    /// One text, or a list of texts.
    fn texts<'d>(&mut self, path: &str, node: NodeRef<'d>) -> Vec<(&'d str, NodeRef<'d>)> {
        let nodes: Vec<_> = match node.kind() {
            Kind::Seq => node.items().enumerate().map(|(i, item)| (format!("{path}[{i}]"), item)).collect(),
            _ => vec![(path.to_owned(), node)],
        };
        let mut texts = Vec::new();
        for (path, node) in nodes {
            match node.as_str() {
                Some(text) => texts.push((text, node)),
                None => self.wrong_type(&path, node, "text"),
            }
        }
        texts
    }

    fn wrong_type(&mut self, path: &str, node: NodeRef<'_>, expected: &str) {
        let place = if path.is_empty() { "the config file".to_owned() } else { format!("`{path}`") };
        let message = format!("{place} is {}, but must be {expected}", node.describe());
        self.0.push(Diagnostic::error("vwmp::wrong-type", message).at(node.source(), node.span(), ""));
    }
}

/// Names the nearest of what could stand there, or else all of it.
fn one_of(diagnostic: Diagnostic, written: &str, known: &[&str], what: &str) -> Diagnostic {
    let diagnostic = diagnostic.nearest(written, known.iter().copied());
    if diagnostic.help.is_empty() {
        diagnostic.help(format!("the {what} are {}", known.join(", ")))
    } else {
        diagnostic
    }
}
