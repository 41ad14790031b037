//! The items of a step that fans out.

use serde_json::Value;

use super::FanOut;
use crate::template::Scope;

/// The items.
pub fn items(fan: &FanOut, scope: &dyn Scope) -> Result<Vec<Value>, String> {
    let super::Items::ForEach(list) = &fan.items else { return Err("later".into()) };
    match list.render(scope) {
        Ok(Value::Array(items)) => Ok(items),
        Ok(other) => Err(format!("foreach: expected a list, found {other}")),
        Err(error) => Err(format!("foreach: {error}")),
    }
}
