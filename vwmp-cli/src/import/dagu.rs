//! Dagu DAGs: steps with commands, chained unless they say what they depend on.

mod variables;

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use vwmp_core::diagnostic::Diagnostic;
use vwmp_core::document::{Kind, NodeRef};

use self::variables::Variables;
use super::draft::{Draft, Step, Work};
use super::{line, scalar, texts};

/// Reads a DAG.
pub(super) fn read(root: NodeRef<'_>, name: &str) -> Result<Draft, Diagnostic> {
    let Some(steps) = root.get("steps").filter(|steps| matches!(steps.kind(), Kind::Seq | Kind::Map)) else {
        let problem = Diagnostic::error("vwmp::no-steps", "the DAG has no `steps`");
        return Err(problem.at(root.source(), root.span(), ""));
    };
    let title = root.get("name").and_then(scalar).unwrap_or_else(|| name.to_owned());
    let mut reader =
        Reader { root, draft: Draft::new(&title), variables: Variables::default(), ids: HashMap::new() };
    reader.draft.description = root.get("description").and_then(scalar);
    reader.leave();
    reader.settings();
    reader.steps(steps);
    reader.handlers();
    Ok(reader.draft)
}

/// Keys of a DAG that mean something here, or nothing at all.
const READ: [&str; 20] = [
    "name",
    "description",
    "steps",
    "env",
    "params",
    "type",
    "handlerOn",
    "handler_on",
    "timeoutSec",
    "timeout_sec",
    "maxActiveSteps",
    "max_active_steps",
    "tags",
    "labels",
    "group",
    "histRetentionDays",
    "hist_retention_days",
    "working_dir",
    "workingDir",
    "consts",
];

/// Keys of a step of which the same is true.
const READ_IN_STEP: [&str; 27] = [
    "name",
    "id",
    "description",
    "command",
    "run",
    "cmd",
    "script",
    "shell",
    "depends",
    "dir",
    "workingDir",
    "working_dir",
    "env",
    "continueOn",
    "continue_on",
    "retryPolicy",
    "retry_policy",
    "timeoutSec",
    "timeout_sec",
    "output",
    "args",
    "stdout",
    "stderr",
    "logOutput",
    "log_output",
    "with",
    "action",
];

struct Reader<'d> {
    root: NodeRef<'d>,
    draft: Draft,
    variables: Variables,
    /// Ids by the names that the DAG uses.
    ids: HashMap<String, String>,
}

