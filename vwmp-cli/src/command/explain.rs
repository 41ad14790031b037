//! `explain`: where the value of a config key comes from.

use serde_json::{Value, json};
use vwmp_core::config::{Explanation, Layers, Origin, Parameter, WorkflowLayers};
use vwmp_core::workflow::{Settings, Workflow};

use crate::arguments::{Explain, Format};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::table::Table;
use crate::terminal::{BOLD, DIM, GREEN, paint};
use crate::{Program, input};

/// What stands in place of a secret.
const MASK: &str = "***";

/// The keys whose values must not be shown: those of secret parameters.
struct Secrets(Vec<String>);

pub(super) fn explain(mut program: Program, arguments: &Explain) -> Result<Exit, Failure> {
    let settings = input::settings(&arguments.place, &arguments.values.settings, input::environment())?;
    let (layers, secrets) = match &arguments.file {
        Some(file) => {
            let registry = program.registry_at(&arguments.place)?;
            let (workflow, _) = input::workflow(file, &registry, &settings)?;
            of_workflow(&workflow, arguments)?
        }
        None => (of_every_workflow(&settings), Secrets(Vec::new())),
    };
    let explanation = vwmp_core::config::explain(&layers, &arguments.key)?;
    program.terminal.print(&match arguments.format {
        Format::Json => format!("{:#}\n", secrets.in_json(&explanation)),
        Format::Text => secrets.in_text(&explanation, program.terminal.out_width()),
    })?;
    Ok(Exit::Done)
}

fn of_workflow(workflow: &Workflow, arguments: &Explain) -> Result<(Layers, Secrets), Failure> {
    let declared = workflow.parameters();
    let given = input::parameters(&arguments.values, declared)?;
    let given: Vec<Parameter> =
        given.into_iter().map(|(name, (value, how))| Parameter { name, value, how }).collect();
    let secret = declared.iter().filter(|(_, one)| one.secret).map(|(name, _)| name.clone());
    Ok((workflow.config_layers(&given), Secrets(secret.collect())))
}

fn of_every_workflow(settings: &Settings) -> Layers {
    let files = settings.workspace_config.iter().chain(&settings.user_config).collect();
    let environment = Some(&*settings.environment);
    WorkflowLayers { settings: &settings.sets, files, environment, ..WorkflowLayers::default() }.layers()
}

impl Secrets {
    fn cover(&self, key: &str) -> bool {
        let top = key.split(['.', '[']).next().unwrap_or(key);
        self.0.iter().any(|secret| secret == top)
    }

    fn value(&self, key: &str, value: &Value) -> Value {
        if self.cover(key) { MASK.into() } else { value.clone() }
    }

    /// Where a value comes from; `-p token=hunter2` tells a secret as well.
    fn origin(&self, key: &str, origin: &Origin) -> String {
        let text = origin.to_string();
        match text.split_once('=') {
            Some((before, _)) if self.cover(key) => format!("{before}={MASK}"),
            _ => text,
        }
    }

    fn in_json(&self, explanation: &Explanation) -> Value {
        let key = &explanation.key;
        let one = |value: &Value, origin: &Origin| {
            json!({
                "value": self.value(key, value),
                "layer": origin.layer_name(),
                "origin": self.origin(key, origin),
            })
        };
        let shadowed: Vec<Value> =
            explanation.shadowed.iter().map(|(value, origin)| one(value, origin)).collect();
        let mut all = one(&explanation.value, &explanation.origin);
        all["key"] = key.as_str().into();
        all["shadowed"] = shadowed.into();
        all["parts"] = explanation.parts.iter().map(|part| self.in_json(part)).collect();
        all
    }

    fn in_text(&self, explanation: &Explanation, width: usize) -> String {
        let key = &explanation.key;
        // A mapping is told by its parts, unless another kind of value is shadowed by it.
        if !explanation.parts.is_empty() && explanation.shadowed.is_empty() {
            let parts: Vec<String> = explanation.parts.iter().map(|part| self.in_text(part, width)).collect();
            return parts.join("\n");
        }
        let mut table = Table::new(["layer", "", "where", "value"]);
        let winner = (&explanation.value, &explanation.origin);
        let shadowed = explanation.shadowed.iter().map(|(value, origin)| (value, origin));
        for (i, (value, origin)) in std::iter::once(winner).chain(shadowed).enumerate() {
            let (style, mark) = if i == 0 { (GREEN, "wins") } else { (DIM, "shadowed") };
            table.row([
                format!("{} {}", origin.layer(), origin.layer_name()),
                paint(style, mark),
                self.place(key, origin),
                self.value(key, value).to_string(),
            ]);
        }
        let value = self.value(key, &explanation.value);
        format!("{} = {value}\n\n{}", paint(BOLD, key), table.render(width))
    }

    /// The origin without its layer, which has a column of its own.
    fn place(&self, key: &str, origin: &Origin) -> String {
        let text = self.origin(key, origin);
        let layer = format!("{}: ", origin.layer_name());
        text.strip_prefix(&layer).unwrap_or(&text).to_owned()
    }
}
