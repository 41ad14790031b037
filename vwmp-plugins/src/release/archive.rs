//! `release.archive`.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vwmp_interfaces::capability::{ArchiveRequest, Files, History};
use vwmp_interfaces::{
    Capability, Done, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, Undo,
    WorkspacePath, register,
};

use super::edit::fixed;
use crate::filesystem::changes::{FileChanges, already_done, take_back};

/// Packs the source of a release into an archive, with a file of checksums beside it.
///
/// The archive has what the tag or commit has, and nothing else: no untracked files, no changes
/// since. `export-ignore` in `.gitattributes` leaves files out. Two archives of one commit are the
/// same to the byte. The checksums are in the form that `sha256sum --check` reads.
///
/// Fails where there is no such tag or commit. Files of the same name are replaced.
///
/// Undoing it removes the files, or restores those that they replaced (as far as these had at most 32 MiB), and refuses
/// when one has been changed since.
///
/// ```yaml
/// - id: archive
///   handler: release.archive
///   config:
///     name: app-$<step-outputs.bump.new_version>
///     revision: $<step-outputs.tag.name>
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-vwmp-argument" = true))]
pub struct Archive {
    /// The name of the archive without its ending, and of the folder in it.
    name: String,
    /// The tag or commit.
    #[serde(default = "head")]
    revision: String,
    /// The kinds of archive to make.
    #[serde(default = "formats")]
    #[schemars(length(min = 1))]
    formats: Vec<Format>,
    /// The folder they go to, relative to the workspace.
    #[serde(default = "dir")]
    dir: WorkspacePath,
    /// The name of the file of checksums.
    #[serde(default = "checksums")]
    checksums: String,
}

// No doc comments on the variants: see `Scheme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
enum Format {
    #[serde(rename = "tar.gz")]
    TarGz,
    #[serde(rename = "zip")]
    Zip,
}

/// The archives.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Archived {
    /// The archives and the file of checksums, relative to the workspace.
    files: Vec<String>,
    /// The SHA-256 of each archive, in the same order.
    sha256: Vec<String>,
}

impl StepHandler for Archive {
    const NAME: &'static str = "release.archive";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Archived;

    fn metadata() -> Metadata {
        Metadata { title: "Archive the Source", category: "Release", icon: "▣" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>(), Capability::of::<dyn History>()]
    }

    fn validate(&self, findings: &mut Findings) {
        for (key, name) in [("name", &self.name), ("checksums", &self.checksums)] {
            if name.is_empty() || name.contains(['/', '\\', '\n', '\r']) || name.starts_with('.') {
                let message = format!("`{name}` can't be the name of a file");
                findings.error("release::archive", Place::Config(format!("/{key}")), message);
            }
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Archived, StepError> {
        let files = ctx.require::<dyn Files>()?;
        let mut archived = Archived { files: Vec::new(), sha256: Vec::new() };
        let (mut contents, mut sums) = (Vec::new(), String::new());
        for format in &self.formats {
            let name = format!("{}.{}", self.name, format.ending());
            let bytes = ctx.unless_cancelled(self.pack(ctx, *format)).await?;
            let sum = hex(&Sha256::digest(&bytes));
            sums += &format!("{sum}  {name}\n");
            archived.sha256.push(sum);
            contents.push((self.path(&name)?, bytes));
        }
        contents.push((self.path(&self.checksums)?, sums.into_bytes()));
        archived.files = contents.iter().map(|(path, _)| path.to_string()).collect();
        let mut changes = FileChanges::new(ctx)?;
        for (path, bytes) in &contents {
            changes.write(path, bytes).await?;
        }
        changes.keep(&archived).await?;
        for (path, bytes) in &contents {
            files.write_bytes(path, bytes).await?;
            ctx.log().info(format!("wrote {path}, {} bytes", bytes.len()));
        }
        Ok(archived)
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Archived>, StepError> {
        already_done(ctx).await
    }

    async fn preview(&self, _: &StepContext) -> Result<Preview<Archived>, StepError> {
        let summary = format!("packs {} as {}", self.revision, self.name);
        let names = self.formats.iter().map(|format| format!("{}.{}", self.name, format.ending()));
        let paths: Vec<String> = names
            .chain([self.checksums.clone()])
            .map(|name| self.path(&name).map(|path| path.to_string()))
            .collect::<Result<_, _>>()?;
        let preview =
            paths.iter().fold(Preview::new(summary), |preview, path| preview.action(format!("write {path}")));
        Ok(preview.known("files", paths))
    }
}

impl Undo for Archive {
    async fn undo(&self, output: Option<&Archived>, ctx: &StepContext) -> Result<(), StepError> {
        take_back(ctx, output.is_some()).await
    }
}

register!(step Archive: undo);

impl Archive {
    async fn pack(&self, ctx: &StepContext, format: Format) -> Result<Vec<u8>, StepError> {
        let request = ArchiveRequest {
            revision: self.revision.clone(),
            format: format.ending().to_owned(),
            prefix: format!("{}/", self.name),
        };
        ctx.require::<dyn History>()?.archive(&request).await
    }

    fn path(&self, name: &str) -> Result<WorkspacePath, StepError> {
        WorkspacePath::parse(&format!("{}/{name}", self.dir)).map_err(StepError::invalid)
    }
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Self::TarGz => "tar.gz",
            Self::Zip => "zip",
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn head() -> String {
    "HEAD".to_owned()
}

fn formats() -> Vec<Format> {
    vec![Format::TarGz]
}

fn dir() -> WorkspacePath {
    fixed("dist")
}

fn checksums() -> String {
    "SHA256SUMS".to_owned()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::json;
    use vwmp_testkit::{execute, preview};

    use super::*;
    use crate::release::repository_for_tests::{commit, git, repository};

    #[tokio::test]
    async fn the_source_of_a_tag_with_checksums() {
        let run = repository().await;
        run.write("a.txt", "one");
        commit(&run, "first");
        git(&run, &["tag", "v1.0.0"]);
        run.write("a.txt", "two").write("b.txt", "untracked");
        let ctx = run.context("archive");
        let config = json!({ "name": "app-1.0.0", "revision": "v1.0.0", "formats": ["tar.gz", "zip"] });
        let seen = preview::<Archive>(config.clone(), &ctx).await.unwrap();
        let output = execute::<Archive>(config.clone(), &ctx).await.unwrap();
        let files = json!(["dist/app-1.0.0.tar.gz", "dist/app-1.0.0.zip", "dist/SHA256SUMS"]);
        assert_eq!((&output["files"], seen.known.get("files")), (&files, Some(&files)));
        assert_eq!(execute::<Archive>(config, &ctx).await.unwrap(), output, "a second one is the same");
        let dist = run.workspace().join("dist");
        let check =
            Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&dist).status();
        assert!(check.unwrap().success());
        let list = Command::new("tar").args(["tzf", "app-1.0.0.tar.gz"]).current_dir(&dist).output().unwrap();
        assert_eq!(String::from_utf8(list.stdout).unwrap(), "app-1.0.0/\napp-1.0.0/a.txt\n");
    }

    #[tokio::test]
    async fn a_revision_that_is_not_there() {
        let run = repository().await;
        commit(&run, "first");
        let config = json!({ "name": "a", "revision": "v9" });
        let error = execute::<Archive>(config, &run.context("archive")).await.unwrap_err();
        assert_eq!(error.message(), "git can't archive `v9`");
        assert!(!run.exists("dist"));
    }
}
