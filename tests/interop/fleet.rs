//! The life of a worker at our master, the same for every age: one master for each worker, and everything that can
//! happen to the two.

use serde_json::Value;

use crate::age::{Age, Aged, Family};
use crate::harness::{Build, Repository, Site, eventually_or};
use crate::proxy::Proxy;
use crate::{carrying, stepping, triggering};

/// The builders that stay; what each of them does tells its name.
const BUILDERS: &str = r#"
workers: [{name: w1, password: sesame, properties: {os: debian}}]
schedulers:
  - {type: force, name: force, builders: ["*"]}@SCHEDULERS@
builders:
  - name: talk
    workers: [w1]
    env: {GREETING: hello, PATH: ["@DIR@/bin", "${PATH}"]}
    steps:
      - {shell: 'echo "$GREETING, $PATH"; echo oops >&2; exit 3', name: mixed, flunk_on_failure: false}
      - {shell: [cat], name: stdin, initial_stdin: "café au lait\n"}
      - {shell: 'seq 1 20000', name: much}
      - {shell: 'test -t 1 && echo a terminal', name: pty, use_pty: true}
      - {shell: 'echo one >x.log; echo two >>x.log', name: file, log_files: {x: x.log}}
      - {shell: [/no/such/program], name: absent, flunk_on_failure: false}
      - {set_property: said, command: 'printf "%s" "tea for two"'}
      - {shell: 'echo %(prop:said)s on %(prop:os)s at %(prop:workername)s', name: properties}
  - name: source
    workers: [w1]
    steps:
      - {git: "@DIR@/repository", mode: full, method: fresh}
      - {set_property: greeted, command: cat greeting}
  - name: wait
    workers: [w1]
    steps:
      - {shell: 'echo be\gun; touch @DIR@/begun-%(prop:buildnumber)s; @DIR@/wait-for @DIR@/go; echo let\ go', name: wait}
"#;

/// Builders that a reload takes away, and one that it brings.
const SLOW: &str = r#"
  - name: silent
    workers: [w1]
    steps: [{shell: 'echo first; sleep 100', timeout: 1s}]
  - name: slow
    workers: [w1]
    steps: [{shell: 'while :; do echo tick; sleep 0.1; done', max_time: 1s}]
  - name: loud
    workers: [w1]
    steps: [{shell: 'yes | head -n 5000', max_lines: 100}]
  - name: polite
    workers: [w1]
    steps:
      - {shell: 'trap "echo as you wish; exit 0" TERM; while :; do sleep 0.1; done', max_time: 1s, sigterm_time: 50s}
"#;
const NEW: &str = "  - {name: new, workers: [w1], steps: [{shell: echo the new builder}]}\n";

/// The builders that stay, with these schedulers beside the one by which they are forced.
fn staying(schedulers: &str) -> String {
    BUILDERS.replace("@SCHEDULERS@", schedulers.trim_end())
}

/// A worker of some age and all that is around it.
pub struct Farm {
    pub age: Age,
    pub site: Site,
    proxy: Proxy,
    pub worker: Aged,
    repository: Repository,
}

impl Farm {
    fn new(age: Age) -> Farm {
        let stay = staying(triggering::SCHEDULERS);
        let (carrying, triggering) = (carrying::BUILDERS, triggering::BUILDERS);
        let builders = format!("{stay}{SLOW}{carrying}{triggering}{}", stepping::BUILDERS);
        let mut site = Site::new(&builders);
        let repository = Repository::new(site.path("repository"));
        site.start();
        let proxy = Proxy::to(site.pb_port);
        let worker = Aged::start(age, &site, "w1", proxy.port);
        Farm { age, site, proxy, worker, repository }
    }

    #[track_caller]
    pub fn force(&self, builder: &str) {
        let said = self.site.command(&["force", builder]);
        assert_eq!(said.code, Some(0), "{}", said.text);
    }

    pub fn told(&self) -> String {
        let rows = self.site.rows();
        let logs: String = rows.builds().iter().map(|build| rows.logs(build.id)).collect();
        format!("{:?}\n{:#?}\n{logs}\n{}\n{}", self.age, rows.builds(), self.site.log(), self.worker.said())
    }

