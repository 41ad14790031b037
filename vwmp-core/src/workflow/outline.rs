//! A workflow before the rules of its type.

use std::sync::Arc;

use vwmp_interfaces::finding::{Finding, Findings, Place};
use vwmp_interfaces::workflow_type::{StepOutline, WorkflowOutline};

use super::check::{Draft, written_config};
use super::expand::Texts;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::document::NodeRef;
use crate::registry::RegisteredWorkflowType;
use crate::run::guarded;
use crate::source::{Source, Span};

/// Asks the type what it thinks of a workflow.
pub(super) fn check(
    workflow_type: &RegisteredWorkflowType,
    texts: &Texts,
    drafts: &[Draft<'_>],
    needs: &[Vec<usize>],
    found: &mut Diagnostics,
) {
    let outline = WorkflowOutline {
        name: texts.text("name").unwrap_or_default().to_owned(),
        config: written_config(texts),
        steps: after_main(drafts.iter().zip(needs).map(|(draft, needs)| outline(draft, needs)).collect()),
    };
    let mut findings = Findings::default();
    if let Err(panic) = guarded(|| workflow_type.validate_workflow(&outline, &mut findings)) {
        let (source, span) = locate(&Place::Workflow, texts, drafts);
        let name = workflow_type.name();
        let message =
            format!("the workflow type {name} panicked at this workflow, which is a bug in it: {panic}");
        found.push(Diagnostic::error("vwmp::panicked", message).at(source, span, ""));
    }
    for Finding { code, warning, place, message, help } in findings {
        let (source, span) = locate(&place, texts, drafts);
        let mut problem = Diagnostic::error(code, message).at(source, span, "");
        if warning {
            problem.severity = Severity::Warning;
        }
        found.push(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
}

/// Lets `finally` steps need all others: those that begin it need those that end the main part.
fn after_main(mut steps: Vec<StepOutline>) -> Vec<StepOutline> {
    let main = steps.iter().take_while(|step| !step.finally).count();
    let mut is_needed = vec![false; steps.len()];
    steps[..main].iter().flat_map(|step| &step.needs).for_each(|&need| is_needed[need] = true);
    let last: Vec<usize> = (0..main).filter(|&step| !is_needed[step]).collect();
    for step in &mut steps[main..] {
        if step.needs.iter().all(|&need| need < main) {
            step.needs.extend(&last);
            step.needs.sort_unstable();
            step.needs.dedup();
        }
    }
    steps
}

fn outline(draft: &Draft<'_>, needs: &[usize]) -> StepOutline {
    let handler = draft.handler.as_ref().map(|handler| handler.step.name().to_owned());
    StepOutline {
        id: draft.id.to_string(),
        handler: handler.unwrap_or_default(),
        needs: needs.to_vec(),
        config: draft.config.written().clone(),
        finally: draft.node.finally,
    }
}

fn locate<'t>(place: &Place, texts: &'t Texts, drafts: &'t [Draft<'_>]) -> (&'t Arc<Source>, Span) {
    let step = |step: usize| {
        let node = &drafts.get(step)?.node;
        Some(node.get("handler").unwrap_or(node.node()))
    };
    let found: Option<NodeRef<'t>> = match place {
        Place::Workflow => texts.get("type"),
        Place::Step(at) => step(*at),
        Place::Config(pointer) | Place::ConfigText(pointer, _) => {
            texts.all("config").find_map(|config| config.at_pointer(pointer))
        }
        Place::StepConfig(at, pointer) => {
            let within = drafts
                .get(*at)
                .and_then(|draft| draft.node.all("config").find_map(|config| config.at_pointer(pointer)));
            within.or_else(|| step(*at))
        }
    };
    let node = found.or_else(|| texts.get("type")).unwrap_or(texts.root());
    let span = match place {
        Place::ConfigText(_, part) if found.is_some() => node.span_of_part(part.clone()),
        _ => node.span(),
    };
    (node.source(), span)
}
