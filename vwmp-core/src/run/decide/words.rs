//! What happened, in one line for people.

use std::time::Duration;

use vwmp_interfaces::ErrorClass;

use crate::plan::Plan;
use crate::run::event::{Cause, Interruption, Outcome};

impl Cause {
    /// One line for people.
    pub fn describe(&self, plan: &Plan) -> String {
        match self {
            Self::Condition { when } => format!("its condition `{when}` does not hold"),
            Self::Need { step } => format!("it needs {}, which did not succeed", plan[*step].id()),
            Self::FailFast { item } => format!("item [{item}] failed, and the step says `fail_fast`"),
            Self::NotChosen => "only other steps were wanted".into(),
            Self::Stopping { reason } => format!("the run was stopping: {reason}"),
            Self::Failure(failure) => failure.message.clone(),
        }
    }
}

impl Outcome {
    /// One line for people; nothing for success.
    pub fn describe(&self) -> Option<String> {
        Some(match self {
            Self::Succeeded(_) | Self::Cached(_) => return None,
            Self::Waiting(wait) => wait.to_string(),
            Self::Failed(failure) => failure.message.clone(),
            Self::Panicked(failure) => format!("the handler panicked: {}", failure.message),
            Self::TimedOut(how) => format!("it took longer than {}{}", seconds(how.after), abandoned(how)),
            Self::Cancelled(how) => format!("cancelled after {}{}", seconds(how.after), abandoned(how)),
            Self::Lost => "the process ended during the attempt; whether the work was done is unknown".into(),
        })
    }

    /// Whether another attempt could be of use, by the outcome alone.
    pub fn class(&self) -> Option<ErrorClass> {
        match self {
            Self::Failed(failure) | Self::Panicked(failure) => Some(failure.class),
            Self::TimedOut(_) => Some(ErrorClass::Transient),
            Self::Succeeded(_) | Self::Cached(_) | Self::Waiting(_) | Self::Cancelled(_) | Self::Lost => None,
        }
    }
}

fn abandoned(how: &Interruption) -> &'static str {
    if how.abandoned { "; the handler ignored the request to stop and was left behind" } else { "" }
}

fn seconds(time: Duration) -> String {
    if time.as_millis() < 1000 {
        return format!("{} ms", time.as_millis());
    }
    // Tenths are enough, and a round number has none.
    format!("{} s", (time.as_secs_f64() * 10.0).round() / 10.0)
}
