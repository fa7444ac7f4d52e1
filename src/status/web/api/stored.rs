//! Resources of which there are many: filtered, sorted and cut by the database.

use super::Listed;
use super::fields::{BUILD, BUILDSET, CHANGE, Kind, REQUEST, Resource, STEP};
use super::names::{self, Ids};
use super::query::{Query, typed};
use super::resolve::{self, BuildRef, Parent};
use super::rows;
use crate::db::listing::{Condition, Listing, Op, Operand};
use crate::db::{builds, buildsets, changes, expectations, requests, sourcestamps, steps};
use crate::model::{Build, BuildId, BuildsetId, ChangeId, RequestId, StepId, Wall};
use crate::status::web::app::App;
use crate::status::web::fault::Fault;
use serde_json::Value;
use std::collections::BTreeMap;

/// The listing that a query asks of a resource's rows.
fn listing(query: &Query, resource: &Resource, builders: &Ids, workers: &Ids) -> Result<Listing, Fault> {
    let mut listing = Listing { limit: query.rows(), offset: query.offset(), ..Listing::default() };
    for (name, op, values) in &query.filters {
        let field = query.field(resource, name)?;
        if field.column.is_empty() {
            return Err(Fault::Bad(format!("{name}: this field cannot be filtered")));
        }
        let column = field.column;
        let mut with = Vec::with_capacity(values.len());
        for value in values {
            with.push(match (field.kind, typed(field, value)?) {
                (Kind::Builder, Value::Number(id)) => named(builders, &id),
                (Kind::Worker, Value::Number(id)) => named(workers, &id),
                (_, Value::Null) => Operand::Null,
                (_, Value::Bool(is)) => Operand::Int(i64::from(is)),
                (_, Value::Number(number)) => Operand::Int(number.as_i64().unwrap_or(i64::MAX)),
                (_, other) => Operand::Text(other.as_str().unwrap_or_default().to_owned()),
            });
        }
        let by_equality = matches!(op, Op::Eq | Op::Ne);
        match field.kind {
            Kind::Flag if by_equality => {
                let there = |yes: bool| Condition::There { column, there: yes == (*op == Op::Eq) };
                // Both values at once: all rows for "any of", none for "none of".
                let first = with.first() == Some(&Operand::Int(1));
                if with.iter().all(|one| *one == with[0]) {
                    listing.conditions.push(there(first));
                } else if *op == Op::Ne {
                    listing.conditions.extend([there(true), there(false)]);
                }
            }
            Kind::Builder | Kind::Worker | Kind::Flag if !by_equality => {
                return Err(Fault::Bad(format!("{name}: it can only be equal or not")));
            }
            Kind::Number | Kind::Time if *op == Op::Contains => {
                return Err(Fault::Bad(format!("{name}: a number contains nothing")));
            }
            _ => listing.conditions.push(Condition::Compare { column, op: *op, with }),
        }
    }
    for (name, descending) in &query.order {
        let field = query.field(resource, name)?;
        if field.column.is_empty() {
            return Err(Fault::Bad(format!("order: the list cannot be sorted by {name}")));
        }
        listing.order.push((field.column, *descending));
    }
    Ok(listing)
}

/// The name with this number; one that no row has, if there is none.
fn named(ids: &Ids, id: &serde_json::Number) -> Operand {
    let name = id.as_i64().and_then(|id| ids.by_id(id));
    // Every builder and worker has a name.
    Operand::Text(name.unwrap_or_default().to_owned())
}

fn equals(column: &'static str, with: Operand) -> Condition {
    Condition::Compare { column, op: Op::Eq, with: vec![with] }
}

/// How many seconds a build has left, if it runs and that can be told.
fn left(ends: &BTreeMap<BuildId, Wall>, build: &Build, now: Wall) -> Option<f64> {
    Some(ends.get(&build.id)?.seconds_after(now))
}

pub(super) async fn builds(app: &App, parent: Parent, query: Query) -> Result<Listed, Fault> {
    let now = app.site.now();
    let (builders, workers) = (names::builders(app).await?, names::workers(app).await?);
    let mut listing = listing(&query, &BUILD, &builders, &workers)?;
    match parent {
        Parent::Any => {}
        Parent::Builder(part) => {
            let name = resolve::builder(app, &part).await?;
            listing.conditions.push(equals("builder", Operand::Text(name)));
        }
        Parent::Worker(part) => {
            let name = resolve::worker(app, &part).await?;
            listing.conditions.push(equals("worker", Operand::Text(name)));
        }
        Parent::Request(id) => listing.conditions.push(equals("request", Operand::Int(id))),
        Parent::Change(id) => {
            let found = app.read(move |connection| {
                let found = builds::of_change(connection, ChangeId(id))?;
                Ok((expectations::ends_of(connection, &found, now)?, found))
            });
            let (ends, found) = found.await?;
            let rows =
                found.iter().map(|build| rows::build(build, left(&ends, build, now), &builders, &workers));
            return query.list(&BUILD, rows.collect());
        }
    }
    let with_properties = !query.properties.is_empty();
    let found = app.read(move |connection| {
        let (found, total) = builds::list(connection, &listing)?;
        let mut properties = Vec::new();
        if with_properties {
            for build in &found {
                properties.push(builds::properties(connection, build.id)?);
            }
        }
        Ok((expectations::ends_of(connection, &found, now)?, found, total, properties))
    });
    let (ends, found, total, properties) = found.await?;
    let rows = found.iter().map(|build| rows::build(build, left(&ends, build, now), &builders, &workers));
    let mut rows: Vec<Value> = rows.collect();
    for (row, properties) in rows.iter_mut().zip(&properties) {
        row["properties"] = rows::some_properties(properties, &query.properties);
    }
    query.answer(&BUILD, rows, total)
}

