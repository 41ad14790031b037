//! Taskfiles of go-task: tasks become steps, one for each command.

mod template;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use vwmp_core::diagnostic::Diagnostic;
use vwmp_core::document::{Kind, NodeRef};

use self::template::Variables;
use super::draft::{Draft, Step, Work};
use super::{line, no_such, scalar, texts, words};

/// Reads a Taskfile: one task with what it calls, that of the name `default`, or all.
pub(super) fn read(root: NodeRef<'_>, name: &str, only: Option<&str>) -> Result<Draft, Diagnostic> {
    let Some(tasks) = root.get("tasks").filter(|tasks| tasks.kind() == Kind::Map) else {
        let problem = Diagnostic::error("vwmp::no-tasks", "the Taskfile has no `tasks`");
        return Err(problem.at(root.source(), root.span(), ""));
    };
    let wanted: Vec<String> = match only {
        Some(only) if tasks.get(only).is_none() => return Err(no_such("task", only, tasks)),
        Some(only) => vec![only.to_owned()],
        None if tasks.get("default").is_some() => vec!["default".to_owned()],
        None => tasks.entries().map(|(key, _)| key.text.to_owned()).collect(),
    };
    let mut reader = Reader {
        root,
        tasks,
        draft: Draft::new(name),
        globals: BTreeMap::new(),
        done: HashMap::new(),
        open: Vec::new(),
    };
    reader.leave(root, &["includes", "dotenv", "output", "interval", "run", "method"]);
    reader.variables();
    for name in &wanted {
        reader.task(name, &[]);
    }
    if wanted.len() == 1 {
        let left: Vec<&str> =
            tasks.entries().map(|(key, _)| key.text).filter(|key| !reader.done.contains_key(*key)).collect();
        if !left.is_empty() {
            reader
                .draft
                .note(line(tasks), format!("tasks that `{}` does not call: {}", wanted[0], left.join(", ")));
        }
    }
    Ok(reader.draft)
}

struct Reader<'d> {
    root: NodeRef<'d>,
    tasks: NodeRef<'d>,
    draft: Draft,
    /// The variables of the file that are no fixed text, as text of ours.
    globals: BTreeMap<String, String>,
    /// The last steps of each task that was read.
    done: HashMap<String, Vec<String>>,
    /// The tasks that are being read.
    open: Vec<String>,
}

impl<'d> Reader<'d> {
    fn leave(&mut self, place: NodeRef<'_>, keys: &[&str]) {
        for (key, value) in place.entries().filter(|(key, _)| keys.contains(&key.text)) {
            self.draft.note(line(value), format!("`{}`", key.text));
        }
    }

    /// The variables of the file: fixed ones go into the config.
    fn variables(&mut self) {
        let Some(vars) = self.root.get("vars") else { return };
        let mut values = Map::new();
        let fixed = |text: &String| !text.contains("{{");
        for (key, text) in vars.entries().filter_map(|(key, value)| Some((key, scalar(value).filter(fixed)?)))
        {
            values.insert(key.text.to_owned(), words::literal(&text).into());
        }
        if !values.is_empty() {
            self.draft.config.insert("vars".to_owned(), values.into());
        }
        for (key, value) in
            vars.entries().filter(|(_, value)| !scalar(*value).is_some_and(|text| fixed(&text)))
        {
            let mut names = Variables { own: &self.globals, draft: &mut self.draft };
            let read = match (scalar(value), value.get("sh").and_then(scalar)) {
                (Some(text), _) => names.text(&text),
                (None, Some(script)) => {
                    names.text(&script).map(|script| given(names.draft, key.text, value, script))
                }
                (None, None) => Err("a list or a mapping".to_owned()),
            };
            match read {
                Ok(text) => drop(self.globals.insert(key.text.to_owned(), text)),
                Err(why) => self.draft.note(line(value), format!("the variable `{}`: {why}", key.text)),
            }
        }
    }

    /// The steps of a task, after `after`; its last steps.
    fn task(&mut self, name: &str, after: &[String]) -> Vec<String> {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let Some(task) = self.tasks.get(name).filter(|_| !self.open.iter().any(|one| one == name)) else {
            self.draft.note(
                line(self.tasks),
                format!("the task `{name}`, which is not in this file or calls itself"),
            );
            return after.to_vec();
        };
        self.open.push(name.to_owned());
        self.leave(
            task,
            &["sources", "generates", "status", "platforms", "prompt", "preconditions", "dotenv", "for"],
        );
        let mut last = after.to_vec();
        for dependency in task.get("deps").into_iter().flat_map(NodeRef::items) {
            let called = dependency.get("task").and_then(scalar).or_else(|| scalar(dependency));
            self.leave_vars(dependency);
            last.extend(called.map(|called| self.task(&called, after)).unwrap_or_default());
        }
        last.sort();
        last.dedup();
        let own = Own::of(self, name, task);
        for (number, command) in commands(task).into_iter().enumerate() {
            last = self.command(&own, number, command, last);
        }
        self.open.pop();
        self.done.insert(name.to_owned(), last.clone());
        last
    }

    fn leave_vars(&mut self, call: NodeRef<'_>) {
        if call.get("vars").is_some() {
            self.draft.note(line(call), "the variables of a call");
        }
    }

