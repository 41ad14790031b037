//! Servers that behave badly.

use std::time::Duration;

use serde_json::{Value, json};
use vwmp_interfaces::capability::{Http, HttpBody, HttpRequest, HttpResponse};
use vwmp_interfaces::{ErrorClass, Secret, StepError};
use vwmp_testkit::TestRun;

use super::adapter::HttpAdapter;
use super::stub::{Reply, Stub};

async fn send_with(config: Value, request: HttpRequest) -> Result<HttpResponse, StepError> {
    let run = TestRun::new().connected::<HttpAdapter>(config).await.unwrap();
    run.context("ask").require::<dyn Http>().unwrap().send(&request).await
}

/// No second try, so that the tests are quick.
async fn send(request: HttpRequest) -> Result<HttpResponse, StepError> {
    send_with(json!({ "retries": 0, "silence": 0.2 }), request).await
}

fn get(stub: &Stub, path: &str) -> HttpRequest {
    HttpRequest { url: format!("{}{path}", stub.url), ..HttpRequest::default() }
}

/// The message without the stub's address, which differs each time.
fn said(stub: &Stub, error: &StepError) -> String {
    error.message().replace(&stub.url, "http://stub")
}

#[tokio::test]
async fn a_server_that_stalls() {
    let stub = Stub::start(|request, _| match request.path.as_str() {
        "/at-once" => Reply::Stall(Vec::new()),
        _ => Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nten bytes!".to_vec()),
    })
    .await;
    for (path, message) in [
        ("/at-once", "GET http://stub/at-once: the server sent nothing for 0.2s"),
        ("/later", "GET http://stub/later: the server went silent for 0.2s after 10 bytes"),
    ] {
        let error = send(get(&stub, path)).await.unwrap_err();
        assert_eq!((error.class(), said(&stub, &error).as_str()), (ErrorClass::Transient, message));
    }
    let request = HttpRequest { timeout: Some(Duration::from_millis(50)), ..get(&stub, "/slow") };
    let error = send_with(json!({ "retries": 0 }), request).await.unwrap_err();
    assert_eq!(said(&stub, &error), "GET http://stub/slow: not done in time, after 10 bytes");
}

#[tokio::test]
async fn a_server_that_lies_about_its_length() {
    let stub = Stub::start(|request, _| {
        let length = if request.path == "/short" { 100 } else { 3 };
        let huge = if request.path == "/huge" { 99_999_999_999_u64 } else { length };
        Reply::Raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {huge}\r\n\r\nten bytes!").into())
    })
    .await;
    let error = send(get(&stub, "/short")).await.unwrap_err();
    assert_eq!(said(&stub, &error), "GET http://stub/short: the answer ended after 10 of 100 bytes");
    assert_eq!(error.class(), ErrorClass::Transient);
    let error = send(get(&stub, "/huge")).await.unwrap_err();
    assert_eq!(
        said(&stub, &error),
        "GET http://stub/huge: the answer has 99999999999 bytes, more than the 16777216 bytes allowed; raise `max_size`"
    );
    assert_eq!(error.class(), ErrorClass::Permanent);
    assert_eq!(send(get(&stub, "/long")).await.unwrap().text(), "ten");
}

#[tokio::test]
async fn a_body_without_a_length_and_without_an_end() {
    let stub =
        Stub::start(|_, _| Reply::Raw([b"HTTP/1.1 200 OK\r\n\r\n", [b'x'; 4096].as_slice()].concat())).await;
    let request = HttpRequest { max_size: Some(1000), ..get(&stub, "/") };
    let error = send(request).await.unwrap_err();
    assert_eq!(
        said(&stub, &error),
        "GET http://stub/: the answer has more than the 1000 bytes allowed; raise `max_size`"
    );
}

#[tokio::test]
async fn a_server_that_redirects_for_ever() {
    let stub = Stub::start(|request, _| {
        let next = request.path.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u32>().unwrap() + 1;
        Reply::text(302, "").with("location", format!("/{next}"))
    })
    .await;
    let error = send(get(&stub, "/0?token=")).await.unwrap_err();
    assert_eq!(
        said(&stub, &error),
        "GET http://stub/0 was redirected 11 times in a row, last to http://stub/11; raise `max_redirects` if \
         that is meant"
    );
    assert_eq!((error.class(), stub.seen().len()), (ErrorClass::Permanent, 11));
}

