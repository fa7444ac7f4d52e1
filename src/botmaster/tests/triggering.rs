//! Builds that trigger others: what is asked for, what is waited for, what becomes of it when the parent ends first.

use super::peer::Kind;
use super::rig::Rig;
use crate::config::{self, Config};
use crate::db::builds::Filter;
use crate::kernel::Hint;
use crate::model::{Build, BuildId, Buildset, Parent, RequestId, Results};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Workers of one build each, a parent with this step, and children that go on until they are ended.
fn site(step: &str) -> Config {
    let text = format!(
        "pb: {{listen: 127.0.0.1:9989}}
url: http://localhost/
workers:
  - {{name: w1, password: pw, max_builds: 1}}
  - {{name: w2, password: pw, max_builds: 1}}
  - {{name: w3, password: pw, max_builds: 1}}
schedulers:
  - {{type: force, name: force, builders: [parent, outside]}}
  - {{type: triggerable, name: a, builders: [one]}}
  - {{type: triggerable, name: b, builders: [two], properties: {{os: debian, speed: low}}}}
  - {{type: triggerable, name: nest, builders: [middle]}}
builders:
  - {{name: parent, workers: [w1], properties: {{names: [a, b], empty: '', os: [x, y]}}, steps: [{{{step}}}]}}
  - {{name: middle, workers: [w2], steps: [{{trigger: b, wait_for_finish: true}}]}}
  - {{name: outside, workers: [w2], steps: [{{shell: hang}}]}}
  - {{name: one, workers: [w2], steps: [{{shell: hang}}]}}
  - {{name: two, workers: [w3], steps: [{{shell: hang}}]}}
"
    );
    let loaded = config::load_text("m.yaml", &text);
    loaded.unwrap_or_else(|complaints| panic!("{complaints:#?}")).config
}

/// A site with all its workers, and a build of the parent.
fn begun(step: &str) -> (Rig, RequestId) {
    let mut rig = Rig::new(&site(step));
    for worker in ["w1", "w2", "w3"] {
        rig.connect(worker, Kind::Worker);
    }
    let request = rig.ask("parent", "r1").1;
    (rig, request)
}

impl Rig {
    fn triggered_by(&mut self, parent: BuildId) -> Vec<Buildset> {
        self.db.read(move |connection| crate::db::buildsets::of_parent(connection, parent)).unwrap()
    }

    /// The newest build of a builder.
    fn newest(&mut self, builder: &str) -> Build {
        let filter = Filter { builder: Some(builder.to_owned()), ..Filter::default() };
        self.db.builds().recent(filter, 1).unwrap().pop().expect("a build")
    }

    fn end(&mut self, builder: &str) {
        let build = self.newest(builder).id;
        self.finish(build);
    }

    /// Ends the newest build of a builder, which is then cancelled.
    fn stop(&mut self, builder: &str) {
        let build = self.newest(builder).id;
        self.handle.stop_build(build, "enough", "me").unwrap().unwrap();
        self.settle();
        self.finish_if_it_runs(build);
    }

    fn finish_if_it_runs(&mut self, build: BuildId) {
        if self.handle.snapshot().unwrap().builds.iter().any(|running| running.build == build) {
            self.finish(build);
        }
    }

    fn step_state(&mut self, build: BuildId) -> String {
        self.db.steps().of_build(build).unwrap().remove(0).state
    }
}

#[test]
fn a_parent_waits_for_its_children_and_ends_as_the_worst() {
    let (mut rig, request) = begun("trigger: [a, b], wait_for_finish: true");
    let parent = rig.build(request);
    let children = rig.triggered_by(parent.id);
    assert_eq!(children.len(), 2);
    let link = Some(Parent { build: parent.id, waits: true });
    assert!(children.iter().all(|child| child.parent_build == link));
    assert_eq!(children[0].source_stamps[0].revision.as_deref(), Some("r1"));
    rig.end("one");
    assert_eq!(rig.step_state(parent.id), "trigger a, b, 1 of 2 done");
    assert_eq!(rig.build(request).results, None);
    rig.stop("two");
    assert_eq!(rig.build(request).results, Some(Results::Cancelled));
    assert_eq!(rig.step_state(parent.id), "trigger a, b cancelled (b: cancelled)");
}

