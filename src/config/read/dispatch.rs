//! How a builder's requests are dropped for newer ones.

use super::{Read, condition};
use crate::config::findings::Findings;
use crate::config::yaml::{Node, Value};
use crate::config::{COLLAPSE_REQUESTS, Collapse};

impl Read for Collapse {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        match node.value {
            Value::Bool(true) => Some(Collapse::Alike),
            Value::Bool(false) => Some(Collapse::Never),
            _ => condition(node, COLLAPSE_REQUESTS, findings).map(Collapse::If),
        }
    }
}
