//! Messages to people.

use crate::BoxFuture;
use crate::error::StepError;

/// A service that brings messages to people, such as a mail server.
pub trait Notifier: Send + Sync {
    /// The sender that is used when a message names none; nothing when each must name one.
    fn default_sender(&self) -> Option<&str>;
    /// Hands a message over. Once it is, nothing can take it back.
    fn send<'a>(&'a self, notification: &'a Notification) -> BoxFuture<'a, Result<Receipt, StepError>>;
}

/// A message to people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notification {
    /// The sender; the adapter's own where there is none.
    pub from: Option<String>,
    /// The addresses that it is for.
    pub to: Vec<String>,
    /// The addresses that get a copy, seen by all.
    pub cc: Vec<String>,
    /// The addresses that get a copy, seen by nobody.
    pub bcc: Vec<String>,
    /// Where answers go; to the sender where there is none.
    pub reply_to: Option<String>,
    /// What it is about, in one line.
    pub subject: String,
    /// The message as plain text.
    pub text: String,
    /// The same message as HTML.
    pub html: Option<String>,
    /// The same for every attempt to send this message, so that it can be recognised.
    pub id: String,
}

/// What the other side said when it took a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its own words.
    pub answer: String,
}
