//! `report`: how a run went, for people and programs.

use serde_json::json;
use vwmp_core::run::Report;

use crate::arguments::{ReportFormat, ReportRun};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::next::Next;
use crate::recorded::Recorded;
use crate::render::html;
use crate::render::junit::junit;
use crate::render::markdown::markdown;
use crate::render::{report, timings, to_do};
use crate::{Program, input, store};

pub(super) fn report(mut program: Program, arguments: &ReportRun) -> Result<Exit, Failure> {
    let registry = program.registry()?;
    let place = &arguments.one.place;
    let store = store::existing(&program, place)?;
    let recorded = Recorded::read(&store, &arguments.one.run, &registry)?;
    let next = store::next(&program, place, &recorded.row);
    let report = recorded.report(&store)?;
    let width = program.terminal.out_width();
    let text = match arguments.format {
        ReportFormat::Text => text(&report, &next, arguments.timings, width),
        ReportFormat::Json => json(&report, arguments.timings),
        ReportFormat::Junit => junit(&report),
        ReportFormat::Markdown => markdown(&report, &next),
        ReportFormat::Html => html::page(&report, &recorded.events, &next)?,
    };
    match &arguments.output {
        Some(file) => input::files::report(file, &text)?,
        None => program.terminal.print(&text)?,
    }
    Ok(Exit::Done)
}

fn text(report: &Report, next: &Next, timings: bool, width: usize) -> String {
    let problems = report::problems(report, width);
    let gap = if problems.is_empty() { "" } else { "\n" };
    let timings = if timings { format!("{}\n", timings::text(report, width)) } else { String::new() };
    let summary = report::summary(report, width);
    format!(
        "{}\n{timings}{problems}{gap}{summary}{}",
        report::table(report, width),
        to_do::to_do(report, next, &[])
    )
}

fn json(report: &Report, timings: bool) -> String {
    let mut object = json!(report);
    if timings {
        object["timings"] = timings::json(report);
    }
    format!("{object:#}\n")
}
