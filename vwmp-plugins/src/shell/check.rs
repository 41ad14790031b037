//! What can be wrong with a config as written, before any value is known.

use std::ops::Range;

use serde_json::Value;
use vwmp_interfaces::template::{SegmentKind, has_expressions, segments};
use vwmp_interfaces::{Findings, Place};

use super::inline_script;
use super::interpreter::Interpreter;
use super::lexer::spots;
use super::outputs;

/// Reports all of it.
pub(crate) fn check(config: &Value, findings: &mut Findings) {
    check_choice(config, findings);
    check_names(config, findings);
    check_command(config, findings);
    let shell = config.get("shell").map_or(Some("sh"), |shell| shell.as_str().map(known_shell));
    if let (Some(script), Some(shell)) = (config.get("run").and_then(Value::as_str), shell) {
        check_script(script, shell, findings);
    }
}

/// The shell, as far as it is written here. Where a value decides, it is looked at again when the step starts; a value that has
/// no place in a script for `sh` has none for any other.
fn known_shell(shell: &str) -> &str {
    match segments(shell).unwrap_or_default().as_slice() {
        [.., last] if last.kind == SegmentKind::Text && last.text.contains('/') => last.text,
        _ if has_expressions(shell) => "sh",
        _ => shell,
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

/// A command that hands a script to a program: `[sh, -c, SCRIPT]`, behind `env` and its like as well.
fn check_command(config: &Value, findings: &mut Findings) {
    let words = config.get("command").and_then(Value::as_array).into_iter().flatten();
    let words: Vec<&str> = words.map(|word| word.as_str().unwrap_or_default()).collect();
    let mut told = None;
    for program in 0..words.len() {
        let script = inline_script::within(&words, program).filter(|script| told != Some(*script));
        let Some(script) = script else { continue };
        if let Some(part) = first_expression(words[script]) {
            let expression = &words[script][part.clone()];
            let message = format!("`{expression}` would become a part of a script for `{}`", words[program]);
            let place = Place::ConfigText(format!("/command/{script}"), part);
            told = Some(script);
            findings.error("shell::value-in-code", place, message).help(
                "use `run`, or give the value by `env: { NAME: … }` and read that variable in the script",
            );
        }
    }
}

fn first_expression(text: &str) -> Option<Range<usize>> {
    let segments = segments(text).ok()?;
    let expression = segments.into_iter().find(|segment| segment.kind == SegmentKind::Expression)?;
    Some(expression.range)
}

fn check_names(config: &Value, findings: &mut Findings) {
    let names = |key: &str| config.get(key).and_then(Value::as_object).into_iter().flat_map(|map| map.keys());
    for name in names("env") {
        let place = Place::Config(format!("/env/{}", pointer_part(name)));
        if let Some((message, help)) = wrong_variable(name) {
            let finding = findings.error("shell::variable-name", place, message);
            help.map(|help| finding.help(help));
        }
    }
    for name in names("outputs") {
        let place = Place::Config(format!("/outputs/{}", pointer_part(name)));
        if let Some((message, help)) = wrong_output(name) {
            findings.error("shell::output-name", place, message).help(help);
        }
    }
}

/// Why a variable can't be called so, and what to do about it.
pub(super) fn wrong_variable(name: &str) -> Option<(String, Option<&'static str>)> {
    if name.is_empty() || name.contains(['=', '\0']) {
        Some((format!("`{name}` can't be the name of a variable"), None))
    } else if name.starts_with("VWMP_") {
        Some((
            format!("`{name}`: variables that begin with VWMP_ are set by the engine"),
            Some("use another name"),
        ))
    } else {
        None
    }
}

/// Why an output can't be called so, and what to do about it.
pub(super) fn wrong_output(name: &str) -> Option<(String, &'static str)> {
    if outputs::RESERVED.contains(&name) {
        Some((format!("every shell step has an output `{name}` of its own"), "use another name"))
    } else if !outputs::is_name(name) {
        let message = format!("`{name}` can't be the name of an output");
        Some((message, "use letters, digits, `_` and `-`, with a letter first"))
    } else {
        None
    }
}

fn pointer_part(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn check_script(text: &str, shell: &str, findings: &mut Findings) {
    // An expression that is never closed is reported by whoever reads expressions.
    let Ok(segments) = segments(text) else { return };
    let (mut code, mut expressions, mut holes) = (String::new(), Vec::new(), Vec::new());
    for segment in &segments {
        match segment.kind {
            SegmentKind::Text => code.push_str(segment.text),
            SegmentKind::Expression => {
                let place = Place::ConfigText("/run".to_owned(), segment.range.clone());
                expressions.push((&text[segment.range.clone()], place));
                holes.push(code.len());
            }
        }
    }
    if Interpreter::of(shell) != Interpreter::Posix {
        for (expression, place) in expressions {
            findings
                .error(
                    "shell::value-in-code",
                    place,
                    format!("`{expression}` would become code of another language"),
                )
                .help("give it by `env: { NAME: … }` and read that variable in the script");
        }
        return;
    }
    for (spot, (expression, place)) in spots(&code, &holes).into_iter().zip(&expressions) {
        if let Err(refusal) = spot {
            findings
                .error("shell::misplaced-value", place.clone(), format!("`{expression}` {refusal}"))
                .help(refusal.help(expression));
        }
    }
    if let ([(expression, place)], true) = (expressions.as_slice(), code.trim().is_empty()) {
        findings
            .warning(
                "shell::value-as-program",
                place.clone(),
                format!(
                    "the whole script is `{expression}`, whose value is taken as the name of one program"
                ),
            )
            .help("a value never becomes code: write the commands here, and use values as their arguments");
    }
}