pub(super) async fn build(app: &App, which: BuildRef, query: Query) -> Result<Listed, Fault> {
    let build = resolve::build(app, which).await?;
    let (builders, workers) = (names::builders(app).await?, names::workers(app).await?);
    let (now, of) = (app.site.now(), build.id);
    let end = app.read(move |connection| expectations::end_of(connection, of, now)).await?;
    let mut row = rows::build(&build, end.map(|end| end.seconds_after(now)), &builders, &workers);
    if !query.properties.is_empty() {
        let all = app.read(move |connection| builds::properties(connection, build.id)).await?;
        row["properties"] = rows::some_properties(&all, &query.properties);
    }
    query.one(&BUILD, row)
}

pub(super) async fn build_properties(app: &App, which: BuildRef) -> Result<Listed, Fault> {
    let build = resolve::build(app, which).await?;
    let all = app.read(move |connection| builds::properties(connection, build.id)).await?;
    Ok(Listed::one("properties", rows::properties(&all)))
}

pub(super) async fn build_changes(app: &App, which: BuildRef, query: Query) -> Result<Listed, Fault> {
    let build = resolve::build(app, which).await?;
    let found = app.read(move |connection| changes::of_buildset(connection, build.buildset)).await?;
    query.list(&CHANGE, found.iter().map(rows::change).collect())
}

pub(super) async fn steps(app: &App, which: BuildRef, query: Query) -> Result<Listed, Fault> {
    let build = resolve::build(app, which).await?;
    let found = app.read(move |connection| steps::of_build(connection, build.id)).await?;
    query.list(&STEP, found.iter().map(rows::step).collect())
}

pub(super) async fn step(app: &App, id: i64, query: Query) -> Result<Listed, Fault> {
    let found = app.read(move |connection| steps::get(connection, StepId(id))).await?;
    query.one(&STEP, rows::step(&found.ok_or_else(|| Fault::no("step", id))?))
}

pub(super) async fn requests(app: &App, builder: Option<String>, query: Query) -> Result<Listed, Fault> {
    let builders = names::builders(app).await?;
    let mut listing = listing(&query, &REQUEST, &builders, &Ids::default())?;
    if let Some(part) = builder {
        let name = resolve::builder(app, &part).await?;
        listing.conditions.push(equals("builder", Operand::Text(name)));
    }
    let (found, total) = app.read(move |connection| requests::list(connection, &listing)).await?;
    query.answer(&REQUEST, found.iter().map(|request| rows::request(request, &builders)).collect(), total)
}

pub(super) async fn request(app: &App, id: i64, query: Query) -> Result<Listed, Fault> {
    let builders = names::builders(app).await?;
    let found = app.read(move |connection| requests::get(connection, RequestId(id))).await?;
    query.one(&REQUEST, rows::request(&found.ok_or_else(|| Fault::no("build request", id))?, &builders))
}

pub(super) async fn buildsets(app: &App, query: Query) -> Result<Listed, Fault> {
    let listing = listing(&query, &BUILDSET, &Ids::default(), &Ids::default())?;
    let found = app.read(move |connection| {
        let (found, total) = buildsets::list(connection, &listing)?;
        let mut rows = Vec::with_capacity(found.len());
        for buildset in found {
            rows.push(rows::buildset(&buildset, &sourcestamps::with_ids(connection, buildset.id)?));
        }
        Ok((rows, total))
    });
    let (rows, total) = found.await?;
    query.answer(&BUILDSET, rows, total)
}

pub(super) async fn buildset(app: &App, id: i64, query: Query) -> Result<Listed, Fault> {
    let found = app.read(move |connection| {
        let Some(buildset) = buildsets::get(connection, BuildsetId(id))? else { return Ok(None) };
        Ok(Some(rows::buildset(&buildset, &sourcestamps::with_ids(connection, buildset.id)?)))
    });
    query.one(&BUILDSET, found.await?.ok_or_else(|| Fault::no("buildset", id))?)
}

pub(super) async fn buildset_properties(app: &App, id: i64) -> Result<Listed, Fault> {
    let found = app.read(move |connection| buildsets::get(connection, BuildsetId(id))).await?;
    let found = found.ok_or_else(|| Fault::no("buildset", id))?;
    Ok(Listed::one("properties", rows::properties(&found.properties)))
}

pub(super) async fn changes(app: &App, query: Query) -> Result<Listed, Fault> {
    let listing = listing(&query, &CHANGE, &Ids::default(), &Ids::default())?;
    let (found, total) = app.read(move |connection| changes::list(connection, &listing)).await?;
    query.answer(&CHANGE, found.iter().map(rows::change).collect(), total)
}

pub(super) async fn change(app: &App, id: i64, query: Query) -> Result<Listed, Fault> {
    let found = app.read(move |connection| changes::get(connection, ChangeId(id))).await?;
    query.one(&CHANGE, rows::change(&found.ok_or_else(|| Fault::no("change", id))?))
}
