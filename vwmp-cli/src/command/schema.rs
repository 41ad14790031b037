//! `schema`: the JSON Schema of workflow files.

use std::io::Write as _;

use crate::Program;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn schema(mut program: Program) -> Result<Exit, Failure> {
    let schema = crate::schema::of(&program.registry()?);
    writeln!(program.terminal.out(), "{schema:#}")?;
    Ok(Exit::Done)
}
