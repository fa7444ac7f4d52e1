//! A believable week of a small project, written by the database's own verbs.

use crate::site::{Rooms, Test, config_of};
use bellwether::botmaster::{RunningBuild, Slot, SlotState, WorkerState, WorkerStatus};
use bellwether::db::masters::Claimant;
use bellwether::db::requests::{Ending, Start, Started};
use bellwether::db::schedulers::Classified;
use bellwether::db::steps::StepEnd;
use bellwether::db::{Handle, IdKind, Transaction, workers};
use bellwether::model::{
    ChangeId, Channel, Link, LogId, LogInfo, LogKind, LogLines, NewBuildset, NewChange, Properties, Results,
    SourceStamp, Step, StepId, Wall,
};
use bellwether::pbmanager::Protocol;
use std::time::Duration;

/// The configuration that goes with it.
pub const CONFIG: &str = include_str!("sample.yaml");

const COMMITS: [(&str, &str, &str); 8] = [
    (
        "Ada Byron <ada@example.org>",
        "Keep the halyard taut when the mast turns\n\nThe winch let go of the line as soon as the mast had\nturned by more than 90 degrees. It now counts turns.",
        "src/winch.c",
    ),
    ("Grete Hermann <grete@example.org>", "Parse beacon frames without copying them", "src/beacon/frame.c"),
    ("Ada Byron <ada@example.org>", "Say which sail is meant when reefing fails", "src/reef.c"),
    ("Kō Amano <ko@example.org>", "Bump the tide tables to 2027", "data/tides.csv"),
    (
        "Lise M. <lise@example.org>",
        "Use <vector> & drop \"tmp\" copies in the chart renderer",
        "src/chart.cc",
    ),
    ("Grete Hermann <grete@example.org>", "Build the package for arm64 too", "packaging/debian/rules"),
    ("Kō Amano <ko@example.org>", "Document the beacon protocol", "docs/beacon.md"),
    (
        "Ada Byron <ada@example.org>",
        "Fix a race between reefing and tacking that only shows on machines with more than sixteen cores",
        "src/reef.c",
    ),
];

const BUILDERS: [(&str, &str, u64); 8] = [
    ("unit-tests", "debian-12-amd64", 184),
    ("integration", "debian-12-amd64", 1260),
    ("lint", "debian-12-arm64", 21),
    ("docs", "debian-12-arm64", 48),
    ("package-rpm", "fedora-43", 410),
    ("package-deb", "debian-12-amd64", 390),
    ("macos", "macos-15", 305),
    ("fuzz", "fedora-43", 3600),
];

/// What a build's log says.
const OUTPUT: &str = "cc -O2 -Wall -c src/winch.c -o build/winch.o\ncc -O2 -Wall -c src/reef.c -o build/reef.o\n\u{1b}[35m\u{1b}[1msrc/reef.c:214:9: \u{1b}[0m\u{1b}[1;35mwarning: \u{1b}[0munused variable \u{1b}[1m'knots'\u{1b}[0m [-Wunused-variable]\nld -o build/halyard build/*.o\n";
const TESTS: &str = "\u{1b}[32mok\u{1b}[0m   1 - winch counts turns\n\u{1b}[32mok\u{1b}[0m   2 - winch holds at 90 degrees\n\u{1b}[32mok\u{1b}[0m   3 - beacon: short frame\n\u{1b}[1;31mnot ok\u{1b}[0m 4 - reef while tacking\n#   expected <taut> & got \"slack\"\n#   at tests/reef.t line 88\n\u{1b}[33mskip\u{1b}[0m 5 - needs a mast\n";

/// Writes the week.
pub struct Sample<'a> {
    db: &'a Handle<Test>,
    claimant: Claimant,
    now: Wall,
}

