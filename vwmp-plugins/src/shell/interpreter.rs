//! The programs that can run a script, and how each is given one.

/// How a program is given a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interpreter {
    /// A shell with the POSIX grammar: the script behind `-e -c`.
    Posix,
    /// The script behind this option.
    Option(&'static str),
    /// The script in a file.
    File,
}

impl Interpreter {
    /// By the name or path of the program.
    pub(super) fn of(program: &str) -> Self {
        match program.rsplit('/').next().unwrap_or(program) {
            "sh" | "bash" | "dash" | "ash" | "ksh" | "ksh93" | "mksh" | "yash" | "zsh" => Self::Posix,
            "python" | "python3" | "fish" => Self::Option("-c"),
            "node" | "ruby" | "perl" | "lua" => Self::Option("-e"),
            _ => Self::File,
        }
    }

    /// The letter of the option that a script follows, where there is one.
    pub(super) fn option(self) -> Option<char> {
        match self {
            Self::Posix => Some('c'),
            Self::Option(option) => option.chars().last(),
            Self::File => None,
        }
    }
}
