//! Which requests a builder drops for newer ones, which it builds next, and where.

use super::{Read, Table, condition, one_of};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{CAN_START_BUILD, COLLAPSE_REQUESTS, Collapse, NEXT_BUILD, NextBuild, NextWorker};

impl Read for Collapse {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match node.value {
            Value::Bool(true) => Some(Collapse::Alike),
            Value::Bool(false) => Some(Collapse::Never),
            _ => condition(node, COLLAPSE_REQUESTS, findings).map(Collapse::If),
        }
    }
}

impl Read for NextBuild {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            let newest = one_of(node, &[("oldest", false), ("newest", true)], findings)?;
            return Some(if newest { NextBuild::Newest } else { NextBuild::Oldest });
        }
        let mut table = Table::open(node, findings)?;
        let prefer = table.node("prefer", findings);
        if prefer.is_none() {
            table.missing("prefer", findings);
        }
        let prefer = prefer.and_then(|node| condition(node, NEXT_BUILD, findings));
        table.finish(findings);
        prefer.map(NextBuild::Prefer)
    }
}

impl Read for NextWorker {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            let words = [("least_busy", 0), ("random", 1), ("in_order", 2), ("last_used", 3)];
            return Some(match one_of(node, &words, findings)? {
                0 => NextWorker::LeastBusy,
                1 => NextWorker::Random,
                2 => NextWorker::InOrder,
                _ => NextWorker::LastUsed,
            });
        }
        let mut table = Table::open(node, findings)?;
        let prefer = table.node("prefer", findings);
        let chosen = match prefer {
            Some(node) => condition(node, CAN_START_BUILD, findings).map(NextWorker::Prefer),
            None => table.required("property", findings).map(NextWorker::Property),
        };
        table.finish(findings);
        chosen
    }
}
