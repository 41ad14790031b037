//! What can be set for whatever sends requests.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::{Secret, WorkspacePath};

/// Requests to HTTP servers. Serves `Http`.
///
/// There is nothing that has to be set. An instance for one server has its address and its key:
///
/// ```yaml
/// integration_adapters:
///   http:
///     config: { silence: 60, max_redirects: 3 }
///   http@tracker:
///     config:
///       base_url: https://tracker.example.com/api/v2
///       headers: { accept: application/json }
/// ```
///
/// **Safe by default.** Connections and silent servers time out, sizes and redirects are limited. A
/// redirect to another server takes no secret header, `authorization` or `cookie` with it, and none leads from
/// `https` to `http`.
///
/// **Trying again.** A server that is busy is asked again when it wants to be (`Retry-After`, and the reset times of
/// rate limits), if that is within `max_wait`. Otherwise the step fails, and its own `retry` waits as long as the server asked.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// What addresses without a scheme are relative to, such as `https://api.example.com/v1`.
    pub base_url: Option<String>,
    /// Header fields of every request.
    pub headers: BTreeMap<String, String>,
    /// Header fields that are never shown. They go to the server of `base_url` and to no other.
    pub secret_headers: BTreeMap<String, Secret>,
    /// Seconds until a connection must stand.
    #[schemars(range(min = 0.001, max = 3600.0))]
    pub connect_timeout: f64,
    /// Seconds that a server may be silent before it counts as stalled.
    #[schemars(range(min = 0.001, max = 86400.0))]
    pub silence: f64,
    /// Seconds that a request may take as a whole. Downloads may take any time, unless they say otherwise.
    #[schemars(range(min = 0.001, max = 86400.0))]
    pub timeout: f64,
    /// The largest answer that is read as a whole, in bytes.
    pub max_size: u64,
    /// How many redirects in a row are followed.
    #[schemars(range(max = 100))]
    pub max_redirects: u32,
    /// How often a request is sent again within an attempt, where that does no harm: when no connection came about, when
    /// the server asks to come back later, and for methods that may be repeated, when it fails.
    #[schemars(range(max = 20))]
    pub retries: u32,
    /// The longest wait before that, in seconds. Whoever is asked to wait for longer fails, and leaves it to the step's own `retry`.
    #[schemars(range(min = 0.0, max = 3600.0))]
    pub max_wait: f64,
    /// The proxy for all requests; that of the environment (`https_proxy`, `http_proxy`, `no_proxy`) where this isn't given.
    pub proxy: Option<String>,
    /// A file with more certificates to trust, in PEM form, relative to the workspace.
    pub ca_file: Option<WorkspacePath>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            base_url: None,
            headers: BTreeMap::new(),
            secret_headers: BTreeMap::new(),
            connect_timeout: 10.0,
            silence: 30.0,
            timeout: 300.0,
            max_size: 16 * 1024 * 1024,
            max_redirects: 10,
            retries: 2,
            max_wait: 10.0,
            proxy: None,
            ca_file: None,
        }
    }
}

/// Seconds as a duration; none where they make no sense, which the schema rules out.
pub(crate) fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or_default()
}

/// A duration in words, such as `0.2s` or `30s`.
pub(crate) fn in_words(duration: Duration) -> String {
    format!("{}s", (duration.as_secs_f64() * 1000.0).round() / 1000.0)
}
