//! The workflow type `release`.

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::workflow_type::{FailurePolicy, WorkflowTypeMetadata};
use vwmp_interfaces::{
    Findings, Place, WorkflowOutline, WorkflowTemplate, WorkflowTypePlugin, WorkspacePath, register,
};

use super::edit::fixed;

const CLEAN: &str = "git.require_clean";
const BUMP: &str = "release.version_bump";
const ENTRY: &str = "release.changelog_create";
const CHANGELOG: &str = "release.changelog_update";
const README: &str = "release.readme_update";
const NOTES: &str = "release.notes";
const VERIFY: &str = "release.verify";
/// Handlers that find out whether a release is any good.
const VALIDATORS: [&str; 3] = [VERIFY, "vwmp.run_validators", "ci_cd.test"];
const STAGE: &str = "git.stage_all";
const COMMIT: &str = "git.commit";
const TAG: &str = "git.create_tag";
const PUSH: &str = "git.push";

/// A release: raise the version, write it down, commit, tag, push, in this order.
#[derive(Debug, Default)]
pub struct Release;

/// What every release has in common. Workflows of this type may have keys of their own beside.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ReleaseConfig {
    /// The file that holds the version, relative to the workspace.
    #[serde(default = "version_file")]
    pub version_file: WorkspacePath,
    /// The folder with one changelog entry for each version.
    #[serde(default = "changelog_dir")]
    pub changelog_dir: WorkspacePath,
    /// The changelog of all versions.
    #[serde(default = "main_changelog")]
    pub main_changelog: WorkspacePath,
    /// What comes before the version in a tag.
    #[serde(default = "tag_prefix")]
    pub tag_prefix: String,
    /// The remote that a release is pushed to.
    #[serde(default = "remote")]
    pub remote: String,
}

impl WorkflowTypePlugin for Release {
    const NAME: &'static str = "release";
    type Config = ReleaseConfig;

    fn metadata() -> WorkflowTypeMetadata {
        WorkflowTypeMetadata {
            title: "Release",
            version: env!("CARGO_PKG_VERSION"),
            description: "Raises the version, writes the changelog, commits, tags and pushes.",
            author: "The VWMP authors",
            icon: "🚀",
        }
    }

    fn templates() -> Vec<WorkflowTemplate> {
        vec![
            WorkflowTemplate {
                name: "Standard Release",
                description: "Version, changelog entry, changelog, commit, annotated tag and push.",
                workflow: include_str!("templates/standard.yaml"),
            },
            WorkflowTemplate {
                name: "Quick Release",
                description: "Version, commit, annotated tag and push, without a changelog.",
                workflow: include_str!("templates/quick.yaml"),
            },
            WorkflowTemplate {
                name: "Monorepo Release",
                description: "One package of a monorepo: version and notes from its commits, its own tags.",
                workflow: include_str!("templates/monorepo.yaml"),
            },
        ]
    }

    fn default_step_types() -> Vec<&'static str> {
        vec![CLEAN, BUMP, ENTRY, CHANGELOG, STAGE, COMMIT, TAG, PUSH]
    }

    /// No release is left half done.
    fn on_failure() -> FailurePolicy {
        FailurePolicy::Rollback
    }

    /// Two releases at a time would stage and tag each other's work.
    fn lock() -> Option<&'static str> {
        Some("release")
    }

    fn validate_workflow(&self, workflow: &WorkflowOutline, findings: &mut Findings) {
        let mut rules = Rules { workflow, findings };
        for writer in [BUMP, ENTRY, CHANGELOG, README] {
            rules.before(writer, STAGE, "would not be staged");
            rules.before(writer, COMMIT, "would be missing in the commit");
        }
        rules.after(STAGE, COMMIT);
        rules.after(COMMIT, TAG);
        rules.after(COMMIT, PUSH);
        rules.after(TAG, PUSH);
        for validator in VALIDATORS {
            rules.each_before(validator, PUSH, "what it finds would come too late");
        }
        rules.each_before(VERIFY, TAG, "the tag it looks for would be there already");
        rules.each_before(NOTES, TAG, "the notes would begin after the new tag, and be empty");
        rules.expected(BUMP, "no-version-bump", "no step raises the version");
        if rules.uses(PUSH) {
            rules.expected(COMMIT, "push-without-commit", "a step pushes, but none commits");
            rules.expected(TAG, "push-without-tag", "a step pushes, but none creates a tag");
        }
    }
}

