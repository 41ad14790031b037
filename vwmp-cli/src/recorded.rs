//! Runs in a store: begun with a record of what their plan was made from, and read again.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use vwmp_core::plan::Plan;
use vwmp_core::registry::Registry;
use vwmp_core::run::{Event, LogStore, Report, SystemClock};
use vwmp_core::workflow::record::{Again, Record};
use vwmp_core::workflow::{Inputs, Workflow};
use vwmp_interfaces::Clock as _;
use vwmp_interfaces::log::{LogLine, LogSink};
use vwmp_store::{NewRun, OwnedRun, RunRow, Store, StoreError};

use crate::failure::Failure;
use crate::input;

/// A run that is to be begun.
pub(crate) struct Begun<'r> {
    pub(crate) workflow: &'r Workflow,
    pub(crate) inputs: &'r Inputs,
    pub(crate) plan: &'r Plan,
    /// What the caller calls it.
    pub(crate) key: Option<&'r str>,
    /// The run that called it.
    pub(crate) parent: Option<&'r str>,
    /// Whether results of another run stand for steps, or steps are left out.
    pub(crate) partial: bool,
}

/// A run as it is in its store.
pub(crate) struct Recorded {
    pub(crate) row: RunRow,
    pub(crate) record: Record,
    pub(crate) plan: Arc<Plan>,
    pub(crate) events: Vec<Event>,
}

impl Begun<'_> {
    /// Makes the run, driven by this process.
    pub(crate) fn create(&self, store: &Store, id: &str) -> Result<OwnedRun, StoreError> {
        let record = Record::of(self.workflow, self.inputs, self.plan).partial(self.partial).write();
        store.create(&NewRun {
            id,
            workflow: self.plan.workflow_name(),
            source: &source(Path::new(self.plan.workflow_id()), self.plan.workspace()),
            workflow_type: self.workflow.workflow_type().map(|plugin| plugin.name()),
            key: self.key,
            parent: self.parent,
            steps: self.plan.steps().len(),
            started: SystemClock.now(),
            record: &record,
        })
    }
}

/// What the store calls a workflow file, wherever it was named from: its path in the workspace, or its whole path.
pub(crate) fn source(file: &Path, workspace: &Path) -> String {
    let whole = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    whole.strip_prefix(workspace).unwrap_or(&whole).to_string_lossy().into_owned()
}

impl Recorded {
    /// Reads a run to look at it: secrets are not there, and nothing must be carried out. What a damaged journal lacks
    /// is told as a warning of the report.
    pub(crate) fn read(store: &Store, id: &str, registry: &Registry) -> Result<Self, Failure> {
        let row = store.find(id)?;
        let record = record(store, &row.id)?;
        let plan = record.look(registry, input::environment())?;
        let (events, damage) = store.events(&row.id, 0)?;
        if events.is_empty() {
            return Err(damage.map_or_else(|| Failure::Usage(never_began(&row.id)), Failure::from));
        }
        Ok(Self { row, record, plan: Arc::new(plan), events })
    }

    /// Reads a run to go on with it. A damaged journal is refused: what was done after its last event is not known.
    pub(crate) fn again(store: &Store, id: &str, registry: &Registry, again: Again) -> Result<Self, Failure> {
        let row = store.find(id)?;
        let record = record(store, &row.id)?;
        let plan = record.plan(registry, again)?;
        let (events, damage) = store.events(&row.id, 0)?;
        match damage {
            Some(damage) => Err(damage.into()),
            None => Ok(Self { row, record, plan: Arc::new(plan), events }),
        }
    }

    /// How the run went, or how far it is.
    pub(crate) fn report(&self, store: &Store) -> Result<Report, Failure> {
        let log = StoredLog { store: store.clone(), run: self.row.id.clone(), lines: OnceLock::new() };
        Ok(Report::of(Arc::clone(&self.plan), &self.events, Arc::new(log))?)
    }
}

fn never_began(id: &str) -> String {
    format!("run {id} never began: its process ended before the first event")
}

pub(crate) fn record(store: &Store, id: &str) -> Result<Record, Failure> {
    Record::read(&store.record(id)?)
        .map_err(|why| Failure::Usage(format!("what run {id} was made from can't be read: {why}")))
}

/// The lines of a run, read when they are first asked for.
struct StoredLog {
    store: Store,
    run: String,
    lines: OnceLock<HashMap<Arc<str>, Vec<LogLine>>>,
}

impl LogSink for StoredLog {
    fn line(&self, _: LogLine) {}
}

impl LogStore for StoredLog {
    fn lines(&self, step: &str) -> Vec<LogLine> {
        let by_step = self.lines.get_or_init(|| {
            let mut by_step: HashMap<Arc<str>, Vec<LogLine>> = HashMap::new();
            for stored in self.store.lines(&self.run, None).unwrap_or_default() {
                by_step.entry(Arc::clone(&stored.line.step)).or_default().push(stored.line);
            }
            by_step
        });
        by_step.get(step).cloned().unwrap_or_default()
    }
}
