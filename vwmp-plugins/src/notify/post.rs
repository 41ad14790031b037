//! Posting JSON to an address that is itself a secret.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use url::Url;
use vwmp_interfaces::capability::{Http, HttpBody, HttpRequest};
use vwmp_interfaces::{OrFail, Secret, StepContext, StepError};

/// As much of an answer as is handed on.
const ANSWER_KEPT: usize = 1000;

/// What the other side answered.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Posted {
    /// The status.
    pub(super) status: u16,
    /// The beginning of its own words.
    pub(super) answer: String,
}

/// A web hook: the address is a secret, its host isn't.
pub(super) struct Hook<'a> {
    /// What people call it, such as `the Slack web hook`.
    pub(super) kind: &'static str,
    pub(super) url: &'a Secret,
}

impl Hook<'_> {
    /// What messages call it.
    pub(super) fn name(&self) -> String {
        let host = Url::parse(self.url.reveal()).ok().and_then(|url| url.host_str().map(ToOwned::to_owned));
        match host {
            Some(host) => format!("{} at {host}", self.kind),
            None => self.kind.to_owned(),
        }
    }

    /// Posts a document.
    ///
    /// # Errors
    /// When it can't be brought there, or isn't accepted.
    pub(super) async fn post(
        &self,
        ctx: &StepContext,
        body: &Value,
        headers: &BTreeMap<String, String>,
        secret_headers: &BTreeMap<String, Secret>,
    ) -> Result<Posted, StepError> {
        let http = ctx.require::<dyn Http>()?;
        let mut headers = headers.clone();
        headers.insert("content-type".to_owned(), "application/json".to_owned());
        let request = HttpRequest {
            method: "POST".to_owned(),
            url: self.url.reveal().to_owned(),
            shown_as: Some(self.name()),
            headers,
            secret_headers: secret_headers.clone(),
            body: HttpBody::Bytes(
                serde_json::to_vec(body).or_permanent("the message can't be written as JSON")?,
            ),
            ..HttpRequest::default()
        };
        let response = ctx.unless_cancelled(http.send(&request)).await?.successful()?;
        ctx.log().info(format!("{} took the message", self.name()));
        let mut answer = response.text().into_owned();
        answer.truncate(answer.floor_char_boundary(ANSWER_KEPT));
        Ok(Posted { status: response.head.status, answer })
    }
}

/// The first line of a text, shortened, for a plan.
pub(super) fn first_line(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
