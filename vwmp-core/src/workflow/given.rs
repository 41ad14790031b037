//! What a step gives to the workflow that it calls, held against what that declares.

use serde_json::Value;

use super::calls::Callee;
use super::check::Draft;
use super::parameters::{Parameter, Parameters};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::NodeRef;
use crate::template::{Namespace, Reference, Template};

/// Where in the config of a step the parameters stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The config is the parameters, and its schema comes from them.
    Whole,
    /// In `parameters`.
    Key,
}

/// Looks at the parameters of a call, as far as they are known before the run.
pub(super) fn check(
    draft: &Draft<'_>,
    own: &Parameters,
    place: Place,
    callee: &Callee,
    found: &mut Diagnostics,
) {
    let given = match (place, &*draft.config.template) {
        (Place::Whole, whole) => Some(whole.clone()),
        (Place::Key, Template::Literal(value)) => value.get("parameters").cloned().map(Template::Literal),
        (Place::Key, template) => template.get("parameters").cloned(),
    };
    let given: Vec<(String, Template)> = match given {
        Some(Template::Literal(Value::Object(values))) => {
            values.into_iter().map(|(name, value)| (name, value.into())).collect()
        }
        Some(Template::Map(entries)) => entries,
        // Null and nothing are none; what an expression gives is known during the run.
        None | Some(Template::Literal(Value::Null)) => Vec::new(),
        Some(_) => return,
    };
    let call = Call { draft, own, place, callee };
    for (name, value) in &given {
        call.one(name, value, found);
    }
    if place == Place::Key {
        call.missing(&given, found);
    }
}

struct Call<'s, 'c> {
    draft: &'s Draft<'c>,
    /// The parameters of the workflow that calls.
    own: &'s Parameters,
    place: Place,
    callee: &'s Callee,
}

impl Call<'_, '_> {
    fn one(&self, name: &str, value: &Template, found: &mut Diagnostics) {
        match (self.callee.parameters.get(name), value) {
            (None, _) if self.place == Place::Whole => {}
            (None, _) => found.push(self.unknown(name)),
            (Some(parameter), Template::Literal(value)) if self.place == Place::Key => {
                let node = self.node(name);
                for misfit in parameter.misfits(name, value, "") {
                    let misfit = misfit.at(node.source(), node.span(), "");
                    found.push(parameter.declared(misfit));
                }
            }
            (Some(parameter), value) => found.extend(self.leaked(name, parameter, value)),
        }
    }

    fn unknown(&self, name: &str) -> Diagnostic {
        let message = format!("the workflow `{}` has no parameter `{name}`", self.callee.name);
        let known: Vec<&str> = self.callee.parameters.keys().map(String::as_str).collect();
        let node = self.node(name);
        let span = self.node("").key_at_pointer(&format!("/{name}")).unwrap_or(node.span());
        let problem = Diagnostic::error("vwmp::unknown-parameter", message).at(node.source(), span, "");
        let problem = problem.nearest(name, known.iter().copied());
        match known.as_slice() {
            _ if !problem.help.is_empty() => problem,
            [] => problem.help("it declares none"),
            known => problem.help(format!("its parameters are {}", known.join(", "))),
        }
    }

    fn missing(&self, given: &[(String, Template)], found: &mut Diagnostics) {
        let is_given = |name: &str| given.iter().any(|(one, _)| one == name);
        for (name, parameter) in &self.callee.parameters {
            if parameter.required && parameter.default.is_none() && !is_given(name) {
                let message = format!("the workflow `{}` needs the parameter `{name}`", self.callee.name);
                let node = self.node("");
                let problem = Diagnostic::error("vwmp::missing-parameter", message);
                let problem = parameter.declared(problem.at(node.source(), node.span(), ""));
                found.push(problem.help(format!("write `parameters: {{ {name}: … }}`")));
            }
        }
    }

    /// A secret that the called workflow would take for anything: it would show it, and write it down.
    fn leaked(&self, name: &str, parameter: &Parameter, value: &Template) -> Option<Diagnostic> {
        let is_secret = |one: &Reference| match one.namespace {
            Namespace::Secrets => true,
            Namespace::Parameters => {
                one.key().and_then(|key| self.own.get(key)).is_some_and(|parameter| parameter.secret)
            }
            _ => false,
        };
        let (expression, reference) = value.references().find(|(_, one)| is_secret(one))?;
        (!parameter.secret).then(|| {
            let message = format!(
                "`{reference}` is secret, but the parameter `{name}` of `{}` is not declared so",
                self.callee.name
            );
            let problem = Diagnostic::error("vwmp::secret-parameter", message);
            let problem = problem.at(expression.source(), expression.span_of(reference), "");
            parameter
                .declared(problem)
                .help("write `secret: true` there, so that it is masked and not written down")
        })
    }

    /// Where a parameter is given; with no name, where all are.
    fn node(&self, name: &str) -> NodeRef<'_> {
        let step = &self.draft.node;
        let key = if self.place == Place::Key { "/parameters" } else { "" };
        let at = |pointer: &str| step.all("config").find_map(|config| config.at_pointer(pointer));
        let found = if name.is_empty() { None } else { at(&format!("{key}/{name}")) };
        found.or_else(|| at(key)).or_else(|| step.get("handler")).unwrap_or(step.node())
    }
}
