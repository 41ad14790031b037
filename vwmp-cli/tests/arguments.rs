//! Usage: help, versions, what can't be understood.

use crate::Place;

#[test]
fn the_version_is_told() {
    Place::new().vwmp(&["--version"]).check(0, "vwmp 0.1.0\n", "");
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    let place = Place::new();
    for (arguments, said) in [
        (
            &["run", "w.yaml", "-p", "who"][..],
            "error: invalid value 'who' for '--param <NAME=VALUE>': expected name=value\n",
        ),
        (
            &["run", "w.yaml", "--max-parallel", "0"],
            "error: invalid value '0' for '--max-parallel <N>': expected a whole number from 1 to 65536\n",
        ),
        (&["rnu"], "error: unrecognized subcommand 'rnu'\n"),
        (&["run", "w.yaml", "--color", "pink"], "error: invalid value 'pink' for '--color <WHEN>'\n"),
        (&["run", "w.yaml", "--workspace", "nowhere"], "error: the workspace `nowhere` does not exist\n"),
    ] {
        let answer = place.vwmp(arguments);
        assert_eq!((answer.code, &*answer.out), (3, ""), "{arguments:?}");
        assert!(answer.err.starts_with(said), "{arguments:?}: {}", answer.err);
    }
}

#[test]
fn no_arguments_show_the_help() {
    let answer = Place::new().vwmp(&[]);
    assert_eq!(answer.code, 3);
    assert!(answer.err.contains("Usage: vwmp [OPTIONS] <COMMAND>"), "{}", answer.err);
}

#[test]
fn a_workspace_must_be_a_directory() {
    let place = Place::new().with("file", "");
    place.vwmp(&["validate", "w.yaml", "--workspace", "file"]).check(
        3,
        "",
        "error: the workspace `file` is not a directory\n",
    );
}
