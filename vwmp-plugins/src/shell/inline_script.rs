//! Commands that hand a script to a program: which of their words is the script.

use vwmp_interfaces::template::has_expressions;

use super::interpreter::Interpreter;

/// Programs that start the one behind them.
const RUNNERS: [&str; 12] = [
    "busybox", "chroot", "doas", "env", "find", "nice", "nohup", "setsid", "stdbuf", "sudo", "timeout",
    "xargs",
];

/// The word that is a script for the program at `program`, if there is one; of several, one with a value in it.
pub(super) fn within(words: &[&str], program: usize) -> Option<usize> {
    let name = name_of(words[program]);
    let first = program + 1;
    let script = match name {
        "env" => split_by_env(words, first)?,
        "awk" | "gawk" | "mawk" | "nawk" | "goawk" if is_started(words, program) => {
            program_of_awk(words, first)?
        }
        "pwsh" | "powershell" => behind_command(words, first)?,
        "su" | "runuser" => behind_user(words, first)?,
        "deno" => {
            let verb = behind_options(words, first);
            (words.get(verb) == Some(&"eval")).then(|| behind_options(words, verb + 1))?
        }
        "bun" if words.get(first) == Some(&"exec") => first + 1,
        "bun" => behind_option(words, first, name, 'e')?,
        name => behind_option(words, first, name, Interpreter::of(name).option()?)?,
    };
    (script < words.len()).then_some(script)
}

/// `python` of `/usr/bin/python3.12`.
fn name_of(program: &str) -> &str {
    let name = program.rsplit_once('/').map_or(program, |(_, name)| name);
    name.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.')
}

/// Whether a word is the program that is started: without an option that tells, it may as well be an argument.
fn is_started(words: &[&str], program: usize) -> bool {
    program == 0 || RUNNERS.contains(&name_of(words[0]))
}

/// `sh -e -c SCRIPT`: the first word that is no option, if one of those before it announces a script. What follows it are
/// arguments for a shell, and may be more of the script for others.
fn behind_option(words: &[&str], mut at: usize, program: &str, letter: char) -> Option<usize> {
    let (mut announced, mut found) = (false, None);
    while let Some(option) = words.get(at).filter(|word| word.starts_with(['-', '+'])) {
        let name = option.split(['=', '$']).next().unwrap_or_default();
        let is_announced = announces(name, letter) || announces_too(name, program);
        if is_announced && (has_expressions(option) || option.starts_with("--") && option.contains('=')) {
            found = Some(at);
        } else {
            announced |= is_announced;
        }
        at += if takes_word(option, letter) { 2 } else { 1 };
        if announced && words.get(at).is_some_and(|word| !word.starts_with(['-', '+'])) {
            (announced, found) = (false, Some(at));
            at += 1;
        }
        if letter == 'c' && found.is_some() || found.is_some_and(|at| has_expressions(words[at])) {
            break;
        }
    }
    found
}

/// `su USER -c SCRIPT`: options may stand anywhere.
fn behind_user(words: &[&str], first: usize) -> Option<usize> {
    let is_joined = |word: &str| word.starts_with("--command=");
    let option = (first..words.len()).find(|at| announces(words[*at], 'c') || is_joined(words[*at]))?;
    Some(if is_joined(words[option]) { option } else { option + 1 })
}

/// Whether a script stands behind an option, by its letter or by a long name.
fn announces(option: &str, letter: char) -> bool {
    match (option.strip_prefix("--"), option.strip_prefix(['-', '+'])) {
        (Some(long), _) => matches!(long, "eval" | "print" | "command" | "session-command"),
        (None, Some(letters)) => letters.contains(letter),
        (None, None) => false,
    }
}

/// What else announces a script for some programs: `-E` of Perl does a little more than `-e`, `-p` of Node prints what comes
/// out, `-R` of PHP runs for each line.
fn announces_too(option: &str, program: &str) -> bool {
    let letters: &[char] = match program {
        "node" | "nodejs" | "bun" => &['p'],
        "perl" => &['E'],
        "php" if option == "--run" => return true,
        "php" => &['B', 'R', 'E'],
        _ => &[],
    };
    !option.starts_with("--") && option.contains(letters)
}

/// Options that are followed by a word of their own: `-o pipefail`, `-W ignore`, `--rcfile FILE`.
fn takes_word(option: &str, letter: char) -> bool {
    match option.strip_prefix("--") {
        Some(long) => {
            matches!(long, "rcfile" | "init-file" | "require" | "import" | "user" | "group" | "shell")
        }
        None if letter == 'e' && option == "-r" => true,
        None if letter == 'r' => matches!(option, "-c" | "-d" | "-z"),
        None => option.ends_with(['o', 'O', 'W', 'X', 'I']),
    }
}

/// `env -S 'sh -c …'` makes words, and what they mean, out of one; those behind it follow them.
fn split_by_env(words: &[&str], first: usize) -> Option<usize> {
    let mut at = first;
    let option = loop {
        let option = words.get(at).filter(|word| word.starts_with('-'))?;
        match *option {
            "--split-string" => break "",
            "-u" | "-C" | "--unset" | "--chdir" => at += 2,
            _ if option.starts_with("--") => match option.strip_prefix("--split-string=") {
                Some(joined) => break joined,
                None => at += 1,
            },
            _ => match option.split_once('S') {
                Some((_, joined)) => break joined,
                None => at += 1,
            },
        }
    };
    let (script, text) = if option.is_empty() { (at + 1, *words.get(at + 1)?) } else { (at, option) };
    let mut split: Vec<&str> = text.split_whitespace().collect();
    let own = split.len();
    split.extend(&words[script + 1..]);
    let programs = (0..own).filter(|program| name_of(split[*program]) != "env");
    let handed_on = programs.filter_map(|program| within(&split, program)).find(|at| *at >= own);
    Some(handed_on.filter(|_| !has_expressions(text)).map_or(script, |at| script + 1 + at - own))
}

