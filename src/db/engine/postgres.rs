//! PostgreSQL: for more than one master, and for large sites.

use super::value::storable;
use super::{Access, DbError, Param, Row, Value};
use crate::db::config::Settings;
use bytes::BytesMut;
use postgres::error::SqlState;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Statement};
use std::collections::BTreeMap;
use std::error::Error;

/// The SQL steps, oldest first.
/// How many prepared statements a connection keeps; lists with filters come in many forms.
const STATEMENTS_KEPT: usize = 512;

pub(super) const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_initial.sql", include_str!("../../../sql/postgres/0001_initial.sql")),
    ("0002_name_ids.sql", include_str!("../../../sql/postgres/0002_name_ids.sql")),
    ("0003_packed_logs.sql", include_str!("../../../sql/postgres/0003_packed_logs.sql")),
    ("0004_worker_life.sql", include_str!("../../../sql/postgres/0004_worker_life.sql")),
    ("0005_users.sql", include_str!("../../../sql/postgres/0005_users.sql")),
    ("0006_expectations.sql", include_str!("../../../sql/postgres/0006_expectations.sql")),
    ("0007_upstreams.sql", include_str!("../../../sql/postgres/0007_upstreams.sql")),
    ("0008_waited_for.sql", include_str!("../../../sql/postgres/0008_waited_for.sql")),
    ("0009_step_links.sql", include_str!("../../../sql/postgres/0009_step_links.sql")),
];

/// See [`super::Connection::columns`].
pub(super) const COLUMNS: &str = "
    SELECT table_name::text, column_name::text,
        CASE data_type WHEN 'bigint' THEN 'int' WHEN 'bytea' THEN 'bytes' ELSE data_type::text END,
        (is_nullable = 'YES')::int
    FROM information_schema.columns WHERE table_schema = current_schema()";

/// Any number will do, as long as every master takes the same.
pub(super) const LOCK_SCHEMA: &str = "SELECT pg_advisory_xact_lock(8010)";

pub(super) struct Postgres {
    client: Client,
    /// How to connect anew.
    config: Config,
    on_connect: String,
    statements: BTreeMap<String, Statement>,
    /// The transaction that is being committed: if the connection is lost meanwhile, the server knows its fate.
    committing: Option<String>,
}

impl Postgres {
    pub(super) fn open(mut config: Config, settings: &Settings, access: Access) -> Result<Postgres, DbError> {
        let on_connect = format!(
            "SET default_transaction_read_only = {}; SET synchronous_commit = {}; SET lock_timeout = {};
             SET client_min_messages = warning",
            if access == Access::Read { "on" } else { "off" },
            if settings.durable { "on" } else { "off" },
            settings.busy_timeout.as_millis()
        );
        config.application_name("bellwether").connect_timeout(settings.busy_timeout);
        let client = connect(&config, &on_connect)?;
        Ok(Postgres { client, config, on_connect, statements: BTreeMap::new(), committing: None })
    }

    pub(super) fn run(&mut self, sql: &str) -> Result<(), DbError> {
        self.client.batch_execute(sql).map_err(outcome)
    }

    pub(super) fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, DbError> {
        let statement = self.prepared(sql)?;
        self.client.execute(&statement, &by_reference(params)).map_err(outcome)
    }

    pub(super) fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let statement = self.prepared(sql)?;
        let rows = self.client.query(&statement, &by_reference(params)).map_err(outcome)?;
        rows.into_iter()
            .map(|row| {
                let columns = (0..row.len()).map(|index| row.try_get::<_, Value>(index).map_err(outcome));
                Ok(Row::new(columns.collect::<Result<_, _>>()?))
            })
            .collect()
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement, DbError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).map_err(outcome)?;
        if self.statements.len() >= STATEMENTS_KEPT {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) fn commit(&mut self) -> Result<(), DbError> {
        let row = self.query("SELECT pg_current_xact_id_if_assigned()::text", &[])?.pop();
        self.committing = row.map(|mut row| row.take()).transpose()?.flatten();
        self.run("COMMIT")?;
        self.committing = None;
        Ok(())
    }

    pub(super) fn mend(&mut self) -> Result<bool, DbError> {
        if self.client.is_closed() {
            self.client = connect(&self.config, &self.on_connect)?;
            self.statements.clear();
        } else {
            self.run("ROLLBACK")?;
        }
        let Some(transaction) = self.committing.clone() else { return Ok(false) };
        let row = self.query("SELECT pg_xact_status($1::text::xid8)", &[Param::Text(&transaction)])?;
        let status: Option<Option<String>> = row.into_iter().next().map(|mut row| row.take()).transpose()?;
        match status.flatten().as_deref() {
            Some("in progress") => Err(DbError::Outage("the server still holds the cut transaction".into())),
            fate => {
                self.committing = None;
                Ok(fate == Some("committed"))
            }
        }
    }
}

fn connect(config: &Config, on_connect: &str) -> Result<Client, DbError> {
    let mut client = config.connect(NoTls).map_err(|error| DbError::Outage(whole(&error)))?;
    client.batch_execute(on_connect).map_err(outcome)?;
    Ok(client)
}

fn by_reference<'a>(params: &'a [Param<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|param| param as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Param<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Param::Null => Ok(IsNull::Yes),
            Param::Int(number) => match *kind {
                Type::INT8 => number.to_sql(kind, out),
                Type::INT4 => i32::try_from(*number)?.to_sql(kind, out),
                _ => Err(format!("a number for {kind}").into()),
            },
            Param::Text(text) => storable(text).to_sql(kind, out),
            Param::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Value, Box<dyn Error + Sync + Send>> {
        match *kind {
            Type::INT8 => i64::from_sql(kind, raw).map(Value::Int),
            Type::INT4 => i32::from_sql(kind, raw).map(|number| Value::Int(number.into())),
            Type::TEXT => String::from_sql(kind, raw).map(Value::Text),
            Type::BYTEA => Vec::from_sql(kind, raw).map(Value::Bytes),
            _ => Err(format!("a column of the kind {kind}, which is not used").into()),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Value, Box<dyn Error + Sync + Send>> {
        Ok(Value::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Sorts PostgreSQL's errors by the class of their code. A deadlock between two masters is an outage: the
/// transaction was rolled back, and trying again helps.
fn outcome(error: postgres::Error) -> DbError {
    let text = whole(&error);
    let Some(code) = error.code().map(SqlState::code) else {
        // Without a code: the connection's, unless a value could not be told.
        return if error.is_closed() || has_io(&error) { DbError::Outage(text) } else { DbError::Bug(text) };
    };
    match code.get(..2) {
        Some("08" | "40" | "53" | "57" | "58") => DbError::Outage(text),
        Some("23") => DbError::Refused(text),
        _ if code == "55P03" || code == "25006" => DbError::Outage(text),
        _ => DbError::Bug(text),
    }
}

fn has_io(error: &postgres::Error) -> bool {
    causes(error).any(|cause| cause.is::<std::io::Error>())
}

fn causes(error: &postgres::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

/// The error with its causes: the crate's own text says only "db error".
fn whole(error: &postgres::Error) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
