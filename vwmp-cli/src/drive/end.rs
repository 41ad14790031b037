//! How a run went, told when it has ended or can't go on.

use std::io::Write as _;

use serde_json::json;
use vwmp_core::run::Report;

use crate::arguments::Format;
use crate::ci::{self, Service};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::next::Next;
use crate::progress::Form;
use crate::render::{report, timings, to_do};
use crate::terminal::Terminal;

/// How a run is shown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Style {
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    pub(crate) timings: bool,
    pub(crate) format: Format,
    pub(crate) form: Form,
}

/// Tells how a run went, then does something with the report.
pub(crate) fn tell_end(
    terminal: Terminal,
    report: Report,
    style: Style,
    next: &Next,
    then: impl FnOnce(&Report) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    // What programs wrote is told here too, and must not be taken for commands.
    let token = (style.form == Form::Sections(Service::GitHub)).then(ci::token);
    token.iter().for_each(|token| terminal.tell(&format!("::stop-commands::{token}\n")));
    let printed = print(terminal, &report, style);
    tell(terminal, &report, style, next);
    token.iter().for_each(|token| terminal.tell(&format!("::{token}::\n")));
    let written = then(&report);
    let exit = Exit::of(&report);
    // To free a million steps takes a while, and the program ends here.
    std::mem::forget(report);
    match printed {
        Err(failure) if !failure.reader_left() => Err(failure),
        _ => written.map(|()| exit),
    }
}

/// The result.
fn print(terminal: Terminal, result: &Report, style: Style) -> Result<(), Failure> {
    let mut out = terminal.out();
    if style.format == Format::Json {
        if style.timings {
            let mut object = json!(result);
            object["timings"] = timings::json(result);
            serde_json::to_writer_pretty(&mut out, &object).map_err(std::io::Error::from)?;
        } else {
            serde_json::to_writer_pretty(&mut out, result).map_err(std::io::Error::from)?;
        }
        writeln!(out)?;
    } else if !style.quiet {
        writeln!(out, "{}", report::table(result, terminal.out_width()))?;
        if style.verbose {
            write!(out, "{}", report::outputs(result))?;
        }
        if style.timings {
            writeln!(out, "{}", timings::text(result, terminal.out_width()))?;
        }
    }
    Ok(out.flush()?)
}

/// What people should know beside the result.
fn tell(terminal: Terminal, result: &Report, style: Style, next: &Next) {
    if style.form == Form::Json {
        return;
    }
    let problems = report::problems(result, terminal.err_width());
    let to_do = to_do::to_do(result, next, &[]);
    if !style.quiet || !problems.is_empty() || !to_do.is_empty() {
        let gap = if problems.is_empty() { "" } else { "\n" };
        let summary = report::summary(result, terminal.err_width());
        terminal.tell(&format!("{problems}{gap}{summary}{to_do}"));
    }
}
