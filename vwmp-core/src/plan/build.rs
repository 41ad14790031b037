//! From a workflow and its inputs to a plan.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::{Graph, Plan, PlannedAdapter, PlannedStep, StepIndex};
use crate::diagnostic::Diagnostics;
use crate::masking::{Masker, computed, texts_in};
use crate::template::{Template, marked};
use crate::workflow::{Adapter, Binding, Inputs, Workflow};

/// How many steps run at once at least, where nobody says how many.
const MIN_PARALLEL: usize = 4;

/// Builds a plan; see [`Workflow::plan`].
pub(crate) fn build(workflow: &Workflow, inputs: Inputs) -> Result<Plan, Diagnostics> {
    let binding = Binding::new(workflow, &inputs.parameters)?;
    Ok(assemble(workflow, inputs, binding))
}

/// Builds a plan whose values are not held against anything; see [`crate::workflow::Record::look`].
pub(crate) fn build_to_look_at(workflow: &Workflow, inputs: Inputs) -> Plan {
    let binding = Binding::unchecked(workflow, &inputs.parameters);
    assemble(workflow, inputs, binding)
}

/// Builds a plan without values; see [`Workflow::sketch`].
pub(crate) fn sketch(workflow: &Workflow) -> Plan {
    assemble(workflow, Inputs::new(Path::new("")), Binding::without_values(workflow))
}

fn assemble(workflow: &Workflow, inputs: Inputs, binding: Binding) -> Plan {
    let mut plan = unmasked(workflow, inputs, binding);
    let mut secrets = std::mem::take(&mut plan.secrets);
    plan.steps.iter().for_each(|step| known_secrets(step, &plan, &mut secrets));
    if let Some(workflow_type) = &plan.workflow_type {
        for (_, secret) in marked::values(&plan.config, &workflow_type.info().config_schema, marked::SECRET) {
            texts_in(secret, &mut secrets);
        }
    }
    let masker = Masker::new(&secrets);
    if !masker.is_empty() {
        let expressions = plan.steps.iter().flat_map(PlannedStep::templates).flat_map(Template::expressions);
        computed(expressions, &plan, &masker, &mut secrets);
    }
    plan.masker = Masker::new(&secrets);
    plan.resolved.mask(&plan.masker);
    plan.secrets = secrets;
    plan
}

fn unmasked(workflow: &Workflow, inputs: Inputs, binding: Binding) -> Plan {
    let steps: Vec<_> = workflow.order.iter().map(|&step| workflow.steps[step].clone()).collect();
    let by_id: HashMap<_, _> =
        steps.iter().enumerate().map(|(at, step)| (Arc::clone(&step.id), StepIndex::new(at))).collect();
    let by_default = inputs.cores.unwrap_or(MIN_PARALLEL).max(MIN_PARALLEL);
    Plan {
        workflow_id: Arc::clone(&workflow.id),
        workflow_name: Arc::clone(&workflow.name),
        workflow_type: workflow.workflow_type.clone(),
        workspace: inputs.workspace,
        environment: Arc::clone(&workflow.settings.environment),
        parameters: Arc::new(Value::Object(binding.parameters)),
        config: Arc::new(binding.config.value.clone()),
        adapters: planned(&workflow.adapters, binding.adapters),
        secret_sources: planned(&workflow.secret_sources, binding.secret_sources),
        adapter_configs: binding.adapter_configs,
        max_parallel: inputs.max_parallel.or(workflow.max_parallel).unwrap_or(by_default).max(1),
        timeout: workflow.timeout,
        on_failure: workflow.on_failure,
        lock: workflow.lock.clone(),
        outputs: Arc::clone(&workflow.outputs),
        main_steps: workflow.main_steps,
        graph: graph(workflow),
        resolved: binding.config,
        by_id,
        steps,
        secrets: binding.secrets,
        masker: Masker::default(),
    }
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

fn planned(adapters: &[Adapter], configs: Vec<Value>) -> Vec<PlannedAdapter> {
    let planned = adapters.iter().zip(configs).map(|(one, config)| PlannedAdapter {
        instance: one.instance.clone(),
        adapter: Arc::clone(&one.adapter),
        config,
    });
    planned.collect()
}

/// What is known before the run of what a handler expects as a secret: written openly, or from a parameter, the config
/// or the environment.
fn known_secrets(step: &PlannedStep, plan: &Plan, secrets: &mut Vec<String>) {
    if !step.handler.takes_secrets() {
        return;
    }
    for (_, part) in step.config.marked(&step.handler.info().config_schema, marked::SECRET) {
        if let Template::Literal(value) = &*part {
            texts_in(value, secrets);
        }
        for expression in part.expressions() {
            let value = Template::Expression(expression.clone()).render_partial(plan);
            if let Some(known) = value.ok().filter(|value| value.unknown.is_empty()) {
                texts_in(&known.value, secrets);
            }
        }
    }
}
