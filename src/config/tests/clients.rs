//! Who logs in beside the workers, and where.

use super::check_added;
use expect_test::expect;

#[test]
fn tools_log_in_by_names_of_their_own() {
    check_added(
        "debug: {password: {secret: d}}
user_managers: [{type: command_line, username: manager, password: {secret: m}}, {type: configuration_file}]
status: [{type: pb_listener, password: {secret: s}}, {type: pb_listner, password: {secret: s}}]
schedulers:
- {type: try_userpass, name: t1, builders: b1, users: [{user: manager, password: {secret: t}}, {user: debug}]}
- {type: try_userpass, name: t2, builders: b1, users: [{user: w2, password: {secret: t}}]}
- {type: try_jobdir, name: t3, builders: b1, jobdir: jobs, poll_interval: 0}",
        expect![[r#"
            m.yaml:2:17: user_managers[0]: another user of the PB port is called "manager", in m.yaml:5; names must be unique
            m.yaml:2:88: user_managers[1].type: unknown type "configuration_file"; known: command_line
            m.yaml:3:61: status[1].type: unknown type "pb_listner"; did you mean `pb_listener`?
            m.yaml:5:30: schedulers[0].name: it has no port to connect to; add `pb: {listen: 0.0.0.0:9989}`
            m.yaml:5:96: schedulers[0].users[1]: `password` is missing
            m.yaml:6:30: schedulers[1].name: a worker logs in as "w2" too; give them different names
            m.yaml:7:54: schedulers[2].jobdir: it must be an absolute path, not "jobs"; begin it with `/`
            m.yaml:7:75: schedulers[2].poll_interval: nobody can look all the time; write `1s` or more
        "#]],
    );
}

#[test]
fn units_may_have_ports_of_their_own() {
    check_added(
        "pb: {listen: 127.0.0.1:9989}
msgpack: {listen: 127.0.0.1:9990}
user_managers: [{type: command_line, user: manager, password: {secret: m}, listen: 127.0.0.1:9990}]
change_sources:
- {type: pb, name: c1, password: {secret: c}, listen: [127.0.0.1:9991, 127.0.0.1:9992]}
- {type: pb, name: c2, password: {secret: c}, listen: 127.0.0.1:9991}
- {type: pb, name: c3, password: {secret: c}}
status: [{type: pb_listener, user: change, password: {secret: s}, listen: 127.0.0.1:9989}]
schedulers:
- {type: try_userpass, name: t1, builders: b1, listen: 9993, users: [{user: w2, password: {secret: t}}]}
- {type: try_userpass, name: t2, builders: b1, users: [{user: ada, password: {secret: t}}],
   listen: {address: 9993, tls: {certificate: /c.pem, key: /k.pem}}}",
        expect![[r#"
            m.yaml:3:17: user_managers[0]: `msgpack` listens on 127.0.0.1:9990 too; give them different ports
            m.yaml:6:20: change_sources[1].name: another user of 127.0.0.1:9991 is called "change", in m.yaml:5; names must be unique
            m.yaml:8:10: status[0]: another user of the PB port is called "change", in m.yaml:7; names must be unique
            m.yaml:10:30: schedulers[0].name: 0.0.0.0:9993 is listened on with other `tls` elsewhere; say the same at all places, or take another port
            m.yaml:11:30: schedulers[1].name: 0.0.0.0:9993 is listened on with other `tls` elsewhere; say the same at all places, or take another port
        "#]],
    );
}
