//! The commands of the checkouts that git does not make.

use super::checkout::{Before, play, stamp};
use super::{checkout, template};
use crate::config::{Checkout, Hg, HgBranch, SourceMethod, SourceMode, StepKind, Svn};
use crate::model::{Patch, SourceStamp};
use expect_test::{Expect, expect};

fn hg(mode: SourceMode, branch_type: HgBranch) -> StepKind {
    let checkout = checkout("https://example.org/hg", mode);
    StepKind::Hg(Box::new(Hg { checkout, branch_type, clobber_on_branch_change: true }))
}

fn svn(mode: SourceMode) -> Svn {
    Svn {
        checkout: checkout("https://example.org/svn", mode),
        branches: true,
        username: Some(template("ada")),
        password: Some(template("lovelace")),
        depth: None,
        extra_args: Vec::new(),
        keep_on_purge: vec!["cache".to_owned()],
        prefer_last_changed_rev: false,
    }
}

fn check(kind: &StepKind, stamp: &SourceStamp, before: Before, failing: &[&str], expected: Expect) {
    expected.assert_eq(&play(kind, stamp, before, failing, "2.16"));
}

fn patched(stamp: SourceStamp) -> SourceStamp {
    let patch = Patch {
        level: 1,
        body: "--- a\n".to_owned(),
        subdir: "src".to_owned(),
        author: String::new(),
        comment: String::new(),
    };
    SourceStamp { patch: Some(patch), ..stamp }
}

