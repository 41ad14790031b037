//! Input and handlers that no one should have to fear: each ends soon, with a message.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use vwmp_core::registry::Registry;
use vwmp_core::run::{Engine, Limits, RunStatus};
use vwmp_core::source::Source;
use vwmp_plugins as _;

use crate::handlers::registry;
use crate::path::{checked, planned, ran, summary};

const TEN_MEGABYTES: usize = 10 << 20;

/// What is said about a text, by the first stage that refuses it.
fn told(text: impl Into<String>) -> String {
    checked(text, &Registry::linked().unwrap()).err().map(|found| found.to_string()).unwrap_or_default()
}

#[test]
fn bytes_that_are_not_utf_8_are_refused() {
    let error =
        Source::from_bytes("workflow.yaml", b"name: a\ndescription: \xc3\x28\n".to_vec()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error[vwmp::not-utf-8]: workflow.yaml is not UTF-8: byte 21 (line 2) starts no character\n  \
         = help: save the file as UTF-8"
    );
    let utf_16 = "name: a\n".encode_utf16().flat_map(u16::to_le_bytes);
    let error =
        Source::from_bytes("workflow.yaml", [0xff, 0xfe].into_iter().chain(utf_16).collect()).unwrap_err();
    assert!(
        error.to_string().starts_with("error[vwmp::not-utf-8]: workflow.yaml is not UTF-8: byte 0 (line 1)")
    );
}

