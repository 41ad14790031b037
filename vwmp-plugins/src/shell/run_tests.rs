use serde_json::{Value, json};
use vwmp_interfaces::{Change, ErrorClass, Findings, StepHandler};
use vwmp_testkit::{TestRun, execute, preview};

use super::run::Run;

async fn run(config: Value) -> (TestRun, Value) {
    let run = TestRun::new();
    let output = execute::<Run>(config, &run.context("build")).await;
    let output = output.unwrap_or_else(|error| panic!("{error}: {:?}", error.causes()));
    (run, output)
}

/// The message, and the causes.
async fn failure(config: Value) -> (String, Vec<String>) {
    let run = TestRun::new();
    let error = execute::<Run>(config, &run.context("build")).await.unwrap_err();
    (error.message().replace(&run.workspace().display().to_string(), "WORKSPACE"), error.causes())
}

#[tokio::test]
async fn lines_are_logged_in_order_as_they_come() {
    let script = "echo 1; sleep 0.05; echo two >&2; sleep 0.05; printf '\\n3\\r\\n'; printf 'no end'; printf '\\377' >&2";
    let (run, output) = run(json!({ "run": script })).await;
    assert_eq!(
        run.log(),
        ["stdout: 1", "stderr: two", "stdout: ", "stdout: 3", "stdout: no end", "stderr: \u{fffd}"]
    );
    assert_eq!(output, json!({ "exit_code": 0, "stdout": "1\n\n3\r\nno end", "duration": 0.0 }));
}

#[tokio::test]
async fn a_line_without_end_is_cut() {
    let (run, _) = run(json!({ "run": "head -c 150000 /dev/zero | tr '\\0' x; echo; echo end" })).await;
    let lengths: Vec<usize> = run.lines().iter().map(|line| line.text.len()).collect();
    assert_eq!((lengths.iter().max(), lengths.iter().sum::<usize>()), (Some(&65_536), 150_003));
}

#[tokio::test]
async fn much_output_is_kept_in_part() {
    let (_, output) = run(json!({ "run": "seq 200000", "shell": "bash" })).await;
    let stdout = output["stdout"].as_str().unwrap();
    assert!(stdout.starts_with("[… 1223361 bytes left out …]\n"), "{}", &stdout[..60]);
    assert!(stdout.ends_with("\n199999\n200000"));
    assert!(stdout.len() < 65 * 1024 + 100);
}

#[tokio::test]
async fn only_a_plain_file_is_read_as_outputs() {
    for script in ["mkfifo $VWMP_OUTPUT", "mkdir $VWMP_OUTPUT", "ln -s /etc/passwd $VWMP_OUTPUT"] {
        let (message, _) = failure(json!({ "run": script })).await;
        assert_eq!(message, "the file named by $VWMP_OUTPUT is no longer a plain file", "{script}");
    }
}

#[tokio::test]
async fn a_link_does_not_lead_out_of_the_workspace() {
    let run = TestRun::new();
    run.write("in/here", "");
    std::os::unix::fs::symlink("in", run.workspace().join("inside")).unwrap();
    std::os::unix::fs::symlink("/etc", run.workspace().join("outside")).unwrap();
    execute::<Run>(json!({ "run": "ls here", "workdir": "inside" }), &run.context("a")).await.unwrap();
    let error = execute::<Run>(json!({ "run": "pwd", "workdir": "outside" }), &run.context("a")).await;
    let error = error.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Denied);
    assert_eq!(
        error.message(),
        "the directory `outside` of the step leads out of the workspace through a symbolic link, to /etc"
    );
}

#[tokio::test]
async fn a_script_sees_its_environment_directory_and_input() {
    let run = TestRun::new().environment("BASE", "1").environment("VWMP_VALUE_1", "old").attempt(2);
    run.write("sub dir/file", "");
    let script = "pwd; echo $BASE $OWN $N $VWMP_STEP_ID $VWMP_RUN_ID $VWMP_ATTEMPT ${VWMP_VALUE_1-gone}; cat; [ \"$PWD\" != \"$VWMP_WORKSPACE\" ]";
    let config = json!({
        "run": script, "workdir": "sub dir", "stdin": "in\n", "env": { "OWN": "*", "N": 8 }, "shell": "bash"
    });
    let output = execute::<Run>(config, &run.context("build")).await.unwrap();
    let expected = format!("{}/sub dir\n1 file 8 build test-run 2 gone\nin", run.workspace().display());
    assert_eq!(output["stdout"], expected);
}

