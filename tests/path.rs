//! The whole path from a text to a finished run, as a program would go it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::document::Document;
use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::run::{Engine, Report};
use vwmp_core::source::Source;
use vwmp_core::workflow::{Inputs, Loader, NoFiles, Settings, Workflow};

/// A workflow without config files, checked; there may be warnings.
pub(crate) fn checked(text: impl Into<String>, registry: &Registry) -> Result<Workflow, Diagnostics> {
    checked_with(text, registry, &NoFiles)
}

/// The same, with what steps call.
pub(crate) fn checked_with(
    text: impl Into<String>,
    registry: &Registry,
    loader: &dyn Loader,
) -> Result<Workflow, Diagnostics> {
    let document = Document::parse(Arc::new(Source::new("workflow.yaml", text)))?;
    let settings = Settings { environment: Arc::new(environment()), ..Settings::default() };
    Workflow::check(Arc::new(document), registry, &settings, loader).map(|(workflow, _)| workflow)
}

/// The same with its parameters bound.
pub(crate) fn planned(
    text: impl Into<String>,
    registry: &Registry,
    workspace: &Path,
    parameters: &[(&str, Value)],
) -> Result<Arc<Plan>, Diagnostics> {
    let parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (value.clone(), "given".to_owned())));
    let inputs = Inputs { parameters: parameters.collect(), ..Inputs::new(workspace) };
    checked(text, registry)?.plan(inputs).map(Arc::new)
}

/// A run to its end.
pub(crate) async fn ran(plan: Arc<Plan>) -> Report {
    Engine::builder(Registry::default()).start(plan).finish().await.unwrap()
}

/// `id status attempts: error`, a line a step.
pub(crate) fn summary(report: &Report) -> Vec<String> {
    let line = |step: vwmp_core::run::StepReport<'_>| {
        let error = step.error.map(|error| format!(": {}", error.message)).unwrap_or_default();
        format!("{} {} {}{error}", step.id, step.status.name(), step.attempts)
    };
    report.steps().map(line).collect()
}

/// What programs of a run see: where programs are, and who commits.
pub(crate) fn environment() -> BTreeMap<String, String> {
    let path = std::env::var("PATH").unwrap();
    let fixed = [
        ("PATH", path.as_str()),
        ("HOME", "/nonexistent"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@example.org"),
        ("GIT_COMMITTER_NAME", "Ada"),
        ("GIT_COMMITTER_EMAIL", "ada@example.org"),
    ];
    fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
