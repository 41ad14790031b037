//! Commands that hand a script to a program: which of their words is the script.

use super::interpreter::Interpreter;

/// The word that is a script for the program at `program`, if there is one.
pub(super) fn within(words: &[&str], program: usize) -> Option<usize> {
    let name = words[program].rsplit('/').next()?;
    let first = program + 1;
    let script = match name.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.') {
        "env" => split_by_env(words, first)?,
        "awk" | "gawk" | "mawk" | "nawk" | "goawk" => program_of_awk(words, first)?,
        "pwsh" | "powershell" => behind_command(words, first)?,
        "deno" | "bun" if words.get(first) == Some(&"eval") => behind_options(words, first + 1),
        name if Interpreter::of(name) != Interpreter::File => {
            behind_option(words, first, Interpreter::of(name).option()?)?
        }
        _ => return None,
    };
    (script < words.len()).then_some(script)
}

/// `sh -e -c SCRIPT`: the first word that is no option, if one of those before it announces a script.
fn behind_option(words: &[&str], mut at: usize, letter: char) -> Option<usize> {
    let mut found = false;
    while let Some(option) = words.get(at).filter(|word| word.starts_with(['-', '+'])) {
        if option.split_once('=').is_some_and(|(name, _)| name.starts_with("--") && announces(name, letter)) {
            return Some(at);
        }
        found |= announces(option, letter);
        at += if takes_word(option) { 2 } else { 1 };
    }
    found.then_some(at)
}

/// Whether a script stands behind an option, by its letter or by a long name.
fn announces(option: &str, letter: char) -> bool {
    match option.strip_prefix("--") {
        Some(long) => matches!(long, "eval" | "print" | "run" | "command"),
        // `-E` of Perl does a little more, `-p` of Node prints what comes out.
        None => option.contains(letter) || (letter == 'e' && option.contains(['E', 'p'])),
    }
}

/// Options that are followed by a word of their own: `-o pipefail`, `-W ignore`, `--rcfile FILE`.
fn takes_word(option: &str) -> bool {
    match option.strip_prefix("--") {
        Some(long) => {
            matches!(long, "rcfile" | "init-file" | "require" | "import" | "user" | "group" | "shell")
        }
        None => option.ends_with(['o', 'O', 'W', 'X', 'I']),
    }
}

/// `env -S 'sh -c …'` makes words, and what they mean, out of one.
fn split_by_env(words: &[&str], first: usize) -> Option<usize> {
    let options = words.iter().enumerate().skip(first).take_while(|(_, word)| word.starts_with('-'));
    let mut splitting = options.filter(|(_, word)| {
        word.starts_with("--split-string") || (!word.starts_with("--") && word.contains('S'))
    });
    let (at, word) = splitting.next()?;
    let apart = word.ends_with('S') || *word == "--split-string";
    Some(if apart { at + 1 } else { at })
}

/// `awk -F : 'PROGRAM' FILE`: the first word that is no option, unless the program is in a file.
fn program_of_awk(words: &[&str], mut at: usize) -> Option<usize> {
    while let Some(option) = words.get(at).filter(|word| word.len() > 1 && word.starts_with('-')) {
        match *option {
            "-f" | "--file" => return None,
            "-e" | "--source" | "--" => return Some(at + 1),
            "-F" | "-v" | "-i" => at += 2,
            _ => at += 1,
        }
    }
    Some(at)
}

/// `pwsh -Command …`, in any case and shortened: the words behind it are one script.
fn behind_command(words: &[&str], first: usize) -> Option<usize> {
    let is_command = |word: &&str| {
        let word = word.to_ascii_lowercase();
        word.len() > 1 && ("-command".starts_with(&word) || word == "-commandwithargs")
    };
    let option = words.iter().skip(first).position(is_command)? + first;
    let script = words.iter().skip(option + 1).position(|word| word.contains("$<"))?;
    Some(option + 1 + script)
}

fn behind_options(words: &[&str], first: usize) -> usize {
    let options = words.iter().skip(first).take_while(|word| word.starts_with('-'));
    first + options.count()
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn the_script_among_the_words_of_a_command() {
        for (command, script) in [
            ("sh -c X", "X"),
            ("sh -e -o pipefail -c X arg", "X"),
            ("bash --rcfile f -c X", "X"),
            ("/usr/bin/python3.12 -W ignore -c X", "X"),
            ("node --eval X", "X"),
            ("node --eval=X", "--eval=X"),
            ("node -p X", "X"),
            ("perl -E X", "X"),
            ("perl -lne X file", "X"),
            ("awk X file", "X"),
            ("gawk -F : -v a=$<b> X file", "X"),
            ("env -S X", "X"),
            ("env -iS X", "X"),
            ("env --split-string=X", "--split-string=X"),
            ("env -SX", "-SX"),
            ("pwsh -NoProfile -Command echo $<a>", "$<a>"),
            ("pwsh -c $<a>", "$<a>"),
            ("deno eval X", "X"),
            ("bun eval X", "X"),
        ] {
            let words: Vec<&str> = command.split(' ').collect();
            assert_eq!(within(&words, 0).map(|at| words[at]), Some(script), "{command}");
        }
        for command in
            ["cargo build", "sh script.sh", "awk -f program X", "env A=b make", "deno run X", "sh -c"]
        {
            let words: Vec<&str> = command.split(' ').collect();
            assert_eq!(within(&words, 0), None, "{command}");
        }
    }
}
