//! Runs that are taken back.

use super::latest;
use crate::Place;

const RELEASE: &str = "name: release
on_failure: rollback
parameters:
  version: { type: string, default: '1' }
steps:
  - { id: bump, handler: team.note, config: { file: a } }
  - { id: tag, handler: team.note, needs: bump, config: { file: b } }
  - { id: check, handler: team.wait_for, needs: tag, config: { file: go } }
  - { id: push, handler: team.publish, needs: check, config: { file: out } }
  - { id: tell, handler: team.wait_for, needs: push, config: { file: told } }
";

#[test]
fn a_failed_release_is_taken_back() {
    let place = Place::new().with("w.yaml", RELEASE).with("go", "fail");
    let said = place.team(&["run", "w.yaml"]);
    assert_eq!(said.code, 1, "{}", said.err);
    let story = "TIME what was done is taken back: check failed\nTIME tag taken back\nTIME bump taken back\n";
    assert!(said.err.contains(story), "{}", said.err);
    assert!(said.err.contains("taken back, the last first: tag, bump\n"), "{}", said.err);
    assert!(said.err.contains("release was taken back after SOME: "), "{}", said.err);
    assert_eq!((place.file("a"), place.file("b"), place.file("out")), (None, None, None));
    assert_eq!(place.standing(), "rolled_back");
    let again = place.team(&["undo", "last"]);
    assert!(again.err.contains("is taken back already"), "{}", again.err);
}

#[test]
fn what_could_not_be_taken_back_is_listed() {
    let stays = RELEASE.replace("config: { file: b }", "config: { file: b, stays: true }");
    let place = Place::new().with("w.yaml", &stays).with("go", "fail");
    let said = place.team(&["run", "w.yaml"]);
    assert!(said.err.contains("tag stands: somebody changed the note since\n"), "{}", said.err);
    assert!(said.err.contains("release could not be taken back"), "{}", said.err);
    let undo = format!("when what kept it from that is gone: team undo {}\n", latest(&place));
    assert!(said.err.ends_with(&undo), "{}", said.err);
    assert_eq!(place.standing(), "rollback_failed");
    let refused = place.team(&["run", "w.yaml"]);
    assert_eq!(refused.code, 3);
    assert!(refused.err.contains("could not be taken back, so part of it stands"), "{}", refused.err);
}

#[test]
fn after_a_point_of_no_return_a_run_is_continued_not_restarted() {
    let place = Place::new().with("w.yaml", RELEASE).with("go", "").with("told", "fail");
    let said = place.team(&["run", "w.yaml"]);
    assert_eq!(said.code, 1);
    let id = latest(&place);
    let told = format!("It must be continued, not restarted: team resume {id}\n");
    assert!(said.err.ends_with(&told), "{}", said.err);
    assert_eq!(place.standing(), "must_continue");
    let refused = place.team(&["undo", "last"]);
    assert_eq!(refused.code, 3);
    assert!(refused.err.contains("others may have seen what push did, and it will stand"), "{}", refused.err);
    let why = place.team(&["undo", "last", "--reason", " "]);
    assert_eq!(why.code, 3);
    assert!(why.err.contains("it is empty; say why"), "{}", why.err);
    let other = place.team(&["run", "w.yaml", "-p", "version=2"]);
    assert_eq!(other.code, 3);
    assert!(other.err.contains(&format!("finish it first with `team resume {id}`")), "{}", other.err);
    // The same release again is the same run, continued.
    place.write("told", "");
    let continued = place.team(&["run", "w.yaml"]);
    assert_eq!(continued.code, 0, "{}", continued.err);
    assert!(
        continued.err.contains("was begun with the same parameters: it is continued"),
        "{}",
        continued.err
    );
    assert_eq!(place.file("out").unwrap(), "published\n");
    assert_eq!((place.runs().len(), place.standing()), (1, "succeeded".into()));
}

