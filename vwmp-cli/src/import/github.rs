//! GitHub Actions workflows: jobs become chains of steps.

mod expression;
mod scope;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use vwmp_core::diagnostic::Diagnostic;
use vwmp_core::document::{Kind, NodeRef};

use self::expression::Kind as Gives;
use self::scope::{Env, Scope};
use super::draft::{Draft, NEVER, Step, Work};
use super::words;
use super::{line, no_such, scalar, texts};

/// Reads a workflow.
pub(super) fn read(root: NodeRef<'_>, name: &str, only: Option<&str>) -> Result<Draft, Diagnostic> {
    let jobs = root.get("jobs").filter(|jobs| jobs.kind() == Kind::Map);
    let Some(jobs) = jobs else {
        let problem = Diagnostic::error("vwmp::no-jobs", "the workflow has no `jobs`");
        return Err(problem.at(root.source(), root.span(), ""));
    };
    if let Some(only) = only
        && jobs.get(only).is_none()
    {
        return Err(no_such("job", only, jobs));
    }
    let title = root.get("name").and_then(scalar).unwrap_or_else(|| name.to_owned());
    let wanted = wanted(jobs, only);
    let mut reader =
        Reader { root, jobs, draft: Draft::new(&title), inputs: HashMap::new(), ids: HashMap::new() };
    reader.triggers();
    reader.leave(root, &["permissions", "concurrency", "run-name"]);
    reader.name_steps(&wanted);
    for (name, job) in jobs.entries().filter(|(key, _)| wanted.iter().any(|one| one == key.text)) {
        reader.job(name.text, job);
    }
    Ok(reader.draft)
}

/// The jobs to read: all, or one with what it needs.
fn wanted(jobs: NodeRef<'_>, only: Option<&str>) -> Vec<String> {
    let Some(only) = only else { return jobs.entries().map(|(key, _)| key.text.to_owned()).collect() };
    let mut wanted = vec![only.to_owned()];
    let mut next = 0;
    while next < wanted.len() {
        for need in texts(jobs.get(&wanted[next]).and_then(|job| job.get("needs"))) {
            if !wanted.contains(&need) {
                wanted.push(need);
            }
        }
        next += 1;
    }
    wanted
}

pub(super) struct Reader<'d> {
    root: NodeRef<'d>,
    jobs: NodeRef<'d>,
    draft: Draft,
    /// The inputs, with what they give.
    inputs: HashMap<String, Gives>,
    /// The ids of each job's steps, in their order.
    ids: HashMap<String, Vec<String>>,
}

