//! Continuous integration: who runs the program, and what it understands.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

use vwmp_core::diagnostic::{Diagnostic, Diagnostics, Severity};
use vwmp_core::document::{Document, NodeRef};
use vwmp_core::run::{Report, StepStatus};
use vwmp_core::source::Source;

/// A service whose logs have sections of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// GitHub Actions, and what behaves like it.
    GitHub,
    /// GitLab CI.
    GitLab,
}

/// The service that says, in the environment, that it runs this.
pub(crate) fn service(environment: &BTreeMap<String, String>) -> Option<Service> {
    let is = |name: &str| environment.get(name).is_some_and(|value| value == "true");
    if is("GITHUB_ACTIONS") {
        Some(Service::GitHub)
    } else if is("GITLAB_CI") {
        Some(Service::GitLab)
    } else {
        None
    }
}

/// A word that no step can guess: GitHub takes no commands until it is said.
pub(crate) fn token() -> String {
    format!("vwmp-{:016x}", RandomState::new().hash_one(0))
}

/// Findings as GitHub shows them beside the lines they are about.
pub(crate) fn findings(diagnostics: &Diagnostics) -> String {
    diagnostics.iter().map(finding).collect()
}

/// The steps that failed, at the lines that they are written in.
pub(crate) fn failures(report: &Report, file: &Path, source: &str) -> String {
    let lines = step_lines(source);
    let failed = report.steps().filter(|step| {
        matches!(
            step.status,
            StepStatus::Failed | StepStatus::TimedOut | StepStatus::Lost | StepStatus::Tolerated
        )
    });
    let told = failed.map(|step| {
        let level = if step.status == StepStatus::Tolerated { "warning" } else { "error" };
        // A step that is inherited is not in this file.
        let line = lines.get(step.id).map(|line| format!(",line={line}")).unwrap_or_default();
        let message = step.error.as_ref().map_or("failed", |error| &error.message);
        let file = property(&file.display().to_string());
        format!(
            "::{level} file={file}{line},title={}::{}\n",
            property(&format!("step {}", step.id)),
            data(message)
        )
    });
    told.collect()
}

fn finding(one: &Diagnostic) -> String {
    let level = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    // A template is no file that the service could show.
    let in_file = one.labels.first().filter(|label| !label.source.name().starts_with("template `"));
    let place = in_file.map(|label| {
        let at = label.position();
        format!("file={},line={},col={},", property(label.source.name()), at.line, at.column)
    });
    let text = std::iter::once(&one.message).chain(&one.help).cloned().collect::<Vec<_>>().join("\n");
    format!("::{level} {}title={}::{}\n", place.unwrap_or_default(), property(&one.code), data(&text))
}

/// The line of each step by its id.
fn step_lines(text: &str) -> BTreeMap<String, u32> {
    let Ok(document) = Document::parse(std::sync::Arc::new(Source::new("", text))) else {
        return BTreeMap::new();
    };
    let root = document.root();
    let steps = ["steps", "finally"].iter().filter_map(|key| root.get(key)).flat_map(NodeRef::items);
    let lines = steps.enumerate().map(|(number, step)| {
        let id = step.get("id").and_then(NodeRef::as_str);
        let id = id.map_or_else(|| format!("step-{}", number + 1), str::to_owned);
        (id, document.source().position(step.span().start).line)
    });
    lines.collect()
}

/// Text behind `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text between commas.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vwmp_core::source::Span;

    use super::*;

    #[test]
    fn findings_have_a_place() {
        let source = Arc::new(Source::new("a,b.yaml", "name: w\nx: 1\n"));
        let one = Diagnostic::error("vwmp::unknown-key", "no key `x`")
            .at(&source, Span::new(8, 9), "")
            .help("100%");
        assert_eq!(
            findings(&one.into()),
            "::error file=a%2Cb.yaml,line=2,col=1,title=vwmp%3A%3Aunknown-key::no key `x`%0A100%25\n"
        );
        let template = Arc::new(Source::new("template `A` of type `b`", "name: w\n"));
        let one = Diagnostic::error("vwmp::missing-parameter", "no").at(&template, Span::new(0, 1), "");
        assert_eq!(findings(&one.into()), "::error title=vwmp%3A%3Amissing-parameter::no\n");
    }

    #[test]
    fn services_say_who_they_are() {
        let with = |name: &str, value: &str| service(&BTreeMap::from([(name.to_owned(), value.to_owned())]));
        assert_eq!(with("GITHUB_ACTIONS", "true"), Some(Service::GitHub));
        assert_eq!(with("GITLAB_CI", "true"), Some(Service::GitLab));
        assert_eq!(with("GITLAB_CI", "false"), None);
    }
}
