//! What evaluating an expression may cost. It is done in one go, so that nothing could stop it: what would take all
//! memory or hours is refused while it is done.

use std::cell::Cell;

use cel::common::ast::{CallExpr, Expr, IdedExpr, operators};
use cel::common::types::{self, CelInt, CelString};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

/// What an expression may work with, in bytes of text, roughly. An item costs [`ITEM`] besides.
const BUDGET: u64 = 64 << 20;

/// What going through an item of a list costs.
const ITEM: u64 = 64;

/// The function around what becomes a part of something larger.
pub(super) const PART: &str = "@part";

/// `replace`, whose result can be larger than all that it is given.
pub(super) const REPLACE: &str = "@replace";

/// What is said of an expression that would cost more.
const TOO_COSTLY: &str =
    "it would work with more than 64 MB, or go through more than a million items; do it in a step";

thread_local! {
    /// What is left of the budget of the expression that this thread evaluates.
    static LEFT: Cell<u64> = const { Cell::new(BUDGET) };
}

/// Another expression is evaluated.
pub(super) fn begin() {
    LEFT.set(BUDGET);
}

/// Takes what going through so many items costs from the budget.
///
/// # Errors
/// When too little is left.
pub(super) fn go_through(items: usize) -> Result<(), ExecutionError> {
    spend(ITEM * items as u64)
}

/// Makes the functions known.
pub(super) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload(PART, "part", vec![types::DYN_TYPE], part)?;
    let text = || types::STRING_TYPE;
    env.add_member_overload(REPLACE, "replace_within", text(), vec![text(), text()], replace)?;
    env.add_member_overload(
        REPLACE,
        "replace_some_within",
        text(),
        vec![text(), text(), types::INT_TYPE],
        replace,
    )
}

/// Sees to it that what makes one large value of several counts against the budget.
pub(super) fn weigh_parts(call: &mut CallExpr) {
    let weigh = |part: &mut IdedExpr| {
        // A sum is as large as its parts, which have been weighed.
        let weighed = matches!(&part.expr, Expr::Call(call) if call.func_name == operators::ADD);
        if !weighed && !matches!(part.expr, Expr::Literal(_)) {
            let (id, whole) = (part.id, std::mem::take(part));
            part.id = id;
            part.expr = Expr::Call(CallExpr { func_name: PART.into(), target: None, args: vec![whole] });
        }
    };
    match call.func_name.as_str() {
        // What a macro puts together item by item is counted with the items.
        operators::ADD if !is_made_by_macro(&call.args) => call.args.iter_mut().for_each(weigh),
        "join" | "format" => {
            call.target.iter_mut().for_each(|target| weigh(target));
            call.args.iter_mut().for_each(weigh);
        }
        "replace" if call.target.is_some() => call.func_name = REPLACE.into(),
        _ => {}
    }
}

fn is_made_by_macro(args: &[IdedExpr]) -> bool {
    matches!(args.first().map(|first| &first.expr), Some(Expr::Ident(name)) if name == "@result")
}

fn spend(bytes: u64) -> Result<(), ExecutionError> {
    let left = LEFT.get().checked_sub(bytes);
    left.map(|left| LEFT.set(left)).ok_or_else(|| ExecutionError::function_error(PART, TOO_COSTLY))
}

fn part<'b, 'v>(mut args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = args.remove(0);
    spend(weight(value.as_ref()))?;
    Ok(value)
}

/// How large a value is, as a part of a text or a list.
fn weight(value: &dyn Val) -> u64 {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return text.len() as u64;
    }
    let Some(list) = value.as_iterable() else { return 8 };
    let (mut items, mut bytes) = (list.iter(), 0);
    while let Some(item) = items.next() {
        bytes += 8 + item.downcast_ref::<CelString<'_>>().map_or(0, |text| text.len() as u64);
    }
    bytes
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is CEL's")]
fn replace<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = |at: usize| {
        let text = args.get(at).and_then(|arg| arg.downcast_ref::<CelString<'_>>());
        text.map(CelString::inner).ok_or_else(ExecutionError::missing_argument_or_target)
    };
    let (within, from, to) = (text(0)?, text(1)?, text(2)?);
    let most = args.get(3).and_then(|arg| arg.downcast_ref::<CelInt>()).map(|most| *most.inner());
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let times = within.matches(from).take(most).count() as u64;
    spend((within.len() as u64).saturating_add(times.saturating_mul(to.len() as u64)))?;
    Ok(CowVal::owned(CelString::from(within.replacen(from, to, most))))
}
