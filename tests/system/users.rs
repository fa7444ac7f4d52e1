//! People, as the real `buildbot user` manages them and as changes make them.

use crate::harness::{Said, Site, eventually, old, real};

const SITE: &str = "workers: [{name: w1, type: local}]\n\
    user_managers: [{type: command_line, user: manager, password: sesame}]\n\
    change_sources: [{type: pb, user: change, password: changepw}]\n\
    schedulers: [{type: force, name: force, builders: b}]\nbuilders: [{name: b, workers: [w1], steps: [shell: 'true']}]\n";

fn user(site: &Site, arguments: &[&str]) -> Said {
    let mut tool = site.program(old("buildbot"));
    tool.args(["user", "--username=manager", "--passwd=sesame"]);
    tool.arg(format!("--master=127.0.0.1:{}", site.pb_port));
    site.run(tool.args(arguments))
}

/// Runs the tool and looks for lines in what it prints.
#[track_caller]
fn prints(site: &Site, arguments: &[&str], lines: &[&str]) {
    let said = user(site, arguments);
    assert_eq!(said.code, Some(0), "{}\n{}", said.text, site.log());
    for line in lines {
        assert!(said.text.lines().any(|said| said == *line), "no {line:?} in\n{}\n{}", said.text, site.log());
    }
}

#[test]
fn the_real_tool_adds_updates_tells_and_removes() {
    let site = Site::running(SITE);
    let ada = "git=Ada Lovelace <ada@example.org>,email=ada@example.org";
    prints(
        &site,
        &["--op=add", &format!("--info={ada}")],
        &["user(s) added:", "identifier: Ada Lovelace <ada@example.org>"],
    );
    prints(&site, &["--op=add", "--info=email=bob@example.org"], &["identifier: bob@example.org"]);
    prints(
        &site,
        &["--op=update", "--bb_username=bob", "--bb_password=builder", "--info=bob@example.org:hg=Bob"],
        &["user(s) updated:", "identifier: bob@example.org"],
    );
    prints(
        &site,
        &["--op=get", "--ids=bob@example.org,nobody"],
        &["user(s) found:", "bb_username: bob", "email: bob@example.org", "hg: Bob", "no match found"],
    );
    let page = site.page("GET", "/users").body;
    assert!(page.contains("Ada Lovelace") && page.contains("bob@example.org"), "{page}");
    assert!(!page.contains("argon2"), "{page}");
    prints(
        &site,
        &["--op=remove", "--ids=bob@example.org"],
        &["user(s) removed:", "identifier: bob@example.org"],
    );
    prints(&site, &["--op=get", "--ids=bob@example.org"], &["no match found"]);
}

#[test]
fn the_author_of_a_change_is_a_user() {
    let site = Site::running(SITE);
    for (tool, author) in [(real("buildbot"), "Ada <ada@x.org>"), (old("buildbot"), "Ada <ada@x.org>")] {
        let mut tell = site.program(tool);
        tell.arg("sendchange").arg(format!("--master=127.0.0.1:{}", site.pb_port));
        tell.args(["--auth=change:changepw", "--vc=git", &format!("--who={author}"), "a"]);
        let said = site.run(&mut tell);
        assert_eq!(said.code, Some(0), "{}", said.text);
    }
    prints(&site, &["--op=get", "--ids=Ada <ada@x.org>"], &["git: Ada <ada@x.org>"]);
    eventually("two changes of one user", || site.rows().change_users() == [(1, 1), (2, 1)]);
}
