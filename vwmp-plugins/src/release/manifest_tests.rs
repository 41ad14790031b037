//! Manifests and lock files as texts.

use super::super::edit::replace_spans;
use super::*;

fn version(text: &str) -> Version {
    Version::parse(text, Scheme::Semver).unwrap()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn a_version_is_found_and_every_other_byte_kept() {
    for (text, package) in [
        ("[package]\r\nname = 'a'\r\nversion = '1.2.3' # keep\r\n", Some("a")),
        ("\u{feff}[workspace.package]\nversion   =   \"1.2.3\"\n", None),
        (
            "[package]\nname = \"a\"\nversion.workspace = true\n[workspace.package]\nversion = \"1.2.3\"",
            Some("a"),
        ),
        ("package = { name = \"a\", version = \"1.2.3\" }", Some("a")),
        (
            "[package]\nname = \"a\"\nversion = \"1.2.3\"\n[workspace.package]\nversion = \"1.2.3\"\n",
            Some("a"),
        ),
    ] {
        let manifest = find(text).unwrap();
        assert_eq!(manifest.found.version, version("1.2.3"));
        assert_eq!(manifest.package.as_deref(), package);
        assert_eq!(replace_spans(text, manifest.found.spans, "2.0.0"), text.replace("1.2.3", "2.0.0"));
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (text, message) in [
        ("[package]\nname = \"a\"\n", "has no version, neither in [package] nor in [workspace.package]"),
        ("[package]\nversion = \"1.2\"\n", "says `1.2`, which isn't a version such as 1.2.3"),
        ("[package]\nversion = 3\n", "has a version in [package] that isn't a plain string"),
        (
            "[package]\nversion.workspace = true\n",
            "inherits its version; name the manifest of the workspace instead",
        ),
        (
            "[package]\nversion = \"1.0.0\"\n[workspace.package]\nversion = \"2.0.0\"\n",
            "holds two versions, 1.0.0 for the package and 2.0.0 for the workspace; make them one first",
        ),
        (
            "[package]\nversion = \n",
            "isn't valid TOML: line 2: string values must be quoted, expected literal string",
        ),
    ] {
        assert_eq!(find(text).unwrap_err(), message);
    }
}

#[test]
fn members_are_those_listed_and_local_dependencies() {
    let text = "[workspace]\nmembers = [\"a\", \"crates/*\"]\n[dependencies]\nb = { path = \"b\" }\nc = \"1\"\n\
                [workspace.package]\nversion = \"1.0.0\"\n";
    assert_eq!(members(text), ["a", "crates/*", "b"]);
    assert_eq!(
        inheriting_package("[package]\nname = \"x\"\nversion.workspace = true\n").as_deref(),
        Some("x")
    );
    assert_eq!(inheriting_package("[package]\nname = \"x\"\nversion = \"1.0.0\"\n"), None);
}

#[test]
fn local_requirements_follow() {
    let text = "[dependencies]\na = { path = \"a\", version = \"=1.0.0\" }\nserde = \"1.0.0\"\n\
                b = { package = \"real\", path = \"b\", version = \"1.0.0\" }\n\
                c = { path = \"c\", version = \"1.0.0\" }\n\
                [workspace.dependencies.a]\npath = \"a\"\nversion = '1.0.0'\n";
    let edits =
        |new| -> Vec<_> { requirements(text, &names(&["a", "real"]), &version("1.0.0"), &version(new)) };
    let spans = edits("1.1.0").into_iter().map(|(span, _)| span).collect();
    let expected = "[dependencies]\na = { path = \"a\", version = \"=1.1.0\" }\nserde = \"1.0.0\"\n\
                    b = { package = \"real\", path = \"b\", version = \"1.1.0\" }\n\
                    c = { path = \"c\", version = \"1.0.0\" }\n\
                    [workspace.dependencies.a]\npath = \"a\"\nversion = '1.1.0'\n";
    assert_eq!(replace_spans(text, spans, "1.1.0"), expected);
}

#[test]
fn only_local_packages_of_the_lock_file_change() {
    let text = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\n \"b\",\n \
                \"a 1.0.0\",\n \"a 0.9.0\",\n]\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\
                source = \"registry\"\n\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n";
    let spans = locked(text, &names(&["a"]), &version("1.0.0")).unwrap();
    let expected = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.1\"\ndependencies = [\n \"b\",\n \
                    \"a 1.0.1\",\n \"a 0.9.0\",\n]\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\
                    source = \"registry\"\n\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n";
    assert_eq!(replace_spans(text, spans, "1.0.1"), expected);
}

#[test]
fn short_requirements_follow_where_they_must() {
    for (required, new, expected) in [
        ("1", "1.1.0", None),
        ("1.0", "1.1.0", None),
        ("1.0", "2.0.0", Some("2.0")),
        ("~1.0", "1.1.0", Some("1.1")),
        ("1", "2.0.0-rc.1", Some("2.0.0-rc.1")),
        ("0.9", "1.1.0", None),
        (">=1, <2", "2.0.0", None),
    ] {
        let text =
            format!("[target.'cfg(unix)'.dependencies]\na = {{ path = \"a\", version = \"{required}\" }}\n");
        let edits = requirements(&text, &names(&["a"]), &version("1.0.0"), &version(new));
        assert_eq!(edits.first().map(|(_, next)| next.as_str()), expected, "{required} {new}");
    }
}
