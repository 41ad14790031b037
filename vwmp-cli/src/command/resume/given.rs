//! What is given to a run that goes on: secrets, which were not written down, and what it has already.

use serde_json::{Map, Value, json};
use vwmp_core::registry::Registry;
use vwmp_core::workflow::record::{Again, Record};
use vwmp_core::workflow::{Given, read_parameter};

use crate::arguments::{Assignment, ValueArguments};
use crate::failure::Failure;
use crate::input;

/// The secrets among the values. What is not secret may be given as well, as long as it is what the run began with:
/// nothing else can be given.
pub(super) fn again(record: &Record, registry: &Registry, values: &ValueArguments) -> Result<Again, Failure> {
    let mut again = Again { environment: input::environment(), ..Again::default() };
    let mut others = Vec::new();
    for (name, (value, how)) in file(values)? {
        if is_secret(record, &name) {
            again.parameters.insert(name, (value, how));
        } else if !values.parameters.iter().any(|one| one.name == name) {
            others.push((name, Other::Read(value)));
        }
    }
    for Assignment { name, value } in &values.parameters {
        if is_secret(record, name) {
            let how = format!("-p {name}=…");
            again.parameters.insert(name.clone(), (value.as_str().into(), how));
        } else {
            others.push((name.clone(), Other::Typed(value)));
        }
    }
    if !others.is_empty() {
        let plan = record.look(registry, input::environment())?;
        let began_with = plan.parameters().as_object().cloned().unwrap_or_default();
        others.iter().try_for_each(|(name, other)| must_be_same(name, other, &began_with))?;
    }
    again.sets = values.settings.iter().map(input::setting).collect::<Result<_, _>>()?;
    Ok(again)
}

/// A value that is no secret.
enum Other<'v> {
    /// Of a file.
    Read(Value),
    /// Of the command line: text.
    Typed(&'v str),
}

fn file(values: &ValueArguments) -> Result<Given, Failure> {
    values.parameter_file.as_deref().map_or_else(|| Ok(Given::new()), input::parameter_file)
}

fn is_secret(record: &Record, name: &str) -> bool {
    record.secret_parameters().iter().any(|secret| secret == name)
}

fn must_be_same(name: &str, other: &Other<'_>, began_with: &Map<String, Value>) -> Result<(), Failure> {
    let same = began_with.get(name).is_some_and(|known| match other {
        Other::Read(value) => value == known,
        Other::Typed(text) => read_parameter(text, &json!({ "type": type_of(known) })) == *known,
    });
    if same {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "the parameter `{name}` can't be given again: a run goes on with what it began with; `rerun` takes other values"
    )))
}

/// The type that text is read as, to be compared with this.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
