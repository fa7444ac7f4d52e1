//! The housekeeper: packs the logs that are complete, a block at a time, whenever nothing more urgent waits.
//!
//! Thread `db-keeper`, rank 22, at the lowest priority of the operating system; it waits for the reader and the
//! writer and tells nobody. What it is doing is in the rows, so it may be killed at any moment.

use super::{DbError, Handle, packing};
use crate::config::Config;
use crate::kernel::{Ranked, Service, Turn, rank};
use crate::model::Mono;
use std::sync::Arc;
use std::time::Duration;

/// How long after there was nothing to do, or the database was out of reach, it looks again.
const PAUSE: Duration = Duration::from_secs(10);

/// How long it steps aside for others who write.
const STEP_ASIDE: Duration = Duration::from_secs(1);

/// As long as more bytes than this wait for their commit, others write.
const OTHERS_WRITE_BYTES: usize = 256 << 10;

/// The housekeeper.
pub struct Keeper {
    db: Handle<Keeper>,
    next: Option<Mono>,
}

/// What it can be told: nothing.
#[derive(Debug)]
pub enum KeeperMsg {}

impl Keeper {
    /// A housekeeper of this database. It begins when a configuration is in force.
    pub fn new(db: Handle<Keeper>) -> Keeper {
        Keeper { db, next: None }
    }

    /// Packs one block; whether there may be more to do.
    fn pack(&self) -> Result<bool, DbError> {
        let found = self.db.read(|connection| {
            let Some(log) = packing::next_log(connection)? else { return Ok(None) };
            Ok(Some((log, packing::next_block(connection, log)?)))
        })?;
        match found {
            None => Ok(false),
            Some((log, None)) => self.db.write(move |tx| packing::finish(tx, log)).map(|()| true),
            Some((_, Some(mut block))) => {
                block.compress()?;
                self.db.write(move |tx| block.store(tx)).map(|()| true)
            }
        }
    }
}

impl Ranked for Keeper {
    const RANK: u8 = rank::KEEPER;
    const NAME: &'static str = "db-keeper";
}

impl Service for Keeper {
    type Msg = KeeperMsg;

    const IN_BACKGROUND: bool = true;

    fn apply(&mut self, _: &Arc<Config>, turn: &mut Turn) {
        self.next = Some(turn.now());
    }

    fn handle(&mut self, msg: KeeperMsg, _: &mut Turn) {
        match msg {}
    }

    fn next_wake(&self) -> Option<Mono> {
        self.next
    }

    fn wake(&mut self, turn: &mut Turn) {
        let pause = if self.db.backlog().bytes() > OTHERS_WRITE_BYTES {
            STEP_ASIDE
        } else {
            match self.pack() {
                Ok(true) => Duration::ZERO,
                Ok(false) => PAUSE,
                Err(error) => {
                    slog::warn!(turn.log(), "a log was not packed"; "error" => %error);
                    PAUSE
                }
            }
        };
        self.next = Some(turn.now() + pause);
    }
}
