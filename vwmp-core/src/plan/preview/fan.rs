//! What the items of a step would do.

use std::sync::Arc;

use serde_json::Value;
use vwmp_interfaces::Change;

use super::foresight::{ForItem, Foreseen};
use super::session::Session;
use super::{Asked, StepPreview, Verdict, foreseen, readable};
use crate::masking::Masker;
use crate::plan::{FanOut, NoItems, items};
use crate::template::{Scope as _, Template};

/// How many items of a step are asked at most.
pub const MOST_ASKED: usize = 20;

/// What the items of a step are, and what they would do.
#[derive(Debug, Clone)]
pub enum ItemPreviews {
    /// They are known.
    Known {
        /// The values, in the order they start.
        values: Vec<Value>,
        /// What the first [`MOST_ASKED`] of them would do; none when the step would not run.
        asked: Vec<ItemPreview>,
    },
    /// They are known during the run, for this reason.
    Unknown(String),
}

/// What one item of a step would do. Secrets are masked.
#[derive(Debug, Clone)]
pub struct ItemPreview {
    /// Its config as far as it is known.
    pub config: Value,
    /// The expressions in it that can't be known before the run.
    pub unknown: Vec<String>,
    /// One line about what it would do; empty when its handler can't say.
    pub summary: String,
    /// What it would change.
    pub changes: Vec<Change>,
    /// Why no more can be told.
    pub error: Option<String>,
}

impl Asked<'_> {
    /// What the items would do, into the preview; and how the step would end.
    pub(super) async fn fan_out(
        &self,
        fan: &FanOut,
        preview: &mut StepPreview,
        session: &Session,
        planned: &Arc<Vec<Change>>,
    ) -> Foreseen {
        let values = match self.values_of(fan) {
            Ok(Ok(values)) => values,
            Ok(Err(error)) => {
                preview.error = Some(error.to_string());
                return foreseen(&preview.verdict, None);
            }
            Err(unknown) => {
                // What is read of the items is not worth a word beside that.
                let scope = ForItem { foresight: self.foresight, item: &Value::Null };
                preview.unknown.retain(|one| self.is_unknown(one, &scope));
                preview.items = Some(ItemPreviews::Unknown(format!("they read `{unknown}`")));
                return foreseen(&preview.verdict, None);
            }
        };
        preview.unknown.clear();
        let mut planned = Vec::clone(planned);
        let mut asked = Vec::new();
        let mut outputs = Vec::new();
        let runs = !matches!(preview.verdict, Verdict::Skipped(_));
        for (number, value) in values.iter().enumerate().take(if runs { MOST_ASKED } else { 0 }) {
            let scope = ForItem { foresight: self.foresight, item: value };
            let (one, output) = self.item(number, &scope, session, &Arc::new(planned.clone())).await;
            planned.extend(one.changes.iter().cloned());
            preview.changes.extend(one.changes.iter().cloned());
            preview.unknown.extend(one.unknown.iter().cloned());
            outputs.extend(output);
            asked.push(one);
        }
        preview.unknown.sort();
        preview.unknown.dedup();
        let output = (outputs.len() == values.len()).then(|| Value::Array(outputs));
        preview.items = Some(ItemPreviews::Known { values, asked });
        foreseen(&preview.verdict, Some((output, serde_json::Map::new())))
    }

    fn is_unknown(&self, expression: &str, scope: &ForItem<'_>) -> bool {
        let expressions = self.step.config.expressions();
        let mut same = expressions.into_iter().filter(|one| one.text() == expression);
        same.any(|one| one.references().iter().any(|reference| !scope.is_known(reference)))
    }

    /// The items; or else what they read that is not known yet.
    fn values_of(&self, fan: &FanOut) -> Result<Result<Vec<Value>, NoItems>, String> {
        let expressions = fan.templates().flat_map(Template::expressions);
        let unknown = expressions.map(|one| self.foresight.unknown_in(one.references()));
        match unknown.flatten().next() {
            Some(unknown) => Err(unknown.to_string()),
            None => Ok(items(fan, &self.foresight.for_conditions())),
        }
    }

    /// The preview of an item, and what it would give, where that is known.
    async fn item(
        &self,
        number: usize,
        scope: &ForItem<'_>,
        session: &Session,
        planned: &Arc<Vec<Change>>,
    ) -> (ItemPreview, Option<Value>) {
        let mut preview = ItemPreview {
            config: Value::Null,
            unknown: Vec::new(),
            summary: String::new(),
            changes: Vec::new(),
            error: None,
        };
        let partial = match self.step.config.render_partial(scope) {
            Ok(partial) => partial,
            Err(error) => {
                preview.error = Some(format!("config: {error}"));
                return (preview, None);
            }
        };
        (preview.config, preview.unknown) = (readable(&partial.value), partial.unknown);
        if !preview.unknown.is_empty() {
            return (preview, None);
        }
        let id: Arc<str> = format!("{}[{number}]", self.step.id).into();
        match self.ask(id, partial.value, session, planned).await {
            Ok(told) => {
                (preview.summary, preview.changes) = (told.summary, told.changes);
                (preview, told.output)
            }
            Err(error) => {
                preview.error = Some(error);
                (preview, None)
            }
        }
    }
}

impl ItemPreviews {
    pub(super) fn mask(&mut self, masker: &Masker) {
        match self {
            Self::Known { values, asked } => {
                values.iter_mut().for_each(|value| _ = masker.value(value));
                for one in asked {
                    masker.value(&mut one.config);
                    masker.text(&mut one.summary);
                    one.changes.iter_mut().for_each(|change| masker.change(change));
                    one.error.iter_mut().for_each(|error| _ = masker.text(error));
                }
            }
            Self::Unknown(why) => _ = masker.text(why),
        }
    }
}
