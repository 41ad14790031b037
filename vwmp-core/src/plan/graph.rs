//! The edges between steps, as flat arrays.

use std::collections::VecDeque;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

use super::StepIndex;

/// Who needs whom. Both directions in compressed rows, so that a walk touches little memory.
#[derive(Debug, Default)]
pub struct Graph {
    needs: Rows,
    dependents: Rows,
}

#[derive(Debug, Default)]
struct Rows {
    starts: Box<[u32]>,
    targets: Box<[StepIndex]>,
}

/// Steps that wait for each other, in the order of waiting.
#[derive(Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<usize>);

impl Graph {
    /// A graph of so many steps from its edges: a step, and one that it needs.
    pub(crate) fn new(steps: usize, edges: impl Iterator<Item = (StepIndex, StepIndex)> + Clone) -> Self {
        let flipped = edges.clone().map(|(step, need)| (need, step));
        Self { needs: Rows::new(steps, edges), dependents: Rows::new(steps, flipped) }
    }

    /// What must end before a step starts.
    pub fn needs(&self, step: StepIndex) -> &[StepIndex] {
        self.needs.row(step)
    }

    /// What waits for a step.
    pub fn dependents(&self, step: StepIndex) -> &[StepIndex] {
        self.dependents.row(step)
    }

    /// Whether a step needs another one, directly or through others.
    pub fn reaches(&self, step: StepIndex, need: StepIndex) -> bool {
        let mut seen = std::collections::HashSet::new();
        let mut todo = vec![step];
        while let Some(step) = todo.pop() {
            for &one in self.needs(step) {
                if one == need {
                    return true;
                }
                if one > need && seen.insert(one) {
                    todo.push(one);
                }
            }
        }
        false
    }

    /// How many edges there are.
    pub fn edges(&self) -> usize {
        self.needs.targets.len()
    }
}

impl Rows {
    /// Counting sort by row; within a row the targets are in the plan's order, whoever wrote them how.
    fn new(nodes: usize, edges: impl Iterator<Item = (StepIndex, StepIndex)> + Clone) -> Self {
        let mut starts = vec![0_u32; nodes + 1];
        for (from, _) in edges.clone() {
            starts[from.get() + 1] += 1;
        }
        for i in 0..nodes {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut targets = vec![StepIndex::new(0); starts[nodes] as usize];
        for (from, to) in edges {
            targets[next[from.get()] as usize] = to;
            next[from.get()] += 1;
        }
        for row in 0..nodes {
            targets[starts[row] as usize..starts[row + 1] as usize].sort_unstable();
        }
        Self { starts: starts.into(), targets: targets.into() }
    }

    fn row(&self, step: StepIndex) -> &[StepIndex] {
        &self.targets[self.starts[step.get()] as usize..self.starts[step.get() + 1] as usize]
    }
}

/// An order in which every node comes after all that it needs; nodes that could go at the same
/// time keep the order they have.
///
/// # Errors
/// The cycles, when there are any: one for each group of nodes that wait for each other.
pub(crate) fn sort(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<Cycle>> {
    let mut waiting: Vec<u32> = needs.iter().map(|needs| needs.len() as u32).collect();
    if needs.iter().enumerate().all(|(node, needs)| needs.iter().all(|&need| need < node)) {
        return Ok((0..needs.len()).collect());
    }
    let mut dependents = vec![Vec::new(); needs.len()];
    for (node, needs) in needs.iter().enumerate() {
        for &need in needs {
            dependents[need].push(node as u32);
        }
    }
    let mut queue: VecDeque<usize> = (0..needs.len()).filter(|&node| waiting[node] == 0).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(node) = queue.pop_front() {
        order.push(node);
        for &dependent in &dependents[node] {
            waiting[dependent as usize] -= 1;
            if waiting[dependent as usize] == 0 {
                queue.push_back(dependent as usize);
            }
        }
    }
    if order.len() == needs.len() { Ok(order) } else { Err(cycles(needs)) }
}

fn cycles(needs: &[Vec<usize>]) -> Vec<Cycle> {
    let edges = needs.iter().enumerate();
    let edges = edges.flat_map(|(node, needs)| needs.iter().map(move |&need| (node as u32, need as u32)));
    let graph = DiGraph::<(), ()>::from_edges(edges);
    let mut found: Vec<Cycle> = kosaraju_scc(&graph)
        .into_iter()
        .filter(|group| group.len() > 1 || needs[group[0].index()].contains(&group[0].index()))
        .map(|group| shortest_cycle(needs, &group.iter().map(|node| node.index()).collect::<Vec<_>>()))
        .collect();
    found.sort_by_key(|cycle| cycle.0.clone());
    found
}

/// The shortest way from the first node of a group back to itself: breadth first.
fn shortest_cycle(needs: &[Vec<usize>], group: &[usize]) -> Cycle {
    let members: std::collections::HashSet<usize> = group.iter().copied().collect();
    let start = group.iter().copied().min().unwrap_or_default();
    let mut reached_from = std::collections::HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for &need in needs[node].iter().filter(|need| members.contains(need)) {
            if need == start {
                let mut path = vec![node];
                while let Some(&before) = path.last().and_then(|last| reached_from.get(last)) {
                    path.push(before);
                }
                path.reverse();
                return Cycle(path);
            }
            if need != node && !reached_from.contains_key(&need) {
                reached_from.insert(need, node);
                queue.push_back(need);
            }
        }
    }
    Cycle(vec![start])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_where_it_can_be() {
        assert_eq!(sort(&[vec![], vec![0], vec![]]).unwrap(), [0, 1, 2]);
        assert_eq!(sort(&[vec![2], vec![], vec![]]).unwrap(), [1, 2, 0]);
    }

    #[test]
    fn every_cycle_is_found_with_its_shortest_way() {
        let needs = [vec![1], vec![2, 0], vec![0], vec![3], vec![0]];
        assert_eq!(sort(&needs).unwrap_err(), [Cycle(vec![0, 1]), Cycle(vec![3])]);
    }

    #[test]
    fn long_chains_do_not_recurse() {
        let chain: Vec<Vec<usize>> =
            (0..100_000).map(|i| if i == 99_999 { vec![] } else { vec![i + 1] }).collect();
        assert_eq!(sort(&chain).unwrap()[0], 99_999);
        let ring: Vec<Vec<usize>> = (0..100_000).map(|i| vec![(i + 1) % 100_000]).collect();
        assert_eq!(sort(&ring).unwrap_err()[0].0.len(), 100_000);
    }

    #[test]
    fn rows_go_both_ways() {
        let step = StepIndex::new;
        let edges = [(1, 0), (2, 1), (2, 0)].map(|(step_, need)| (step(step_), step(need)));
        let graph = Graph::new(3, edges.into_iter());
        assert_eq!(graph.needs(step(2)), [step(0), step(1)]);
        assert_eq!(graph.dependents(step(0)), [step(1), step(2)]);
        assert_eq!(graph.edges(), 3);
    }
}
