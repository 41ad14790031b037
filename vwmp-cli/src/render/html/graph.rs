//! The steps of a plan as a drawing: layers from left to right, each step behind all that it needs.

use serde::Serialize;
use vwmp_core::plan::{Plan, StepIndex};

/// Where everything is, in pixels.
#[derive(Debug, Serialize)]
pub(super) struct Drawing {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The corner of each step, in the plan's order.
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Node {
    pub(super) x: usize,
    pub(super) y: usize,
}

/// A curve from the right side of a step to the left side of one that needs it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Edge {
    x1: usize,
    y1: usize,
    x2: usize,
    y2: usize,
    /// How far the curve swings.
    bend: usize,
}

/// The size of a step.
pub(super) const NODE: (usize, usize) = (160, 26);
/// From a step to the next.
const CELL: (usize, usize) = (204, 34);
const MARGIN: usize = 12;
/// A layer with more steps takes several columns.
const MOST_ROWS: usize = 40;
/// More columns are drawn in several bands, one below the other, as text is.
const MOST_COLUMNS: usize = 30;
const BAND_GAP: usize = 30;
/// How often the order within the layers is improved.
const SWEEPS: usize = 4;

/// Lays a plan out. The cost is that of its edges, times a constant.
pub(super) fn draw(plan: &Plan) -> Drawing {
    let layers = ordered(plan, layers(plan));
    let columns: Vec<&[usize]> = layers.iter().flat_map(|layer| layer.chunks(rows(layer.len()))).collect();
    let mut nodes = vec![Node::default(); plan.steps().len()];
    let (mut top, mut width) = (MARGIN, 0);
    for band in columns.chunks(band(columns.len())) {
        for (column, steps) in band.iter().enumerate() {
            for (row, step) in steps.iter().enumerate() {
                nodes[*step] = Node { x: MARGIN + column * CELL.0, y: top + row * CELL.1 };
            }
        }
        width = width.max(2 * MARGIN + (band.len() - 1) * CELL.0 + NODE.0);
        top += band.iter().map(|steps| steps.len()).max().unwrap_or_default() * CELL.1 + BAND_GAP;
    }
    let height = top.saturating_sub(BAND_GAP) + MARGIN;
    Drawing { width, height, edges: edges(plan, &nodes), nodes }
}

/// Full columns of equal length, rather than a full one and a short one.
fn rows(steps: usize) -> usize {
    steps.div_ceil(steps.div_ceil(MOST_ROWS).max(1)).max(1)
}

fn band(columns: usize) -> usize {
    if columns > MOST_COLUMNS * 3 / 2 { MOST_COLUMNS } else { columns.max(1) }
}

/// The layer of each step: one more than the highest of those it needs. `finally` comes after all.
fn layers(plan: &Plan) -> Vec<Vec<usize>> {
    let mut layer_of: Vec<usize> = Vec::with_capacity(plan.steps().len());
    let mut layers: Vec<Vec<usize>> = Vec::new();
    let mut finally_from = None;
    for (step, _) in plan.indexed() {
        let base = if plan.is_finally(step) { *finally_from.get_or_insert(layers.len()) } else { 0 };
        let behind = plan.needs(step).iter().map(|need| layer_of[need.get()] + 1).max();
        let layer = behind.unwrap_or_default().max(base);
        layer_of.push(layer);
        if layers.len() <= layer {
            layers.resize_with(layer + 1, Vec::new);
        }
        layers[layer].push(step.get());
    }
    layers
}

/// Each layer in the order of what its steps are connected with, so that few edges cross.
fn ordered(plan: &Plan, mut layers: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
    let steps = plan.steps().len();
    let mut dependents: Vec<Vec<StepIndex>> = vec![Vec::new(); steps];
    for (step, _) in plan.indexed() {
        plan.needs(step).iter().for_each(|need| dependents[need.get()].push(step));
    }
    let needs: Vec<Vec<StepIndex>> = plan.indexed().map(|(step, _)| plan.needs(step).to_vec()).collect();
    let mut place = vec![0.0; steps];
    layers.iter().for_each(|layer| note(layer, &mut place));
    for sweep in 0..SWEEPS {
        let forward = sweep % 2 == 0;
        let neighbours = if forward { &needs } else { &dependents };
        let order: Vec<usize> =
            if forward { (0..layers.len()).collect() } else { (0..layers.len()).rev().collect() };
        for layer in order {
            sort(&mut layers[layer], neighbours, &place);
            note(&layers[layer], &mut place);
        }
    }
    layers
}

/// Sorts a layer by the middle of its steps' neighbours; who has none stays about where it is.
fn sort(layer: &mut [usize], neighbours: &[Vec<StepIndex>], place: &[f64]) {
    let middle = |step: usize| match neighbours[step].as_slice() {
        [] => place[step],
        these => these.iter().map(|one| place[one.get()]).sum::<f64>() / these.len() as f64,
    };
    layer.sort_by_cached_key(|step| (ordinal(middle(*step)), *step));
}

/// A number between 0 and 1 as one that can be sorted.
fn ordinal(place: f64) -> u64 {
    (place * 1e12) as u64
}

/// Where the steps of a layer are in it, from 0 to 1.
fn note(layer: &[usize], place: &mut [f64]) {
    for (row, step) in layer.iter().enumerate() {
        place[*step] = (row as f64 + 0.5) / layer.len() as f64;
    }
}

fn edges(plan: &Plan, nodes: &[Node]) -> Vec<Edge> {
    let between = |need: StepIndex, step: StepIndex| {
        let (from, to) = (nodes[need.get()], nodes[step.get()]);
        let (x1, x2) = (from.x + NODE.0, to.x);
        let (y1, y2) = (from.y + NODE.1 / 2, to.y + NODE.1 / 2);
        Edge { x1, y1, x2, y2, bend: (x1.abs_diff(x2) / 2).clamp(24, 120) }
    };
    plan.indexed()
        .flat_map(|(step, _)| plan.needs(step).iter().map(move |need| between(*need, step)))
        .collect()
}
