//! `${{ … }}` as expressions of ours.

use super::super::words::path;

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Text,
    Other,
}

/// An expression of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) text: String,
    pub(super) kind: Kind,
    /// Whether it is a path alone.
    pub(super) is_path: bool,
}

/// What a name such as `matrix.os` means, or why it means nothing here.
pub(super) trait Names {
    fn resolve(&mut self, segments: &[String]) -> Result<Expression, String>;
}

/// Translates an expression, without its `${{ }}`.
pub(super) fn translate(text: &str, names: &mut dyn Names) -> Result<Expression, String> {
    let unknown = || format!("the expression `{}`", text.trim());
    let tokens = tokens(text).ok_or_else(unknown)?;
    let mut reader = Reader { tokens, at: 0, names };
    let read = reader.or()?;
    if reader.at == reader.tokens.len() { Ok(read) } else { Err(unknown()) }
}

impl Expression {
    pub(super) fn new(text: impl Into<String>, kind: Kind) -> Self {
        Self { text: text.into(), kind, is_path: false }
    }

    pub(super) fn path(segments: &[&str], kind: Kind) -> Self {
        Self { text: path(segments), kind, is_path: true }
    }

    /// The expression where true or false is asked for: text is true when there is any.
    pub(super) fn truth(self) -> Self {
        match self.kind {
            Kind::Text => Self::new(format!("({} != \"\")", self.text), Kind::Bool),
            Kind::Bool | Kind::Other => self,
        }
    }

    /// The expression as a value inside text.
    pub(super) fn value(&self) -> String {
        if self.is_path { format!("$<{} ?? \"\">", self.text) } else { format!("$<({})>", self.text) }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(String),
    Sign(&'static str),
}

const SIGNS: [&str; 15] = ["==", "!=", "&&", "||", "<=", ">=", "!", "<", ">", "(", ")", "[", "]", ".", ","];

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end;
        if first == '\'' {
            let mut value = String::new();
            let mut left = &rest[1..];
            loop {
                let at = left.find('\'')?;
                value.push_str(&left[..at]);
                left = &left[at + 1..];
                match left.strip_prefix('\'') {
                    Some(more) => left = more,
                    None => break,
                }
                value.push('\'');
            }
            end = rest.len() - left.len();
            tokens.push(Token::Text(value));
        } else if first.is_ascii_alphabetic() || first == '_' {
            let part = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
            end = rest.find(part).unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..end].to_owned()));
        } else if first.is_ascii_digit() {
            end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
            tokens.push(Token::Number(rest[..end].to_owned()));
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign))?;
            end = sign.len();
            tokens.push(Token::Sign(sign));
        }
        rest = rest[end..].trim_start();
    }
    Some(tokens)
}

struct Reader<'n> {
    tokens: Vec<Token>,
    at: usize,
    names: &'n mut dyn Names,
}

