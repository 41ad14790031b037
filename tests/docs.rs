//! The documentation, held against the code: what it shows is what there is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use vwmp_core::config::ConfigFile;
use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::document::Document;
use vwmp_core::masking::SHORTEST;
use vwmp_core::registry::Registry;
use vwmp_core::run::Limits;
use vwmp_core::run::memory::MemoryLog;
use vwmp_core::source::Source;
use vwmp_core::workflow::{NoFiles, Settings, Workflow};
use vwmp_plugins as _;

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const PAGES: [&str; 11] = [
    "README.md",
    "docs/workflow.md",
    "docs/runs.md",
    "docs/secrets.md",
    "docs/configuration.md",
    "docs/plugins.md",
    "docs/embedding.md",
    "docs/release.md",
    "docs/import.md",
    "docs/editor.md",
    "docs/command-line.md",
];

/// A fenced block of a page.
pub(crate) struct Block {
    /// Where it stands, such as `README.md:12`.
    place: String,
    /// The language and what follows it, such as `rust file=src/lib.rs`.
    words: Vec<String>,
    pub(crate) text: String,
}

impl Block {
    pub(crate) fn language(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// The file that the block is the content of.
    pub(crate) fn file(&self) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix("file="))
    }

    fn is(&self, word: &str) -> bool {
        self.words.iter().any(|one| one == word)
    }

    fn source(&self) -> Arc<Source> {
        Arc::new(Source::new(self.place.as_str(), self.text.as_str()))
    }
}

/// The fenced blocks of a page.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let words = info.split_whitespace().map(str::to_owned).collect();
                open = Some(Block { place: format!("{page}:{}", number + 1), words, text: String::new() });
            }
            (Some(_), Some("")) => found.extend(open.take()),
            (Some(block), _) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page}: a block isn't closed");
    found
}

#[test]
fn every_yaml_block_is_accepted() {
    let registry = Registry::linked().unwrap();
    let environment = Arc::new(BTreeMap::from([("HOME".to_owned(), "/home/me".to_owned())]));
    let settings = Settings { environment, ..Settings::default() };
    // Of the manual only the introduction: a test of the plugins tries the examples of the pages.
    let intro = blocks("docs/handlers.md").into_iter().take(1);
    for block in PAGES.into_iter().flat_map(blocks).chain(intro).filter(|block| block.language() == "yaml") {
        let document = Document::parse(block.source());
        let document = Arc::new(document.unwrap_or_else(|problems| panic!("{}: {problems}", block.place)));
        let problems = if block.is("config") {
            ConfigFile::new(document).map_or_else(Some, |file| check_adapters(&file, &registry, &block))
        } else if block.is("fragment") || block.file().is_some() {
            None
        } else {
            Workflow::check(document, &registry, &settings, &NoFiles)
                .map_or_else(Some, |(_, warnings)| Some(warnings))
        };
        let problems = problems.filter(|problems| !problems.is_empty());
        assert!(problems.is_none(), "{}: {}", block.place, problems.unwrap_or_default());
    }
}

/// The configs of adapters that are linked fit their schemas.
fn check_adapters(file: &ConfigFile, registry: &Registry, block: &Block) -> Option<Diagnostics> {
    for entry in file.integration_adapters() {
        let (Some(adapter), Some(config)) = (registry.adapter(entry.name), entry.config) else { continue };
        let errors: Vec<String> =
            adapter.config_errors(&config.to_json()).iter().map(ToString::to_string).collect();
        assert!(errors.is_empty(), "{}: {}: {errors:?}", block.place, entry.name);
    }
    None
}

#[test]
fn every_key_and_limit_is_on_the_page() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/workflow.md")).unwrap();
    let row = |what: &str, text: &str| {
        let found = page.lines().any(|line| line.starts_with(&format!("| {what}")) && line.contains(text));
        assert!(found, "docs/workflow.md has no row `{what}` with `{text}`");
    };
    let schema = vwmp_cli::reference::schema(&Registry::linked().unwrap());
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    for part in ["", "/$defs/step", "/$defs/retry"] {
        let keys = schema.pointer(&format!("{part}/properties")).and_then(serde_json::Value::as_object);
        keys.unwrap().keys().for_each(|key| row(&format!("`{key}` |"), ""));
    }
    let Limits { grace, output_bytes } = Limits::default();
    row("a secret", &format!("{SHORTEST} bytes"));
    row("a file", &format!("{} MiB", Source::MAX_BYTES >> 20));
    row("the output of a step", &format!("{} MiB", output_bytes >> 20));
    row("lines kept of a step", &format!("{} KiB", MemoryLog::BYTES_PER_STEP >> 10));
    row("the time in which a handler stops", &format!("{} seconds", grace.as_secs()));
}

#[test]
fn the_page_on_embedding_quotes_the_example() {
    let example = fs::read_to_string(Path::new(ROOT).join("vwmp-core/examples/embed.rs")).unwrap();
    for block in blocks("docs/embedding.md").iter().filter(|block| block.language() == "rust") {
        assert!(example.contains(&block.text), "{}: not in vwmp-core/examples/embed.rs", block.place);
    }
}

#[test]
fn every_link_leads_somewhere() {
    for page in PAGES.into_iter().chain(["CONTRIBUTING.md", "docs/handlers.md"]) {
        let text = fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
        let folder = Path::new(ROOT).join(page).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            if link.contains("://") {
                continue;
            }
            let target = if file.is_empty() { Path::new(ROOT).join(page) } else { folder.join(file) };
            assert!(target.exists(), "{page}: {link} leads nowhere");
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let known = text.lines().any(|line| line.starts_with('#') && anchor(line) == heading);
                assert!(known, "{page}: {link}: there is no such heading");
            }
        }
    }
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