impl Reader<'_> {
    fn leave(&mut self) {
        for (key, value) in self.root.entries().filter(|(key, _)| !READ.contains(&key.text)) {
            self.draft.note(line(value), format!("`{}`", key.text));
        }
    }

    fn settings(&mut self) {
        let root = self.root;
        let seconds = either(root, "timeoutSec", "timeout_sec").and_then(scalar);
        self.draft.timeout =
            seconds.filter(|text| text.parse::<u32>().is_ok_and(|n| n > 0)).map(|text| text + "s");
        let most = either(root, "maxActiveSteps", "max_active_steps").and_then(scalar);
        self.draft.max_parallel = most.and_then(|text| text.parse().ok()).filter(|most| *most > 0);
        if let Some(params) = root.get("params") {
            self.variables.parameters(params, &mut self.draft);
        }
        for (key, value) in pairs(root.get("consts")) {
            self.variables.constant(&key, &value, &mut self.draft);
        }
        for (key, value) in pairs(root.get("env")) {
            match self.variables.value(&value) {
                Ok(value) => self.variables.set(&key, value),
                Err(why) => self.draft.note(line(root), format!("the variable `{key}`: {why}")),
            }
        }
    }

    fn steps(&mut self, steps: NodeRef<'_>) {
        let all: Vec<(Option<&str>, NodeRef<'_>)> = match steps.kind() {
            Kind::Map => steps.entries().map(|(key, step)| (Some(key.text), step)).collect(),
            _ => steps.items().map(|step| (None, step)).collect(),
        };
        let is_chain = match self.root.get("type").and_then(scalar) {
            Some(kind) => kind == "chain",
            // Newer files are chains by default; those with dependencies meant a graph.
            None => steps.kind() == Kind::Seq && !all.iter().any(|(_, step)| step.get("depends").is_some()),
        };
        let named: Vec<(String, NodeRef<'_>)> = all
            .iter()
            .enumerate()
            .map(|(number, (key, step))| (self.name(*key, *step, number), *step))
            .collect();
        let mut before: Vec<String> = Vec::new();
        for (id, node) in named {
            let parts: Vec<NodeRef<'_>> =
                if node.kind() == Kind::Seq { node.items().collect() } else { vec![node] };
            let several = parts.len() > 1;
            let mut ends = Vec::new();
            for part in parts {
                let id = if several { self.draft.ids.free(&id) } else { id.clone() };
                let step = self.step(id, part, if is_chain { before.clone() } else { Vec::new() });
                ends.push(step.id.clone());
                self.draft.steps.push(step);
            }
            before = ends;
        }
    }

    fn name(&mut self, key: Option<&str>, step: NodeRef<'_>, number: usize) -> String {
        let names: Vec<String> =
            ["id", "name"].iter().filter_map(|key| step.get(key)).filter_map(scalar).collect();
        let names: Vec<String> = key.map(str::to_owned).into_iter().chain(names).collect();
        let id = self.draft.ids.free(names.first().map_or(&format!("step-{}", number + 1), |name| name));
        self.ids.extend(names.into_iter().map(|name| (name, id.clone())));
        id
    }

    fn step(&mut self, id: String, node: NodeRef<'_>, before: Vec<String>) -> Step {
        let depends = texts(node.get("depends"));
        let mut needs = before;
        needs.extend(depends.iter().filter_map(|name| self.ids.get(name).cloned()));
        let mut step = Step { id, line: line(node), needs, ..Step::default() };
        step.name = node.get("name").and_then(scalar).filter(|name| *name != step.id);
        let seconds = either(node, "timeoutSec", "timeout_sec").and_then(scalar);
        step.timeout = seconds.filter(|text| text.parse::<u32>().is_ok_and(|n| n > 0)).map(|text| text + "s");
        step.tolerated = is_tolerated(node);
        step.retry = either(node, "retryPolicy", "retry_policy").and_then(retry);
        let strange: Vec<&str> = node
            .entries()
            .map(|(key, _)| key.text)
            .filter(|key| !READ_IN_STEP.contains(key) && !matches!(*key, "preconditions" | "precondition"))
            .collect();
        for key in ["preconditions", "precondition"].iter().filter(|key| node.get(key).is_some()) {
            self.draft.note(step.line, format!("step `{}`: `{key}`, so that it never runs", step.id));
            step.when = Some(super::draft::NEVER.to_owned());
        }
        let config = match strange.as_slice() {
            [] => self.shell(node, &step.id),
            keys => Err(format!("`{}`", keys.join("`, `"))),
        };
        match config {
            Ok(config) => step.work = Work::Shell(config),
            Err(why) => {
                self.draft.note(step.line, format!("step `{}`: {why}", step.id));
                step.name = Some("not carried over".to_owned());
            }
        }
        step
    }

    fn shell(&mut self, node: NodeRef<'_>, id: &str) -> Result<Map<String, Value>, String> {
        if node.get("action").is_some() {
            let action = node.get("action").and_then(scalar).unwrap_or_default();
            return Err(format!("the action `{action}`"));
        }
        let mut variables = self.variables.clone();
        for (key, value) in pairs(node.get("env")) {
            let value = variables.value(&value)?;
            variables.set(&key, value);
        }
        let Command { script, shell } = command(node)?;
        let run = variables.script(&script, &self.ids)?;
        let mut config = Map::from_iter([("run".to_owned(), Value::from(run))]);
        let shell = shell.or_else(|| self.root.get("shell").and_then(scalar));
        if let Some(shell) = shell.as_deref().and_then(|shell| shell.split(' ').next()) {
            config.insert("shell".to_owned(), shell.into());
        }
        let env = variables.used(&script);
        config.extend((!env.is_empty()).then(|| ("env".to_owned(), env.into())));
        let folder = ["dir", "workingDir", "working_dir"]
            .iter()
            .find_map(|key| node.get(key).or_else(|| self.root.get(key)));
        if let Some(folder) = folder.and_then(scalar).filter(|folder| folder != ".") {
            let folder = variables.value(&folder)?;
            config.insert("workdir".to_owned(), folder.trim_start_matches("./").into());
        }
        for key in ["stdout", "stderr"].iter().filter(|key| node.get(key).is_some()) {
            self.draft.note(line(node), format!("step `{id}`: `{key}`, a file for what it writes"));
        }
        if let Some(output) = node.get("output") {
            match scalar(output) {
                Some(name) => self.variables.set_output(name.trim_start_matches('$'), id),
                None => return Err("`output` as a mapping".to_owned()),
            }
        }
        Ok(config)
    }

    fn handlers(&mut self) {
        let handlers = either(self.root, "handlerOn", "handler_on");
        for (key, node) in handlers.into_iter().flat_map(NodeRef::entries) {
            let when = match key.text {
                "success" => Some("run.status == \"succeeded\""),
                "failure" => Some("run.status == \"failed\""),
                "cancel" | "abort" => Some("run.status == \"cancelled\""),
                "exit" => None,
                _ => {
                    self.draft.note(line(node), format!("the handler `{}`", key.text));
                    continue;
                }
            };
            let id = self.draft.ids.free(&format!("on-{}", key.text));
            let mut step = self.step(id, node, Vec::new());
            step.when = when.map(str::to_owned);
            self.draft.finally.push(step);
        }
    }
}

