//! `undo`: takes back what a run did.

use vwmp_core::run::{Report, RunStatus};
use vwmp_store::Standing;

use super::resume::{self, How};
use crate::arguments::Undo;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::recorded::Recorded;
use crate::{Program, store};

pub(super) fn undo(mut program: Program, arguments: &Undo) -> Result<Exit, Failure> {
    let registry = program.registry()?;
    let place = &arguments.one.place;
    let store = store::existing(&program, place)?;
    let recorded = Recorded::read(&store, &arguments.one.run, &registry)?;
    let id = &recorded.row.id;
    match recorded.row.standing {
        Standing::Live(_) => {
            let typed = store::next(&program, place, &recorded.row).command("cancel", &["--reason", "…"]);
            let message =
                format!("run {id} is under way; stop it first with `{}`", typed.unwrap_or_default());
            return Err(Failure::Usage(message));
        }
        Standing::Ended(RunStatus::RolledBack) => {
            return Err(Failure::Usage(format!("run {id} is taken back already")));
        }
        Standing::Ended(_) => {}
    }
    let report = recorded.report(&store)?;
    if !arguments.force && report.state().past_no_return(report.plan()) {
        return Err(Failure::Usage(no_return(&report)));
    }
    let how = How {
        roll_back: Some(arguments.reason.clone()),
        force: arguments.force,
        ..How::of(&arguments.driving)
    };
    let exit = resume::go_on(&program, &registry, &store, place, id, &arguments.secrets, how)?;
    // To take it back was what was wanted.
    let taken_back = Recorded::read(&store, id, &registry)
        .is_ok_and(|now| now.row.standing == Standing::Ended(RunStatus::RolledBack));
    Ok(if taken_back { Exit::Done } else { exit })
}

fn no_return(report: &Report) -> String {
    // One that failed may have been seen all the same.
    let begun = |step: &vwmp_core::run::StepReport<'_>| !matches!(step.phase.name(), "pending" | "skipped");
    let points = report.steps().filter(begun).filter(|step| {
        let step = report.plan().find(step.id).map(|step| report.plan()[step].handler());
        step.is_some_and(|handler| handler.point_of_no_return())
    });
    let points: Vec<&str> = points.map(|step| step.id).collect();
    format!(
        "run {} passed a point of no return: others may have seen what {} did, and it will stand; `--force` takes back \
         the rest all the same",
        report.run_id(),
        points.join(", ")
    )
}
