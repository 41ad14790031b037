//! Where runs are kept, and who uses them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use vwmp_store::{RunRow, Store, StoreError};

use crate::arguments::RunsPlace;
use crate::failure::Failure;
use crate::next::{self, Next};
use crate::terminal::{Terminal, YELLOW, paint};
use crate::{Program, input};

/// The store of a workspace.
const FOLDER: &str = ".vwmp";

/// The folder that a store is in.
pub(crate) fn folder(workspace: &Path, named: Option<&Path>) -> PathBuf {
    named.map_or_else(|| workspace.join(FOLDER), Path::to_owned)
}

/// The store that a command about runs reads; there must be one.
pub(crate) fn existing(program: &Program, place: &RunsPlace) -> Result<Store, Failure> {
    let workspace = input::workspace(place.workspace.as_deref())?;
    let folder = folder(&workspace, place.store.store.as_deref());
    Store::look(&folder)?.ok_or_else(|| {
        let name = program.name();
        let message = format!("there are no runs in `{}`; `{name} run` keeps them there", folder.display());
        Failure::Usage(message)
    })
}

/// The store that a run is kept in.
pub(crate) fn open(folder: &Path, terminal: Terminal) -> Result<Store, StoreError> {
    let store = Store::open(folder)?;
    if let Some(network) = store.network() {
        terminal.tell(&format!(
            "{}: the store {} is on a network file system ({network}), where neither its database nor its locks can be \
             relied on; --store PATH puts it elsewhere\n",
            paint(YELLOW, "warning"),
            folder.display()
        ));
    }
    Ok(store)
}

/// The commands to type next about runs of that place.
pub(crate) fn next(program: &Program, place: &RunsPlace, run: &RunRow) -> Next {
    let options = next::place(place.workspace.as_ref(), place.store.store.as_ref());
    Next::of(program.name(), &run.id, options)
}

/// Who uses the program, for the journal.
pub(crate) fn who(environment: &BTreeMap<String, String>) -> String {
    let named = ["USER", "LOGNAME"].iter().filter_map(|name| environment.get(*name));
    let named = named.map(String::as_str).find(|name| !name.is_empty());
    named.map_or_else(|| format!("user {}", rustix::process::getuid().as_raw()), str::to_owned)
}
