//! One request to one server, and its answer.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, LOCATION};
use tokio::time::{Instant, timeout_at};
use url::Url;
use vwmp_interfaces::capability::{HttpBody, HttpChunks, HttpHead, HttpRequest, HttpResponse, HttpStream};
use vwmp_interfaces::{BoxFuture, OrFail, Secret, StepError};

use super::client::{Client, label, shown};
use super::failure::{Failure, reasons};
use super::retry_after::retry_after;
use super::settings::{in_words, seconds};

/// Header fields that open doors, however they were written.
const KEYS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// A larger body may take longer to send than a server may be silent.
const SMALL_BODY: u64 = 256 * 1024;

/// Where a request goes, at first or after redirects.
pub(super) struct Hop {
    pub(super) url: Url,
    method: String,
    /// Whether the body still goes along.
    with_body: bool,
    /// Whether it is still the server that was asked for.
    at_home: bool,
}

impl Hop {
    pub(super) fn first(request: &HttpRequest, url: Url) -> Self {
        let method = if request.method.is_empty() { "GET" } else { &request.method };
        Self { url, method: method.to_owned(), with_body: true, at_home: true }
    }

    /// The next one, as a redirect says.
    pub(super) fn follow(&self, request: &HttpRequest, head: &HttpHead, to: &str) -> Result<Self, Failure> {
        let failed = |why: String| {
            Failure::after(StepError::permanent(format!("{}: {why}", label(request, &self.url))))
        };
        let url = self.url.join(to).map_err(|_| failed("a redirect leads to no address".into()))?;
        if !matches!(url.scheme(), "http" | "https") || self.url.scheme() == "https" && url.scheme() == "http"
        {
            return Err(failed(format!(
                "a redirect leads from {} to {}, which isn't followed",
                self.url.scheme(),
                url.scheme()
            )));
        }
        let keeps_method = matches!(head.status, 307 | 308) || matches!(self.method.as_str(), "GET" | "HEAD");
        Ok(Self {
            method: if keeps_method { self.method.clone() } else { "GET".to_owned() },
            with_body: self.with_body && keeps_method,
            at_home: self.at_home && self.url.origin() == url.origin(),
            url,
        })
    }
}

/// One request to one server.
pub(super) struct Exchange<'a> {
    pub(super) client: &'a Client,
    pub(super) request: &'a HttpRequest,
    pub(super) hop: &'a Hop,
    pub(super) deadline: Option<Instant>,
}

impl Exchange<'_> {
    /// The answer, and where it redirects to.
    pub(super) async fn send(&self) -> Result<(HttpStream, Option<String>), Failure> {
        let label = label(self.request, &self.hop.url);
        let request = self.build().await.map_err(Failure::before)?;
        let (until, limit) = self.answer_by();
        let answer = timeout_at(until, self.client.http.execute(request)).await;
        let answer = answer
            .map_err(|_| Failure::after(stalled(&label, limit, 0)))?
            .map_err(|error| Failure::of_sending(&label, self.hop.url.host_str().unwrap_or(""), error))?;
        let target = redirect_target(&answer);
        Ok((self.stream(label, answer)?, target))
    }

    async fn build(&self) -> Result<reqwest::Request, StepError> {
        let method = Method::from_bytes(self.hop.method.as_bytes())
            .map_err(|_| StepError::invalid(format!("`{}` can't be a method", self.hop.method)))?;
        let mut request = reqwest::Request::new(method, self.hop.url.clone());
        *request.headers_mut() = self.headers()?;
        match &self.request.body {
            _ if !self.hop.with_body => {}
            HttpBody::Empty => {}
            HttpBody::Bytes(bytes) => *request.body_mut() = Some(bytes.clone().into()),
            HttpBody::File { path, size } => {
                let file = tokio::fs::File::open(path).await;
                let file = file.or_permanent(format!("can't read {}", path.display()))?;
                *request.body_mut() = Some(file.into());
                request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(*size));
            }
        }
        Ok(request)
    }

    fn headers(&self) -> Result<HeaderMap, StepError> {
        let mut map = HeaderMap::new();
        let (config, request) = (&self.client.config, self.request);
        let at_base = self.client.base.as_ref().is_some_and(|base| base.origin() == self.hop.url.origin());
        for (name, value) in config.headers.iter().filter(|_| at_base || self.client.base.is_none()) {
            put(&mut map, name, value, self.hop.at_home)?;
        }
        for (name, value) in config.secret_headers.iter().filter(|_| at_base) {
            put_secret(&mut map, name, value)?;
        }
        for (name, value) in &request.headers {
            put(&mut map, name, value, self.hop.at_home)?;
        }
        for (name, value) in request.secret_headers.iter().filter(|_| self.hop.at_home) {
            put_secret(&mut map, name, value)?;
        }
        Ok(map)
    }

    /// When an answer must have begun, and how long that is.
    fn answer_by(&self) -> (Instant, Duration) {
        let size = match &self.request.body {
            HttpBody::Empty => 0,
            HttpBody::Bytes(bytes) => bytes.len() as u64,
            HttpBody::File { size, .. } => *size,
        };
        let config = &self.client.config;
        let patience = if size > SMALL_BODY { config.timeout.max(config.silence) } else { config.silence };
        let now = Instant::now();
        let until = self.deadline.map_or(now + seconds(patience), |end| {
            if size > SMALL_BODY { end } else { end.min(now + seconds(patience)) }
        });
        (until, until - now)
    }

    fn stream(&self, label: String, answer: reqwest::Response) -> Result<HttpStream, Failure> {
        let status = answer.status().as_u16();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: Vec<_> =
            answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let head = HttpHead {
            request: label.clone(),
            status,
            url: shown(&self.hop.url),
            retry_after: retry_after(status, &headers, self.client.clock.now()),
            headers,
        };
        let most = self.request.max_size.unwrap_or(self.client.config.max_size);
        let promised = head.header("content-length").and_then(|length| length.parse().ok());
        let promised = promised.filter(|_| self.hop.method != "HEAD");
        if let Some(size) = promised.filter(|size| *size > most) {
            return Err(Failure::after(too_large(&label, Some(size), most)));
        }
        let silence = seconds(self.client.config.silence);
        let body = Body { label, answer, promised, most, read: 0, silence, deadline: self.deadline };
        Ok(HttpStream { head, body: Box::new(body) })
    }
}

