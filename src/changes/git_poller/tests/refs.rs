//! Tags and other refs, and pushes without commits, in real repositories.

use super::{Place, globs, poller};
use crate::changes::git_poller::plan::{Remote, ref_of};
use crate::config::{Branches, Glob};
use expect_test::expect;
use std::time::Duration;

fn patterns(patterns: &[&str]) -> Vec<Glob> {
    patterns.iter().map(|pattern| Glob::new(pattern).unwrap()).collect()
}

#[test]
fn only_what_is_watched_of_each_kind_is_kept() {
    let text = "ref: refs/heads/main\tHEAD\na\tHEAD\na\trefs/heads/main\nb\trefs/heads/refs/tags/v1\n\
                t\trefs/tags/v1\nc\trefs/tags/v1^{}\nd\trefs/tags/x\ne\trefs/pull/1/head\nf\trefs/notes/n\n";
    let mut poller = poller("r", Branches::All);
    poller.tags = patterns(&["v*"]);
    poller.refs = patterns(&["refs/pull/*/head"]);
    let watched = Remote::read(text).watched(&poller);
    let watched: Vec<String> = watched.iter().map(|(name, tip)| format!("{name}={tip}")).collect();
    assert_eq!(watched.join(" "), "main=a refs/heads/refs/tags/v1=b refs/pull/1/head=e refs/tags/v1=c");
    assert_eq!(ref_of("main"), "refs/heads/main");
    assert_eq!(ref_of("refs/heads/refs/tags/v1"), "refs/heads/refs/tags/v1");
}

#[test]
fn a_tag_is_one_change_of_its_commit() {
    let mut place = Place::new(globs(&[]));
    place.settings.poller.tags = patterns(&["v*"]);
    place.commit("one");
    place.git(&["tag", "v1"]);
    place.check(expect![""]);

    // Two commits, and two tags, an annotated one and one of another name; the branch is not looked at.
    place.commit("two");
    place.commit("three");
    place.git(&["tag", "-a", "-m", "second", "v2"]);
    place.git(&["tag", "test"]);
    place.check(expect![[r#"
        refs/tags/v2: three [three] by Ann <x@example.org>
    "#]]);
    place.check(expect![""]);

    // A tag of a commit that is known, one that moves, and one of no commit at all.
    place.git(&["tag", "v3"]);
    place.git(&["tag", "--force", "v1", "HEAD~1"]);
    place.git(&["tag", "vtree", "HEAD^{tree}"]);
    place.check(expect![[r#"
        refs/tags/v1: two [two] by Ann <x@example.org>
        refs/tags/v3: three [three] by Ann <x@example.org>
    "#]]);
    place.git(&["tag", "-d", "v3"]);
    place.check(expect![""]);
}

#[test]
fn what_only_a_tag_has_is_told_when_a_branch_gets_it() {
    let mut place = Place::new(Branches::Default);
    place.settings.poller.tags = patterns(&["*"]);
    place.commit("one");
    place.check(expect![""]);
    place.git(&["checkout", "--quiet", "--detach"]);
    place.commit("two");
    place.git(&["tag", "v2"]);
    // HEAD must name a branch for the poller to know the default one.
    place.git(&["checkout", "--quiet", "main"]);
    place.check(expect![[r#"
        refs/tags/v2: two [two] by Ann <x@example.org>
    "#]]);
    place.git(&["merge", "--quiet", "--ff-only", "v2"]);
    place.check(expect![[r#"
        main: two [two] by Ann <x@example.org>
    "#]]);
}

#[test]
fn other_refs_tell_their_new_commits() {
    let mut place = Place::new(Branches::Default);
    place.settings.poller.refs = patterns(&["refs/changes/*"]);
    place.commit("one");
    place.look();
    place.git(&["checkout", "--quiet", "--detach"]);
    place.commit("review");
    place.git(&["update-ref", "refs/changes/01/1/1", "HEAD"]);
    place.git(&["update-ref", "refs/other/1", "HEAD"]);
    place.git(&["checkout", "--quiet", "main"]);
    place.check(expect![[r#"
        refs/changes/01/1/1: review [review] by Ann <x@example.org>
    "#]]);
}

#[test]
fn pushes_without_commits_are_told_if_they_are_to_be_built() {
    let mut place = Place::new(Branches::All);
    place.settings.poller.build_pushes_with_no_commits = true;
    place.commit("one");
    place.commit("two");
    place.look();
    place.git(&["branch", "new"]);
    place.check(expect![[r#"
        new: two [two] by Ann <x@example.org>
    "#]]);
    place.git(&["branch", "--force", "new", "HEAD~1"]);
    place.check(expect![[r#"
        new: one [one] by Ann <x@example.org>
    "#]]);
}

#[test]
fn pollers_of_one_repository_share_a_mirror() {
    let mut main = Place::new(Branches::Default);
    main.commit("one");
    main.look();
    let mut all = main.clone_of();
    all.settings.poller.branches = Branches::All;
    all.look();
    main.git(&["checkout", "--quiet", "-b", "topic"]);
    main.commit("two");
    main.git(&["checkout", "--quiet", "main"]);
    main.git(&["merge", "--quiet", "--no-ff", "-m", "merge", "topic"]);
    // What the one has fetched is news to the other all the same.
    all.check(expect![[r#"
        main: two [two] by Ann <x@example.org>
        main: merge [two] by Ann <x@example.org>
        topic: two [two] by Ann <x@example.org>
    "#]]);
    main.check(expect![[r#"
        main: two [two] by Ann <x@example.org>
        main: merge [two] by Ann <x@example.org>
    "#]]);
}

#[test]
fn looks_are_put_off_by_chance() {
    let mut rhythm = poller("r", Branches::All).rhythm;
    assert_eq!(rhythm.delay(0.7), Duration::ZERO);
    rhythm.poll_random_delay_min = Duration::from_secs(10);
    rhythm.poll_random_delay_max = Duration::from_secs(30);
    assert_eq!([0.0, 0.5, 1.0].map(|chance| rhythm.delay(chance).as_secs()), [10, 20, 30]);
}