#[test]
fn a_parent_that_does_not_wait_is_done_at_once_and_leaves_its_children_alone() {
    let (mut rig, request) = begun("trigger: [a, b]");
    let parent = rig.build(request);
    assert_eq!(parent.results, Some(Results::Success));
    let waits = rig.triggered_by(parent.id).iter().any(|child| child.parent_build.unwrap().waits);
    assert!(!waits);
    assert_eq!(rig.newest("one").results, None);
    rig.wait(Duration::from_secs(3600));
    assert_eq!((rig.newest("one").results, rig.newest("two").results), (None, None));
}

#[test]
fn what_is_unimportant_has_no_say() {
    let (mut rig, request) =
        begun("trigger: [a, b], wait_for_finish: true, unimportant_schedulers: '%(prop:none:-b)s'");
    rig.stop("two");
    assert_eq!(rig.build(request).results, None);
    rig.end("one");
    assert_eq!(rig.build(request).results, Some(Results::Success));
    let parent = rig.build(request).id;
    assert_eq!(rig.step_state(parent), "trigger a, b (b: cancelled)");
}

#[test]
fn names_may_be_filled_in_and_a_wrong_one_triggers_nothing() {
    let (mut rig, request) = begun("trigger: ['%(prop:names)s', '%(prop:empty)s']");
    let parent = rig.build(request).id;
    let names: Vec<String> = rig.triggered_by(parent).into_iter().map(|child| child.scheduler).collect();
    assert_eq!(names, ["a", "b"]);

    let (mut rig, request) = begun("trigger: [a, 'no%(prop:buildnumber)s']");
    let parent = rig.build(request);
    assert_eq!(parent.results, Some(Results::Failure));
    assert_eq!(rig.triggered_by(parent.id), []);
    let step = rig.db.steps().of_build(parent.id).unwrap().remove(0).id;
    assert_eq!(rig.log(step, "err.text"), "there is no triggerable scheduler \"no1\"\n");
}

#[test]
fn a_matrix_triggers_each_combination_with_its_properties() {
    let step = "trigger: [{scheduler: b, matrix: {os: '%(prop:os)s', py: ['3', '4']}, set_properties: {speed: high}}], \
                copy_properties: [names]";
    let (mut rig, request) = begun(step);
    let parent = rig.build(request).id;
    let children = rig.triggered_by(parent);
    let value = |child: &Buildset, name: &str| child.properties.value(name).unwrap().to_string();
    let each: Vec<String> = children
        .iter()
        .map(|child| ["os", "py", "speed", "names"].map(|name| value(child, name)).join(" "))
        .collect();
    let expected = [
        r#""x" "3" "high" ["a","b"]"#,
        r#""x" "4" "high" ["a","b"]"#,
        r#""y" "3" "high" ["a","b"]"#,
        r#""y" "4" "high" ["a","b"]"#,
    ];
    assert_eq!(each, expected);
    assert_eq!(children[0].properties.get("names").unwrap().source, "Builder (in triggering build)");
    assert_eq!(children[0].properties.get("os").unwrap().source, "Trigger");
}

