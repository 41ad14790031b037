//! What the lexer is inside of, innermost last.

/// A part of a script that is read by its own rules.
#[derive(Debug)]
pub(super) enum Frame {
    /// Commands: the script, `$(…)`, `(…)` or backticks.
    Commands(Commands),
    /// `"…"`
    Double,
    /// `'…'`
    Single,
    /// `$'…'`
    Escaped,
    /// `${…}`
    Brace(Brace),
    /// `$((…))`, `((…))` or `$[…]`
    Arithmetic {
        /// Brackets that are open inside.
        depth: u32,
        /// `)` or `]`.
        close: u8,
    },
    /// The body of a here-document.
    Document(Heredoc),
}

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
    /// Whether the next word is the name of a command.
    head: bool,
    /// The `case` commands around this place.
    cases: Vec<Case>,
    /// Inside `[[ … ]]`.
    condition: Option<Condition>,
    /// Among the arguments of `let`.
    lets: bool,
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
        let cases = Vec::new();
        Self { ends, murky: false, word: None, head: true, cases, condition: None, lets: false }
    }

    pub(super) fn word(&mut self) -> &mut Vec<u8> {
        self.word.get_or_insert_default()
    }

    /// Whether a value at this place is evaluated as arithmetic: `let …` and `name[…`.
    pub(super) fn evaluates(&self) -> bool {
        let subscript = self.word.as_deref().is_some_and(|word| {
            let name = word.iter().take_while(|byte| is_name(**byte)).count();
            name > 0 && word.get(name) == Some(&b'[') && !word.contains(&b']')
        });
        self.lets || subscript
    }

    /// Notes a value in the current word.
    pub(super) fn take_value(&mut self, number: usize) {
        self.word().push(0);
        if let Some(condition) = &mut self.condition {
            condition.values.push(number);
        }
    }

    /// Ends the word, if any. Returns the values of a condition that proved to be arithmetic.
    pub(super) fn end_word(&mut self) -> Vec<usize> {
        let Some(word) = self.word.take() else { return Vec::new() };
        if let Some(condition) = &mut self.condition {
            condition.evaluates |=
                matches!(word.as_slice(), b"-eq" | b"-ne" | b"-lt" | b"-le" | b"-gt" | b"-ge" | b"-v");
            if word == b"]]" {
                let condition = self.condition.take().unwrap_or_default();
                return if condition.evaluates { condition.values } else { Vec::new() };
            }
            return Vec::new();
        }
        match self.cases.last_mut() {
            Some(case @ Case::Subject) if word == b"in" => *case = Case::Pattern,
            Some(Case::Pattern) if word == b"esac" => {
                self.cases.pop();
            }
            Some(Case::Subject | Case::Pattern) => {}
            _ if self.head => self.begin_command(&word),
            _ => {}
        }
        Vec::new()
    }

    fn begin_command(&mut self, word: &[u8]) {
        match word {
            b"if" | b"then" | b"else" | b"elif" | b"fi" | b"while" | b"until" | b"do" | b"done" | b"{"
            | b"}" | b"!" | b"time" => return,
            b"case" => self.cases.push(Case::Subject),
            b"esac" => {
                self.cases.pop();
            }
            b"[[" => self.condition = Some(Condition::default()),
            b"let" => self.lets = true,
            _ if is_assignment(word) => return,
            _ => {}
        }
        self.head = false;
    }

    /// Behind `;`, `&`, `|`, a line's end or a subshell; `next_pattern` behind `;;` and its like.
    pub(super) fn end_command(&mut self, next_pattern: bool) {
        if self.condition.is_some() {
            return;
        }
        (self.head, self.lets) = (true, false);
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

    pub(super) fn end_pattern(&mut self) {
        if let Some(case) = self.cases.last_mut() {
            *case = Case::Body;
        }
        self.head = true;
    }
}

/// The part of a `${…}`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Brace {
    /// The variable's name. The first byte may be a sign, as in `${#x}`.
    Name { first: bool, quoted: bool },
    /// The index of an array.
    Subscript { quoted: bool },
    /// The numbers in `${x:1:2}`.
    Offset,
    /// What follows an operator: text, or a pattern.
    Word { quoted: bool, pattern: bool },
}

impl Brace {
    /// Whether it stands in double quotes.
    pub(super) fn quoted(self) -> bool {
        match self {
            Self::Name { quoted, .. } | Self::Subscript { quoted } | Self::Word { quoted, .. } => quoted,
            Self::Offset => true,
        }
    }

    /// What a byte behind or in the name begins, and how many bytes that takes.
    pub(super) fn after_name(byte: u8, next: u8, quoted: bool) -> (Self, usize) {
        match (byte, next) {
            (b'[', _) => (Self::Subscript { quoted }, 1),
            (b':', b'-' | b'=' | b'+' | b'?') => (Self::Word { quoted, pattern: false }, 2),
            (b':', _) => (Self::Offset, 1),
            (b'-' | b'=' | b'+' | b'?', _) => (Self::Word { quoted, pattern: false }, 1),
            (b'#' | b'%' | b'/' | b'^' | b',' | b'@', _) => (Self::Word { quoted, pattern: true }, 1),
            _ => (Self::Name { first: false, quoted }, 1),
        }
    }
}

/// A here-document.
#[derive(Debug)]
pub(super) struct Heredoc {
    /// Its end word, without quotes.
    pub(super) end: Vec<u8>,
    /// Whether the end word was quoted.
    pub(super) quoted: bool,
    /// `<<-`: tabs at the beginning of lines don't count.
    pub(super) strip: bool,
    /// Whether a line begins here.
    pub(super) line_start: bool,
}

impl Default for Heredoc {
    fn default() -> Self {
        Self { end: Vec::new(), quoted: false, strip: false, line_start: true }
    }
}

impl Heredoc {
    pub(super) fn ends_with(&self, line: &[u8]) -> bool {
        let tabs = line.iter().take_while(|byte| self.strip && **byte == b'\t').count();
        line[tabs..] == self.end
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_assignment(word: &[u8]) -> bool {
    let name = word.iter().take_while(|byte| is_name(**byte)).count();
    name > 0 && matches!(word.get(name), Some(b'=' | b'+' | b'['))
}
