//! What steps of a test keep, and attempts that end right after it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use vwmp_interfaces::context::Keepsakes;
use vwmp_interfaces::{BoxFuture, StepError};

/// What steps keep, as long as the test lives.
#[derive(Default)]
pub(crate) struct KeptInMemory(Mutex<State>);

#[derive(Default)]
struct State {
    kept: BTreeMap<(String, String), Vec<u8>>,
    /// How many more are kept before the attempt ends.
    left: Option<usize>,
}

impl KeptInMemory {
    pub(crate) fn end_after(&self, more: usize) {
        self.state().left = Some(more);
    }

    pub(crate) fn forget(&self) {
        self.state().kept.clear();
    }

    pub(crate) fn names(&self, step: &str) -> Vec<String> {
        let state = self.state();
        state.kept.keys().filter(|(of, _)| of == step).map(|(_, name)| name.clone()).collect()
    }

    /// A handler that panics must not hide what it kept before.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, step: &str, name: &str, bytes: &[u8]) -> Result<(), StepError> {
        let mut state = self.state();
        state.kept.entry((step.to_owned(), name.to_owned())).or_insert_with(|| bytes.to_vec());
        state.left = state.left.map(|left| left.saturating_sub(1));
        if state.left == Some(0) {
            state.left = None;
            return Err(StepError::permanent(format!("the test ends the attempt: `{name}` is kept")));
        }
        Ok(())
    }
}

impl Keepsakes for KeptInMemory {
    fn keep<'a>(
        &'a self,
        step: &'a str,
        name: &'a str,
        bytes: &'a [u8],
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(std::future::ready(self.put(step, name, bytes)))
    }

    fn kept<'a>(&'a self, step: &'a str, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StepError>> {
        let found = self.state().kept.get(&(step.to_owned(), name.to_owned())).cloned();
        Box::pin(std::future::ready(Ok(found)))
    }
}

#[cfg(test)]
mod tests {
    use crate::TestRun;

    #[tokio::test]
    async fn what_is_kept_belongs_to_the_step_and_stays() {
        let run = TestRun::new();
        let (one, other) = (run.context("one"), run.context("other"));
        one.keep("a", b"first").await.unwrap();
        one.keep("a", b"second").await.unwrap();
        assert_eq!(run.context("one").kept("a").await.unwrap().as_deref(), Some(&b"first"[..]));
        assert_eq!(other.kept("a").await.unwrap(), None);
        for entry in ["x", "x", "y"] {
            one.note("list", &entry).await.unwrap();
        }
        assert_eq!(one.notes::<String>("list").await.unwrap(), ["x", "y"]);
        assert_eq!(run.kept("one"), ["a", "list.1", "list.2"]);
        run.forget();
        assert!(run.kept("one").is_empty());
    }

    #[tokio::test]
    async fn an_attempt_can_end_after_it_kept_something() {
        let run = TestRun::new();
        let ctx = run.context("one");
        run.end_after_keeping(2);
        ctx.keep("a", b"1").await.unwrap();
        let error = ctx.keep("b", b"2").await.unwrap_err();
        assert_eq!(error.message(), "the test ends the attempt: `b` is kept");
        assert!(ctx.kept("b").await.unwrap().is_some());
        ctx.keep("c", b"3").await.unwrap();
    }
}
