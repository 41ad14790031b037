//! Chores of the VWMP workspace. `cargo xtask generate` writes the generated files.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use vwmp_core::registry::Registry;
use vwmp_plugins as _;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const USAGE: &str = "usage: cargo xtask generate   writes docs/handlers.md and schemas/workflow.schema.json";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate"] => generate(),
        _ => bail!(USAGE),
    }
}

/// Writes what is generated from the plugins of the stock binary.
fn generate() -> Result<()> {
    let registry = Registry::linked()?;
    write("docs/handlers.md", &vwmp_cli::reference::handlers(&registry))?;
    write("schemas/workflow.schema.json", &vwmp_cli::reference::schema(&registry))
}

fn write(file: &str, text: &str) -> Result<()> {
    let path = Path::new(ROOT).join(file);
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(&path, text)).with_context(|| format!("can't write {file}"))
}
