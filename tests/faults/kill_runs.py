#!/usr/bin/env python3
"""Kills `vwmp run` with SIGKILL at every event of a run, continues it, and compares the end with that of a run that
nobody killed. Two workflows: one that succeeds, one that fails in the end and is rolled back.

    tests/faults/kill_runs.py path/to/vwmp [--every N]

--every 5 kills at every fifth event only, which is what CI does. Prints a summary; exits 1 when anything differs, a
step that must not be repeated ran twice, or a program is left behind.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

STEPS = """
name: {name}
on_failure: {on_failure}
max_parallel: 3
steps:
  - {{ id: first, handler: filesystem.write, config: {{ file: out/first, text: "1" }} }}
  - {{ id: flaky, handler: shell.run, retry: {{ max_attempts: 4, delay: 20ms }}, config: {{ run: "test -e mark || {{ touch mark; exit 75; }}; echo x >> world/flaky" }} }}
  - {{ id: gate, handler: flow.approve, needs: first, config: {{ message: go on? }} }}
  - {{ id: many, handler: shell.run, needs: first, foreach: [1, 2, 3, 4, 5, 6], max_parallel: 2, config: {{ run: "sleep 0.01; echo $<item> >> world/many-$<item>" }} }}
{chain}
  - {{ id: second, handler: filesystem.write, needs: [gate, many, c5, c11, c17], config: {{ file: out/second, text: "2" }} }}
  - {{ id: last, handler: shell.run, needs: [second, flaky], config: {{ run: "{last}" }} }}
finally:
  - {{ id: end, handler: filesystem.write, config: {{ file: end, text: $<run.status> }} }}
"""


def workflow(fails):
    chain = []
    for number in range(18):
        need = "first" if number % 6 == 0 else f"c{number - 1}"
        run = f"echo x >> world/c{number}"
        chain.append(f'  - {{ id: c{number}, handler: shell.run, needs: {need}, config: {{ run: "{run}" }} }}')
    return STEPS.format(
        name="fails" if fails else "succeeds",
        on_failure="rollback" if fails else "continue",
        chain="\n".join(chain),
        last="exit 9" if fails else "echo x >> world/last",
    )


class Workspace:
    def __init__(self, vwmp, fails):
        self.vwmp = vwmp
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name
        os.mkdir(os.path.join(self.path, "world"))
        with open(os.path.join(self.path, "w.yaml"), "w") as file:
            file.write(workflow(fails))

    def call(self, *arguments):
        command = [self.vwmp, *arguments]
        return subprocess.run(command, cwd=self.path, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def drive(self, arguments, kill_at):
        """Follows a run by its events, approves what it asks, and kills it at an event. Gives the number of events and
        the exit code, which is negative for a kill."""
        command = [self.vwmp, *arguments, "--log-format", "json"]
        process = subprocess.Popen(
            command, cwd=self.path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        events = 0
        for line in process.stderr:
            if '"type":"event"' not in line:
                continue
            events += 1
            if events == kill_at:
                process.send_signal(signal.SIGKILL)
                break
            # It asks, or asked a process that is gone.
            if '"outcome":"waiting"' in line or '"event":"run_resumed"' in line:
                self.call("approve", "last", "gate")
        process.stderr.close()
        return events, process.wait()

    def count(self, name):
        try:
            with open(os.path.join(self.path, "world", name)) as file:
                return len(file.readlines())
        except FileNotFoundError:
            return 0

    def answers(self):
        """What a person would say who looked: whether a step's line is there."""
        report = json.loads(self.call("show", "last", "--format", "json").stdout)
        for question in report.get("questions", []):
            name = question.replace("[", "-").replace("]", "")
            if name.startswith("many-"):
                name = f"many-{int(name[5:]) + 1}"
            yield f"--assume={question}={'done' if self.count(name) else 'not-done'}"

    def finish(self):
        """Continues the run until it has ended; gives how often that took."""
        for resumes in range(20):
            if json.loads(self.call("runs", "--format", "json").stdout)[0]["standing"] != "interrupted":
                return resumes
            if self.drive(["resume", "last", *self.answers()], None)[1] in (0, 1):
                return resumes + 1
        raise SystemExit("the run does not end: " + self.call("show", "last").stdout + self.call("resume", "last").stderr)

    def end(self):
        report = json.loads(self.call("report", "last", "--format", "json").stdout)
        steps = {step["id"]: step["status"] for step in report["steps"]}
        files = {}
        for folder, _, names in os.walk(self.path):
            for name in names:
                path = os.path.join(folder, name)
                short = os.path.relpath(path, self.path)
                if not short.startswith((".vwmp", "world", "mark")):
                    with open(path) as file:
                        files[short] = file.read()
        world = sorted(os.listdir(os.path.join(self.path, "world")))
        return report["status"], steps, files, world

    def run_id(self):
        return json.loads(self.call("runs", "--format", "json").stdout)[0]["id"]


def programs_of(run):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if f"VWMP_RUN_ID={run}".encode() in file.read().split(b"\0"):
                    found.append(name)
        except OSError:
            pass
    return found


def main():
    vwmp = os.path.abspath(sys.argv[1])
    every = int(sys.argv[sys.argv.index("--every") + 1]) if "--every" in sys.argv else 1
    kills = resumes = twice = orphans = different = 0
    began = time.time()
    for fails in (False, True):
        whole = Workspace(vwmp, fails)
        events, _ = whole.drive(["run", "w.yaml"], None)
        expected = whole.end()
        print(f"{expected[0]}: {events} events", flush=True)
        for at in range(1, events + 1, every):
            killed = Workspace(vwmp, fails)
            _, code = killed.drive(["run", "w.yaml"], at)
            kills += code < 0
            # And once more while it is continued: at its second event, or a later one.
            _, code = killed.drive(["resume", "last", *killed.answers()], 2 + at % 7)
            kills += code < 0
            resumes += killed.finish()
            end = killed.end()
            if end != expected:
                different += 1
                for one, other in zip(end, expected):
                    if one != other:
                        print(f"killed at event {at}: {one} instead of {other}", flush=True)
            for name in end[3]:
                if killed.count(name) > 1:
                    twice += 1
                    print(f"killed at event {at}: {name} ran {killed.count(name)} times", flush=True)
            orphans += len(programs_of(killed.run_id()))
    print(
        f"{kills} kills, {resumes} resumes, {different} ends that differ, {twice} repeats of what must not be repeated, "
        f"{orphans} programs left behind, {time.time() - began:.0f} s"
    )
    sys.exit(1 if different or twice or orphans or not kills else 0)


if __name__ == "__main__":
    main()
