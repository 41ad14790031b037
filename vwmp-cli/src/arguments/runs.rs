//! What commands about runs are given.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use vwmp_store::Standing;

use super::values::{Format, ValueArguments};

/// Where runs are kept.
#[derive(Debug, Args, Default, Clone)]
pub(crate) struct StoreArguments {
    /// The directory that holds the runs [default: .vwmp in the workspace]
    #[arg(long, value_name = "PATH")]
    pub(crate) store: Option<PathBuf>,
}

/// Where a run is looked for.
#[derive(Debug, Args, Default, Clone)]
pub(crate) struct RunsPlace {
    /// The workspace of the runs [default: the current directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
}

/// One run.
#[derive(Debug, Args, Clone)]
pub(crate) struct OneRun {
    /// The run: its id, the beginning of it, or `last`
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) place: RunsPlace,
}

/// How a run is driven on.
#[derive(Debug, Args, Clone)]
pub(crate) struct DrivingArguments {
    /// Show no progress, only problems
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Show more: what each step gave
    #[arg(short, long, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Show where the time went, with the critical path
    #[arg(long)]
    pub(crate) timings: bool,
    /// Ask nothing, not even at a terminal
    #[arg(long)]
    pub(crate) no_input: bool,
    /// Use no results of earlier runs, and keep none
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// How to write the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// How to write what happens, on stderr; json: one object a line
    #[arg(long, value_name = "FORMAT", default_value = "text", conflicts_with = "quiet")]
    pub(crate) log_format: Format,
    /// Write the figures of the run to this file at its end, as Prometheus's textfile collector reads them
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Runs {
    /// Only runs that stand so: running, waiting, interrupted, succeeded, failed, rolled_back …
    #[arg(long, value_name = "STATUS", value_parser = standing)]
    pub(crate) status: Option<Standing>,
    /// Only runs of this workflow
    #[arg(long, value_name = "NAME")]
    pub(crate) workflow: Option<String>,
    /// Only runs that began so long ago at most, such as 90m, 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) since: Option<Duration>,
    /// So many of the latest at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Also runs that steps of other runs called
    #[arg(long)]
    pub(crate) all: bool,
    /// How to write the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) place: RunsPlace,
    #[command(subcommand)]
    pub(crate) prune: Option<RunsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Remove old runs with all that belongs to them
    Prune(Prune),
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("rule").required(true).multiple(true).args(["keep", "older_than", "max_size"]))]
pub(crate) struct Prune {
    /// Keep so many of the latest
    #[arg(long, value_name = "N")]
    pub(crate) keep: Option<usize>,
    /// Remove those that began longer ago, such as 12h or 30d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) older_than: Option<Duration>,
    /// Keep the latest that fit into this size, such as 500M or 2G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_size: Option<u64>,
    /// Remove runs too that could still be continued
    #[arg(long)]
    pub(crate) unfinished: bool,
    /// Remove them; without it, they are only shown
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) place: RunsPlace,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) one: OneRun,
    /// Show where the time went, with the critical path
    #[arg(long)]
    pub(crate) timings: bool,
    /// How to write the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    #[command(flatten)]
    pub(crate) one: OneRun,
    /// Only lines of this step, and of its items
    pub(crate) step: Option<String>,
    /// Go on as lines come, until the run ends
    #[arg(short, long)]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    pub(crate) one: OneRun,
    /// Say whether a step whose end nobody saw did its work: STEP=done or STEP=not-done
    #[arg(long, value_name = "STEP=ANSWER", value_parser = assumption)]
    pub(crate) assume: Vec<(String, bool)>,
    #[command(flatten)]
    pub(crate) secrets: ValueArguments,
    #[command(flatten)]
    pub(crate) driving: DrivingArguments,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("part").args(["from", "only", "failed"]))]
