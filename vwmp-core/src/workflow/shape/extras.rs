//! The keys that few steps have: items, locks, caches.

use globset::GlobBuilder;
use vwmp_interfaces::WorkspacePath;
use vwmp_interfaces::template::{SegmentKind, has_expressions, segments};

use super::super::order::texts;
use super::{CACHE, Shape, Way, is_name, wrong_type};
use crate::diagnostic::Diagnostic;
use crate::document::{Kind, NodeRef};

impl Shape {
    /// A lock's name, or `none` where the workflow type would set one.
    pub(super) fn lock(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        if node.kind() != Kind::Bool(false) {
            self.lock_name(way, node);
        }
    }

    pub(super) fn lock_name(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        if node.as_str().is_some_and(|name| name.trim().is_empty()) {
            let message = format!("`{way}`: the name of a lock can't be empty");
            let problem = Diagnostic::error("vwmp::invalid-name", message).at(node.source(), node.span(), "");
            return self.0.push(problem.help("give it a name, or leave `lock` out"));
        }
        self.text(way, node);
        self.literal(way, node, "the name of a lock");
    }

    /// Text in which `$<` would mean nothing.
    fn literal(&mut self, way: &Way<'_>, node: NodeRef<'_>, what: &str) {
        if node.as_str().is_some_and(has_expressions) {
            let message = format!("`{way}`: {what} is literal, so `$<…>` means nothing in it");
            self.0.push(Diagnostic::error("vwmp::no-expression", message).at(node.source(), node.span(), ""));
        }
    }

    /// A list, or one `$<…>` that gives a list.
    pub(super) fn list(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        let fits = match node.kind() {
            Kind::Seq => true,
            Kind::Str(text) => is_one_expression(text),
            _ => false,
        };
        self.expect(way, node, fits, "a list, or an expression such as $<config.versions> that gives one");
    }

    pub(super) fn matrix(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        if node.kind() != Kind::Map {
            return self.0.push(wrong_type(way, node, "a mapping such as { os: [debian, alpine] }"));
        }
        if node.entries().next().is_none() {
            let problem = Diagnostic::error("vwmp::no-items", format!("`{way}` has no axes"));
            let problem = problem.at(node.source(), node.span(), "");
            self.0.push(problem.help("write, for example, `matrix: { os: [debian, alpine] }`"));
        }
        for (key, values) in node.entries() {
            let way = Way::Key(way, key.text);
            if !is_name(key.text) {
                let message = format!("`{way}`: `{}` can't be the name of an axis", key.text);
                self.0.push(Diagnostic::error("vwmp::invalid-name", message).at(node.source(), key.span, ""));
            }
            self.list(&way, values);
            for item in values.items().filter(|_| matches!(key.text, "include" | "exclude")) {
                self.expect(&way, item, item.kind() == Kind::Map, "a list of mappings");
            }
            if values.kind() == Kind::Seq && values.items().next().is_none() {
                let message = format!("`{way}` is empty, so there would be no items");
                self.0.push(Diagnostic::error("vwmp::no-items", message).at(node.source(), key.span, ""));
            }
        }
        self.excluded(way, node);
    }

    /// What is left out by a name that no axis has is a mistake: nothing would be.
    fn excluded(&mut self, way: &Way<'_>, matrix: NodeRef<'_>) {
        let axes =
            || matrix.entries().map(|(key, _)| key.text).filter(|key| !matches!(*key, "include" | "exclude"));
        for (i, entry) in matrix.get("exclude").into_iter().flat_map(NodeRef::items).enumerate() {
            for (key, _) in entry.entries().filter(|(key, _)| !axes().any(|axis| axis == key.text)) {
                let exclude = Way::Key(way, "exclude");
                let message = format!("`{}`: the matrix has no axis `{}`", Way::Index(&exclude, i), key.text);
                let problem =
                    Diagnostic::error("vwmp::unknown-axis", message).at(entry.source(), key.span, "");
                self.0.push(problem.nearest(key.text, axes()));
            }
        }
    }

    pub(super) fn cache(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.known("`cache`", way, node, &CACHE);
    }

    /// Patterns of files in the workspace.
    pub(super) fn patterns(&mut self, way: &Way<'_>, node: NodeRef<'_>) {
        self.texts(way, node);
        for (i, (text, item)) in texts(node).enumerate() {
            let way = if node.kind() == Kind::Seq { Way::Index(way, i) } else { *way };
            self.literal(&way, item, "a pattern");
            if let Err(why) = WorkspacePath::parse(text).map(drop).and_then(|()| pattern(text)) {
                let problem = Diagnostic::error("vwmp::invalid-pattern", format!("`{way}`: {why}"));
                self.0.push(problem.at(item.source(), item.span(), ""));
            }
        }
    }

    pub(super) fn anything(&mut self, _: &Way<'_>, _: NodeRef<'_>) {}
}

/// Whether a pattern can be matched with files, as the cache will.
fn pattern(text: &str) -> Result<(), String> {
    let built = GlobBuilder::new(text.trim_start_matches("./")).literal_separator(true).build();
    built.map(drop).map_err(|error| format!("`{text}` is no pattern: {}", error.kind()))
}

/// Whether a text is one expression and nothing around it.
fn is_one_expression(text: &str) -> bool {
    match segments(text.trim()).as_deref() {
        Ok([one]) => one.kind == SegmentKind::Expression,
        Ok(_) => text.starts_with("${"),
        // One that is never closed is told by whoever reads it.
        Err(_) => true,
    }
}
