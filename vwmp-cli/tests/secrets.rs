//! Secrets: on no surface of the command line.

use crate::Place;

const WORKFLOW: &str = r#"
name: w
parameters:
  token: { type: string, secret: true }
config: { token: none }
steps:
  - id: print
    handler: shell.run
    config: { run: 'echo $<secrets.canary> $<parameters.token>; echo value=$<secrets.canary> >> "$VWMP_OUTPUT"' }
  - id: fail
    handler: shell.run
    needs: [print]
    config: { run: 'echo "no access for $<step-outputs.print.value> of $<parameters.token>" >&2; exit 1' }
"#;

#[test]
fn no_command_shows_a_secret() {
    let place = Place::new().with("w.yaml", WORKFLOW);
    let token = "token=t0ken-of-mine";
    for (arguments, code) in [
        (vec!["run", "w.yaml", "-p", token], 1),
        (vec!["run", "w.yaml", "-p", token, "--verbose"], 1),
        (vec!["run", "w.yaml", "-p", token, "--format", "json"], 1),
        (vec!["run", "w.yaml", "-p", token, "--quiet"], 1),
        (vec!["plan", "w.yaml", "-p", token], 0),
        (vec!["plan", "w.yaml", "-p", token, "--format", "json"], 0),
        (vec!["validate", "w.yaml"], 0),
        (vec!["graph", "w.yaml", "--format", "json"], 0),
        (vec!["explain", "token", "w.yaml", "-p", token], 0),
    ] {
        let mut command = place.command(&arguments);
        let output = command.env("VWMP_SECRET_CANARY", "S3cr3t-canary").output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}:\n{said}");
        for secret in ["S3cr3t-canary", "t0ken-of-mine"] {
            assert!(!said.contains(secret), "{arguments:?}:\n{said}");
        }
        if arguments[0] == "run" {
            assert!(said.contains("no access for *** of ***"), "{arguments:?}:\n{said}");
        }
    }
}

#[test]
fn a_plan_shows_where_a_secret_will_stand() {
    let text = "name: w\nsteps:\n  - { id: a, handler: shell.run, config: { run: ./x, env: { T: $<secrets.token> } } }\n";
    let said = Place::new().with("w.yaml", text).vwmp(&["plan", "w.yaml"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("$<secrets.token>"), "{}", said.out);
}

#[test]
fn a_missing_secret_is_told_with_the_places_that_were_looked_at() {
    let text =
        "name: w\nsteps: [{ id: a, handler: shell.run, config: { run: 'echo $<secrets.deploy-key>' } }]\n";
    let said = Place::new().with("w.yaml", text).vwmp(&["run", "w.yaml", "--quiet"]);
    let expected = "a failed: there is no secret `deploy-key`: env_secrets looked for the variable VWMP_SECRET_DEPLOY_KEY";
    assert_eq!(said.code, 1);
    let words: Vec<&str> = said.err.split_whitespace().collect();
    assert!(words.join(" ").starts_with(expected), "{}", said.err);
}
