//! `schema`: the JSON Schema of workflow files.

use crate::Program;
use crate::arguments::PlaceArguments;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn schema(mut program: Program) -> Result<Exit, Failure> {
    let schema = crate::schema::of(&*program.registry_at(&PlaceArguments::default())?);
    program.terminal.print(&format!("{schema:#}\n"))?;
    Ok(Exit::Done)
}
