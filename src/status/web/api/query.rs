//! The arguments of a list: filters, order, part, fields (`N-DA-04` to `N-DA-11`). Pure.

use super::Listed;
use super::fields::{Field, Kind, Resource};
use crate::db::listing::Op;
use crate::status::limits::API_ROWS;
use crate::status::web::fault::Fault;
use crate::status::web::forms;
use serde_json::Value;
use std::cmp::Ordering;

/// What a query string asks for.
#[derive(Debug, Default)]
pub(super) struct Query {
    /// Each field with how it is compared and with what, as sent.
    pub(super) filters: Vec<(String, Op, Vec<String>)>,
    /// Each field with whether the largest comes first.
    pub(super) order: Vec<(String, bool)>,
    fields: Vec<String>,
    /// Properties to add to builds; `*` for all.
    pub(super) properties: Vec<String>,
    limit: Option<i64>,
    offset: Option<i64>,
}

fn bad(what: impl Into<String>) -> Fault {
    Fault::Bad(what.into())
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Query, Fault> {
        let mut query = Query::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (forms::decode(name.as_bytes())?, forms::decode(value.as_bytes())?);
            let number = |value: &str| {
                let number = value.parse().ok().filter(|number: &i64| *number >= 0);
                number.ok_or_else(|| bad(format!("{name}: {value:?} is no number from 0 on")))
            };
            match name.as_str() {
                "limit" => query.limit = Some(number(&value)?),
                "offset" => query.offset = Some(number(&value)?),
                "field" => query.fields.push(value),
                "property" => query.properties.push(value),
                "order" => query.order.push(match value.strip_prefix('-') {
                    Some(field) => (field.to_owned(), true),
                    None => (value, false),
                }),
                _ => query.filter(&name, value)?,
            }
        }
        Ok(query)
    }

    fn filter(&mut self, name: &str, value: String) -> Result<(), Fault> {
        let (field, op) = match name.split_once("__") {
            None => (name, Op::Eq),
            Some((field, op)) => {
                let op = match op {
                    "eq" | "in" => Op::Eq,
                    "ne" | "notin" => Op::Ne,
                    "lt" => Op::Lt,
                    "le" => Op::Le,
                    "gt" => Op::Gt,
                    "ge" => Op::Ge,
                    "contains" => Op::Contains,
                    _ => return Err(bad(format!("{name}: there is no way {op:?} to compare"))),
                };
                (field, op)
            }
        };
        match self.filters.iter_mut().find(|(known, with, _)| known == field && *with == op) {
            Some((.., values)) => values.push(value),
            None => self.filters.push((field.to_owned(), op, vec![value])),
        }
        Ok(())
    }

    /// How many rows at most; `None`: it was not said.
    pub(super) fn limit(&self) -> Option<i64> {
        self.limit
    }

    /// The argument of this name, where it is no field.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        let given = self.filters.iter().find(|(known, op, _)| known == name && *op == Op::Eq);
        given.and_then(|(.., values)| values.first()).map(String::as_str)
    }

    /// How many rows to answer at most.
    pub(super) fn rows(&self) -> i64 {
        let most = i64::try_from(API_ROWS).unwrap_or(i64::MAX);
        self.limit.unwrap_or(most).min(most)
    }

    /// How many rows to leave out.
    pub(super) fn offset(&self) -> i64 {
        self.offset.unwrap_or(0)
    }

    /// Refuses what a single item has no use for, and fields that it has not.
    pub(super) fn one(&self, resource: &Resource, row: Value) -> Result<Listed, Fault> {
        if let Some((field, ..)) = self.filters.first() {
            return Err(bad(format!("{field}: a single item has no filters")));
        }
        Ok(Listed::one(resource.plural, self.selected(resource, row)?))
    }

    /// Filters, sorts and cuts a list that is in memory.
    pub(super) fn list(&self, resource: &Resource, mut rows: Vec<Value>) -> Result<Listed, Fault> {
        for (name, op, values) in &self.filters {
            let field = self.field(resource, name)?;
            let wanted = values.iter().map(|value| typed(field, value)).collect::<Result<Vec<_>, _>>()?;
            rows.retain(|row| holds(&row[field.name], *op, &wanted));
        }
        for (name, descending) in self.order.iter().rev() {
            let field = self.field(resource, name)?;
            rows.sort_by(|a, b| {
                let order = compare(&a[field.name], &b[field.name]);
                if *descending { order.reverse() } else { order }
            });
        }
        let total = rows.len() as i64;
        let offset = usize::try_from(self.offset()).unwrap_or(usize::MAX);
        let limit = usize::try_from(self.rows()).unwrap_or(usize::MAX);
        let rows = rows.into_iter().skip(offset).take(limit);
        self.answer(resource, rows.collect(), total)
    }

    /// The answer of a list that was filtered, sorted and cut already.
    pub(super) fn answer(&self, resource: &Resource, rows: Vec<Value>, total: i64) -> Result<Listed, Fault> {
        let rows = rows.into_iter().map(|row| self.selected(resource, row)).collect::<Result<_, _>>()?;
        Ok(Listed { plural: resource.plural, rows, total: Some(total) })
    }

    /// The field of this name, if it is selected.
    pub(super) fn field<'a>(&self, resource: &'a Resource, name: &str) -> Result<&'a Field, Fault> {
        let is_selected = self.fields.is_empty() || self.fields.iter().any(|field| field == name);
        let field = resource.fields.iter().find(|field| field.name == name).filter(|_| is_selected);
        field.ok_or_else(|| bad(format!("{name}: {} have no such field here", resource.plural)))
    }

    fn selected(&self, resource: &Resource, mut row: Value) -> Result<Value, Fault> {
        if !self.fields.is_empty() {
            for name in &self.fields {
                self.field(resource, name)?;
            }
            if let Some(row) = row.as_object_mut() {
                row.retain(|name, _| self.fields.contains(name));
            }
        }
        Ok(row)
    }
}

/// A value as a field of this kind has it.
pub(super) fn typed(field: &Field, value: &str) -> Result<Value, Fault> {
    let wrong = |what: &str| bad(format!("{}: {value:?} is no {what}", field.name));
    Ok(match field.kind {
        Kind::Number | Kind::Time | Kind::Builder | Kind::Worker => match value {
            "null" => Value::Null,
            value => Value::from(value.parse::<i64>().map_err(|_| wrong("number"))?),
        },
        Kind::Flag => match value.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Value::Bool(true),
            "false" | "off" | "no" | "0" => Value::Bool(false),
            _ => return Err(wrong("truth value")),
        },
        Kind::Text => Value::from(value),
        Kind::List | Kind::Other => Value::from(value),
    })
}

fn holds(value: &Value, op: Op, wanted: &[Value]) -> bool {
    let any = |test: &dyn Fn(&Value) -> bool| wanted.iter().any(test);
    let ordered = |test: fn(Ordering) -> bool| any(&|one| !value.is_null() && test(compare(value, one)));
    match op {
        Op::Eq => any(&|one| value == one),
        Op::Ne => !any(&|one| value == one),
        Op::Lt => ordered(Ordering::is_lt),
        Op::Le => ordered(Ordering::is_le),
        Op::Gt => ordered(Ordering::is_gt),
        Op::Ge => ordered(Ordering::is_ge),
        Op::Contains => any(&|one| match (value, one) {
            (Value::Array(all), one) => all.contains(one),
            (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
            _ => false,
        }),
    }
}

/// Null comes first, then by number or by text.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.as_i64().cmp(&b.as_i64()),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (a, b) => a.to_string().cmp(&b.to_string()),
    }
}
