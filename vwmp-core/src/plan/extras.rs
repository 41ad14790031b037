//! What few steps have: items, a lock, a cache, a workflow that they call.

use std::sync::Arc;

use crate::template::Template;

/// How many items a step may fan out to.
pub const MOST_ITEMS: usize = 10_000;

/// What few steps have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extras {
    /// How the step fans out.
    pub fan_out: Option<FanOut>,
    /// The lock that it holds from its start to its end.
    pub lock: Option<Arc<str>>,
    /// When an earlier result may stand for it.
    pub cache: Option<CachePolicy>,
    /// The workflow that it calls, where that was read before the run.
    pub called: Option<Called>,
}

/// A workflow that a step calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// Where it was read from.
    pub workflow: Arc<str>,
    /// The ids of its steps, in their order.
    pub steps: Vec<Arc<str>>,
}

/// A step that is carried out once for each of many values.
#[derive(Debug, Clone, PartialEq)]
pub struct FanOut {
    /// The values.
    pub items: Items,
    /// How many items run at once at most, beside the limit of the run.
    pub max_parallel: Option<usize>,
    /// Whether no further item starts when one has failed.
    pub fail_fast: bool,
}

impl FanOut {
    /// All templates that give its items.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let (axes, include, exclude, list): (&[_], _, _, _) = match &self.items {
            Items::ForEach(list) => (&[], &None, &None, Some(list)),
            Items::Matrix { axes, include, exclude } => (axes, include, exclude, None),
        };
        list.into_iter().chain(axes.iter().map(|(_, values)| values)).chain(include).chain(exclude)
    }
}

/// Where the items of a step come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Items {
    /// `foreach`: a list; each item is read as `item`.
    ForEach(Template),
    /// `matrix`: every combination of the values of its axes; each is read as `matrix`.
    Matrix {
        /// The axes: name and list of values.
        axes: Vec<(String, Template)>,
        /// Combinations that are added; those that extend existing ones extend them.
        include: Option<Template>,
        /// Combinations that are left out.
        exclude: Option<Template>,
    },
}

/// When an earlier result of a step may stand for it: nothing that it reads has changed.
#[derive(Debug, Clone, PartialEq)]
pub struct CachePolicy {
    /// Patterns of the files that it reads.
    pub inputs: Vec<String>,
    /// What else it depends on.
    pub key: Template,
    /// Patterns of the files that it makes.
    pub outputs: Vec<String>,
}