    /// Waits for the end of a build; its log. Fails if its results are others.
    #[track_caller]
    pub fn ends(&self, builder: &str, number: i64, results: i64) -> (Build, String) {
        let rows = self.site.rows();
        let is_it =
            |build: &Build| build.builder == builder && build.number == number && build.results.is_some();
        let look = || rows.builds().into_iter().find(is_it);
        let build = eventually_or(&format!("the end of {builder} {number}"), look, || self.told());
        assert_eq!(build.results, Some(results), "{}", self.told());
        let log = rows.logs(build.id);
        (build, log)
    }

    /// Has a build run until it waits.
    #[track_caller]
    fn begin_to_wait(&self, number: i64) {
        self.force("wait");
        let begun = self.site.path(&format!("begun-{number}"));
        eventually_or(&format!("wait {number}"), || begun.exists().then_some(()), || self.told());
    }

    /// Lets go what waits, and what will wait.
    fn let_go(&self) {
        self.site.open("go");
    }

    /// Holds again what will wait.
    fn hold(&self) {
        std::fs::remove_file(self.site.path("go")).expect("it was let go");
    }

    /// Waits for what the site's programs are told of the worker.
    #[track_caller]
    fn shown(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let look = || {
            let answer = self.site.page("GET", "/api/v2/workers");
            let mut told: Value = serde_json::from_str(&answer.body).expect("JSON");
            let worker = told["workers"][0].take();
            holds(&worker).then_some(worker)
        };
        eventually_or(what, look, || self.told())
    }

    #[track_caller]
    fn is_connected(&self, connected: bool) -> Value {
        let what = if connected { "a connected worker" } else { "a worker that is away" };
        self.shown(what, |worker| {
            worker["connected_to"].as_array().is_some_and(|to| to.is_empty() != connected)
        })
    }
}

fn lives(age: Age) {
    let mut farm = Farm::new(age);
    introduces_itself(&farm);
    talks(&farm);
    checks_out(&farm);
    carrying::carries(&farm);
    triggering::triggers(&farm);
    stepping::steps(&farm);
    times_out(&farm);
    is_stopped(&farm);
    comes_back(&farm);
    gets_other_builders(&mut farm);
    leaves_when_told(&mut farm);
    leaves_by_itself(&mut farm);
}

fn introduces_itself(farm: &Farm) {
    let info = farm.is_connected(true)["workerinfo"].take();
    let host = format!("a museum of {}", farm.age.version);
    for (key, value) in [
        ("version", farm.age.version),
        ("admin", "Ada <ada@example.org>"),
        ("host", &host),
        ("system", "posix"),
    ] {
        assert_eq!(info[key], value, "{info}");
    }
    let page = farm.site.page("GET", "/workers/w1").body;
    assert!(page.contains(farm.age.version) && page.contains(&host), "{page}");
}

fn talks(farm: &Farm) {
    farm.force("talk");
    let (build, log) = farm.ends("talk", 1, Build::SUCCESS);
    let bin = farm.site.path("bin").display().to_string();
    let path = std::env::var("PATH").expect("a search path");
    for text in [
        &format!("ohello, {bin}:{path}\n"),
        "eoops\n",
        "hprogram finished with exit code 3\n",
        "ocafé au lait\n",
        "oa terminal",
        "one\n",
        "two\n",
        "otea for two on debian at w1\n",
    ] {
        assert!(log.contains(text), "no {text:?} in {}", farm.told());
    }
    let numbers: String = (1..=20_000).map(|number| format!("o{number}\n")).collect();
    assert!(log.contains(&numbers), "not all of the long output");
    assert_eq!(farm.site.rows().property(build.id, "said"), Some("\"tea for two\"".to_owned()));
}

fn checks_out(farm: &Farm) {
    farm.force("source");
    farm.ends("source", 1, Build::SUCCESS);
    let revision = farm.repository.commit("greeting", "good morning\n", "Greet the early ones");
    farm.force("source");
    let (build, _) = farm.ends("source", 2, Build::SUCCESS);
    let rows = farm.site.rows();
    assert_eq!(rows.property(build.id, "got_revision"), Some(format!("\"{revision}\"")));
    assert_eq!(rows.property(build.id, "greeted"), Some("\"good morning\"".to_owned()));
}

fn times_out(farm: &Farm) {
    farm.force("silent");
    farm.force("slow");
    let (_, log) = farm.ends("silent", 1, Build::FAILURE);
    assert!(log.contains("ofirst\n") && log.contains("1 seconds without output"), "{log}");
    let (_, log) = farm.ends("slow", 1, Build::FAILURE);
    assert!(log.contains("otick\n") && log.contains("1 seconds elapsed"), "{log}");
    has_its_bounds(farm);
}

