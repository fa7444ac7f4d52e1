//! Serves the pages on example data, to look at them: `cargo run --example showcase -- 127.0.0.1:8099`. Its running
//! builds go on talking. A second argument adds that many builders, to see how fast large pages are.

#[path = "../tests/web/sample.rs"]
mod sample;
#[path = "../tests/web/site.rs"]
mod site;

use bellwether::db::{Handle, buildsets, requests};
use bellwether::kernel::{Control, World};
use bellwether::model::{Event, Lines, NewBuildset, Properties, Results, SourceStamp};
use std::time::Duration;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8099".to_owned());
    let extra: usize = arguments.next().map_or(0, |count| count.parse().expect("a number of builders"));
    let names: Vec<String> = (0..extra).map(|n| format!("extra-{n:04}")).collect();
    let mut config = sample::CONFIG.to_owned();
    for name in &names {
        config +=
            &format!("  - {{name: {name}, workers: [fedora-43], tags: [extra], steps: [{{shell: make}}]}}\n");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let site = site::Site::start(folder.path(), &config, &listen);
    sample::Sample::fill(&site.db, &site.rooms, World::real().wall());
    crowd(&site.db, names);
    assert!(site.address.ip().is_loopback(), "example data is for this machine only");
    let (interrupt, interrupted) = crossbeam_channel::bounded(1);
    let stop = move || {
        // Pressed twice, it is known already.
        let _ = interrupt.try_send(());
    };
    ctrlc::set_handler(stop).expect("a handler");
    while interrupted.recv_timeout(Duration::from_secs(1)).is_err() {
        talk(&site);
    }
    site.status.command(Control::Stop).expect("it runs");
}

/// Eight builds of each of these builders.
fn crowd(db: &Handle<site::Test>, names: Vec<String>) {
    let now = World::real().wall();
    let claimant = db.masters().start("crowd", now).expect("a master").0;
    let add = move |tx: &mut bellwether::db::Transaction<'_>| {
        for _ in 0..8 {
            let new = NewBuildset {
                scheduler: "main".to_owned(),
                reason: "many".to_owned(),
                external_id: String::new(),
                source_stamps: vec![SourceStamp::default()],
                changes: Vec::new(),
                properties: Properties::default(),
                builders: names.clone(),
                priority: 0,
                parent_build: None,
            };
            for (_, request) in buildsets::add(tx, &new, now)?.requests {
                let start =
                    requests::Start { request, worker: "fedora-43".to_owned(), reason: "many".to_owned() };
                for started in requests::claim_and_start(tx, claimant, &[start], now)? {
                    let results = if started.build.0 % 7 == 0 { Results::Failure } else { Results::Success };
                    bellwether::db::builds::finish(tx, claimant, started.build, results, "done", now)?;
                }
            }
        }
        Ok(())
    };
    db.write(add).expect("a commit");
}

/// One more line of each running step's log.
fn talk(site: &site::Site) {
    let running = site.rooms.snapshot.lock().expect("not poisoned").builds.clone();
    for build in running {
        let Some((step, name)) = build.step else { continue };
        for log in site.db.logs().of_step(step).expect("logs") {
            let (first_line, line_count) = (log.line_count, log.line_count + 1);
            let text = format!("o\u{1b}[36m{name}\u{1b}[0m goes on: {line_count}\n").into_bytes();
            let (events, id, build) = (site.events.clone(), log.id, build.build);
            let tell = move || events.tell(Event::LogAppended { build, log: id, line_count });
            site.db.logs().append(id, Lines { first_line, line_count: 1, text }, Some(Box::new(tell)));
        }
    }
}
