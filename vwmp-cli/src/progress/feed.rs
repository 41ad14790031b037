//! What steps say, on its way to the view.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;
use vwmp_interfaces::log::{LogLine, LogSink, Progress, Stream};

/// The end that steps write to.
pub(crate) struct Feed {
    sender: mpsc::UnboundedSender<News>,
    counts: Arc<Counts>,
}

/// The end that the view reads.
pub(crate) struct NewsStream {
    receiver: mpsc::UnboundedReceiver<News>,
    counts: Arc<Counts>,
}

/// What a step says.
pub(crate) enum News {
    /// It wrote a line.
    Line(LogLine),
    /// It says how far it is.
    Progress(Arc<str>, Progress),
}

#[derive(Default)]
struct Counts {
    /// Bytes that nobody has read yet.
    waiting: AtomicUsize,
    /// Lines that were left out because too much was waiting.
    dropped: AtomicUsize,
}

/// A terminal that is this many bytes behind misses lines: a step never waits for it.
const MOST_WAITING: usize = 64 << 20;

/// Both ends.
pub(crate) fn feed() -> (Feed, NewsStream) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let counts = Arc::new(Counts::default());
    (Feed { sender, counts: Arc::clone(&counts) }, NewsStream { receiver, counts })
}

impl LogSink for Feed {
    fn line(&self, line: LogLine) {
        if self.counts.waiting.fetch_add(line.text.len(), Ordering::Relaxed) > MOST_WAITING {
            self.counts.waiting.fetch_sub(line.text.len(), Ordering::Relaxed);
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // Without a view nobody misses the line.
        let _ = self.sender.send(News::Line(line));
    }

    fn progress(&self, step: &str, _: u32, progress: Progress) {
        let _ = self.sender.send(News::Progress(step.into(), progress));
    }
}

impl NewsStream {
    /// The next news; waits for it.
    pub(super) async fn next(&mut self) -> Option<News> {
        let news = self.receiver.recv().await?;
        Some(self.read(news))
    }

    /// The next news, if there is any now.
    pub(super) fn now(&mut self) -> Option<News> {
        let news = self.receiver.try_recv().ok()?;
        Some(self.read(news))
    }

    fn read(&self, mut news: News) -> News {
        if let News::Line(line) = &mut news {
            self.counts.waiting.fetch_sub(line.text.len(), Ordering::Relaxed);
            let dropped = self.counts.dropped.swap(0, Ordering::Relaxed);
            if dropped > 0 {
                line.stream = Stream::Warning;
                line.text = format!("{dropped} lines came too fast to be shown here\n{}", line.text);
            }
        }
        news
    }
}

impl News {
    /// The step that says it.
    pub(super) fn step(&self) -> &str {
        match self {
            Self::Line(line) => &line.step,
            Self::Progress(step, _) => step,
        }
    }
}
