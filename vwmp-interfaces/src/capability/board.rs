//! A board of cards in columns (Kanban).

use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::error::StepError;

/// A board of cards in columns.
pub trait Board: Send + Sync {
    /// The names of the columns, left to right.
    fn columns(&self) -> BoxFuture<'_, Result<Vec<String>, StepError>>;
    /// The cards of a column, top to bottom.
    fn cards<'a>(&'a self, column: &'a str) -> BoxFuture<'a, Result<Vec<Card>, StepError>>;
    /// Moves cards, by id, to the end of a column and puts a note on each; all or none.
    fn move_cards<'a>(
        &'a self,
        ids: &'a [String],
        column: &'a str,
        note: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), StepError>>;
}

/// A card on a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The id, such as `KB-12`.
    pub id: String,
    /// The text.
    pub title: String,
}
