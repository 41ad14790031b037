//! What the terminal itself writes while a run is shown.

use std::io::{self, IsTerminal as _};

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// A terminal that does not write `^C` between the lines of a run, until this is dropped.
///
/// Those two characters push what stays at the bottom by a line, and its first line is left behind.
pub(super) struct SilentKeys {
    before: Termios,
}

impl SilentKeys {
    /// Asks the terminal; nothing where stderr is none, or where another program has it.
    pub(super) fn ask() -> Option<Self> {
        let stderr = io::stderr();
        // A program in the background that changes the terminal is stopped by it.
        if !stderr.is_terminal() || tcgetpgrp(&stderr).ok()? != getpgrp() {
            return None;
        }
        let before = tcgetattr(&stderr).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHOCTL);
        tcsetattr(&stderr, OptionalActions::Now, &silent).ok()?;
        Some(Self { before })
    }
}

impl Drop for SilentKeys {
    fn drop(&mut self) {
        let stderr = io::stderr();
        if tcgetpgrp(&stderr).is_ok_and(|group| group == getpgrp()) {
            // A terminal that is gone needs nothing.
            let _ = tcsetattr(&stderr, OptionalActions::Now, &self.before);
        }
    }
}
