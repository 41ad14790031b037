//! The adapter `http`.

use std::sync::Arc;

use vwmp_interfaces::capability::{Http, HttpRequest, HttpResponse, HttpStream};
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, Findings, IntegrationAdapter, Metadata, Place,
    StepError, register,
};

use super::client::Client;
pub use super::settings::HttpConfig;

/// Sends the requests of a run.
pub struct HttpAdapter {
    client: Client,
}

impl IntegrationAdapter for HttpAdapter {
    const NAME: &'static str = "http";
    type Config = HttpConfig;

    async fn connect(config: HttpConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        Ok(Self { client: Client::new(config, ctx)? })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn Http>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn Http>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "HTTP", category: "HTTP", icon: "⇄" }
    }

    fn validate(config: &HttpConfig, findings: &mut Findings) {
        if config.base_url.is_none() && !config.secret_headers.is_empty() {
            let message = "`secret_headers` without a `base_url` would go to every server";
            let place = Place::Config("/secret_headers".into());
            findings
                .error("http::secret-for-everybody", place, message)
                .help("add `base_url`, or write them in the step");
        }
    }
}

register!(adapter HttpAdapter);

impl Http for HttpAdapter {
    fn address(&self, request: &HttpRequest) -> Result<String, StepError> {
        self.client.address(request).map(Into::into)
    }

    fn send<'a>(&'a self, request: &'a HttpRequest) -> BoxFuture<'a, Result<HttpResponse, StepError>> {
        Box::pin(self.client.send(request))
    }

    fn open<'a>(&'a self, request: &'a HttpRequest) -> BoxFuture<'a, Result<HttpStream, StepError>> {
        Box::pin(self.client.open(request))
    }
}
