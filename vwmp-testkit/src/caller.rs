//! A stand-in for workflows that steps call.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use vwmp_interfaces::context::{Call, Caller};
use vwmp_interfaces::{BoxFuture, StepContext, StepError};

/// Gives every call the same outputs, and remembers what was asked.
pub(crate) struct Answers {
    outputs: Value,
    calls: Mutex<Vec<Call>>,
    undone: Mutex<Vec<Call>>,
}

impl Answers {
    pub(crate) fn new(outputs: Value) -> Self {
        Self { outputs, calls: Mutex::default(), undone: Mutex::default() }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn undone(&self) -> Vec<Call> {
        self.undone.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Caller for Answers {
    fn call<'a>(&'a self, call: Call, _: &'a StepContext) -> BoxFuture<'a, Result<Value, StepError>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        Box::pin(std::future::ready(Ok(self.outputs.clone())))
    }

    fn undo<'a>(&'a self, call: Call, _: &'a StepContext) -> BoxFuture<'a, Result<(), StepError>> {
        self.undone.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        Box::pin(std::future::ready(Ok(())))
    }
}
