//! From a workflow and its inputs to a plan.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Graph, Plan, PlannedAdapter, StepIndex, mask};
use crate::config::Resolved;
use crate::diagnostic::Diagnostics;
use crate::workflow::{Binding, Inputs, Workflow};

/// How many steps run at once at least, where nobody says how many.
const MIN_PARALLEL: usize = 4;

/// Builds a plan; see [`Workflow::plan`].
pub(crate) fn build(workflow: &Workflow, inputs: Inputs) -> Result<Plan, Diagnostics> {
    let binding = Binding::new(workflow, &inputs.parameters)?;
    let steps: Vec<_> = workflow.order.iter().map(|&step| workflow.steps[step].clone()).collect();
    let by_id: HashMap<_, _> =
        steps.iter().enumerate().map(|(at, step)| (Arc::clone(&step.id), StepIndex::new(at))).collect();
    let adapters = workflow.adapters.iter().zip(binding.adapters).map(|(one, config)| PlannedAdapter {
        instance: one.instance.clone(),
        adapter: Arc::clone(&one.adapter),
        config,
    });
    let by_default = inputs.cores.unwrap_or(MIN_PARALLEL).max(MIN_PARALLEL);
    Ok(Plan {
        workflow_id: Arc::clone(&workflow.id),
        workflow_name: Arc::clone(&workflow.name),
        workflow_type: workflow.workflow_type.clone(),
        workspace: inputs.workspace,
        environment: Arc::clone(&workflow.settings.environment),
        parameters: Arc::new(Value::Object(binding.parameters)),
        config: Arc::new(binding.config.value.clone()),
        adapters: adapters.collect(),
        adapter_configs: binding.adapter_configs,
        max_parallel: inputs.max_parallel.or(workflow.max_parallel).unwrap_or(by_default).max(1),
        timeout: workflow.timeout,
        on_failure: workflow.on_failure,
        main_steps: workflow.main_steps,
        graph: graph(workflow),
        resolved: masked(binding.config, &binding.secrets),
        by_id,
        steps,
        secrets: binding.secrets,
    })
}

/// The edges, with the places of the plan.
fn graph(workflow: &Workflow) -> Graph {
    let mut places = vec![0; workflow.order.len()];
    for (place, &step) in workflow.order.iter().enumerate() {
        places[step] = place;
    }
    let edges = workflow.order.iter().enumerate().flat_map(|(place, &step)| {
        let needs = workflow.needs[step].iter().map(|&need| StepIndex::new(places[need]));
        needs.map(move |need| (StepIndex::new(place), need))
    });
    Graph::new(places.len(), edges)
}

fn masked(mut config: Resolved, secrets: &[String]) -> Resolved {
    mask::value(&mut config.value, secrets);
    config
}
