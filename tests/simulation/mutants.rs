//! Faults planted on purpose, as the rows and the instances would have them if the code were wrong: a sweep that does not catch
//! them would catch nothing.

use crate::driver;
use crate::house::House;
use bellwether::config::DatabaseUrl;

/// Seeds within which a mutant has to be caught.
const SEEDS: u64 = 25;

/// What a master with the fault forgets.
#[derive(Clone, Copy, Debug)]
pub enum Forgets {
    /// A claim, as soon as it is made: somebody else may build the same.
    Claims,
    /// A change that waits for its tree to be stable.
    WaitingChanges,
    /// The end of a build.
    Ends,
    /// To stop an instance, now and then.
    Instances,
    /// To remove what another life has left of an instance.
    Leftovers,
}

impl Forgets {
    pub fn plant(self, house: &House) {
        let DatabaseUrl::Sqlite(path) = &house.running.database.url else {
            panic!("simulations run on SQLite")
        };
        let trigger = match self {
            Forgets::Claims => {
                "AFTER UPDATE OF claimed_by ON build_requests WHEN NEW.claimed_by IS NOT NULL AND NEW.id % 3 = 0
                 BEGIN UPDATE build_requests SET claimed_by = NULL, claimed_at = NULL WHERE id = NEW.id; END"
            }
            Forgets::WaitingChanges => {
                "AFTER INSERT ON scheduler_changes WHEN NEW.change % 3 = 0
                 BEGIN DELETE FROM scheduler_changes WHERE change = NEW.change; END"
            }
            Forgets::Ends => {
                "AFTER UPDATE OF complete_at ON builds WHEN NEW.complete_at IS NOT NULL AND NEW.id % 3 = 0
                 BEGIN UPDATE builds SET complete_at = NULL, results = NULL WHERE id = NEW.id; END"
            }
            // Those are the cloud's.
            Forgets::Instances | Forgets::Leftovers => return,
        };
        let database = rusqlite::Connection::open(path).expect("the simulation's database");
        database
            .execute_batch(&format!("CREATE TRIGGER mutant {trigger};"))
            .expect("the trigger fits the tables");
    }
}

fn is_caught(mutant: Forgets) {
    let caught = (0..SEEDS).find_map(|seed| driver::run(seed, Some(mutant)).err());
    assert!(caught.is_some(), "a master that forgets {mutant:?} lives through {SEEDS} seeds");
}

#[test]
fn a_forgotten_claim_is_caught() {
    is_caught(Forgets::Claims);
}

#[test]
fn a_forgotten_change_is_caught() {
    is_caught(Forgets::WaitingChanges);
}

#[test]
fn a_forgotten_end_is_caught() {
    is_caught(Forgets::Ends);
}

#[test]
fn a_forgotten_instance_is_caught() {
    is_caught(Forgets::Instances);
}

#[test]
fn a_forgotten_leftover_is_caught() {
    is_caught(Forgets::Leftovers);
}