#[tokio::test]
async fn a_large_input_arrives_and_an_unread_one_does_no_harm() {
    let input = "0123456789".repeat(100_000);
    let (_, output) = run(json!({ "command": ["wc", "-c"], "stdin": input })).await;
    assert_eq!(output["stdout"], "1000000");
    run(json!({ "command": ["true"], "stdin": input })).await;
    let (_, output) =
        run(json!({ "run": "exec >&- 2>&-; cat > copy; wc -c < copy > count", "stdin": input })).await;
    assert_eq!(output["stdout"], "");
}

#[tokio::test]
async fn a_command_is_one_program_with_its_arguments() {
    let config = json!({ "command": ["printf", "%s|", "a b", "$(touch pwned)", "*", 8, ""] });
    let (run, output) = run(config).await;
    assert_eq!(output["stdout"], "a b|$(touch pwned)|*|8||");
    assert!(!run.exists("pwned"));
}

#[tokio::test]
async fn a_program_in_the_workspace_is_found_from_the_directory_of_the_step() {
    use std::os::unix::fs::PermissionsExt;
    let run = TestRun::new();
    run.write("bin/hello", "#!/bin/sh\necho hello from $0\n");
    let file = run.workspace().join("bin/hello");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let ctx = run.context("build");
    for (config, stdout) in [
        (json!({ "command": ["./hello"], "workdir": "bin" }), "hello from ./hello"),
        (json!({ "run": "./hello", "workdir": "bin" }), "hello from ./hello"),
        (json!({ "run": "hello", "env": { "PATH": "bin:/bin" } }), "hello from bin/hello"),
        (json!({ "command": ["hello"], "env": { "PATH": "bin:/bin" } }), "hello from bin/hello"),
    ] {
        let about = config.to_string();
        let output = execute::<Run>(config, &ctx).await.unwrap();
        assert!(
            output["stdout"].as_str().unwrap().ends_with(stdout.trim_start_matches("hello from ")),
            "{about}: {output}"
        );
    }
}

#[tokio::test]
async fn outputs_come_from_stdout_and_from_a_file() {
    let (_, output) = run(json!({
        "run": "echo '{\"a\": [1]}'; echo version=1.2.3 >> \"$VWMP_OUTPUT\"; printf 'notes<<E\\none\\ntwo\\nE\\n' >> $VWMP_OUTPUT",
        "outputs": { "data": { "format": "json" }, "all": { "from": "stdout" }, "list": { "from": "stdout", "format": "lines" } },
    }))
    .await;
    assert_eq!(
        output,
        json!({
            "exit_code": 0, "stdout": "{\"a\": [1]}", "duration": 0.0, "all": "{\"a\": [1]}", "data": { "a": [1] },
            "list": ["{\"a\": [1]}"], "notes": "one\ntwo", "version": "1.2.3"
        })
    );
    for (config, message) in [
        (
            json!({ "run": "echo no", "outputs": { "a": { "format": "json" } } }),
            "output `a`: the standard output is not JSON",
        ),
        (
            json!({ "run": "seq 200000", "outputs": { "a": {} } }),
            "output `a`: the standard output is larger than 1048576 bytes; hand large data on in a file",
        ),
        (
            json!({ "run": "echo hello > $VWMP_OUTPUT" }),
            "the file named by $VWMP_OUTPUT has neither name=value nor name<<END in line 1",
        ),
        (
            json!({ "run": "echo a=1 | tee $VWMP_OUTPUT", "outputs": { "a": {} } }),
            "output `a` is declared in `outputs` and also written to $VWMP_OUTPUT; remove one",
        ),
    ] {
        assert_eq!(failure(config).await.0, message);
    }
}

#[tokio::test]
async fn private_files_are_private_and_go_with_the_step() {
    let script = "umask 022; echo a=1 > $VWMP_OUTPUT; stat -c %a ${VWMP_OUTPUT%/*}; echo $VWMP_OUTPUT; echo ";
    let large = "x".repeat(150_000);
    let pieces = json!([script, { "expression": "config.x", "value": large }, " | wc -c; stat -c %a ${VWMP_OUTPUT%-*}-*VALUE_1"]);
    let (_, output) = run(json!({ "run": { "$script": pieces } })).await;
    let lines: Vec<&str> = output["stdout"].as_str().unwrap().lines().collect();
    assert_eq!((lines[0], lines[2], lines[3]), ("700", "150001", "600"));
    let file = std::path::Path::new(lines[1]);
    let prefix = file.file_name().unwrap().to_str().unwrap().strip_suffix("output").unwrap();
    let left = std::fs::read_dir(file.parent().unwrap()).unwrap().flatten();
    assert_eq!(left.filter(|left| left.file_name().to_str().unwrap().starts_with(prefix)).count(), 0);
}

