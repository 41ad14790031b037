//! What holds for every workflow.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::{document, plugins};
use crate::plan::Plan;
use crate::workflow::{Inputs, NoFiles, Settings, Workflow};

/// How a step says that it needs another.
#[derive(Debug, Clone, Copy)]
enum Edge {
    Needs,
    Output,
    When,
}

#[derive(Debug, Clone)]
struct Dag {
    /// For each step, what it needs, by number.
    steps: Vec<Vec<(usize, Edge)>>,
    /// In which order the steps are written.
    order: Vec<usize>,
}

fn dags() -> impl Strategy<Value = Dag> {
    let edge = prop_oneof![Just(Edge::Needs), Just(Edge::Output), Just(Edge::When)];
    let needs = prop::collection::vec((any::<prop::sample::Index>(), edge), 0..4);
    prop::collection::vec(needs, 1..24).prop_flat_map(|drawn| {
        let steps: Vec<Vec<(usize, Edge)>> = drawn
            .into_iter()
            .enumerate()
            .map(|(at, needs)| match at {
                0 => Vec::new(),
                _ => needs.into_iter().map(|(need, edge)| (need.index(at), edge)).collect(),
            })
            .collect();
        let order = Just((0..steps.len()).collect::<Vec<_>>()).prop_shuffle();
        (Just(steps), order).prop_map(|(steps, order)| Dag { steps, order })
    })
}

fn yaml(dag: &Dag, order: &[usize]) -> String {
    let step = |&at: &usize| {
        let of = |wanted: fn(&Edge) -> bool| {
            dag.steps[at].iter().filter(move |(_, edge)| wanted(edge)).map(|(need, _)| *need)
        };
        let needs: Vec<String> =
            of(|edge| matches!(edge, Edge::Needs)).map(|need| format!("s{need}")).collect();
        let read: String = of(|edge| matches!(edge, Edge::Output))
            .map(|need| format!(" $<step-outputs.s{need}.stdout>"))
            .collect();
        let when: Vec<String> = of(|edge| matches!(edge, Edge::When))
            .map(|need| format!("steps.s{need}.status == \"succeeded\""))
            .collect();
        let when = if when.is_empty() { "true".into() } else { when.join(" && ") };
        format!(
            "  - id: s{at}\n    handler: shell.run\n    needs: [{}]\n    when: {when}\n    config:\n      run: echo{read}\n",
            needs.join(", ")
        )
    };
    format!("name: x\nsteps:\n{}", order.iter().map(step).collect::<String>())
}

fn plan(text: &str) -> Plan {
    let checked =
        Workflow::check(document("w.yaml", text), &plugins::registry(), &Settings::default(), &NoFiles);
    checked.unwrap().0.plan(Inputs::new(Path::new("/"))).unwrap()
}

fn edges(plan: &Plan) -> BTreeMap<String, BTreeSet<String>> {
    let needs = |index| plan.needs(index).iter().map(|&need| plan[need].id().to_owned()).collect();
    plan.indexed().map(|(index, step)| (step.id().to_owned(), needs(index))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_comes_after_what_it_needs(dag in dags()) {
        let plan = plan(&yaml(&dag, &dag.order));
        prop_assert_eq!(plan.steps().len(), dag.steps.len());
        for (index, _) in plan.indexed() {
            prop_assert!(plan.needs(index).iter().all(|&need| need < index));
        }
        let expected = dag.steps.iter().enumerate().map(|(at, needs)| {
            (format!("s{at}"), needs.iter().map(|(need, _)| format!("s{need}")).collect())
        });
        prop_assert_eq!(edges(&plan), expected.collect());
    }

    #[test]
    fn the_order_in_the_file_changes_no_edge(dag in dags()) {
        let as_drawn: Vec<usize> = (0..dag.steps.len()).collect();
        prop_assert_eq!(edges(&plan(&yaml(&dag, &dag.order))), edges(&plan(&yaml(&dag, &as_drawn))));
    }
}

#[test]
fn fifty_steps_in_a_circle_are_told_in_short() {
    let steps = (0..50).map(|at| {
        format!("  - {{ id: s{at}, handler: shell.run, needs: s{}, config: {{ run: x }} }}\n", (at + 1) % 50)
    });
    let text = format!("name: x\nsteps:\n{}", steps.collect::<String>());
    let found =
        Workflow::check(document("w.yaml", &text), &plugins::registry(), &Settings::default(), &NoFiles);
    let found: Vec<_> = found.unwrap_err().into_iter().collect();
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].message,
        "the steps wait for each other: s0 → s1 → s2 → s3 → s4 → … 41 more … → s46 → s47 → s48 → s49 → s0"
    );
    assert_eq!(found[0].labels.len(), 10);
    assert_eq!(found[0].labels[0].text, "`s0` waits for `s1`");
    assert_eq!(found[0].labels[0].position().to_string(), "3:42");
}

#[test]
fn a_chain_of_a_hundred_thousand_is_planned() {
    let steps = (0..100_000_usize).map(|at| {
        let needs = if at == 99_999 { String::new() } else { format!("s{}", at + 1) };
        format!("- {{id: s{at}, handler: shell.run, needs: [{needs}], config: {{run: x}}}}\n")
    });
    let plan = plan(&format!("name: x\nsteps:\n{}", steps.collect::<String>()));
    assert_eq!(plan.steps()[0].id(), "s99999");
    assert!(Arc::ptr_eq(&plan.steps()[0].policy, &plan.steps()[1].policy));
}

#[test]
fn many_wrong_names_do_not_take_forever() {
    let steps = (0..20_000_usize)
        .map(|at| format!("- {{id: s{at}, handler: shell.run, needs: wrong{at}, config: {{run: x}}}}\n"));
    let text = format!("name: x\nsteps:\n{}", steps.collect::<String>());
    let found =
        Workflow::check(document("w.yaml", &text), &plugins::registry(), &Settings::default(), &NoFiles);
    assert_eq!(found.unwrap_err().len(), 20_000);
}