#[test]
fn what_is_built_can_be_said() {
    let stamp = |step: &str| {
        let (mut rig, request) = begun(step);
        let parent = rig.build(request).id;
        let stamp = rig.triggered_by(parent).remove(0).source_stamps.remove(0);
        format!("{:?} {:?} {}", stamp.branch, stamp.revision, stamp.patch.map_or(0, |patch| patch.level))
    };
    assert_eq!(stamp("trigger: a"), r#"Some("main") Some("r1") 0"#);
    assert_eq!(stamp("trigger: a, always_use_latest: true"), "None None 0");
    let given = "trigger: a, source_stamp: {branch: 'b%(prop:buildnumber)s', patch: {body: x, level: 1}}";
    assert_eq!(stamp(given), r#"Some("b1") None 1"#);
}

#[test]
fn children_are_cancelled_with_their_parent_however_deep() {
    let (mut rig, request) = begun("trigger: [nest, a], wait_for_finish: true");
    // The worker of both `middle` and `one` has room for one of them.
    let (middle, leaf) = (rig.newest("middle"), rig.newest("two"));
    assert_eq!((middle.results, leaf.results), (None, None));
    rig.stop("parent");
    rig.finish_if_it_runs(leaf.id);
    assert_eq!(rig.build(request).results, Some(Results::Cancelled));
    assert_eq!(rig.newest("middle").results, Some(Results::Cancelled));
    assert_eq!(rig.newest("two").results, Some(Results::Cancelled));
    assert_eq!(rig.db.buildsets().open().unwrap(), []);
    let parent = rig.build(request).id;
    let one = rig.triggered_by(parent).remove(1);
    let request = rig.db.requests().of_buildset(one.id).unwrap().remove(0);
    assert_eq!(request.outcome.as_deref(), Some("cancelled: the build that waited for it is over"));
}

#[test]
fn a_parent_whose_worker_is_lost_triggers_anew() {
    let mut rig = Rig::new(&site("trigger: a, wait_for_finish: true"));
    let first = rig.connect("w1", Kind::Worker);
    rig.connect("w2", Kind::Worker);
    let request = rig.ask("parent", "r1").1;
    let lost = rig.newest("one").id;
    rig.cut(first);
    rig.finish_if_it_runs(lost);
    assert_eq!(rig.newest("one").results, Some(Results::Cancelled));
    rig.connect("w1", Kind::Worker);
    let again = rig.newest("one").id;
    assert_ne!(again, lost);
    rig.end("one");
    let results: Vec<_> = rig.db.builds().of_request(request).unwrap().iter().map(|b| b.results).collect();
    assert_eq!(results, [Some(Results::Retry), Some(Results::Success)]);
    assert_eq!(rig.db.buildsets().open().unwrap(), []);
}

#[test]
fn after_a_crash_the_parent_triggers_anew_and_the_old_children_are_cancelled() {
    let step = "trigger: [a, b], wait_for_finish: true";
    let (rig, request) = begun(step);
    let mut rig = rig.reborn(&site(step));
    let before = rig.db.buildsets().open().unwrap().len();
    assert_eq!(before, 1, "the parent's is left");
    for worker in ["w1", "w2", "w3"] {
        rig.connect(worker, Kind::Worker);
    }
    rig.end("one");
    rig.end("two");
    let results: Vec<_> = rig.db.builds().of_request(request).unwrap().iter().map(|b| b.results).collect();
    assert_eq!(results, [Some(Results::Retry), Some(Results::Success)]);
    assert_eq!(rig.db.buildsets().open().unwrap(), []);
}

#[test]
fn before_a_clean_shutdown_what_is_waited_for_is_still_built() {
    let (mut rig, request) = begun("trigger: [nest, a], wait_for_finish: true");
    rig.ask("outside", "r2");
    let idle = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&idle);
    let tell = Hint::to_fn(move |()| {
        told.fetch_add(1, Ordering::Relaxed);
    });
    rig.handle.drain(tell).unwrap();
    rig.settle();
    rig.end("two");
    rig.end("one");
    assert_eq!(rig.build(request).results, Some(Results::Success));
    assert_eq!(idle.load(Ordering::Relaxed), 1);
    assert_eq!(rig.handle.snapshot().unwrap().waiting, [("outside".to_owned(), 1)]);
}
