//! Questions at a terminal.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IsTerminal as _};

use dialoguer::console::{Key, Term};
use dialoguer::theme::SimpleTheme;
use serde_json::Value;
use vwmp_core::diagnostic::nearest;
use vwmp_core::workflow::{Given, Parameter, Parameters, read_parameter};

use crate::failure::Failure;
use crate::render::plain;
use crate::render::table::Table;
use crate::terminal::Terminal;

/// Asks whoever sits in front of the program.
pub(crate) struct Questions {
    terminal: Terminal,
}

/// How an answer is told to have been given.
const HOW: &str = "answered at the terminal";

impl Questions {
    /// Nothing when nobody can answer: without a terminal, in continuous integration, or when told so.
    pub(crate) fn at(
        terminal: Terminal,
        no_input: bool,
        environment: &BTreeMap<String, String>,
    ) -> Option<Self> {
        let is_ci = environment.get("CI").is_some_and(|text| !matches!(text.as_str(), "" | "false" | "0"));
        let somebody = io::stdin().is_terminal() && io::stderr().is_terminal();
        (somebody && !is_ci && !no_input).then_some(Self { terminal })
    }

    /// Asks for every required parameter that was not given.
    ///
    /// # Errors
    /// When the terminal is gone, or the question is refused with Ctrl-C or Ctrl-D.
    pub(crate) fn missing(&self, declared: &Parameters, given: &mut Given) -> Result<(), Failure> {
        for (name, parameter) in declared {
            if parameter.required && parameter.default.is_none() && !given.contains_key(name) {
                let value = self.parameter(name, parameter, false)?;
                given.extend(value.map(|value| (name.clone(), (value, HOW.to_owned()))));
            }
        }
        Ok(())
    }

    /// The value of a parameter; nothing when it may be left open, and is.
    pub(crate) fn parameter(
        &self,
        name: &str,
        parameter: &Parameter,
        may_be_open: bool,
    ) -> Result<Option<Value>, Failure> {
        let prompt = prompt(name, parameter);
        loop {
            let text =
                if parameter.secret { self.hidden(&prompt)? } else { self.text(&prompt, may_be_open)? };
            if text.is_empty() && may_be_open {
                return Ok(None);
            }
            match answer(name, parameter, &text) {
                Ok(value) => return Ok(Some(value)),
                Err(why) => self.terminal.tell(&format!("{why}\n")),
            }
        }
    }

    /// One of several names, each with what it means; the number is an answer too.
    pub(crate) fn choice<'a>(
        &self,
        what: &'static str,
        choices: &[(&'a str, &str)],
    ) -> Result<&'a str, Failure> {
        let mut table = Table::new(["", what, "what it is"]);
        for (number, (name, meaning)) in choices.iter().enumerate() {
            table.row([(number + 1).to_string(), (*name).to_owned(), (*meaning).to_owned()]);
        }
        self.terminal.tell(&table.render(self.terminal.err_width()));
        loop {
            let text = self.text(what, false)?;
            match chosen(&text, choices) {
                Ok(name) => return Ok(name),
                Err(why) => self.terminal.tell(&format!("{why}\n")),
            }
        }
    }

    fn text(&self, prompt: &str, may_be_empty: bool) -> Result<String, Failure> {
        let input = dialoguer::Input::<String>::with_theme(&SimpleTheme).with_prompt(prompt);
        let dialoguer::Error::IO(error) = match input.allow_empty(may_be_empty).interact_text() {
            Ok(text) => return Ok(text),
            Err(error) => error,
        };
        Err(refused(error))
    }

    /// Text that is not shown. Keys are read one by one, so that Ctrl-C never leaves a terminal without echo.
    fn hidden(&self, prompt: &str) -> Result<String, Failure> {
        self.terminal.tell(&format!("{prompt} (hidden): "));
        let read = read_hidden(&Term::stderr());
        self.terminal.tell("\n");
        read.map_err(refused)
    }
}

fn read_hidden(term: &Term) -> io::Result<String> {
    let mut text = String::new();
    loop {
        match term.read_key_raw()? {
            Key::Enter => return Ok(text),
            Key::Backspace => drop(text.pop()),
            Key::Char('\u{15}') => text.clear(),
            Key::CtrlC | Key::Char('\u{3}' | '\u{4}') => return Err(ErrorKind::Interrupted.into()),
            Key::Char(c) if !c.is_control() => text.push(c),
            _ => {}
        }
    }
}

fn refused(error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::Interrupted | ErrorKind::UnexpectedEof => Failure::Unanswered,
        _ => Failure::machine("can't ask at the terminal")(error),
    }
}

/// Such as `increment: which part to raise (patch, minor, major)`.
fn prompt(name: &str, parameter: &Parameter) -> String {
    let mut prompt = name.to_owned();
    if let Some(description) = &parameter.description {
        prompt = format!("{prompt}: {}", plain(description));
    }
    let written = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match (&parameter.schema["enum"], &parameter.schema["type"]) {
        (Value::Array(options), _) => {
            let options: Vec<String> = options.iter().map(written).collect();
            prompt = format!("{prompt} ({})", options.join(", "));
        }
        (_, Value::String(kind)) if kind == "boolean" => prompt.push_str(" (true or false)"),
        (_, Value::String(kind)) if kind != "string" => prompt = format!("{prompt} ({kind})"),
        _ => {}
    }
    match parameter.default.as_ref().map(written) {
        Some(default) => format!("{prompt} [{default}]"),
        None => prompt,
    }
}

/// What a text means for a parameter, or why it can't be its value.
fn answer(name: &str, parameter: &Parameter, text: &str) -> Result<Value, String> {
    let value = read_parameter(text, &parameter.schema);
    match parameter.misfits(name, &value, "").into_iter().next() {
        None => Ok(value),
        Some(problem) => Err(std::iter::once(&problem.message)
            .chain(&problem.help)
            .cloned()
            .collect::<Vec<_>>()
            .join("; ")),
    }
}

fn chosen<'a>(text: &str, choices: &[(&'a str, &str)]) -> Result<&'a str, String> {
    let names = || choices.iter().map(|(name, _)| *name);
    let numbered = text.trim().parse::<usize>().ok().and_then(|number| names().nth(number.checked_sub(1)?));
    let named = || names().find(|name| name.eq_ignore_ascii_case(text.trim()));
    numbered.or_else(named).ok_or_else(|| match nearest(text, names()) {
        Some(near) => format!("there is no `{text}`; did you mean `{near}`?"),
        None => format!("there is no `{text}`; give a name or a number"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_a_name_or_a_number() {
        let choices = [("Standard Release", "all of it"), ("Quick Release", "less")];
        assert_eq!(chosen("2", &choices), Ok("Quick Release"));
        assert_eq!(chosen("standard release", &choices), Ok("Standard Release"));
        let why = "there is no `Quik Release`; did you mean `Quick Release`?";
        assert_eq!(chosen("Quik Release", &choices), Err(why.into()));
        assert_eq!(chosen("0", &choices), Err("there is no `0`; give a name or a number".into()));
    }
}
