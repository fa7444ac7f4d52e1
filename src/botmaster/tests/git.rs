//! The commands of a git step, by mode.

use super::checkout::{Before, play, stamp};
use super::git_config;
use crate::config::{Checkout, Git, SourceMethod, SourceMode, StepKind};
use crate::model::{Patch, SourceStamp};
use expect_test::{Expect, expect};

/// Plays the step; a command that contains one of `failing` fails, each word once.
fn check(config: Git, stamp: SourceStamp, before: Before, failing: &[&str], expected: Expect) {
    expected.assert_eq(&play(&StepKind::Git(Box::new(config)), &stamp, before, failing, "2.16"));
}

#[test]
fn incremental_updates_or_clones() {
    let config = || git_config(SourceMode::Incremental);
    check(
        config(),
        stamp(Some("main"), Some("abc")),
        Before::Tree,
        &["cat-file"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git cat-file -e abc^{commit} !
        [build] git fetch -f https://example.org/r.git main
        [build] git checkout -f abc
        [build] git checkout -B main
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        config(),
        stamp(Some("main"), Some("abc")),
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git cat-file -e abc^{commit}
        [build] git checkout -f abc
        [build] git checkout -B main
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        config(),
        stamp(None, None),
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git fetch -f https://example.org/r.git HEAD
        [build] git checkout -f FETCH_HEAD
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        config(),
        stamp(Some("main"), Some("abc")),
        Before::Nothing,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clone --branch main https://example.org/r.git .
        [build] git checkout -f abc
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        config(),
        stamp(None, None),
        Before::OtherFiles,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        rmdir build
        [build] git clone https://example.org/r.git .
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    let old = play(&StepKind::Git(Box::new(config())), &stamp(None, None), Before::Tree, &[], "2.15");
    assert!(old.contains("stat build/.git\n"), "{old}");
}

#[test]
fn full_checkouts_by_method() {
    let full = |method| Git { submodules: true, ..git_config(SourceMode::Full(method)) };
    let main = || stamp(Some("main"), None);
    check(
        full(SourceMethod::Clean),
        main(),
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clean -f -f -d
        [build] git fetch -f https://example.org/r.git main
        [build] git checkout -f FETCH_HEAD
        [build] git checkout -B main
        [build] git submodule sync
        [build] git submodule update --init --recursive
        [build] git submodule foreach --recursive git clean -f -f -d
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        full(SourceMethod::Fresh),
        main(),
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clean -f -f -d -x
        [build] git fetch -f https://example.org/r.git main
        [build] git checkout -f FETCH_HEAD
        [build] git checkout -B main
        [build] git submodule sync
        [build] git submodule update --init --recursive
        [build] git submodule foreach --recursive git clean -f -f -d -x
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        full(SourceMethod::Clobber),
        main(),
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        rmdir build
        [build] git clone --branch main https://example.org/r.git .
        [build] git submodule update --init --recursive
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        full(SourceMethod::Copy),
        main(),
        Before::Tree,
        &[],
        expect![[r#"
        [source] git --version
        rmdir build
        listdir source
        [source] git fetch -f https://example.org/r.git main
        [source] git checkout -f FETCH_HEAD
        [source] git checkout -B main
        [source] git submodule sync
        [source] git submodule update --init --recursive
        cpdir source build
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
}

#[test]
fn what_fails_is_tried_in_other_ways() {
    let config = || git_config(SourceMode::Incremental);
    let main = || stamp(Some("main"), None);
    check(
        config(),
        main(),
        Before::Tree,
        &["fetch"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git fetch -f https://example.org/r.git main !
        failure Some("1") 
    "#]],
    );
    check(
        Git { retry_fetch: true, ..config() },
        main(),
        Before::Tree,
        &["fetch"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git fetch -f https://example.org/r.git main !
        [build] git fetch -f https://example.org/r.git main
        [build] git checkout -f FETCH_HEAD
        [build] git checkout -B main
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        Git { clobber_on_failure: true, ..config() },
        main(),
        Before::Tree,
        &["fetch"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git fetch -f https://example.org/r.git main !
        rmdir build
        [build] git clone --branch main https://example.org/r.git .
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        config(),
        main(),
        Before::Tree,
        &["--version"],
        expect![[r#"
        [build] git --version !
        exception None 
    "#]],
    );
    let fresh = git_config(SourceMode::Full(SourceMethod::Fresh));
    check(
        fresh,
        main(),
        Before::Tree,
        &["clean"],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clean -f -f -d -x !
        rmdir build
        [build] git clone --branch main https://example.org/r.git .
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
}

#[test]
fn options_change_the_commands() {
    let config = || git_config(SourceMode::Incremental);
    let shallow = Git { shallow: Some(3), progress: true, ..config() };
    check(
        shallow,
        stamp(Some("refs/pull/1/head"), None),
        Before::Nothing,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clone -n --depth 3 https://example.org/r.git . --progress
        [build] git fetch -f --depth 3 https://example.org/r.git refs/pull/1/head --progress
        [build] git checkout -f FETCH_HEAD
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    let latest = Git {
        checkout: Checkout {
            always_use_latest: true,
            branch: Some(super::template("stable")),
            ..config().checkout
        },
        ..config()
    };
    check(
        latest,
        stamp(Some("main"), Some("abc")),
        Before::Nothing,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clone --branch stable https://example.org/r.git .
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    let rich = Git {
        tags: true,
        remote_submodules: true,
        submodules: true,
        origin: Some(super::template("upstream")),
        reference: Some(super::template("/srv/mirror")),
        filters: vec![super::template("blob:none")],
        config: [("http.postBuffer".to_owned(), super::template("1"))].into(),
        get_description: Some(vec!["--tags".to_owned()]),
        ..config()
    };
    check(
        rich.clone(),
        stamp(None, None),
        Before::Nothing,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git -c http.postBuffer=1 clone --origin=upstream --reference=/srv/mirror --filter=blob:none https://example.org/r.git .
        [build] git -c http.postBuffer=1 submodule update --init --recursive --remote
        [build] git -c http.postBuffer=1 rev-parse HEAD
        [build] git -c http.postBuffer=1 describe --tags HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        rich,
        stamp(None, None),
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git -c http.postBuffer=1 fetch -f --tags https://example.org/r.git HEAD
        [build] git -c http.postBuffer=1 checkout -f FETCH_HEAD
        [build] git -c http.postBuffer=1 submodule sync
        [build] git -c http.postBuffer=1 submodule update --init --recursive --remote
        [build] git -c http.postBuffer=1 rev-parse HEAD
        [build] git -c http.postBuffer=1 describe --tags HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    let merge = stamp(Some("refs/pull/1/merge"), Some("abc"));
    check(
        config(),
        merge,
        Before::Tree,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git fetch -f https://example.org/r.git refs/pull/1/merge
        [build] git checkout -f FETCH_HEAD
        [build] git checkout -B refs/pull/1/merge
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    let patch = Patch {
        level: 1,
        body: "--- a\n".to_owned(),
        subdir: "src".to_owned(),
        author: String::new(),
        comment: String::new(),
    };
    let patched = SourceStamp { patch: Some(patch), ..stamp(Some("main"), None) };
    check(
        config(),
        patched,
        Before::Nothing,
        &[],
        expect![[r#"
        [build] git --version
        listdir build
        [build] git clone --branch main https://example.org/r.git .
        [build] git apply --index -p 1 --directory src < --- a
        [build] git rev-parse HEAD
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        config(),
        stamp(Some("--upload-pack=x"), None),
        Before::Tree,
        &[],
        expect![[r#""--upload-pack=x" is no repository, branch or revision"#]],
    );
    let other =
        Git { checkout: Checkout { codebase: super::template("lib"), ..config().checkout }, ..config() };
    check(
        other,
        stamp(None, None),
        Before::Tree,
        &[],
        expect![[r#"the build has no source of codebase "lib""#]],
    );
}
