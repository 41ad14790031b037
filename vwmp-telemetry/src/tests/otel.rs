//! What arrives at a collector, which here is a few lines on the loopback.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::eventful;
use crate::Observer as _;
use crate::otel::{Exporter, Settings};

/// A request: its head in lower case, and its body.
type Request = (String, Vec<u8>);

/// Answers every request with a status, and hands it on.
async fn collector(status: &'static str) -> (String, mpsc::UnboundedReceiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (requests, arrived) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read(&mut stream).await;
            requests.send(request).unwrap();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, arrived)
}

async fn read(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if bytes.len() >= end + 4 + length.unwrap_or(0) {
            return (head, bytes.split_off(end + 4));
        }
    }
}

fn exporter(address: &str, more: &[(&str, &str)]) -> Exporter {
    let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", address)];
    let pairs = more.iter().chain(&endpoint);
    let environment: BTreeMap<_, _> =
        pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Exporter::new(Settings::from_environment(&environment).unwrap().unwrap()).unwrap()
}

fn spans(body: &[u8]) -> (Vec<Span>, BTreeMap<String, String>) {
    let mut request = ExportTraceServiceRequest::decode(body).unwrap();
    let resource = request.resource_spans.remove(0);
    let about = resource.resource.unwrap().attributes.into_iter();
    let about = about.map(|pair| (pair.key, format!("{:?}", pair.value.unwrap().value.unwrap()))).collect();
    (resource.scope_spans.into_iter().flat_map(|scope| scope.spans).collect(), about)
}

/// A line for each span, in the order of their beginnings: nesting, name, when it began, how long it took, status.
fn tree(mut spans: Vec<Span>) -> Vec<String> {
    let depth_of = |span: &Span, all: &[Span]| {
        let parent = |one: &Span| all.iter().find(|other| other.span_id == one.parent_span_id).cloned();
        std::iter::successors(parent(span), parent).count()
    };
    let all = spans.clone();
    spans.sort_by_key(|span| (span.start_time_unix_nano, depth_of(span, &all)));
    let line = |span: &Span| {
        let seconds = |nanos: u64| nanos as f64 / 1e9;
        let (began, took) = (span.start_time_unix_nano, span.end_time_unix_nano - span.start_time_unix_nano);
        let error = span.status.clone().map(|status| status.message).unwrap_or_default();
        let text = format!("{} {} {} {error}", span.name, seconds(began), seconds(took));
        format!("{}{}", "  ".repeat(depth_of(span, &all)), text.trim_end())
    };
    spans.iter().map(line).collect()
}

#[tokio::test]
async fn spans_arrive_with_the_times_of_the_events() {
    let (address, mut arrived) = collector("200 OK").await;
    let exporter =
        exporter(&address, &[("OTEL_EXPORTER_OTLP_HEADERS", "x-team=build"), ("OTEL_SERVICE_NAME", "ci")]);
    let (plan, events) = eventful();
    let mut observer = exporter.of_run(Arc::clone(&plan), "r1");
    events.iter().for_each(|event| observer.observe(event));
    exporter.flush().await.unwrap();
    let (head, body) = arrived.recv().await.unwrap();
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(
        head.contains("x-team: build") && head.contains("content-type: application/x-protobuf"),
        "{head}"
    );
    let (spans, about) = spans(&body);
    assert_eq!(about["service.name"], r#"StringValue("ci")"#);
    assert!(spans.iter().all(|span| span.trace_id == spans[0].trace_id));
    let item = spans.iter().find(|span| format!("{:?}", span.attributes).contains("test[1]")).unwrap();
    assert_eq!(item.attributes.len(), 6, "run, workflow, status, step, handler, attempt: {item:?}");
    let expected = [
        "eventful 0 13 503: busy",
        "  build 1 0.5",
        "    attempt 1 0.5",
        "  test 2 3",
        "    test 2 2",
        "    test 2 3",
        "      attempt 2 2",
        "      attempt 2 3",
        "  publish 6 5 503: busy",
        "    attempt 7 0.5",
        "    attempt 9 0.5 503: busy",
        "    attempt 10 1 503: busy",
        "  announce 11 0",
        "  undo publish 11 0 no way",
        "  undo build 11 1",
        "    attempt 11 1",
    ];
    let mut lines = tree(spans);
    // Which of two spans that begin at once comes first says nothing.
    let mut expected = expected.map(str::to_owned).to_vec();
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected);
}

/// The first process ends in the middle; together the two tell of the run as one would have.
#[tokio::test]
async fn the_process_that_continues_a_run_goes_on_with_its_trace() {
    let (address, mut arrived) = collector("200 OK").await;
    let (plan, events) = eventful();
    let mut both = Vec::new();
    for (past, now) in [(0..0, 0..15), (0..15, 15..events.len())] {
        let exporter = exporter(&address, &[]);
        let mut observer = exporter.of_run(Arc::clone(&plan), "r1");
        events[past].iter().for_each(|event| observer.catch_up(event));
        events[now].iter().for_each(|event| observer.observe(event));
        drop(observer);
        exporter.flush().await.unwrap();
        both.extend(spans(&arrived.recv().await.unwrap().1).0);
    }
    let exporter = exporter(&address, &[]);
    let mut observer = exporter.of_run(plan, "r1");
    events.iter().for_each(|event| observer.observe(event));
    exporter.flush().await.unwrap();
    let whole = spans(&arrived.recv().await.unwrap().1).0;
    assert_eq!(both, whole);
    let mut ids: Vec<_> = both.into_iter().map(|span| span.span_id).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "every span has an id of its own");
}

#[tokio::test]
async fn a_run_belongs_to_the_span_that_its_process_was_started_in() {
    let (address, mut arrived) = collector("200 OK").await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let exporter = exporter(&address, &[("TRACEPARENT", parent)]);
    let (plan, events) = eventful();
    let mut observer = exporter.of_run(plan, "r1");
    events.iter().for_each(|event| observer.observe(event));
    exporter.flush().await.unwrap();
    let (spans, _) = spans(&arrived.recv().await.unwrap().1);
    let run = spans.iter().find(|span| span.name == "eventful").unwrap();
    assert_eq!(run.parent_span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
    assert!(spans.iter().all(|span| span.trace_id[..2] == [0x0a, 0xf7]));
}

#[tokio::test]
async fn a_collector_that_refuses_is_told_of() {
    let (address, mut arrived) = collector("400 Bad Request").await;
    let exporter = exporter(&address, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "5000")]);
    let (plan, events) = eventful();
    exporter.flush().await.unwrap();
    assert!(arrived.try_recv().is_err(), "nothing to send, nothing sent");
    let mut observer = exporter.of_run(plan, "r1");
    events.iter().for_each(|event| observer.observe(event));
    let error = exporter.flush().await.unwrap_err().to_string();
    assert!(error.starts_with("can't send traces: ") && error.contains("400"), "{error}");
    let sent = tokio::time::timeout(Duration::from_secs(60), arrived.recv()).await.unwrap();
    assert!(sent.is_some());
}
