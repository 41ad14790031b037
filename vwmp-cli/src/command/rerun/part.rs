//! Which steps are carried out again, and which results of the earlier run stand.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use vwmp_core::diagnostic::nearest;
use vwmp_core::plan::{Plan, StepIndex};
use vwmp_core::run::{Event, EventKind, Report, Reused, Undone, Unit};

use crate::arguments::Rerun;
use crate::command::run::Kept;
use crate::failure::Failure;

/// Which part of a workflow is carried out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    All,
    /// What did not succeed, and all that comes after it.
    Failed,
    /// A step and all that comes after it.
    From(String),
    /// A step alone.
    Only(String),
}

impl Part {
    pub(super) fn of(arguments: &Rerun) -> Self {
        match (&arguments.from, &arguments.only, arguments.failed) {
            (Some(step), _, _) => Self::From(step.clone()),
            (_, Some(step), _) => Self::Only(step.clone()),
            (_, _, true) => Self::Failed,
            _ => Self::All,
        }
    }
}

/// What is kept of an earlier run by a new one, whose workflow may have changed: steps are the same by their ids and
/// handlers.
pub(super) fn keep(part: &Part, earlier: &Report, events: &[Event], plan: &Plan) -> Result<Kept, Failure> {
    let results = Results { earlier, taken_back: taken_back(events), plan };
    match part {
        Part::All => Ok(Kept::default()),
        Part::Failed => {
            let again = plan.indexed().map(|(step, _)| step).filter(|step| results.of(*step).is_none());
            let again = with_dependents(plan, again);
            Ok(results.kept(|step| !again[step.get()] && !plan.is_finally(step), |_| false))
        }
        Part::From(id) => {
            let from = find(plan, id)?;
            let again = with_dependents(plan, [from].into_iter());
            let needed = with_needs(plan, from);
            // What it needs and has no result is carried out too, and what was built on that is no result any more.
            let steps = plan.indexed().map(|(step, _)| step);
            let anew =
                with_dependents(plan, steps.filter(|step| needed[step.get()] && results.of(*step).is_none()));
            // What is beside it and has no result is not asked for.
            let aside = |step: StepIndex| {
                let inside = again[step.get()] || needed[step.get()] || plan.is_finally(step);
                !inside && (anew[step.get()] || results.of(step).is_none())
            };
            let stands = |step: StepIndex| !again[step.get()] && !anew[step.get()] && !plan.is_finally(step);
            Ok(results.kept(stands, aside))
        }
        Part::Only(id) => {
            let only = find(plan, id)?;
            let needed = with_needs(plan, only);
            let missing = plan
                .indexed()
                .map(|(step, _)| step)
                .find(|step| *step != only && needed[step.get()] && results.of(*step).is_none());
            if let Some(missing) = missing {
                return Err(Failure::Usage(format!(
                    "`{id}` can't be carried out alone: it needs {}, and run {} has no result of it; `--from {}` \
                     carries both out",
                    plan[missing].id(),
                    earlier.run_id(),
                    plan[missing].id(),
                )));
            }
            Ok(results
                .kept(|step| step != only && needed[step.get()], |step| step != only && !needed[step.get()]))
        }
    }
}

/// The results of the earlier run.
struct Results<'r> {
    earlier: &'r Report,
    /// The steps whose work is gone, by their numbers in the earlier plan.
    taken_back: BTreeSet<StepIndex>,
    plan: &'r Plan,
}

/// The steps whose work was taken back, or of which nobody knows whether it was.
fn taken_back(events: &[Event]) -> BTreeSet<StepIndex> {
    let mut gone = BTreeSet::new();
    for event in events {
        match &event.kind {
            EventKind::UndoStarted { step, .. } | EventKind::StepUndone { step, undone: Undone::Yes, .. } => {
                gone.insert(*step);
            }
            // What it did stands.
            EventKind::StepUndone { step, .. } => {
                gone.remove(step);
            }
            _ => {}
        }
    }
    gone.into_iter().map(|unit: Unit| unit.step).collect()
}

impl Results<'_> {
    /// What a step gave, where that can stand for it: it succeeded, was not taken back, and is still the same handler.
    fn of(&self, step: StepIndex) -> Option<&Arc<Value>> {
        let before = self.earlier.plan();
        let known = before.find(self.plan[step].id())?;
        let same = before[known].handler().name() == self.plan[step].handler().name();
        self.earlier.state().reusable(known).filter(|_| same && !self.taken_back.contains(&known))
    }

    fn kept(&self, keep: impl Fn(StepIndex) -> bool, leave: impl Fn(StepIndex) -> bool) -> Kept {
        let run: Arc<str> = self.earlier.run_id().into();
        let reused = self.plan.indexed().filter(|(step, _)| keep(*step)).filter_map(|(step, _)| {
            Some(Reused { step, run: Arc::clone(&run), output: Arc::clone(self.of(step)?) })
        });
        let leave_out = self.plan.indexed().map(|(step, _)| step).filter(|step| leave(*step));
        Kept { reuse: reused.collect(), leave_out: leave_out.collect() }
    }
}

fn find(plan: &Plan, id: &str) -> Result<StepIndex, Failure> {
    plan.find(id).ok_or_else(|| {
        let near = nearest(id, plan.steps().iter().map(vwmp_core::plan::PlannedStep::id));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Failure::Usage(format!("the workflow has no step `{id}`{near}"))
    })
}

/// These steps and all that come after them. Steps are in an order in which each comes after all that it needs.
fn with_dependents(plan: &Plan, steps: impl Iterator<Item = StepIndex>) -> Vec<bool> {
    let mut marked = vec![false; plan.steps().len()];
    steps.for_each(|step| marked[step.get()] = true);
    for (step, _) in plan.indexed() {
        if plan.needs(step).iter().any(|need| marked[need.get()]) {
            marked[step.get()] = true;
        }
    }
    marked
}

/// A step and all that it needs, directly or not.
fn with_needs(plan: &Plan, step: StepIndex) -> Vec<bool> {
    let mut marked = vec![false; plan.steps().len()];
    let mut todo = vec![step];
    while let Some(step) = todo.pop() {
        if !std::mem::replace(&mut marked[step.get()], true) {
            todo.extend(plan.needs(step));
        }
    }
    marked
}
