//! Sending requests: addresses, redirects, and trying again.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, NoProxy, Proxy};
use tokio::time::{Instant, sleep};
use url::Url;
use vwmp_interfaces::capability::{HttpHead, HttpRequest, HttpResponse, HttpStream};
use vwmp_interfaces::{AdapterContext, Clock, OrFail, StepError};

use super::exchange::{Exchange, Hop, read_all};
use super::failure::Failure;
use super::settings::{HttpConfig, seconds};

/// What sends requests.
pub(crate) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) config: HttpConfig,
    pub(crate) base: Option<Url>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Client {
    /// A client for a run.
    ///
    /// # Errors
    /// When the base address, the proxy or the certificates can't be used.
    pub(crate) fn new(config: HttpConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        // Whoever comes first wins, and everybody here wants the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = config.base_url.as_deref().map(base_address).transpose()?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("vwmp/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(seconds(config.connect_timeout))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            // The environment is that of the run, not that of this process.
            .no_proxy();
        for proxy in proxies(config.proxy.as_deref(), &ctx.environment)? {
            builder = builder.proxy(proxy);
        }
        if let Some(file) = &config.ca_file {
            let pem = fs::read(ctx.workspace.join(file)).or_permanent(format!("can't read `{file}`"))?;
            let certificates = Certificate::from_pem_bundle(&pem)
                .or_permanent(format!("`{file}` has no certificates in PEM form"))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder.build().or_permanent("can't prepare HTTP requests")?;
        Ok(Self { http, config, base, clock: Arc::clone(&ctx.clock) })
    }

    /// Where a request would go.
    pub(crate) fn address(&self, request: &HttpRequest) -> Result<Url, StepError> {
        let written = request.url.trim();
        let mut url = match (&self.base, Url::parse(written)) {
            (_, Ok(url)) => url,
            (Some(base), Err(url::ParseError::RelativeUrlWithoutBase)) => {
                base.join(written.trim_start_matches('/')).or_permanent(no_address(request))?
            }
            (_, Err(error)) => return Err(StepError::invalid(no_address(request)).caused_by(error)),
        };
        if !matches!(url.scheme(), "http" | "https") {
            let (name, scheme) = (shown_name(request), url.scheme());
            return Err(StepError::invalid(format!("{name} begins with `{scheme}:`; write http or https")));
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        Ok(url)
    }

    /// Sends a request and reads the answer as a whole.
    pub(crate) async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, StepError> {
        let url = self.address(request)?;
        let limit = request.timeout.unwrap_or_else(|| seconds(self.config.timeout));
        let mut sent_before = 0;
        loop {
            let answer = self.send_once(request, url.clone(), Instant::now() + limit).await;
            let pause = self.pause(request, sent_before, answer.as_ref().map(|answer| &answer.head));
            match pause {
                Some(pause) => sleep(pause).await,
                None => return answer.map_err(|failure| failure.error),
            }
            sent_before += 1;
        }
    }

    /// Sends a request and leaves the body of the answer to be read piece by piece.
    pub(crate) async fn open(&self, request: &HttpRequest) -> Result<HttpStream, StepError> {
        let url = self.address(request)?;
        let mut sent_before = 0;
        loop {
            let deadline = request.timeout.map(|limit| Instant::now() + limit);
            let answer = self.open_once(request, url.clone(), deadline).await;
            let pause = self.pause(request, sent_before, answer.as_ref().map(|answer| &answer.head));
            match pause {
                Some(pause) => sleep(pause).await,
                None => return answer.map_err(|failure| failure.error),
            }
            sent_before += 1;
        }
    }

    async fn send_once(
        &self,
        request: &HttpRequest,
        url: Url,
        deadline: Instant,
    ) -> Result<HttpResponse, Failure> {
        let stream = self.open_once(request, url, Some(deadline)).await?;
        read_all(stream).await
    }

    /// Sends a request to where the redirects lead.
    async fn open_once(
        &self,
        request: &HttpRequest,
        url: Url,
        deadline: Option<Instant>,
    ) -> Result<HttpStream, Failure> {
        let mut hop = Hop::first(request, url);
        for _ in 0..=self.config.max_redirects {
            let exchange = Exchange { client: self, request, hop: &hop, deadline };
            let (stream, target) = exchange.send().await?;
            match target {
                None => return Ok(stream),
                Some(target) => hop = hop.follow(request, &stream.head, &target)?,
            }
        }
        Err(Failure::after(StepError::permanent(format!(
            "{} was redirected {} times in a row, last to {}; raise `max_redirects` if that is meant",
            label(request, &self.address(request).map_err(Failure::before)?),
            self.config.max_redirects + 1,
            shown(&hop.url),
        ))))
    }

    /// How long to wait before the request is sent again; nothing when it isn't.
    fn pause(
        &self,
        request: &HttpRequest,
        sent_before: u32,
        answer: Result<&HttpHead, &Failure>,
    ) -> Option<Duration> {
        if sent_before >= self.config.retries {
            return None;
        }
        let longest = seconds(self.config.max_wait);
        let own = Duration::from_millis(500).saturating_mul(2_u32.saturating_pow(sent_before)).min(longest);
        let repeatable =
            matches!(request.method.as_str(), "" | "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS");
        match answer {
            Ok(head) if turned_away(head) => head.retry_after.or(Some(own)).filter(|asked| *asked <= longest),
            Ok(head) => {
                let passing = matches!(head.status, 408 | 500 | 502 | 503 | 504);
                (passing && repeatable).then_some(own)
            }
            Err(failure) => (failure.error.is_transient() && (repeatable || !failure.sent)).then_some(own),
        }
    }
}

/// Whether an answer says that the request wasn't looked at.
fn turned_away(head: &HttpHead) -> bool {
    head.status == 429 || matches!(head.status, 403 | 503) && head.retry_after.is_some()
}

/// Method and address for messages, without what may be secret in an address.
pub(super) fn label(request: &HttpRequest, url: &Url) -> String {
    let method = if request.method.is_empty() { "GET" } else { &request.method };
    format!("{method} {}", request.shown_as.clone().unwrap_or_else(|| shown(url)))
}

/// An address without a password and without its query.
pub(crate) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("").and_then(|()| shown.set_password(None));
    shown.set_query(None);
    shown.set_fragment(None);
    shown.into()
}

fn shown_name(request: &HttpRequest) -> String {
    request.shown_as.clone().unwrap_or_else(|| {
        format!("the address `{}`", request.url.split(['?', '#']).next().unwrap_or_default())
    })
}

fn no_address(request: &HttpRequest) -> String {
    format!("{} can't be read; write one such as https://example.com/path", shown_name(request))
}

fn base_address(written: &str) -> Result<Url, StepError> {
    let mut url = Url::parse(written).map_err(|error| {
        let message =
            format!("`base_url` `{written}` can't be read; write one such as https://api.example.com/v1");
        StepError::invalid(message).caused_by(error)
    })?;
    // So that `join` adds to the path and doesn't replace its last part.
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn proxies(own: Option<&str>, environment: &BTreeMap<String, String>) -> Result<Vec<Proxy>, StepError> {
    let named = |name: &str| {
        let upper = environment.get(&name.to_uppercase());
        environment.get(name).or(upper).filter(|value| !value.is_empty()).map(String::as_str)
    };
    let wrong = "the proxy's address can't be read; write one such as http://proxy.example.com:3128";
    if let Some(own) = own {
        return Ok(vec![Proxy::all(own).or_permanent(wrong)?]);
    }
    let except = || named("no_proxy").and_then(NoProxy::from_string);
    let mut proxies = Vec::new();
    if let Some(address) = named("https_proxy").or_else(|| named("all_proxy")) {
        proxies.push(Proxy::https(address).or_permanent(wrong)?.no_proxy(except()));
    }
    if let Some(address) = named("http_proxy").or_else(|| named("all_proxy")) {
        proxies.push(Proxy::http(address).or_permanent(wrong)?.no_proxy(except()));
    }
    Ok(proxies)
}
