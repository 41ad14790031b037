//! What PostgreSQL says, in the user's words.

use std::error::Error as _;

use vwmp_interfaces::StepError;

/// A failure of a statement or of the connection to the database that `name` calls.
pub(super) fn failed(name: &str, lock_wait: f64, error: &tokio_postgres::Error) -> StepError {
    let Some(said) = error.as_db_error() else {
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        let message = match error.to_string() {
            // A value that the wire can't carry, such as text with a NUL byte.
            words if words.contains("serializing") => {
                return StepError::permanent(format!("{name}: {words}"));
            }
            words if words.contains("TLS") => {
                return StepError::denied(format!("the connection to {name} can't be protected"))
                    .caused_by(cause);
            }
            _ => format!("{name} can't be reached"),
        };
        return StepError::transient(message).caused_by(cause);
    };
    let (code, words) = (said.code().code(), said.message());
    let error = match code {
        "55P03" => {
            StepError::transient(format!("{name} is locked by somebody else; waited {lock_wait}s for it"))
        }
        "25006" => {
            StepError::invalid("the statement would change the database; use `database.execute` for that")
        }
        "42601" if words.contains("multiple commands") => {
            StepError::invalid("the text has several statements; write each as one of `statements`")
        }
        "28P01" | "28000" => StepError::denied(format!("{name} refuses the sign-in: {words}")),
        "42501" => StepError::denied(format!("{name}: {words}")),
        // Conflicts that pass, too many connections, a server that starts or stops.
        "40001" | "40P01" | "53300" | "57P01" | "57P02" | "57P03" => {
            StepError::transient(format!("{name}: {words}"))
        }
        _ if code.starts_with("08") => StepError::transient(format!("{name}: {words}")),
        _ => StepError::permanent(format!("{name}: {words}")),
    };
    let more: Vec<&str> = [said.detail(), said.hint()].into_iter().flatten().collect();
    if more.is_empty() { error } else { error.caused_by(more.join("; ")) }
}
