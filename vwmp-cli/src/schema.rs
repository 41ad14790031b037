//! The JSON Schema of workflow files, for editors: it completes and explains what can be written.
//!
//! It is no stricter than the engine: what the engine accepts, an editor must not underline.

mod embed;

use serde_json::{Map, Value, json};
use vwmp_core::registry::Registry;

/// The schema (draft 2020-12) of workflows that use what is in a registry.
pub(crate) fn of(registry: &Registry) -> Value {
    let mut schema = workflow(registry);
    let mut definitions = Map::from_iter([
        ("step".to_owned(), step(registry)),
        ("parameter".to_owned(), parameter()),
        ("defaults".to_owned(), defaults()),
        ("retry".to_owned(), retry()),
        ("duration".to_owned(), duration()),
        ("timeout".to_owned(), timeout()),
        ("texts".to_owned(), texts()),
        ("expression".to_owned(), embed::expression()),
    ]);
    for handler in registry.steps() {
        let (name, info) = (handler.name(), handler.info());
        let mut config = embed::embedded(&info.config_schema, &definition(name));
        config["description"] = info.description.as_str().into();
        definitions.insert(name.to_owned(), config);
    }
    schema["$defs"] = definitions.into();
    schema
}

fn workflow(registry: &Registry) -> Value {
    let plugins = registry.workflow_types();
    let types: Vec<Value> = plugins
        .map(|plugin| json!({ "const": plugin.name(), "description": plugin.info().metadata.description }))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "VWMP workflow",
        "description": "Steps with an order. See docs/workflow.md.",
        "type": "object",
        "additionalProperties": false,
        "anyOf": [{ "required": ["name", "steps"] }, { "required": ["extends"] }, { "required": ["template"] }],
        "properties": {
            "vwmp": { "const": 1, "description": "The version of the format; 1 is assumed." },
            "name": { "type": "string", "description": "The name for people." },
            "type": one_of("The workflow type, whose rules are checked too.", &types),
            "description": { "type": "string", "description": "What the workflow does." },
            "extends": {
                "type": "string",
                "description": "Another workflow to inherit from, relative to this file; what is written here wins.",
            },
            "template": { "type": "string", "description": "A template of the workflow type to start from." },
            "parameters": {
                "type": ["object", "null"],
                "description": "What is given at run time.",
                "additionalProperties": { "$ref": "#/$defs/parameter" },
            },
            "config": {
                "type": ["object", "null"],
                "description": "Values for $<config.…>, above vwmp_config.yaml and below --set.",
            },
            "defaults": { "$ref": "#/$defs/defaults", "description": "What holds for every step." },
            "max_parallel": {
                "type": "integer", "minimum": 1, "maximum": 65536,
                "description": "How many steps may run at once. Default: the number of cores, at least 4.",
            },
            "timeout": { "$ref": "#/$defs/timeout", "description": "How long the whole run may take." },
            "on_failure": {
                "enum": ["continue", "stop"],
                "description": "When a step fails: continue with those that don't need it, or stop.",
            },
            "order": {
                "enum": ["graph", "sequential"],
                "description": "sequential: each step needs the one above it.",
            },
            "steps": steps("The steps."),
            "finally": steps("Steps that run at the end, whatever happened."),
        },
    })
}

fn steps(description: &str) -> Value {
    json!({
        "type": ["array", "null"],
        "description": description,
        "items": { "$ref": "#/$defs/step" },
    })
}

fn step(registry: &Registry) -> Value {
    let handlers: Vec<Value> = registry
        .steps()
        .map(|handler| json!({ "const": handler.name(), "description": handler.info().description }))
        .collect();
    let configs: Vec<Value> = registry
        .steps()
        .map(|handler| {
            let name = handler.name();
            json!({
                "if": { "properties": { "handler": { "const": name } }, "required": ["handler"] },
                "then": { "properties": { "config": { "$ref": definition(name) } } },
            })
        })
        .collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "id": {
                "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$",
                "description": "The name for needs and $<step-outputs.…>; the n-th step without one is step-n.",
            },
            "name": { "type": "string", "description": "The name for people." },
            "handler": one_of("What the step does.", &handlers),
            "needs": { "$ref": "#/$defs/texts", "description": "Steps that must end first." },
            "when": {
                "type": ["string", "boolean"],
                "description": "A condition (CEL), such as parameters.env == \"prod\", failed() or always().",
            },
            "required": { "type": "boolean", "description": "false: the step may fail, and the run goes on." },
            "timeout": { "$ref": "#/$defs/timeout", "description": "How long one attempt may take." },
            "retry": { "$ref": "#/$defs/retry", "description": "When a failed attempt is followed by another." },
            "priority": { "type": "integer", "description": "Of the ready steps, the highest goes first." },
            "adapters": {
                "$ref": "#/$defs/texts", "description": "The adapter instances to use, such as git@docs.",
            },
            "config": { "type": ["object", "null"], "description": "What the handler is given." },
        },
        "allOf": configs,
    })
}

fn parameter() -> Value {
    json!({
        "type": ["object", "null"],
        "description": "A JSON Schema of the value, with `required`, `secret` and `default`.",
        "properties": {
            "type": {
                "description": "The type of the value.",
                "anyOf": [type_name(), { "type": "array", "items": type_name() }],
            },
            "enum": { "type": "array", "description": "The values that it can have." },
            "default": { "description": "The value where none is given." },
            "description": { "type": "string", "description": "One line for people." },
            "required": { "type": "boolean", "description": "Whether it must be given." },
            "secret": { "type": "boolean", "description": "Whether its value is masked everywhere." },
        },
    })
}

fn type_name() -> Value {
    json!({ "enum": ["string", "integer", "number", "boolean", "array", "object", "null"] })
}

fn defaults() -> Value {
    json!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": {
            "timeout": { "$ref": "#/$defs/timeout" },
            "retry": { "$ref": "#/$defs/retry" },
            "required": { "type": "boolean" },
            "priority": { "type": "integer" },
        },
    })
}

fn retry() -> Value {
    json!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": {
            "max_attempts": {
                "type": "integer", "minimum": 1, "maximum": 100,
                "description": "How many attempts there may be, the first included.",
            },
            "backoff": { "enum": ["exponential", "linear", "constant"], "description": "How the delay grows." },
            "delay": { "$ref": "#/$defs/duration", "description": "The first delay." },
            "max_delay": { "$ref": "#/$defs/duration", "description": "No delay is longer. Default: 60s." },
            "jitter": { "type": "boolean", "description": "Spread the delays." },
        },
    })
}

fn duration() -> Value {
    json!({
        "description": "Such as 500ms, 30s, 10m, 1h30m or 2d; a number is in seconds.",
        "anyOf": [
            { "type": "string", "pattern": "^\\s*([0-9]+(ms|s|m|h|d))+\\s*$" },
            { "type": "number", "minimum": 0 },
        ],
    })
}

fn timeout() -> Value {
    json!({ "anyOf": [{ "$ref": "#/$defs/duration" }, { "const": "none", "description": "No limit." }] })
}

fn texts() -> Value {
    json!({ "anyOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "string" }] })
}

/// A choice; everything where there is nothing to choose from.
fn one_of(description: &str, choices: &[Value]) -> Value {
    if choices.is_empty() {
        return json!({ "type": "string", "description": description });
    }
    json!({ "description": description, "oneOf": choices })
}

fn definition(handler: &str) -> String {
    format!("#/$defs/{handler}")
}
