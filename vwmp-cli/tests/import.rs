//! `import`: workflows of other tools.

use crate::Place;

const GITHUB: &str = r#"name: CI
on:
  push:
  workflow_dispatch:
    inputs:
      level: { type: choice, options: [low, high], default: low }
      dry_run: { type: boolean }
env:
  FLAGS: --locked
jobs:
  build:
    runs-on: ${{ matrix.os }}
    strategy:
      matrix: { os: [ubuntu-latest, macos-latest] }
    outputs:
      version: ${{ steps.v.outputs.version }}
    steps:
      - uses: actions/checkout@v4
      - uses: dtolnay/rust-toolchain@stable
      - id: v
        run: echo "version=1" >> "$GITHUB_OUTPUT"
      - name: Build
        if: ${{ !inputs.dry_run && matrix.os == 'ubuntu-latest' }}
        run: cargo build ${{ env.FLAGS }} --level ${{ inputs.level }}
        env: { TOKEN: "${{ secrets.TOKEN }}" }
        continue-on-error: true
        timeout-minutes: 5
      - if: github.event.action == 'opened'
        run: echo opened
      - run: echo '${{ github.sha }}'
  publish:
    needs: build
    if: github.ref == 'refs/heads/main'
    runs-on: ubuntu-latest
    steps:
      - run: ./publish ${{ needs.build.outputs.version }}
"#;

const IMPORTED: &str = r#"# Imported from ci.yml (GitHub Actions workflow).
# Not carried over, by the line it was on:
# - 3: triggers: push
# - 14: `matrix`: one combination alone is run (os: ubuntu-latest)
# - 19: step `build-2` uses dtolnay/rust-toolchain@stable
# - 28: the condition `github.event.action == 'opened'`, so that it never runs: the value `github.event.action`
# - 30: step `build-6`: `steps[5].config.run`: `$<config.github.sha ?? "">` stands inside single quotes, where the shell replaces nothing
vwmp: 1
name: CI
parameters:
  level:
    type: string
    enum: [low, high]
    default: low
  dry_run:
    type: boolean
    default: false
config:
  matrix:
    build-os: ubuntu-latest
  github:
    sha: $<env.GITHUB_SHA ?? "">
    ref: $<env.GITHUB_REF ?? "">

steps:
  - id: build-1
    name: the files are in the workspace already
    handler: flow.noop

  - id: build-2
    name: "not carried over: uses dtolnay/rust-toolchain@stable"
    handler: flow.noop
    needs: [build-1]

  - id: build-v
    handler: shell.run
    needs: [build-2]
    config:
      run: echo "version=1" >> "$VWMP_OUTPUT"
      shell: bash
      env:
        FLAGS: "--locked"

  - id: build-build
    name: Build
    handler: shell.run
    needs: [build-v]
    when: (!parameters.dry_run && (config.matrix["build-os"] == "ubuntu-latest"))
    required: false
    timeout: 5m
    config:
      run: cargo build --locked --level ${LEVEL}
      shell: bash
      env:
        FLAGS: "--locked"
        TOKEN: $<secrets.TOKEN ?? "">
        LEVEL: $<parameters.level ?? "">

  - id: build-5
    handler: shell.run
    needs: [build-build]
    when: "false"
    config:
      run: echo opened
      shell: bash
      env:
        FLAGS: "--locked"

  - id: build-6
    handler: flow.noop
    needs: [build-5]

  - id: publish-1
    handler: shell.run
    needs: [build-6]
    when: (config.github.ref == "refs/heads/main")
    config:
      run: ./publish ${VERSION}
      shell: bash
      env:
        FLAGS: "--locked"
        VERSION: $<step_outputs["build-v"].version ?? "">
"#;

const TASKFILE: &str = r#"version: '3'
vars:
  NAME: app
  BIN: "{{.ROOT_DIR}}/bin"
  SHA: { sh: git rev-parse HEAD }
env: { CGO_ENABLED: '0' }
tasks:
  default:
    deps: [generate]
    cmds:
      - go build -o {{.BIN}}/{{.NAME}} {{.CLI_ARGS}}
      - task: test
      - defer: rm -rf tmp
  generate:
    desc: Makes code
    cmd: go generate {{.SHA}}
    sources: ['*.go']
  test:
    dir: ./tests
    cmds: [{ cmd: go test ./..., ignore_error: true }]
  other: echo other
"#;

const TASKS: &str = r#"
steps:
  - id: var-sha
    handler: shell.run
    config:
      run: git rev-parse HEAD

  - id: generate-1
    name: Makes code
    handler: shell.run
    config:
      run: go generate ${STDOUT}
      env:
        CGO_ENABLED: "0"
        STDOUT: $<step_outputs["var-sha"].stdout ?? "">

  - id: default-1
    handler: shell.run
    needs: [generate-1]
    config:
      run: go build -o ${WORKSPACE}/bin/${NAME} ${CLI_ARGS}
      env:
        CGO_ENABLED: "0"
        WORKSPACE: $<run.workspace>
        NAME: $<config.vars.NAME>
        CLI_ARGS: $<parameters.CLI_ARGS>

  - id: test-1
    handler: shell.run
    needs: [default-1]
    required: false
    config:
      run: go test ./...
      env:
        CGO_ENABLED: "0"
      workdir: tests

  - id: default-3
    name: not carried over
    handler: flow.noop
    needs: [test-1]
