//! What config files say about plugins that there are none of.

use super::Settings;
use crate::config::{ConfigFile, Entry};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::registry::Registry;

/// Warns of plugins that are named in config files, not known, and called nearly like one that is: what is meant for that one
/// has no effect. Of other names nothing is said: several programs may share a file.
pub(super) fn unknown_plugins(settings: &Settings, registry: &Registry) -> Diagnostics {
    let files = [&settings.workspace_config, &settings.user_config];
    files.into_iter().flatten().flat_map(|file| of_file(file, registry)).collect()
}

fn of_file(file: &ConfigFile, registry: &Registry) -> Vec<Diagnostic> {
    let types: Vec<&str> = registry.workflow_types().map(|one| one.name()).collect();
    let steps: Vec<&str> = registry.steps().map(|one| one.name()).collect();
    let adapters: Vec<&str> = registry.adapters().map(|one| one.name()).collect();
    let warning = |what: &str, entry: &Entry<'_>, known: &[&str]| {
        let message = format!("there is no {what} `{}` in this program, so this has no effect", entry.name);
        let warning = Diagnostic::error("vwmp::unknown-plugin", message);
        let warning = warning.at(file.document().source(), entry.span, "");
        let warning = warning.nearest(entry.name, known.iter().copied());
        (!warning.help.is_empty()).then_some(Diagnostic { severity: Severity::Warning, ..warning })
    };
    let mut found = Vec::new();
    let unknown = |entry: &Entry<'_>| registry.workflow_type(entry.name).is_none();
    found.extend(
        file.workflow_types().filter(unknown).filter_map(|one| warning("workflow type", &one, &types)),
    );
    let unknown =
        |entry: &Entry<'_>| registry.step(entry.name).is_none() && registry.composite(entry.name).is_none();
    found.extend(file.step_handlers().filter(unknown).filter_map(|one| warning("handler", &one, &steps)));
    let unknown = |entry: &Entry<'_>| {
        registry.adapter(entry.name).is_none()
            || entry.name.ends_with('@')
            || entry.name.matches('@').count() > 1
    };
    found.extend(
        file.integration_adapters().filter(unknown).filter_map(|one| warning("adapter", &one, &adapters)),
    );
    found
}
