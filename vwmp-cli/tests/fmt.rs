//! `fmt`: one layout.

use crate::Place;

const UNTIDY: &str = "name: w\nsteps:\n- id: a # the first\n  handler: flow.noop   \n";
const TIDY: &str = "name: w\nsteps:\n  - id: a # the first\n    handler: flow.noop\n";

#[test]
fn a_file_is_laid_out_once() {
    let place = Place::new().with("w.yaml", UNTIDY);
    place.vwmp(&["fmt", "w.yaml"]).check(0, "", "laid out w.yaml\n");
    assert_eq!(std::fs::read_to_string(place.path().join("w.yaml")).unwrap(), TIDY);
    place.vwmp(&["fmt", "w.yaml"]).check(0, "", "");
}

#[test]
fn a_check_shows_what_would_change_and_changes_nothing() {
    let place = Place::new().with("w.yaml", UNTIDY).with("tidy.yaml", TIDY);
    let answer = place.vwmp(&["fmt", "--check", "w.yaml", "tidy.yaml"]);
    assert_eq!((answer.code, &*answer.err), (1, ""));
    assert!(answer.out.starts_with("--- w.yaml\n+++ w.yaml, laid out\n"), "{}", answer.out);
    assert_eq!(std::fs::read_to_string(place.path().join("w.yaml")).unwrap(), UNTIDY);
    place.vwmp(&["fmt", "--check", "tidy.yaml"]).check(0, "", "");
}

#[test]
fn what_is_no_yaml_is_left_alone() {
    let place = Place::new().with("w.yaml", "a: [1\n");
    assert_eq!(place.vwmp(&["fmt", "w.yaml"]).code, 2);
    assert_eq!(std::fs::read_to_string(place.path().join("w.yaml")).unwrap(), "a: [1\n");
    let missing = place.vwmp(&["fmt", "no.yaml"]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("the workflow `no.yaml` can't be read: there is no such file"));
}

#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let place = Place::new().with("real.yaml", UNTIDY);
    let real = place.path().join("real.yaml");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.yaml", place.path().join("w.yaml")).unwrap();
    place.vwmp(&["fmt", "w.yaml"]).check(0, "", "laid out w.yaml\n");
    assert_eq!(std::fs::read_to_string(&real).unwrap(), TIDY);
    assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert!(place.path().join("w.yaml").is_symlink());
}
