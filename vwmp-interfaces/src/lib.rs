//! What a VWMP plugin author sees, and nothing else.
//!
//! Three kinds of plugin, each a trait with an object-safe twin that the engine holds:
//!
//! | write | for | registered with |
//! |---|---|---|
//! | [`StepHandler`] (and [`Undo`]) | one kind of step, such as `git.commit` | `register!(step Commit);` |
//! | [`IntegrationAdapter`] | a connection to an outside system, behind a [`capability`] trait | `register!(adapter Git);` |
//! | [`WorkflowTypePlugin`] | templates, defaults and rules for a kind of workflow | `register!(workflow_type Release);` |
//!
//! Reading order: [`step`], [`context`], [`error`], [`adapter`], [`workflow_type`], [`mod@register`].

pub mod adapter;
pub mod capability;
pub mod context;
pub mod erased;
pub mod error;
pub mod finding;
pub mod log;
pub mod preview;
pub mod register;
pub mod script;
pub mod secret;
pub mod step;
pub mod template;
pub mod time;
pub mod wait;
pub mod workflow_type;
pub mod workspace_path;

use std::future::Future;
use std::pin::Pin;

pub use adapter::{AdapterContext, Capabilities, Capability, Health, IntegrationAdapter};
pub use context::StepContext;
pub use error::{ErrorClass, OrFail, StepError};
pub use finding::{Findings, Place};
pub use preview::{Change, Preview};
pub use script::Script;
pub use secret::Secret;
pub use step::{Done, Effect, Metadata, StepHandler, Undo};
pub use time::{Clock, Timestamp};
pub use tokio_util::sync::CancellationToken;
pub use wait::{ApprovalRequest, Wait, Waited};
pub use workflow_type::{WorkflowOutline, WorkflowTemplate, WorkflowTypePlugin};
pub use workspace_path::WorkspacePath;

/// A boxed future, as the object-safe twins and the capability traits return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What [`register!`] needs from this crate's own dependencies, so that callers need none of them.
#[doc(hidden)]
pub mod private {
    pub use inventory;
}