impl Reader<'_> {
    /// Notes keys that mean nothing here.
    fn leave(&mut self, place: NodeRef<'_>, keys: &[&str]) {
        for (key, value) in place.entries().filter(|(key, _)| keys.contains(&key.text)) {
            self.draft.note(line(value), format!("`{}`", key.text));
        }
    }

    fn triggers(&mut self) {
        let Some(on) = self.root.get("on").or_else(|| self.root.get("true")) else { return };
        let names: Vec<String> = match on.kind() {
            Kind::Map => on.entries().map(|(key, _)| key.text.to_owned()).collect(),
            _ => texts(Some(on)),
        };
        let others: Vec<String> = names.into_iter().filter(|name| !name.starts_with("workflow_")).collect();
        if !others.is_empty() {
            self.draft.note(line(on), format!("triggers: {}", others.join(", ")));
        }
        for event in ["workflow_dispatch", "workflow_call"] {
            let inputs = on.get(event).and_then(|event| event.get("inputs"));
            for (name, input) in inputs.into_iter().flat_map(NodeRef::entries) {
                self.input(name.text, input);
            }
        }
    }

    fn input(&mut self, name: &str, input: NodeRef<'_>) {
        let kind = input.get("type").and_then(NodeRef::as_str).unwrap_or("string");
        let (kind, gives) = match kind {
            "boolean" => ("boolean", Gives::Bool),
            "number" => ("number", Gives::Other),
            _ => ("string", Gives::Text),
        };
        let mut parameter = json!({ "type": kind });
        if let Some(description) = input.get("description").and_then(scalar) {
            parameter["description"] = description.into();
        }
        let options = texts(input.get("options"));
        if !options.is_empty() {
            parameter["enum"] = options.into();
        }
        match input.get("default") {
            Some(default) if kind == "string" => {
                parameter["default"] = scalar(default).unwrap_or_default().into();
            }
            Some(default) if scalar(default).is_some_and(|text| text.contains("${{")) => {
                self.draft.note(line(default), format!("the default of the input `{name}`"));
            }
            Some(default) => parameter["default"] = default.to_json(),
            None if input.get("required").is_some_and(|one| one.kind() == Kind::Bool(true)) => {
                parameter["required"] = true.into();
            }
            None if kind == "boolean" => parameter["default"] = false.into(),
            None if kind == "string" && parameter["enum"].is_null() => parameter["default"] = "".into(),
            None => {}
        }
        self.inputs.insert(name.to_owned(), gives);
        self.draft.parameters.insert(words::name(name), parameter);
    }

    /// Gives every step its id, so that steps can be named before they are read.
    fn name_steps(&mut self, wanted: &[String]) {
        for name in wanted {
            let Some(job) = self.jobs.get(name) else { continue };
            let steps: Vec<NodeRef<'_>> = job.get("steps").into_iter().flat_map(NodeRef::items).collect();
            let ids = steps.iter().enumerate().map(|(number, step)| {
                let own = ["id", "name"].iter().find_map(|key| step.get(key)).and_then(scalar);
                let own =
                    own.filter(|text| !text.contains("${{")).unwrap_or_else(|| (number + 1).to_string());
                self.draft.ids.free(&format!("{name}-{own}").to_lowercase())
            });
            let mut ids: Vec<String> = ids.collect();
            if ids.is_empty() {
                ids.push(self.draft.ids.free(name));
            }
            self.ids.insert(name.clone(), ids);
        }
    }

    fn job(&mut self, name: &str, job: NodeRef<'_>) {
        self.leave(job, &["permissions", "concurrency", "container", "services", "environment", "secrets"]);
        if let Some(runner) = job.get("runs-on") {
            let runner = scalar(runner).unwrap_or_else(|| runner.to_json().to_string());
            if !runner.contains("ubuntu") && !runner.contains("linux") && !runner.contains("${{") {
                self.draft.note(line(job), format!("`runs-on: {runner}`: steps run on this machine"));
            }
        }
        let matrix = self.matrix(job);
        let mut env = self.env(name, &matrix, &Env::new(), self.root);
        env.extend(self.env(name, &matrix, &env, job));
        let needs: Vec<String> = texts(job.get("needs"));
        let needs = needs.iter().filter_map(|need| self.ids.get(need)?.last().cloned()).collect();
        let ids = self.ids.get(name).cloned().unwrap_or_default();
        let condition = self.condition(job, name, &matrix, &env);
        let before = Before { name, matrix: &matrix, env: &env, condition, job };
        let Some(steps) = job.get("steps") else {
            let uses = job.get("uses").and_then(scalar).unwrap_or_default();
            self.draft.note(line(job), format!("job `{name}` uses {uses}"));
            let name = Some(format!("not carried over: uses {uses}"));
            self.draft.steps.push(Step {
                id: ids[0].clone(),
                name,
                line: line(job),
                needs,
                ..Step::default()
            });
            return;
        };
        let mut needs: Vec<String> = needs;
        for (step, id) in steps.items().zip(ids) {
            let step = self.step(&before, step, id, needs);
            needs = vec![step.id.clone()];
            self.draft.steps.push(step);
        }
    }

    /// One combination of the matrix: the first.
    fn matrix(&mut self, job: NodeRef<'_>) -> BTreeMap<String, String> {
        let Some(matrix) = job.get("strategy").and_then(|strategy| strategy.get("matrix")) else {
            return BTreeMap::new();
        };
        let mut first: BTreeMap<String, String> = BTreeMap::new();
        for (key, values) in matrix.entries().filter(|(key, _)| !matches!(key.text, "include" | "exclude")) {
            if let Some(value) = values.items().next() {
                spread(&mut first, key.text, value);
            }
        }
        for (key, value) in
            matrix.get("include").and_then(|list| list.items().next()).iter().flat_map(|one| one.entries())
        {
            if !first.contains_key(key.text) {
                spread(&mut first, key.text, value);
            }
        }
        first.retain(|_, value| !value.contains("${{"));
        let shown: Vec<String> = first.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let shown = if shown.is_empty() { "none is known".to_owned() } else { shown.join(", ") };
        self.draft.note(line(matrix), format!("`matrix`: one combination alone is run ({shown})"));
        first
    }

    fn env(&mut self, job: &str, matrix: &BTreeMap<String, String>, known: &Env, place: NodeRef<'_>) -> Env {
        let mut env = Env::new();
        for (key, value) in place.get("env").into_iter().flat_map(NodeRef::entries) {
            let text = scalar(value).unwrap_or_default();
            match self.scope(job, matrix, known).text(&text) {
                Ok(text) => drop(env.insert(key.text.to_owned(), text)),
                Err(why) => self.draft.note(line(value), format!("the variable `{}`: {why}", key.text)),
            }
        }
        env
    }

    fn scope<'s>(
        &'s mut self,
        job: &'s str,
        matrix: &'s BTreeMap<String, String>,
        env: &'s Env,
    ) -> Scope<'s> {
        Scope {
            draft: &mut self.draft,
            inputs: &self.inputs,
            ids: &self.ids,
            jobs: self.jobs,
            job,
            matrix,
            env,
            depth: 0,
        }
    }

    /// The condition of a job or a step.
    fn condition(
        &mut self,
        place: NodeRef<'_>,
        job: &str,
        matrix: &BTreeMap<String, String>,
        env: &Env,
    ) -> Option<String> {
        let node = place.get("if")?;
        let text = scalar(node)?;
        let inner = text.trim();
        let inner = inner.strip_prefix("${{").and_then(|text| text.strip_suffix("}}")).unwrap_or(inner);
        match expression::translate(inner, &mut self.scope(job, matrix, env)) {
            Ok(read) => Some(read.truth().text),
            Err(why) => {
                self.draft.note(line(node), format!("the condition `{inner}`, so that it never runs: {why}"));
                Some(NEVER.to_owned())
            }
        }
    }

    fn step(&mut self, before: &Before<'_>, node: NodeRef<'_>, id: String, needs: Vec<String>) -> Step {
        let Before { name, matrix, env, condition, job } = before;
        let mut env = (*env).clone();
        env.extend(self.env(name, matrix, &env.clone(), node));
        let own = self.condition(node, name, matrix, &env);
        let when = match (condition, own) {
            (Some(never), _) if never == NEVER => Some(NEVER.to_owned()),
            (Some(one), Some(other)) => Some(format!("{one} && {other}")),
            (one, other) => other.or_else(|| one.clone()),
        };
        let minutes = node.get("timeout-minutes").and_then(scalar);
        let tolerated = |place: NodeRef<'_>| {
            place.get("continue-on-error").is_some_and(|one| one.kind() == Kind::Bool(true))
        };
        let mut step = Step {
            id,
            name: node.get("name").and_then(scalar).filter(|text| !text.contains("${{")),
            line: line(node),
            needs,
            when,
            tolerated: tolerated(node) || tolerated(*job),
            timeout: minutes
                .filter(|text| text.parse::<u32>().is_ok_and(|number| number > 0))
                .map(|text| text + "m"),
            ..Step::default()
        };
        match (node.get("run").and_then(scalar), node.get("uses").and_then(scalar)) {
            (Some(script), _) => match self.shell(before, node, &script, &env) {
                Ok(config) => step.work = Work::Shell(config),
                Err(why) => self.draft.note(step.line, format!("step `{}`: {why}", step.id)),
            },
            (None, Some(uses)) if uses.starts_with("actions/checkout@") => {
                step.name = Some("the files are in the workspace already".to_owned());
            }
            (None, uses) => {
                let uses = uses.unwrap_or_else(|| "nothing".to_owned());
                self.draft.note(step.line, format!("step `{}` uses {uses}", step.id));
                step.name = Some(format!("not carried over: uses {uses}"));
            }
        }
        step
    }

    /// The config of `shell.run`.
    fn shell(
        &mut self,
        before: &Before<'_>,
        node: NodeRef<'_>,
        script: &str,
        env: &Env,
    ) -> Result<Map<String, Value>, String> {
        let Before { name, matrix, job, .. } = before;
        let default = |key: &str| {
            let places = [Some(node), default_run(*job), default_run(self.root)];
            places.into_iter().flatten().find_map(|place| place.get(key)).and_then(scalar)
        };
        let (shell, folder) = (default("shell"), default("working-directory"));
        let mut scope = self.scope(name, matrix, env);
        let run = scope.text(script)?;
        let folder = folder.map(|folder| scope.text(&folder)).transpose()?;
        let mut env: Map<String, Value> =
            env.iter().map(|(key, text)| (key.clone(), text.as_str().into())).collect();
        let run = self.files(&run, node, &mut env);
        let shell = shell.as_deref().and_then(|shell| shell.split(' ').next()).unwrap_or("bash");
        let mut config = Map::from_iter([("run".to_owned(), run.into()), ("shell".to_owned(), shell.into())]);
        config.extend((!env.is_empty()).then(|| ("env".to_owned(), env.into())));
        config.extend(folder.map(|folder| ("workdir".to_owned(), folder.trim_start_matches("./").into())));
        Ok(config)
    }

    /// The files that a script writes for the service.
    fn files(&mut self, run: &str, node: NodeRef<'_>, env: &mut Map<String, Value>) -> String {
        for (name, what) in [
            ("GITHUB_ENV", "variables for later steps"),
            ("GITHUB_PATH", "folders for later steps' PATH"),
            ("GITHUB_STEP_SUMMARY", "the summary"),
        ] {
            if run.contains(name) {
                self.draft.note(line(node), format!("{what}, written to ${name}"));
                env.insert(name.to_owned(), "/dev/null".into());
            }
        }
        run.replace("GITHUB_OUTPUT", "VWMP_OUTPUT")
    }
}

/// What a step has of its job.
struct Before<'j> {
    name: &'j str,
    matrix: &'j BTreeMap<String, String>,
    env: &'j Env,
    condition: Option<String>,
    job: NodeRef<'j>,
}

/// A value of a matrix; those of a mapping by their paths, such as `job.target`.
fn spread(values: &mut BTreeMap<String, String>, name: &str, value: NodeRef<'_>) {
    match scalar(value) {
        Some(text) => drop(values.insert(name.to_owned(), text)),
        None => {
            value.entries().for_each(|(key, value)| spread(values, &format!("{name}.{}", key.text), value));
        }
    }
}

fn default_run(place: NodeRef<'_>) -> Option<NodeRef<'_>> {
    place.get("defaults")?.get("run")
}