#[test]
fn a_point_of_no_return_that_failed_is_named() {
    let text = RELEASE.replace("{ file: out }", "{ file: out, until: seen }");
    let place = Place::new().with("w.yaml", &text).with("go", "").with("seen", "fail");
    assert_eq!(place.team(&["run", "w.yaml"]).code, 1);
    assert_eq!(place.standing(), "must_continue");
    let refused = place.team(&["undo", "last"]);
    assert_eq!(refused.code, 3);
    assert!(refused.err.contains("others may have seen what push did, and it will stand"), "{}", refused.err);
}

#[test]
fn an_interrupted_release_is_continued_or_taken_back() {
    let place = Place::new().with("w.yaml", RELEASE);
    place.kill_after(&["run", "w.yaml"], "check | waiting\n");
    let other = place.team(&["run", "w.yaml", "-p", "version=2"]);
    assert_eq!(other.code, 3);
    assert!(other.err.contains("`team resume ") && other.err.contains("`team undo "), "{}", other.err);
    let undone = place.team(&["undo", "last", "--reason", "wrong branch"]);
    assert_eq!(undone.code, 0, "{}", undone.err);
    assert_eq!((place.standing(), place.file("a")), ("rolled_back".into(), None));
    assert!(place.team(&["show", "last"]).out.contains(" taken back, as ann wanted: wrong branch\n"));
    place.kill_after(&["run", "w.yaml"], "check | waiting\n");
    place.write("go", "");
    place.write("told", "");
    assert_eq!(place.team(&["run", "w.yaml"]).code, 0);
    assert_eq!((place.runs().len(), place.standing()), (2, "succeeded".into()));
}

#[test]
fn a_second_release_is_refused_or_attached_while_the_first_is_under_way() {
    let place = Place::new().with("w.yaml", RELEASE);
    let child = place.start(&["run", "w.yaml"], "check | waiting\n");
    let other = place.team(&["run", "w.yaml", "-p", "version=2"]);
    assert_eq!(other.code, 3);
    assert!(other.err.contains("is under way with other parameters"), "{}", other.err);
    let same = place.start(&["run", "w.yaml"], "does this already: it is shown, and none is started\n");
    place.write("go", "");
    place.write("told", "");
    assert!(child.wait_with_output().unwrap().status.success());
    assert!(same.wait_with_output().unwrap().status.success());
    assert_eq!(place.runs().len(), 1);
}

#[test]
fn a_run_that_succeeded_can_be_taken_back() {
    let text = "name: w\nsteps: [{ id: a, handler: team.note, config: { file: a } }]\n";
    let place = Place::new().with("w.yaml", text);
    assert_eq!(place.team(&["run", "w.yaml"]).code, 0);
    assert_eq!(place.team(&["undo", "last"]).code, 0);
    assert_eq!((place.standing(), place.file("a")), ("rolled_back".into(), None));
}

#[test]
fn the_same_release_may_be_given_its_parameters_again() {
    let text = RELEASE.replace(
        "steps:",
        "  token: { type: string, secret: true }\n  times: { type: integer, default: 1 }\nsteps:",
    );
    let place = Place::new().with("w.yaml", &text).with("told", "fail").with("go", "");
    place.write("all.yaml", "version: '2'\ntoken: hidden\n");
    place.write("other.yaml", "version: '3'\ntoken: hidden\n");
    let given = ["-p", "version=2", "-p", "token=hidden", "-p", "times=1"];
    assert_eq!(place.team(&[&["run", "w.yaml"][..], &given].concat()).code, 1);
    let again = place.team(&[&["run", "w.yaml"][..], &given].concat());
    assert_eq!(again.code, 1, "{}", again.err);
    assert!(again.err.contains("told to fail"), "{}", again.err);
    for wrong in [&["--params", "other.yaml"][..], &["--params", "all.yaml", "-p", "times=2"]] {
        let refused = place.team(&[&["resume", "last"][..], wrong].concat());
        assert_eq!(refused.code, 3, "{}", refused.err);
        assert!(refused.err.contains("can't be given again: a run goes on with what it began with"));
    }
    place.write("told", "");
    let resumed = place.team(&["resume", "last", "--params", "all.yaml", "-p", "times=1"]);
    assert_eq!((resumed.code, place.runs().len()), (0, 1), "{}", resumed.err);
}