    fn command(
        &mut self,
        own: &Own<'_>,
        number: usize,
        node: NodeRef<'_>,
        needs: Vec<String>,
    ) -> Vec<String> {
        if let Some(called) = node.get("task").and_then(scalar) {
            self.leave_vars(node);
            return if called.contains("{{") {
                self.draft.note(line(node), format!("the call of `{called}`"));
                needs
            } else {
                self.task(&called, &needs)
            };
        }
        let id = self.draft.ids.free(&format!("{}-{}", own.name, number + 1));
        let script = node.get("cmd").and_then(scalar).or_else(|| scalar(node));
        let tolerated = [Some(node), Some(own.task)]
            .into_iter()
            .flatten()
            .any(|place| place.get("ignore_error").is_some_and(|one| one.kind() == Kind::Bool(true)));
        let mut step = Step { id, line: line(node), needs, tolerated, ..Step::default() };
        if number == 0 {
            step.name = own.task.get("desc").and_then(scalar).filter(|text| !text.contains("{{"));
        }
        let lost = ["defer", "for"].into_iter().find(|key| node.get(key).is_some());
        match (lost, script) {
            (None, Some(script)) => match own.shell(&mut self.draft, &script) {
                Ok(config) => step.work = Work::Shell(config),
                Err(why) => self.draft.note(step.line, format!("step `{}`: {why}", step.id)),
            },
            (lost, _) => {
                let what = lost.unwrap_or("a command");
                self.draft.note(step.line, format!("step `{}`: `{what}`", step.id));
            }
        }
        if matches!(step.work, Work::Nothing) {
            step.name = Some("not carried over".to_owned());
        }
        let last = vec![step.id.clone()];
        self.draft.steps.push(step);
        last
    }
}

/// A variable that a command gives: a step of its own, whose output it is.
fn given(draft: &mut Draft, name: &str, place: NodeRef<'_>, script: String) -> String {
    let id = draft.ids.free(&format!("var-{name}").to_lowercase());
    let work = Work::Shell(Map::from_iter([("run".to_owned(), script.into())]));
    let value = format!("$<{} ?? \"\">", words::path(&["step_outputs", &id, "stdout"]));
    draft.steps.push(Step { id, line: line(place), work, ..Step::default() });
    value
}

/// What the commands of a task share.
struct Own<'d> {
    name: String,
    task: NodeRef<'d>,
    variables: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
    folder: Option<String>,
}

impl<'d> Own<'d> {
    fn of(reader: &mut Reader<'d>, name: &str, task: NodeRef<'d>) -> Self {
        let mut own = Self {
            name: name.to_owned(),
            task,
            variables: reader.globals.clone(),
            env: BTreeMap::new(),
            folder: None,
        };
        for (key, value) in task.get("vars").into_iter().flat_map(NodeRef::entries) {
            let text = scalar(value).map(|text| own.names(&mut reader.draft).text(&text));
            let command = value.get("sh").and_then(scalar).map(|script| {
                let script = own.names(&mut reader.draft).text(&script)?;
                Ok(given(&mut reader.draft, key.text, value, script))
            });
            match text.or(command) {
                Some(Ok(text)) => drop(own.variables.insert(key.text.to_owned(), text)),
                _ => reader.draft.note(line(value), format!("the variable `{}` of `{name}`", key.text)),
            }
        }
        for variable in texts(task.get("requires").and_then(|requires| requires.get("vars"))) {
            let parameter = json!({ "type": "string", "required": true });
            reader.draft.parameters.insert(words::name(&variable), parameter);
        }
        for place in [reader.root, task] {
            for (key, value) in place.get("env").into_iter().flat_map(NodeRef::entries) {
                match scalar(value).map(|text| own.names(&mut reader.draft).text(&text)) {
                    Some(Ok(text)) => drop(own.env.insert(key.text.to_owned(), text)),
                    _ => reader
                        .draft
                        .note(line(value), format!("the variable `{}` of the environment", key.text)),
                }
            }
        }
        if let Some(folder) = task.get("dir") {
            match scalar(folder).map(|text| own.names(&mut reader.draft).text(&text)) {
                Some(Ok(text)) => own.folder = Some(text),
                _ => reader.draft.note(line(folder), format!("`dir` of `{name}`")),
            }
        }
        own
    }

    fn names<'n>(&'n self, draft: &'n mut Draft) -> Variables<'n> {
        Variables { own: &self.variables, draft }
    }

    fn shell(&self, draft: &mut Draft, script: &str) -> Result<Map<String, Value>, String> {
        let run = self.names(draft).text(script)?;
        let mut config = Map::from_iter([("run".to_owned(), Value::from(run))]);
        if !self.env.is_empty() {
            config.insert("env".to_owned(), json!(self.env));
        }
        if let Some(folder) = self.folder.as_deref().map(|folder| folder.trim_start_matches("./"))
            && !folder.is_empty()
        {
            config.insert("workdir".to_owned(), folder.into());
        }
        Ok(config)
    }
}

fn commands(task: NodeRef<'_>) -> Vec<NodeRef<'_>> {
    match task.kind() {
        Kind::Str(_) => vec![task],
        Kind::Seq => task.items().collect(),
        _ => match task.get("cmds").or_else(|| task.get("cmd")) {
            Some(list) if list.kind() == Kind::Seq => list.items().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        },
    }
}
