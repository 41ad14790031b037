//! Commands, as far as it counts for the values in them: which words are names of commands, which are evaluated.

use std::collections::BTreeSet;

use super::spot::Refusal;

/// What ends a sequence of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    Script,
    Substitution,
    Subshell,
    Backtick,
}

/// A sequence of commands.
#[derive(Debug)]
pub(super) struct Commands {
    pub(super) ends: Ends,
    /// Backticks with a backslash in them, which only a shell can read.
    pub(super) murky: bool,
    /// The word so far; a NUL stands for a part that is quoted or expanded.
    pub(super) word: Option<Vec<u8>>,
    /// The text of the word so far, that in quotes included.
    plain: Vec<u8>,
    /// Whether the next word is the name of a command.
    head: bool,
    /// The `case` commands around this place.
    cases: Vec<Case>,
    /// Inside `[[ … ]]`.
    condition: Option<Condition>,
    /// Which command's arguments these are.
    builtin: Builtin,
    /// The word before, without quotes.
    before: Vec<u8>,
    /// The next word is where a redirection leads.
    target: bool,
    /// The next word is the name of a function or a coprocess.
    naming: bool,
    /// In the words of a loop, behind which `do` begins a command without a sign before it.
    looping: bool,
    /// Whether the values of this command become those of a variable that the shell evaluates.
    evaluated: bool,
    /// The variables that were declared as numbers or references since somebody asked.
    pub(super) numbers: Vec<Vec<u8>>,
    /// Behind the `(` of a pattern of `case`.
    in_parenthesis: bool,
    /// The items of an array, which may begin with their index.
    pub(super) array: bool,
}

/// The commands of a shell that evaluate some of their arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Builtin {
    None,
    /// `let`, and others that evaluate whatever they are given.
    Let,
    /// `declare` and its like: names, and arithmetic where the variables are numbers or references.
    Declare {
        evaluates: bool,
    },
    /// `unset`: names of variables.
    Unset,
    /// `read`: names of variables, among options.
    Read,
    /// `test`, `[`, `printf` and `wait`: the name of a variable behind this option.
    Check(u8),
}

#[derive(Debug, PartialEq, Eq)]
enum Case {
    Subject,
    Pattern,
    Body,
}

#[derive(Debug, Default)]
struct Condition {
    values: Vec<usize>,
    evaluates: bool,
}

impl Commands {
    pub(super) fn new(ends: Ends) -> Self {
        Self {
            ends,
            murky: false,
            word: None,
            plain: Vec::new(),
            head: true,
            cases: Vec::new(),
            condition: None,
            builtin: Builtin::None,
            before: Vec::new(),
            target: false,
            naming: false,
            looping: false,
            evaluated: false,
            numbers: Vec::new(),
            in_parenthesis: false,
            array: false,
        }
    }

    /// What is read in parentheses: the items of an array where the word before ends with `=`.
    pub(super) fn in_parentheses(&self) -> Self {
        let array = self.word.as_ref().is_some_and(|word| word.ends_with(b"="));
        let builtin = if array { self.builtin } else { Builtin::None };
        Self { array, builtin, ..Self::new(Ends::Subshell) }
    }

    pub(super) fn word(&mut self) -> &mut Vec<u8> {
        self.word.get_or_insert_default()
    }

    /// Why no value can stand at this place, which the shell evaluates: arithmetic, as in `let …` and
    /// `name[…`, or the name of a variable, whose index is arithmetic.
    pub(super) fn refusal(&self, numbers: &BTreeSet<Vec<u8>>) -> Option<Refusal> {
        let is_number =
            sets_a_variable(&self.plain) && numbers.contains(&self.plain[..name_length(&self.plain)]);
        if self.evaluated || is_number {
            return Some(Refusal::Arithmetic);
        }
        if self.target {
            return None;
        }
        let word = self.word.as_deref().unwrap_or_default();
        let names = match self.builtin {
            Builtin::Let | Builtin::Declare { evaluates: true } => return Some(Refusal::Arithmetic),
            Builtin::Declare { .. } if !self.array && sets_an_array(&self.plain) => {
                return Some(Refusal::Arithmetic);
            }
            Builtin::Declare { .. } => !self.array && !sets_a_variable(&self.plain),
            Builtin::Unset => true,
            Builtin::Read => !takes_a_value(&self.before),
            Builtin::Check(letter) => {
                let option = [b'-', letter];
                self.before == option || self.plain.starts_with(&option)
            }
            Builtin::None => false,
        };
        let index = word.strip_prefix(b"{").unwrap_or(word);
        let named = self.array || name_length(index) > 0;
        let open = |word: &[u8]| {
            let count = |bracket| word.iter().filter(|byte| **byte == bracket).count();
            count(b'[') > count(b']')
        };
        let indexes = named && index.get(name_length(index)) == Some(&b'[') && open(index);
        match () {
            () if indexes || sets_an_evaluated_variable(&self.plain) => Some(Refusal::Arithmetic),
            () if names => Some(Refusal::Name),
            () => None,
        }
    }