#[tokio::test]
async fn a_redirect_takes_no_secret_to_another_server() {
    let other = Stub::start(|_, _| Reply::text(200, "here")).await;
    let elsewhere = other.url.clone();
    let stub = Stub::start(move |request, _| match request.path.as_str() {
        "/home" => Reply::text(303, "").with("location", "/there"),
        "/there" => Reply::text(307, "").with("location", elsewhere.clone()),
        _ => Reply::text(301, "").with("location", "ftp://example.com/"),
    })
    .await;
    let request = HttpRequest {
        method: "POST".into(),
        body: HttpBody::Bytes(b"form".to_vec()),
        headers: [("authorization".into(), "Basic eA==".into()), ("accept".into(), "text/plain".into())]
            .into(),
        secret_headers: [("private-token".into(), Secret::new("hunter2"))].into(),
        ..get(&stub, "/home")
    };
    let config = json!({ "base_url": stub.url, "secret_headers": { "x-key": "hunter3" } });
    let response = send_with(config, request).await.unwrap();
    assert_eq!(
        (response.text().as_ref(), response.head.url.as_str()),
        ("here", format!("{}/", other.url).as_str())
    );
    assert_eq!(stub.lines(), ["POST /home", "GET /there"]);
    let names = ["authorization", "private-token", "x-key", "accept"];
    let found = |one: &super::stub::Received| names.map(|name| one.headers.contains_key(name));
    assert_eq!(found(&stub.seen()[1]), [true; 4]);
    assert_eq!(found(&other.seen()[0]), [false, false, false, true]);
    let error = send(get(&stub, "/ftp")).await.unwrap_err();
    assert_eq!(
        said(&stub, &error),
        "GET http://stub/ftp: a redirect leads from http to ftp, which isn't followed"
    );
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again_when_it_wants() {
    let stub = Stub::start(|request, count| match (request.path.as_str(), count) {
        ("/soon", 0) => Reply::text(429, "slow down").with("retry-after", "0"),
        ("/late", _) => Reply::text(429, "slow down\n").with("retry-after", "90"),
        _ => Reply::text(200, "fine"),
    })
    .await;
    let post = |path| HttpRequest { method: "POST".into(), ..get(&stub, path) };
    assert_eq!(send_with(json!({}), post("/soon")).await.unwrap().text(), "fine");
    let error = send_with(json!({}), post("/late")).await.unwrap().successful().unwrap_err();
    assert_eq!(
        said(&stub, &error),
        "POST http://stub/late answered 429 Too Many Requests; it asks to try again after 90s"
    );
    assert_eq!(error.class(), ErrorClass::Transient);
    assert_eq!(error.requested_delay(), Some(Duration::from_secs(90)));
    assert_eq!(error.causes(), ["slow down"]);
    assert_eq!(stub.lines(), ["POST /soon", "POST /soon", "POST /late"]);
}

#[tokio::test]
async fn only_what_may_be_repeated_is() {
    let stub = Stub::start(|_, count| match count {
        0 | 2 => Reply::text(503, ""),
        _ => Reply::text(200, "fine"),
    })
    .await;
    let config = json!({ "max_wait": 0.01 });
    assert_eq!(send_with(config.clone(), get(&stub, "/get")).await.unwrap().head.status, 200);
    let post = HttpRequest { method: "POST".into(), ..get(&stub, "/post") };
    assert_eq!(send_with(config, post).await.unwrap().head.status, 503);
    assert_eq!(stub.lines(), ["GET /get", "GET /get", "POST /post"]);
}

#[tokio::test]
async fn no_server_no_host_no_http() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let stub = Stub::start(|request, _| match request.path.as_str() {
        "/close" => Reply::Raw(Vec::new()),
        _ => Reply::Raw(b"220 mail.example.com ESMTP\r\n".to_vec()),
    })
    .await;
    for (url, class, message) in [
        (
            format!("http://user:hunter2@{closed}/x?key=hunter3"),
            ErrorClass::Transient,
            format!("GET http://{closed}/x: 127.0.0.1 refuses the connection"),
        ),
        (
            format!("{}/close", stub.url),
            ErrorClass::Transient,
            format!("GET {}/close: the server closed the connection without an answer", stub.url),
        ),
        (
            format!("{}/mail", stub.url),
            ErrorClass::Permanent,
            format!("GET {}/mail: what the server sent isn't HTTP", stub.url),
        ),
        (
            "builds/7".to_owned(),
            ErrorClass::Invalid,
            "the address `builds/7` can't be read; write one such as https://example.com/path".to_owned(),
        ),
        (
            "ftp://example.com/".to_owned(),
            ErrorClass::Invalid,
            "the address `ftp://example.com/` begins with `ftp:`; write http or https".to_owned(),
        ),
    ] {
        let error = send(HttpRequest { url, ..HttpRequest::default() }).await.unwrap_err();
        assert_eq!((error.class(), error.message()), (class, message.as_str()));
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
    }
}

#[tokio::test]
async fn addresses_are_relative_to_the_base() {
    let run =
        TestRun::new().connected::<HttpAdapter>(json!({ "base_url": "https://x.example/api/v1" })).await;
    let http = run.unwrap().context("a").require::<dyn Http>().unwrap();
    let query = vec![("q".to_owned(), "a b&c".to_owned())];
    for (url, address) in [
        ("builds/7", "https://x.example/api/v1/builds/7?q=a+b%26c"),
        ("/builds", "https://x.example/api/v1/builds?q=a+b%26c"),
        ("http://y.example/z?p=1", "http://y.example/z?p=1&q=a+b%26c"),
    ] {
        let request = HttpRequest { url: url.into(), query: query.clone(), ..HttpRequest::default() };
        assert_eq!(http.address(&request).unwrap(), address);
    }
}
