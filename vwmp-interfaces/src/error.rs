//! Why a step failed, and whether trying again may help.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::wait::Wait;

/// Why a step failed. The code that saw the failure decides on the class.
#[derive(Debug)]
pub struct StepError {
    class: ErrorClass,
    message: String,
    retry_after: Option<Duration>,
    wait: Option<Box<Wait>>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What may be expected of another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The outside world may answer differently later.
    Transient,
    /// The same input will fail the same way.
    Permanent,
    /// The workflow asks for something that makes no sense, and nothing was done about it.
    Invalid,
    /// Somebody has to grant something first.
    Denied,
}

impl StepError {
    /// The outside world may answer differently later.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Transient, message)
    }

    /// The same input will fail the same way.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Permanent, message)
    }

    /// The workflow asks for something that makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Invalid, message)
    }

    /// Somebody has to grant something first.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Denied, message)
    }

    /// Not a failure: the step has to wait for something, and will be asked again when it is there. The attempt
    /// ends, so that waiting holds no place and survives the process; the next one finds the answer in
    /// [`StepContext::waited`](crate::StepContext::waited).
    pub fn wait(wait: Wait) -> Self {
        let mut error = Self::new(ErrorClass::Transient, wait.to_string());
        error.wait = Some(Box::new(wait));
        error
    }

    fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), retry_after: None, wait: None, source: None }
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Passes on the other side's own word on when to come back.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// What may be expected of another attempt.
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// Whether another attempt may succeed.
    pub fn is_transient(&self) -> bool {
        self.class == ErrorClass::Transient
    }

    /// What happened, without the causes.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The other side's own word on when to come back.
    pub fn requested_delay(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What the step waits for, if it does.
    pub fn waits_for(&self) -> Option<&Wait> {
        self.wait.as_deref()
    }

    /// The messages of the causes, nearest first.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next: Option<&(dyn Error + 'static)> = self.source.as_deref().map(|source| source as _);
        while let Some(error) = next {
            causes.push(error.to_string());
            next = error.source();
        }
        causes
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Turns any error into a [`StepError`], so that every `?` says what another attempt may bring.
pub trait OrFail<T> {
    /// Fails in a way that may pass when tried again.
    ///
    /// # Errors
    /// The error, as the cause of a transient one.
    fn or_transient(self, message: impl Into<String>) -> Result<T, StepError>;

    /// Fails for good.
    ///
    /// # Errors
    /// The error, as the cause of a permanent one.
    fn or_permanent(self, message: impl Into<String>) -> Result<T, StepError>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> OrFail<T> for Result<T, E> {
    fn or_transient(self, message: impl Into<String>) -> Result<T, StepError> {
        self.map_err(|source| StepError::transient(message).caused_by(source))
    }

    fn or_permanent(self, message: impl Into<String>) -> Result<T, StepError> {
        self.map_err(|source| StepError::permanent(message).caused_by(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_kept_in_order() {
        let inner: Result<(), _> = Err("the disk is full");
        let error = inner.or_transient("can't write VERSION").unwrap_err();
        assert!(error.is_transient());
        assert_eq!(error.to_string(), "can't write VERSION");
        assert_eq!(error.causes(), ["the disk is full"]);
    }
}
