//! A board of cards in columns (Kanban).

use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::error::StepError;
use crate::preview::Change;

/// A board of cards in columns.
pub trait Board: Send + Sync {
    /// The names of the columns, left to right.
    fn columns(&self) -> BoxFuture<'_, Result<Vec<String>, StepError>>;
    /// The cards of a column, top to bottom.
    fn cards<'a>(&'a self, column: &'a str) -> BoxFuture<'a, Result<Vec<Card>, StepError>>;
    /// Moves cards to the end of a column and puts a note on each; all or none. A card that is
    /// there already stays as it is.
    fn move_cards<'a>(&'a self, request: &'a CardMove) -> BoxFuture<'a, Result<(), StepError>>;
    /// What [`Board::move_cards`] would change, after the changes that are planned already.
    fn preview_move<'a>(
        &'a self,
        request: &'a CardMove,
        planned: &'a [Change],
    ) -> BoxFuture<'a, Result<Vec<Change>, StepError>>;
    /// Takes back what a move changed, as [`Board::preview_move`] told it just before. Refuses when the board has
    /// been changed since; done twice, it leaves the board as once does.
    fn take_back<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), StepError>>;
}

/// Cards to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardMove {
    /// The ids of the cards.
    pub ids: Vec<String>,
    /// The column they go to.
    pub column: String,
    /// A note for each card.
    pub note: Option<String>,
}

/// A card on a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The id, such as `KB-12`.
    pub id: String,
    /// The text.
    pub title: String,
}