/// `awk -F : 'PROGRAM' FILE`: the first word that is no option, unless the program is in options.
fn program_of_awk(words: &[&str], mut at: usize) -> Option<usize> {
    let mut elsewhere = None;
    while let Some(option) = words.get(at).filter(|word| word.len() > 1 && word.starts_with('-')) {
        match *option {
            "--" => {
                at += 1;
                break;
            }
            "-e" | "--source" => elsewhere = Some(at + 1),
            _ if option.starts_with("-e") || option.starts_with("--source=") => elsewhere = Some(at),
            _ if option.starts_with("-f") || option.starts_with("-E") => elsewhere = Some(words.len()),
            _ if option.starts_with("--file") || option.starts_with("--exec") => {
                elsewhere = Some(words.len());
            }
            _ => {}
        }
        if elsewhere.and_then(|script| words.get(script)).is_some_and(|script| has_expressions(script)) {
            break;
        }
        let apart = ["-e", "-f", "-E", "-F", "-v", "-i", "-l"].contains(option)
            || ["--source", "--file", "--exec", "--field-separator", "--assign", "--include"]
                .contains(option);
        at += if apart { 2 } else { 1 };
    }
    Some(elsewhere.unwrap_or(at))
}

/// `pwsh -Command …`, in any case and shortened: the words behind it are one script. Those behind a file are arguments.
fn behind_command(words: &[&str], first: usize) -> Option<usize> {
    for (at, word) in words.iter().enumerate().skip(first) {
        let word = word.to_ascii_lowercase();
        let Some(option) = word.strip_prefix('-').map(|option| option.trim_start_matches('-')) else {
            if word.ends_with(".ps1") {
                return None;
            }
            continue;
        };
        if option.is_empty() || "file".starts_with(option) {
            return None;
        }
        if "command".starts_with(option) || option == "commandwithargs" {
            return (at + 1..words.len()).find(|script| has_expressions(words[*script]));
        }
    }
    None
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
            ("perl -eprint($<a>)", "-eprint($<a>)"),
            ("awk X file", "X"),
            ("gawk -F : -v a=$<b> X file", "X"),
            ("env -S X", "X"),
            ("env -iS X", "X"),
            ("env --split-string=X", "--split-string=X"),
            ("env -SX", "-SX"),
            ("pwsh -NoProfile -Command echo $<a>", "$<a>"),
            ("pwsh -c $<a>", "$<a>"),
            ("pwsh --Command ${config.a}", "${config.a}"),
            ("pwsh -ExecutionPolicy Bypass -COMM $<a>", "$<a>"),
            ("deno eval X", "X"),
            ("deno --quiet eval --ext=ts X", "X"),
            ("bun -e X", "X"),
            ("bun exec X", "X"),
            ("env -u NAME -S X", "X"),
            ("env -S sh -c $<a>", "$<a>"),
            ("awk -F: --source=$<a> file", "--source=$<a>"),
            ("gawk -f lib.awk -e $<a>", "$<a>"),
            ("gawk -e X -e $<a>", "$<a>"),
            ("awk -- X", "X"),
            ("perl -ne X -e $<a>", "$<a>"),
            ("node -r module -e X", "X"),
            ("php -d a=b -r X", "X"),
            ("su - postgres -c X", "X"),
            ("su postgres --command=X", "--command=X"),
        ] {
            let words: Vec<&str> = command.split(' ').collect();
            assert_eq!(within(&words, 0).map(|at| words[at]), Some(script), "{command}");
        }
        for command in [
            "cargo build",
            "node --run $<a>",
            "perl -p $<a>",
            "sh script.sh",
            "awk -f program X",
            "awk -fprogram X",
            "awk --file=program X",
            "env A=b make",
            "env -u NAME make -S X",
            "deno run X",
            "sh -c",
            "ruby -I$<config.include> script.rb",
            "pwsh -File script.ps1 -c $<a>",
            "pwsh script.ps1 -c $<a>",
        ] {
            let words: Vec<&str> = command.split(' ').collect();
            assert_eq!(within(&words, 0), None, "{command}");
        }
    }

    #[test]
    fn a_word_is_a_program_where_it_is_started() {
        for words in [["grep", "awk", "$<a>"], ["install", "gawk", "$<a>"]] {
            assert_eq!(within(&words, 1), None);
        }
        assert_eq!(within(&["xargs", "/usr/bin/awk", "$<a>"], 1), Some(2));
    }

    #[test]
    fn words_behind_those_that_env_splits_follow_them() {
        assert_eq!(within(&["env", "-S", "sh -e -c", "$<a>"], 0), Some(3));
        assert_eq!(within(&["env", "-iSpython3 -c", "$<a>"], 0), Some(2));
        assert_eq!(within(&["env", "-S", "make $<a>", "$<b>"], 0), Some(2));
        assert_eq!(within(&["env", "-S", "make", "$<b>"], 0), Some(2), "no value in it: nothing is said");
    }
}
