//! `completions` and `man`: what shells and `man` read about the program.

use clap_mangen::Man;
use vwmp_core::diagnostic::nearest;

use crate::Program;
use crate::arguments::{self, Arguments, Completions};
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn completions(program: &Program, arguments: &Completions) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut described(program), program.name(), &mut text);
    program.terminal.print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done)
}

pub(super) fn man(program: &Program, arguments: &arguments::Man) -> Result<Exit, Failure> {
    let described = described(program);
    if let Some(directory) = &arguments.dir {
        std::fs::create_dir_all(directory)
            .and_then(|()| clap_mangen::generate_to(described, directory))
            .map_err(Failure::machine(format!("can't write the pages into `{}`", directory.display())))?;
        return Ok(Exit::Done);
    }
    let page = match &arguments.command {
        None => described,
        Some(name) => subcommand(program, &described, name)?,
    };
    let mut text = Vec::new();
    Man::new(page).render(&mut text)?;
    program.terminal.print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done)
}

fn described(program: &Program) -> clap::Command {
    Arguments::described(program.name(), program.version())
}

fn subcommand(program: &Program, all: &clap::Command, name: &str) -> Result<clap::Command, Failure> {
    let known: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
    match all.find_subcommand(name) {
        Some(found) => {
            let full = format!("{}-{name}", program.name());
            let spoken = format!("{} {name}", program.name());
            Ok(found.clone().name(full).bin_name(spoken).version(program.version().to_owned()))
        }
        None => Err(Failure::Usage(match nearest(name, known.iter().copied()) {
            Some(near) => format!("there is no command `{name}`; did you mean `{near}`?"),
            None => format!("there is no command `{name}`; there are {}", known.join(", ")),
        })),
    }
}
