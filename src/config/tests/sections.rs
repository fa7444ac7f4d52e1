//! The sections and the names that they share.

use super::{BASE, check, check_added, loaded};
use crate::config::{ReporterKind, SchedulerKind};
use expect_test::expect;

#[test]
fn names_must_be_unique() {
    check_added(
        "workers: [{name: w1, type: local}, {name: debug, type: local}]
schedulers: [{type: force, name: force, builders: b1}]
builders:
- {name: b1, workers: w1, steps: []}
- {name: b.1, build_dir: b1, workers: w1, steps: []}
- {name: _b, workers: [w1, w1], build_dir: ../b, steps: []}
change_sources: [{type: pb, user: w2, password: {secret: x}}, {type: git_poller, name: 'pb:w2', repository: r}]",
        expect![[r#"
            m.yaml:1:18: workers[0].name: another worker is called "w1", in base.yaml:2; names must be unique
            m.yaml:1:43: workers[1].name: the name "debug" is reserved; call the worker something else
            m.yaml:2:34: schedulers[0].name: another scheduler is called "force", in base.yaml:3; names must be unique
            m.yaml:4:10: builders[0].name: another builder is called "b1", in base.yaml:4; names must be unique
            m.yaml:5:26: builders[1].build_dir: it builds in "b1", and so does "b1"; set `build_dir`
            m.yaml:6:10: builders[2].name: a builder's name may not begin with `_`
            m.yaml:6:28: builders[2].workers[1]: the worker "w1" stands here twice
            m.yaml:6:44: builders[2].build_dir: "../b" may lie outside of the worker's directory; write a plain name
            m.yaml:7:18: change_sources[0]: a worker logs in as "w2" too; give them different names
            m.yaml:7:18: change_sources[0]: it has no port to connect to; add `pb: {listen: 0.0.0.0:9989}`
            m.yaml:7:88: change_sources[1].name: another change source is called "pb:w2", in m.yaml:7; names must be unique
        "#]],
    );
}

#[test]
fn names_must_be_those_of_something() {
    check_added(
        "schedulers: [{type: any_branch, name: s, builders: [b2, 'x-*']}]
builders:
- {name: lonely, workers: [w3], steps: [use: checkuot]}
- {name: never, workers: {match: os == 'plan9'}, steps: []}
- {name: wrong, workers: {match: so == 'debian'}, steps: []}
step_lists: {checkout: [shell: x]}",
        expect![[r#"
            m.yaml:1:53: schedulers[0].builders[0]: no builder is called "b2"; did you mean `b1`?
            m.yaml:1:57: schedulers[0].builders[1]: no builder has a name like "x-*"; known: b1, lonely, never, wrong
            m.yaml:3:28: builders[0].workers[0]: no worker is called "w3"; did you mean `w1`?
            m.yaml:3:46: builders[0].steps[0].use: no step list is called "checkuot"; did you mean `checkout`?
            m.yaml:4:34: builders[1].workers.match: it has no worker
            m.yaml:5:34: builders[2].workers.match: wrong condition: "so" is not known here; known: name, os
        "#]],
    );
}

#[test]
fn a_builder_that_no_scheduler_asks_is_an_error() {
    check(
        &BASE
            .replace("'*'", "b1")
            .replace("builders: [{", "builders: [{name: b2, workers: w1, steps: []}, {"),
        expect![[r#"
            m.yaml:4:19: builders[0].name: no scheduler asks the builder "b2"; name it in the `builders` of one; `type: force` lets people start it
        "#]],
    );
}

#[test]
fn one_mistake_makes_one_complaint() {
    check(
        &BASE.replace("type: force", "type: farce"),
        expect![[r#"
        m.yaml:3:21: schedulers[0].type: unknown type "farce" of scheduler; did you mean `force`?
    "#]],
    );
    check(
        &BASE.replace("steps: [shell: make]", "stops: []"),
        expect![[r#"
        m.yaml:4:12: builders[0]: `steps` is missing
        m.yaml:4:36: builders[0].stops: unknown key `stops`; did you mean `steps`?
    "#]],
    );
    check(
        &BASE.replace("{name: w1, type: local", "{name: w1, type: locale"),
        expect![[r#"
            m.yaml:2:28: workers[0].type: it must be one of remote, local, docker, command, not "locale"; did you mean `local`?
        "#]],
    );
}

#[test]
fn force_forms_are_checked() {
    check_added(
        "schedulers:
- type: force
  name: f2
  builders: b1
  branch: main
  reason: {default: 5}
  parameters:
  - {name: a, type: choice, choices: [x, y], default: z}
  - {name: a, type: int, default: one}
  - {name: branch, type: strnig}
  - {name: project}",
        expect![[r#"
            m.yaml:6:21: schedulers[0].reason.default: it must be text, not `5`; put it in quotes
            m.yaml:8:55: schedulers[0].parameters[0].default: the default "z" is none of the choices; add it to them, or say `strict: false`
            m.yaml:9:35: schedulers[0].parameters[1].default: it must be a whole number, not "one"
            m.yaml:10:26: schedulers[0].parameters[2].type: it must be one of string, text, int, bool, choice, fixed, user_name, file, any_property, worker_choice, nested, not "strnig"; did you mean `string`?
            m.yaml:11:5: schedulers[0].parameters[3]: the form has another field `project`; names must be unique
        "#]],
    );
}

#[test]
fn secrets_in_the_file_are_warned_of() {
    check_added(
        "pb: {listen: 9989}\nworkers: [{name: r, password: hunter2}]\nsecrets: [{type: vault}, {type: file, name: x}]",
        expect![[r#"
            m.yaml:3:18: secrets[0].type: unknown type "vault"; known: directory, file, systemd_credentials
            m.yaml:3:26: secrets[1]: `path` is missing
        "#]],
    );
    check_added(
        "pb: {listen: 9989}\nworkers: [{name: r, password: hunter2}]",
        expect![[r#"
        warning: m.yaml:2:31: workers[0].password: a secret stands in the file; keep it with a provider of `secrets` and write `{secret: NAME}`
        loaded
    "#]],
    );
}

#[test]
fn a_property_may_not_hold_a_secret() {
    check_added(
        "builders:
- name: b2
  workers: w1
  default_properties: {level: 3}
  steps:
  - set_property: token
    value: ['a %(secret:key)s']
  - set_properties: {a: '%(prop:x:-%(secret:key)s)s'}",
        expect![[r#"
            m.yaml:7:13: builders[0].steps[0].value[0]: a property may not hold the secret "key"; use the secret itself where it is needed
            m.yaml:8:25: builders[0].steps[1].set_properties.a: a property may not hold the secret "key"; use the secret itself where it is needed
        "#]],
    );
}

#[test]
fn remote_workers_need_a_port() {
    check_added(
        "workers: [{name: r, password: {secret: r}}]",
        expect![[r#"
        m.yaml:1:18: workers[0].name: it has no port to connect to; add `pb: {listen: 0.0.0.0:9989}`
    "#]],
    );
    check_added(
        "pb: {listen: 127.0.0.1:1}\nwww: {listen: 127.0.0.1:1}",
        expect![[r#"
        base.yaml:2:1: `pb` and `www` both listen on 127.0.0.1:1; give them different ports
    "#]],
    );
}

#[test]
fn git_pollers_are_checked() {
    check_added(
        "change_sources:
- {type: git_poller, repository: 'https://robot:pw@example.org/app.git'}
- {type: git_poller, repository: r, only_tags: true, branches: main}
- {type: git_poller, repository: r2, poll_interval: 0, poll_random_delay_min: 9s, poll_random_delay_max: 3s}
- {type: git_poller, repository: r3, ssh_host_key: ssh-rsa A, ssh_known_hosts: h A, revlink: 'http://x'}
- {type: git_poller, repository: r4, auth_credentials: {user: robot}, category: nightly}",
        expect![[r#"
            m.yaml:2:34: change_sources[0].repository: a password stands in the address, which everybody sees; write `auth_credentials: {user: NAME, password: {secret: NAME}}`
            m.yaml:3:48: change_sources[1].only_tags: `branches` is given too; keep one of the two
            m.yaml:4:53: change_sources[2].poll_interval: a poller cannot look all the time; write `60s` or more
            m.yaml:4:106: change_sources[2].poll_random_delay_max: it is shorter than `poll_random_delay_min`
            m.yaml:5:80: change_sources[3].ssh_known_hosts: `ssh_host_key` is given too; keep one of the two
            m.yaml:5:94: change_sources[3].revlink: it is the same page for every commit; write `%s` where a commit's id goes
            m.yaml:6:56: change_sources[4].auth_credentials: `password` is missing
        "#]],
    );
    let config = loaded(&format!(
        "{BASE}change_sources: [{{type: git_poller, repourl: r, only_tags: true, pollInterval: 60, category: c}}]"
    ));
    let expected =
        r#"{"name":"r","git_poller":{"repository":"r","branches":{"matching":[]},"tags":["*"],"refs":[]"#;
    let printed = serde_json::to_string(&config.change_sources[0]).unwrap();
    assert!(printed.starts_with(expected), "{printed}");
    assert!(printed.contains(r#""category":"c""#), "{printed}");
}

#[test]
fn other_change_sources_are_checked() {
    check_added(
        "change_sources:
- {type: hg_poller, repository: 'https://robot:pw@example.org/app'}
- {type: svn_poller, repository: r, branches: ['branches/[']}
- {type: gerrit, server: '-oProxyCommand=x', user: ci}
- {type: gerrit, server: review.example.org, user: ci, auth_credentials: {user: a, password: {secret: b}}}
- {type: cvs}",
        expect![[r#"
            m.yaml:2:33: change_sources[0].repository: a password stands in the address, which everybody sees; write `auth_credentials: {user: NAME, password: {secret: NAME}}`
            m.yaml:3:48: change_sources[1].branches[0]: unclosed character class
            m.yaml:4:3: change_sources[2]: "-oProxyCommand=x" is no name
            m.yaml:5:3: change_sources[3]: `auth_credentials` are for HTTP; write `user` and `ssh_private_key`
            m.yaml:6:10: change_sources[4].type: unknown type "cvs" of change source; known: gerrit, git_poller, hg_poller, pb, svn_poller
        "#]],
    );
    let config = loaded(&format!(
        "{BASE}change_sources:
- {{type: hg_poller, name: h, repository: r, bookmarks: true}}
- {{type: svn_poller, name: s, repository: r/, trunk: /trunk/, branches: branches/*}}
- {{type: gerrit, server: g, user: ci}}"
    ));
    let printed: Vec<String> =
        config.change_sources.iter().map(|source| serde_json::to_string(source).unwrap() + "\n").collect();
    expect![[r#"
        {"name":"h","hg_poller":{"repository":"r","branches":[],"bookmarks":["*"],"poll_interval":"10m","poll_at_launch":false,"poll_random_delay_min":"0s","poll_random_delay_max":"0s","use_timestamps":true,"revlink":null,"project":"","category":null,"ssh_private_key":null,"ssh_host_key":null,"ssh_known_hosts":null,"auth_credentials":null,"hg_bin":"hg"}}
        {"name":"s","svn_poller":{"repository":"r","trunk":"trunk","branches":[["branches","*"]],"poll_interval":"10m","poll_at_launch":false,"poll_random_delay_min":"0s","poll_random_delay_max":"0s","use_timestamps":true,"revlink":null,"project":"","category":null,"ssh_private_key":null,"ssh_host_key":null,"ssh_known_hosts":null,"auth_credentials":null,"svn_bin":"svn"}}
        {"name":"g","gerrit":{"server":"g","port":29418,"user":"ci","ssh_private_key":null,"ssh_host_key":null,"ssh_known_hosts":null,"auth_credentials":null,"handled_events":["patchset-created","ref-updated"],"get_files":false,"ssh_bin":"ssh"}}
    "#]].assert_eq(&printed.concat());
}

#[test]
fn what_is_not_said_has_its_default() {
    let mut config = loaded(BASE);
    config.builders[0].steps.clear();
    config.schedulers.clear();
    expect![[r#"
        {
          "title": "Bellwether",
          "url": "http://localhost:8010/",
          "timezone": null,
          "state_dir": "/var/lib/bellwether",
          "database": {
            "url": "sqlite:///var/lib/bellwether/state.sqlite"
          },
          "secrets": [],
          "pb": {
            "listen": [],
            "keepalive": "12s"
          },
          "msgpack": {
            "listen": []
          },
          "www": null,
          "control_socket": "/var/lib/bellwether/control.sock",
          "debug": null,
          "status": [],
          "user_managers": [],
          "retention": {
            "builds": {
              "for": "400d"
            },
            "logs": {
              "for": "90d"
            },
            "changes": {
              "newest": 10000
            },
            "log_size": 1073741824,
            "log_tail_size": 1048576
          },
          "caches": {},
          "metrics": null,
          "properties": {},
          "locks": [],
          "workers": [
            {
              "name": "w1",
              "kind": "local",
              "password": null,
              "max_builds": null,
              "locks": [],
              "properties": {
                "os": {
                  "value": "debian",
                  "source": "Worker"
                }
              },
              "default_properties": {},
              "keepalive": "usual",
              "notify_on_missing": [],
              "missing_timeout": "1h"
            },
            {
              "name": "w2",
              "kind": "local",
              "password": null,
              "max_builds": null,
              "locks": [],
              "properties": {},
              "default_properties": {},
              "keepalive": "usual",
              "notify_on_missing": [],
              "missing_timeout": "1h"
            }
          ],
          "change_sources": [],
          "codebases": [],
          "schedulers": [],
          "old_build_cancellers": [],
          "builders": [
            {
              "name": "b1",
              "workers": [
                "w1"
              ],
              "tags": [],
              "description": null,
              "env": {},
              "properties": {},
              "default_properties": {},
              "build_dir": "b1",
              "workdir": "build",
              "collapse_requests": "alike",
              "priority": 0,
              "next_build": "oldest",
              "next_worker": "least_busy",
              "can_start_build": null,
              "locks": [],
              "steps": []
            }
          ],
          "reporters": []
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&config).unwrap());
}

#[test]
fn forms_have_their_fields() {
    let config = loaded(&BASE.replace(
        "builders: '*'}",
        "builders: '*', branch: main, reason: {default: because}, parameters: [
  {name: s, regex: '[a-z]+', required: true}, {name: t, type: text, rows: 3}, {name: i, type: int, default: 4},
  {name: b, type: bool, label: Really}, {name: c, type: choice, choices: [x, y], multiple: true, default: [y]},
  {name: d, type: choice, choices: [x, y]}, {name: f, type: fixed, default: [1]}, {name: u, type: user_name}]}",
    ));
    let SchedulerKind::Force(force) = &config.schedulers[0].kind else { panic!("{:?}", config.schedulers) };
    let fields = [&force.branch, &force.reason, &force.username].into_iter().chain(&force.parameters);
    let told: String = fields.map(|field| serde_json::to_string(field).unwrap() + "\n").collect();
    expect![[r#"
        {"name":"branch","label":"Branch","tab_label":"","tooltip":"","kind":{"type":"fixed"},"default":"main","required":false,"hide":true,"regex":null,"max_size":null}
        {"name":"reason","label":"Reason","tab_label":"","tooltip":"","kind":{"type":"string","size":20},"default":"because","required":false,"hide":false,"regex":null,"max_size":null}
        {"name":"username","label":"Your name","tab_label":"","tooltip":"","kind":{"type":"user_name","size":30,"need_email":true},"default":"","required":false,"hide":false,"regex":null,"max_size":null}
        {"name":"s","label":"s","tab_label":"","tooltip":"","kind":{"type":"string","size":10},"default":"","required":true,"hide":false,"regex":"[a-z]+","max_size":null}
        {"name":"t","label":"t","tab_label":"","tooltip":"","kind":{"type":"text","cols":80,"rows":3},"default":"","required":false,"hide":false,"regex":null,"max_size":null}
        {"name":"i","label":"i","tab_label":"","tooltip":"","kind":{"type":"int","size":10},"default":4,"required":false,"hide":false,"regex":null,"max_size":null}
        {"name":"b","label":"Really","tab_label":"","tooltip":"","kind":{"type":"bool"},"default":false,"required":false,"hide":false,"regex":null,"max_size":null}
        {"name":"c","label":"c","tab_label":"","tooltip":"","kind":{"type":"choice","choices":["x","y"],"strict":true,"multiple":true},"default":["y"],"required":false,"hide":false,"regex":null,"max_size":null}
        {"name":"d","label":"d","tab_label":"","tooltip":"","kind":{"type":"choice","choices":["x","y"],"strict":true,"multiple":false},"default":"x","required":false,"hide":false,"regex":null,"max_size":null}
        {"name":"f","label":"f","tab_label":"","tooltip":"","kind":{"type":"fixed"},"default":[1],"required":false,"hide":true,"regex":null,"max_size":null}
        {"name":"u","label":"u","tab_label":"","tooltip":"","kind":{"type":"user_name","size":30,"need_email":true},"default":"","required":false,"hide":false,"regex":null,"max_size":null}
    "#]].assert_eq(&told);
}

#[test]
fn a_place_to_listen_on_has_many_forms() {
    let listen = |text: &str| {
        let text = format!("{BASE}\npb: {{listen: {text}}}");
        serde_json::to_string(&loaded(&text).pb.listen).expect("plain data")
    };
    for port in ["9989", "'9989'", "0.0.0.0:9989", "[{address: 9989}]", "[{address: 9989, tls: null}]"] {
        assert_eq!(listen(port), r#"[{"address":"0.0.0.0:9989"}]"#, "{port}");
    }
    assert_eq!(
        listen("[9989, {address: '[::1]:9990', tls: {certificate: /c.pem, key: /k.pem, client_ca: /a.pem}}]"),
        concat!(
            r#"[{"address":"0.0.0.0:9989"},{"address":"[::1]:9990","#,
            r#""tls":{"certificate":"/c.pem","key":"/k.pem","client_ca":"/a.pem"}}]"#,
        ),
    );
    check_added(
        "pb:\n  listen: [{tls: {certificate: c.pem}}, {address: 1, tls: true}, 1.2.3.4:5, {address: 1.2.3.4:5, crypt: x}]",
        expect![[r#"
            m.yaml:2:12: pb.listen[0]: `address` is missing
            m.yaml:2:18: pb.listen[0].tls: `key` is missing
            m.yaml:2:32: pb.listen[0].tls.certificate: it must be an absolute path, not "c.pem"; begin it with `/`
            m.yaml:2:59: pb.listen[1].tls: it must be a mapping, not a truth value
            m.yaml:2:77: pb.listen[3]: 1.2.3.4:5 stands here twice
            m.yaml:2:98: pb.listen[3].crypt: unknown key `crypt`; known: address, tls
        "#]],
    );
}

#[test]
fn reporters_and_whom_they_tell_are_checked() {
    check_added(
        "reporters:
- {type: mail, from: nobody, relay: localhost}
- {type: mail, name: other, from: ci@example.org, relay: 'localhost:x'}
- {type: mail, name: login, from: ci@example.org, relay: localhost, user: ci}
- {type: mail, name: open, from: ci@example.org, relay: localhost, user: ci, password: {secret: s}, tls: none}
- {type: pigeon}
workers: [{name: w9, type: local, notify_on_missing: [ops@example.org, ops], keepalive_interval: soon}]",
        expect![[r#"
            m.yaml:2:22: reporters[0].from: "nobody" is not an address of mail; write one like `somebody@example.org`
            m.yaml:3:58: reporters[1].relay: "localhost:x" is no host and port; write one like `smtp.example.org:25`
            m.yaml:4:75: reporters[2].user: a user without a password cannot log in; give the `password` too
            m.yaml:5:74: reporters[3].user: the password would go over the wire as it is; write `tls: starttls`
            m.yaml:6:10: reporters[4].type: unknown type "pigeon" of reporter; known: mail
            m.yaml:7:72: workers[0].notify_on_missing[1]: "ops" is not an address of mail; write one like `somebody@example.org`
            m.yaml:7:98: workers[0].keepalive_interval: it must be a duration, not "soon"; write `90s`, `10m`, `1h30m`, or plain seconds
        "#]],
    );
    check_added(
        "workers: [{name: w9, type: local, notify_on_missing: ops@example.org}]",
        expect![[r#"
            warning: m.yaml:1:18: workers[0].name: nobody is told when it is missing: `notify_on_missing` needs a reporter of type `mail`; add one to `reporters`
            loaded
        "#]],
    );
}

#[test]
fn how_mail_is_sent_has_its_defaults() {
    let text = |more: &str| {
        let mail = format!("{{type: mail, from: ci@example.org, relay: mx{more}}}");
        let config = loaded(&format!("{BASE}reporters: [{mail}]\n"));
        let ReporterKind::Mail(mail) = &config.reporters[0].kind;
        format!("{}:{} {:?}", mail.host, mail.port, mail.tls)
    };
    assert_eq!(text(""), "mx:25 None");
    assert_eq!(text(", user: ci, password: {secret: s}"), "mx:587 Starttls");
    assert_eq!(text(", tls: implicit"), "mx:465 Implicit");
    assert_eq!(text(":2525, tls: starttls"), "mx:2525 Starttls");
}