pub(crate) struct Rerun {
    #[command(flatten)]
    pub(crate) one: OneRun,
    /// Carry out this step and all that comes after it; keep the results of the others
    #[arg(long, value_name = "STEP")]
    pub(crate) from: Option<String>,
    /// Carry out this step alone, with the results of those it needs
    #[arg(long, value_name = "STEP")]
    pub(crate) only: Option<String>,
    /// Carry out what did not succeed, and all that comes after it
    #[arg(long)]
    pub(crate) failed: bool,
    #[command(flatten)]
    pub(crate) values: ValueArguments,
    /// The config file [default: vwmp_config.yaml in the workspace]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) driving: DrivingArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    #[command(flatten)]
    pub(crate) one: OneRun,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
    /// Show no progress, only problems
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) secrets: ValueArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Answer {
    #[command(flatten)]
    pub(crate) one: OneRun,
    /// The step that asks, or an item such as `deploy[2]`
    pub(crate) step: String,
    /// What there is to say about it
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) comment: String,
}

#[derive(Debug, Args)]
pub(crate) struct Undo {
    #[command(flatten)]
    pub(crate) one: OneRun,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "it is no longer wanted", value_parser = reason)]
    pub(crate) reason: String,
    /// Take back what can be, although others may have seen the rest
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) secrets: ValueArguments,
    #[command(flatten)]
    pub(crate) driving: DrivingArguments,
}

#[derive(Debug, Args)]
pub(crate) struct WatchRun {
    #[command(flatten)]
    pub(crate) one: OneRun,
    /// How to write the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// How to write what happens, on stderr; json: one object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ReportRun {
    #[command(flatten)]
    pub(crate) one: OneRun,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ReportFormat,
    /// Show where the time went, with the critical path
    #[arg(long)]
    pub(crate) timings: bool,
    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Text,
    Json,
    /// For test reporters: a case for each step
    Junit,
    /// For pull requests and job summaries
    Markdown,
    /// One page with the graph, a chart of the time, and the logs
    Html,
}

fn standing(text: &str) -> Result<Standing, String> {
    Standing::named(&text.replace('-', "_")).ok_or_else(|| {
        "expected running, waiting, interrupted, succeeded, succeeded_with_tolerated, failed, cancelled, rolled_back, \
         rollback_failed or must_continue"
            .to_owned()
    })
}

/// Why something is wanted: others read it later.
fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is empty; say why in a few words".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// A number with a unit: `90m`, `12h`, `7d`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a number with s, m, h, d or w, such as 12h".to_owned();
    let (number, seconds) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        Some((at, 'w')) => (&text[..at], 604_800),
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

/// A number of bytes: `500M`, `2G`, `4096`.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a number of bytes, or one with K, M or G, such as 500M".to_owned();
    let (number, shift) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 10),
        Some((at, 'M')) => (&text[..at], 20),
        Some((at, 'G')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// `STEP=done` or `STEP=not-done`.
fn assumption(text: &str) -> Result<(String, bool), String> {
    match text.rsplit_once('=') {
        Some((step, "done")) if !step.is_empty() => Ok((step.to_owned(), true)),
        Some((step, "not-done")) if !step.is_empty() => Ok((step.to_owned(), false)),
        _ => Err("expected STEP=done or STEP=not-done".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_units() {
        assert_eq!(duration("90m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("2w"), Ok(Duration::from_secs(1_209_600)));
        assert!(
            duration("90").is_err() && duration("h").is_err() && duration("99999999999999999999w").is_err()
        );
        assert_eq!(size("2G"), Ok(2 << 30));
        assert_eq!(size("12"), Ok(12));
        assert!(size("M").is_err() && size("99999999999999G").is_err());
    }

    #[test]
    fn assumptions_are_yes_or_no() {
        assert_eq!(assumption("push=done"), Ok(("push".into(), true)));
        assert_eq!(assumption("test[3]=not-done"), Ok(("test[3]".into(), false)));
        assert!(assumption("push").is_err() && assumption("=done").is_err());
    }
}
