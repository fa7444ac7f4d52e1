//! What must hold, once all is calm, of builds that triggered others (`N-SC-10`).

use crate::house::House;
use bellwether::db::{DbError, builds, buildsets, steps};
use bellwether::model::{Build, Results};

/// How many buildsets a finished trigger of each of these builders has made.
const TRIGGERED: [(&str, usize); 3] = [("top", 2), ("middle", 1), ("herald", 1)];

fn read<R>(outcome: Result<R, DbError>) -> Result<R, String> {
    outcome.map_err(|error| format!("the database cannot be read: {error}"))
}

/// No triggered buildset is lost, none outlives the parent that waited for it, and what a parent says of its children is
/// what became of them. Returns how many parents waited to a good or bad end.
pub fn check_families(house: &House) -> Result<u64, String> {
    let mut waited = 0;
    for (builder, count) in TRIGGERED {
        let filter = builds::Filter { builder: Some(builder.to_owned()), ..builds::Filter::default() };
        for parent in read(house.tree.db.builds().recent(filter, u32::MAX))? {
            waited += u64::from(check_family(house, &parent, count)?);
        }
    }
    Ok(waited)
}

fn check_family(house: &House, parent: &Build, count: usize) -> Result<bool, String> {
    let id = parent.id;
    let (children, steps) = read(house.tree.db.read(move |connection| {
        Ok((buildsets::of_parent(connection, id)?, steps::of_build(connection, id)?))
    }))?;
    let name = format!("{}/{}", parent.builder, parent.number);
    let Some(step) = steps.last().filter(|step| step.name == "trigger") else { return Ok(false) };
    // One that was stopped or lost may have done so before, between or after.
    if !matches!(step.results, Some(Results::Success | Results::Failure | Results::Exception)) {
        return Ok(false);
    }
    if children.len() != count {
        return Err(format!("{name} triggered {} buildsets, not {count}: {children:#?}", children.len()));
    }
    let waits = parent.builder != "herald";
    if children.iter().any(|child| child.parent_build.is_none_or(|parent| parent.waits != waits)) {
        return Err(format!("{name} is not well told of by its children: {children:#?}"));
    }
    if !waits {
        return Ok(false);
    }
    let is_late = |at| at > step.complete_at;
    if children.iter().any(|child| child.complete_at.is_none() || is_late(child.complete_at)) {
        return Err(format!("{name} did not wait for its children: {step:#?} {children:#?}"));
    }
    let important = children.iter().filter(|child| parent.builder != "top" || child.scheduler == "nest");
    let worst = important.filter_map(|child| child.results).fold(Results::Success, Results::worst);
    if step.results != Some(worst) {
        return Err(format!("{name} ended as {:?}, its children as {worst}", step.results));
    }
    Ok(true)
}
