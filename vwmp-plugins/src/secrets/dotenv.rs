//! Files with a `NAME=value` on each line.

/// The value of a name; an error says which line is none, and nothing of what stands there.
pub(super) fn value(text: &str, name: &str) -> Result<Option<String>, String> {
    let mut found = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let wrong = || format!("line {} is no `NAME=value`", number + 1);
        let (key, value) = line.split_once('=').ok_or_else(wrong)?;
        let value = unquoted(value.trim()).ok_or_else(wrong)?;
        if key.trim() == name {
            found = Some(value);
        }
    }
    Ok(found)
}

/// `'as it is'`, `"with \n"`, or a bare word that a comment may follow.
fn unquoted(value: &str) -> Option<String> {
    match value.chars().next() {
        Some('\'') => {
            value[1..].split_once('\'').filter(|(_, rest)| is_comment(rest)).map(|(text, _)| text.into())
        }
        Some('"') => double_quoted(&value[1..]),
        _ => Some(value.split_once(" #").map_or(value, |(value, _)| value).trim_end().to_owned()),
    }
}

fn double_quoted(text: &str) -> Option<String> {
    let (mut value, mut chars) = (String::new(), text.chars());
    loop {
        match chars.next()? {
            '"' => return is_comment(chars.as_str()).then_some(value),
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            }),
            other => value.push(other),
        }
    }
}

fn is_comment(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_everybody_writes_them() {
        let text = "# all of them\nA=1\nexport B = two words # not this\nC='a \"#\" $b'\nD=\"x\\n\\\"y\\\"\" # z\nA=2\nE=\n";
        for (name, expected) in [
            ("A", Some("2")),
            ("B", Some("two words")),
            ("C", Some("a \"#\" $b")),
            ("D", Some("x\n\"y\"")),
            ("E", Some("")),
            ("F", None),
        ] {
            assert_eq!(value(text, name).unwrap().as_deref(), expected, "{name}");
        }
        for wrong in ["A=1\nhunter2", "A=1\nB='open", "A=1\nB=\"x\"y"] {
            assert_eq!(value(wrong, "A"), Err("line 2 is no `NAME=value`".to_owned()));
        }
    }
}