register!(workflow_type Release);

/// The rules for the order of a release's steps.
struct Rules<'a> {
    workflow: &'a WorkflowOutline,
    findings: &'a mut Findings,
}

impl Rules<'_> {
    /// Each step that uses `writer` must end before a step that uses `next` starts.
    fn before(&mut self, writer: &str, next: &str, else_it: &str) {
        for step in self.workflow.using(writer) {
            let mut nexts = self.workflow.using(next).peekable();
            let Some(&first) = nexts.peek() else { continue };
            if !nexts.any(|next| self.workflow.precedes(step, next)) {
                let (id, next_id) = (self.id(step), self.id(first));
                let message =
                    format!("step `{id}` must end before step `{next_id}` starts: its change {else_it}");
                let help = format!("add `needs: [{id}]` to step `{next_id}`");
                let code = format!("release::{}-before-{}", verb(next), verb(writer));
                self.findings.error(code, Place::Step(step), message).help(help);
            }
        }
    }

    /// Each step that uses `first` must end before every step that uses `then` starts.
    fn each_before(&mut self, first: &str, then: &str, else_it: &str) {
        for step in self.workflow.using(first).filter(|&step| !self.workflow.steps[step].finally) {
            let late = self.workflow.using(then).find(|&then| !self.workflow.precedes(step, then));
            // Notes that say where they begin don't look for the last tag.
            let since = first == NOTES && self.workflow.steps[step].config.get("since").is_some();
            let Some(late) = late.filter(|_| !since) else { continue };
            let (id, late_id) = (self.id(step), self.id(late));
            let message = format!("step `{late_id}` must wait for step `{id}`: {else_it}");
            let help = format!("add `needs: [{id}]` to step `{late_id}`");
            let code = format!("release::{}-before-{}", verb(then), verb(first));
            self.findings.error(code, Place::Step(late), message).help(help);
        }
    }

    /// Each step that uses `then` must wait for one that uses `first`, where there is any.
    fn after(&mut self, first: &str, then: &str) {
        for step in self.workflow.using(then) {
            let mut firsts = self.workflow.using(first).peekable();
            let Some(&one) = firsts.peek() else { continue };
            if !firsts.any(|first| self.workflow.precedes(first, step)) {
                let (id, first_id) = (self.id(step), self.id(one));
                let message =
                    format!("step `{id}` must wait for step `{first_id}`: {}", consequence(first, then));
                let help = format!("add `needs: [{first_id}]` to step `{id}`");
                let code = format!("release::{}-before-{}", verb(then), verb(first));
                self.findings.error(code, Place::Step(step), message).help(help);
            }
        }
    }

    /// A release usually has a step that uses `handler`.
    fn expected(&mut self, handler: &str, code: &str, message: &str) {
        if !self.uses(handler) {
            let findings = self.findings.warning(format!("release::{code}"), Place::Workflow, message);
            findings.help(format!("add a step with `handler: {handler}`"));
        }
    }

    fn uses(&self, handler: &str) -> bool {
        self.workflow.using(handler).next().is_some()
    }

    fn id(&self, step: usize) -> &str {
        &self.workflow.steps[step].id
    }
}

/// What a handler is called in a code.
fn verb(handler: &str) -> &'static str {
    match handler {
        BUMP => "bump",
        ENTRY | CHANGELOG => "changelog",
        README => "readme",
        NOTES => "notes",
        _ if VALIDATORS.contains(&handler) => "validators",
        STAGE => "stage",
        COMMIT => "commit",
        TAG => "tag",
        _ => "push",
    }
}

fn consequence(first: &str, then: &str) -> &'static str {
    match (first, then) {
        (STAGE, _) => "the commit would be empty",
        (_, TAG) => "the tag would point at the commit before the release",
        (TAG, _) => "the tag would not be pushed",
        _ => "the release would not be pushed",
    }
}

fn version_file() -> WorkspacePath {
    fixed("VERSION")
}

fn changelog_dir() -> WorkspacePath {
    fixed("docs/changelog")
}

fn main_changelog() -> WorkspacePath {
    fixed("CHANGELOG.md")
}

fn tag_prefix() -> String {
    "v".to_owned()
}

fn remote() -> String {
    "origin".to_owned()
}

#[cfg(test)]
#[path = "workflow_type_tests.rs"]
mod tests;
