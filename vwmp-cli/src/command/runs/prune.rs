//! `runs prune`: old runs make room.

use vwmp_store::{Policy, Store};

use super::before;
use crate::arguments::Prune;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{counted, runs};
use crate::{Program, store};

/// Shows what would go; with `--yes` it goes.
pub(super) fn prune(program: &Program, arguments: &Prune) -> Result<Exit, Failure> {
    let store = store::existing(program, &arguments.place)?;
    let policy = Policy {
        keep: arguments.keep,
        since: arguments.older_than.map(|age| before(age.as_micros())),
        bytes: arguments.max_size,
        unfinished: arguments.unfinished,
    };
    let pruned =
        if arguments.yes { Store::open(store.folder())?.prune(&policy)? } else { store.to_prune(&policy)? };
    let terminal = program.terminal;
    if pruned.is_empty() {
        terminal.tell("nothing to remove\n");
        return Ok(Exit::Done);
    }
    terminal.print(&runs::pruned(&pruned, terminal.out_width()))?;
    let bytes = runs::size(pruned.iter().map(|one| one.bytes).sum());
    let count = counted(pruned.len(), "run");
    terminal.tell(&if arguments.yes {
        format!("removed {count} with {bytes}\n")
    } else {
        format!("{count} with {bytes} would go; --yes removes them\n")
    });
    Ok(Exit::Done)
}
