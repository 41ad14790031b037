//! A directory with files, in which the program is started.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use regex::Regex;

/// A directory with files, in which the program is started.
pub(crate) struct Place(tempfile::TempDir);

/// What the program said, with times that are always the same.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a file.
    pub(crate) fn with(self, name: &str, text: &str) -> Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The program, ready to start, away from the configuration of whoever runs the tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_vwmp")), arguments)
    }

    /// Another program, likewise.
    pub(crate) fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path());
        command.env("HOME", self.path()).env("TZ", "UTC");
        for name in [
            "XDG_CONFIG_HOME",
            "VWMP_USER_CONFIG",
            "CLICOLOR_FORCE",
            "NO_COLOR",
            "GITHUB_ACTIONS",
            "GITLAB_CI",
        ] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn vwmp(&self, arguments: &[&str]) -> Said {
        Said::of(&self.command(arguments).output().unwrap())
    }
}

impl Said {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: narrow(&steady(&String::from_utf8_lossy(&output.stdout))),
            err: steady(&String::from_utf8_lossy(&output.stderr)),
        }
    }

    #[track_caller]
    pub(crate) fn check(&self, code: i32, out: &str, err: &str) {
        assert_eq!(self.out, out, "stdout; stderr was:\n{}", self.err);
        assert_eq!(self.err, err, "stderr; stdout was:\n{}", self.out);
        assert_eq!(self.code, code);
    }
}

/// Times of day become `TIME`, and durations `SOME`.
fn steady(text: &str) -> String {
    static TIME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^\d\d:\d\d:\d\d ").unwrap());
    static DURATION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b\d+(\.\d+)? m?s\b").unwrap());
    let text = TIME.replace_all(text, "TIME ");
    DURATION.replace_all(&text, "SOME").into_owned()
}

/// Columns, whose width depends on how long things took, become two spaces apart.
fn narrow(text: &str) -> String {
    static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\S) {2,}").unwrap());
    GAP.replace_all(text, "$1  ").into_owned()
}
