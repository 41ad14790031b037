//! A secret goes where a workflow sends it, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vwmp_core::config::ConfigFile;
use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::document::Document;
use vwmp_core::plan::preview::preview;
use vwmp_core::plan::{Plan, render};
use vwmp_core::registry::Registry;
use vwmp_core::run::memory::MemoryJournal;
use vwmp_core::run::{Engine, Report, RunStatus, SystemClock};
use vwmp_core::source::Source;
use vwmp_core::workflow::{Inputs, NoFiles, Settings, Workflow};
use vwmp_interfaces::log::{LogLine, LogSink, Progress};
use vwmp_plugins as _;
use vwmp_testkit::example::{examples, steps_using};

use crate::examples::around;
use crate::path::environment;
use crate::repository::Repository;

/// What no encoding but base64 changes, with what they do change around it.
const CANARY: &str = "k/\"é' &S3cr3tCanary77%\\x+";

/// The letters of [`CANARY`], and parts of its base64 in the three places it can have there.
const TRACES: [&str; 4] = ["S3cr3tCanary77", "UzNjcjN0Q2FuYXJ5N", "MzY3IzdENhbmFyeTc3", "TM2NyM3RDYW5hcnk3N"];

/// Everything that people may look at after a run.
struct Seen {
    report: Report,
    everything: String,
    /// The lines as they came.
    heard: Vec<LogLine>,
    /// The command lines of processes that the canary was in.
    processes: BTreeSet<String>,
}

fn settings(config_file: &str, more: &[(&str, &str)]) -> Settings {
    let mut environment = environment();
    environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let file = |text| Document::parse(Arc::new(Source::new("vwmp_config.yaml", text))).unwrap();
    Settings {
        environment: Arc::new(environment),
        workspace_config: (!config_file.is_empty())
            .then(|| ConfigFile::new(Arc::new(file(config_file))).unwrap()),
        ..Settings::default()
    }
}

fn canary() -> Settings {
    settings("", &[("VWMP_SECRET_CANARY", CANARY)])
}

fn checked(text: &str, settings: &Settings) -> Result<Workflow, Diagnostics> {
    let document = Document::parse(Arc::new(Source::new("w.yaml", text)))?;
    Workflow::check(Arc::new(document), &Registry::linked().unwrap(), settings, &NoFiles).map(|(one, _)| one)
}

fn planned(
    text: &str,
    settings: &Settings,
    workspace: &Path,
    given: &[(&str, Value)],
) -> Result<Arc<Plan>, Diagnostics> {
    let given =
        given.iter().map(|(name, value)| ((*name).to_owned(), (value.clone(), format!("-p {name}={value}"))));
    let inputs = Inputs { parameters: given.collect(), ..Inputs::new(workspace) };
    checked(text, settings)?.plan(inputs).map(Arc::new)
}

/// Runs a plan, and keeps all that it shows.
async fn seen(plan: Arc<Plan>) -> Seen {
    let mut everything =
        format!("{plan:?}{}{}{}", render::json(&plan), render::mermaid(&plan), render::dot(&plan));
    everything += &format!("{:?}", plan.resolved_config());
    everything +=
        &format!("{:?}", preview(Arc::clone(&plan), Arc::new(SystemClock), CancellationToken::new()).await);
    let (journal, listener) = (MemoryJournal::default(), Arc::new(Listener::default()));
    let kept = journal.clone();
    let watch = Processes::watch();
    let engine = Engine::builder(Registry::default())
        .journal(move |_| Box::new(kept.clone()))
        .listen(Arc::clone(&listener) as Arc<dyn LogSink>);
    let report = engine.start(plan).finish().await.unwrap();
    let processes = watch.stop();
    let events = journal.events();
    everything += &format!("{}{events:?}", serde_json::to_string(&events).unwrap());
    everything += &format!("{}{report:?}", serde_json::to_string(&report).unwrap());
    for step in report.plan().steps() {
        everything += &format!("{:?}", report.log(step.id()));
    }
    let heard = listener.lines.lock().unwrap().clone();
    everything += &format!("{heard:?}{:?}", listener.progress.lock().unwrap());
    Seen { report, everything, heard, processes }
}

impl Seen {
    fn assert_nothing_leaked(&self, about: &str) {
        for trace in TRACES {
            let place = self.everything.find(trace).map(|at| {
                let from = self.everything.floor_char_boundary(at.saturating_sub(300));
                &self.everything[from..self.everything.ceil_char_boundary(at + 60)]
            });
            assert!(place.is_none(), "{about}: {trace} in …{}…", place.unwrap());
        }
        assert!(self.processes.is_empty(), "{about}: {:?}", self.processes);
    }

