//! Schedulers and their filters.

use super::{BASE, check_added, loaded};
use crate::config::SchedulerKind;
use expect_test::expect;

#[test]
fn upstreams_are_checked() {
    check_added(
        "schedulers:
- {type: dependent, name: a, builders: b1, upstream: force}
- {type: dependent, name: b, builders: b1, upstream: forse}
- {type: dependent, name: c, builders: b1, upstream: e}
- {type: dependent, name: d, builders: b1, upstream: c}
- {type: dependent, name: e, builders: b1, upstream: d}
- {type: dependent, name: f, builders: b1, upstream: e}",
        expect![[r#"
            m.yaml:3:54: schedulers[1].upstream: no scheduler is called "forse"; did you mean `force`?
            m.yaml:4:54: schedulers[2].upstream: it would wait for itself: c after e after d after c; let the first of them follow changes
            m.yaml:5:54: schedulers[3].upstream: it would wait for itself: d after c after e after d; let the first of them follow changes
            m.yaml:6:54: schedulers[4].upstream: it would wait for itself: e after d after c after e; let the first of them follow changes
        "#]],
    );
}

#[test]
fn schedulers_are_checked() {
    check_added(
        "schedulers:
- {type: single_branch, name: a, builders: b1}
- {type: single_branch, name: b, builders: b1, branch: null}
- {type: single_branch, name: c, builders: b1, branch: x, change_filter: {}}
- {type: any_branch, name: d, builders: b1, tree_stable_timer: 1 minute, change_filter: {branch: {match: 'a(b'}}}
- {type: any_branch, name: e, builders: b1, file_is_important: pth == 'x', only_important: maybe}
- {type: any_branch, name: f, builders: b1, file_is_important: path = 'x'}
- {type: weekly, name: g, builders: b1}
- {type: any_branch, name: h, builders: b1, change_filter: {branch: a, branches: [b], authors: c}}",
        expect![[r#"
            m.yaml:2:3: schedulers[0]: `change_filter` is missing
            m.yaml:4:56: schedulers[2].branch: `change_filter` is given too; put the branch into the filter
            m.yaml:5:64: schedulers[3].tree_stable_timer: it must be a duration, not "1 minute"; write `90s`, `10m`, `1h30m`, or plain seconds
            m.yaml:5:106: schedulers[3].change_filter.branch.match: wrong regular expression: unclosed group
            m.yaml:6:64: schedulers[4].file_is_important: wrong condition: "pth" is not known here; known: path, author, branch, category, codebase, comments, committer, files, project, property, repository, revision
            m.yaml:6:92: schedulers[4].only_important: it must be true or false, not "maybe"
            m.yaml:7:64: schedulers[5].file_is_important: wrong condition: unexpected input after expression; `==` compares
            m.yaml:8:10: schedulers[6].type: unknown type "weekly" of scheduler; known: any_branch, dependent, force, nightly, periodic, single_branch, triggerable, try_jobdir, try_userpass
            m.yaml:9:82: schedulers[7].change_filter.branches: `branch` is given too; keep one of the two
            m.yaml:9:87: schedulers[7].change_filter.authors: unknown key `authors`; known: branch, branches, categories, category, codebase, codebases, condition, project, projects, properties, repositories, repository
        "#]],
    );
}

#[test]
fn a_try_scheduler_takes_the_names_that_buildbot_has() {
    let config = loaded(
        &BASE
            .replace("schedulers: [", "pb: {listen: 9989}\nschedulers: [{type: try_userpass, name: try, builders: b1, userpass: [{username: ada, password: {secret: x}}]}, "),
    );
    let SchedulerKind::TryUserpass(tries) = &config.schedulers[0].kind else {
        panic!("{:?}", config.schedulers)
    };
    assert_eq!(tries.users[0].user, "ada");
}

#[test]
fn filters_are_checked() {
    check_added(
        "schedulers:
- {type: any_branch, name: a, builders: b1, change_filter: {branch: {is: [main, null], not_eq: x, re: [a, b], not_re: c, condition: value}}}
- {type: any_branch, name: b, builders: b1, change_filter: {properties: {event: [push, null], owner: {match: 'a('}}}}
- {type: any_branch, name: c, builders: b1, change_filter: \"branch == 'main' or pth\"}
- {type: any_branch, name: d, builders: b1, change_filter: {condition: \"'docs' in files\", branch: {condition: branch}}}
- {type: any_branch, name: e, builders: b1, change_filter: {properties: push}}",
        expect![[r#"
            m.yaml:3:110: schedulers[1].change_filter.properties.owner.match: wrong regular expression: unclosed group
            m.yaml:4:60: schedulers[2].change_filter: wrong condition: "pth" is not known here; known: author, branch, category, codebase, comments, committer, files, project, property, repository, revision
            m.yaml:5:111: schedulers[3].change_filter.branch.condition: wrong condition: "branch" is not known here; known: value
            m.yaml:6:73: schedulers[4].change_filter.properties: it must be a mapping, not "push"
        "#]],
    );
}

#[test]
fn whom_a_scheduler_asks_is_checked() {
    check_added(
        "codebases: [{name: app, repository: a}]
schedulers:
- {type: any_branch, name: a, builders: [{name: b2, files: '['}, {name: b1, when: pth}, {when: 'true'}], codebases: [ap]}
- {type: force, name: b, builders: [{name: b1, when: branch == 'main'}]}
- {type: any_branch, name: c, builders: b1, priority: brnch, properties: {a: '%(prop:x', b: '%(secret:s)s'}}
- {type: any_branch, name: d, builders: [{name: b1, files: x}], codebases: [app, {name: lib, repository: l}], priority: files | length}
- {type: nightly, name: e, builders: b1, at: '0 3 * * *', only_if_changed: true, force_at: '0 3,4 * * *'}
- {type: nightly, name: f, builders: b1, hour: [3, 4], force_at_hour: 4}
- {type: nightly, name: g, builders: b1, hour: [3, 4], force_at_hour: 4, force_at: 0 4 * * *, only_if_changed: true}",
        expect![[r#"
            m.yaml:3:49: schedulers[0].builders[0].name: no builder is called "b2"; did you mean `b1`?
            m.yaml:3:60: schedulers[0].builders[0].files: wrong pattern of names: unclosed character class
            m.yaml:3:83: schedulers[0].builders[1].when: wrong condition: "pth" is not known here; known: path, author, branch, category, codebase, comments, committer, files, project, property, repository, revision
            m.yaml:3:89: schedulers[0].builders[2]: `name` is missing
            m.yaml:3:118: schedulers[0].codebases[0]: no codebase is called "ap"; did you mean `app`?
            m.yaml:4:44: schedulers[1].builders[0].name: whoever asks this scheduler says for what: it has no rules for builders; write the name alone
            m.yaml:5:3: schedulers[2]: property "b" asks for a secret, which everybody would see; let the step ask for it
            m.yaml:5:3: schedulers[2]: wrong text to fill in, property "a": "%(prop:x" is not closed
            m.yaml:5:55: schedulers[2].priority: wrong expression: "brnch" is not known here; known: author, branch, category, codebase, comments, committer, files, project, property, repository, revision
            m.yaml:7:3: schedulers[4]: `force_at` has times that `at` has not; name them in both
            m.yaml:8:3: schedulers[5]: `force_at` says nothing without `only_if_changed`
            m.yaml:9:71: schedulers[6].force_at_hour: `force_at` is given too; keep one of the two
        "#]],
    );
}

#[test]
fn cancellers_are_checked() {
    check_added(
        "old_build_cancellers:
- {builders: b2, branch_key: brnch}
- {source_stamp_filter: {category: x, branch: {match: 'a('}}}",
        expect![[r#"
            m.yaml:2:14: old_build_cancellers[0].builders: no builder is called "b2"; did you mean `b1`?
            m.yaml:2:30: old_build_cancellers[0].branch_key: wrong expression: "brnch" is not known here; known: branch, codebase, project, repository
            m.yaml:3:26: old_build_cancellers[1].source_stamp_filter.category: unknown key `category`; known: branch, branches, codebase, codebases, project, projects, repositories, repository
            m.yaml:3:55: old_build_cancellers[1].source_stamp_filter.branch.match: wrong regular expression: unclosed group
        "#]],
    );
    let config = loaded(&format!(
        "{BASE}old_build_cancellers: [{{source_stamp_filter: {{branch: {{not_eq: main}}}}}}]"
    ));
    assert_eq!(config.old_build_cancellers[0].builders, ["b1"]);
}
