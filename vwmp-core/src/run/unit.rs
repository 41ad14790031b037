//! What is carried out: a step, or one item of a step that fans out.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::plan::{Plan, StepIndex};

/// A step, or one item of a step that fans out. In JSON the step's number, or the numbers of both: `3`, `[3, 0]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit {
    /// The step.
    pub step: StepIndex,
    /// The item, from 0; all ones for the step itself.
    item: u32,
}

impl Unit {
    const WHOLE: u32 = u32::MAX;

    /// An item of a step, from 0.
    pub fn item_of(step: StepIndex, item: u32) -> Self {
        Self { step, item }
    }

    /// The number of the item, from 0; nothing for the step itself.
    pub fn item(self) -> Option<u32> {
        (self.item != Self::WHOLE).then_some(self.item)
    }

    /// The one that people call so: `test`, `test[3]`.
    pub fn named(id: &str, plan: &Plan) -> Option<Self> {
        if let Some(step) = plan.find(id) {
            return Some(step.into());
        }
        let (step, item) = id.strip_suffix(']')?.rsplit_once('[')?;
        Some(Self::item_of(plan.find(step)?, item.parse().ok()?))
    }

    /// How people call it: `test`, `test[3]`.
    pub fn id(self, plan: &Plan) -> String {
        let step = plan[self.step].id();
        self.item().map_or_else(|| step.to_owned(), |item| format!("{step}[{item}]"))
    }
}

impl From<StepIndex> for Unit {
    fn from(step: StepIndex) -> Self {
        Self { step, item: Self::WHOLE }
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.item() {
            None => self.step.serialize(serializer),
            Some(item) => (self.step, item).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers;
        impl<'de> Visitor<'de> for Numbers {
            type Value = Unit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the number of a step, or those of a step and an item")
            }

            fn visit_u64<E: Error>(self, step: u64) -> Result<Unit, E> {
                let step = u32::try_from(step).map_err(|_| E::custom("the number of a step is too large"))?;
                Ok(StepIndex::new(step as usize).into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Unit, A::Error> {
                let step = numbers.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let item = numbers.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                Ok(Unit { step, item })
            }
        }
        deserializer.deserialize_any(Numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_number_and_an_item_two() {
        let step = StepIndex::new(3);
        for (unit, json) in [(Unit::from(step), "3"), (Unit::item_of(step, 0), "[3,0]")] {
            assert_eq!(serde_json::to_string(&unit).unwrap(), json);
            assert_eq!(serde_json::from_str::<Unit>(json).unwrap(), unit);
        }
        assert!(serde_json::from_str::<Unit>("[3]").is_err());
    }
}
