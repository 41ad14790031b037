//! The figures of a run that several processes drive.

use crate::Place;
use crate::metrics::check;

const REPEATED: &str = "name: w
steps:
  - { id: first, handler: team.note, config: { file: a } }
  - { id: nap, handler: team.wait_for, needs: first, config: { file: go } }
  - { id: last, handler: team.note, needs: nap, config: { file: b } }
";

#[test]
fn resume_counts_what_it_did_itself() {
    let place = Place::new().with("w.yaml", REPEATED);
    place.kill_after(&["run", "w.yaml", "--metrics", "m.prom"], "nap | waiting\n");
    assert_eq!(place.file("m.prom"), None, "the process had no time to write it");
    place.write("go", "");
    let resumed = place.team(&["resume", "last", "--metrics", "m.prom"]);
    assert_eq!(resumed.code, 0, "{}", resumed.err);
    check(
        &place,
        "m.prom",
        &[
            (r#"vwmp_runs_total{workflow="w",status="succeeded"}"#, "1"),
            (r#"vwmp_steps_total{handler="team.note",status="succeeded"}"#, "1"),
            (r#"vwmp_steps_total{handler="team.wait_for",status="succeeded"}"#, "1"),
            (r#"vwmp_attempts_total{handler="team.wait_for",outcome="lost"}"#, "1"),
        ],
    );
}