    /// Notes a byte that stands in quotes in the current word.
    pub(super) fn take_quoted(&mut self, byte: u8) {
        self.word();
        self.plain.push(byte);
    }

    /// Notes a byte of the current word.
    pub(super) fn take(&mut self, byte: u8) {
        self.word().push(byte);
        self.plain.push(byte);
    }

    /// Notes a value in the current word.
    pub(super) fn take_value(&mut self, number: usize) {
        self.word().push(0);
        if let Some(condition) = &mut self.condition {
            condition.values.push(number);
        }
    }

    /// Ends the word, if any. Returns the values of a condition that proved to be arithmetic.
    /// `numbers` are the variables that are declared as numbers or references.
    pub(super) fn end_word(&mut self, numbers: &BTreeSet<Vec<u8>>) -> Vec<usize> {
        let Some(word) = self.word.take() else { return Vec::new() };
        let plain = std::mem::take(&mut self.plain);
        if std::mem::take(&mut self.target) {
            return Vec::new();
        }
        if let Some(condition) = &mut self.condition {
            condition.evaluates |=
                matches!(word.as_slice(), b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge" | b"-v");
            if word == b"]]" {
                let condition = self.condition.take().unwrap_or_default();
                // As in `if [[ … ]] then …`.
                self.head = true;
                return if condition.evaluates { condition.values } else { Vec::new() };
            }
            return Vec::new();
        }
        match self.cases.last_mut() {
            Some(case @ Case::Subject) if word == b"in" => *case = Case::Pattern,
            Some(Case::Pattern) if word == b"esac" && !self.in_parenthesis => {
                self.cases.pop();
                self.head = true;
            }
            Some(Case::Subject | Case::Pattern) => {}
            _ if self.array => {}
            _ if self.looping && matches!(word.as_slice(), b"do" | b"{") => self.end_command(false),
            _ if self.head => self.begin_command(&word, &plain),
            _ => self.take_argument(plain, numbers),
        }
        Vec::new()
    }

    fn begin_command(&mut self, word: &[u8], plain: &[u8]) {
        let naming = std::mem::take(&mut self.naming);
        match word {
            b"if" | b"then" | b"else" | b"elif" | b"fi" | b"while" | b"until" | b"do" | b"done" | b"{"
            | b"}" | b"!" | b"time" => return,
            b"function" | b"coproc" => {
                self.naming = true;
                return;
            }
            b"case" => self.cases.push(Case::Subject),
            b"for" | b"select" | b"foreach" => self.looping = true,
            b"esac" => {
                self.cases.pop();
                return;
            }
            b"[[" => self.condition = Some(Condition::default()),
            _ if is_assignment(word) => return,
            _ => match plain {
                // They run the command that follows, behind their options.
                b"builtin" | b"command" | b"noglob" | b"nocorrect" | [b'-', ..] => return,
                _ if naming && Builtin::named(plain) == Builtin::None => return,
                _ => self.builtin = Builtin::named(plain),
            },
        }
        self.head = false;
    }

    fn take_argument(&mut self, plain: Vec<u8>, numbers: &BTreeSet<Vec<u8>>) {
        let name = &plain[..name_length(&plain)];
        if self.builtin == (Builtin::Declare { evaluates: true }) && !name.is_empty() {
            self.numbers.push(name.to_owned());
        }
        let gives = self.looping || matches!(self.builtin, Builtin::Read | Builtin::Check(_));
        self.evaluated |= gives && (EVALUATED.contains(&&*plain) || numbers.contains(&plain));
        self.before = plain;
        if let (Builtin::Declare { evaluates }, [b'-' | b'+', ..]) = (&mut self.builtin, &*self.before) {
            *evaluates |= self.before.contains(&b'i') || self.before.contains(&b'n');
        }
    }

    /// In front of a redirection.
    pub(super) fn begin_redirection(&mut self) {
        // The number or the variable of the descriptor is no word of the command.
        let descriptor = |word: &[u8]| word.iter().all(u8::is_ascii_digit) || word.starts_with(b"{");
        if self.word.as_deref().is_some_and(descriptor) {
            self.word = None;
            self.plain.clear();
        }
    }

    /// Behind the sign of a redirection: the next word says where it leads.
    pub(super) fn expect_target(&mut self) {
        self.target = true;
    }

    /// Behind `;`, `&`, `|`, a line's end or a subshell; `next_pattern` behind `;;` and its like.
    pub(super) fn end_command(&mut self, next_pattern: bool) {
        if self.condition.is_some() || self.array {
            return;
        }
        (self.head, self.builtin) = (true, Builtin::None);
        (self.target, self.naming, self.looping, self.evaluated) = (false, false, false, false);
        self.before.clear();
        if let Some(case @ Case::Body) = self.cases.last_mut()
            && next_pattern
        {
            *case = Case::Pattern;
        }
    }

    pub(super) fn in_pattern(&self) -> bool {
        self.cases.last() == Some(&Case::Pattern)
    }

    pub(super) fn in_condition(&self) -> bool {
        self.condition.is_some()
    }

    pub(super) fn open_pattern(&mut self) {
        self.in_parenthesis = true;
    }

    pub(super) fn end_pattern(&mut self) {
        self.in_parenthesis = false;
        if let Some(case) = self.cases.last_mut() {
            *case = Case::Body;
        }
        self.head = true;
    }
}

impl Builtin {
    fn named(name: &[u8]) -> Self {
        match name {
            b"let" | b"compgen" | b"complete" | b"repeat" => Self::Let,
            b"integer" | b"float" | b"nameref" => Self::Declare { evaluates: true },
            b"declare" | b"typeset" | b"local" | b"readonly" | b"export" => {
                Self::Declare { evaluates: false }
            }
            b"unset" => Self::Unset,
            b"read" => Self::Read,
            b"test" | b"[" | b"printf" => Self::Check(b'v'),
            b"wait" => Self::Check(b'p'),
            _ => Self::None,
        }
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The variables whose values the shell evaluates.
const EVALUATED: [&[u8]; 11] = [
    b"BASH_ENV",
    b"ENV",
    b"HISTCMD",
    b"OPTIND",
    b"PROMPT_COMMAND",
    b"PS0",
    b"PS1",
    b"PS2",
    b"PS4",
    b"RANDOM",
    b"SRANDOM",
];

/// Whether a word gives a value to a variable whose values the shell evaluates.
fn sets_an_evaluated_variable(word: &[u8]) -> bool {
    sets_a_variable(word) && EVALUATED.contains(&&word[..name_length(word)])
}

/// Whether a word begins with `name=`, so that what follows is the value.
fn sets_a_variable(word: &[u8]) -> bool {
    let (name, rest) = word.split_at(name_length(word));
    !name.is_empty() && (rest.starts_with(b"=") || rest.starts_with(b"+="))
}

/// Whether a word that stands as a whole gives a list to a variable: it is read as one of items with indexes.
fn sets_an_array(word: &[u8]) -> bool {
    let rest = &word[name_length(word)..];
    rest.strip_prefix(b"+").unwrap_or(rest).starts_with(b"=(")
}

fn name_length(word: &[u8]) -> usize {
    word.iter().take_while(|byte| is_name(**byte)).count()
}

/// Whether this option of `read` is followed by text that is no variable's name.
fn takes_a_value(option: &[u8]) -> bool {
    matches!(option, [b'-', .., b'p' | b'd' | b't' | b'n' | b'N' | b'u' | b'i'])
}

fn is_assignment(word: &[u8]) -> bool {
    let name = name_length(word);
    name > 0 && matches!(word.get(name), Some(b'=' | b'+' | b'['))
}
