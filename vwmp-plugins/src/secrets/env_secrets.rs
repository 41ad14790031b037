//! The adapter `env_secrets`.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use vwmp_interfaces::capability::SecretSource;
use vwmp_interfaces::{
    AdapterContext, BoxFuture, Capabilities, Capability, Findings, IntegrationAdapter, Metadata, Place,
    Secret, StepError, register,
};

use super::name;

/// Secrets in variables of the environment. Serves `SecretSource`.
///
/// `$<secrets.deploy-key>` is the variable `VWMP_SECRET_DEPLOY_KEY`: the prefix and the name in capital letters. A
/// variable that `allow` names is taken without the prefix. Nothing else of the environment can be read in this way.
///
/// ```yaml
/// integration_adapters:
///   env_secrets:
///     config: { prefix: CI_SECRET_, allow: [GITHUB_TOKEN] }
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvSecretsConfig {
    /// What the names of the variables begin with.
    #[serde(default = "default_prefix")]
    prefix: String,
    /// Variables that are secrets under their own name.
    #[serde(default)]
    allow: Vec<String>,
}

/// The secrets of an environment.
pub struct EnvSecrets {
    config: EnvSecretsConfig,
    environment: Arc<BTreeMap<String, String>>,
}

impl IntegrationAdapter for EnvSecrets {
    const NAME: &'static str = "env_secrets";
    type Config = EnvSecretsConfig;

    async fn connect(config: EnvSecretsConfig, ctx: &AdapterContext) -> Result<Self, StepError> {
        Ok(Self { config, environment: Arc::clone(&ctx.environment) })
    }

    fn serves() -> Vec<Capability> {
        vec![Capability::of::<dyn SecretSource>()]
    }

    fn offer(self: Arc<Self>, capabilities: &mut Capabilities) {
        capabilities.insert::<dyn SecretSource>(self);
    }

    fn metadata() -> Metadata {
        Metadata { title: "Secrets in the Environment", category: "Secrets", icon: "⚿" }
    }

    fn validate(config: &EnvSecretsConfig, findings: &mut Findings) {
        if config.prefix.is_empty() {
            let message = "an empty prefix would make a secret of every variable";
            findings
                .error("secrets::prefix", Place::Config("/prefix".into()), message)
                .help("name the variables in `allow`");
        }
    }
}

register!(adapter EnvSecrets);

impl EnvSecrets {
    /// The variable that a secret is in.
    fn variable(&self, name: &str) -> String {
        let variable = name::variable(name);
        let allowed = self.config.allow.iter().find(|one| *one == name || **one == variable);
        allowed.cloned().unwrap_or_else(|| format!("{}{variable}", self.config.prefix))
    }
}

impl SecretSource for EnvSecrets {
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, StepError>> {
        Box::pin(async move {
            name::check(name)?;
            Ok(self.environment.get(&self.variable(name)).map(Secret::new))
        })
    }

    fn place(&self, name: &str) -> String {
        format!("the variable {}", self.variable(name))
    }
}

fn default_prefix() -> String {
    "VWMP_SECRET_".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vwmp_testkit::TestRun;

    use super::*;

    async fn source(config: Value) -> EnvSecrets {
        let run = TestRun::new()
            .environment("VWMP_SECRET_DEPLOY_KEY", "hunter2")
            .environment("GITHUB_TOKEN", "ghp");
        let config = serde_json::from_value(config).unwrap();
        EnvSecrets::connect(config, &run.adapter_context("env_secrets")).await.unwrap()
    }

    #[tokio::test]
    async fn only_variables_with_the_prefix_and_allowed_ones_are_secrets() {
        let plain = source(json!({})).await;
        assert_eq!(plain.secret("deploy-key").await.unwrap(), Some(Secret::new("hunter2")));
        assert_eq!(plain.secret("GITHUB_TOKEN").await.unwrap(), None);
        assert_eq!(plain.place("token"), "the variable VWMP_SECRET_TOKEN");
        let allowing = source(json!({ "prefix": "X_", "allow": ["GITHUB_TOKEN"] })).await;
        assert_eq!(allowing.secret("github_token").await.unwrap(), Some(Secret::new("ghp")));
        assert_eq!(allowing.secret("deploy-key").await.unwrap(), None);
    }
}
