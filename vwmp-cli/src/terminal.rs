//! Where text goes: color, width, and whether anybody watches.

use std::io::{self, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::arguments::Color;

/// What is known of stdout and stderr.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Whether somebody sees stderr change.
    pub(crate) live: bool,
    stdout: ColorChoice,
    stderr: ColorChoice,
}

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();

/// Lines are not made wider than this, however wide the terminal is.
const WIDEST: usize = 140;
/// The width where there is no terminal.
const UNKNOWN: usize = 100;

impl Terminal {
    pub(crate) fn new(color: Color) -> Self {
        let choice = |auto: ColorChoice| match color {
            Color::Auto => auto,
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        };
        let live = io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self {
            live,
            stdout: choice(AutoStream::choice(&io::stdout())),
            stderr: choice(AutoStream::choice(&io::stderr())),
        }
    }

    /// Writes a result.
    ///
    /// # Errors
    /// When not all of it could be written.
    pub(crate) fn print(&self, text: &str) -> io::Result<()> {
        let mut out = self.out();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Tells people something. When nobody can be told, the exit code and the result still tell.
    pub(crate) fn tell(&self, text: &str) {
        let mut err = self.err();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// Where results go; to be flushed.
    pub(crate) fn out(&self) -> impl Write + use<> {
        io::BufWriter::new(AutoStream::new(io::stdout().lock(), resolved(self.stdout)))
    }

    /// Where everything else goes. Not locked: handlers may write there as well.
    pub(crate) fn err(&self) -> impl Write + use<> {
        io::BufWriter::new(AutoStream::new(io::stderr(), resolved(self.stderr)))
    }

    /// Whether stderr shows colors.
    pub(crate) fn colors_stderr(&self) -> bool {
        resolved(self.stderr) != ColorChoice::Never
    }

    /// How many columns there are for results.
    pub(crate) fn out_width(&self) -> usize {
        width(terminal_size::terminal_size_of(io::stdout()))
    }

    /// How many columns there are for messages.
    pub(crate) fn err_width(&self) -> usize {
        width(terminal_size::terminal_size_of(io::stderr()))
    }
}

/// Text in a style.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

fn width(size: Option<(terminal_size::Width, terminal_size::Height)>) -> usize {
    size.map_or(UNKNOWN, |(width, _)| usize::from(width.0).clamp(40, WIDEST))
}

fn resolved(choice: ColorChoice) -> ColorChoice {
    match choice {
        ColorChoice::Never => ColorChoice::Never,
        // `Auto` was decided when the program began.
        _ => ColorChoice::AlwaysAnsi,
    }
}