    fn lines(&self, step: &str) -> Vec<String> {
        self.report.log(step).into_iter().map(|line| line.text).collect()
    }

    fn error(&self, step: &str) -> String {
        let error = self.report.step(step).unwrap().error.unwrap();
        std::iter::once(error.message).chain(error.causes).collect::<Vec<_>>().join(": ")
    }
}

#[derive(Default)]
struct Listener {
    lines: Mutex<Vec<LogLine>>,
    progress: Mutex<Vec<Progress>>,
}

impl LogSink for Listener {
    fn line(&self, line: LogLine) {
        self.lines.lock().unwrap().push(line);
    }

    fn progress(&self, _: &str, _: u32, progress: Progress) {
        self.progress.lock().unwrap().push(progress);
    }
}

/// Looks at the command lines of all processes, again and again.
struct Processes {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<String>>,
}

impl Processes {
    fn watch() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut found = BTreeSet::new();
            while !stopped.load(Ordering::Relaxed) {
                let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
                for process in processes {
                    let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
                    let line = String::from_utf8_lossy(&line).replace('\0', " ");
                    if TRACES.iter().any(|trace| line.contains(trace)) {
                        found.insert(line);
                    }
                }
            }
            found
        });
        Self { stop, thread }
    }

    fn stop(self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_handler_leaks_what_it_is_given() {
    let registry = Registry::linked().unwrap();
    let settings = canary();
    let (mut given, mut refused) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    for handler in registry.steps() {
        for example in examples(&handler.info().description).unwrap() {
            let steps = steps_using(&example, handler.name());
            for (number, pointer) in steps.iter().enumerate().flat_map(|(i, step)| texts(&step["config"], i))
            {
                let workflow = around(&with_canary(&example, handler.name(), number, &pointer));
                let repository = Repository::new();
                let about = format!("{} config{pointer}", handler.name());
                match planned(&workflow, &settings, &repository.workspace(), &[]) {
                    Ok(plan) => {
                        seen(plan).await.assert_nothing_leaked(&about);
                        *given.entry(handler.name().into()).or_default() += 1;
                    }
                    Err(found) => {
                        assert!(
                            TRACES.iter().all(|trace| !found.to_string().contains(trace)),
                            "{about}: {found}"
                        );
                        *refused.entry(handler.name().into()).or_default() += 1;
                    }
                }
            }
        }
    }
    assert!(given["shell.run"] >= 2 && given["release.changelog_update"] >= 1, "{given:?} {refused:?}");
    assert!(refused["git.commit"] >= 1 && !given.contains_key("git.commit"), "{given:?} {refused:?}");
}

/// The places of all texts of the config of a step.
fn texts(config: &Value, step: usize) -> Vec<(usize, String)> {
    fn collect(value: &Value, pointer: String, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(pointer),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| collect(item, format!("{pointer}/{i}"), found));
            }
            Value::Object(entries) => {
                entries.iter().for_each(|(key, entry)| collect(entry, format!("{pointer}/{key}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(config, String::new(), &mut found);
    found.into_iter().map(|pointer| (step, pointer)).collect()
}

/// The example with the canary in one place of one of the steps that use the handler.
fn with_canary(example: &Value, handler: &str, number: usize, pointer: &str) -> Value {
    let mut example = example.clone();
    let all: Vec<&mut Value> = match &mut example {
        Value::Array(steps) => steps.iter_mut().collect(),
        step => vec![step],
    };
    let step = all.into_iter().filter(|step| step["handler"] == handler).nth(number).unwrap();
    if handler == "flow.approve" {
        // Nobody will answer.
        step["config"]["timeout"] = "1ms".into();
    }
    let place = step["config"].pointer_mut(pointer).unwrap();
    let is_script = handler == "shell.run" && pointer == "/run";
    *place = if is_script { "echo $<secrets.canary>; sleep 0.1" } else { "$<secrets.canary>" }.into();
    example
}

/// Programs that make what they can of the canary.
const PROGRAMS: &str = r#"
name: w
steps:
  - id: print
    handler: shell.run
    config:
      shell: python3
      env: { X: $<secrets.canary> }
      run: |
        import base64, json, os, shlex, urllib.parse
        x = os.environ["X"]
        print(x, json.dumps(json.dumps(x)), repr(x), shlex.quote(x))
        print(urllib.parse.quote(x), urllib.parse.quote_plus(x), x.encode().hex()[:4])
        for before in ["", "a", "ab", "abc"]:
            print(base64.b64encode((before + x + "!").encode()).decode())
            print(base64.urlsafe_b64encode((before + x).encode()).decode())
        print(json.dumps({"token": x}, ensure_ascii=False))
  - id: long
    handler: shell.run
    config:
      shell: python3
      env: { X: $<secrets.canary> }
      run: |
        import os
        for at in range(-40, 10):
            print("~" * (65536 + at) + os.environ["X"] + "~" * 10)
  - id: give
    handler: shell.run
    config:
      run: 'printf "token=%s\n" "$X" >> "$VWMP_OUTPUT"; printf %s "$X" | base64 -w0'
      env: { X: "$<secrets.canary>" }
  - id: take
    handler: shell.run
    config:
      run: 'test "$Y" = "$<secrets.canary>" && test $<step-outputs.give.token> = "$Y" && echo same'
      env: { Y: $<step-outputs.give.token> }
  - id: compute
    handler: shell.run
    config: { run: "echo $<secrets.canary.substring(7, 21).lowerAscii()>" }
  - id: decide
    handler: shell.run
    when: step-outputs.give.token != "***"
    config: { run: echo decided }
  - id: fail
    handler: shell.run
    config: { run: 'echo "can not log in with $<secrets.canary>" >&2; exit 3' }
  - id: argument
    handler: shell.run
    config: { command: [echo, $<step-outputs.give.token>] }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_programs_make_of_a_secret_is_masked_and_later_steps_get_it_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let seen = seen(planned(PROGRAMS, &canary(), folder.path(), &[]).unwrap()).await;
    seen.assert_nothing_leaked("what programs print");
    let lines = seen.lines("print");
    assert_eq!(lines[0].matches("***").count(), 4, "{}", lines[0]);
    let long: String =
        seen.heard.iter().filter(|line| &*line.step == "long").map(|line| line.text.as_str()).collect();
    assert_eq!(long.matches("***").count(), 50);
    assert_eq!(long.len(), (-40..10).map(|at| 65536 + at + 13).sum::<i32>() as usize, "all else is there");
    assert_eq!(seen.report.step("give").unwrap().output.unwrap()["token"], "***");
    assert_eq!(seen.lines("take"), ["same"]);
    assert_eq!(seen.lines("compute"), ["***"]);
    assert_eq!(seen.lines("decide"), ["decided"]);
    assert_eq!(
        seen.error("fail"),
        "`echo \"can not log in with $<secrets.canary>\" >&2; exit 3` exited with code 3: can not log in with ***"
    );
    assert_eq!(
        seen.error("argument"),
        "config.command: a secret in it would stand in the arguments of a process, where others on the machine can read \
         it; hand it on by the environment, a file or the standard input"
    );
}

/// The end of one long line is quoted, wherever in the secret that begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_rest_of_a_secret_is_left_where_a_line_is_cut_within_it() {
    let folder = tempfile::tempdir().unwrap();
    let secret: String = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    let rests = [4, 12, 31, 32, 33, 48, 61];
    let steps = rests.map(|rest| {
        let line = format!("import os, sys; sys.exit('~' * 5000 + os.environ['X'] + '!' * {})", 4096 - rest);
        let shell = format!("shell: python3, env: {{ X: $<secrets.long> }}, run: \"{line}\"");
        format!("  - {{ id: rest-{rest}, handler: shell.run, config: {{ {shell} }} }}\n")
    });
    let text = format!("name: w\nsteps:\n{}", steps.concat());
    let seen =
        seen(planned(&text, &settings("", &[("VWMP_SECRET_LONG", &secret)]), folder.path(), &[]).unwrap())
            .await;
    assert!(!seen.everything.contains("6789"));
    for rest in rests {
        let error = seen.error(&format!("rest-{rest}"));
        assert!(error.contains("exited with code 1: …***!!!!"), "{rest}: {}", &error[..200]);
    }
}

#[test]
fn secrets_are_refused_where_they_would_be_seen() {
    for (step, expected) in [
        (
            "{ handler: flow.noop, when: 'secrets.canary == \"x\"' }",
            "w.yaml:3:34: error[vwmp::secret-in-condition]: `secrets` can't be read in `when`\n  = help: whether a step \
             runs is shown to everybody; decide by a parameter or an output",
        ),
        (
            "{ handler: shell.run, config: { command: [echo, $<secrets.canary>] } }",
            "w.yaml:3:55: error[vwmp::secret-in-argument]: `secrets.canary` is secret, and `config.command` becomes an \
             argument of a process, which others on the machine can read\n  = help: hand it on by the environment, a \
             file or the standard input",
        ),
        (
            "{ handler: shell.run, config: { run: 'echo $<secrets.canary.x>' } }",
            "w.yaml:3:50: error[vwmp::unknown-reference]: `secrets.canary` is text, which has no `x`",
        ),
    ] {
        let found = checked(&format!("name: w\nsteps:\n  - {step}\n"), &canary()).unwrap_err();
        assert_eq!(found.to_string(), expected);
    }
    let config = "name: w\nconfig: { a: $<secrets.canary> }\nsteps: [{ handler: flow.noop }]\n";
    assert_eq!(
        checked(config, &canary()).unwrap_err().to_string(),
        "w.yaml:2:16: error[vwmp::unknown-reference]: `secrets` can't be read here: config values can read `parameters` \
         and `env` alone"
    );
    let parameter = "name: w\nparameters: { t: { secret: true } }\nsteps:\n  \
                     - { handler: git.commit, config: { message: $<parameters.t> } }\n";
    let found = checked(parameter, &canary()).unwrap_err().to_string();
    assert!(found.contains("`parameters.t` is secret, and `config` becomes an argument"), "{found}");
}

#[tokio::test]
async fn sources_are_asked_in_the_order_of_the_config_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = r#"
integration_adapters:
  command_secrets:
    config: { command: [sh, -c, 'echo asked >> asked; test "$1" != both || echo from-command; test "$1" = both || exit 4', sh], missing_codes: [4] }
  env_secrets: { config: { prefix: S_ } }
  file_secrets: { enabled: false, config: { path: nowhere } }
"#;
    let settings =
        settings(config, &[("S_BOTH", "from-env-1"), ("S_SECOND", "from-env-2"), ("S_PIN", "1234")]);
    let text = r#"
name: w
order: sequential
steps:
  - { id: a, handler: shell.run, config: { run: 'test "$<secrets.both>" = from-command && test $<secrets.second> = from-env-2' } }
  - { id: b, handler: shell.run, config: { run: 'test "$<secrets.both>" = from-command && test $<secrets.none ?? no> = no' } }
  - { id: c, handler: shell.run, config: { run: 'echo $<secrets.none>' } }
  - { id: d, handler: shell.run, when: always(), config: { run: 'echo $<secrets.pin>' } }
"#;
    let plan = planned(text, &settings, folder.path(), &[]).unwrap();
    assert!(plan.secret_sources().eq(["command_secrets", "env_secrets"]));
    assert!(!folder.path().join("asked").exists(), "nobody is asked before the run");
    let seen = seen(plan).await;
    assert_eq!(fs::read_to_string(folder.path().join("asked")).unwrap().lines().count(), 4);
    assert_eq!(seen.report.step("b").unwrap().status.name(), "succeeded", "{:?}", seen.report.step("b"));
    let line =
        "sh -c echo asked >> asked; test \"$1\" != both || echo ***; test \"$1\" = both || exit 4 sh none";
    assert_eq!(
        seen.error("c"),
        format!(
            "there is no secret `none`: command_secrets looked for what `{line}` prints; env_secrets looked for the \
             variable S_NONE"
        )
    );
    assert_eq!(
        seen.error("d"),
        "the secret `pin` of env_secrets has 4 bytes only, and one of fewer than 6 can't be masked: it would hide \
         ordinary words; use a longer one"
    );
    assert_eq!(seen.report.status(), RunStatus::Failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_parameter_is_treated_like_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
name: w
parameters: { token: { type: string, secret: true}, other: { type: integer, secret: true } }
config: { url: "https://x/?t=$<parameters.token>" }
steps:
  - { id: a, handler: shell.run, config: { run: "echo $<config.url>", stdin: $<parameters.token> } }
  - { id: b, handler: shell.run, config: { command: [echo, $<config.url>] } }
"#;
    let given = |value: Value| planned(text, &canary(), folder.path(), &[("token", value)]);
    let seen = seen(given(json!(CANARY)).unwrap()).await;
    seen.assert_nothing_leaked("a parameter");
    assert_eq!(seen.lines("a"), ["https://x/?t=***"]);
    assert!(seen.error("b").starts_with("config.command: a secret in it would stand"), "{}", seen.error("b"));
    for (value, expected) in [
        (
            json!(["S3cr3tCanary77"]),
            "error[vwmp::invalid-parameter]: parameter `token` (-p token=…): expected text",
        ),
        (
            json!("abcd"),
            "error[vwmp::short-secret]: parameter `token` (-p token=…): it is secret, and one of fewer than 6 bytes can't be \
             masked: it would hide ordinary words\n  = help: use a longer secret",
        ),
    ] {
        assert_eq!(given(value).unwrap_err().to_string(), expected);
    }
}