impl Reader<'_> {
    fn take(&mut self, sign: &'static str) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(format!("an expression without its `{sign}`")) }
    }

    fn or(&mut self) -> Result<Expression, String> {
        let mut left = self.and()?;
        while self.take("||") {
            let right = self.and()?;
            left = if left.kind == Kind::Bool && right.kind == Kind::Bool {
                Expression::new(format!("({} || {})", left.text, right.text), Kind::Bool)
            } else if left.kind == Kind::Text && right.kind == Kind::Text {
                // `a || 'b'` means a default.
                let text = format!("({0} != \"\" ? {0} : {1})", left.text, right.text);
                Expression::new(text, Kind::Text)
            } else {
                let (left, right) = (left.truth(), right.truth());
                Expression::new(format!("({} || {})", left.text, right.text), Kind::Bool)
            };
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, String> {
        let mut left = self.comparison()?;
        while self.take("&&") {
            let right = self.comparison()?;
            left = if right.kind == Kind::Text && left.kind == Kind::Bool {
                // `a && 'b'` means a choice.
                Expression::new(format!("({} ? {} : \"\")", left.text, right.text), Kind::Text)
            } else {
                let (left, right) = (left.truth(), right.truth());
                Expression::new(format!("({} && {})", left.text, right.text), Kind::Bool)
            };
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let mut left = self.unary()?;
        for sign in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.take(sign) {
                let right = self.unary()?;
                let (a, b) = alike(left, right);
                left = Expression::new(format!("({a} {sign} {b})"), Kind::Bool);
                break;
            }
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        if self.take("!") {
            let inner = self.unary()?.truth();
            return Ok(Expression::new(format!("!{}", inner.text), Kind::Bool));
        }
        let token = self.tokens.get(self.at).cloned().ok_or("an expression that ends too early")?;
        self.at += 1;
        match token {
            Token::Text(text) => Ok(Expression::new(quoted(&text), Kind::Text)),
            Token::Number(text) => Ok(Expression::new(text, Kind::Other)),
            Token::Sign("(") => {
                let inner = self.or()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign(sign) => Err(format!("an expression with `{sign}` where a value was expected")),
            Token::Name(name) if matches!(name.as_str(), "true" | "false") => {
                Ok(Expression::new(name, Kind::Bool))
            }
            Token::Name(name) if name == "null" => Ok(Expression::new("\"\"", Kind::Text)),
            Token::Name(name) if self.take("(") => self.call(&name),
            Token::Name(name) => self.name(name),
        }
    }

    fn name(&mut self, first: String) -> Result<Expression, String> {
        let mut segments = vec![first];
        loop {
            if self.take(".") {
                match self.tokens.get(self.at) {
                    Some(Token::Name(name)) => segments.push(name.clone()),
                    _ => return Err(format!("the expression `{}.*`", segments.join("."))),
                }
                self.at += 1;
            } else if self.take("[") {
                match self.tokens.get(self.at) {
                    Some(Token::Text(text)) => segments.push(text.clone()),
                    _ => return Err(format!("the expression `{}[…]`", segments.join("."))),
                }
                self.at += 1;
                self.expect("]")?;
            } else {
                return self.names.resolve(&segments);
            }
        }
    }

    fn call(&mut self, name: &str) -> Result<Expression, String> {
        let mut given = Vec::new();
        while !self.take(")") {
            given.push(self.or()?);
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        let bool = |text: String| Ok(Expression::new(text, Kind::Bool));
        match (name.to_ascii_lowercase().as_str(), given.as_slice()) {
            ("always", []) => bool("always()".into()),
            ("success", []) => bool("succeeded()".into()),
            ("failure", []) => bool("failed()".into()),
            ("contains", [a, b]) if a.kind == Kind::Text => bool(format!("{}.contains({})", a.text, b.text)),
            ("startswith", [a, b]) if a.kind == Kind::Text => {
                bool(format!("{}.startsWith({})", a.text, b.text))
            }
            ("endswith", [a, b]) if a.kind == Kind::Text => bool(format!("{}.endsWith({})", a.text, b.text)),
            ("format", [pattern, given @ ..]) => format_call(&pattern.text, given),
            _ => Err(format!("the function `{name}()`")),
        }
    }
}

/// Both sides of a comparison; a side that is true or false, beside text, is compared as text would be.
fn alike(left: Expression, right: Expression) -> (String, String) {
    let unquoted = |text: &str| match text {
        "\"true\"" => Some("true"),
        "\"false\"" => Some("false"),
        _ => None,
    };
    match (left.kind, right.kind) {
        (Kind::Bool, Kind::Text) => {
            (left.text, unquoted(&right.text).map_or(right.text.clone(), str::to_owned))
        }
        (Kind::Text, Kind::Bool) if left.is_path => (left.text, quoted(&right.text)),
        (Kind::Text, Kind::Other) => (left.text, quoted(&right.text)),
        _ => (left.text, right.text),
    }
}

/// `format('a {0}', x)` as a sum.
fn format_call(pattern: &str, given: &[Expression]) -> Result<Expression, String> {
    let unknown = || "the function `format()` with this pattern".to_owned();
    let pattern: String = serde_json::from_str(pattern).map_err(|_| unknown())?;
    let mut parts = Vec::new();
    let mut rest = pattern.as_str();
    while let Some(at) = rest.find('{') {
        let end = rest[at..].find('}').ok_or_else(unknown)? + at;
        let number: usize = rest[at + 1..end].parse().map_err(|_| unknown())?;
        parts.push(quoted(&rest[..at]));
        parts.push(format!("string({})", given.get(number).ok_or_else(unknown)?.text));
        rest = &rest[end + 1..];
    }
    parts.push(quoted(rest));
    Ok(Expression::new(format!("({})", parts.join(" + ")), Kind::Text))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
