//! Why there is no answer.

use std::error::Error;

use vwmp_interfaces::StepError;

/// A request without an answer.
pub(super) struct Failure {
    pub(super) error: StepError,
    /// Whether the server may have got the request.
    pub(super) sent: bool,
}

impl Failure {
    /// Before anything was sent.
    pub(super) fn before(error: StepError) -> Self {
        Self { error, sent: false }
    }

    /// When the server may have got the request.
    pub(super) fn after(error: StepError) -> Self {
        Self { error, sent: true }
    }

    /// From what the client says when no answer began.
    pub(super) fn of_sending(request: &str, host: &str, error: reqwest::Error) -> Self {
        let connecting = error.is_connect();
        let reasons = reasons(&error.without_url());
        let has = |part: &str| reasons.iter().any(|reason| reason.contains(part));
        let last = reasons.last().cloned().unwrap_or_default();
        if has("certificate") {
            let message = format!("{request}: the certificate of {host} isn't trusted");
            return Self::before(StepError::denied(message).caused_by(last));
        }
        if connecting {
            let message = if has("dns error") {
                format!("{request}: the host {host} can't be found")
            } else if has("refused") {
                format!("{request}: {host} refuses the connection")
            } else if has("timed out") {
                format!("{request}: no connection to {host} in time")
            } else {
                format!("{request}: no connection to {host}")
            };
            return Self::before(StepError::transient(message).caused_by(last));
        }
        let message = if has("before message completed") || has("reset by peer") {
            format!("{request}: the server closed the connection without an answer")
        } else if has("invalid HTTP") {
            let message = format!("{request}: what the server sent isn't HTTP");
            return Self::after(StepError::permanent(message).caused_by(last));
        } else {
            format!("{request}: no answer")
        };
        Self::after(StepError::transient(message).caused_by(last))
    }
}

/// The texts of an error and its causes, outermost first.
pub(super) fn reasons(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut next = Some(error);
    let mut reasons = Vec::new();
    while let Some(error) = next {
        reasons.push(error.to_string());
        next = error.source();
    }
    reasons
}
