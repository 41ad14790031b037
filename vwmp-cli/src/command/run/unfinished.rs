//! A workflow that is taken back when it fails has one unfinished run at most: it is continued, not started again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::run::RunStatus;
use vwmp_core::workflow::record::Record;
use vwmp_interfaces::workflow_type::FailurePolicy;
use vwmp_store::{Filter, RunRow, Standing, Store};

use super::style;
use crate::arguments::{self, RunsPlace};
use crate::command::{resume, watch};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::Planned;
use crate::recorded::{Recorded, source};
use crate::{Program, store};

/// The unfinished run of the same workflow with the same parameters. With other parameters it stands in the way.
pub(super) fn of_same(
    program: &Program,
    registry: &Registry,
    store: &Store,
    place: &RunsPlace,
    planned: &Planned,
) -> Result<Option<RunRow>, Failure> {
    if !is_alone(&planned.plan) {
        return Ok(None);
    }
    let source = source(planned.plan.workflow_id().as_ref(), planned.plan.workspace());
    let rows = store.runs(&Filter { source: Some(source), ..Filter::default() })?;
    let Some(row) = rows.into_iter().find(|row| is_unfinished(row.standing)) else { return Ok(None) };
    while store.events(&row.id, 0)?.0.is_empty() {
        if store.driver(&row.id)?.is_none() {
            // It died before it began, and did nothing.
            return Ok(None);
        }
        // Its first event is about to come.
        std::thread::sleep(Duration::from_millis(20));
    }
    let same = match Recorded::read(store, &row.id, registry) {
        Ok(recorded) => other_parameters(&recorded.record, &recorded.plan, planned).is_empty(),
        // It can't even be read, so nobody can tell what it did.
        Err(_) => false,
    };
    if same { Ok(Some(row)) } else { Err(in_the_way(program, place, &row)) }
}

/// Whether there may be one unfinished run of the workflow at most.
pub(super) fn is_alone(plan: &Plan) -> bool {
    plan.on_failure() == FailurePolicy::Rollback
}

/// A part of it is no way to go on with an unfinished run.
pub(super) fn no_part(program: &Program, place: &RunsPlace, row: &RunRow) -> Failure {
    let next = store::next(program, place, row);
    let command = |verb: &str| next.command(verb, &[]).unwrap_or_default();
    Failure::Usage(format!(
        "run {} of this workflow is unfinished: finish it with `{}`, or take it back with `{}`, before a part is \
         carried out again",
        row.id,
        command("resume"),
        command("undo"),
    ))
}

fn is_unfinished(standing: Standing) -> bool {
    matches!(
        standing,
        Standing::Live(_)
            | Standing::Ended(RunStatus::Interrupted | RunStatus::MustContinue | RunStatus::RollbackFailed)
    )
}

/// The parameters that two runs are given differently, as far as anything was written down.
pub(super) fn other_parameters(record: &Record, before: &Plan, planned: &Planned) -> Vec<String> {
    let hidden = |name: &str| {
        planned.workflow.parameters().get(name).is_some_and(|parameter| parameter.secret)
            || record.secret_parameters().iter().any(|secret| secret == name)
    };
    let empty = Map::new();
    let before = before.parameters().as_object().unwrap_or(&empty);
    let now = planned.plan.parameters().as_object().unwrap_or(&empty);
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let others = names.into_iter().filter(|name| !hidden(name) && before.get(*name) != now.get(*name));
    others.cloned().collect()
}

fn in_the_way(program: &Program, place: &RunsPlace, row: &RunRow) -> Failure {
    let next = store::next(program, place, row);
    let command = |verb: &str| next.command(verb, &[]).unwrap_or_default();
    let id = &row.id;
    Failure::Usage(match row.standing {
        Standing::Live(_) => format!(
            "run {id} of this workflow is under way with other parameters: wait for its end (`{}`), or stop it (`{} \
             --reason …`)",
            command("watch"),
            command("cancel"),
        ),
        Standing::Ended(RunStatus::MustContinue) => format!(
            "run {id} of this workflow passed a point of no return with other parameters: finish it first with `{}`",
            command("resume"),
        ),
        Standing::Ended(RunStatus::RollbackFailed) => format!(
            "run {id} of this workflow could not be taken back, so part of it stands: `{}` shows what, `{}` tries again",
            command("show"),
            command("undo"),
        ),
        Standing::Ended(_) => format!(
            "run {id} of this workflow was interrupted with other parameters: finish it first with `{}`, or take it \
             back with `{}`",
            command("resume"),
            command("undo"),
        ),
    })
}

/// Continues the run, or shows it where another process drives it.
pub(super) fn go_on(
    program: &Program,
    registry: &Arc<Registry>,
    store: &Store,
    place: &RunsPlace,
    row: &RunRow,
    arguments: &arguments::Run,
) -> Result<Exit, Failure> {
    let id = &row.id;
    if let Standing::Live(_) = row.standing {
        program.terminal.tell(&format!("run {id} does this already: it is shown, and none is started\n"));
        return watch::show(program, registry, store, place, id, style(arguments));
    }
    if row.standing == Standing::Ended(RunStatus::RollbackFailed) {
        return Err(in_the_way(program, place, row));
    }
    program.terminal.tell(&format!(
        "run {id} was begun with the same parameters: it is continued, and none is started\n"
    ));
    let values = &arguments.workflow.values;
    let how = resume::How {
        style: style(arguments),
        cache: !arguments.no_cache,
        no_input: arguments.workflow.no_input,
        metrics: arguments.metrics.clone(),
        ..resume::How::default()
    };
    resume::go_on(program, registry, store, place, id, values, how)
}
