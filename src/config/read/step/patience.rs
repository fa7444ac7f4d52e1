//! The options of every step about time.

use super::{Read, Table};
use crate::config::findings::Findings;
use crate::config::yaml::Node;
use crate::config::{Patience, Retry, StepKind};
use std::time::Duration;

/// Reads them, for a step of this kind.
pub(super) fn patience(kind: &StepKind, table: &mut Table, findings: &mut Findings) -> Patience {
    let usual = Patience::usual(kind);
    Patience {
        timeout: table.nullable_or("timeout", usual.timeout, findings),
        max_time: table.nullable_or("max_time", usual.max_time, findings),
        retry: table.optional("retry", findings),
    }
}

impl Read for Retry {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let count = table.required("count", findings);
        let delay = table.or("delay", Duration::ZERO, findings);
        table.finish(findings);
        Some(Retry { count: count?, delay })
    }
}
