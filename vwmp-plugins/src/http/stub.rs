//! A server on loopback that answers as a test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server; it ends with the value.
pub(crate) struct Stub {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// What to answer.
pub(crate) enum Reply {
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// These bytes, and then the end of the connection.
    Raw(Vec<u8>),
    /// These bytes, and then nothing more.
    Stall(Vec<u8>),
}

impl Reply {
    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::Answer(status, Vec::new(), body.into())
    }

    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Answer(status, vec![("content-type", "application/json".into())], body.to_string().into())
    }

    pub(crate) fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            Self::Answer(status, mut headers, body) => {
                headers.push((name, value.into()));
                Self::Answer(status, headers, body)
            }
            other => other,
        }
    }
}

impl Stub {
    /// Answers each request with what `answer` makes of it and of how many came before.
    pub(crate) async fn start(answer: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Vec<Received>>>::default();
        let (all, answer) = (Arc::clone(&seen), Arc::new(answer));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&all), Arc::clone(&answer)));
            }
        });
        Self { url, seen, task }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Received> {
        self.seen.lock().unwrap().clone()
    }

    /// The requests so far, as `METHOD /path`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(|one| format!("{} {}", one.method, one.path)).collect()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    all: Arc<Mutex<Vec<Received>>>,
    answer: Arc<impl Fn(&Received, usize) -> Reply>,
) {
    let Some(request) = receive(&mut stream).await else { return };
    let count = {
        let mut all = all.lock().unwrap();
        all.push(request.clone());
        all.len() - 1
    };
    match answer(&request, count) {
        Reply::Answer(status, headers, body) => {
            let mut text = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n");
            for (name, value) in &headers {
                text += &format!("{name}: {value}\r\n");
            }
            if status != 204 && !headers.iter().any(|(name, _)| *name == "content-length") {
                text += &format!("content-length: {}\r\n", body.len());
            }
            let _ = stream.write_all(format!("{text}\r\n").as_bytes()).await;
            if request.method != "HEAD" {
                let _ = stream.write_all(&body).await;
            }
        }
        Reply::Raw(bytes) => drop(stream.write_all(&bytes).await),
        Reply::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            std::future::pending::<()>().await;
        }
    }
    let _ = stream.shutdown().await;
}

async fn receive(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut body = bytes[end + 4..].to_vec();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ').map(ToOwned::to_owned);
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received { method: first.next()?, path: first.next()?, headers, body })
}
