//! The adapter `smtp`.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vwmp_interfaces::capability::{Notification, Notifier, Receipt};
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, Clock, Findings, Health, IntegrationAdapter,
    Metadata, OrFail, Place, Secret, StepError, register,
};

/// A mail server that takes messages by SMTP. Serves `Notifier`.
///
/// ```yaml
/// integration_adapters:
///   smtp:
///     config:
///       host: smtp.example.com
///       username: releases
///       from: Releases <releases@example.com>
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// The server's name.
    #[serde(default = "localhost")]
    host: String,
    /// Its port: 587 with `starttls`, 465 with `tls` and 25 with `none` where this isn't given.
    #[serde(default)]
    port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    security: Security,
    /// Who signs in; nobody where this isn't given.
    #[serde(default)]
    username: Option<String>,
    /// The password.
    #[serde(default)]
    password: Option<Secret>,
    /// The sender of messages that name none, such as `Releases <releases@example.com>`.
    #[serde(default)]
    from: Option<String>,
    /// What this side calls itself to the server.
    #[serde(default = "localhost")]
    hello: String,
    /// Seconds that the server may take for each answer.
    #[serde(default = "half_a_minute")]
    #[schemars(range(min = 0.001, max = 3600.0))]
    timeout: f64,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Security {
    /// It begins in the clear and must become encrypted before anything else.
    #[default]
    Starttls,
    /// It is encrypted from the beginning.
    Tls,
    /// It isn't. For a server on this machine.
    None,
}

/// A mail server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    host: String,
    from: Option<String>,
    clock: Arc<dyn Clock>,
}

fn localhost() -> String {
    "localhost".to_owned()
}

fn half_a_minute() -> f64 {
    30.0
}

impl IntegrationAdapter for Smtp {
    const NAME: &'static str = "smtp";
    type Config = SmtpConfig;

    async fn connect(config: SmtpConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        Ok(Self {
            transport: transport(&config)?,
            host: config.host,
            from: config.from,
            clock: Arc::clone(&ctx.clock),
        })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn Notifier>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn Notifier>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "SMTP", category: "Notify", icon: "✉" }
    }

    fn validate(config: &SmtpConfig, findings: &mut Findings) {
        if let Some(problem) = config.from.as_deref().and_then(address_problem) {
            findings.error("notify::address", Place::Config("/from".into()), problem);
        }
        if config.security == Security::None && config.password.is_some() && config.host != "localhost" {
            let message = "the password would go over the network in the clear";
            let place = Place::Config("/security".into());
            findings.warning("notify::clear-password", place, message).help("write `security: starttls`");
        }
    }

    async fn health(&self) -> Health {
        match self.transport.test_connection().await {
            Ok(true) => Health::Good,
            Ok(false) => Health::Degraded(format!("{} doesn't answer as a mail server", self.host)),
            Err(error) => Health::Down(error.to_string()),
        }
    }
}

register!(adapter Smtp);

impl Notifier for Smtp {
    fn default_sender(&self) -> Option<&str> {
        self.from.as_deref()
    }

    fn send<'a>(&'a self, notification: &'a Notification) -> BoxFuture<'a, Result<Receipt, StepError>> {
        Box::pin(async move {
            let message = self.message(notification)?;
            let answer = self.transport.send(message).await.map_err(|error| self.refused(&error))?;
            Ok(Receipt { answer: answer.message().collect::<Vec<_>>().join(" ") })
        })
    }
}

impl Smtp {
    fn message(&self, mail: &Notification) -> Result<Message, StepError> {
        let from = mail.from.as_deref().or(self.from.as_deref()).ok_or_else(|| {
            StepError::invalid("the message has no sender; add `from` to the step or to the adapter smtp")
        })?;
        let from = mailbox(from)?;
        let mut builder = Message::builder()
            .date(self.clock.now().into())
            .message_id(Some(message_id(&mail.id, &from)))
            .from(from)
            .subject(&mail.subject);
        for to in &mail.to {
            builder = builder.to(mailbox(to)?);
        }
        for cc in &mail.cc {
            builder = builder.cc(mailbox(cc)?);
        }
        for bcc in &mail.bcc {
            builder = builder.bcc(mailbox(bcc)?);
        }
        if let Some(reply_to) = &mail.reply_to {
            builder = builder.reply_to(mailbox(reply_to)?);
        }
        let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.text.clone());
        let message = match &mail.html {
            None => builder.singlepart(text),
            Some(html) => {
                let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(html.clone());
                builder.multipart(MultiPart::alternative().singlepart(text).singlepart(html))
            }
        };
        message.or_permanent("the message can't be written as mail")
    }

    fn refused(&self, error: &lettre::transport::smtp::Error) -> StepError {
        use std::error::Error as _;
        let host = &self.host;
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        let error = match error.status().map(u16::from) {
            Some(530 | 534 | 535 | 538) => {
                StepError::denied(format!("the mail server {host} refuses the sign-in"))
            }
            Some(code) if error.is_transient() => {
                StepError::transient(format!("the mail server {host} can't take the message now ({code})"))
            }
            Some(code) => {
                StepError::permanent(format!("the mail server {host} refuses the message ({code})"))
            }
            None if error.is_tls() => {
                StepError::denied(format!("the connection to the mail server {host} can't be protected"))
            }
            None if error.is_timeout() => {
                StepError::transient(format!("the mail server {host} didn't answer in time"))
            }
            None if error.is_client() => {
                StepError::permanent(format!("the mail server {host} can't do what was asked"))
            }
            None => StepError::transient(format!("the mail server {host} can't be reached")),
        };
        error.caused_by(cause)
    }
}

fn transport(config: &SmtpConfig) -> Result<AsyncSmtpTransport<Tokio1Executor>, StepError> {
    let (port, tls) = match config.security {
        Security::Starttls => (587, Tls::Required(tls(&config.host)?)),
        Security::Tls => (465, Tls::Wrapper(tls(&config.host)?)),
        Security::None => (25, Tls::None),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
        .port(config.port.unwrap_or(port))
        .tls(tls)
        .hello_name(ClientId::Domain(config.hello.clone()))
        .timeout(Some(Duration::try_from_secs_f64(config.timeout).unwrap_or_default()));
    if let Some(username) = &config.username {
        let password = config.password.as_ref().map(Secret::reveal).unwrap_or_default();
        builder = builder.credentials(Credentials::new(username.clone(), password.to_owned()));
    }
    Ok(builder.build())
}

fn tls(host: &str) -> Result<TlsParameters, StepError> {
    TlsParameters::new(host.to_owned()).or_permanent("can't prepare an encrypted connection")
}

fn mailbox(text: &str) -> Result<Mailbox, StepError> {
    text.parse().map_err(|_| StepError::invalid(address_problem(text).unwrap_or_default()))
}

/// What is wrong with an address, if anything is.
pub(super) fn address_problem(text: &str) -> Option<String> {
    let read = text.parse::<Mailbox>();
    read.err().map(|_| {
        format!("`{text}` isn't a mail address; write `name@example.com` or `Name <name@example.com>`")
    })
}

/// The same for each attempt, so that the receiving side can see a message that comes twice.
fn message_id(id: &str, from: &Mailbox) -> String {
    let digest = Sha256::digest(id.as_bytes());
    let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("<{name}@{}>", from.email.domain())
}
