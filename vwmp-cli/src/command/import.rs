//! `import`: a workflow of another tool as one of ours.

use std::path::Path;
use std::sync::Arc;

use vwmp_core::diagnostic::Diagnostics;
use vwmp_core::document::{Document, NodeRef};
use vwmp_core::registry::Registry;
use vwmp_core::source::Source;
use vwmp_core::workflow::Settings;

use crate::arguments::{ForeignFormat, Import, PlaceArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::import::{self, Draft};
use crate::render::counted;
use crate::render::table::Table;
use crate::terminal::{BOLD, YELLOW, paint};
use crate::{Program, input};

pub(super) fn import(mut program: Program, arguments: &Import) -> Result<Exit, Failure> {
    let registry = program.registry_at(&PlaceArguments::default())?;
    let settings = input::settings(&PlaceArguments::default(), &[], input::environment())?;
    let document = Document::parse(input::files::source(&arguments.file, "file")?)?;
    let stem = name(&arguments.file);
    let (draft, format) = import::import(&document, &stem, arguments.from, arguments.only.as_deref())?;
    let origin = format!("{} ({})", arguments.file.display(), described(format));
    let (draft, text) = settled(draft, &origin, &registry, &settings)?;
    match &arguments.output {
        Some(file) => input::files::create(file, &text)?,
        None => program.terminal.print(&text)?,
    }
    tell(&program, &draft, arguments.output.as_deref());
    Ok(Exit::Done)
}

/// What the workflow is called where the file doesn't say.
fn name(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn described(format: ForeignFormat) -> &'static str {
    match format {
        ForeignFormat::Github => "GitHub Actions workflow",
        ForeignFormat::Taskfile => "Taskfile",
        ForeignFormat::Dagu => "Dagu DAG",
    }
}

/// The draft as a valid workflow: steps that the check refuses are given up, with what it says.
fn settled(
    mut draft: Draft,
    origin: &str,
    registry: &Registry,
    settings: &Settings,
) -> Result<(Draft, String), Failure> {
    let mut spliced = false;
    loop {
        let text = draft.text(origin);
        let Err(found) = input::checked("the imported workflow", &text, registry, settings) else {
            if std::mem::replace(&mut spliced, true) {
                return Ok((draft, text));
            }
            draft.splice();
            continue;
        };
        if !give_up(&mut draft, &text, &found)? {
            return Err(found.into());
        }
    }
}

/// Gives up every step that a finding is in; whether there was any.
fn give_up(draft: &mut Draft, text: &str, found: &Diagnostics) -> Result<bool, Failure> {
    let document = Document::parse(Arc::new(Source::new("the imported workflow", text)))?;
    let root = document.root();
    let lists = ["steps", "finally"].iter().filter_map(|key| root.get(key));
    let spans: Vec<_> = lists.flat_map(NodeRef::items).map(NodeRef::span).collect();
    let mut any = false;
    for one in found {
        let at = one.labels.first().map_or(0, |label| label.span.start);
        if let Some(number) = spans.iter().position(|span| (span.start..=span.end).contains(&at)) {
            any |= draft.give_up(number, &one.message);
        }
    }
    Ok(any)
}

fn tell(program: &Program, draft: &Draft, file: Option<&Path>) {
    let terminal = program.terminal;
    let mut table = Table::new(["line", "not carried over"]);
    for (line, note) in draft.notes() {
        table.row([line.to_string(), note.to_owned()]);
    }
    if !table.is_empty() {
        terminal.tell(&format!("{}\n", table.render(terminal.err_width())));
    }
    let (all, working) = draft.counts();
    let target = file.map(|file| format!(", written to {}", file.display())).unwrap_or_default();
    let lost = match all - working {
        0 => String::new(),
        lost => paint(YELLOW, format!(", {lost} of which do nothing: see above")),
    };
    terminal.tell(&format!("{}{lost}{target}\n", paint(BOLD, counted(all, "step"))));
}
