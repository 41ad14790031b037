//! Diagnostics with the lines they are about. The only renderer of diagnostics.


use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use vwmp_core::diagnostic::{Diagnostic, Diagnostics, Severity};

use super::counted;
use super::excerpt::{Excerpt, excerpts};

/// All of them, and how many there are.
pub(crate) fn render(diagnostics: &Diagnostics, width: usize) -> String {
    let renderer = Renderer::styled().term_width(width);
    let mut text = String::new();
    for one in diagnostics {
        text.push_str(&renderer.render(&[group(one)]));
        text.push_str("\n\n");
    }
    text.push_str(&count(diagnostics));
    text.push('\n');
    text
}

/// Such as `3 errors, 1 warning`.
pub(crate) fn count(diagnostics: &Diagnostics) -> String {
    let errors = diagnostics.iter().filter(|one| one.severity == Severity::Error).count();
    let counts = [(errors, "error"), (diagnostics.len() - errors, "warning")];
    let counts = counts.into_iter().filter(|(number, _)| *number > 0);
    counts.map(|(number, noun)| counted(number, noun)).collect::<Vec<_>>().join(", ")
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    for excerpt in excerpts(&diagnostic.labels) {
        group = group.element(origin(&excerpt)).element(snippet(excerpt));
    }
    group.elements(diagnostic.help.iter().map(|line| Level::HELP.message(line.as_str())))
}

/// The place is told apart from the snippet, whose lines may be cut.
fn origin(excerpt: &Excerpt) -> Origin<'static> {
    Origin::path(excerpt.source.name().to_owned())
        .line(excerpt.position.line as usize)
        .char_column(excerpt.position.column as usize)
}

fn snippet(excerpt: Excerpt) -> Snippet<'static, annotate_snippets::Annotation<'static>> {
    let marks = excerpt.marks.into_iter().map(|mark| {
        let kind = if mark.main { AnnotationKind::Primary } else { AnnotationKind::Context };
        kind.span(mark.range).label((!mark.text.is_empty()).then_some(mark.text))
    });
    Snippet::source(excerpt.text).line_start(excerpt.first_line).fold(false).annotations(marks)
}

#[cfg(test)]
#[path = "diagnostic_tests.rs"]
mod tests;