impl<'a> Sample<'a> {
    /// Fills an empty database, as of `now`; tells `rooms` what runs.
    pub fn fill(db: &'a Handle<Test>, rooms: &Rooms, now: Wall) {
        let (claimant, _) = db.masters().start("sample", now).expect("a master");
        let sample = Sample { db, claimant, now };
        sample.workers(rooms);
        for name in ["main", "topic branches"] {
            db.schedulers().load(name).expect("a row");
        }
        let mut turn = 0;
        for (n, commit) in COMMITS.iter().enumerate() {
            let at = now - Duration::from_secs((COMMITS.len() - n) as u64 * 5200);
            let change = sample.change(n, commit, at);
            for (builder, worker, takes_s) in BUILDERS {
                turn += 1;
                if (turn * 7) % 5 == 0 && builder != "unit-tests" {
                    continue;
                }
                let results = match (builder, n) {
                    ("unit-tests", 4 | 7) | ("integration", 4) => Results::Failure,
                    ("lint", 2 | 5) => Results::Warnings,
                    ("macos", 3) => Results::Exception,
                    ("package-rpm", 5) => Results::Cancelled,
                    ("docs", 1) => Results::Skipped,
                    ("fuzz", 6) => Results::Retry,
                    _ => Results::Success,
                };
                sample.build(builder, worker, change, at + Duration::from_secs(40), takes_s, results);
            }
        }
        sample.running(rooms);
        sample.waiting();
    }