#[test]
fn mercurial_by_mode() {
    let incremental = hg(SourceMode::Incremental, HgBranch::Inrepo);
    check(
        &incremental,
        &stamp(None, None),
        Before::Nothing,
        &[],
        expect![[r#"
        [build] hg --version
        listdir build
        [build] hg --noninteractive clone --noupdate https://example.org/hg .
        [build] hg --noninteractive update --clean --rev default
        [build] hg --noninteractive log --rev . --template {node}\n
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        &incremental,
        &patched(stamp(None, Some("abc"))),
        Before::Tree,
        &[],
        expect![[r#"
        [build] hg --version
        listdir build
        [build] hg --noninteractive identify --branch
        [build] hg --noninteractive pull https://example.org/hg
        [build] hg --noninteractive update --clean --rev abc
        [build] hg --noninteractive import --no-commit --force -p 1 --prefix src - < --- a
        [build] hg --noninteractive log --rev . --template {node}\n
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    // Another branch than the tree's.
    check(
        &incremental,
        &stamp(Some("stable"), None),
        Before::Tree,
        &[],
        expect![[r#"
        [build] hg --version
        listdir build
        [build] hg --noninteractive identify --branch
        rmdir build
        [build] hg --noninteractive clone --noupdate https://example.org/hg .
        [build] hg --noninteractive update --clean --rev stable
        [build] hg --noninteractive log --rev . --template {node}\n
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    let fresh = hg(SourceMode::Full(SourceMethod::Fresh), HgBranch::Inrepo);
    check(
        &fresh,
        &stamp(None, None),
        Before::Tree,
        &[],
        expect![[r#"
        [build] hg --version
        listdir build
        [build] hg --noninteractive identify --branch
        [build] hg --noninteractive pull https://example.org/hg
        [build] hg --noninteractive update --clean --rev default
        [build] hg --noninteractive --config extensions.purge= purge --all
        [build] hg --noninteractive log --rev . --template {node}\n
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    let clobber = hg(SourceMode::Full(SourceMethod::Clobber), HgBranch::Dirname);
    check(
        &clobber,
        &stamp(Some("stable"), None),
        Before::Tree,
        &[],
        expect![[r#"
        [build] hg --version
        rmdir build
        [build] hg --noninteractive clone --noupdate https://example.org/hg/stable .
        [build] hg --noninteractive update --clean --rev default
        [build] hg --noninteractive log --rev . --template {node}\n
        success Some("012345678901") "0123456789012345678901234567890123456789"
    "#]],
    );
    check(
        &incremental,
        &stamp(None, None),
        Before::Tree,
        &["pull"],
        expect![[r#"
        [build] hg --version
        listdir build
        [build] hg --noninteractive identify --branch
        [build] hg --noninteractive pull https://example.org/hg !
        failure Some("1") 
    "#]],
    );
}

#[test]
fn subversion_by_mode() {
    let kind = |config: Svn| StepKind::Svn(Box::new(config));
    let trunk = || stamp(Some("trunk"), Some("7"));
    check(
        &kind(svn(SourceMode::Incremental)),
        &trunk(),
        Before::Nothing,
        &[],
        expect![[r#"
        [build] svn --version
        listdir build
        [build] svn checkout https://example.org/svn/trunk@ . --revision 7 --non-interactive --no-auth-cache --username ada --password-from-stdin < lovelace
        [build] svn info --xml --non-interactive
        success Some("7") "7"
    "#]],
    );
    check(
        &kind(svn(SourceMode::Incremental)),
        &patched(trunk()),
        Before::Tree,
        &[],
        expect![[r#"
        [build] svn --version
        listdir build
        [build] svn info --xml --non-interactive
        [build] svn revert --recursive --non-interactive .
        [build] svn update --revision 7 --non-interactive --no-auth-cache --username ada --password-from-stdin < lovelace
        [build] patch -p 1 --batch --remove-empty-files -d src < --- a
        [build] svn info --xml --non-interactive
        success Some("7") "7"
    "#]],
    );
    // Of another branch than the working copy.
    let stable = stamp(Some("branches/stable"), None);
    check(
        &kind(svn(SourceMode::Incremental)),
        &stable,
        Before::Tree,
        &[],
        expect![[r#"
        [build] svn --version
        listdir build
        [build] svn info --xml --non-interactive
        rmdir build
        [build] svn checkout https://example.org/svn/branches/stable@ . --revision HEAD --non-interactive --no-auth-cache --username ada --password-from-stdin < lovelace
        [build] svn info --xml --non-interactive
        success Some("7") "7"
    "#]],
    );
    let fresh = Svn { prefer_last_changed_rev: true, ..svn(SourceMode::Full(SourceMethod::Fresh)) };
    check(
        &kind(fresh),
        &trunk(),
        Before::Tree,
        &[],
        expect![[r#"
        [build] svn --version
        listdir build
        [build] svn info --xml --non-interactive
        [build] svn revert --recursive --non-interactive .
        [build] svn status --xml --no-ignore
        rmdir build/left-over
        [build] svn update --revision 7 --non-interactive --no-auth-cache --username ada --password-from-stdin < lovelace
        [build] svn info --xml --non-interactive
        success Some("5") "5"
    "#]],
    );
    let export = svn(SourceMode::Full(SourceMethod::Export));
    check(
        &kind(export.clone()),
        &trunk(),
        Before::Tree,
        &[],
        expect![[r#"
        [source] svn --version
        rmdir build
        listdir source
        [source] svn info --xml --non-interactive
        [source] svn revert --recursive --non-interactive .
        [source] svn update --revision 7 --non-interactive --no-auth-cache --username ada --password-from-stdin < lovelace
        [source] svn export --force --non-interactive . ../build
        [source] svn info --xml --non-interactive
        success Some("7") "7"
    "#]],
    );
    let placed =
        Checkout { repository: template("https://example.org/%%BRANCH%%/app"), ..export.checkout.clone() };
    check(
        &kind(Svn { checkout: placed, ..export }),
        &stable,
        Before::OtherFiles,
        &[],
        expect![[r#"
        [source] svn --version
        rmdir build
        listdir source
        rmdir source
        [source] svn checkout https://example.org/branches/stable/app@ . --revision HEAD --non-interactive --no-auth-cache --username ada --password-from-stdin < lovelace
        [source] svn export --force --non-interactive . ../build
        [source] svn info --xml --non-interactive
        success Some("7") "7"
    "#]],
    );
}

#[test]
fn a_patch_stays_below_the_tree() {
    let mut stamp = patched(stamp(None, None));
    stamp.patch.as_mut().unwrap().subdir = "a/../../b".to_owned();
    let kind = hg(SourceMode::Incremental, HgBranch::Inrepo);
    check(
        &kind,
        &stamp,
        Before::Tree,
        &[],
        expect![[r#"the patch is for "a/../../b", which is not below the tree"#]],
    );
}