/// By what newer workers know. An older one is not asked, and the log says so.
fn has_its_bounds(farm: &Farm) {
    farm.force("loud");
    let counts_lines = farm.age.commands >= (3, 3);
    let (_, log) = farm.ends("loud", 1, if counts_lines { Build::FAILURE } else { Build::SUCCESS });
    assert_eq!(log.contains("exceeds max lines"), counts_lines, "{log}");
    assert_eq!(log.contains("the worker is too old for max_lines"), !counts_lines, "{log}");
    farm.force("polite");
    let asks_first = farm.age.commands >= (2, 16);
    let (_, log) = farm.ends("polite", 1, Build::FAILURE);
    assert_eq!(log.contains("oas you wish\n"), asks_first, "{log}");
    assert_eq!(log.contains("the worker is too old for sigterm_time"), !asks_first, "{log}");
}

fn is_stopped(farm: &Farm) {
    farm.begin_to_wait(1);
    let answer = farm.site.page("POST", "/builders/wait/builds/1/stop");
    assert!(answer.status < 400, "{answer:?}");
    let (_, log) = farm.ends("wait", 1, Build::CANCELLED);
    assert!(log.contains("process killed by signal 9"), "{log}");
    assert_eq!(farm.site.rows().open_requests(), [0_i64; 0]);
}

fn comes_back(farm: &Farm) {
    farm.begin_to_wait(2);
    // Text may come late, but what came stays.
    farm.site.build_says(2, "begun");
    farm.proxy.cut();
    let (lost, log) = farm.ends("wait", 2, Build::RETRY);
    assert!(log.contains("begun"), "the log is gone");
    farm.let_go();
    let (again, _) = farm.ends("wait", 3, Build::SUCCESS);
    assert_eq!(again.request, lost.request);
    farm.hold();
}

fn gets_other_builders(farm: &mut Farm) {
    farm.begin_to_wait(4);
    farm.site.configure(&(staying("") + NEW));
    farm.site.hang_up();
    farm.force("new");
    let (_, log) = farm.ends("new", 1, Build::SUCCESS);
    assert!(log.contains("othe new builder\n"), "{log}");
    assert!(farm.worker.path("new").is_dir(), "no directory of the new builder's");
    farm.worker.says("leftover directory 'slow'");
    // What ran meanwhile was not disturbed.
    farm.let_go();
    farm.ends("wait", 4, Build::SUCCESS);
    farm.hold();
    // And the way back, with nothing running.
    farm.site.configure(&(staying("") + SLOW));
    farm.site.hang_up();
    farm.worker.says("leftover directory 'new'");
    farm.force("silent");
    farm.ends("silent", 2, Build::FAILURE);
}

fn leaves_when_told(farm: &mut Farm) {
    farm.begin_to_wait(5);
    let answer = farm.site.page("POST", "/workers/w1/shutdown");
    assert!(answer.status < 400, "{answer:?}");
    goes_after_its_build(farm, 5);
}

fn leaves_by_itself(farm: &mut Farm) {
    farm.begin_to_wait(7);
    farm.worker.signal_to_leave();
    farm.site.master().says("worker asks to leave");
    goes_after_its_build(farm, 7);
}

/// A worker that is to leave and runs this build: it finishes that, and gets no other until it is started again.
fn goes_after_its_build(farm: &mut Farm, number: i64) {
    farm.shown("a worker that is about to leave", |worker| worker["graceful"] == true);
    farm.force("wait");
    farm.let_go();
    farm.ends("wait", number, Build::SUCCESS);
    let status = farm.worker.ends();
    assert!(status.success(), "{status}: {}", farm.told());
    farm.is_connected(false);
    assert_eq!(farm.site.rows().open_requests().len(), 1, "{}", farm.told());
    farm.worker.start_again(&farm.site);
    farm.ends("wait", number + 1, Build::SUCCESS);
    farm.hold();
}

#[test]
fn slaves_live() {
    Family::Slaves.members().for_each(lives);
}

#[test]
fn workers_on_python_2_live() {
    Family::OnPython2.members().for_each(lives);
}

#[test]
fn workers_on_python_3_live() {
    Family::OnPython3.members().for_each(lives);
}
