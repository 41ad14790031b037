//! The programs that can run a script, and how each is given one.

/// How a program is given a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interpreter {
    /// A shell with the POSIX grammar: the script behind `-e -c`. Where it evaluates values is known.
    Posix,
    /// A shell with that grammar which evaluates values in places of its own, such as zsh with `exit`.
    OtherShell,
    /// The script behind this option.
    Option(&'static str),
    /// The script in a file.
    File,
}

impl Interpreter {
    /// By the name or path of the program.
    pub(super) fn of(program: &str) -> Self {
        let name = program.rsplit('/').next().unwrap_or(program);
        // As in `python3.12`, `ksh93` and `bash-5.2`.
        match name.trim_end_matches(|char: char| char.is_ascii_digit() || matches!(char, '.' | '-')) {
            "sh" | "bash" | "dash" | "ash" => Self::Posix,
            "ksh" | "mksh" | "yash" | "zsh" => Self::OtherShell,
            "python" | "fish" | "tcsh" | "csh" | "su" => Self::Option("-c"),
            "node" | "nodejs" | "ruby" | "perl" | "lua" | "luajit" => Self::Option("-e"),
            "php" => Self::Option("-r"),
            _ => Self::File,
        }
    }

    /// The letter of the option that a script follows, where there is one.
    pub(super) fn option(self) -> Option<char> {
        match self {
            Self::Posix | Self::OtherShell => Some('c'),
            Self::Option(option) => option.chars().last(),
            Self::File => None,
        }
    }
}
