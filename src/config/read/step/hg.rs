//! The options of `hg`.

use super::source::{METHODS, checkout};
use super::{Table, one_of};
use crate::config::findings::Findings;
use crate::config::{Hg, HgBranch, StepKind};

pub(super) fn hg(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let repository = table.required("repository", findings);
    let checkout = checkout(repository, &METHODS, table, findings);
    let types = [("dirname", HgBranch::Dirname), ("inrepo", HgBranch::Inrepo)];
    let branch_type = table.node("branch_type", findings).and_then(|node| one_of(node, &types, findings));
    let clobber_on_branch_change = table.or("clobber_on_branch_change", true, findings);
    let branch_type = branch_type.unwrap_or(HgBranch::Inrepo);
    Some(StepKind::Hg(Box::new(Hg { checkout: checkout?, branch_type, clobber_on_branch_change })))
}
