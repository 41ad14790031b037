//! House rules that no lint knows.

use std::fs;
use std::path::{Path, PathBuf};

/// Without `tests/..` in it: the rules look at the parts of a path.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

const CRATES: [&str; 8] = [
    "vwmp-interfaces",
    "vwmp-core",
    "vwmp-store",
    "vwmp-plugins",
    "vwmp-project",
    "vwmp-cli",
    "vwmp-testkit",
    "vwmp-telemetry",
];

/// The Rust files below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_path_buf()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<PathBuf> {
    CRATES.iter().flat_map(|name| rust_files(&root().join(name).join("src"))).collect()
}

/// The lines above the tests of a file; none of a file that is all tests.
fn code_lines(path: &Path) -> usize {
    let is_tests = path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs")
    });
    if is_tests {
        return 0;
    }
    let text = fs::read_to_string(path).unwrap();
    text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count()
}

#[test]
fn files_stay_readable() {
    for path in sources() {
        let lines = code_lines(&path);
        assert!(lines <= 400, "{} has {lines} lines; split it by subject", path.display());
    }
}

#[test]
fn names_say_what_things_are() {
    for path in sources() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        for word in name.split('_') {
            let vague = ["util", "utils", "helper", "helpers", "common", "misc", "manager", "impl"];
            assert!(!vague.contains(&word), "{}: `{word}` says nothing", path.display());
        }
    }
}

#[test]
fn one_file_knows_yaml_and_one_reads_inventory() {
    let users = |needle: &str| -> Vec<String> {
        let core = rust_files(&root().join("vwmp-core/src"));
        let using = core.iter().filter(|path| fs::read_to_string(path).unwrap().contains(needle));
        let src = root().join("vwmp-core/src");
        using.map(|path| path.strip_prefix(&src).unwrap().display().to_string()).collect()
    };
    assert_eq!(users("inventory::iter"), ["registry.rs"]);
    let yaml = users("granit_parser");
    assert!(yaml.iter().all(|path| path.starts_with("document/yaml")), "{yaml:?}");
    let all = sources();
    let renderers =
        all.iter().filter(|path| fs::read_to_string(path).unwrap().contains("annotate_snippets::"));
    let folders: Vec<_> = renderers.map(|path| path.strip_prefix(root()).unwrap().to_path_buf()).collect();
    assert!(folders.iter().all(|path| path.starts_with("vwmp-cli/src/render")), "{folders:?}");
}

#[test]
fn config_types_keep_places_and_messages() {
    for path in sources().into_iter().filter(|path| path.starts_with(root().join("vwmp-plugins"))) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("#[serde(untagged"), "{} uses untagged", path.display());
        for part in text.split("#[derive(").skip(1) {
            let is_config = part.split_once(")]").is_some_and(|(derives, _)| derives.contains("Deserialize"));
            let body = part.split_once("\n}").map_or(part, |(body, _)| body);
            assert!(!(is_config && body.contains("flatten")), "{} flattens a config", path.display());
        }
    }
}

#[test]
fn the_core_uses_its_own_lint_file_and_the_root_ones_lines() {
    let ours = fs::read_to_string(root().join("clippy.toml")).unwrap();
    let core = fs::read_to_string(root().join("vwmp-core/clippy.toml")).unwrap();
    for line in ours.lines().filter(|line| !line.starts_with('#')) {
        assert!(core.contains(line), "vwmp-core/clippy.toml lacks `{line}`");
    }
}

#[test]
fn changelog_and_licences_are_there() {
    for file in
        ["CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
    {
        assert!(root().join(file).is_file(), "{file} is missing");
    }
}
