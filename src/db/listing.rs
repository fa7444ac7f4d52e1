//! Lists of rows with filters, an order, and a part of them: one statement for the part, one for the count of all.

use super::engine::{Connection, DbError, Param, Row};

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Equal to one of the values.
    Eq,
    /// Equal to none of the values.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// A text that has one of the values in it.
    Contains,
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operand {
    /// Nothing.
    Null,
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
}

/// What must hold for a row. Columns are SQL of this program's own, never what a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A comparison.
    Compare {
        /// The column, or an expression of columns.
        column: &'static str,
        /// How.
        op: Op,
        /// With what: any of several.
        with: Vec<Operand>,
    },
    /// The column is there, or is not.
    There {
        /// The column.
        column: &'static str,
        /// Whether it is there.
        there: bool,
    },
}

/// Which rows, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// All of these hold.
    pub conditions: Vec<Condition>,
    /// By these columns, each with whether the largest comes first; `id` decides the rest.
    pub order: Vec<(&'static str, bool)>,
    /// How many to leave out at the beginning.
    pub offset: i64,
    /// How many to return at most.
    pub limit: i64,
}

/// Reads the rows that a listing asks for, and counts all that its conditions let through. `select` ends before its
/// `WHERE`.
pub(super) fn read<T>(
    connection: &mut Connection,
    select: &str,
    table: &str,
    listing: &Listing,
    read: impl FnMut(Row) -> Result<T, DbError>,
) -> Result<(Vec<T>, i64), DbError> {
    let mut params = Vec::new();
    let condition = condition(&listing.conditions, &mut params);
    let count = format!("SELECT COUNT(*) FROM {table} WHERE {condition}");
    let total = connection.query_one(&count, &params)?.take()?;
    let mut order: Vec<String> = listing
        .order
        .iter()
        .map(|(column, descending)| format!("{column}{}", if *descending { " DESC" } else { "" }))
        .collect();
    order.push(format!("{table}.id"));
    params.extend([Param::Int(listing.limit), Param::Int(listing.offset)]);
    let sql = format!(
        "{select} WHERE {condition} ORDER BY {} LIMIT ${} OFFSET ${}",
        order.join(", "),
        params.len() - 1,
        params.len()
    );
    Ok((connection.query_map(&sql, &params, read)?, total))
}

fn condition<'a>(conditions: &'a [Condition], params: &mut Vec<Param<'a>>) -> String {
    let mut all = vec!["1 = 1".to_owned()];
    for condition in conditions {
        all.push(match condition {
            Condition::There { column, there: true } => format!("{column} IS NOT NULL"),
            Condition::There { column, there: false } => format!("{column} IS NULL"),
            Condition::Compare { column, op, with } => {
                let each: Vec<String> = with.iter().map(|with| compare(column, *op, with, params)).collect();
                // None of them, or any of them.
                let joint = if *op == Op::Ne { " AND " } else { " OR " };
                format!("({})", each.join(joint))
            }
        });
    }
    all.join(" AND ")
}

fn compare<'a>(column: &str, op: Op, with: &'a Operand, params: &mut Vec<Param<'a>>) -> String {
    params.push(match with {
        Operand::Null => {
            return match op {
                Op::Eq => format!("{column} IS NULL"),
                Op::Ne => format!("{column} IS NOT NULL"),
                _ => "1 = 0".to_owned(),
            };
        }
        Operand::Int(n) => Param::Int(*n),
        Operand::Text(text) => Param::Text(text),
    });
    let n = params.len();
    match op {
        Op::Eq => format!("{column} = ${n}"),
        Op::Ne => format!("({column} IS NULL OR {column} <> ${n})"),
        Op::Lt => format!("{column} < ${n}"),
        Op::Le => format!("{column} <= ${n}"),
        Op::Gt => format!("{column} > ${n}"),
        Op::Ge => format!("{column} >= ${n}"),
        // What both engines have and what has no wild cards.
        Op::Contains => format!("REPLACE({column}, ${n}, '') <> {column}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_become_sql_with_parameters() {
        let any = |op, with: Vec<Operand>| Condition::Compare { column: "c", op, with };
        let (one, two) = (Operand::Int(1), Operand::Text("x' OR 1".to_owned()));
        for (condition_of, wanted, count) in [
            (any(Op::Eq, vec![one.clone(), two.clone()]), "(c = $1 OR c = $2)", 2),
            (any(Op::Ne, vec![one.clone(), Operand::Null]), "((c IS NULL OR c <> $1) AND c IS NOT NULL)", 1),
            (any(Op::Ge, vec![one]), "(c >= $1)", 1),
            (any(Op::Contains, vec![two]), "(REPLACE(c, $1, '') <> c)", 1),
            (Condition::There { column: "c", there: false }, "c IS NULL", 0),
        ] {
            let mut params = Vec::new();
            let conditions = [condition_of];
            assert_eq!(condition(&conditions, &mut params), format!("1 = 1 AND {wanted}"));
            assert_eq!(params.len(), count);
        }
    }
}
