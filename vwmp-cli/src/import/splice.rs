//! Values in scripts as variables of the environment.
//!
//! The other tools put a value into a script as text, where it may be no word or several. `$<…>` is one word always,
//! so a value goes into a variable, and the script reads `${NAME}`: split into words as before, but never code.

use serde_json::{Map, Value};

/// Moves every `$<…>` of a script for a shell into its environment.
pub(super) fn splice(config: &mut Map<String, Value>) {
    let is_shell =
        config.get("shell").and_then(Value::as_str).is_none_or(|shell| matches!(shell, "sh" | "bash"));
    let Some(Value::String(script)) = config.get("run").filter(|_| is_shell) else { return };
    let mut env = config.get("env").and_then(Value::as_object).cloned().unwrap_or_default();
    let script = spliced(script.trim_end(), &mut env);
    config.insert("run".to_owned(), script.into());
    if !env.is_empty() {
        config.insert("env".to_owned(), env.into());
    }
}

fn spliced(script: &str, env: &mut Map<String, Value>) -> String {
    let mut out = String::new();
    let mut rest = script;
    while let Some(at) = rest.find("$<") {
        let is_escaped = rest[..at].ends_with('$');
        let end = if is_escaped { None } else { end(&rest[at..]) };
        let Some(end) = end else {
            out.push_str(&rest[..at + 2]);
            rest = &rest[at + 2..];
            continue;
        };
        let value = &rest[at..at + end];
        let name = variable(value, script, env);
        out.push_str(&rest[..at]);
        out.push_str(&format!("${{{name}}}"));
        env.insert(name, value.into());
        rest = &rest[at + end..];
    }
    out + rest
}

/// Where a value ends: at the first `>` outside of quotes and parentheses.
fn end(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices().skip(2) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            '>' if !quoted && depth == 0 => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The variable of a value: the last word of its path, where nothing else is called so.
fn variable(value: &str, script: &str, env: &Map<String, Value>) -> String {
    if let Some((name, _)) = env.iter().find(|(_, known)| known.as_str() == Some(value)) {
        return name.clone();
    }
    let path = value.trim_start_matches("$<").split(" ??").next().unwrap_or_default();
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let is_path = !path.starts_with('(');
    let word = path.rsplit(['.', '[']).next().unwrap_or_default().trim_matches(['"', ']', '>']);
    let word: String = word.chars().map(upper).collect();
    let first = if is_path && word.starts_with(|c: char| c.is_ascii_alphabetic()) {
        word
    } else {
        "VALUE".to_owned()
    };
    let free = |name: &String| !env.contains_key(name) && !reads(script, name);
    let numbered = (2..).map(|number| format!("{first}_{number}"));
    std::iter::once(first.clone()).chain(numbered).find(free).unwrap_or(first)
}

/// Whether a script has a variable of that name: `$NAME`, `${NAME`, `NAME=`.
fn reads(script: &str, name: &str) -> bool {
    ["PATH", "HOME", "SHELL", "USER", "IFS", "PWD"].contains(&name)
        || script.match_indices(name).any(|(at, _)| {
            script[..at].ends_with(['$', '{', '!', '#']) || script[at + name.len()..].starts_with(['=', '+'])
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_become_variables() {
        let mut config = json!({
            "run": "a $<config.flags ?? \"\"> \"$<parameters.os>\" $$<x $<(size(\"a>b\") > 1)> $<config.flags ?? \"\">",
            "env": { "OS": "x" },
        });
        splice(config.as_object_mut().unwrap());
        assert_eq!(config["run"], "a ${FLAGS} \"${OS_2}\" $$<x ${VALUE} ${FLAGS}");
        assert_eq!(config["env"]["OS_2"], "$<parameters.os>");
        assert_eq!(config["env"]["VALUE"], "$<(size(\"a>b\") > 1)>");
    }

    #[test]
    fn other_languages_are_left_alone() {
        let mut config = json!({ "run": "print($<config.a>)", "shell": "python3" });
        splice(config.as_object_mut().unwrap());
        assert_eq!(config["run"], "print($<config.a>)");
    }
}
