//! Buildbot's status clients.

use crate::harness::{Build, Make, Process, Site, old};

const SITE: &str = "workers: [{name: w1, password: sesame}]\n\
    status: [{type: pb_listener, password: watching}]\n\
    schedulers: [{type: force, name: force, builders: b}]\n\
    builders: [{name: b, workers: [w1], steps: [{shell: 'echo caf\u{e9}; echo oops >&2', name: greet}]}]\n";

/// Buildbot's own text client, hearing of everything; its command hears of steps only.
const FULL: &str = "import sys; from buildbot.clients.base import TextClient; \
    TextClient(sys.argv[1], 'full', 'statusClient', 'watching').run()";

#[test]
fn the_real_text_client_is_told_a_build_as_it_goes() {
    let site = Site::running(SITE);
    let master = format!("127.0.0.1:{}", site.pb_port);
    let mut log = site.program(old("python2.7"));
    log.env("PYTHONIOENCODING", "utf-8").args(["-u", "-c", FULL, &master]);
    let log = Process::start(&mut log, site.path("full"));
    let mut steps = site.program(old("buildbot"));
    steps.env("PYTHONUNBUFFERED", "1").args(["statuslog", "--master", &master]);
    steps.args(["--username=statusClient", "--passwd=watching"]);
    let steps = Process::start(&mut steps, site.path("steps"));
    for watcher in [&log, &steps] {
        watcher.says("builderAdded b");
        watcher.says("builderChangedState b offline None");
    }
    let _worker = Make::Real.start(&site, "w1", "sesame");
    log.says("builderChangedState b idle None");
    site.force();
    site.build_ends(1, Build::SUCCESS);
    for watcher in [&log, &steps] {
        watcher.says("buildFinished 0");
    }
    log.says("stepFinished b greet (0, [");
    for line in [
        "buildStarted b",
        "builderChangedState b building None",
        "stepStarted b greet",
        "logStarted b greet",
        "logChunk[STDOUT]: caf\u{e9}",
        "logChunk[STDERR]: oops",
        "logFinished b greet",
    ] {
        assert!(log.said().contains(line), "no {line:?} in\n{}\n{}", log.said(), site.log());
    }
    assert!(!steps.said().contains("log"), "{}", steps.said());
    assert!(steps.said().contains("stepStarted b greet"), "{}", steps.said());
}
