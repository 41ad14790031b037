//! The adapter `file_secrets`.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::capability::SecretSource;
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, IntegrationAdapter, Metadata, OrFail, Secret,
    StepError, register,
};

use super::{dotenv, name};
use crate::inherited::inherited;

/// A larger file is no secret.
const LARGEST: u64 = 1024 * 1024;

/// Secrets in files. Serves `SecretSource`.
///
/// `path` is a directory with one file for each secret, named like it, or a file with a `NAME=value` on each line (the
/// name as written, or in capital letters). It may begin with `~/`; a relative path starts at the workspace. What others
/// on the machine can read, or what git tracks, is refused.
///
/// ```yaml
/// integration_adapters:
///   file_secrets:
///     config: { path: ~/.config/acme/secrets }
///   file_secrets@local:
///     config: { path: .env }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSecretsConfig {
    /// The directory, or the file with variables.
    #[schemars(length(min = 1))]
    path: String,
    /// Takes files that others on the machine can read: in a container there are no others.
    #[serde(default)]
    world_readable: bool,
}

/// The secrets of a directory or file.
pub struct FileSecrets {
    path: PathBuf,
    world_readable: bool,
}

impl IntegrationAdapter for FileSecrets {
    const NAME: &'static str = "file_secrets";
    type Config = FileSecretsConfig;

    async fn connect(config: FileSecretsConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        let home = ctx.environment.get("HOME").map(String::as_str).unwrap_or_default();
        let path = match config.path.strip_prefix("~/") {
            Some(rest) => Path::new(home).join(rest),
            None => ctx.workspace.join(&config.path),
        };
        refuse_tracked(&path, ctx).await?;
        Ok(Self { path, world_readable: config.world_readable })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn SecretSource>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn SecretSource>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "Secrets in Files", category: "Secrets", icon: "⚿" }
    }
}

register!(adapter FileSecrets);

impl SecretSource for FileSecrets {
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, StepError>> {
        Box::pin(async move {
            name::check(name)?;
            if self.path.is_dir() {
                let text = self.read(&self.path.join(name))?;
                return Ok(text.map(|text| Secret::new(name::without_line_break(&text))));
            }
            let Some(text) = self.read(&self.path)? else { return Ok(None) };
            let value = |name: &str| {
                let wrong = |what| StepError::invalid(format!("{}: {what}", self.path.display()));
                dotenv::value(&text, name).map_err(wrong)
            };
            let value = match value(name)? {
                Some(value) => Some(value),
                None => value(&name::variable(name))?,
            };
            Ok(value.map(Secret::new))
        })
    }

    fn place(&self, name: &str) -> String {
        if self.path.is_dir() {
            return format!("the file {}", self.path.join(name).display());
        }
        format!("`{}` in {}", name::variable(name), self.path.display())
    }
}

impl FileSecrets {
    /// The text of a file; nothing when there is none.
    fn read(&self, path: &Path) -> Result<Option<String>, StepError> {
        let unreadable = || format!("can't read {}", path.display());
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StepError::denied(unreadable()).caused_by(error)),
        };
        let found = file.metadata().or_permanent(unreadable())?;
        if !self.world_readable && found.permissions().mode() & 0o004 != 0 && others_can_enter(path) {
            return Err(StepError::denied(format!(
                "others on the machine can read {0} (mode {1:o}); run `chmod o= {0}`",
                path.display(),
                found.permissions().mode() & 0o777
            )));
        }
        if !found.is_file() || found.len() > LARGEST {
            return Err(StepError::invalid(format!("{} is no file of a secret", path.display())));
        }
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).or_permanent(unreadable())?;
        // The error would hold the bytes.
        let text = String::from_utf8(bytes).map_err(|_| format!("{} isn't UTF-8 text", path.display()));
        text.map(Some).map_err(StepError::invalid)
    }
}

/// Whether the directory of a file lets others in.
fn others_can_enter(path: &Path) -> bool {
    let directory = path.parent().and_then(|parent| fs::metadata(parent).ok());
    directory.is_none_or(|directory| directory.permissions().mode() & 0o001 != 0)
}

/// What git tracks goes wherever the repository goes.
async fn refuse_tracked(path: &Path, ctx: &AdapterContext) -> Result<(), StepError> {
    let directory = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    if !directory.ancestors().any(|parent| parent.join(".git").exists()) {
        return Ok(());
    }
    let mut git = tokio::process::Command::new("git");
    git.env_clear().envs(inherited(&ctx.environment)).current_dir(directory).kill_on_drop(true);
    git.args(["ls-files", "-z", "--"]).arg(path).stdin(Stdio::null());
    match git.output().await {
        Ok(output) if !output.stdout.is_empty() => Err(StepError::denied(format!(
            "git tracks {0}, so its secrets are in the repository; run `git rm --cached {0}`, and use other secrets",
            path.display()
        ))),
        // Without git, nobody can tell; the permissions still count.
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "file_secrets_tests.rs"]
mod tests;
