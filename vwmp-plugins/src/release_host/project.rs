//! A project on a code host, and requests to its API.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use vwmp_interfaces::capability::{AssetFile, HttpBody, HttpRequest, HttpResponse};
use vwmp_interfaces::{AdapterContext, OrFail, Secret, StepError};

use crate::http::client::Client;
use crate::http::settings::HttpConfig;

/// A large file takes its time.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(3600);

/// A project, with a client that signs in for it.
pub(super) struct Project {
    client: Client,
    /// Project and host, for messages.
    pub(super) name: String,
    secret_headers: BTreeMap<String, Secret>,
    encrypted: bool,
}

impl Project {
    /// A project below an API's address; `name` is what people call it.
    pub(super) fn new(
        name: &str,
        api_url: &str,
        headers: BTreeMap<String, String>,
        secret_headers: BTreeMap<String, Secret>,
        ctx: &AdapterContext,
    ) -> Result<Self, StepError> {
        let config = HttpConfig {
            base_url: Some(api_url.to_owned()),
            headers,
            secret_headers: secret_headers.clone(),
            ..HttpConfig::default()
        };
        let client = Client::new(config, ctx)?;
        let host = client.base.as_ref().and_then(|base| base.host_str()).unwrap_or_default();
        let name = format!("{name} on {host}");
        Ok(Self { client, name, secret_headers, encrypted: api_url.starts_with("https:") })
    }

    /// Asks for something; nothing when it isn't there.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, StepError> {
        let request = HttpRequest { url: path.to_owned(), ..HttpRequest::default() };
        let response = self.client.send(&request).await?;
        if response.head.status == 404 {
            return Ok(None);
        }
        self.read(response).map(Some)
    }

    /// Sends JSON, and reads JSON.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<T, StepError> {
        let body = serde_json::to_vec(body).or_permanent("the request can't be written as JSON")?;
        let headers = [("content-type".to_owned(), "application/json".to_owned())].into();
        let request = HttpRequest {
            method: method.to_owned(),
            url: path.to_owned(),
            headers,
            body: HttpBody::Bytes(body),
            ..HttpRequest::default()
        };
        self.read(self.client.send(&request).await?)
    }

    /// Deletes something; fine when it is gone.
    pub(super) async fn delete(&self, path: &str) -> Result<(), StepError> {
        let request =
            HttpRequest { method: "DELETE".to_owned(), url: path.to_owned(), ..HttpRequest::default() };
        let response = self.client.send(&request).await?;
        if response.head.status == 404 { Ok(()) } else { self.successful(response).map(drop) }
    }

    /// Uploads a file, to an address that may belong to another host of the same service.
    pub(super) async fn upload<T: DeserializeOwned>(
        &self,
        method: &str,
        url: &str,
        query: Vec<(String, String)>,
        asset: &AssetFile,
    ) -> Result<T, StepError> {
        if self.encrypted && url.starts_with("http:") {
            let message = format!("{} wants the file without encryption, which isn't done", self.name);
            return Err(StepError::denied(message));
        }
        let request = HttpRequest {
            method: method.to_owned(),
            url: url.to_owned(),
            query,
            headers: [("content-type".to_owned(), "application/octet-stream".to_owned())].into(),
            secret_headers: self.secret_headers.clone(),
            body: HttpBody::File { path: asset.path.clone(), size: asset.size },
            timeout: Some(UPLOAD_TIMEOUT),
            ..HttpRequest::default()
        };
        self.read(self.client.send(&request).await?)
    }

    fn read<T: DeserializeOwned>(&self, response: HttpResponse) -> Result<T, StepError> {
        self.successful(response)?.json()
    }

    /// Adds what a missing permission looks like from here.
    fn successful(&self, response: HttpResponse) -> Result<HttpResponse, StepError> {
        let status = response.head.status;
        let waits = response.head.retry_after.is_some();
        match status {
            401 => Err(StepError::denied(format!("{} doesn't accept the token", self.name))
                .caused_by(response.failure())),
            403 | 404 if !waits => {
                Err(StepError::denied(format!("{} isn't there, or the token may not write to it", self.name))
                    .caused_by(response.failure()))
            }
            _ => response.successful(),
        }
    }
}

/// A part of a path, so that nothing in it has a meaning in an address.
pub(super) fn encoded(part: &str) -> String {
    use std::fmt::Write as _;
    part.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            all.push(char::from(byte));
        } else {
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}

/// The first of some variables of the environment that is set.
pub(super) fn from_environment(ctx: &AdapterContext, names: &[&str]) -> Option<String> {
    let found = names.iter().find_map(|name| ctx.environment.get(*name));
    found.filter(|value| !value.is_empty()).cloned()
}
