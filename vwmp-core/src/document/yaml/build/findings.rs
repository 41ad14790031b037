//! What is valid YAML and refused all the same.

use super::*;

/// Up to this many keys, comparing each with each is faster than hashing.
const FEW: u32 = 8;

impl Builder<'_> {
    pub(super) fn find(&mut self, diagnostic: Diagnostic) {
        self.findings.push(diagnostic);
    }

    pub(super) fn check_key(
        &mut self,
        text: &str,
        plain: bool,
        tag: Option<&Tag>,
        span: Span,
        place: &granit_parser::Span,
    ) {
        if self.open.last().is_some_and(|open| open.block) {
            self.check_indentation(span);
        }
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema()
        {
            self.unknown_tag(tag, place);
        }
        if plain && text.is_empty() {
            self.key_is_not_text("nothing", span);
        }
        if plain && text == "<<" {
            self.find(
                Diagnostic::error("vwmp::merge-key", "the merge key `<<` is not supported")
                    .at(self.source, span, "")
                    .help("use `extends` to inherit from another workflow, or an alias for a whole value: `config: *name`"),
            );
        }
    }

    /// The parser takes a tab for a column, so that it aligns with one space or another.
    pub(super) fn check_indentation(&mut self, span: Span) {
        if !self.tabs {
            return;
        }
        let before = &self.source.text()[..span.start as usize];
        let indent = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
        if let Some(tab) = indent.rfind('\t')
            && indent.chars().all(|c| matches!(c, ' ' | '\t' | '-' | '?'))
        {
            let tab = before.len() - indent.len() + tab;
            self.find(syntax::tab(self.source, Span::new(tab, tab + 1)));
        }
    }

    pub(super) fn key_is_not_text(&mut self, found: &str, span: Span) {
        self.find(
            Diagnostic::error("vwmp::key-not-text", format!("a key must be text, but this is {found}"))
                .at(self.source, span, "")
                .help("write `key: value`; put a key with special characters in quotes"),
        );
    }

    pub(super) fn check_tag(&mut self, tag: &Tag, mapping: bool, place: &granit_parser::Span) {
        let (expected, found) = if mapping { ("map", "a mapping") } else { ("seq", "a list") };
        match tag.core_suffix() {
            None if tag.original() == "!" => {}
            None => self.unknown_tag(tag, place),
            Some(name) if name == expected => {}
            Some(name) => self.wrong_tag(name, found, tag_span(place)),
        }
    }

    pub(super) fn unknown_tag(&mut self, tag: &Tag, place: &granit_parser::Span) {
        self.find(
            Diagnostic::error("vwmp::unknown-tag", format!("the tag `{}` is not known", tag.original()))
                .at(self.source, tag_span(place), "")
                .help("remove it; the known tags are !!str, !!int, !!float, !!bool, !!null, !!map and !!seq"),
        );
    }

    pub(super) fn wrong_tag(&mut self, tag: &str, found: &str, span: Span) {
        let expected = match tag {
            "int" => "a whole number",
            "float" => "a number",
            "bool" => "true or false",
            "null" => "nothing",
            "map" => "a mapping",
            "seq" => "a list",
            _ => "text",
        };
        self.find(
            Diagnostic::error("vwmp::wrong-tag", format!("`!!{tag}` says {expected}, but {found} is not"))
                .at(self.source, span, "")
                .help("remove the tag, or change the value"),
        );
    }

    pub(super) fn unknown_anchor(&mut self, name: &str, span: Span) -> More {
        if self.at_key() {
            self.key_is_not_text("an alias", span);
        }
        let known = self.anchors.iter().map(|anchor| &*anchor.name);
        let diagnostic = Diagnostic::error(
            "vwmp::unknown-anchor",
            format!("no anchor `&{name}` stands before this alias"),
        )
        .at(self.source, span, "")
        .nearest(name, known)
        .help("put the text in quotes if no alias is meant");
        self.find(diagnostic);
        self.push(Value::Null, span, false);
        self.go_on()
    }

    pub(super) fn recursive(&mut self, target: u32, span: Span) -> More {
        let name = &self.source.slice(span)[1..];
        let start = self.nodes[target as usize].span;
        self.find(
            Diagnostic::error(
                "vwmp::recursive-alias",
                format!("the alias `*{name}` stands inside the value that it means"),
            )
            .at(self.source, span, "")
            .at(self.source, start, format!("`&{name}` begins here"))
            .help("copy the part that is meant"),
        );
        self.push(Value::Null, span, false);
        self.go_on()
    }

    pub(super) fn alias_bomb(&mut self, span: Span) -> More {
        let message = format!("aliases add more than {} values to this file", self.limits.aliased);
        let diagnostic = Diagnostic::error("vwmp::alias-bomb", message)
            .at(self.source, span, "the limit is passed here")
            .help("use fewer aliases of aliases");
        self.stop(diagnostic)
    }

    pub(super) fn second_document(&mut self, span: Span) -> More {
        let diagnostic = Diagnostic::error(
            "vwmp::second-document",
            "a file holds one document, but here a second one begins",
        )
        .at(self.source, span, "")
        .help("put it in a file of its own");
        self.stop(diagnostic)
    }

    pub(super) fn find_duplicates(&mut self, mapping: u32) {
        let Value::Map { first, len } = self.nodes[mapping as usize].value else { return };
        let twice = if len <= FEW { self.duplicates_of_few(first) } else { self.duplicates(first) };
        for (before, again) in twice {
            let text = self.key_text(again).unwrap_or_default();
            let (before, again) = (self.nodes[before as usize].span, self.nodes[again as usize].span);
            let diagnostic =
                Diagnostic::error("vwmp::duplicate-key", format!("the key `{text}` is written twice"))
                    .at(self.source, again, "again here")
                    .at(self.source, before, "first here")
                    .help("remove one of them");
            self.find(diagnostic);
        }
    }

    fn duplicates_of_few(&self, first: u32) -> Vec<(u32, u32)> {
        let mut twice = Vec::new();
        for again in self.keys(first) {
            let same = |&before: &u32| self.key_text(before) == self.key_text(again);
            if let Some(before) = self.keys(first).take_while(|&before| before != again).find(same)
                && self.key_text(again).is_some()
            {
                twice.push((before, again));
            }
        }
        twice
    }

    fn duplicates(&self, first: u32) -> Vec<(u32, u32)> {
        let mut seen = HashMap::new();
        let texts = self.keys(first).filter_map(|key| Some((key, self.key_text(key)?)));
        texts
            .filter_map(|(again, text)| {
                let before = *seen.entry(text).or_insert(again);
                (before != again).then_some((before, again))
            })
            .collect()
    }

    fn keys(&self, first: u32) -> impl Iterator<Item = u32> {
        let next = |at: u32| self.nodes.get(at as usize).map_or(NONE, |node| node.next);
        std::iter::successors(Some(first), move |&key| Some(next(next(key)))).take_while(|&key| key != NONE)
    }

    fn key_text(&self, key: u32) -> Option<&str> {
        match self.nodes[key as usize].value {
            Value::Slice(span) => Some(self.source.slice(span)),
            Value::Text(index) => Some(&self.texts[index as usize]),
            _ => None,
        }
    }
}

fn tag_span(place: &granit_parser::Span) -> Span {
    place.tag_span().map_or_else(|| bytes(place), |span| bytes(&span))
}
