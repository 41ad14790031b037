//! What a step hands on to later ones.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::StepError;

/// As much as outputs may be together: they are kept with the run. Larger things go by file.
pub(super) const LARGEST: usize = 1024 * 1024;

/// The parts of every output, which a step can't name its own after.
pub(super) const RESERVED: [&str; 3] = ["exit_code", "stdout", "duration"];

/// Where an output comes from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputRule {
    /// What is read.
    #[serde(default)]
    from: Source,
    /// How it is read.
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Default, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Source {
    /// What the program wrote to its standard output.
    #[default]
    Stdout,
}

#[derive(Debug, Default, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// Text, without the line breaks at its end.
    #[default]
    Text,
    /// A JSON value.
    Json,
    /// A list of the lines.
    Lines,
}

/// Whether later steps can name an output like this.
pub(super) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Reads the declared outputs out of all that was printed; `missing` bytes of it are gone.
pub(super) fn declared(
    rules: &BTreeMap<String, OutputRule>,
    stdout: &str,
    missing: usize,
) -> Result<BTreeMap<String, Value>, StepError> {
    let read = |(name, rule): (&String, &OutputRule)| {
        let Source::Stdout = rule.from;
        if missing > 0 {
            return Err(StepError::permanent(format!(
                "output `{name}`: the standard output is larger than {LARGEST} bytes; \
                 hand large data on in a file"
            )));
        }
        let value = match rule.format {
            Format::Text => Value::from(stdout.trim_end_matches('\n')),
            Format::Lines => stdout.lines().collect(),
            Format::Json => serde_json::from_str(stdout).map_err(|error| {
                StepError::permanent(format!("output `{name}`: the standard output is not JSON"))
                    .caused_by(error)
            })?,
        };
        Ok((name.clone(), value))
    };
    rules.iter().map(read).collect()
}

/// Reads the file named by `$VWMP_OUTPUT`, if the step wrote one.
pub(super) fn written(file: &Path) -> Result<BTreeMap<String, Value>, StepError> {
    let fail = |message: String| StepError::permanent(format!("the file named by $VWMP_OUTPUT {message}"));
    // To open a named pipe would wait for somebody who writes.
    if file.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        return Err(fail("is no longer a plain file".to_owned()));
    }
    let mut bytes = Vec::new();
    let read = std::fs::File::open(file)
        .and_then(|file| file.take(u64::try_from(LARGEST).unwrap_or(u64::MAX) + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(fail("can't be read".to_owned()).caused_by(error)),
        Ok(_) if bytes.len() > LARGEST => return Err(fail(format!("is larger than {LARGEST} bytes"))),
        Ok(_) => {}
    }
    let text = String::from_utf8(bytes).map_err(|error| fail("is not UTF-8".to_owned()).caused_by(error))?;
    read_lines(&text).map_err(fail)
}

/// Reads `name=value` lines and `name<<END` blocks.
fn read_lines(text: &str) -> Result<BTreeMap<String, Value>, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        let number = index + 1;
        let block = line.split_once("<<").filter(|(name, _)| is_name(name));
        let (name, value) = if let Some((name, end)) = block {
            let value = read_block(end, &mut lines)
                .ok_or_else(|| format!("has no line `{end}` that ends `{name}` of line {number}"))?;
            (name, value)
        } else {
            let (name, value) = line
                .split_once('=')
                .filter(|(name, _)| is_name(name))
                .ok_or_else(|| format!("has neither name=value nor name<<END in line {number}"))?;
            (name, value.to_owned())
        };
        if RESERVED.contains(&name) {
            return Err(format!("names an output `{name}` in line {number}, which every step has"));
        }
        outputs.insert(name.to_owned(), Value::from(value));
    }
    Ok(outputs)
}

fn read_block<'t>(end: &str, lines: &mut impl Iterator<Item = (usize, &'t str)>) -> Option<String> {
    let mut value = Vec::new();
    for (_, line) in lines {
        if line == end {
            return Some(value.join("\n"));
        }
        value.push(line);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match read_lines(text) {
            Ok(outputs) => serde_json::to_string(&outputs).unwrap(),
            Err(message) => message,
        }
    }

    #[test]
    fn lines_and_blocks_are_read() {
        for (text, expected) in [
            ("", "{}"),
            ("a=1\n\nb=x=y\na=2\n", r#"{"a":"2","b":"x=y"}"#),
            ("notes<<EOF\none\n\n two=2\nEOF\nc=\n", r#"{"c":"","notes":"one\n\n two=2"}"#),
            ("a=1<<2\n", r#"{"a":"1<<2"}"#),
            ("a<<EOF\none\n", "has no line `EOF` that ends `a` of line 1"),
            ("a=1\nhello\n", "has neither name=value nor name<<END in line 2"),
            ("=1\n", "has neither name=value nor name<<END in line 1"),
            ("stdout=1\n", "names an output `stdout` in line 1, which every step has"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }
}
