//! `filesystem.hash`.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vwmp_interfaces::capability::Files;
use vwmp_interfaces::{
    Capability, Effect, Findings, Metadata, Place, Preview, StepContext, StepError, StepHandler, register,
};

use super::pattern::{matching_files, validate};
use super::planned::{self, counted};

/// Computes the hashes of files, and of all of them together.
///
/// Patterns are those of `filesystem.glob`. `combined` changes when a file is added, removed, renamed or
/// changed. Fails where a pattern finds no file, and with `expected` where the one file has another
/// hash.
///
/// ```yaml
/// - id: checksums
///   handler: filesystem.hash
///   config: { files: ["dist/*.tar.gz"] }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hash {
    /// The files, as paths or patterns relative to the workspace.
    #[schemars(length(min = 1))]
    files: Vec<String>,
    /// The kind of hash.
    #[serde(default)]
    algorithm: Algorithm,
    /// What the hash of the one file has to be, in hexadecimal digits.
    #[serde(default)]
    expected: Option<String>,
}

/// A kind of hash.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-256, which `sha256sum` checks.
    #[default]
    Sha256,
    /// BLAKE3, which `b3sum` checks.
    Blake3,
}

/// Hashes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Hashes {
    /// The files, sorted by path.
    files: Vec<Hashed>,
    /// The hash of `lines`.
    combined: String,
    /// `HASH  PATH`, a line each, as checksum files have it.
    lines: String,
}

/// A file and its hash.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Hashed {
    /// The file, relative to the workspace.
    path: String,
    /// Its hash, in hexadecimal digits.
    hash: String,
}

impl StepHandler for Hash {
    const NAME: &'static str = "filesystem.hash";
    const EFFECT: Effect = Effect::ReadOnly;
    type Output = Hashes;

    fn metadata() -> Metadata {
        Metadata { title: "Hash Files", category: "Files", icon: "#" }
    }

    fn requires() -> Vec<Capability> {
        vec![Capability::of::<dyn Files>()]
    }

    fn validate(&self, findings: &mut Findings) {
        validate("files", &self.files, findings);
        if self.expected.as_ref().is_some_and(|hash| hash.len() != 64 || !is_hex(hash)) {
            let message = "`expected` isn't a hash: it has to have 64 hexadecimal digits";
            findings.error("filesystem::hash", Place::Config("/expected".into()), message);
        }
    }

    async fn execute(&self, ctx: &StepContext) -> Result<Hashes, StepError> {
        let hashes = self.hashes(ctx).await?;
        for file in &hashes.files {
            ctx.log().info(format!("{}  {}", file.hash, file.path));
        }
        Ok(hashes)
    }

    async fn preview(&self, ctx: &StepContext) -> Result<Preview<Hashes>, StepError> {
        let hashes = self.hashes(ctx).await?;
        Ok(Preview::new(format!("hashes {}", counted(hashes.files.len()))).output(hashes))
    }
}

register!(step Hash);

impl Hash {
    async fn hashes(&self, ctx: &StepContext) -> Result<Hashes, StepError> {
        let disk = ctx.require::<dyn Files>()?;
        for pattern in &self.files {
            if matching_files(ctx, &*disk, std::slice::from_ref(pattern), &[]).await?.is_empty() {
                return Err(StepError::permanent(format!("no file matches `{pattern}`")));
            }
        }
        let mut files = Vec::new();
        for (path, _) in matching_files(ctx, &*disk, &self.files, &[]).await? {
            let content = ctx.unless_cancelled(planned::bytes(ctx, &*disk, &path)).await?.unwrap_or_default();
            files.push(Hashed { path: path.to_string(), hash: self.algorithm.of(&content) });
        }
        self.compare(&files)?;
        let lines: String = files.iter().fold(String::new(), |mut lines, file| {
            let _ = writeln!(lines, "{}  {}", file.hash, file.path);
            lines
        });
        Ok(Hashes { combined: self.algorithm.of(lines.as_bytes()), lines, files })
    }

    fn compare(&self, files: &[Hashed]) -> Result<(), StepError> {
        match (&self.expected, files) {
            (Some(expected), [file]) if !file.hash.eq_ignore_ascii_case(expected) => Err(
                StepError::permanent(format!("`{}` has the hash {}, not {expected}", file.path, file.hash)),
            ),
            (None, _) | (Some(_), [_]) => Ok(()),
            (Some(_), files) => {
                let message = format!("`expected` is for one file, and {} match", counted(files.len()));
                Err(StepError::invalid(message))
            }
        }
    }
}

impl Algorithm {
    fn of(self, content: &[u8]) -> String {
        match self {
            Self::Blake3 => blake3::hash(content).to_hex().to_string(),
            Self::Sha256 => Sha256::digest(content).iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            }),
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
