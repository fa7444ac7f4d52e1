//! From the builders of the file to one node per builder: matrices are expanded, step lists taken in.

use super::Findings;
use super::findings::nearest;
use super::read::Read;
use super::substitute::Scope;
use super::yaml::{Entry, Node, Value};
use std::collections::BTreeSet;

/// The most builders that one matrix may make.
const MATRIX_LIMIT: usize = 10_000;

/// The shared lists of steps, and which of them are in use.
pub(super) struct StepLists<'a> {
    lists: &'a [Entry],
    used: BTreeSet<&'a str>,
}

impl<'a> StepLists<'a> {
    /// The lists of the file's `step_lists`.
    pub(super) fn new(node: Option<&'a Node>) -> StepLists<'a> {
        StepLists { lists: node.map(Node::entries).unwrap_or_default(), used: BTreeSet::new() }
    }

    /// Warns of lists that no builder uses: their steps are not checked.
    pub(super) fn warn_of_unused(&self, findings: &mut Findings) {
        for list in self.lists.iter().filter(|list| !self.used.contains(list.key.as_str())) {
            findings.warn(list.key_at, "no builder uses this list, so its steps are not checked", "");
        }
    }

    /// One builder of the file as one node for each cell of its matrix, with everything put in.
    pub(super) fn expand(&mut self, builder: &Node, vars: &Scope, findings: &mut Findings) -> Vec<Node> {
        let scopes = match builder.get("matrix") {
            Some(matrix) => cells(&vars.fill(matrix, findings), vars, findings),
            None => vec![vars.clone()],
        };
        scopes.iter().map(|scope| self.builder(builder, scope, findings)).collect()
    }

    /// One cell.
    fn builder(&mut self, builder: &Node, scope: &Scope, findings: &mut Findings) -> Node {
        let Value::Map(entries) = &builder.value else { return builder.clone() };
        let mut filled = Vec::new();
        for entry in entries.iter().filter(|entry| entry.key != "matrix") {
            let mut node = scope.fill(&entry.node, findings);
            if let ("steps", Value::List(steps)) = (entry.key.as_str(), &mut node.value) {
                *steps = self.take_in(std::mem::take(steps), scope, &mut Vec::new(), findings);
            }
            filled.push(Entry { node, ..entry.clone() });
        }
        Node { value: Value::Map(filled), at: builder.at }
    }

    /// Puts the steps of a list where its `use` stands. `open` are the lists that we are inside of.
    fn take_in(
        &mut self,
        steps: Vec<Node>,
        scope: &Scope,
        open: &mut Vec<&'a str>,
        findings: &mut Findings,
    ) -> Vec<Node> {
        let mut taken = Vec::new();
        for step in steps {
            let Some(wanted) = step.get("use") else {
                taken.push(step);
                continue;
            };
            for other in step.entries().iter().filter(|entry| entry.key != "use") {
                let hint = "a step list is taken in as it is";
                findings.complain(other.key_at, "nothing can stand beside `use`", hint);
            }
            let Some(name) = String::read(wanted, findings) else { continue };
            let lists = self.lists;
            let Some(list) = lists.iter().find(|list| list.key == name) else {
                let known: Vec<&str> = lists.iter().map(|list| list.key.as_str()).collect();
                findings.complain(
                    wanted.at,
                    format!("no step list is called {name:?}"),
                    nearest(&name, &known),
                );
                continue;
            };
            if open.contains(&list.key.as_str()) {
                findings.complain(wanted.at, format!("the step list {name:?} takes in itself"), "");
                continue;
            }
            self.used.insert(&list.key);
            let filled = scope.fill(&list.node, findings);
            if let Some(steps) = Vec::<Step>::read(&filled, findings) {
                open.push(&list.key);
                let steps = steps.into_iter().map(|Step(node)| node).collect();
                taken.extend(self.take_in(steps, scope, open, findings));
                open.pop();
            }
        }
        taken
    }
}

/// A step as its node.
struct Step(Node);

impl Read for Step {
    fn read(node: &Node, _: &mut Findings) -> Option<Self> {
        Some(Step(node.clone()))
    }
}

/// One assignment of values to the names of a matrix.
type Cell = Vec<(String, Node)>;

/// The cells of a matrix, each as a scope over `vars`: every combination of the values, the first name
/// changing slowest, without those that `exclude` names, and then those of `include`.
fn cells(matrix: &Node, vars: &Scope, findings: &mut Findings) -> Vec<Scope> {
    let is_axis = |entry: &&Entry| entry.key != "exclude" && entry.key != "include";
    let axes: Vec<&Entry> = matrix.entries().iter().filter(is_axis).collect();
    let mut cells: Vec<Cell> = vec![Vec::new()];
    for axis in &axes {
        let Value::List(values) = &axis.node.value else {
            findings.complain(
                axis.node.at,
                format!("it must be a list of values, not {}", axis.node.kind()),
                "",
            );
            continue;
        };
        if cells.len().saturating_mul(values.len()) > MATRIX_LIMIT {
            findings.complain(matrix.at, format!("it makes more than {MATRIX_LIMIT} builders"), "");
            return Vec::new();
        }
        let with = |cell: &Cell, value: &Node| {
            let mut cell = cell.clone();
            cell.push((axis.key.clone(), value.clone()));
            cell
        };
        cells = cells.iter().flat_map(|cell| values.iter().map(|value| with(cell, value))).collect();
    }
    if axes.is_empty() {
        cells.clear();
    }
    for excluded in listed(matrix, "exclude", &axes, findings) {
        let before = cells.len();
        cells.retain(|cell| !excluded.entries().iter().all(|entry| holds(cell, entry)));
        if cells.len() == before {
            findings.complain(excluded.at, "it excludes nothing", "no combination of the matrix is like it");
        }
    }
    for included in listed(matrix, "include", &[], findings) {
        cells.push(included.entries().iter().map(|entry| (entry.key.clone(), entry.node.clone())).collect());
    }
    if cells.is_empty() {
        findings.complain(matrix.at, "it has no combination, so it makes no builder", "");
    }
    let scope = |cell: Cell| {
        let mut scope = vars.clone();
        cell.iter().for_each(|(name, value)| scope.set(name, value));
        scope
    };
    cells.into_iter().map(scope).collect()
}

/// Whether this name has this value in the cell.
fn holds(cell: &Cell, wanted: &Entry) -> bool {
    let json = |node: &Node| serde_json::Value::read(node, &mut Findings::default());
    cell.iter().any(|(name, value)| *name == wanted.key && json(value) == json(&wanted.node))
}

/// The mappings of `exclude` or `include`; with axes, their keys must be names of the matrix.
fn listed<'a>(matrix: &'a Node, key: &str, axes: &[&Entry], findings: &mut Findings) -> Vec<&'a Node> {
    let Some(node) = matrix.get(key) else { return Vec::new() };
    let Value::List(nodes) = &node.value else {
        findings.complain(node.at, format!("it must be a list of mappings, not {}", node.kind()), "");
        return Vec::new();
    };
    let names: Vec<&str> = axes.iter().map(|axis| axis.key.as_str()).collect();
    let mut fit = Vec::new();
    for node in nodes {
        if !matches!(node.value, Value::Map(_)) {
            findings.complain(node.at, format!("it must be a mapping, not {}", node.kind()), "");
            continue;
        }
        let mut entries = node.entries().iter();
        match entries.find(|entry| !names.is_empty() && !names.contains(&entry.key.as_str())) {
            Some(wrong) => findings.complain(
                wrong.key_at,
                format!("the matrix has no `{}`", wrong.key),
                nearest(&wrong.key, &names),
            ),
            None => fit.push(node),
        }
    }
    fit
}
