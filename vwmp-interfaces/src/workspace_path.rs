//! A path that can't leave the workspace.

use std::borrow::Cow;
use std::path::{Component, Path};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// A path relative to the workspace, without `..`, written with forward slashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct WorkspacePath(String);

impl WorkspacePath {
    /// Reads a path as a user writes it.
    ///
    /// # Errors
    /// A message, when the path is empty, absolute or leads out of the workspace.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        for component in Path::new(text).components() {
            match component {
                Component::Normal(part) => parts.push(part.to_string_lossy()),
                Component::CurDir => {}
                Component::ParentDir if parts.pop().is_some() => {}
                Component::ParentDir => return Err(format!("`{text}` leads out of the workspace")),
                Component::RootDir | Component::Prefix(_) => {
                    return Err(format!("`{text}` is absolute; write it relative to the workspace"));
                }
            }
        }
        if parts.is_empty() {
            return Err(format!("`{text}` names no file in the workspace"));
        }
        Ok(Self(parts.join("/")))
    }

    /// The path, with forward slashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<Path> for WorkspacePath {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl std::fmt::Display for WorkspacePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WorkspacePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for WorkspacePath {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WorkspacePath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for (written, read) in [
            ("VERSION", Ok("VERSION")),
            ("./docs//a.md", Ok("docs/a.md")),
            ("docs/../a.md", Ok("a.md")),
            ("../a.md", Err("`../a.md` leads out of the workspace")),
            ("a/../../b", Err("`a/../../b` leads out of the workspace")),
            ("/etc/passwd", Err("`/etc/passwd` is absolute; write it relative to the workspace")),
            (".", Err("`.` names no file in the workspace")),
        ] {
            let result = WorkspacePath::parse(written);
            assert_eq!(result.as_ref().map(WorkspacePath::as_str).map_err(String::as_str), read);
        }
    }
}
