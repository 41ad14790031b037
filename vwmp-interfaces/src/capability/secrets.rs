//! Where secrets are kept.

use crate::BoxFuture;
use crate::error::StepError;
use crate::secret::Secret;

/// A place that secrets are kept in. The engine asks it for `$<secrets.NAME>`, at most once a run for each name, and
/// masks what it gives.
pub trait SecretSource: Send + Sync {
    /// The secret of that name; nothing when this place has none.
    ///
    /// A transient error means that asking again may help. No message may quote a secret.
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, StepError>>;

    /// Where it looks for a secret, for a message: `the variable VWMP_SECRET_TOKEN`.
    fn place(&self, name: &str) -> String;
}
