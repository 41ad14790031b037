//! What a project knows, as pages.

use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::error::StepError;
use crate::preview::Change;

/// Pages of a project's knowledge, by name.
pub trait KnowledgeBase: Send + Sync {
    /// The names of all pages, sorted.
    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, StepError>>;
    /// A page; nothing when there is none of that name.
    fn page<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Page>, StepError>>;
    /// Keeps a page, in place of one of the same name.
    fn put<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<(), StepError>>;
    /// What [`KnowledgeBase::put`] would change, after the changes that are planned already.
    fn preview_put<'a>(
        &'a self,
        page: &'a Page,
        planned: &'a [Change],
    ) -> BoxFuture<'a, Result<Vec<Change>, StepError>>;
    /// Takes back what keeping a page changed, as [`KnowledgeBase::preview_put`] told it just before. Refuses when
    /// the page has been changed since; done twice, it leaves the pages as once does.
    fn take_back<'a>(&'a self, changes: &'a [Change]) -> BoxFuture<'a, Result<(), StepError>>;
    /// The pages in which all of these words occur, sorted by name.
    fn search<'a>(&'a self, words: &'a [String]) -> BoxFuture<'a, Result<Vec<Page>, StepError>>;
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Its name, such as `releases/1.2.0`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its text, in Markdown, without the title.
    pub text: String,
}