#[tokio::test]
async fn other_interpreters_and_long_scripts_work() {
    let python =
        json!({ "run": "import os\nprint(os.environ['A'])", "shell": "python3", "env": { "A": "'\"$(x)" } });
    assert_eq!(run(python).await.1["stdout"], "'\"$(x)");
    let file = json!({ "run": "as a file\n", "shell": "cat" });
    assert_eq!(run(file).await.1["stdout"], "as a file");
    let long = format!("# {}\necho \"$0\" | tail -c 8", "long ".repeat(30_000));
    assert_eq!(run(json!({ "run": long })).await.1["stdout"], "-script");
}

#[tokio::test]
async fn a_script_stops_at_its_first_failure() {
    let (message, causes) = failure(json!({ "run": "echo before >&2\nfalse\necho behind >&2\n" })).await;
    assert_eq!(
        (message.as_str(), causes),
        ("`echo before >&2 …` exited with code 1", vec!["before".to_owned()])
    );
}

#[tokio::test]
async fn failures_are_told_in_plain_words() {
    for (config, message, cause) in [
        (
            json!({ "run": "seq 20 >&2; exit 3" }),
            "`seq 20 >&2; exit 3` exited with code 3",
            "11\n12\n13\n14\n15\n16\n17\n18\n19\n20",
        ),
        (json!({ "run": "echo why; exit 1" }), "`echo why; exit 1` exited with code 1", "why"),
        (json!({ "run": "nonsense-program a" }), "`nonsense-program a` exited with code 127", "sh: "),
        (
            json!({ "run": "echo dying; kill -9 $$" }),
            "`echo dying; kill -9 $$` was ended by signal KILL",
            "dying",
        ),
        (
            json!({ "command": ["nonsense-program"] }),
            "the program `nonsense-program` was not found in PATH",
            "PATH is ",
        ),
        (
            json!({ "run": "echo", "shell": "nonsense-shell" }),
            "the program `nonsense-shell` was not found in PATH",
            "PATH is ",
        ),
        (
            json!({ "command": ["./nowhere"] }),
            "the program `./nowhere` doesn't exist",
            "No such file or directory (os error 2)",
        ),
        (
            json!({ "command": ["/etc/passwd"] }),
            "the program `/etc/passwd` may not be executed",
            "Permission denied (os error 13)",
        ),
        (
            json!({ "run": "echo", "workdir": "no/where" }),
            "the directory `no/where` of the step doesn't exist",
            "No such file or directory (os error 2)",
        ),
        (
            json!({ "run": "true", "workdir": "no/where" }),
            "the directory `no/where` of the step doesn't exist",
            "No such file or directory (os error 2)",
        ),
    ] {
        let (found, causes) = failure(config).await;
        assert_eq!(found, message);
        assert!(causes[0].starts_with(cause), "{causes:?}");
    }
}

#[tokio::test]
async fn what_can_not_be_started_is_told_in_plain_words() {
    let large = "x".repeat(140_000);
    for (config, message) in [
        (
            json!({ "command": ["echo", large] }),
            "command[1] is 140000 bytes long, and the system takes 131070 at most; hand it on by `stdin` or in a file",
        ),
        (
            json!({ "run": "echo", "env": { "A": large } }),
            "env.A is 140000 bytes long, and the system takes 131068 at most; hand it on by `stdin` or in a file",
        ),
        (json!({}), "config of shell.run: neither `run` nor `command` is given"),
        (
            json!({ "run": "true", "command": ["true"] }),
            "config of shell.run: both `run` and `command` are given",
        ),
        (json!({ "command": [] }), "config of shell.run: `command` is empty"),
        (
            json!({ "run": "true", "env": { "A": [] } }),
            "config of shell.run: env.A: expected text, found a list",
        ),
    ] {
        assert_eq!(failure(config).await.0, message);
    }
}

