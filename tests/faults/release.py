#!/usr/bin/env python3
"""Releases a scratch repository, and breaks the release at each of its steps in turn: once by a kill, after which the
run is continued, and once by a failure, after which it is rolled back. What is left is compared byte by byte: the
working tree, the index, the refs and the remote, with those of a whole release or of before.

    tests/faults/release.py path/to/vwmp

Prints a line for each case; exits 1 when anything differs.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile

STEPS = ["bump", "notes", "changelog", "readme", "stage", "commit", "tag", "push"]

WORKFLOW = """
name: release
type: release
parameters: { summary: { type: string, default: Faster } }
steps:
  - { id: bump, handler: release.version_bump, config: { increment_type: minor } }
  - { id: notes, handler: release.changelog_create, config: { version: $<step-outputs.bump.new_version>, summary: $<parameters.summary> } }
  - { id: changelog, handler: release.changelog_update, config: { version: $<step-outputs.bump.new_version>, summary: $<parameters.summary> } }
  - { id: readme, handler: filesystem.write, needs: bump, config: { file: README.md, text: "# App $<step-outputs.bump.new_version>\\n" } }
  - { id: stage, handler: git.stage_all, needs: [notes, changelog, readme] }
  - { id: commit, handler: git.commit, needs: stage, config: { message: "release $<step-outputs.bump.new_version>" } }
  - { id: tag, handler: git.create_tag, needs: commit, config: { name: v$<step-outputs.bump.new_version>, message: release } }
  - { id: push, handler: git.push, config: { tags: [$<step-outputs.tag.name>] } }
"""

FAILING = """  - { id: broken, handler: shell.run, needs: NEED, config: { run: "exit 9" } }
"""

ENVIRONMENT = {
    **os.environ,
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "XDG_CONFIG_HOME": "/nonexistent",
}


class Project:
    def __init__(self, vwmp, workflow):
        self.vwmp = vwmp
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "project")
        self.remote = os.path.join(self.folder.name, "remote.git")
        self.workflow = os.path.join(self.folder.name, "release.yaml")
        with open(self.workflow, "w") as file:
            file.write(workflow)
        os.mkdir(self.path)
        self.git("init", "-q", "-b", "main")
        self.write("VERSION", "1.2.0\r\n")
        self.write("CHANGELOG.md", "# Changelog\n\n## 1.2.0 - 2025-01-01\n\n- First\n")
        self.write("README.md", "# App 1.2.0\n")
        self.git("add", "-A")
        self.git("commit", "-qm", "Begin")
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.remote], check=True, env=ENVIRONMENT)
        self.git("remote", "add", "origin", self.remote)
        self.git("push", "-q", "-u", "origin", "main")

    def write(self, name, text):
        with open(os.path.join(self.path, name), "w", newline="") as file:
            file.write(text)

    def git(self, *arguments):
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=self.path, check=True, capture_output=True, text=True, env=ENVIRONMENT)
        return done.stdout

    def run(self, *arguments, kill_at=None):
        """Runs vwmp, and kills it when the step starts. Gives the exit code, negative for a kill."""
        command = [self.vwmp, *arguments, "--log-format", "json"]
        process = subprocess.Popen(
            command,
            cwd=self.path,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in process.stderr:
            event = json.loads(line) if line.startswith("{") else {}
            if kill_at is not None and event.get("event") == kill_at[0] and event.get("step") == kill_at[1]:
                process.send_signal(signal.SIGKILL)
                break
        process.stderr.close()
        return process.wait()

    def call(self, *arguments):
        command = [self.vwmp, *arguments]
        return subprocess.run(command, cwd=self.path, env=ENVIRONMENT, capture_output=True, text=True)

    def state(self):
        files = {}
        for folder, names, entries in os.walk(self.path):
            names[:] = [name for name in names if name not in (".git", ".vwmp")]
            for entry in entries:
                path = os.path.join(folder, entry)
                with open(path, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
                files[os.path.relpath(path, self.path)] = (content, oct(os.stat(path).st_mode))
        remote = subprocess.run(["git", "ls-remote", self.remote], capture_output=True, text=True, env=ENVIRONMENT)
        return {
            "files": files,
            "index": self.git("ls-files", "--stage"),
            "refs": self.git("for-each-ref"),
            "head": self.git("rev-parse", "HEAD"),
            "remote": remote.stdout,
            "status": self.git("status", "--porcelain"),
        }


def differences(one, other):
    return [key for key in one if one[key] != other[key]]


def main():
    vwmp = os.path.abspath(sys.argv[1])
    bad = 0

    def say(case, differ, more=""):
        nonlocal bad
        bad += bool(differ)
        print(f"{case}: {'as expected' if not differ else 'DIFFERENT: ' + str(differ)}{more}", flush=True)

    whole = Project(vwmp, WORKFLOW)
    assert whole.run("run", whole.workflow) == 0, whole.call("run", whole.workflow).stderr
    after = whole.state()
    # The archive entry and the changelog have the time of the release in them.
    dated = [name for name in after["files"] if "changelog" in name.lower()]

    def dateless(state):
        files = {name: value for name, value in state["files"].items() if name not in dated}
        lines = lambda text: [line for line in text.splitlines() if not any(name in line for name in dated)]
        commits = lambda text: [line.split()[-1] for line in text.splitlines()]
        return {
            "files": (files, sorted(state["files"])),
            "index": lines(state["index"]),
            "refs": commits(state["refs"]),
            "remote": commits(state["remote"]),
            "status": state["status"],
        }

    for event in ("attempt_started", "attempt_finished"):
        for step in STEPS:
            project = Project(vwmp, WORKFLOW)
            code = project.run("run", project.workflow, kill_at=(event, step))
            standing = json.loads(project.call("runs", "--format", "json").stdout)[0]["standing"]
            resumed = project.run("resume", "last")
            differ = differences(dateless(after), dateless(project.state()))
            # The last step's end and the run's are recorded at once: there the kill may come too late.
            too_late = (event, step) == ("attempt_finished", STEPS[-1]) and standing == "succeeded"
            if not too_late and (code >= 0 or standing != "interrupted" or resumed != 0):
                differ.append(f"killed {code}, {standing}, resumed {resumed}: {project.call('show', 'last').stdout}")
            say(f"killed at {event} of {step}, resumed", differ)
            again = project.call("run", project.workflow)
            if project.git("tag", "--list", "v1.3.0").strip() != "v1.3.0":
                say("  the tag is gone after another run", [again.stderr])

    for step in STEPS:
        workflow = WORKFLOW + FAILING.replace("NEED", step)
        if step != "push":
            workflow = workflow.replace("id: push,", "id: push, needs: broken,")
        project = Project(vwmp, workflow)
        before = project.state()
        code = project.run("run", project.workflow)
        report = json.loads(project.call("report", "last", "--format", "json").stdout)
        if step == "push":
            expected, differ = "must_continue", differences(dateless(after), dateless(project.state()))
        else:
            expected, differ = "rolled_back", differences(before, project.state())
        if code != 1 or report["status"] != expected:
            differ.append(f"exit {code}, {report['status']}, {project.call('show', 'last').stdout}")
        say(f"failed after {step}, {expected.replace('_', ' ')}", differ)

    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
