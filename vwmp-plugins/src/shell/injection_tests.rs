//! Values arrive byte for byte and are never run, wherever they stand.

use proptest::prelude::*;
use serde_json::{Value, json};
use vwmp_interfaces::{ErrorClass, Findings, StepHandler};
use vwmp_testkit::{TestRun, execute, preview};

use super::run::Run;

/// Scripts in which `@` stands for the value, and what they print with `@` for it.
const SCRIPTS: [(&str, &str); 30] = [
    ("printf %s @", "@"),
    ("printf %s \"@\"", "@"),
    ("printf %s a@b", "a@b"),
    ("printf %s 'a'@'b'@", "a@b@"),
    ("printf %s \"a'@'\\\"\"", "a'@'\""),
    ("printf %s \\'@", "'@"),
    ("x=@; printf %s \"$x\"", "@"),
    ("x=@ y=a; printf %s \"$x$y\"", "@a"),
    ("export X=@\nsh -c 'printf %s \"$X\"'", "@"),
    ("cat <<EOF\n@\nEOF", "@\n"),
    ("cat <<EOF\n\"@\" '@' $(printf %s @; printf x)\nEOF", "\"@\" '@' @x\n"),
    ("cat <<-EOF\n\ta@\n\tEOF\n", "a@\n"),
    ("cat <<A; cat <<'B'; printf %s @\na@\nA\n$x\nB\n", "a@\n$x\n@"),
    ("printf %s \"$(cat <<EOF\n@\nEOF\nprintf x)\"", "@\nx"),
    ("printf %s \"$(printf %s @; printf x)\"", "@x"),
    ("printf %s \"$(printf %s \"@\"; printf x)\"", "@x"),
    ("printf %s \"`printf %s @; printf x`\"", "@x"),
    ("unset x; printf %s \"${x:-@}\"", "@"),
    ("unset x; printf %s ${x:-@}", "@"),
    ("unset x; printf %s \"${x:-\"@\"}\"", "@"),
    ("x=@y; printf %s \"${x%y}\"", "@"),
    ("x=y@; printf %s \"${x%@}\"", "y"),
    ("case a in (b) ;; a) printf %s @ ;; esac", "@"),
    ("printf %s \"$(case a in a) printf %s @;; esac; printf x)\"", "@x"),
    ("for x in @; do printf %s \"$x\"; done", "@"),
    ("f() { printf %s \"$1\"; }; f @", "@"),
    ("(printf %s @)", "@"),
    ("# it's @\nprintf %s @ # '@", "@"),
    ("if [ @ = \"@\" ]; then printf %s @; fi", "@"),
    ("case @ in @) printf %s yes ;; esac", "yes"),
];

const VALUES: [&str; 25] = [
    "plain",
    "",
    " ",
    "two words",
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    "\"; touch pwned; \"",
    "\"",
    "'",
    "; touch pwned",
    "| touch pwned",
    "\ntouch pwned\n",
    "EOF\ntouch pwned",
    "$HOME ${HOME} $((1+1))",
    "a[$(touch pwned)]",
    "\\",
    "\\n\\t\\\\ \\$(touch pwned)",
    "*",
    "~ ? [a-z] {a,b}",
    "-n -e --",
    "x\n\n\n",
    "🦀 é \u{81}\u{88} ß",
    "#!&<>()",
    "VWMP_VALUE_1=${VWMP_VALUE_1}",
];

fn rendered(script: &str, value: &Value) -> Value {
    let mut pieces = Vec::new();
    for (index, code) in script.split('@').enumerate() {
        if index > 0 {
            pieces.push(json!({ "expression": "parameters.text", "value": value }));
        }
        pieces.push(json!(code));
    }
    json!({ "$script": pieces })
}

/// Runs a script and compares every byte of what it prints. The file is the script's whole output,
/// as the `stdout` of a step is bounded and loses its last line breaks.
async fn check(shell: &str, script: &str, printed: &str, value: &str) {
    let run = TestRun::new();
    let script = format!("{{\n{script}\n}} > printed");
    let config = json!({ "run": rendered(&script, &value.into()), "shell": shell });
    let result = execute::<Run>(config, &run.context("inject")).await;
    let about = || {
        format!(
            "{shell}, {} bytes {:?}: {script}\n{:?}",
            value.len(),
            &value[..value.len().min(40)],
            run.log()
        )
    };
    assert!(result.is_ok(), "{}: {:?}", about(), result);
    assert!(run.read("printed") == printed.replace('@', value), "{}", about());
    assert_eq!(std::fs::read_dir(run.workspace()).unwrap().count(), 1, "{}", about());
}

#[tokio::test]
async fn hostile_values_are_inert_in_every_quoting() {
    for shell in ["sh", "bash"] {
        for (script, printed) in SCRIPTS {
            for value in VALUES {
                check(shell, script, printed, value).await;
            }
        }
    }
}

#[tokio::test]
async fn large_values_arrive_whole() {
    let value = "0123456789 $(touch pwned) 'é'\n".repeat(6_700);
    assert!(value.len() > 200_000);
    for shell in ["sh", "bash"] {
        for (script, printed) in SCRIPTS {
            if !script.contains("export") {
                check(shell, script, printed, &value).await;
            }
        }
    }
}

#[tokio::test]
async fn many_values_that_are_too_large_together_arrive_whole() {
    let value = "v".repeat(90_000);
    let mut pieces = vec![json!("{ ")];
    for number in 0..30 {
        let name = format!("config.v{number}");
        pieces.extend([json!("printf %s "), json!({ "expression": name, "value": value }), json!("\n")]);
    }
    pieces.push(json!("} > all; /bin/true"));
    let run = TestRun::new();
    let config = json!({ "run": { "$script": pieces } });
    execute::<Run>(config, &run.context("many")).await.unwrap();
    assert!(run.read("all") == value.repeat(30));
}