#[tokio::test]
async fn other_exit_codes_may_mean_success() {
    let (_, output) = run(json!({ "run": "exit 2", "success_codes": [0, 2] })).await;
    assert_eq!(output["exit_code"], 2);
    assert_eq!(failure(json!({ "run": "true", "success_codes": [2] })).await.0, "`true` exited with code 0");
}

#[tokio::test]
async fn a_failed_program_may_be_tried_again_and_a_wrong_config_not() {
    let run = TestRun::new();
    let step: Run = serde_json::from_value(json!({ "run": "exit 1" })).unwrap();
    let error = step.execute(&run.context("build")).await.unwrap_err();
    assert_eq!((error.class(), step.can_retry(&error)), (ErrorClass::Permanent, true));
    let step: Run = serde_json::from_value(json!({ "command": ["nonsense-program"] })).unwrap();
    let error = step.execute(&run.context("build")).await.unwrap_err();
    assert_eq!((error.class(), step.can_retry(&error)), (ErrorClass::Invalid, false));
}

#[test]
fn no_value_becomes_a_part_of_a_script_in_a_command() {
    let refused = |words: &[&str]| {
        let mut findings = Findings::default();
        Run::validate_written(&json!({ "command": words }), &mut findings);
        findings.into_iter().map(|finding| finding.message).collect::<Vec<_>>()
    };
    for words in [
        &["sh", "-c", "echo $<config.a>"][..],
        &["/bin/bash", "-e", "-lc", "echo $<config.a>"],
        &["bash", "-eo", "pipefail", "-c", "echo $<config.a>"],
        &["env", "A=1", "python3", "-c", "$<config.a>"],
        &["perl", "-ne", "print $<config.a>"],
        &["env", "-S", "sh", "-c", "echo $<config.a>"],
        &["pwsh", "-Command", "echo", "$<config.a>"],
        &["sudo", "awk", "{ print \"$<config.a>\" }", "file"],
    ] {
        let messages = refused(words);
        assert_eq!(messages.len(), 1, "{words:?}");
        assert!(
            messages[0].starts_with("`$<config.a>` would become a part of a script for `"),
            "{messages:?}"
        );
    }
    for words in [
        &["sh", "-c", "echo \"$1\"", "sh", "$<config.a>"][..],
        &["echo", "-c", "$<config.a>"],
        &["sh", "script", "-c", "$<config.a>"],
        &["bash", "--norc", "$<config.a>"],
    ] {
        assert!(refused(words).is_empty(), "{words:?}");
    }
}

#[test]
fn names_are_checked() {
    let mut findings = Findings::default();
    let config = json!({ "run": "x", "env": { "A=B": "", "VWMP_X": "" }, "outputs": { "a b": {}, "stdout": {}, "ok-1": {} } });
    Run::validate_written(&config, &mut findings);
    let messages: Vec<String> = findings.into_iter().map(|finding| finding.message).collect();
    assert_eq!(
        messages,
        [
            "`A=B` can't be the name of a variable",
            "`VWMP_X`: variables that begin with VWMP_ are set by the engine",
            "`a b` can't be the name of an output",
            "every shell step has an output `stdout` of its own",
        ]
    );
}

#[tokio::test]
async fn a_preview_shows_what_would_run_and_runs_nothing() {
    let value = |expression: &str, value: &str| json!({ "expression": expression, "value": value });
    for (config, summary, description) in [
        (json!({ "command": ["touch", "a b"] }), "run `touch 'a b'`", "run touch 'a b'"),
        (
            json!({ "run": { "$script": ["touch ", value("config.f", "it's"), " \"", value("config.f", "$x\""), "\""] } }),
            "run `touch $<config.f> \"$<config.f>\"`",
            "run with sh: touch 'it'\\''s' \"\\$x\\\"\"",
        ),
        (
            json!({ "run": { "$script": ["touch a\necho ", value("secrets.token", "hunter2"), "\n"] }, "workdir": "out" }),
            "run `touch a …`",
            "run with sh, 2 lines:\ntouch a\necho ***\nin out, which doesn't exist now",
        ),
    ] {
        let run = TestRun::new();
        let seen = preview::<Run>(config, &run.context("build")).await.unwrap();
        assert_eq!(seen.summary, summary);
        assert_eq!(seen.changes, [Change::Action { description: description.to_owned() }]);
        assert_eq!(std::fs::read_dir(run.workspace()).unwrap().count(), 0);
    }
}
