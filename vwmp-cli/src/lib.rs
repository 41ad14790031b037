//! The VWMP command line as a library.
//!
//! ```no_run
//! // use acme_steps as _; // links the team's plugins
//! fn main() -> std::process::ExitCode {
//!     vwmp_cli::Cli::default().name("acme").run()
//! }
//! ```
//!
//! Results go to stdout, everything else to stderr. Reading order: `arguments`, `command`,
//! `command::run`, `input`, `progress`, `render`.

mod arguments;
mod ask;
mod ci;
mod command;
mod composites;
mod drive;
mod emit;
mod exit;
mod failure;
mod import;
mod input;
mod layout;
mod next;
mod panic;
mod pending;
mod progress;
mod recorded;
pub mod reference;
mod render;
mod schema;
mod store;
mod terminal;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use vwmp_core::registry::{NameClash, Registry};

use self::arguments::{Arguments, PlaceArguments};
use self::failure::Failure;
use self::terminal::Terminal;

/// A command line over the plugins that are linked, and those added by hand.
pub struct Cli {
    name: String,
    version: String,
    plugins: Vec<AddPlugins>,
}

/// What every command gets.
pub(crate) struct Program {
    name: String,
    version: String,
    plugins: Vec<AddPlugins>,
    /// Made when it is first needed.
    registry: Option<Arc<Registry>>,
    pub(crate) terminal: Terminal,
}

type AddPlugins = Box<dyn FnOnce(&mut Registry) -> Result<(), NameClash>>;

impl Default for Cli {
    fn default() -> Self {
        Self { name: "vwmp".into(), version: env!("CARGO_PKG_VERSION").into(), plugins: Vec::new() }
    }
}

impl Cli {
    /// Calls the program something else in its help and messages.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Gives the program a version of its own.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Adds plugins that are not linked. Called when a command needs the registry.
    #[must_use]
    pub fn steps(mut self, add: impl FnOnce(&mut Registry) -> Result<(), NameClash> + 'static) -> Self {
        self.plugins.push(Box::new(add));
        self
    }

    /// Does what the process's arguments say.
    pub fn run(self) -> ExitCode {
        self.run_with(std::env::args_os())
    }

    /// Does what these arguments say; the first is the program's own path.
    pub fn run_with(self, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
        panic::keep_handlers_quiet();
        let arguments = match Arguments::read(&self.name, &self.version, arguments) {
            Ok(arguments) => arguments,
            Err(exit) => return exit.into(),
        };
        let terminal = Terminal::new(arguments.color);
        let program = Program {
            name: self.name,
            version: self.version,
            plugins: self.plugins,
            registry: None,
            terminal,
        };
        let voice = arguments.command.voice();
        let exit = command::execute(program, arguments.command).unwrap_or_else(|failure| {
            failure.show(&terminal, voice);
            failure.exit()
        });
        exit.into()
    }
}

impl Program {
    /// What the program is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The version it tells.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The plugins that are part of the program.
    pub(crate) fn registry(&mut self) -> Result<Arc<Registry>, Failure> {
        if let Some(registry) = &self.registry {
            return Ok(Arc::clone(registry));
        }
        let mut registry = Registry::linked()?;
        for add in self.plugins.drain(..) {
            add(&mut registry)?;
        }
        Ok(Arc::clone(self.registry.insert(Arc::new(registry))))
    }

    /// Everything that workflows can use which are run there: also the composite handlers that its config leads to.
    pub(crate) fn registry_at(&mut self, place: &PlaceArguments) -> Result<Arc<Registry>, Failure> {
        let linked = self.registry()?;
        let settings = input::settings(place, &[], input::environment())?;
        let mut registry = Registry::clone(&linked);
        let workspace = place.workspace.as_deref().unwrap_or(Path::new(""));
        composites::discover(&mut registry, &settings, workspace)?;
        Ok(Arc::new(registry))
    }
}
