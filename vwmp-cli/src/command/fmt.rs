//! `fmt`: workflow files in one layout.

use std::path::Path;

use similar::TextDiff;

use crate::Program;
use crate::arguments::Fmt;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::files;
use crate::layout::{self, Unlaid};
use crate::render::diagnostic;

/// What became of a file.
enum Fate {
    Same,
    Changed,
    Unusable,
}

pub(super) fn fmt(program: &Program, arguments: &Fmt) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for file in &arguments.files {
        match one(program, file, arguments.check)? {
            Fate::Same => {}
            Fate::Changed if !arguments.check => {}
            Fate::Changed => exit = if exit == Exit::Done { Exit::RunFailed } else { exit },
            Fate::Unusable => exit = Exit::Invalid,
        }
    }
    Ok(exit)
}

fn one(program: &Program, file: &Path, check: bool) -> Result<Fate, Failure> {
    let terminal = program.terminal;
    let name = file.display();
    let tell = |problems| terminal.tell(&diagnostic::render(&problems, terminal.err_width()));
    let source = match files::source(file, "workflow") {
        Ok(source) => source,
        Err(problem) => {
            tell(problem.into());
            return Ok(Fate::Unusable);
        }
    };
    let text = match layout::laid_out(source.name(), source.text()) {
        Ok(text) if text == source.text() => return Ok(Fate::Same),
        Ok(text) => text,
        Err(Unlaid::Unreadable(problems)) => {
            tell(problems);
            return Ok(Fate::Unusable);
        }
        Err(Unlaid::WouldChange) => {
            terminal.tell(&format!("{name} was left as it is: a new layout would change what it means\n"));
            return Ok(Fate::Unusable);
        }
    };
    if check {
        let diff = TextDiff::from_lines(source.text(), &text);
        let mut unified = diff.unified_diff();
        let diff =
            unified.context_radius(1).header(&format!("{name}"), &format!("{name}, laid out")).to_string();
        terminal.print(&diff)?;
    } else {
        files::replace(file, &text)?;
        terminal.tell(&format!("laid out {name}\n"));
    }
    Ok(Fate::Changed)
}