#[test]
fn a_text_over_the_budget_is_refused() {
    let error = Source::from_bytes("workflow.yaml", vec![b'#'; Source::MAX_BYTES + 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error[vwmp::too-large]: workflow.yaml has 268435457 bytes; at most 268435456 are read\n  \
         = help: split the workflow, or call one workflow from another"
    );
}

#[test]
fn ten_megabytes_of_garbage_are_refused() {
    let garbage = "lorem ipsum: [dolor\n}sit - amet, &consectetur *elit\n".repeat(TEN_MEGABYTES / 50);
    assert_eq!(
        told(garbage),
        "workflow.yaml:1:14: error[vwmp::yaml-syntax]: this is not YAML: `[` is closed by `}`\n  \
         = help: use a pair of brackets of one kind"
    );
    let letters = "x".repeat(TEN_MEGABYTES);
    let message = told(letters);
    assert!(message.len() < 1000, "{} bytes", message.len());
    assert!(
        message.starts_with("workflow.yaml:1:1: error[vwmp::wrong-type]: `workflow`: expected a mapping")
    );
}

#[test]
fn a_text_of_ten_megabytes_is_a_value_like_any_other() {
    let long = "x".repeat(TEN_MEGABYTES);
    let text = format!(
        "name: long\nsteps:\n  - {{ id: a, handler: shell.run, config: {{ run: wc -c, stdin: {long} }} }}\n"
    );
    assert_eq!(told(text), "");
    let message = told(format!("name: long\ntimeout: {long}\nsteps: []\n"));
    assert!(message.len() < 1000, "{} bytes", message.len());
}

#[test]
fn a_workflow_of_ten_megabytes_is_checked_and_planned() {
    let mut text = "name: large\nsteps:\n".to_owned();
    let mut count = 0;
    while text.len() < TEN_MEGABYTES {
        writeln!(text, "  - {{ id: step-number-{count}, name: \"Step number {count} of very many\", handler: flow.noop }}").unwrap();
        count += 1;
    }
    let plan = planned(text, &Registry::linked().unwrap(), Path::new("/"), &[]).unwrap();
    assert_eq!(plan.steps().len(), count);
}

#[test]
fn ten_thousand_levels_of_nesting_are_refused() {
    let maps = format!("config: {}1{}\n", "{a: ".repeat(10_000), "}".repeat(10_000));
    let lists = format!("config: {}1{}\n", "[".repeat(10_000), "]".repeat(10_000));
    let dashes = format!("steps:\n  {}a\n", "- ".repeat(10_000));
    let indented: String = (0..10_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    for (text, place) in [(maps, "1:261"), (lists, "1:73"), (dashes, "2:129"), (indented, "65:65")] {
        let expected = format!(
            "workflow.yaml:{place}: error[vwmp::too-deep]: lists and mappings are nested deeper than 64 levels\n  \
             = help: make the structure flatter"
        );
        assert_eq!(told(text), expected);
    }
}

#[test]
fn ten_thousand_levels_in_an_expression_are_refused() {
    let within = |open: &str, close: &str, levels: usize| {
        let expression = format!("{}1{}", open.repeat(levels), close.repeat(levels));
        told(format!(
            "name: deep\nsteps:\n  - {{ id: a, handler: shell.run, config: {{ run: 'echo $<({expression})>' }} }}\n"
        ))
    };
    assert_eq!(
        within("(", ")", 10_000),
        "workflow.yaml:3:57: error[vwmp::expression-too-costly]: an expression has at most 4096 bytes; \
         this one has 20003"
    );
    for (open, close) in [("(", ")"), ("[", "]"), ("{1: ", "}"), ("true ? 1 : ", "")] {
        assert_eq!(
            within(open, close, 4000 / (open.len() + close.len())),
            "workflow.yaml:3:57: error[vwmp::expression-too-costly]: an expression can be nested about 96 levels \
             deep at most\n  = help: split it over several config values"
        );
    }
}

#[tokio::test]
async fn a_chain_of_100_000_steps_runs_to_its_end() {
    let mut text = "name: chain\nsteps:\n  - { id: s0, handler: flow.noop }\n".to_owned();
    for step in 1..100_000 {
        writeln!(text, "  - {{ id: s{step}, handler: flow.noop, needs: [s{}] }}", step - 1).unwrap();
    }
    let plan = planned(text, &Registry::linked().unwrap(), Path::new("/"), &[]).unwrap();
    let report = ran(plan).await;
    assert_eq!(report.status(), RunStatus::Succeeded);
    assert_eq!(report.tally().succeeded, 100_000);
}

#[test]
fn a_cycle_of_100_000_steps_is_told_in_a_few_lines() {
    let mut text = "name: cycle\nsteps:\n".to_owned();
    for step in 0..100_000 {
        writeln!(text, "  - {{ id: s{step}, handler: flow.noop, needs: [s{}] }}", (step + 1) % 100_000)
            .unwrap();
    }
    let message = told(text);
    let first = "workflow.yaml:3:43: error[vwmp::cycle]: the steps wait for each other: \
                 s0 → s1 → s2 → s3 → s4 → … 99991 more … → s99996 → s99997 → s99998 → s99999 → s0";
    assert_eq!(message.lines().next(), Some(first));
    assert!(message.lines().count() < 20, "{message}");
}

/// A step beside a good one and one that needs it, as YAML.
fn beside(bad: &str) -> String {
    format!(
        "name: beside\nsteps:\n  - {{ id: bad, {bad} }}\n  - {{ id: good, handler: flow.noop }}\n  \
         - {{ id: after, handler: flow.noop, needs: [bad] }}\nfinally:\n  - {{ id: last, handler: flow.noop }}\n"
    )
}

/// Runs the step beside others: it ends as expected, and they are not disturbed.
async fn check(bad: &str, expected: &str) {
    let plan = planned(beside(bad), &registry(), Path::new("/"), &[]).unwrap();
    let limits = Limits { grace: Duration::from_millis(100), ..Limits::default() };
    let report = Engine::builder(Registry::default()).limits(limits).start(plan).finish().await.unwrap();
    let expected = [
        expected,
        "good succeeded 1",
        "after skipped 0: it needs bad, which did not succeed",
        "last succeeded 1",
    ];
    assert_eq!(summary(&report), expected);
    assert_eq!(report.status(), RunStatus::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_fails_alone() {
    let expected = "bad failed 1: the handler panicked: the disk is on fire";
    check("handler: test.misbehave, config: { how: panic }", expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_ends_with_its_timeout() {
    let expected = "bad timed_out 1: it took longer than 2 s";
    check("handler: test.misbehave, timeout: 2s, config: { how: hang }", expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_listen_is_left_behind() {
    let expected = "bad timed_out 1: it took longer than 2 s; the handler ignored the request to stop and was left behind";
    check("handler: test.misbehave, timeout: 2s, config: { how: deaf }", expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_gives_another_type_fails_alone() {
    let expected = "bad failed 1: test.another_type gave an output that does not fit its own schema: \
                    output.count: expected a whole number, found the text \"three\"";
    check("handler: test.another_type", expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_its_thread_holds_up_no_other() {
    let plan = planned(
        "name: block\nsteps:\n  - { id: bad, handler: test.misbehave, config: { how: block } }\n  \
         - { id: good, handler: flow.noop }\n",
        &registry(),
        Path::new("/"),
        &[],
    );
    let report = ran(plan.unwrap()).await;
    assert_eq!(summary(&report), ["bad succeeded 1", "good succeeded 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_sleeps_through_cancellation_is_left_behind() {
    let bad = "handler: test.misbehave, config: { how: deaf }";
    let plan = planned(beside(bad), &registry(), Path::new("/"), &[]).unwrap();
    let run = Engine::builder(Registry::default()).start(plan);
    let control = run.control();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        control.cancel("enough");
    });
    let report = run.finish().await.unwrap();
    let expected = [
        "bad cancelled 1: cancelled after 1 s; the handler ignored the request to stop and was left behind",
        "good succeeded 1",
        "after cancelled 0: the run was stopping: enough",
        "last succeeded 1",
    ];
    assert_eq!(summary(&report), expected);
    assert_eq!((report.status(), report.reason()), (RunStatus::Cancelled, Some("enough")));
}

#[tokio::test]
async fn a_step_that_prints_100_megabytes_costs_little_memory() {
    if !is_alone("a_step_that_prints_100_megabytes_costs_little_memory") {
        return;
    }
    let before = peak_memory();
    let text = "name: loud\nsteps:\n  - id: loud\n    handler: shell.run\n    config:\n      \
                run: \"yes 0123456789012345678901234567890123456789 | head -c 100000000\"\n  \
                - { id: quiet, handler: flow.noop, needs: [loud] }\n";
    let folder = tempfile::tempdir().unwrap();
    let report = ran(planned(text, &Registry::linked().unwrap(), folder.path(), &[]).unwrap()).await;
    assert_eq!(summary(&report), ["loud succeeded 1", "quiet succeeded 1"]);
    let stdout = report.step("loud").unwrap().output.unwrap()["stdout"].as_str().unwrap().to_owned();
    assert!(stdout.starts_with("[… 99934466 bytes left out …]\n"), "{}", &stdout[..60]);
    let lines = report.log("loud");
    assert_eq!(lines.first().map(|line| line.text.as_str()), Some("[2432471 earlier lines were dropped]"));
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < 64 << 10, "{grown} kB more");
}

#[tokio::test]
async fn a_line_of_100_megabytes_costs_little_memory() {
    if !is_alone("a_line_of_100_megabytes_costs_little_memory") {
        return;
    }
    let before = peak_memory();
    let text = "name: long\nsteps:\n  - { id: long, handler: shell.run, config: { run: \"head -c 100000000 /dev/zero | tr '\\\\0' x\" } }\n";
    let folder = tempfile::tempdir().unwrap();
    let report = ran(planned(text, &Registry::linked().unwrap(), folder.path(), &[]).unwrap()).await;
    assert_eq!(summary(&report), ["long succeeded 1"]);
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < 64 << 10, "{grown} kB more");
}

/// Runs a test once more in a process of its own, where no other test needs memory: true in there.
fn is_alone(test: &str) -> bool {
    const ALONE: &str = "VWMP_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut itself = std::process::Command::new(std::env::current_exe().unwrap());
    let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    let output = itself.args(["--exact", &name]).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// The most memory that this process has had, in kB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
