//! The integration adapter: a connection to an outside system.

use std::any::{Any, TypeId, type_name};
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StepError;
use crate::finding::Findings;
use crate::step::Metadata;
use crate::time::Clock;
use tokio_util::sync::CancellationToken;

/// A connection to an outside system, behind one or more [`capability`](crate::capability) traits.
///
/// The engine opens an adapter once a run, when a step needs what it serves, with the config from
/// `integration_adapters.NAME.config`, and closes it at the end. Any adapter can have several
/// instances: `integration_adapters."NAME@docs"` configures a second one, which a step picks with
/// `adapters: [NAME@docs]`.
pub trait IntegrationAdapter: Send + Sync + Sized + 'static {
    /// The name, without a dot or an `@`.
    const NAME: &'static str;
    /// What can be set for it.
    type Config: DeserializeOwned + JsonSchema + Send + 'static;

    /// Opens the connection.
    fn connect(
        config: Self::Config,
        ctx: &AdapterContext,
    ) -> impl Future<Output = Result<Self, StepError>> + Send;

    /// The capabilities it serves, known without a connection.
    fn serves() -> Vec<Capability>;

    /// Hands out itself under each trait of [`IntegrationAdapter::serves`]:
    /// `capabilities.insert::<dyn VersionControl>(self)`.
    fn offer(self: Arc<Self>, capabilities: &mut Capabilities);

    /// Title, icon and category for people.
    fn metadata() -> Metadata {
        Metadata::default()
    }

    /// Reports what the schema can't say about a config. Touches nothing outside the process.
    fn validate(config: &Self::Config, findings: &mut Findings) {
        let _ = (config, findings);
    }

    /// Whether the other side answers.
    fn health(&self) -> impl Future<Output = Health> + Send {
        async { Health::Good }
    }

    /// Closes the connection; called once, after the last step.
    fn close(&self) -> impl Future<Output = Result<(), StepError>> + Send {
        async { Ok(()) }
    }
}

/// What the engine lends to an adapter while it connects.
pub struct AdapterContext {
    /// The instance that is opened, such as `git` or `git@docs`.
    pub instance: String,
    /// The workspace of the run.
    pub workspace: Arc<Path>,
    /// The environment of the run.
    pub environment: Arc<BTreeMap<String, String>>,
    /// Fires when the run no longer wants the connection.
    pub cancelled: CancellationToken,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Whether an adapter's other side answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "reason", rename_all = "snake_case")]
pub enum Health {
    /// It answers.
    Good,
    /// It answers, but not as it should.
    Degraded(String),
    /// It doesn't answer.
    Down(String),
}

/// The name of a trait that adapters serve and handlers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capability {
    id: TypeId,
    path: &'static str,
}

/// What one open adapter serves.
#[derive(Default)]
pub struct Capabilities {
    offers: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

/// The open adapters of a run, by instance name.
#[derive(Default)]
pub struct Adapters {
    instances: BTreeMap<String, Capabilities>,
    broken: BTreeMap<String, (Vec<Capability>, String)>,
}

impl Capability {
    /// The capability behind a trait: `Capability::of::<dyn VersionControl>()`.
    pub fn of<T: ?Sized + 'static>() -> Self {
        Self { id: TypeId::of::<T>(), path: type_name::<T>() }
    }

    /// The trait's own name, such as `VersionControl`.
    pub fn name(&self) -> &'static str {
        self.path.rsplit("::").next().unwrap_or(self.path)
    }
}

impl Capabilities {
    /// Offers a service under a trait.
    pub fn insert<T: ?Sized + Send + Sync + 'static>(&mut self, service: Arc<T>) {
        self.offers.insert(TypeId::of::<T>(), Box::new(service));
    }

    /// The service behind a trait.
    pub fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.offers.get(&TypeId::of::<T>()).and_then(|offer| offer.downcast_ref::<Arc<T>>()).cloned()
    }

    /// Whether a capability is served.
    pub fn serves(&self, capability: Capability) -> bool {
        self.offers.contains_key(&capability.id)
    }
}

