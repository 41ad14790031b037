//! `watch`: shows a run that another process drives, as it goes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use vwmp_core::registry::Registry;
use vwmp_core::run::{Event, EventKind};
use vwmp_interfaces::log::LogSink as _;
use vwmp_store::Store;

use super::run;
use crate::arguments::{RunsPlace, WatchRun};
use crate::drive::{self, Style, tell_end};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::{Feed, Happening, Watch, feed};
use crate::recorded::Recorded;
use crate::{Program, ci, input, store};

/// How often there may be news.
const EVERY: Duration = Duration::from_millis(200);
/// How long a run that another process has just made may take to begin.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn watch(mut program: Program, arguments: &WatchRun) -> Result<Exit, Failure> {
    let registry = program.registry()?;
    let place = &arguments.one.place;
    let store = store::existing(&program, place)?;
    let row = store.find(&arguments.one.run)?;
    let style = Style {
        quiet: false,
        verbose: false,
        timings: false,
        format: arguments.format,
        form: run::form(arguments.log_format, ci::service(&input::environment())),
    };
    show(&program, &registry, &store, place, &row.id, style)
}

/// Shows a run from its beginning until it has ended, or nobody drives it any more, and tells how it went.
pub(super) fn show(
    program: &Program,
    registry: &Arc<Registry>,
    store: &Store,
    place: &RunsPlace,
    run: &str,
    style: Style,
) -> Result<Exit, Failure> {
    wait_for_its_beginning(store, run)?;
    let recorded = Recorded::read(store, run, registry)?;
    let next = store::next(program, place, &recorded.row);
    let runtime = drive::runtime(1)?;
    let shown = (Arc::clone(&recorded.plan), next.clone());
    runtime.block_on(async {
        let (sender, events) = mpsc::unbounded_channel();
        let (feed, news) = feed();
        let watch = Watch::new(program.terminal, style.form, shown, Happening::Elsewhere(events), news);
        let mut interrupt =
            signal(SignalKind::interrupt()).map_err(Failure::machine("can't listen for Ctrl-C"))?;
        let following = follow(store, run, sender, (!style.quiet).then_some(&feed));
        let watching = async {
            let (followed, ()) = tokio::join!(following, watch.show());
            followed
        };
        tokio::select! {
            followed = watching => followed,
            _ = interrupt.recv() => Err(Failure::Unwatched),
        }
    })?;
    runtime.shutdown_background();
    let report = Recorded::read(store, run, registry)?.report(store)?;
    tell_end(program.terminal, report, style, &next, |_| Ok(()))
}

fn wait_for_its_beginning(store: &Store, run: &str) -> Result<(), Failure> {
    let tries = PATIENCE.as_millis() / EVERY.as_millis();
    for _ in 0..tries {
        if store.driver(run)?.is_none() || !store.events(run, 0)?.0.is_empty() {
            return Ok(());
        }
        std::thread::sleep(EVERY);
    }
    Ok(())
}

/// Passes on what happens, until the run has ended or nobody drives it any more; then the view ends.
async fn follow(
    store: &Store,
    run: &str,
    sender: mpsc::UnboundedSender<Arc<[Event]>>,
    feed: Option<&Feed>,
) -> Result<(), Failure> {
    let (mut next, mut seen) = (0, HashMap::new());
    loop {
        // Asked first: what it did before it went away is read below.
        let driven = store.driver(run)?.is_some();
        let (events, damage) = store.events(run, next)?;
        // What a step wrote came before its end.
        for stored in store.new_lines(run, None, &mut seen)? {
            feed.inspect(|feed| feed.line(stored.line));
        }
        next += events.len() as u64;
        let ended = events.last().is_some_and(|last| matches!(last.kind, EventKind::RunFinished { .. }));
        if !events.is_empty() && feed.is_some() {
            // The view takes everything until this is dropped.
            let _ = sender.send(events.into());
        }
        if let Some(damage) = damage {
            return Err(damage.into());
        }
        if ended || !driven {
            return Ok(());
        }
        tokio::time::sleep(EVERY).await;
    }
}
