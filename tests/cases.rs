//! Workflows with the exact text of what is said about them: `cases/NAME.yaml` and `cases/NAME.txt`.
//!
//! Beside a case there may be a `NAME.config.yaml`, its `vwmp_config.yaml`. Comments in the case give what
//! comes from outside: `# parameters: {…}`, `# set: {…}`, `# environment: {…}`. `UPDATE_CASES=1` writes the
//! texts anew; read each of them before it is committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use vwmp_core::config::{ConfigFile, Setting};
use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::document::Document;
use vwmp_core::registry::Registry;
use vwmp_core::source::Source;
use vwmp_core::workflow::{DiskLoader, Inputs, Settings, Workflow};
use vwmp_plugins as _;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");

#[test]
fn every_case_is_told_as_expected() {
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut wrong = Vec::new();
    for path in cases() {
        let told = check(&path).map_or_else(|found| found.to_string(), |found| format!("accepted\n{found}"));
        let told = format!("{}\n", told.trim_end());
        let expected = path.with_extension("txt");
        if update {
            fs::write(&expected, &told).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != told {
            wrong.push(format!("--- {}\n{told}", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "{}\nUPDATE_CASES=1 writes the files anew", wrong.join("\n"));
}

#[test]
fn every_text_belongs_to_a_case() {
    let texts = files().into_iter().filter(|path| path.extension().is_some_and(|end| end == "txt"));
    for text in texts {
        assert!(text.with_extension("yaml").is_file(), "{} belongs to no case", text.display());
    }
}

fn cases() -> Vec<PathBuf> {
    let is_case = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".yaml") && !name.ends_with(".config.yaml")
    };
    files().into_iter().filter(is_case).collect()
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

/// Parses, checks and plans a case; what remains are warnings.
fn check(path: &Path) -> Result<Diagnostics, Diagnostics> {
    let bytes = fs::read(path).unwrap();
    let given = Outside::of(&String::from_utf8_lossy(&bytes));
    let name = path.file_name().unwrap().to_string_lossy();
    let settings = Settings {
        workspace_config: config_file(&path.with_extension("config.yaml"))?,
        user_config: None,
        environment: Arc::new(given.environment),
        sets: given.sets,
    };
    let registry = Registry::linked().unwrap();
    let document = Document::parse(Arc::new(Source::from_bytes(name, bytes)?))?;
    let loader = DiskLoader::new(FOLDER);
    let (workflow, warnings) = Workflow::check(Arc::new(document), &registry, &settings, &loader)?;
    let parameters = given.parameters.into_iter();
    let parameters = parameters.map(|(name, value)| {
        let how = format!("-p {name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        (name, (value, how))
    });
    workflow.plan(Inputs { parameters: parameters.collect(), ..Inputs::new(Path::new("/")) })?;
    Ok(warnings)
}

fn config_file(path: &Path) -> Result<Option<ConfigFile>, Diagnostics> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(None) };
    let document = Document::parse(Arc::new(Source::new("vwmp_config.yaml", text)))?;
    ConfigFile::new(Arc::new(document)).map(Some)
}

/// What the comments of a case give.
struct Outside {
    parameters: Map<String, Value>,
    environment: BTreeMap<String, String>,
    sets: Vec<Setting>,
}

impl Outside {
    fn of(text: &str) -> Self {
        let environment = mapping(text, "# environment: ").into_iter();
        let sets = mapping(text, "# set: ").into_iter();
        Self {
            parameters: mapping(text, "# parameters: "),
            environment: environment
                .map(|(name, value)| (name, value.as_str().unwrap().to_owned()))
                .collect(),
            sets: sets
                .map(|(key, value)| Setting { how: format!("--set {key}={value}"), key, value })
                .collect(),
        }
    }
}

fn mapping(text: &str, mark: &str) -> Map<String, Value> {
    let line = text.lines().find_map(|line| line.strip_prefix(mark)).unwrap_or("{}");
    let document = Document::parse(Arc::new(Source::new("comment", line))).unwrap();
    document.root().to_json().as_object().unwrap().clone()
}
