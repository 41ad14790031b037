//! Where traces go, from the variables that OpenTelemetry's specification names.

use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// Where traces go, and what is said with all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The address that traces are posted to, whole: `http://localhost:4318/v1/traces`.
    pub endpoint: String,
    /// Further headers of each request.
    pub headers: BTreeMap<String, String>,
    /// How long one sending may take, all its attempts.
    pub timeout: Duration,
    /// What the traces are about, such as `service.name`.
    pub resource: BTreeMap<String, String>,
    /// The span that runs belong to.
    pub parent: Option<SpanContext>,
}

/// A variable has a value that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is `{value}`: {problem}")]
pub struct SettingsError {
    /// The variable.
    pub variable: String,
    /// Its value.
    pub value: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl Settings {
    /// What an environment says; nothing where it doesn't ask for traces. It asks for them with
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_TRACES_EXPORTER=otlp`.
    ///
    /// # Errors
    /// When a variable has a value that can't be used.
    pub fn from_environment(environment: &BTreeMap<String, String>) -> Result<Option<Self>, SettingsError> {
        let variables = Variables(environment);
        let Some(endpoint) = variables.endpoint()? else { return Ok(None) };
        variables.check_protocol()?;
        let mut resource = variables.pairs("OTEL_RESOURCE_ATTRIBUTES")?;
        let service = variables.get("OTEL_SERVICE_NAME").map(str::to_owned);
        let service =
            service.or_else(|| resource.remove("service.name")).unwrap_or_else(|| "vwmp".to_owned());
        resource.insert("service.name".to_owned(), service);
        Ok(Some(Self {
            endpoint,
            headers: variables.pairs(variables.of_traces("HEADERS").0)?,
            timeout: variables.timeout()?,
            resource,
            parent: variables.get("TRACEPARENT").and_then(parent),
        }))
    }
}

struct Variables<'e>(&'e BTreeMap<String, String>);

impl Variables<'_> {
    /// An empty variable is as good as none.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The variable for traces, or else the one for everything.
    fn of_traces(&self, what: &str) -> (&'static str, Option<&str>) {
        let (traces, all) = match what {
            "HEADERS" => ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"),
            "TIMEOUT" => ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"),
            _ => ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"),
        };
        self.get(traces).map_or((all, self.get(all)), |value| (traces, Some(value)))
    }

    fn endpoint(&self) -> Result<Option<String>, SettingsError> {
        let exporter = self.get("OTEL_TRACES_EXPORTER");
        let disabled = self.get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        match exporter {
            _ if disabled => return Ok(None),
            Some("none") => return Ok(None),
            Some("otlp") | None => {}
            Some(other) => {
                return Err(wrong("OTEL_TRACES_EXPORTER", other, "only `otlp` and `none` are there"));
            }
        }
        if let Some(whole) = self.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            return checked("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", whole).map(|()| Some(whole.to_owned()));
        }
        let base = match (self.get("OTEL_EXPORTER_OTLP_ENDPOINT"), exporter) {
            (Some(base), _) => checked("OTEL_EXPORTER_OTLP_ENDPOINT", base).map(|()| base)?,
            (None, Some(_)) => "http://localhost:4318",
            (None, None) => return Ok(None),
        };
        Ok(Some(format!("{}/v1/traces", base.trim_end_matches('/'))))
    }

    fn check_protocol(&self) -> Result<(), SettingsError> {
        match self.of_traces("PROTOCOL") {
            (_, None | Some("http/protobuf")) => Ok(()),
            (name, Some(other)) => {
                Err(wrong(name, other, "only `http/protobuf` is there, on port 4318 by default"))
            }
        }
    }

    fn timeout(&self) -> Result<Duration, SettingsError> {
        let (name, value) = self.of_traces("TIMEOUT");
        let Some(value) = value else { return Ok(Duration::from_secs(10)) };
        let milliseconds =
            value.parse().map_err(|_| wrong(name, value, "expected a number of milliseconds"))?;
        Ok(Duration::from_millis(milliseconds))
    }

    /// `key=value,key=value`, with percent-encoded values. Values of headers may be secret, so messages don't show them.
    fn pairs(&self, name: &str) -> Result<BTreeMap<String, String>, SettingsError> {
        let parts =
            self.get(name).unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
        let pairs = parts.map(|part| {
            let (key, value) = part
                .split_once('=')
                .filter(|(key, _)| !key.trim().is_empty())
                .ok_or_else(|| wrong(name, "…", "expected `key=value` pairs with commas between them"))?;
            Ok((key.trim().to_owned(), decoded(value.trim())))
        });
        pairs.collect()
    }
}

fn wrong(variable: &str, value: &str, problem: &str) -> SettingsError {
    SettingsError { variable: variable.to_owned(), value: value.to_owned(), problem: problem.to_owned() }
}

fn checked(name: &str, address: &str) -> Result<(), SettingsError> {
    match reqwest::Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(()),
        _ => Err(wrong(name, address, "expected an address such as `http://localhost:4318`")),
    }
}

/// What isn't percent-encoded stands for itself.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The span that the process was started in, as in W3C's Trace Context. Nonsense is ignored, as that says.
fn parent(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let complete = version != "ff" && [version, trace, span, flags].map(str::len) == [2, 32, 16, 2];
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    (complete && context.is_valid()).then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Option<Settings>, SettingsError> {
        let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_environment(&pairs.collect())
    }

    #[test]
    fn the_variables_say_whether_and_where() {
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        type Case<'c> = (&'c [(&'c str, &'c str)], Option<&'c str>);
        let cases: [Case<'_>; 8] = [
            (&[], None),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], None),
            (&[base], Some("http://collector:4318/v1/traces")),
            (&[base, ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://other/t")], Some("https://other/t")),
            (&[base, ("OTEL_SDK_DISABLED", "true")], None),
            (&[base, ("OTEL_TRACES_EXPORTER", "none")], None),
            (&[("OTEL_TRACES_EXPORTER", "otlp")], Some("http://localhost:4318/v1/traces")),
            (
                &[base, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")],
                Some("http://collector:4318/v1/traces"),
            ),
        ];
        for (variables, endpoint) in cases {
            let settings = of(variables).unwrap();
            assert_eq!(settings.as_ref().map(|one| &*one.endpoint), endpoint, "{variables:?}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        for (name, value, part) in [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector", "is `collector`: expected an address"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", "is `grpc`: only `http/protobuf`"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "is `10s`: expected a number of milliseconds"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2", "is `…`: expected `key=value`"),
            ("OTEL_TRACES_EXPORTER", "zipkin", "is `zipkin`: only `otlp`"),
        ] {
            let error = of(&[base, (name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name} {part}")), "{error}");
        }
    }

    #[test]
    fn everything_else_is_read_too() {
        let settings = of(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "all=1"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "authorization=Basic%20YQ==, x = 100%"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=ignored,team=build"),
            ("OTEL_SERVICE_NAME", "releases"),
            ("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ]);
        let settings = settings.unwrap().unwrap();
        let pair = |(key, value): (&String, &String)| format!("{key}={value}");
        assert_eq!(
            settings.headers.iter().map(pair).collect::<Vec<_>>(),
            ["authorization=Basic YQ==", "x=100%"]
        );
        assert_eq!(
            settings.resource.iter().map(pair).collect::<Vec<_>>(),
            ["service.name=releases", "team=build"]
        );
        assert_eq!(settings.timeout, Duration::from_millis(2500));
        assert_eq!(settings.parent.unwrap().span_id().to_string(), "b7ad6b7169203331");
        assert_eq!(parent("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"), None);
        assert_eq!(parent("garbage"), None);
    }
}
