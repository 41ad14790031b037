//! stub
use crate::{Program, arguments::Graph, exit::Exit, failure::Failure};
pub(super) fn graph(_: Program, _: &Graph) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
