//! Scripts that need no shell, because a shell would do nothing but start one program.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What `sh` does itself, or reads as more than a command's name. `true` and `false` are missing on
/// purpose: the programs of that name do the same.
#[rustfmt::skip]
const NOT_PROGRAMS: [&str; 87] = [
    ".", ":", "[", "[[", "alias", "autoload", "bg", "bind", "break", "builtin", "caller", "case", "cd", "chdir",
    "command", "compgen", "complete", "compopt", "continue", "coproc", "declare", "dirs", "disown", "do", "done",
    "echo", "elif", "else", "enable", "esac", "eval", "exec", "exit", "export", "fc", "fg", "fi", "float", "for",
    "function", "functions", "getopts", "hash", "help", "history", "if", "in", "integer", "jobs", "kill",
    "let", "local", "logout", "mapfile", "nameref", "popd", "print", "printf", "pushd",
    "pwd", "read", "readarray", "readonly", "redirect", "return", "select", "set", "shift", "shopt", "sleep",
    "source", "stop", "suspend", "test", "then", "time", "times", "trap", "type", "typeset", "ulimit", "umask",
    "unalias", "unset", "until", "wait", "while",
];

/// The words of a script that a shell would start as one program, as they are.
pub(super) fn plain_words(code: &str) -> Option<Vec<&str>> {
    let line = code.trim_matches([' ', '\t', '\n']);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" _-./:,+@%=".contains(&byte);
    if !line.bytes().all(plain) {
        return None;
    }
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let program = words.first()?;
    // A slash is left to the shell: a script without `#!` is one of its own.
    let taken = program.contains(['=', '/', '%']) || NOT_PROGRAMS.binary_search(program).is_ok();
    (!taken).then_some(words)
}

/// The file that a program's name stands for; parts of `path` that are relative start from `directory`.
pub(super) fn find_program(name: &str, path: &str, directory: &Path) -> Option<PathBuf> {
    let mut file = PathBuf::with_capacity(256);
    let found = path.split(':').any(|part| {
        file.as_mut_os_string().clear();
        file.extend([directory, Path::new(part), Path::new(name)]);
        file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    });
    found.then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_shell_would_start_unchanged_is_plain() {
        assert!(NOT_PROGRAMS.is_sorted());
        for plain in ["true", "cargo build --release\n", "git  log -n 1 --format=%H", "make -j4 a=b"] {
            assert!(plain_words(plain).is_some(), "{plain}");
        }
        for shell in [
            "", "cd x", "a=b c", "ls *", "ls ~", "a | b", "a\nb", "echo x", "./x", "$x", "a 'b'", "%1", "if",
            "x #y",
        ] {
            assert!(plain_words(shell).is_none(), "{shell}");
        }
        assert_eq!(plain_words(" a  b \n").unwrap(), ["a", "b"]);
    }

    #[test]
    fn programs_are_found_in_the_given_path_only() {
        let root = Path::new("/");
        assert_eq!(find_program("sh", "/nowhere:/bin", root), Some("/bin/sh".into()));
        assert_eq!(find_program("sh", "/nowhere", root), None);
        assert_eq!(find_program("sh", "bin", root), Some("/bin/sh".into()));
    }
}
