//! The items of a step, and what they would do.

use serde_json::{Value, json};
use vwmp_core::plan::preview::{ItemPreview, ItemPreviews};

use super::{plain, short};
use crate::render::counted;
use crate::terminal::{CYAN, RED, YELLOW, paint};

/// So many items have a line of their own.
const MOST: usize = 5;

/// For people, a line each.
pub(super) fn lines(items: &ItemPreviews) -> Vec<String> {
    let (values, asked) = match items {
        ItemPreviews::Unknown(why) => {
            return vec![paint(YELLOW, format!("its items are known during the run: {why}"))];
        }
        ItemPreviews::Known { values, .. } if values.is_empty() => return vec!["no items".to_owned()],
        ItemPreviews::Known { values, asked } => (values, asked),
    };
    let mut lines = vec![format!("{}:", counted(values.len(), "item"))];
    let told = asked.iter().map(Some).chain(std::iter::repeat(None));
    lines.extend(values.iter().zip(told).take(MOST).map(|(value, one)| format!("  {}", line(value, one))));
    if values.len() > MOST {
        lines.push(format!("  … and {} more", values.len() - MOST));
    }
    lines
}

fn line(value: &Value, told: Option<&ItemPreview>) -> String {
    let value = short(value);
    match told {
        Some(ItemPreview { error: Some(error), .. }) => {
            format!("{value} {} {}", paint(RED, "can't tell:"), plain(error))
        }
        Some(one) if !one.summary.is_empty() => {
            format!("{value} {} {}", paint(CYAN, "=>"), plain(&one.summary))
        }
        _ => value,
    }
}

/// For programs.
pub(super) fn json(items: &ItemPreviews) -> Value {
    let (values, asked) = match items {
        ItemPreviews::Unknown(why) => return json!({ "known": false, "reason": why }),
        ItemPreviews::Known { values, asked } => (values, asked),
    };
    let told: Vec<Value> = asked
        .iter()
        .map(|one| {
            json!({
                "config": one.config,
                "unknown": one.unknown,
                "summary": one.summary,
                "changes": one.changes,
                "error": one.error,
            })
        })
        .collect();
    json!({ "known": true, "values": values, "previews": told })
}
