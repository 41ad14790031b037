//! `filesystem.archive`.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{
    Capability, Done, Effect, Findings, Metadata, OrFail, Place, Preview, StepContext, StepError,
    StepHandler, Undo, WorkspacePath, register,
};

use super::changes::{FileChanges, already_done, take_back};
use super::pack::{Packed, tar_gz, zip};
use super::pattern::{matching_files, validate};
use super::planned::{self, counted};

/// Packs files of the workspace into a `.tar.gz` or `.zip`, the same to the byte whenever the files are.
///
/// Patterns are those of `filesystem.glob`; the archive itself is left out. Of times, owners and
/// permissions only the right to execute is kept. Symbolic links are left out, with a warning. Fails
/// where nothing matches, and where the disk is full, with nothing half-written.
///
/// Undoing it removes the archive, or restores the one that it replaced (if that had at most 32 MiB), and refuses when
/// the file has been changed since.
///
/// ```yaml
/// - id: pack
///   handler: filesystem.archive
///   config:
///     files: ["dist/**"]
///     base: dist
///     to: app-$<step-outputs.bump.new_version>.tar.gz
///     prefix: app-$<step-outputs.bump.new_version>
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// The files, as paths or patterns relative to the workspace.
    #[schemars(length(min = 1))]
    files: Vec<String>,
    /// What of it to leave out.
    #[serde(default)]
    exclude: Vec<String>,
    /// The archive, relative to the workspace; it ends with `.tar.gz`, `.tgz` or `.zip`.
    to: WorkspacePath,
    /// A folder of the workspace; paths in the archive begin below it. What isn't in it is refused.
    #[serde(default)]
    base: Option<WorkspacePath>,
    /// A folder in the archive that everything is put into.
    #[serde(default)]
    prefix: Option<WorkspacePath>,
}

/// The archive.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Archived {
    /// The archive, relative to the workspace.
    path: String,
    /// The paths in it, in order.
    files: Vec<String>,
    /// Its size in bytes.
    size: u64,
    /// Its SHA-256, in hexadecimal digits.
    sha256: String,
    /// Whether it is another than before.
    changed: bool,
}

impl StepHandler for Archive {
    const NAME: &'static str = "filesystem.archive";
    const EFFECT: Effect = Effect::Idempotent;
    type Output = Archived;

    fn metadata() -> Metadata {
        Metadata { title: "Pack Files", category: "Files", icon: "📦" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    fn validate(&self, findings: &mut Findings) {
        validate("files", &self.files, findings);
        validate("exclude", &self.exclude, findings);
        if self.format().is_none() {
            let message = format!("`{}` doesn't end with .tar.gz, .tgz or .zip", self.to);
            findings.error("filesystem::archive", Place::Config("/to".into()), message);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Archived, StepError> {
        let (archived, bytes) = self.pack(ctx).await?;
        if archived.changed {
            let mut changes = FileChanges::new(ctx)?;
            changes.write(&self.to, &bytes).await?;
            changes.keep(&archived).await?;
            ctx.require::<dyn Files>()?.write_bytes(&self.to, &bytes).await?;
        }
        let count = counted(archived.files.len());
        ctx.log().info(format!("packed {count} into {} ({} bytes)", self.to, archived.size));
        Ok(archived)
    }

    async fn already_done(&self, ctx: &StepContext) -> Result<Done<Archived>, StepError> {
        already_done(ctx).await
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Archived>, StepError> {
        let (archived, _) = self.pack(ctx).await?;
        let what = format!("{} into {}", counted(archived.files.len()), self.to);
        let preview = Preview::new(format!("packs {what}"));
        let preview = if archived.changed {
            preview.action(format!("pack {what}: {}", archived.files.join(", ")))
        } else {
            preview
        };
        Ok(preview.output(archived))
    }
}

impl Undo for Archive {
    async fn undo(&self, output: Option<&Archived>, ctx: &StepContext) -> Result<(), StepError> {
        take_back(ctx, output.is_some_and(|output| output.changed)).await
    }
}

register!(step Archive: undo);

impl Archive {
    fn format(&self) -> Option<Pack> {
        let name = self.to.as_str();
        if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
            return Some(tar_gz);
        }
        name.ends_with(".zip").then_some(zip as Pack)
    }

    async fn pack(&self, ctx: &StepContext) -> Result<(Archived, Vec<u8>), StepError> {
        let disk = ctx.require::<dyn Files>()?;
        let mut files = Vec::new();
        for (path, executable) in matching_files(ctx, &*disk, &self.files, &self.exclude).await? {
            if path == self.to {
                continue;
            }
            let content = ctx.unless_cancelled(planned::bytes(ctx, &*disk, &path)).await?.unwrap_or_default();
            files.push(Packed { path: self.path_inside(&path)?, executable, content });
        }
        if files.is_empty() {
            return Err(StepError::permanent(format!("nothing matches {}", self.files.join(", "))));
        }
        let paths = files.iter().map(|file| file.path.clone()).collect();
        let pack =
            self.format().ok_or_else(|| StepError::invalid("the archive's name has no known ending"))?;
        let packed = tokio::task::spawn_blocking(move || pack(&files)).await;
        let failed = || format!("can't pack `{}`", self.to);
        let bytes = packed.or_permanent(failed())?.or_permanent(failed())?;
        let before = disk.read_bytes(&self.to).await?;
        let archived = Archived {
            path: self.to.to_string(),
            files: paths,
            size: bytes.len() as u64,
            sha256: hex(&Sha256::digest(&bytes)),
            changed: before.as_ref() != Some(&bytes),
        };
        Ok((archived, bytes))
    }

    fn path_inside(&self, path: &WorkspacePath) -> Result<String, StepError> {
        let below = match &self.base {
            None => path.as_str(),
            Some(base) => {
                let below = path.as_str().strip_prefix(base.as_str()).and_then(|rest| rest.strip_prefix('/'));
                below.ok_or_else(|| StepError::invalid(format!("`{path}` isn't in the folder `{base}`")))?
            }
        };
        Ok(self.prefix.as_ref().map_or_else(|| below.to_owned(), |prefix| format!("{prefix}/{below}")))
    }
}

type Pack = fn(&[Packed]) -> Result<Vec<u8>, std::io::Error>;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
