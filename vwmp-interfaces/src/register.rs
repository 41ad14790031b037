//! Registration at link time: `register!` beside a plugin is all it takes.
//!
//! A crate is only linked when something names it, so a binary says `use its_plugins as _;`.

use std::fmt;
use std::sync::Arc;

use crate::adapter::IntegrationAdapter;
use crate::erased::{DynAdapter, DynStep, DynWorkflowType, TypedAdapter, TypedStep, TypedWorkflowType};
use crate::step::{StepHandler, Undo};
use crate::workflow_type::WorkflowTypePlugin;

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Origin {
    /// The crate.
    pub package: std::borrow::Cow<'static, str>,
    /// The crate's version.
    pub version: std::borrow::Cow<'static, str>,
    /// The file that registers it.
    pub file: std::borrow::Cow<'static, str>,
    /// The line.
    pub line: u32,
}

/// A handler that was linked in.
pub struct StepEntry {
    /// Its name.
    pub name: &'static str,
    /// Where it comes from.
    pub origin: Origin,
    /// Makes the object that the engine holds.
    pub make: fn() -> Arc<dyn DynStep>,
}

/// An adapter that was linked in.
pub struct AdapterEntry {
    /// Its name.
    pub name: &'static str,
    /// Where it comes from.
    pub origin: Origin,
    /// Makes the object that the engine holds.
    pub make: fn() -> Arc<dyn DynAdapter>,
}

/// A workflow type that was linked in.
pub struct WorkflowTypeEntry {
    /// Its name.
    pub name: &'static str,
    /// Where it comes from.
    pub origin: Origin,
    /// Makes the object that the engine holds.
    pub make: fn() -> Arc<dyn DynWorkflowType>,
}

inventory::collect!(StepEntry);
inventory::collect!(AdapterEntry);
inventory::collect!(WorkflowTypeEntry);

/// Makes a plugin known to every program that links its crate.
///
/// ```text
/// register!(step VersionBump);
/// register!(step CreateTag: undo);
/// register!(adapter GitAdapter);
/// register!(workflow_type Release);
/// ```
#[macro_export]
macro_rules! register {
    (step $handler:ty) => {
        $crate::private::inventory::submit! {
            $crate::register::StepEntry::new::<$handler>($crate::here!())
        }
    };
    (step $handler:ty : undo) => {
        $crate::private::inventory::submit! {
            $crate::register::StepEntry::with_undo::<$handler>($crate::here!())
        }
    };
    (adapter $adapter:ty) => {
        $crate::private::inventory::submit! {
            $crate::register::AdapterEntry::new::<$adapter>($crate::here!())
        }
    };
    (workflow_type $plugin:ty) => {
        $crate::private::inventory::submit! {
            $crate::register::WorkflowTypeEntry::new::<$plugin>($crate::here!())
        }
    };
}

/// The [`Origin`] of the line it stands in.
#[macro_export]
macro_rules! here {
    () => {
        $crate::register::Origin::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), file!(), line!())
    };
}

impl Origin {
    /// An origin in the source of a crate.
    pub const fn new(package: &'static str, version: &'static str, file: &'static str, line: u32) -> Self {
        use std::borrow::Cow::Borrowed;
        Self { package: Borrowed(package), version: Borrowed(version), file: Borrowed(file), line }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}:{})", self.package, self.version, self.file, self.line)
    }
}

impl StepEntry {
    /// An entry for a handler.
    pub const fn new<H: StepHandler>(origin: Origin) -> Self {
        Self { name: H::NAME, origin, make: || Arc::new(TypedStep::<H>::new()) }
    }

    /// An entry for a handler that can take its work back.
    pub const fn with_undo<H: Undo>(origin: Origin) -> Self {
        Self { name: H::NAME, origin, make: || Arc::new(TypedStep::<H>::with_undo()) }
    }
}

impl AdapterEntry {
    /// An entry for an adapter.
    pub const fn new<A: IntegrationAdapter>(origin: Origin) -> Self {
        Self { name: A::NAME, origin, make: || Arc::new(TypedAdapter::<A>::new()) }
    }
}

impl WorkflowTypeEntry {
    /// An entry for a workflow type.
    pub const fn new<T: WorkflowTypePlugin>(origin: Origin) -> Self {
        Self { name: T::NAME, origin, make: || Arc::new(TypedWorkflowType::<T>::new()) }
    }
}
