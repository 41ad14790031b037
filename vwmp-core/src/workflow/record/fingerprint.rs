//! What tells two plans apart: everything but values, which may be secret.

use std::fmt::Write as _;

use crate::plan::{Extras, Items, Plan, PlannedStep, StepIndex, StepPolicy};
use crate::template::{Piece, Template};

/// The steps of a plan, in their order, with their handlers, edges, configs as written, conditions and policies, and what
/// holds for all of them (FNV-1a, 64 bits).
pub(super) fn fingerprint(plan: &Plan) -> String {
    let mut print = Fingerprint(0xcbf2_9ce4_8422_2325);
    print.text(plan.workflow_name());
    print.text(plan.lock().unwrap_or_default());
    print.written(format_args!("{:?} {}", plan.on_failure(), plan.max_parallel()));
    for (name, template) in plan.outputs() {
        print.text(name);
        print.template(template);
    }
    for (index, step) in plan.indexed() {
        print.step(plan, index, step);
    }
    format!("{:016x}", print.0)
}

struct Fingerprint(u64);

impl Fingerprint {
    fn step(&mut self, plan: &Plan, index: StepIndex, step: &PlannedStep) {
        self.text(step.id());
        self.text(step.handler().name());
        self.number(u64::from(plan.is_finally(index)));
        plan.needs(index).iter().for_each(|need| self.number(need.get() as u64));
        self.template(step.config());
        self.text(step.when().map_or("", crate::template::Condition::text));
        self.policy(step.policy());
        if let Some(extras) = &step.extras {
            self.extras(extras);
        }
    }

    fn policy(&mut self, policy: &StepPolicy) {
        self.number(u64::from(policy.required));
        self.number(policy.timeout.map_or(0, |time| time.as_millis() as u64));
        self.number(u64::from(policy.retry.max_attempts));
        self.number(policy.priority as u64);
        policy.adapters.iter().for_each(|adapter| self.text(adapter));
    }

    /// What a step calls is left out: it is read when the step calls it, and is no part of the plan.
    fn extras(&mut self, extras: &Extras) {
        if let Some(lock) = &extras.lock {
            self.text(lock);
        }
        if let Some(fan) = &extras.fan_out {
            self.number(fan.max_parallel.unwrap_or_default() as u64);
            self.number(u64::from(fan.fail_fast));
            if let Items::Matrix { axes, .. } = &fan.items {
                axes.iter().for_each(|(axis, _)| self.text(axis));
            }
            fan.templates().for_each(|template| self.template(template));
        }
        if let Some(cache) = &extras.cache {
            cache.inputs.iter().chain(&cache.outputs).for_each(|pattern| self.text(pattern));
            self.template(&cache.key);
        }
    }

    fn template(&mut self, template: &Template) {
        match template {
            Template::Literal(value) => self.written(format_args!("{value}")),
            Template::Expression(expression) => self.text(expression.text()),
            Template::Text(pieces) | Template::Script(pieces) => {
                pieces.iter().for_each(|piece| match piece {
                    Piece::Text(text) => self.text(text),
                    Piece::Expression(expression) => self.text(expression.text()),
                });
            }
            Template::List(items) => items.iter().for_each(|item| self.template(item)),
            Template::Map(entries) => {
                for (key, value) in entries {
                    self.text(key);
                    self.template(value);
                }
            }
        }
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&[0]);
    }

    /// What is written piece by piece, without a text in between.
    fn written(&mut self, what: std::fmt::Arguments<'_>) {
        // Nothing that is written to can fail.
        let _ = self.write_fmt(what);
        self.bytes(&[0]);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl std::fmt::Write for Fingerprint {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}
