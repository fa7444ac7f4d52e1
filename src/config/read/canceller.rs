//! `old_build_cancellers`.

use super::{OneOrMany, Read, Spanned, Table};
use crate::config::condition::STAMP;
use crate::config::findings::Findings;
use crate::config::yaml::Node;
use crate::config::{Formula, Glob, OldBuildCanceller, SourceStampFilter};

/// A canceller whose builders are not resolved yet.
pub(in crate::config) struct ReadCanceller {
    /// The canceller; it has no builders yet.
    pub(in crate::config) canceller: OldBuildCanceller,
    /// The builders it names; `None` for all.
    pub(in crate::config) builders: Option<Vec<Spanned<Glob>>>,
}

impl Read for ReadCanceller {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let builders: Option<OneOrMany<Spanned<Glob>>> = table.optional("builders", findings);
        let none = SourceStampFilter::default();
        let source_stamp_filter = table.or("source_stamp_filter", none, findings);
        let key: Option<Spanned<String>> = table.optional("branch_key", findings);
        let branch_key = key.and_then(|key| {
            let complain = |why| findings.complain(key.at, format!("wrong expression: {why}"), "");
            Formula::new(&key.value, STAMP).map_err(complain).ok()
        });
        table.finish(findings);
        let canceller = OldBuildCanceller { builders: Vec::new(), source_stamp_filter, branch_key };
        Some(ReadCanceller { canceller, builders: builders.map(|builders| builders.0) })
    }
}
