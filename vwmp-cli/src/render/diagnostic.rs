//! Diagnostics with the lines they are about. The only renderer of diagnostics.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use vwmp_core::diagnostic::{Diagnostic, Diagnostics, Severity};

use super::counted;
use super::excerpt::{Excerpt, excerpts};

/// How many are shown: nobody reads more.
const MOST: usize = 200;

/// The first of them, and how many there are.
pub(crate) fn render(diagnostics: &Diagnostics, width: usize) -> String {
    let renderer = Renderer::styled().term_width(width);
    let mut text = String::new();
    for one in diagnostics.iter().take(MOST) {
        text.push_str(&rendered(one, &renderer));
        text.push_str("\n\n");
    }
    if let Some(more) = diagnostics.len().checked_sub(MOST).filter(|more| *more > 0) {
        text.push_str(&format!("… and {more} more; the first {MOST} are shown\n\n"));
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

fn rendered(diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let excerpts = excerpts(&diagnostic.labels);
    let text = renderer.render(&[group(diagnostic, &excerpts)]);
    // The renderer counts columns in the excerpt, where a long line has lost its beginning.
    excerpts
        .iter()
        .filter_map(Excerpt::misplaced)
        .fold(text, |text, (shown, true_place)| text.replacen(&shown, &true_place, 1))
}

fn group<'a>(diagnostic: &'a Diagnostic, excerpts: &'a [Excerpt]) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str());
    Group::with_title(title)
        .elements(excerpts.iter().map(snippet))
        .elements(diagnostic.help.iter().map(|line| Level::HELP.message(line.as_str())))
}

fn snippet(excerpt: &Excerpt) -> Snippet<'_, Annotation<'_>> {
    let marks = excerpt.marks.iter().map(|mark| {
        let kind = if mark.main { AnnotationKind::Primary } else { AnnotationKind::Context };
        kind.span(mark.range.clone()).label((!mark.text.is_empty()).then_some(mark.text.as_str()))
    });
    Snippet::source(&*excerpt.text)
        .path(excerpt.source.name())
        .line_start(excerpt.first_line)
        .fold(false)
        .annotations(marks)
}

#[cfg(test)]
#[path = "diagnostic_tests.rs"]
mod tests;
