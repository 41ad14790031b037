//! E-mail, against a mail server of a few lines.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use vwmp_interfaces::ErrorClass;
use vwmp_testkit::{TestRun, execute, preview};

use super::*;
use crate::notify::adapter::Smtp;

/// A mail server that takes one message, unless its answers to `RCPT` or `AUTH` say otherwise.
struct MailServer {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    async fn start(rcpt: &'static str, auth: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let lines = Arc::clone(&heard);
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            serve(stream, rcpt, auth, &lines).await;
        });
        Self { port, heard }
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().join("\n")
    }
}

async fn serve(stream: TcpStream, rcpt: &str, auth: &str, heard: &Mutex<Vec<String>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut in_message = false;
    write.write_all(b"220 stub\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        heard.lock().unwrap().push(line.clone());
        let answer = match line.split(' ').next().unwrap() {
            "." if in_message => {
                in_message = false;
                "250 taken as 42"
            }
            _ if in_message => continue,
            "EHLO" => "250-stub\r\n250 AUTH PLAIN",
            "AUTH" => auth,
            "RCPT" => rcpt,
            "DATA" => {
                in_message = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn ctx(server: &MailServer, more: Value) -> StepContext {
    let mut config = json!({ "host": "127.0.0.1", "port": server.port, "security": "none", "timeout": 0.5 });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    TestRun::new().connected::<Smtp>(config).await.unwrap().context("tell")
}

fn mail() -> Value {
    json!({
        "to": ["Team <team@example.com>"], "bcc": ["boss@example.com"],
        "subject": "Grüße", "text": "1.2.3 is out.\n.\n", "html": "<p>1.2.3 is out.</p>",
    })
}

#[tokio::test]
async fn a_mail_server_gets_the_message() {
    let server = MailServer::start("250 ok", "235 fine").await;
    let more = json!({ "from": "Releases <r@example.com>", "username": "me", "password": "hunter2" });
    let ctx = ctx(&server, more).await;
    let shown = preview::<Email>(mail(), &ctx).await.unwrap();
    let description = "send an e-mail to Team <team@example.com>, boss@example.com: Grüße".to_owned();
    assert_eq!(shown.changes, [vwmp_interfaces::Change::Action { description }]);
    assert_eq!(server.heard(), "", "the preview sent something");
    let output = execute::<Email>(mail(), &ctx).await.unwrap();
    assert_eq!(output, json!({ "recipients": 2, "answer": "taken as 42" }));
    let heard = server.heard();
    for line in [
        "MAIL FROM:<r@example.com>",
        "RCPT TO:<team@example.com>",
        "RCPT TO:<boss@example.com>",
        "From: Releases <r@example.com>",
        "Date: Fri, 02 Jan 2026 03:04:05 +0000",
        "Content-Type: text/html; charset=utf-8",
        "1.2.3 is out.",
        "..",
    ] {
        assert!(heard.lines().any(|one| one == line), "{line} is missing in\n{heard}");
    }
    assert!(!heard.contains("Bcc"), "{heard}");
}

#[tokio::test]
async fn a_mail_server_that_refuses() {
    for (rcpt, auth, class, message) in [
        (
            "550 no such user",
            "235 ok",
            ErrorClass::Permanent,
            "the mail server 127.0.0.1 refuses the message (550)",
        ),
        (
            "451 greylisted",
            "235 ok",
            ErrorClass::Transient,
            "the mail server 127.0.0.1 can't take the message now (451)",
        ),
        ("250 ok", "535 who are you", ErrorClass::Denied, "the mail server 127.0.0.1 refuses the sign-in"),
    ] {
        let server = MailServer::start(rcpt, auth).await;
        let more = json!({ "from": "r@example.com", "username": "me", "password": "hunter2" });
        let error = execute::<Email>(mail(), &ctx(&server, more).await).await.unwrap_err();
        assert_eq!((error.class(), error.message()), (class, message));
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    let nobody = MailServer { port: 1, heard: Arc::default() };
    let error =
        execute::<Email>(mail(), &ctx(&nobody, json!({ "from": "r@example.com" })).await).await.unwrap_err();
    let said = (error.class(), error.message());
    assert_eq!(said, (ErrorClass::Transient, "the mail server 127.0.0.1 can't be reached"));
    let server = MailServer::start("250 ok", "").await;
    let more = json!({ "from": "r@example.com", "security": "starttls" });
    let error = execute::<Email>(mail(), &ctx(&server, more).await).await.unwrap_err();
    assert_eq!(error.message(), "the mail server 127.0.0.1 can't do what was asked");
}

#[tokio::test]
async fn addresses_are_checked_before_anything_is_sent() {
    let nobody = MailServer { port: 1, heard: Arc::default() };
    let ctx = ctx(&nobody, json!({})).await;
    for (config, message) in [
        (
            json!({ "to": ["team"], "subject": "x", "text": "y" }),
            "config of notify.email: `team` isn't a mail address; write `name@example.com` or `Name <name@example.com>`",
        ),
        (
            json!({ "to": ["a@example.com"], "subject": "x\nBcc: b@example.com", "text": "y" }),
            "config of notify.email: the subject has a line break",
        ),
        (mail(), "the message has no sender; add `from` to the step or to the adapter smtp"),
    ] {
        let error = execute::<Email>(config, &ctx).await.unwrap_err();
        assert_eq!((error.class(), error.message()), (ErrorClass::Invalid, message));
    }
}
