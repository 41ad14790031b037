//! The command line against make, ninja and the physical limit, in one run.
//!
//! `cargo bench -p vwmp-cli`; with `-- --test` everything runs once, in small. Programs that are not
//! installed are left out. Every round runs the limit and then each program; a ratio is taken within
//! a round, and the median over the rounds is what counts: machines are noisy, ratios less so.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Something to time, as command lines; the first is what the others are compared with.
struct Workload {
    name: &'static str,
    programs: Vec<Program>,
}

struct Program {
    name: &'static str,
    argv: Vec<String>,
}

impl Program {
    fn new(name: &'static str, argv: &str) -> Self {
        Self { name, argv: argv.split_whitespace().map(str::to_owned).collect() }
    }

    fn vwmp(arguments: &str) -> Self {
        Self::new("vwmp", &format!("{} {arguments}", env!("CARGO_BIN_EXE_vwmp")))
    }

    /// The same, keeping nothing of the run: as much as the others do.
    fn forgetful(arguments: &str) -> Self {
        Self { name: "vwmp, no store", ..Self::vwmp(&format!("{arguments} --no-store")) }
    }

    /// How long one run takes; nothing when the program is not installed.
    fn time(&self, folder: &Path) -> Option<Duration> {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).current_dir(folder).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let status = command.status().ok()?;
        assert!(status.success(), "{} failed", self.name);
        Some(began.elapsed())
    }
}

/// Runs `steps` shells that do nothing, `parallel` at a time, and reads what they print: the least
/// that anything which runs steps has to do.
fn spawn_loop(steps: usize, parallel: usize) -> Duration {
    let began = Instant::now();
    std::thread::scope(|scope| {
        for lane in 0..parallel {
            scope.spawn(move || {
                for _ in (lane..steps).step_by(parallel) {
                    let shell = Command::new("/bin/sh").args(["-c", "true"]).stdin(Stdio::null()).output();
                    assert!(shell.is_ok_and(|shell| shell.status.success()));
                }
            });
        }
    });
    began.elapsed()
}

/// Writes the same steps for every program.
fn write_steps(folder: &Path, steps: usize, chain: bool) {
    let mut workflow = String::from("name: bench\nsteps:\n");
    let names: Vec<String> = (0..steps).map(|step| format!("s{step}")).collect();
    let mut makefile = format!(".PHONY: all {0}\nall: {0}\n", names.join(" "));
    let mut ninja = String::from("rule r\n  command = true\n");
    for step in 0..steps {
        let before = if chain { step.checked_sub(1).map(|before| format!("s{before}")) } else { None };
        let before = before.unwrap_or_default();
        let _ = writeln!(workflow, "  - id: s{step}\n    handler: shell.run\n    config: {{run: \"true\"}}");
        if !before.is_empty() {
            let _ = writeln!(workflow, "    needs: [{before}]");
        }
        let _ = writeln!(makefile, "s{step}: {before}\n\t@true");
        let _ = writeln!(ninja, "build s{step}: r {before}");
    }
    for (file, text) in [("bench.yaml", workflow), ("Makefile", makefile), ("build.ninja", ninja)] {
        fs::write(folder.join(file), text).expect("a temporary folder can be written");
    }
}

fn forget_last_run(folder: &Path) {
    for file in [".ninja_log", ".ninja_deps"] {
        // There is none before the first run.
        let _ = fs::remove_file(folder.join(file));
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints a row for each program: the median time, and the median ratio to the limit.
#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn compare(workload: &Workload, folder: &Path, rounds: usize, limit: impl Fn() -> Option<Duration>) {
    println!("\n{}:", workload.name);
    let mut limits = Vec::new();
    let mut times: Vec<Vec<(f64, f64)>> = vec![Vec::new(); workload.programs.len()];
    for _ in 0..rounds {
        let base = limit();
        limits.extend(base.map(|base| base.as_secs_f64() * 1e3));
        for (program, times) in workload.programs.iter().zip(&mut times) {
            forget_last_run(folder);
            if let Some(time) = program.time(folder) {
                let ratio = base.map_or(f64::NAN, |base| time.as_secs_f64() / base.as_secs_f64());
                times.push((time.as_secs_f64() * 1e3, ratio));
            }
        }
    }
    if !limits.is_empty() {
        println!("  {:14} {:>10.2} ms   1", "spawn loop", median(limits));
    }
    for (program, times) in workload.programs.iter().zip(times) {
        if times.is_empty() {
            println!("  {:14} not installed", program.name);
            continue;
        }
        let time = median(times.iter().map(|(time, _)| *time).collect());
        let ratio = median(times.iter().map(|(_, ratio)| *ratio).collect());
        let ratio = if ratio.is_nan() { String::new() } else { format!("{ratio:.2}") };
        println!("  {:14} {time:>10.2} ms   {ratio}", program.name);
    }
}

fn main() {
    let smoke = std::env::args().any(|argument| argument == "--test");
    let rounds = if smoke { 1 } else { 7 };
    let many = if smoke { 10 } else { 1_000 };
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let folder = folder.path();

    for (name, steps, chain, parallel) in
        [("independent shell steps, two at a time", many, false, 2), ("40 shell steps in order", 40, true, 1)]
    {
        write_steps(folder, steps, chain);
        let run = format!("run bench.yaml --max-parallel {parallel} -q");
        let programs = vec![
            Program::new("make", &format!("make -j{parallel}")),
            Program::new("ninja", &format!("ninja -j{parallel}")),
            Program::forgetful(&run),
            Program::vwmp(&run),
        ];
        compare(&Workload { name, programs }, folder, rounds, || Some(spawn_loop(steps, parallel)));
    }

    write_steps(folder, 1, false);
    let run = "run bench.yaml -q";
    let programs = vec![Program::new("make", "make"), Program::forgetful(run), Program::vwmp(run)];
    let rounds_of_short = if smoke { 1 } else { 21 };
    compare(&Workload { name: "one shell step", programs }, folder, rounds_of_short, || {
        Some(spawn_loop(1, 1))
    });
    let programs = vec![Program::new("make", "make --version"), Program::vwmp("--version")];
    compare(&Workload { name: "--version", programs }, folder, rounds_of_short, || None);

    write_steps(folder, if smoke { 100 } else { 100_000 }, false);
    let programs = vec![
        Program::new("make", "make -n"),
        Program::new("ninja", "ninja -n"),
        Program::vwmp("validate bench.yaml"),
    ];
    compare(&Workload { name: "read and check 100,000 steps", programs }, folder, rounds, || None);
}
