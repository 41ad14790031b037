//! `http.download`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vwmp_interfaces::capability::{Http, HttpHead, HttpRequest, HttpStream};
use vwmp_interfaces::{
    Capability, Effect, Metadata, OrFail, Preview, Secret, StepContext, StepError, StepHandler,
    WorkspacePath, register,
};

use super::part::Part;
use super::settings::seconds;
use crate::checksum::sha256_of;
use crate::filesystem::inside::real_path;

/// How often a download that broke off is taken up again within an attempt.
const RESUMED_AT_MOST: u32 = 3;

/// Downloads a file into the workspace.
///
/// The file appears in its place only when all of it is there and fits its checksum; until then it is called
/// `.NAME.part`. A download that breaks off is taken up where it stopped, if the server can do that. With `sha256` a
/// later attempt or run takes it up as well, and does nothing when the file is there already.
///
/// ```yaml
/// - id: tool
///   handler: http.download
///   retry: { max_attempts: 3 }
///   config:
///     url: https://example.com/tool-1.2.3.tar.gz
///     to: build/tool.tar.gz
///     sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
///     max_size: 200000000
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// The address; relative to the adapter's `base_url` where that is set.
    #[schemars(length(min = 1))]
    url: String,
    /// Where to put the file, relative to the workspace.
    to: WorkspacePath,
    /// The SHA-256 that the file must have, in hexadecimal.
    #[serde(default)]
    #[schemars(regex(pattern = "^[0-9a-fA-F]{64}$"))]
    sha256: Option<String>,
    /// Header fields.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Header fields that are never shown.
    #[serde(default)]
    secret_headers: BTreeMap<String, Secret>,
    /// The largest file, in bytes.
    #[serde(default = "one_gibibyte")]
    max_size: u64,
    /// Seconds that the download may take; any time while the server goes on sending where this isn't given.
    #[serde(default)]
    #[schemars(range(min = 0.001, max = 604_800.0))]
    timeout: Option<f64>,
}

/// The file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Downloaded {
    /// Where it is, relative to the workspace.
    path: String,
    /// Its size, in bytes.
    bytes: u64,
    /// Its SHA-256, in hexadecimal.
    sha256: String,
    /// Whether it was downloaded; not when it was there already.
    downloaded: bool,
}

fn one_gibibyte() -> u64 {
    1024 * 1024 * 1024
}

impl StepHandler for Download {
    const NAME: &'static str = "http.download";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Downloaded;

