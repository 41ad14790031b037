//! Names of secrets.

use vwmp_interfaces::StepError;

/// Refuses a name that could lead elsewhere than to a secret: out of a directory, or to an option of a command.
pub(super) fn check(name: &str) -> Result<(), StepError> {
    let inner = |char: char| char.is_ascii_alphanumeric() || "_-.".contains(char);
    if name.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '_') && name.chars().all(inner) {
        return Ok(());
    }
    Err(StepError::invalid(format!(
        "`{name}` can't be the name of a secret: use letters, digits, `_`, `-` and `.`, with a letter, a digit or `_` first"
    )))
}

/// The name of a variable for a secret: `deploy-key` is `DEPLOY_KEY`.
pub(super) fn variable(name: &str) -> String {
    name.to_ascii_uppercase().replace(['-', '.'], "_")
}

/// A text from a file or a program without the line break at its end, which is no part of the secret.
pub(super) fn without_line_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_where_they_belong() {
        for good in ["token", "_x", "deploy-key.2", "TOKEN"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "../x", ".env", "-x", "a/b", "a b", "a\nb"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert_eq!(variable("deploy-key.2"), "DEPLOY_KEY_2");
        assert_eq!(["a\n", "a\r\n", "a", "a\n\n"].map(without_line_break), ["a", "a", "a", "a\n"]);
    }
}
