//! Traces that a run sends to a collector, which here is a few lines on the loopback.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::Place;
use crate::place::Said;

const FAILS: &str = "name: traced
steps:
  - { id: compile, handler: flow.noop }
  - { id: upload, handler: shell.run, needs: compile, config: { run: 'exit 3' } }
";

/// The head and the body of one request.
fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).unwrap();
        assert_ne!(read, 0, "the request is cut off");
        bytes.extend(&part[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length: usize =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap();
        if bytes.len() >= end + 4 + length {
            return (head, bytes.split_off(end + 4));
        }
    }
}

fn run(place: &Place, more: &[&str], variable: &str, value: &str) -> Said {
    let mut command = place.command(&[&["run", "w.yaml"], more].concat());
    command.env("NO_PROXY", "127.0.0.1").env(variable, value);
    Said::of(&command.output().unwrap())
}

#[test]
fn traces_arrive_when_a_run_has_ended() {
    for how in [&[][..], &["--quiet"]] {
        let place = Place::new().with("w.yaml", FAILS);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let collector = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let arrived = request(&mut stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            arrived
        });
        let said = run(&place, how, "OTEL_EXPORTER_OTLP_ENDPOINT", &address);
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(!said.err.contains("warning"), "{}", said.err);
        let (head, body) = collector.join().unwrap();
        assert!(head.starts_with("post /v1/traces "), "{head}");
        // Names are written as they are.
        for name in ["traced", "compile", "upload", "attempt", "shell.run", "failed"] {
            assert!(body.windows(name.len()).any(|part| part == name.as_bytes()), "no {name}");
        }
    }
}

#[test]
fn traces_that_nobody_takes_are_a_warning() {
    let place = Place::new().with("w.yaml", FAILS);
    // A port that was free a moment ago, and that nobody listens at.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    drop(listener);
    let said = run(&place, &[], "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &address);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("warning: can't send traces: "), "{}", said.err);
    let said = run(&place, &[], "OTEL_TRACES_EXPORTER", "zipkin");
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err.contains("warning: can't send traces: OTEL_TRACES_EXPORTER is `zipkin`"),
        "{}",
        said.err
    );
}
