//! Rules for the order of a workflow's steps, as workflow types state them.

use vwmp_interfaces::{Findings, Place, WorkflowOutline};

/// The rules of a workflow type.
pub(crate) struct Order<'a> {
    pub(crate) workflow: &'a WorkflowOutline,
    pub(crate) findings: &'a mut Findings,
}

impl Order<'_> {
    /// Each step that uses `then` must wait for all that use `first`: otherwise something happens too early.
    pub(crate) fn after_all(&mut self, code: &str, first: &str, then: &str, otherwise: &str) {
        for step in self.workflow.using(then) {
            for earlier in
                self.workflow.using(first).filter(|earlier| !self.workflow.precedes(*earlier, step))
            {
                let (id, earlier_id) = (self.id(step), self.id(earlier));
                let message = format!("step `{id}` must wait for step `{earlier_id}`: {otherwise}");
                let help = format!("add `needs: [{earlier_id}]` to step `{id}`");
                self.findings.error(code, Place::Step(step), message).help(help);
            }
        }
    }

    /// Steps that use `handler` must not run at the same time.
    pub(crate) fn one_at_a_time(&mut self, code: &str, handler: &str) {
        let steps: Vec<usize> = self.workflow.using(handler).collect();
        for (index, &step) in steps.iter().enumerate() {
            for &earlier in &steps[..index] {
                if self.workflow.precedes(earlier, step) || self.workflow.precedes(step, earlier) {
                    continue;
                }
                let (id, earlier_id) = (self.id(step), self.id(earlier));
                let message = format!("steps `{earlier_id}` and `{id}` may run at the same time");
                let help = format!("add `needs: [{earlier_id}]` to step `{id}`");
                self.findings.error(code, Place::Step(step), message).help(help);
            }
        }
    }

    /// A workflow of this type usually has a step that uses `handler`.
    pub(crate) fn expected(&mut self, code: &str, handler: &str, message: &str) {
        if self.workflow.using(handler).next().is_none() {
            let findings = self.findings.warning(code, Place::Workflow, message);
            findings.help(format!("add a step with `handler: {handler}`"));
        }
    }

    fn id(&self, step: usize) -> &str {
        &self.workflow.steps[step].id
    }
}