    fn metadata() -> Metadata {
        Metadata { title: "Download a File", category: "HTTP", icon: "⇩" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Http>()]
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Downloaded, StepError> {
        let target = self.target(ctx)?;
        if let Some(there) = self.already(&target)? {
            ctx.log().info(format!("{} is there already", self.to));
            return Ok(there);
        }
        let part = Part::open(&target, self.sha256.is_some()).or_permanent(self.unwritable())?;
        let http = ctx.require::<dyn Http>()?;
        let mut transfer = Transfer { step: self, ctx, http: &*http, part, version: None };
        let done = ctx.unless_cancelled(transfer.run()).await;
        let part = transfer.part;
        if let Err(error) = done {
            // What can't be checked must not be taken up by another attempt.
            if self.sha256.is_none() {
                part.discard().or_permanent(self.unwritable())?;
            }
            return Err(error);
        }
        let (bytes, sha256) = (part.size(), part.sha256());
        if self.sha256.as_ref().is_some_and(|wanted| !wanted.eq_ignore_ascii_case(&sha256)) {
            part.discard().or_permanent(self.unwritable())?;
            return Err(self.other_content(&sha256, bytes));
        }
        part.finish(&target).or_permanent(self.unwritable())?;
        ctx.log().info(format!("{} has {bytes} bytes, sha256 {sha256}", self.to));
        Ok(Downloaded { path: self.to.to_string(), bytes, sha256, downloaded: true })
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Downloaded>, StepError> {
        let address = ctx.require::<dyn Http>()?.address(&self.request())?;
        if let Some(there) = self.already(&self.target(ctx)?)? {
            return Ok(Preview::new(format!("finds {} in place", self.to)).output(there));
        }
        let preview = Preview::new(format!("downloads {}", self.to))
            .action(format!("download {address} to {}", self.to))
            .known("path", self.to.as_str())
            .known("downloaded", true);
        Ok(match &self.sha256 {
            Some(sha256) => preview.known("sha256", sha256.to_ascii_lowercase()),
            None => preview,
        })
    }
}

register!(step Download);

impl Download {
    fn request(&self) -> HttpRequest {
        HttpRequest {
            url: self.url.clone(),
            headers: self.headers.clone(),
            secret_headers: self.secret_headers.clone(),
            timeout: self.timeout.map(seconds),
            max_size: Some(self.max_size),
            ..HttpRequest::default()
        }
    }

    fn target(&self, ctx: &StepContext) -> Result<PathBuf, StepError> {
        let root = ctx.workspace().canonicalize().or_permanent("can't open the workspace")?;
        real_path(&root, &self.to)
    }

    /// The file, when it is what was asked for.
    fn already(&self, target: &Path) -> Result<Option<Downloaded>, StepError> {
        let Some(wanted) = &self.sha256 else { return Ok(None) };
        let found = sha256_of(target).or_permanent(format!("can't read `{}`", self.to))?;
        let Some(sha256) = found.filter(|found| wanted.eq_ignore_ascii_case(found)) else { return Ok(None) };
        let bytes = target.metadata().or_permanent(format!("can't read `{}`", self.to))?.len();
        Ok(Some(Downloaded { path: self.to.to_string(), bytes, sha256, downloaded: false }))
    }

    fn unwritable(&self) -> String {
        format!("can't write `{}`", self.to)
    }

    fn other_content(&self, sha256: &str, bytes: u64) -> StepError {
        StepError::permanent(format!(
            "what was downloaded for `{}` isn't what was expected: {bytes} bytes with the SHA-256 {sha256}; \
             check the address, or write the new `sha256` if the file was changed on purpose",
            self.to
        ))
    }
}

/// A download that goes on.
struct Transfer<'a> {
    step: &'a Download,
    ctx: &'a StepContext,
    http: &'a dyn Http,
    part: Part,
    /// What the server calls the version that the part is of.
    version: Option<String>,
}

impl Transfer<'_> {
    async fn run(&mut self) -> Result<(), StepError> {
        let mut resumed = 0;
        loop {
            let before = self.part.size();
            match self.go_on().await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let (grew, known) =
                        (self.part.size() > before, self.version.is_some() || self.step.sha256.is_some());
                    if !(error.is_transient() && grew && known) || resumed == RESUMED_AT_MOST {
                        return Err(error);
                    }
                    self.ctx.log().warn(format!("{error}; goes on from there"));
                    resumed += 1;
                }
            }
        }
    }

    /// One request for what is missing.
    async fn go_on(&mut self) -> Result<(), StepError> {
        let size = self.part.size();
        let mut request = self.step.request();
        if size > 0 {
            request.headers.insert("range".to_owned(), format!("bytes={size}-"));
            request.headers.extend(self.version.iter().map(|it| ("if-range".to_owned(), it.clone())));
        }
        let stream = self.http.open(&request).await?;
        match stream.head.status {
            206 if starts_at(&stream.head) == Some(size) => self.take(stream).await,
            // All of it is there, or the part is of another file: the checksum tells.
            416 if size > 0 => match self.step.sha256.as_deref() {
                Some(wanted) if wanted.eq_ignore_ascii_case(&self.part.sha256()) => Ok(()),
                _ => {
                    self.written(Part::restart)?;
                    Err(StepError::transient(format!(
                        "{}: the part that was there didn't fit",
                        stream.head.request
                    )))
                }
            },
            200 => {
                self.written(Part::restart)?;
                self.take(stream).await
            }
            _ => Err(stream.head.failure()),
        }
    }

    async fn take(&mut self, mut stream: HttpStream) -> Result<(), StepError> {
        let head = &stream.head;
        // A weak tag says nothing about single bytes.
        let tag = head.header("etag").filter(|tag| !tag.starts_with("W/"));
        self.version = tag.or_else(|| head.header("last-modified")).map(ToOwned::to_owned);
        let rest = head.header("content-length").and_then(|length| length.parse::<u64>().ok());
        let total = rest.map(|rest| rest + self.part.size());
        let mut told = self.part.size();
        while let Some(bytes) = stream.body.next().await? {
            if self.part.size() + bytes.len() as u64 > self.step.max_size {
                let most = self.step.max_size;
                return Err(StepError::permanent(format!(
                    "{}: the file has more than the {most} bytes allowed; raise `max_size`",
                    stream.head.request
                )));
            }
            self.written(|part| part.append(&bytes))?;
            if self.part.size() - told > 256 * 1024 {
                told = self.part.size();
                self.ctx.progress(told, total, format!("downloads {}", self.step.to));
            }
        }
        Ok(())
    }

    fn written(&mut self, write: impl FnOnce(&mut Part) -> io::Result<()>) -> Result<(), StepError> {
        write(&mut self.part).or_permanent(self.step.unwritable())
    }
}

/// The first byte of a partial answer.
fn starts_at(head: &HttpHead) -> Option<u64> {
    head.header("content-range")?.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

#[cfg(test)]
#[path = "download_tests.rs"]
mod tests;
