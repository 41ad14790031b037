//! What is computed from secrets, and is one for that.

use super::{Masker, texts_in};
use crate::template::{Expression, Namespace, Reference, Scope, Template};

/// Adds the values of the expressions that compute something from a secret, or from a parameter that holds one. What
/// can't be computed yet, or not at all, is none.
pub(crate) fn computed<'e>(
    expressions: impl IntoIterator<Item = &'e Expression>,
    scope: &dyn Scope,
    masker: &Masker,
    texts: &mut Vec<String>,
) {
    if masker.is_empty() {
        return;
    }
    let is_secret = |one: &Reference| match one.namespace {
        Namespace::Secrets => true,
        Namespace::Parameters | Namespace::Config => {
            let value = one.key().and_then(|key| scope.value(one.namespace, key));
            value.is_some_and(|value| masker.finds_in(&value))
        }
        _ => false,
    };
    let computing = expressions.into_iter().filter(|one| one.computes());
    for expression in computing.filter(|one| one.references().iter().any(is_secret)) {
        let value = Template::Expression(expression.clone()).render(scope);
        value.iter().for_each(|value| texts_in(value, texts));
    }
}
