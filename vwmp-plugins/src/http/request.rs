//! `http.request`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vwmp_interfaces::capability::{Http, HttpBody, HttpRequest, HttpResponse};
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, OrFail, Place, Preview, Secret, StepContext, StepError,
    StepHandler, register,
};

use super::settings::seconds;

/// Sends a request to an HTTP server.
///
/// The step fails where the status isn't expected: for a while with 429, 408 and most of 5xx, so that a `retry` of the
/// step helps, and for good otherwise. A server's own "try again after" is obeyed.
///
/// Values that nobody may see belong into `secret_headers`. They stay with the server they are meant for, even when it
/// redirects to another.
///
/// The outputs are `status`, `url` (after redirects), `headers` (names in small letters), `body` as text and `json`, where
/// the body is JSON.
///
/// ```yaml
/// - id: ask
///   handler: http.request
///   config:
///     url: https://api.example.com/builds
///     query: { branch: main }
///     secret_headers: { authorization: "Bearer $<parameters.token>" }
/// - id: start
///   handler: http.request
///   config:
///     method: POST
///     url: https://api.example.com/builds
///     json: { branch: main, notify: true }
///     expect: [201, 202]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The method, such as `GET`, `POST`, `PUT`, `PATCH`, `DELETE` or `HEAD`.
    #[serde(default = "get")]
    #[schemars(regex(pattern = "^[A-Z]+$"))]
    method: String,
    /// The address; relative to the adapter's `base_url` where that is set.
    #[schemars(length(min = 1))]
    url: String,
    /// What is added to the address behind the `?`. Lists repeat their key.
    #[serde(default)]
    query: BTreeMap<String, Value>,
    /// Header fields.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Header fields that are never shown.
    #[serde(default)]
    secret_headers: BTreeMap<String, Secret>,
    /// A body that is sent as JSON. Either this or `text`.
    #[serde(default)]
    json: Option<Value>,
    /// A body that is sent as it is. Either this or `json`.
    #[serde(default)]
    text: Option<String>,
    /// The statuses that are fine; all from 200 to 299 where none is given.
    #[serde(default)]
    #[schemars(inner(range(min = 100, max = 599)))]
    expect: Vec<u16>,
    /// Seconds that the request may take; as the adapter is set up where this isn't given.
    #[serde(default)]
    #[schemars(range(min = 0.001, max = 86400.0))]
    timeout: Option<f64>,
    /// The largest answer, in bytes.
    #[serde(default = "one_mebibyte")]
    #[schemars(range(max = 8_388_608))]
    max_size: u64,
    /// Whether to send a header field `idempotency-key`, the same for all attempts of this step, by which some servers recognise
    /// repeated requests.
    #[serde(default)]
    idempotency_key: bool,
}

/// What the server answered.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answered {
    /// The status.
    status: u16,
    /// The address that answered, without its query.
    url: String,
    /// The header fields, their names in small letters.
    headers: BTreeMap<String, String>,
    /// The body as text.
    body: String,
    /// The body as JSON, where it is.
    json: Value,
}

fn get() -> String {
    "GET".to_owned()
}

fn one_mebibyte() -> u64 {
    1024 * 1024
}

impl StepHandler for Request {
    const NAME: &'static str = "http.request";
    const EFFECT: Effect = Effect::Once;
    type Output = Answered;

    fn metadata() -> Metadata {
        Metadata { title: "Send a Request", category: "HTTP", icon: "⇄" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Http>()]
    }

    fn validate(&self, findings: &mut Findings) {
        if self.json.is_some() && self.text.is_some() {
            let message = "both `json` and `text` are given; remove one";
            findings.error("http::two-bodies", Place::Config("/text".into()), message);
        }
        if matches!(self.method.as_str(), "GET" | "HEAD") && (self.json.is_some() || self.text.is_some()) {
            let message = format!("a {} request has no body", self.method);
            findings
                .error("http::body", Place::Config("/method".into()), message)
                .help("write `method: POST`, or use `query`");
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Answered, StepError> {
        let http = ctx.require::<dyn Http>()?;
        let request = self.request(ctx)?;
        let response = ctx.unless_cancelled(http.send(&request)).await?;
        let head = &response.head;
        let fine =
            if self.expect.is_empty() { head.is_success() } else { self.expect.contains(&head.status) };
        if !fine {
            return Err(self.unexpected(&response));
        }
        ctx.log().info(format!(
            "{} answered {} with {} bytes",
            head.request,
            head.status,
            response.body.len()
        ));
        Ok(Answered {
            status: head.status,
            url: head.url.clone(),
            headers: joined(&head.headers),
            body: response.text().into_owned(),
            json: serde_json::from_slice(&response.body).unwrap_or_default(),
        })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Answered>, StepError> {
        let address = ctx.require::<dyn Http>()?.address(&self.request(ctx)?)?;
        let body = match (&self.json, &self.text) {
            (Some(json), _) => format!(" with {json}"),
            (_, Some(text)) => format!(" with {} bytes", text.len()),
            _ => String::new(),
        };
        let action = format!("send {} {address}{body}", self.method);
        Ok(Preview::new(format!("sends {} {address}", self.method)).action(action))
    }
}

register!(step Request);

impl Request {
    fn request(&self, ctx: &StepContext) -> Result<HttpRequest, StepError> {
        let mut headers = self.headers.clone();
        if self.idempotency_key {
            headers.insert("idempotency-key".to_owned(), ctx.idempotency_key());
        }
        let body = match (&self.json, &self.text) {
            (Some(json), _) => {
                if !headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
                    headers.insert("content-type".to_owned(), "application/json".to_owned());
                }
                HttpBody::Bytes(serde_json::to_vec(json).or_permanent("the body can't be written as JSON")?)
            }
            (_, Some(text)) => HttpBody::Bytes(text.clone().into_bytes()),
            _ => HttpBody::Empty,
        };
        Ok(HttpRequest {
            method: self.method.clone(),
            url: self.url.clone(),
            query: query(&self.query)?,
            headers,
            secret_headers: self.secret_headers.clone(),
            body,
            timeout: self.timeout.map(seconds),
            max_size: Some(self.max_size),
            shown_as: None,
        })
    }

    fn unexpected(&self, response: &HttpResponse) -> StepError {
        if !response.head.is_success() {
            return response.failure();
        }
        let expected: Vec<_> = self.expect.iter().map(ToString::to_string).collect();
        let head = &response.head;
        StepError::permanent(format!(
            "{} answered {}, expected {}",
            head.request,
            head.status,
            expected.join(" or ")
        ))
    }
}

fn query(written: &BTreeMap<String, Value>) -> Result<Vec<(String, String)>, StepError> {
    let mut pairs = Vec::new();
    for (name, value) in written {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                Value::Null => continue,
                _ => {
                    return Err(StepError::invalid(format!(
                        "query.{name} must be text, a number or a list of these"
                    )));
                }
            };
            pairs.push((name.clone(), text));
        }
    }
    Ok(pairs)
}

/// Fields of one name are joined, as HTTP allows.
fn joined(fields: &[(String, String)]) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in fields {
        joined
            .entry(name.clone())
            .and_modify(|all| {
                all.push_str(", ");
                all.push_str(value);
            })
            .or_insert_with(|| value.clone());
    }
    joined
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
