//! What the lexer says about the place of a value.

/// How a reference must be written where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// Outside of quotes: the reference brings its own.
    Bare,
    /// Inside double quotes.
    Quoted,
    /// Inside a here-document, where quotes are plain text.
    Document,
}

/// Why no value can stand in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("stands inside single quotes, where the shell replaces nothing")]
    SingleQuotes,
    #[error("stands in a here-document whose end word is quoted, so the shell replaces nothing in it")]
    QuotedDocument,
    #[error("stands directly after a backslash")]
    Backslash,
    #[error("stands directly after a `$`")]
    Dollar,
    #[error("stands where the shell evaluates arithmetic, which can run commands hidden in a value")]
    Arithmetic,
    #[error("is the end word of a here-document, which must be fixed")]
    DocumentEnd,
    #[error("stands in place of a variable's name")]
    Name,
    #[error("stands in backticks that contain a backslash")]
    Backticks,
    #[error("stands behind signs such as `((` that a `\\` at the end of a line takes apart")]
    SplitSigns,
}

impl Refusal {
    /// What to write instead of `expression` (with its brackets).
    pub(super) fn help(self, expression: &str) -> String {
        match self {
            Self::SingleQuotes => format!("use double quotes: \"{expression}\""),
            Self::QuotedDocument => "write the end word without quotes: <<EOF".to_owned(),
            Self::Backslash => "remove the backslash: a value needs no escaping".to_owned(),
            Self::Dollar => "remove the `$`, or write `\\$` for a dollar sign".to_owned(),
            Self::Arithmetic => {
                format!("assign it first and make sure that it is a number: n={expression}; … $((n + 1))")
            }
            Self::DocumentEnd => "use a fixed word such as EOF".to_owned(),
            Self::Name => format!("use the value itself: \"{expression}\""),
            Self::SplitSigns => "write the signs side by side, on one line".to_owned(),
            Self::Backticks => "write $(…) instead of backticks".to_owned(),
        }
    }
}
