//! CEL: compiled with every path it reads taken out, and evaluated.
//!
//! A path such as `steps.build.outputs.count` is replaced in the syntax tree by a variable of its own. So one rule
//! looks up all paths (null in the middle gives null, a missing name is an error with the nearest one), only the
//! values that are read are converted, and what an expression reads is known without running it.

use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::common::types::{self, CelList};
use cel::common::value::{CowVal, Val};
use cel::extensions;
use cel::{Context, Env, ExecutionError};
use serde_json::Value;

use super::cel_budget;
use super::cel_tree::{self, FAILED, ITEMS, Lookup, SUCCEEDED};
use super::cel_value::{explain, from_cel, to_cel};
use super::expression::{Fault, NeedsStatus, outside_quotes};
use super::path::{Failure, Reference};
use super::scope::{Namespace, Scope};

/// A compiled expression.
pub(super) struct Cel {
    tree: IdedExpr,
    lookups: Vec<Lookup>,
    /// Whether it calls `succeeded()`, `failed()` or `always()`.
    pub(super) uses_status_function: bool,
}

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib().with_optional_support(false);
    env.add_extension(extensions::strings).expect("the strings extension clashes with nothing");
    env.add_extension(cel_budget::extension).expect("the names are ours");
    env.add_overload(ITEMS, "items_of_list", vec![types::LIST_TYPE], items_of_list)
        .expect("the name is ours");
    env.add_overload(ITEMS, "items_of_map", vec![types::MAP_TYPE], sorted_keys).expect("the name is ours");
    Arc::new(env)
});

impl Cel {
    /// Compiles `text`, which stands at `start` of its expression; also gives what it reads.
    pub(super) fn compile(text: &str, start: usize) -> Result<(Self, Vec<Reference>), Vec<Fault>> {
        let code = with_underscores(text);
        let moved = |mut fault: Fault| {
            fault.range = fault.range.start + start..fault.range.end + start;
            fault
        };
        let (mut tree, info) = ENV
            .parser()
            .parse_with_source_info(&code)
            .map_err(|errors| vec![moved(cel_tree::syntax_fault(&code, &errors))])?;
        let mut paths = cel_tree::take_paths(&mut tree, &code, &info)
            .map_err(|faults| faults.into_iter().map(moved).collect::<Vec<_>>())?;
        for reference in &mut paths.references {
            reference.range = reference.range.start + start..reference.range.end + start;
        }
        let cel = Self { tree, lookups: paths.lookups, uses_status_function: paths.uses_status_function };
        Ok((cel, paths.references))
    }

    pub(super) fn evaluate(
        &self,
        references: &[Reference],
        scope: &dyn Scope,
        status: Option<NeedsStatus>,
    ) -> Result<Value, Failure> {
        let mut context = Context::with_env(Arc::clone(&ENV));
        let mut absent = Vec::new();
        for lookup in &self.lookups {
            let reference = &references[lookup.reference];
            match (reference.find(scope), lookup.test) {
                (found, true) => {
                    let there = found.is_ok_and(|value| !value.is_null());
                    context.add_variable_from_value(&*lookup.variable, there);
                }
                (Ok(value), false) => {
                    let value = to_cel(&value).map_err(|limit| limit.of(reference))?;
                    context.add_variable_from_value(&*lookup.variable, value);
                }
                // An error only if the expression gets there: `has(config.a) && config.a.b`.
                (Err(why), false) => absent.push((&lookup.variable, why)),
            }
        }
        if let Some(status) = status {
            context.add_variable_from_value(SUCCEEDED, status.succeeded);
            context.add_variable_from_value(FAILED, status.failed);
        }
        cel_budget::begin();
        let result = cel::Value::resolve(&self.tree, &context).map_err(|error| match error {
            ExecutionError::UndeclaredReference(name)
                if absent.iter().any(|(variable, _)| ***variable == **name) =>
            {
                let at = absent.iter().position(|(variable, _)| ***variable == **name).unwrap_or_default();
                absent.swap_remove(at).1
            }
            error => failure(&error, references),
        })?;
        from_cel(result)
    }
}

/// The message of an error, without the values in it when one of them may be a secret.
fn failure(error: &ExecutionError, references: &[Reference]) -> Failure {
    let secret = references.iter().any(|one| one.namespace == Namespace::Secrets);
    let message = if secret {
        "it can't be evaluated; it reads secrets, so no more is shown".into()
    } else {
        explain(error)
    };
    Failure {
        message,
        help: None,
        absent: matches!(error, ExecutionError::NoSuchKey(_) | ExecutionError::IndexOutOfBounds(_)),
    }
}

/// `step-outputs.` is a subtraction in CEL; the name with an underscore has the same length.
fn with_underscores(text: &str) -> String {
    let mut code = text.to_owned();
    for (at, _) in outside_quotes(text).filter(|&(_, byte)| byte == b's') {
        let Some(after) = text[at..].strip_prefix("step-outputs") else { continue };
        let before = text[..at].chars().next_back();
        let begins = before.is_none_or(|char| !char.is_alphanumeric() && !matches!(char, '_' | '-' | '.'));
        if begins && after.starts_with(['.', '[']) {
            code.replace_range(at + 4..at + 5, "_");
        }
    }
    code
}

/// A list itself, when going through it is not too much.
fn items_of_list<'b, 'v>(mut args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let list = args.remove(0);
    let items = list.as_sizer().map_or(0, |list| *list.size().inner());
    cel_budget::go_through(usize::try_from(items).unwrap_or_default())?;
    Ok(list)
}

/// The keys of a map in order: the map itself has none, and two runs must see the same.
fn sorted_keys<'b, 'v>(mut args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let map = cel::Value::try_from(args.remove(0).as_ref())?;
    let cel::Value::Map(map) = map else { return Err(ExecutionError::missing_argument_or_target()) };
    cel_budget::go_through(map.map.len())?;
    let mut keys: Vec<_> = map.map.keys().collect();
    keys.sort();
    let keys = keys
        .into_iter()
        .map(|key| Box::<dyn Val>::try_from(cel::Value::from(key)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(CowVal::owned(CelList::from(keys)))
}
