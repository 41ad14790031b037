//! The dependency table of ARCHITECTURE.md, held against the workspace as cargo sees it.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// What each crate may import of the workspace. `tests` and `xtask` are nobody's dependency.
const TABLE: [(&str, &[&str]); 10] = [
    ("vwmp-interfaces", &[]),
    ("vwmp-core", &["vwmp-interfaces"]),
    ("vwmp-plugins", &["vwmp-interfaces"]),
    ("vwmp-project", &["vwmp-interfaces", "vwmp-cli", "vwmp-plugins"]),
    (
        "vwmp-cli",
        &["vwmp-interfaces", "vwmp-core", "vwmp-plugins", "vwmp-store", "vwmp-telemetry", "vwmp-testkit"],
    ),
    ("vwmp-store", &["vwmp-interfaces", "vwmp-core"]),
    ("vwmp-testkit", &["vwmp-interfaces", "vwmp-core"]),
    ("vwmp-telemetry", &["vwmp-interfaces", "vwmp-core"]),
    ("vwmp-tests", &["vwmp-interfaces", "vwmp-core", "vwmp-plugins", "vwmp-cli", "vwmp-testkit"]),
    ("xtask", &["vwmp-interfaces", "vwmp-core", "vwmp-plugins", "vwmp-cli"]),
];

/// What the core must never pull in, directly or through others.
const NOT_IN_CORE: [&str; 16] = [
    "vwmp-plugins",
    "vwmp-project",
    "vwmp-cli",
    "git2",
    "gix",
    "rusqlite",
    "sqlx",
    "tokio-postgres",
    "reqwest",
    "hyper",
    "ureq",
    "axum",
    "wasmtime",
    "clap",
    "indicatif",
    "openssl",
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .exec()
        .unwrap()
}

/// The workspace's own crates that a crate imports, by kind of dependency.
fn imports(metadata: &Metadata, kind: DependencyKind) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<String> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    let packages = metadata.workspace_packages().into_iter();
    packages
        .map(|package| {
            let own =
                package.dependencies.iter().filter(|one| one.kind == kind && members.contains(&one.name));
            (package.name.to_string(), own.map(|one| one.name.clone()).collect())
        })
        .collect()
}

#[test]
fn crates_import_what_the_table_allows() {
    let metadata = metadata();
    let table: BTreeMap<&str, BTreeSet<&str>> =
        TABLE.iter().map(|(name, allowed)| (*name, allowed.iter().copied().collect())).collect();
    for kind in [DependencyKind::Normal, DependencyKind::Build] {
        for (name, imported) in imports(&metadata, kind) {
            let allowed = table.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the table"));
            for one in imported {
                assert!(allowed.contains(one.as_str()), "{name} may not import {one}");
            }
        }
    }
    let members = metadata.workspace_packages();
    for (name, _) in TABLE {
        assert!(
            members.iter().any(|package| package.name.as_str() == name),
            "{name} is gone from the workspace"
        );
    }
}

#[test]
fn the_project_crates_library_knows_the_interfaces_alone() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let project = packages.iter().find(|package| package.name.as_str() == "vwmp-project").unwrap();
    let cli = project.dependencies.iter().find(|one| one.name == "vwmp-cli").unwrap();
    assert!(cli.optional, "the command line belongs to the binary, behind a feature");
}

#[test]
fn the_core_is_free_of_edges() {
    let metadata = metadata();
    let graph = metadata.resolve.as_ref().unwrap();
    let name_of = |id: &cargo_metadata::PackageId| metadata[id].name.to_string();
    let core =
        metadata.workspace_packages().into_iter().find(|one| one.name.as_str() == "vwmp-core").unwrap();
    let mut seen = BTreeSet::from([core.id.clone()]);
    let mut todo = vec![core.id.clone()];
    while let Some(id) = todo.pop() {
        let node = graph.nodes.iter().find(|node| node.id == id).unwrap();
        for dependency in &node.deps {
            let normal = dependency.dep_kinds.iter().any(|one| one.kind == DependencyKind::Normal);
            if normal && seen.insert(dependency.pkg.clone()) {
                todo.push(dependency.pkg.clone());
            }
        }
    }
    let names: BTreeSet<String> = seen.iter().map(name_of).collect();
    assert!(names.contains("serde"), "the walk reaches the dependencies");
    for forbidden in NOT_IN_CORE {
        assert!(!names.contains(forbidden), "vwmp-core pulls in {forbidden}");
    }
}

#[test]
fn nobody_imports_the_project_crate() {
    for kind in [DependencyKind::Normal, DependencyKind::Development, DependencyKind::Build] {
        for (name, imported) in imports(&metadata(), kind) {
            assert!(!imported.contains("vwmp-project"), "{name} imports vwmp-project");
        }
    }
}