/// A script with the shell that runs it, where it says one.
struct Command {
    script: String,
    shell: Option<String>,
}

fn command(node: NodeRef<'_>) -> Result<Command, String> {
    let shell = node.get("shell").and_then(scalar);
    if let Some(text) = scalar(node) {
        return Ok(Command { script: text, shell });
    }
    let command = ["command", "run", "cmd"].iter().find_map(|key| node.get(key));
    let words = match command {
        Some(list) if list.kind() == Kind::Seq => {
            let words: Vec<String> = list.items().filter_map(scalar).collect();
            let is_program =
                words.iter().all(|word| !word.contains(char::is_whitespace)) && words.len() == list.len();
            // A list of whole commands is a script; a list of words is one command.
            Some(if is_program { words.join(" ") } else { words.join("\n") })
        }
        other => other.and_then(scalar),
    };
    let arguments = texts(node.get("args")).join(" ");
    let words = words.map(|words| if arguments.is_empty() { words } else { format!("{words} {arguments}") });
    match (node.get("script").and_then(scalar), words) {
        (Some(script), Some(program)) if !program.contains(' ') => {
            Ok(Command { script, shell: Some(program) })
        }
        (Some(_), Some(program)) => Err(format!("`script` for `{program}`")),
        (Some(script), None) | (None, Some(script)) => Ok(Command { script, shell }),
        (None, None) => Err("no command".to_owned()),
    }
}

fn is_tolerated(node: NodeRef<'_>) -> bool {
    let Some(on) = either(node, "continueOn", "continue_on") else { return false };
    match on.kind() {
        Kind::Str(text) => text == "failed",
        _ => ["failure", "failed"]
            .iter()
            .any(|key| on.get(key).is_some_and(|one| one.kind() == Kind::Bool(true))),
    }
}

fn retry(policy: NodeRef<'_>) -> Option<Value> {
    let limit: u64 = scalar(policy.get("limit")?)?.parse().ok()?;
    let delay = either(policy, "intervalSec", "interval_sec")
        .and_then(scalar)
        .and_then(|text| text.parse::<u64>().ok());
    let delay = delay.filter(|delay| *delay > 0).unwrap_or(1);
    Some(json!({ "max_attempts": (limit + 1).min(100), "backoff": "constant", "delay": format!("{delay}s") }))
}

/// Entries of a mapping, of a list of mappings, or of a list of `KEY=value`.
fn pairs(node: Option<NodeRef<'_>>) -> Vec<(String, String)> {
    let Some(node) = node else { return Vec::new() };
    let of_map = |map: NodeRef<'_>| -> Vec<(String, String)> {
        map.entries().filter_map(|(key, value)| Some((key.text.to_owned(), scalar(value)?))).collect()
    };
    match node.kind() {
        Kind::Map => of_map(node),
        Kind::Seq => node
            .items()
            .flat_map(|item| match item.as_str().and_then(|text| text.split_once('=')) {
                Some((key, value)) => vec![(key.trim().to_owned(), value.to_owned())],
                None => of_map(item),
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn either<'d>(node: NodeRef<'d>, one: &str, other: &str) -> Option<NodeRef<'d>> {
    node.get(one).or_else(|| node.get(other))
}