/// The body of an answer.
struct Body {
    label: String,
    answer: reqwest::Response,
    promised: Option<u64>,
    most: u64,
    read: u64,
    silence: Duration,
    deadline: Option<Instant>,
}

impl HttpChunks for Body {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, StepError>> {
        Box::pin(self.read_next())
    }
}

impl Body {
    async fn read_next(&mut self) -> Result<Option<Vec<u8>>, StepError> {
        let quiet = Instant::now() + self.silence;
        let until = self.deadline.map_or(quiet, |end| end.min(quiet));
        let Ok(chunk) = timeout_at(until, self.answer.chunk()).await else {
            if until < quiet {
                let message = format!("{}: not done in time, after {} bytes", self.label, self.read);
                return Err(StepError::transient(message));
            }
            return Err(stalled(&self.label, self.silence, self.read));
        };
        let chunk = chunk.map_err(|error| self.broken(error))?;
        let Some(chunk) = chunk else { return Ok(None) };
        self.read += chunk.len() as u64;
        if self.read > self.most {
            return Err(too_large(&self.label, None, self.most));
        }
        Ok(Some(chunk.into()))
    }

    fn broken(&self, error: reqwest::Error) -> StepError {
        let (label, read) = (&self.label, self.read);
        let message = match self.promised {
            Some(promised) if read < promised => {
                format!("{label}: the answer ended after {read} of {promised} bytes")
            }
            _ => format!("{label}: the answer broke off after {read} bytes"),
        };
        StepError::transient(message).caused_by(reasons(&error.without_url()).pop().unwrap_or_default())
    }
}

/// Reads the body of an answer as a whole.
pub(super) async fn read_all(mut stream: HttpStream) -> Result<HttpResponse, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = stream.body.next().await.map_err(Failure::after)? {
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse { head: stream.head, body })
}

fn stalled(label: &str, limit: Duration, read: u64) -> StepError {
    let limit = in_words(limit);
    StepError::transient(match read {
        0 => format!("{label}: the server sent nothing for {limit}"),
        read => format!("{label}: the server went silent for {limit} after {read} bytes"),
    })
}

fn too_large(label: &str, size: Option<u64>, most: u64) -> StepError {
    let size = size.map_or_else(|| "more".to_owned(), |size| format!("{size} bytes, more"));
    StepError::permanent(format!(
        "{label}: the answer has {size} than the {most} bytes allowed; raise `max_size`"
    ))
}

fn redirect_target(answer: &reqwest::Response) -> Option<String> {
    let redirects = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = answer.headers().get(LOCATION).filter(|_| redirects)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

fn put(map: &mut HeaderMap, name: &str, value: &str, at_home: bool) -> Result<(), StepError> {
    let (name, value) = field(name, value)?;
    if at_home || !KEYS.contains(&name.as_str()) {
        map.insert(name, value);
    }
    Ok(())
}

fn put_secret(map: &mut HeaderMap, name: &str, value: &Secret) -> Result<(), StepError> {
    let (name, mut value) = field(name, value.reveal())?;
    value.set_sensitive(true);
    map.insert(name, value);
    Ok(())
}

fn field(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), StepError> {
    let field = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| StepError::invalid(format!("`{name}` can't be the name of a header field")))?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| {
        StepError::invalid(format!(
            "the value of the header field `{name}` has a line break or a control character"
        ))
    })?;
    Ok((field, value))
}