    fn workers(&self, rooms: &Rooms) {
        let hosts = [
            ("debian-12-amd64", "Debian GNU/Linux 12, 16 cores, 32 GiB"),
            ("debian-12-arm64", "Debian GNU/Linux 12, 8 cores"),
            ("fedora-43", "Fedora Linux 43, 8 cores"),
            ("macos-15", "macOS 15.6, M2 mini"),
            ("windows-11", ""),
        ];
        let config = config_of(CONFIG, "127.0.0.1:0");
        let mut snapshot = rooms.snapshot.lock().expect("not poisoned");
        for (name, host) in hosts {
            let info = [("host", host), ("admin", "Harbour <ops@example.org>"), ("version", "4.3.0")];
            let info = info.map(|(key, value)| (key.to_owned(), value.to_owned()));
            let is_here = name != "windows-11";
            if is_here {
                let (name, info, master, now) =
                    (name.to_owned(), info.into(), self.claimant.master, self.now);
                let environ = [("LANG".to_owned(), "C.UTF-8".to_owned())].into();
                let came = move |tx: &mut Transaction<'_>| {
                    workers::connected(tx, &name, master, (&info, &environ), now)
                };
                self.db.write(came).expect("a row");
            }
            snapshot.workers.push(WorkerStatus {
                name: name.to_owned(),
                state: if is_here { WorkerState::Connected } else { WorkerState::Away },
                instance: None,
                pause: (name == "macos-15").then(|| "the disk is full".to_owned()),
                quarantined_until: None,
                missing_since: None,
                connects: 1,
                graceful: false,
                running: usize::from(is_here && name != "macos-15"),
                max_builds: (name == "fedora-43").then_some(1),
                builders: config
                    .builders
                    .iter()
                    .filter(|b| b.workers.iter().any(|w| w == name))
                    .map(|b| Slot { builder: b.name.clone(), state: SlotState::Idle })
                    .collect(),
                trouble: None,
                protocol: is_here.then_some(Protocol::Pb),
                heard_at: Some(self.now),
            });
        }
        self.db.workers().set_wishes("macos-15", Some("the disk is full"), false).expect("a row");
        let serving = config
            .builders
            .iter()
            .flat_map(|builder| builder.workers.iter().map(|worker| (worker.clone(), builder.name.clone())));
        self.db.workers().configured(self.claimant.master, serving.collect());
    }

    fn change(&self, n: usize, (author, comments, file): &(&str, &str, &str), at: Wall) -> ChangeId {
        let change = NewChange {
            author: (*author).to_owned(),
            comments: (*comments).to_owned(),
            files: vec![(*file).to_owned(), "NEWS".to_owned()],
            revision: Some(format!("{:08x}", 0x9e37_79b9_u32.wrapping_mul(n as u32 + 3)).repeat(5)),
            branch: Some("main".to_owned()),
            repository: "https://git.example.org/halyard.git".to_owned(),
            project: "halyard".to_owned(),
            revlink: "https://git.example.org/halyard/commit/1".to_owned(),
            when: Some(at),
            ..NewChange::default()
        };
        let id = self.db.changes().add(change, at).expect("a change");
        let told = |important: Option<bool>, reason: &str| {
            vec![Classified { change: id, important, reason: reason.to_owned() }]
        };
        let span = (ChangeId(id.0 - 1), id);
        self.db
            .schedulers()
            .classify("main", span, told(Some(true), "waits for the tree to be stable"))
            .expect("rows");
        let other = "branch \"main\" does not match feature/.*";
        self.db.schedulers().classify("topic branches", span, told(None, other)).expect("rows");
        id
    }

    fn request(&self, builder: &str, change: Option<ChangeId>, at: Wall) -> bellwether::model::RequestId {
        let mut properties = Properties::default();
        properties.set("scheduler", "main", "Scheduler");
        properties.set("branch", "main", "Change");
        let new = NewBuildset {
            scheduler: "main".to_owned(),
            reason: "The main scheduler saw changes on main".to_owned(),
            external_id: String::new(),
            source_stamps: vec![SourceStamp {
                repository: "https://git.example.org/halyard.git".to_owned(),
                branch: Some("main".to_owned()),
                project: "halyard".to_owned(),
                ..SourceStamp::default()
            }],
            changes: change.into_iter().collect(),
            properties,
            builders: vec![builder.to_owned()],
            priority: 0,
            parent_build: None,
        };
        self.db.buildsets().add(new, at).expect("a buildset").requests.remove(0).1
    }

    fn start(&self, builder: &str, worker: &str, change: Option<ChangeId>, at: Wall) -> Started {
        let request = self.request(builder, change, at - Duration::from_secs(35));
        let start = Start {
            request,
            worker: worker.to_owned(),
            reason: "The main scheduler saw changes on main".to_owned(),
        };
        let started =
            self.db.requests().claim_and_start(self.claimant, vec![start], at).expect("a claim").remove(0);
        let mut properties = Properties::default();
        properties.set("buildername", builder, "Builder");
        properties.set("workername", worker, "Worker");
        properties.set("branch", "main", "Build");
        properties.set("got_revision", "4f1d2c03b98a77e0cc5de9d35a3b44bd40e91a7c", "git");
        properties.set("optimise", "-O2", "Force Build Form");
        self.db.builds().set_properties(started.build, properties);
        started
    }

    fn build(&self, builder: &str, worker: &str, change: ChangeId, at: Wall, takes_s: u64, results: Results) {
        let started = self.start(builder, worker, Some(change), at);
        let end = at + Duration::from_secs(takes_s);
        let shares = [
            ("git", 4, Results::Success),
            ("configure", 8, Results::Success),
            ("compile", 45, Results::Success),
            ("test", 43, results),
        ];
        let mut from = at + Duration::from_millis(400);
        for (number, (name, share, results)) in (0..).zip(shares) {
            let to = from + Duration::from_millis(takes_s * share * 10 - 90);
            let step = self.step(&started, number, name, from);
            let text = match (name, results) {
                ("test", Results::Failure) => TESTS.repeat(30),
                ("test", _) => TESTS.replace("1;31mnot ok", "32mok"),
                ("compile", _) => OUTPUT.repeat(12),
                _ => format!("{name} said nothing\n"),
            };
            self.log(step, name, &text, true);
            let state = match results {
                Results::Failure => "'make check' failed: 1 of 5 tests".to_owned(),
                Results::Warnings => "'make lint' with 3 warnings".to_owned(),
                _ => format!("'{name}'"),
            };
            self.db.steps().finish(step, StepEnd { results, state, hidden: false }, to);
            from = to + Duration::from_millis(120);
        }
        let state = match results {
            Results::Success => "build successful",
            Results::Warnings => "warnings lint",
            Results::Failure => "failed test",
            Results::Skipped => "skipped",
            Results::Exception => "the worker ran out of memory",
            Results::Retry => "lost the worker",
            Results::Cancelled => "stopped by ada: wrong branch",
        };
        self.db.builds().finish(self.claimant, started.build, results, state, end).expect("a commit");
        if results == Results::Retry {
            let ending = Ending { results: Results::Cancelled, outcome: Some("cancelled".to_owned()) };
            self.db.requests().cancel(vec![started.request], ending, end).expect("a commit");
        }
    }

    fn step(&self, started: &Started, number: i64, name: &str, at: Wall) -> StepId {
        let links = [("coverage", "https://reports.example.org/a&b"), ("odd", "javascript:alert(1)")];
        let links = links.map(|(name, url)| Link { name: name.to_owned(), url: url.to_owned() }).to_vec();
        let id = StepId(self.db.ids().reserve(IdKind::Step, 1).expect("an id").start);
        self.db.steps().start(Step {
            id,
            build: started.build,
            number,
            name: name.to_owned(),
            started_at: Some(at),
            locks_acquired_at: Some(if name == "test" { at + Duration::from_secs(2) } else { at }),
            complete_at: None,
            state: format!("running '{name}'"),
            results: None,
            hidden: false,
            links: if name == "test" { links } else { Vec::new() },
        });
        id
    }

    fn log(&self, step: StepId, name: &str, text: &str, complete: bool) -> LogId {
        let id = LogId(self.db.ids().reserve(IdKind::Log, 1).expect("an id").start);
        let (name_of_log, slug) = ("stdio".to_owned(), "stdio".to_owned());
        let kind = LogKind::Stdio;
        self.db.logs().create(LogInfo {
            id,
            step,
            name: name_of_log,
            slug,
            kind,
            line_count: 0,
            complete: false,
        });
        let mut lines = LogLines::new(kind);
        lines.push(Channel::Header, &format!("make {name}\n in dir /srv/worker/build (timeout 1200 s)\n"));
        lines.push(Channel::Stdout, text);
        lines.push(Channel::Stderr, "make: warning: clock skew detected\n");
        lines.finish();
        if let Some(lines) = lines.take() {
            self.db.logs().append(id, lines, None);
        }
        if complete {
            self.db.logs().finish(id);
        }
        id
    }

    fn running(&self, rooms: &Rooms) {
        let now = [
            ("integration", "debian-12-amd64", 612, 3),
            ("lint", "debian-12-arm64", 8, 1),
            ("fuzz", "fedora-43", 2400, 2),
        ];
        for (builder, worker, for_s, done) in now {
            let at = self.now - Duration::from_secs(for_s);
            let started = self.start(builder, worker, Some(ChangeId(8)), at);
            let names = ["git", "configure", "compile", "test"];
            let mut from = at;
            let mut current = None;
            for (number, name) in (0..).zip(&names[..=done]) {
                let step = self.step(&started, number, name, from);
                let is_done = (number as usize) < done;
                self.log(step, name, &OUTPUT.repeat(5), is_done);
                from = from + Duration::from_secs(for_s / 6);
                if is_done {
                    let end =
                        StepEnd { results: Results::Success, state: format!("'{name}'"), hidden: false };
                    self.db.steps().finish(step, end, from);
                }
                current = Some((step, (*name).to_owned()));
            }
            let request = self.db.requests().get(started.request).expect("the rows").expect("the request");
            let running = RunningBuild {
                build: started.build,
                number: started.number,
                builder: builder.to_owned(),
                worker: worker.to_owned(),
                request: started.request,
                buildset: request.buildset,
                awaits: Vec::new(),
                step: current,
                progress: (done, 4),
                stopping: false,
            };
            rooms.snapshot.lock().expect("not poisoned").builds.push(running);
        }
    }

    fn waiting(&self) {
        for (builder, ago_s) in [("package-rpm", 140), ("windows", 5200), ("windows", 900), ("macos", 60)] {
            self.request(builder, None, self.now - Duration::from_secs(ago_s));
        }
        // An answer tells that all before it is committed.
        self.db.write(|_| Ok(())).expect("a commit");
    }
}
