//! What the adapter knows of the past.

use vwmp_interfaces::capability::{ArchiveRequest, History, LogEntry, LogRequest, ReachedTag};
use vwmp_interfaces::{BoxFuture, StepError};

use super::adapter::Git;

/// Id, parents, time, author, address and message, each with a NUL behind it.
const ENTRY: &str = "--format=tformat:%H%x00%P%x00%ct%x00%aN%x00%aE%x00%B%x00";
const FIELDS: usize = 6;

/// Of an annotated tag, the second field is the commit.
const TAG: &str = "--format=%(refname:strip=2)%00%(*objectname)%00%(objectname)";

impl History for Git {
    fn log<'a>(&'a self, request: &'a LogRequest) -> BoxFuture<'a, Result<Vec<LogEntry>, StepError>> {
        Box::pin(self.entries(request))
    }

    fn reached_tags(&self) -> BoxFuture<'_, Result<Vec<ReachedTag>, StepError>> {
        Box::pin(async {
            if vwmp_interfaces::capability::VersionControl::head(self).await?.is_none() {
                return Ok(Vec::new());
            }
            let args = ["for-each-ref", "--merged=HEAD", TAG, "refs/tags"];
            let output = self.must("list the tags", &args).await?;
            Ok(output.text().lines().filter_map(reached_tag).collect())
        })
    }

    fn is_shallow(&self) -> BoxFuture<'_, Result<bool, StepError>> {
        Box::pin(async {
            let output = self.must("look at the clone", &["rev-parse", "--is-shallow-repository"]).await?;
            Ok(output.text().trim() == "true")
        })
    }

    fn archive<'a>(&'a self, request: &'a ArchiveRequest) -> BoxFuture<'a, Result<Vec<u8>, StepError>> {
        Box::pin(async move {
            let (format, prefix) =
                (format!("--format={}", request.format), format!("--prefix={}", request.prefix));
            let what = format!("archive `{}`", request.revision);
            // `gzip -n` leaves out the time, so that two archives of one commit are the same.
            let gzip = "tar.tar.gz.command=gzip -cn";
            let args = ["-c", gzip, "archive", &format, &prefix, "--end-of-options", &request.revision];
            Ok(self.must(&what, &args).await?.into_bytes())
        })
    }
}

impl Git {
    async fn entries(&self, request: &LogRequest) -> Result<Vec<LogEntry>, StepError> {
        let until = request.until.as_deref().unwrap_or("HEAD");
        let range = match &request.since {
            Some(since) => format!("{since}..{until}"),
            None => until.to_owned(),
        };
        let paths = request.paths.iter().map(|path| pathspec(path));
        let paths: Vec<String> = paths.collect();
        // Messages in another encoding are turned into UTF-8, and colours and signatures left out
        // whatever the user has set up.
        let mut args =
            vec!["log", "--no-color", "--no-show-signature", "--encoding=UTF-8", ENTRY, "--end-of-options"];
        args.extend([range.as_str(), "--"]);
        args.extend(paths.iter().map(String::as_str));
        let text = self.must("read the history", &args).await?.text();
        let fields: Vec<&str> = text.split('\0').collect();
        Ok(fields.chunks_exact(FIELDS).filter_map(entry).collect())
    }
}

fn entry(fields: &[&str]) -> Option<LogEntry> {
    let [id, parents, time, author, email, message] = fields else { return None };
    Some(LogEntry {
        id: id.trim_start().to_owned(),
        time: time.parse().ok()?,
        author: (*author).to_owned(),
        email: (*email).to_owned(),
        merge: parents.contains(' '),
        message: message.trim().to_owned(),
    })
}

fn reached_tag(line: &str) -> Option<ReachedTag> {
    let mut fields = line.split('\0');
    let (name, annotated, plain) = (fields.next()?, fields.next()?, fields.next()?);
    let commit = if annotated.is_empty() { plain } else { annotated };
    Some(ReachedTag { name: name.to_owned(), commit: commit.to_owned() })
}

fn pathspec(path: &str) -> String {
    match path.strip_prefix('!') {
        Some(left_out) => format!(":(top,exclude){left_out}"),
        None => format!(":(top){path}"),
    }
}
