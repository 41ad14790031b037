//! `demo`: a release for real.

use crate::Place;

#[test]
fn the_demo_releases_and_tells_where_to_look() {
    let place = Place::new();
    let said = place.vwmp(&["demo", "--keep", "kept"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.ends_with("standard-release succeeded after SOME: 8 steps done.\n"), "{}", said.err);
    assert!(said.out.contains("(HEAD -> main, tag: v1.3.0, origin/main) release: v1.3.0\n"), "{}", said.out);
    assert!(said.out.contains("refs/tags/v1.3.0^{}\n"), "{}", said.out);
    let kept = std::fs::canonicalize(place.path().join("kept")).unwrap();
    assert!(said.out.ends_with(&format!("\nrm -rf {}\n", kept.display())), "{}", said.out);
    assert_eq!(std::fs::read_to_string(kept.join("project/VERSION")).unwrap(), "1.3.0\n");
}

#[test]
fn the_demo_does_not_touch_what_is_there() {
    let place = Place::new().with("mine/file", "");
    place.vwmp(&["demo", "--keep", "mine"]).check(
        3,
        "",
        "error: the directory `mine` is not empty; name another one\n",
    );
}