#[tokio::test]
async fn other_types_arrive_as_json() {
    for (value, printed) in [
        (json!(3), "3"),
        (json!(1.5), "1.5"),
        (json!(true), "true"),
        (json!(null), ""),
        (json!(["a b", 1]), r#"["a b",1]"#),
        (json!({ "b": 1, "a": "'$(touch pwned)'" }), r#"{"b":1,"a":"'$(touch pwned)'"}"#),
    ] {
        let run = TestRun::new();
        let output = execute::<Run>(json!({ "run": rendered("printf %s @", &value) }), &run.context("types"))
            .await
            .unwrap();
        assert_eq!(output["stdout"], printed);
    }
}

#[tokio::test]
async fn a_nul_byte_is_refused() {
    let run = TestRun::new();
    for (config, message) in [
        (
            json!({ "run": rendered("echo @", &"a\0b".into()) }),
            "a value in the script contains a NUL byte, which no program can be given; hand it on in a file",
        ),
        (
            json!({ "command": ["echo", "a\0b"] }),
            "command[1] contains a NUL byte, which no program can be given; hand it on by `stdin` or in a file",
        ),
        (
            json!({ "run": "echo", "env": { "A": "a\0b" } }),
            "env.A contains a NUL byte, which no program can be given; hand it on by `stdin` or in a file",
        ),
    ] {
        assert_eq!(execute::<Run>(config, &run.context("nul")).await.unwrap_err().message(), message);
    }
}

fn findings(config: &Value) -> Vec<(String, Option<String>)> {
    let mut findings = Findings::default();
    Run::validate_written(config, &mut findings);
    findings.into_iter().map(|finding| (finding.message, finding.help)).collect()
}

#[test]
fn scripts_are_checked_as_written() {
    for (script, _) in SCRIPTS {
        assert_eq!(findings(&json!({ "run": script.replace('@', "$<parameters.text>") })), [], "{script}");
    }
    for (config, message, help) in [
        (
            json!({ "run": "echo '$<parameters.a>'" }),
            "`$<parameters.a>` stands inside single quotes, where the shell replaces nothing",
            "use double quotes: \"$<parameters.a>\"",
        ),
        (
            json!({ "run": "cat <<'EOF'\n$<config.a>\nEOF\n" }),
            "`$<config.a>` stands in a here-document whose end word is quoted, so the shell replaces nothing in it",
            "write the end word without quotes: <<EOF",
        ),
        (
            json!({ "run": "echo \\${config.a}" }),
            "`${config.a}` stands directly after a backslash",
            "remove the backslash: a value needs no escaping",
        ),
        (
            json!({ "run": "echo $(($<config.a> + 1))" }),
            "`$<config.a>` stands where the shell evaluates arithmetic, which can run commands hidden in a value",
            "assign it first and make sure that it is a number: n=$<config.a>; … $((n + 1))",
        ),
        (
            json!({ "run": "print($<config.a>)", "shell": "python3" }),
            "`$<config.a>` would become code of another language",
            "give it by `env: { NAME: … }` and read that variable in the script",
        ),
        (
            json!({ "run": "$<config.script>" }),
            "the whole script is `$<config.script>`, whose value is taken as the name of one program",
            "a value never becomes code: write the commands here, and use values as their arguments",
        ),
    ] {
        assert_eq!(findings(&config), [(message.to_owned(), Some(help.to_owned()))]);
    }
}

#[test]
fn a_shell_that_a_value_names_is_known_when_the_step_starts() {
    for (shell, script, found) in [
        ("$<config.shell>", "echo $<config.a>", 0),
        ("/usr/bin/$<config.shell>", "echo $<config.a>", 0),
        ("$<config.folder>/bash", "echo $<config.a>", 0),
        ("$<config.shell>", "echo '$<config.a>'", 1),
        ("$<config.folder>/python3", "echo $<config.a>", 1),
    ] {
        assert_eq!(findings(&json!({ "run": script, "shell": shell })).len(), found, "{shell}: {script}");
    }
}

#[tokio::test]
async fn a_shell_that_evaluates_values_is_refused_before_anything_starts() {
    for shell in ["python3", "zsh", "/usr/bin/perl", "nonsense"] {
        let run = TestRun::new();
        let config = json!({ "run": rendered("touch pwned @", &"x".into()), "shell": shell });
        let message = format!(
            "a value in a script for `{shell}` would become code; give it by `env: {{ NAME: … }}` and read that \
             variable in the script"
        );
        let error = preview::<Run>(config.clone(), &run.context("shell")).await.unwrap_err();
        assert_eq!((error.message(), error.class()), (message.as_str(), ErrorClass::Invalid));
        let error = execute::<Run>(config, &run.context("shell")).await.unwrap_err();
        assert_eq!((error.message(), error.class()), (message.as_str(), ErrorClass::Invalid));
        assert_eq!(std::fs::read_dir(run.workspace()).unwrap().count(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]
    #[test]
    fn any_value_is_inert(
        value in r#"([ -~\n\t]|[$`'"\\;&|(){}<>*?\[\]!#~=%-]|\$\(touch pwned\)|[\x01-\x08]|[é🦀\u{80}-\u{a0}]){0,40}"#,
        number in 0..SCRIPTS.len(),
        bash in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (script, printed) = SCRIPTS[number];
        runtime.block_on(check(if bash { "bash" } else { "sh" }, script, printed, &value));
    }
}