"#;

const DAG: &str = r#"params: "DAY=today"
env: [DATA: /data]
schedule: "0 1 * * *"
steps:
  - name: fetch
    command: fetch ${DATA} $DAY
    output: FILES
    retryPolicy: { limit: 2, intervalSec: 5 }
  - name: count
    command: python3
    script: |
      import os
      print(os.environ["FILES"])
    depends: fetch
    continueOn: { failure: true }
  - name: image
    executor: docker
    command: x
    depends: [count]
handlerOn:
  failure: { command: ./alarm.sh }
"#;

const DAG_STEPS: &str = r#"
steps:
  - id: fetch
    handler: shell.run
    retry:
      max_attempts: 3
      backoff: constant
      delay: 5s
    config:
      run: fetch ${DATA} $DAY
      env:
        DATA: /data
        DAY: $<parameters.DAY>

  - id: count
    handler: shell.run
    needs: [fetch]
    required: false
    config:
      run: |
        import os
        print(os.environ["FILES"])
      shell: python3
      env:
        DATA: /data
        DAY: $<parameters.DAY>
        FILES: $<step_outputs.fetch.stdout ?? "">

  - id: image
    name: not carried over
    handler: flow.noop
    needs: [count]

finally:
  - id: on-failure
    handler: shell.run
    when: run.status == "failed"
    config:
      run: ./alarm.sh
      env:
        DATA: /data
        DAY: $<parameters.DAY>
"#;

#[track_caller]
fn steps_of(file: &str, text: &str) -> String {
    let place = Place::new().with(file, text);
    let output = place.command(&["import", file, "-o", "w.yaml"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(place.vwmp(&["validate", "w.yaml"]).code, 0);
    assert_eq!(place.vwmp(&["plan", "w.yaml"]).code, 0);
    assert_eq!(place.vwmp(&["fmt", "--check", "w.yaml"]).out, "");
    let text = std::fs::read_to_string(place.path().join("w.yaml")).unwrap();
    text[text.find("\nsteps:").unwrap()..].to_owned()
}

#[test]
fn jobs_become_chains_of_steps() {
    let place = Place::new().with("ci.yml", GITHUB);
    let output = place.command(&["import", "ci.yml"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), IMPORTED, "{err}");
    assert!(err.starts_with("line  not carried over\n3     triggers: push\n"), "{err}");
    assert!(err.ends_with("\n7 steps, 3 of which do nothing: see above\n"), "{err}");
    assert_eq!(steps_of("ci.yml", GITHUB), IMPORTED[IMPORTED.find("\nsteps:").unwrap()..]);
}

#[test]
fn tasks_become_steps_after_what_they_depend_on() {
    assert_eq!(steps_of("Taskfile.yml", TASKFILE), TASKS);
}

#[test]
fn a_dag_stays_one() {
    assert_eq!(steps_of("dag.yaml", DAG), DAG_STEPS);
}

#[test]
fn one_job_or_task_comes_with_what_it_needs() {
    let place = Place::new().with("ci.yml", GITHUB).with("Taskfile.yml", TASKFILE);
    let one = place.vwmp(&["import", "Taskfile.yml", "--only", "other"]);
    assert!(one.out.contains("run: echo other\n") && !one.out.contains("go build"), "{}", one.out);
    let near = place.vwmp(&["import", "ci.yml", "--only", "pubish"]);
    assert_eq!(near.code, 2);
    assert!(near.err.starts_with("error[vwmp::unknown-name]: there is no job `pubish`\n"), "{}", near.err);
    assert!(near.err.contains("did you mean `publish`?"), "{}", near.err);
}

#[test]
fn a_file_is_never_written_over_and_strange_files_are_refused() {
    let place = Place::new().with("dag.yaml", DAG).with("w.yaml", "mine").with("x.yaml", "a: 1\n");
    let said = place.vwmp(&["import", "dag.yaml", "-o", "w.yaml"]);
    assert_eq!((said.code, &*said.err), (3, "error: `w.yaml` exists already; name another file\n"));
    let strange = place.vwmp(&["import", "x.yaml"]);
    assert_eq!(strange.code, 2);
    let message =
        "error[vwmp::unknown-format]: the file is no GitHub Actions workflow, no Taskfile and no Dagu DAG\n";
    assert!(strange.err.starts_with(message), "{}", strange.err);
    let place = place.with("own.yaml", "name: w\nsteps:\n  - { id: a, handler: flow.noop }\n");
    let own = place.vwmp(&["import", "own.yaml"]);
    let message = "error[vwmp::nothing-to-import]: the file is a workflow of this program already\n --> own.yaml:3:23\n";
    assert_eq!((own.code, &*own.out), (2, ""));
    assert!(own.err.starts_with(message), "{}", own.err);
}
