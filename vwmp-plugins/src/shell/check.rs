//! What can be wrong with a config as written, before any value is known.

use serde_json::Value;
use vwmp_interfaces::template::{SegmentKind, segments};
use vwmp_interfaces::{Findings, Place};

use super::interpreter::Interpreter;
use super::lexer::spots;
use super::outputs;

/// Reports all of it.
pub(crate) fn check(config: &Value, findings: &mut Findings) {
    check_choice(config, findings);
    check_names(config, findings);
    let shell = config.get("shell").map_or(Some("sh"), Value::as_str);
    if let (Some(script), Some(shell)) = (config.get("run").and_then(Value::as_str), shell) {
        check_script(script, shell, findings);
    }
}

fn check_choice(config: &Value, findings: &mut Findings) {
    let (run, command) = (config.get("run"), config.get("command"));
    match (run, command) {
        (Some(_), Some(_)) => {
            let place = Place::Config("/command".to_owned());
            findings
                .error("shell::two-works", place, "both `run` and `command` are given")
                .help("remove one: `run` is a script for a shell, `command` one program with its arguments");
        }
        (None, None) => {
            findings
                .error("shell::no-work", Place::Config(String::new()), "neither `run` nor `command` is given")
                .help("add `run: SCRIPT`, or `command: [PROGRAM, ARGUMENT, …]`");
        }
        _ => {}
    }
    if command.and_then(Value::as_array).is_some_and(Vec::is_empty) {
        findings
            .error("shell::no-work", Place::Config("/command".to_owned()), "`command` is empty")
            .help("write a program and its arguments: [cargo, build]");
    }
}

fn check_names(config: &Value, findings: &mut Findings) {
    let names = |key: &str| config.get(key).and_then(Value::as_object).into_iter().flat_map(|map| map.keys());
    for name in names("env") {
        let place = Place::Config(format!("/env/{}", pointer_part(name)));
        if name.is_empty() || name.contains(['=', '\0']) {
            findings.error(
                "shell::variable-name",
                place,
                format!("`{name}` can't be the name of a variable"),
            );
        } else if name.starts_with("VWMP_") {
            findings
                .error(
                    "shell::variable-name",
                    place,
                    format!("`{name}`: variables that begin with VWMP_ are set by the engine"),
                )
                .help("use another name");
        }
    }
    for name in names("outputs") {
        let place = Place::Config(format!("/outputs/{}", pointer_part(name)));
        if outputs::RESERVED.contains(&name.as_str()) {
            findings
                .error(
                    "shell::output-name",
                    place,
                    format!("every shell step has an output `{name}` of its own"),
                )
                .help("use another name");
        } else if !outputs::is_name(name) {
            findings
                .error("shell::output-name", place, format!("`{name}` can't be the name of an output"))
                .help("use letters, digits, `_` and `-`, with a letter first");
        }
    }
}

fn pointer_part(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn check_script(text: &str, shell: &str, findings: &mut Findings) {
    // An expression that is never closed is reported by whoever reads expressions.
    let Ok(segments) = segments(text) else { return };
    let place = || Place::Config("/run".to_owned());
    let (mut code, mut expressions, mut holes) = (String::new(), Vec::new(), Vec::new());
    for segment in &segments {
        match segment.kind {
            SegmentKind::Text => code.push_str(segment.text),
            SegmentKind::Expression => {
                expressions.push(&text[segment.range.clone()]);
                holes.push(code.len());
            }
        }
    }
    if Interpreter::of(shell) != Interpreter::Posix {
        for expression in expressions {
            findings
                .error(
                    "shell::value-in-code",
                    place(),
                    format!("`{expression}` would become code of another language"),
                )
                .help("give it by `env: { NAME: … }` and read that variable in the script");
        }
        return;
    }
    for (spot, expression) in spots(&code, &holes).into_iter().zip(&expressions) {
        if let Err(refusal) = spot {
            findings
                .error("shell::misplaced-value", place(), format!("`{expression}` {refusal}"))
                .help(refusal.help(expression));
        }
    }
    if expressions.len() == 1 && code.trim().is_empty() {
        findings
            .warning(
                "shell::value-as-program",
                place(),
                format!(
                    "the whole script is `{}`, whose value is taken as the name of one program",
                    expressions[0]
                ),
            )
            .help("a value never becomes code: write the commands here, and use values as their arguments");
    }
}