impl Adapters {
    /// Adds an open adapter under its instance name.
    pub fn insert(&mut self, instance: impl Into<String>, capabilities: Capabilities) {
        self.instances.insert(instance.into(), capabilities);
    }

    /// Adds an adapter that could not be opened: whoever asks for what it would serve is told why.
    pub fn insert_broken(&mut self, instance: impl Into<String>, serves: Vec<Capability>, why: String) {
        self.broken.insert(instance.into(), (serves, why));
    }

    /// The service behind a trait: from the chosen instances first, then from a plain one.
    pub(crate) fn require<T: ?Sized + Send + Sync + 'static>(
        &self,
        chosen: &[String],
    ) -> Result<Arc<T>, StepError> {
        let wanted = Capability::of::<T>();
        let picked = chosen.iter().find_map(|name| match self.instances.get(name) {
            Some(open) => open.get::<T>().map(Ok),
            // What was chosen on purpose is not replaced by another one.
            None => self.broken_one(name, wanted).map(Err),
        });
        let plain = || {
            let all = self.instances.iter().filter(|(name, _)| !name.contains('@'));
            all.filter_map(|(name, one)| Some((name, one.get::<T>()?))).collect::<Vec<_>>()
        };
        if let Some(picked) = picked {
            return picked;
        }
        let name = Capability::of::<T>().name();
        match plain().as_slice() {
            [(_, service)] => Ok(Arc::clone(service)),
            [] => Err(self.why_broken(Capability::of::<T>(), chosen).unwrap_or_else(|| StepError::invalid(format!(
                "no open adapter serves {name}; its handler must name it in `requires`, and an adapter that \
                 serves it must be linked and enabled"
            )))),
            several => {
                let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
                Err(StepError::invalid(format!(
                    "{} serve {name}; pick one in the step with `adapters: [{}]`",
                    names.join(" and "),
                    names[0]
                )))
            }
        }
    }
}

impl Adapters {
    fn why_broken(&self, wanted: Capability, chosen: &[String]) -> Option<StepError> {
        let asked = |name: &&String| chosen.contains(name) || !name.contains('@');
        self.broken.keys().filter(asked).find_map(|name| self.broken_one(name, wanted))
    }

    fn broken_one(&self, name: &str, wanted: Capability) -> Option<StepError> {
        let (_, why) = self.broken.get(name).filter(|(serves, _)| serves.contains(&wanted))?;
        Some(StepError::transient(format!("adapter {name} could not be opened")).caused_by(why.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Bell: Send + Sync {
        fn ring(&self) -> u8;
    }

    struct Church(u8);

    impl Bell for Church {
        fn ring(&self) -> u8 {
            self.0
        }
    }

    fn bell(sound: u8) -> Capabilities {
        let mut one = Capabilities::default();
        one.insert::<dyn Bell>(Arc::new(Church(sound)));
        one
    }

    #[test]
    fn a_step_gets_the_instance_it_chose() {
        let mut adapters = Adapters::default();
        let none = adapters.require::<dyn Bell>(&[]).err().unwrap();
        assert!(none.to_string().starts_with("no open adapter serves Bell;"), "{none}");
        adapters.insert("church", bell(1));
        adapters.insert("church@east", bell(2));
        assert_eq!(adapters.require::<dyn Bell>(&[]).unwrap().ring(), 1);
        assert_eq!(adapters.require::<dyn Bell>(&["church@east".into()]).unwrap().ring(), 2);
        let served = vec![Capability::of::<dyn Bell>()];
        adapters.insert_broken("church@west", served, "it has no tower".to_owned());
        let broken = adapters.require::<dyn Bell>(&["church@west".into()]).err().unwrap();
        assert_eq!(
            broken.to_string(),
            "adapter church@west could not be opened",
            "no other one takes its place"
        );
        adapters.insert("school", bell(3));
        let two = adapters.require::<dyn Bell>(&[]).err().unwrap();
        assert_eq!(
            two.to_string(),
            "church and school serve Bell; pick one in the step with `adapters: [church]`"
        );
    }
}
