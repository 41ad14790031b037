//! What names such as `matrix.os` and `steps.a.outputs.b` mean in one job.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use vwmp_core::document::NodeRef;

use super::super::draft::Draft;
use super::super::scalar;
use super::super::words::{self, literal};
use super::expression::{Expression, Kind, Names, translate};

/// Variables with their values as text of ours.
pub(super) type Env = BTreeMap<String, String>;

/// What names mean in one job.
pub(super) struct Scope<'s> {
    pub(super) draft: &'s mut Draft,
    pub(super) inputs: &'s HashMap<String, Kind>,
    pub(super) ids: &'s HashMap<String, Vec<String>>,
    pub(super) jobs: NodeRef<'s>,
    pub(super) job: &'s str,
    pub(super) matrix: &'s BTreeMap<String, String>,
    pub(super) env: &'s Env,
    /// How many outputs of jobs led here.
    pub(super) depth: usize,
}

/// What the service tells about itself; each is a variable of the environment.
const GITHUB: [&str; 22] = [
    "action",
    "actor",
    "api_url",
    "base_ref",
    "event_name",
    "head_ref",
    "job",
    "ref",
    "ref_name",
    "ref_type",
    "repository",
    "repository_owner",
    "run_attempt",
    "run_id",
    "run_number",
    "server_url",
    "sha",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "repository_id",
    "graphql_url",
];

impl Scope<'_> {
    /// Text with every `${{ … }}` in it translated.
    pub(super) fn text(&mut self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${{") {
            let end = rest[at..].find("}}").ok_or("an expression without its `}}`")? + at;
            out.push_str(&literal(&rest[..at]));
            let inner = rest[at + 3..end].trim();
            match inner.strip_prefix("env.").and_then(|name| self.env.get(name)) {
                // Text inside text, as it was.
                Some(value) => out.push_str(value),
                None => out.push_str(&translate(inner, self)?.value()),
            }
            rest = &rest[end + 2..];
        }
        out.push_str(&literal(rest));
        Ok(out)
    }

    /// A value that is looked up in the config, where people can set it.
    fn configured(&mut self, group: &str, name: &str, value: Value) -> Expression {
        let group_of = self.draft.config.entry(group).or_insert_with(|| json!({}));
        if let Value::Object(entries) = group_of {
            entries.entry(name).or_insert(value);
        }
        Expression::path(&["config", group, name], Kind::Text)
    }

    fn input(&self, name: &str) -> Result<Expression, String> {
        let kind =
            *self.inputs.get(name).ok_or_else(|| format!("the input `{name}`, which is not declared"))?;
        Ok(Expression::path(&["parameters", &words::name(name)], kind))
    }

    fn variable(&mut self, name: &str) -> Result<Expression, String> {
        let Some(text) = self.env.get(name) else {
            return Ok(Expression::path(&["env", name], Kind::Text));
        };
        let value = text.strip_prefix("$<").and_then(|text| text.strip_suffix('>'));
        match value {
            None if !text.contains("$<") => {
                Ok(Expression::new(Value::from(text.as_str()).to_string(), Kind::Text))
            }
            Some(value) if !value.contains("$<") => match value.strip_suffix(" ?? \"\"") {
                Some(path) => Ok(Expression { text: path.to_owned(), kind: Kind::Text, is_path: true }),
                None => Ok(Expression::new(value, Kind::Text)),
            },
            _ => Err(format!("the variable `{name}` in an expression")),
        }
    }

    fn output(&self, step: &str, name: &str) -> Result<Expression, String> {
        let unknown = || format!("the output of `{step}`");
        let steps = self.jobs.get(self.job).and_then(|job| job.get("steps")).ok_or_else(unknown)?;
        let (number, node) = steps
            .items()
            .enumerate()
            .find(|(_, one)| one.get("id").and_then(scalar).is_some_and(|id| id == step))
            .ok_or_else(unknown)?;
        if node.get("run").is_none() {
            let uses = node.get("uses").and_then(scalar).unwrap_or_default();
            return Err(format!("the output `{name}` of {uses}"));
        }
        let id = self.ids.get(self.job).and_then(|ids| ids.get(number)).ok_or_else(unknown)?;
        Ok(Expression::path(&["step_outputs", id, name], Kind::Text))
    }

    /// An output of a job that this one needs, by what that job says it is.
    fn job_output(&mut self, job: &str, name: &str) -> Result<Expression, String> {
        let unknown = || format!("the output `{name}` of the job `{job}`");
        let output = self.jobs.get(job).and_then(|job| job.get("outputs")?.get(name)).and_then(scalar);
        let text = output.ok_or_else(unknown)?;
        let inner =
            text.trim().strip_prefix("${{").and_then(|text| text.strip_suffix("}}")).ok_or_else(unknown)?;
        if self.depth > 8 || inner.contains("${{") {
            return Err(unknown());
        }
        let mut theirs = Scope {
            draft: self.draft,
            inputs: self.inputs,
            ids: self.ids,
            jobs: self.jobs,
            job,
            matrix: self.matrix,
            env: self.env,
            depth: self.depth + 1,
        };
        translate(inner, &mut theirs)
    }
}

impl Names for Scope<'_> {
    fn resolve(&mut self, segments: &[String]) -> Result<Expression, String> {
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["inputs", name] | ["github", "event", "inputs", name] => self.input(name),
            ["env", name] => self.variable(name),
            ["secrets", name] => Ok(Expression::path(&["secrets", name], Kind::Text)),
            ["github", "token"] => Ok(Expression::path(&["secrets", "GITHUB_TOKEN"], Kind::Text)),
            ["vars", name] => Ok(self.configured("vars", name, "".into())),
            ["matrix", names @ ..] if !self.matrix.is_empty() => {
                Ok(match self.matrix.get(&names.join(".")) {
                    Some(value) => {
                        let name = format!("{}-{}", self.job, names.join("-"));
                        self.configured("matrix", &name, value.as_str().into())
                    }
                    // What another combination has is empty in this one.
                    None => Expression::new("\"\"", Kind::Text),
                })
            }
            ["github", "workspace"] => Ok(Expression::path(&["run", "workspace"], Kind::Text)),
            ["github", name] if GITHUB.contains(name) => {
                let value = format!("$<env.GITHUB_{} ?? \"\">", name.to_uppercase());
                Ok(self.configured("github", name, value.into()))
            }
            ["runner", name @ ("os" | "arch" | "temp" | "name")] => {
                let default = match *name {
                    "os" => "Linux",
                    "temp" => "/tmp",
                    _ => "",
                };
                let value = format!("$<env.RUNNER_{} ?? \"{default}\">", name.to_uppercase());
                Ok(self.configured("runner", name, value.into()))
            }
            ["steps", step, "outputs", name] => self.output(step, name),
            ["needs", job, "outputs", name] => self.job_output(job, name),
            other => Err(format!("the value `{}`", other.join("."))),
        }
    }
}
