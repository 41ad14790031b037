//! `cancel`: stops a run, wherever it is driven.

use vwmp_core::run::RunStatus;
use vwmp_store::{Order, Standing, Store};

use super::resume::{self, How};
use crate::arguments::Cancel;
use crate::drive::Style;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{Program, input, store};

pub(super) fn cancel(mut program: Program, arguments: &Cancel) -> Result<Exit, Failure> {
    let place = &arguments.one.place;
    let store = store::existing(&program, place)?;
    let row = store.find(&arguments.one.run)?;
    let reason = arguments.reason.clone();
    match row.standing {
        Standing::Live(_) => {
            let by = store::who(&input::environment());
            Store::open(store.folder())?.order(&row.id, &Order::Cancel { reason, by })?;
            let pid = row.pid.map(|pid| format!(" {pid}")).unwrap_or_default();
            let watch = store::next(&program, place, &row).command("watch", &[]).unwrap_or_default();
            let told = format!("process{pid} is told to stop run {}; `{watch}` shows its end\n", row.id);
            program.terminal.tell(&told);
            Ok(Exit::Done)
        }
        // Nobody drives it, so this process brings it to its end: what is due in the end is done.
        Standing::Ended(RunStatus::Interrupted) => {
            let registry = program.registry()?;
            let style = Style { quiet: arguments.quiet, ..Style::default() };
            let how = How { cancel: Some(reason), style, ..How::default() };
            let exit = resume::go_on(&program, &registry, &store, place, &row.id, &arguments.secrets, how)?;
            Ok(if exit == Exit::Cancelled { Exit::Done } else { exit })
        }
        Standing::Ended(status) => {
            let told = status.name().replace('_', " ");
            Err(Failure::Usage(format!("run {} has ended already: {told}", row.id)))
        }
    }
}
