use serde_json::{Value, json};
use vwmp_interfaces::{Change, ErrorClass};
use vwmp_testkit::{TestRun, execute, preview};

use super::*;
use crate::http::adapter::HttpAdapter;
use crate::http::stub::{Received, Reply, Stub};

const CONTENT: &[u8] = b"0123456789abcdefghij";
const SHA256: &str = "a3b0f2b3a5f9b1c5a5c6b4d3d7a6f5b7a3f6a7b4c5d6e7f8a9b0c1d2e3f4a5b6";

async fn connected() -> TestRun {
    TestRun::new().connected::<HttpAdapter>(json!({ "retries": 0, "silence": 0.5 })).await.unwrap()
}

fn sha256() -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(CONTENT).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Breaks off after ten bytes, unless it is asked for the rest.
fn breaking_off(request: &Received, _: usize) -> Reply {
    match request.headers.get("range").map(String::as_str) {
        None => Reply::Raw(
            [b"HTTP/1.1 200 OK\r\netag: \"v1\"\r\ncontent-length: 20\r\n\r\n", &CONTENT[..10]].concat(),
        ),
        Some("bytes=10-") => {
            Reply::Answer(206, vec![("content-range", "bytes 10-19/20".into())], CONTENT[10..].to_vec())
        }
        Some(_) => Reply::text(416, ""),
    }
}

fn config(stub: &Stub, more: &Value) -> Value {
    let mut config = json!({ "url": format!("{}/tool", stub.url), "to": "build/tool" });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on() {
    let stub = Stub::start(breaking_off).await;
    let run = connected().await;
    let output = execute::<Download>(config(&stub, &json!({})), &run.context("get")).await.unwrap();
    let expected = json!({ "path": "build/tool", "bytes": 20, "sha256": sha256(), "downloaded": true });
    assert_eq!(output, expected);
    assert_eq!(run.read("build/tool").as_bytes(), CONTENT);
    assert_eq!(stub.seen()[1].headers["if-range"], "\"v1\"");
    assert!(!run.exists("build/.tool.part"));
}

#[tokio::test]
async fn a_later_attempt_goes_on_when_there_is_a_checksum() {
    let stub = Stub::start(breaking_off).await;
    let run = connected().await;
    run.write("build/.tool.part", &CONTENT[..10]);
    let config = config(&stub, &json!({ "sha256": sha256().to_uppercase() }));
    let shown = preview::<Download>(config.clone(), &run.context("get")).await.unwrap();
    let description = format!("download {}/tool to build/tool", stub.url);
    assert_eq!(shown.changes, [Change::Action { description }]);
    execute::<Download>(config.clone(), &run.context("get")).await.unwrap();
    assert_eq!(run.read("build/tool").as_bytes(), CONTENT);
    assert_eq!(stub.seen().len(), 1);

    let again = execute::<Download>(config.clone(), &run.context("get")).await.unwrap();
    assert_eq!(again["downloaded"], false);
    let shown = preview::<Download>(config, &run.context("get")).await.unwrap();
    assert_eq!((shown.summary.as_str(), shown.changes.len()), ("finds build/tool in place", 0));
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn another_content_never_gets_to_its_place() {
    let stub = Stub::start(|_, _| Reply::text(200, "malware")).await;
    let run = connected().await;
    run.write("build/tool", "old");
    let config = config(&stub, &json!({ "sha256": SHA256 }));
    let error = execute::<Download>(config, &run.context("get")).await.unwrap_err();
    assert_eq!(
        error.message(),
        "what was downloaded for `build/tool` isn't what was expected: 7 bytes with the SHA-256 \
         6fa7bab3e3b1ca65ab4b3fb5cdcc8dd09ea8a5b7a9f8ba4dbd8a7f8b3c4ac6cf; check the address, or write the new `sha256` if \
         the file was changed on purpose"
            .replace("6fa7bab3e3b1ca65ab4b3fb5cdcc8dd09ea8a5b7a9f8ba4dbd8a7f8b3c4ac6cf", &digest(b"malware"))
    );
    assert_eq!((error.class(), run.read("build/tool").as_str()), (ErrorClass::Permanent, "old"));
    assert!(!run.exists("build/.tool.part"));
}

fn digest(content: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn nothing_is_left_of_a_download_that_fails() {
    let stub = Stub::start(|request, _| match request.path.as_str() {
        "/tool" => Reply::Raw([b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n", &CONTENT[..10]].concat()),
        "/large" => Reply::Raw([b"HTTP/1.1 200 OK\r\n\r\n", CONTENT].concat()),
        _ => Reply::text(404, ""),
    })
    .await;
    let run = connected().await;
    for (more, class, message) in [
        (json!({}), ErrorClass::Transient, "GET http://stub/tool: the answer ended after 10 of 20 bytes"),
        (json!({ "url": "URL/none" }), ErrorClass::Permanent, "GET http://stub/none answered 404 Not Found"),
        (
            json!({ "url": "URL/large", "max_size": 15 }),
            ErrorClass::Permanent,
            "GET http://stub/large: the answer has more than the 15 bytes allowed; raise `max_size`",
        ),
    ] {
        let mut config = config(&stub, &more);
        config["url"] = config["url"].as_str().unwrap().replace("URL", &stub.url).into();
        let error = execute::<Download>(config, &run.context("get")).await.unwrap_err();
        assert_eq!(
            (error.class(), error.message().replace(&stub.url, "http://stub").as_str()),
            (class, message)
        );
    }
    assert_eq!(std::fs::read_dir(run.workspace().join("build")).unwrap().count(), 0);
}
