//! The database room, every test on SQLite in a file and on a PostgreSQL server that the tests start themselves.

mod builds;
mod changes;
mod commits;
mod cutter;
mod engines;
mod expectations;
mod lists;
mod logs;
mod outages;
mod packing;
mod recovery;
mod requests;
mod rows;
mod schedulers;
mod schema;
mod server;
mod users;
mod waiting;
mod workers;
