//! Requests to HTTP servers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::BoxFuture;
use crate::error::{OrFail, StepError};
use crate::secret::Secret;

/// Requests to HTTP servers. Any status is an answer; an error means that there is none.
pub trait Http: Send + Sync {
    /// Where a request would go: the address made absolute, with its query. Sends nothing.
    fn address(&self, request: &HttpRequest) -> Result<String, StepError>;
    /// Sends a request and reads the answer as a whole.
    fn send<'a>(&'a self, request: &'a HttpRequest) -> BoxFuture<'a, Result<HttpResponse, StepError>>;
    /// Sends a request and leaves the body of the answer to be read piece by piece.
    fn open<'a>(&'a self, request: &'a HttpRequest) -> BoxFuture<'a, Result<HttpStream, StepError>>;
}

/// A request to send.
#[derive(Debug, Clone, Default)]
pub struct HttpRequest {
    /// The method, in capitals; `GET` where this is empty.
    pub method: String,
    /// The address; relative to the adapter's base address where it has no scheme.
    pub url: String,
    /// What messages call the address; for one that is itself a secret.
    pub shown_as: Option<String>,
    /// What is added to the address behind the `?`.
    pub query: Vec<(String, String)>,
    /// Header fields.
    pub headers: BTreeMap<String, String>,
    /// Header fields that are never shown, and never sent on to another server by a redirect.
    pub secret_headers: BTreeMap<String, Secret>,
    /// The body.
    pub body: HttpBody,
    /// How long the request may take as a whole; as the adapter is set up where nothing is said.
    pub timeout: Option<Duration>,
    /// The largest body of an answer, in bytes; as the adapter is set up where nothing is said.
    pub max_size: Option<u64>,
}

/// The body of a request.
#[derive(Debug, Clone, Default)]
pub enum HttpBody {
    /// There is none.
    #[default]
    Empty,
    /// These bytes.
    Bytes(Vec<u8>),
    /// A file, read while it is sent.
    File {
        /// Where it is; absolute.
        path: PathBuf,
        /// Its size, in bytes.
        size: u64,
    },
}

/// What a server answered, without the body.
#[derive(Debug, Clone, Default)]
pub struct HttpHead {
    /// Method and address, for messages.
    pub request: String,
    /// The status.
    pub status: u16,
    /// The address that answered, after redirects.
    pub url: String,
    /// Header fields, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct HttpResponse {
    /// What comes before the body.
    pub head: HttpHead,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer whose body is still to be read.
pub struct HttpStream {
    /// What comes before the body.
    pub head: HttpHead,
    /// The body.
    pub body: Box<dyn HttpChunks>,
}

/// A body that is read piece by piece.
pub trait HttpChunks: Send {
    /// The next piece; nothing at the end. A body that ends too early is an error.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, StepError>>;
}

impl HttpHead {
    /// The first header field of a name, given in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether the status says that all is well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What a status that wasn't expected means: a busy server may answer differently later, a
    /// missing permission has to be granted, and the rest will stay as it is.
    pub fn failure(&self) -> StepError {
        let mut message = format!("{} answered {}", self.request, status_text(self.status));
        if let Some(delay) = self.retry_after {
            message += &format!("; it asks to try again after {}s", delay.as_secs_f64().ceil());
        }
        let error = match self.status {
            408 | 425 | 429 | 500 | 502..=599 => StepError::transient(message),
            // How some servers say that too many requests came.
            403 if self.retry_after.is_some() => StepError::transient(message),
            401 | 403 | 407 => StepError::denied(message),
            _ => StepError::permanent(message),
        };
        match self.retry_after {
            Some(delay) => error.retry_after(delay),
            None => error,
        }
    }
}

impl HttpResponse {
    /// The answer itself when its status says that all is well.
    ///
    /// # Errors
    /// [`HttpResponse::failure`] otherwise.
    pub fn successful(self) -> Result<Self, StepError> {
        if self.head.is_success() { Ok(self) } else { Err(self.failure()) }
    }

    /// [`HttpHead::failure`], with the beginning of the body as the cause.
    pub fn failure(&self) -> StepError {
        let error = self.head.failure();
        let text = self.text();
        let mut lines = text.trim().lines().map(str::trim_end).take(8).collect::<Vec<_>>().join("\n");
        lines.truncate(lines.floor_char_boundary(600));
        if lines.is_empty() { error } else { error.caused_by(lines) }
    }

    /// The body as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// A permanent one when it is none, or not of the type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        let read = serde_json::from_slice(&self.body);
        read.or_permanent(format!("{} answered with a body that isn't the JSON expected", self.head.request))
    }
}

/// A status with its usual words, such as `404 Not Found`.
pub fn status_text(status: u16) -> String {
    let words = match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        416 => "Range Not Satisfiable",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => return status.to_string(),
    };
    format!("{status} {words}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorClass;

    fn answer(status: u16, retry_after: Option<u64>) -> HttpResponse {
        let retry_after = retry_after.map(Duration::from_secs);
        let head = HttpHead { request: "GET http://x/y".into(), status, retry_after, ..HttpHead::default() };
        HttpResponse { head, body: b"no such\nthing\n".to_vec() }
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        for (status, retry_after, class, message) in [
            (404, None, ErrorClass::Permanent, "GET http://x/y answered 404 Not Found"),
            (401, None, ErrorClass::Denied, "GET http://x/y answered 401 Unauthorized"),
            (403, None, ErrorClass::Denied, "GET http://x/y answered 403 Forbidden"),
            (501, None, ErrorClass::Permanent, "GET http://x/y answered 501"),
            (503, None, ErrorClass::Transient, "GET http://x/y answered 503 Service Unavailable"),
            (
                429,
                Some(30),
                ErrorClass::Transient,
                "GET http://x/y answered 429 Too Many Requests; it asks to try again after 30s",
            ),
            (
                403,
                Some(60),
                ErrorClass::Transient,
                "GET http://x/y answered 403 Forbidden; it asks to try again after 60s",
            ),
        ] {
            let error = answer(status, retry_after).successful().unwrap_err();
            assert_eq!((error.class(), error.message()), (class, message));
            assert_eq!(error.requested_delay(), retry_after.map(Duration::from_secs));
            assert_eq!(error.causes(), ["no such\nthing"]);
        }
    }
}
