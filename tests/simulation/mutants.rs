//! Faults planted on purpose, as the rows would have them if the code were wrong: a sweep that does not catch
//! them would catch nothing.

use crate::driver;
use crate::house::House;
use bellwether::config::DatabaseUrl;

/// Seeds within which a mutant has to be caught.
const SEEDS: u64 = 25;

#[derive(Clone, Copy, Debug)]
pub enum Mutant {
    /// A claim is forgotten as soon as it is made: somebody else may build the same.
    ForgetsClaims,
    /// A change that waits for its tree to be stable is forgotten.
    ForgetsWaitingChanges,
    /// The end of a build is not stored.
    ForgetsEnds,
}

impl Mutant {
    pub fn plant(self, house: &House) {
        let DatabaseUrl::Sqlite(path) = &house.running.database.url else {
            panic!("simulations run on SQLite")
        };
        let trigger = match self {
            Mutant::ForgetsClaims => {
                "AFTER UPDATE OF claimed_by ON build_requests WHEN NEW.claimed_by IS NOT NULL AND NEW.id % 3 = 0
                 BEGIN UPDATE build_requests SET claimed_by = NULL, claimed_at = NULL WHERE id = NEW.id; END"
            }
            Mutant::ForgetsWaitingChanges => {
                "AFTER INSERT ON scheduler_changes WHEN NEW.change % 3 = 0
                 BEGIN DELETE FROM scheduler_changes WHERE change = NEW.change; END"
            }
            Mutant::ForgetsEnds => {
                "AFTER UPDATE OF complete_at ON builds WHEN NEW.complete_at IS NOT NULL AND NEW.id % 3 = 0
                 BEGIN UPDATE builds SET complete_at = NULL, results = NULL WHERE id = NEW.id; END"
            }
        };
        let database = rusqlite::Connection::open(path).expect("the simulation's database");
        database
            .execute_batch(&format!("CREATE TRIGGER mutant {trigger};"))
            .expect("the trigger fits the tables");
    }
}

fn is_caught(mutant: Mutant) {
    let caught = (0..SEEDS).find_map(|seed| driver::run(seed, Some(mutant)).err());
    let broken = caught.unwrap_or_else(|| panic!("{mutant:?} lives through {SEEDS} seeds"));
    println!("{mutant:?}: {broken}");
}

#[test]
fn a_forgotten_claim_is_caught() {
    is_caught(Mutant::ForgetsClaims);
}

#[test]
fn a_forgotten_change_is_caught() {
    is_caught(Mutant::ForgetsWaitingChanges);
}

#[test]
fn a_forgotten_end_is_caught() {
    is_caught(Mutant::ForgetsEnds);
}
