//! The greeting, call by call.

use crate::botmaster::attach::{Ask, Greeting, Wish};
use crate::botmaster::limits::{INFO_BYTES, INFO_ENTRIES, INFO_NAME_CHARS};
use crate::pb::{Failure, Luid, Value};
use expect_test::{Expect, expect};

/// Plays a greeting: `answer` says what comes back for each call.
fn check(answer: impl Fn(Ask, &str) -> Result<Value, Failure>, expected: Expect) {
    let listed = ["shell", "xfer"].map(|name| (name.to_owned(), format!("{name}-dir"))).to_vec();
    let mut wishes = Vec::new();
    let mut greeting = Greeting::begin(Luid(1), 2, listed, &mut wishes);
    let mut told = String::new();
    while !wishes.is_empty() {
        let mut more = Vec::new();
        for wish in wishes {
            match wish {
                Wish::Call { object, method, args, ask } => {
                    told += &format!("{} {method}{args:?}\n", object.0);
                    greeting.answered(ask, answer(ask, method), &mut more);
                }
                other => told += &format!("{other:?}\n"),
            }
        }
        wishes = more;
    }
    told += &format!("{:?}\n{:?}\n{:?}\n", greeting.info, greeting.abilities, greeting.builders);
    expected.assert_eq(&told);
}

fn objects() -> Value {
    Value::dict([("shell", Value::Remote(Luid(2))), ("xfer", Value::Remote(Luid(3)))])
}

/// As in the recorded session of a worker 4.3.0 with a master 4.3.0.
#[test]
fn a_worker_is_greeted() {
    let answer = |ask, _: &str| {
        Ok(match ask {
            Ask::WorkerInfo => Value::dict([
                ("admin", Value::from("Admin <admin@example.org>\n")),
                ("environ", Value::dict([("HOME", "/root")])),
                ("numcpus", Value::Int(2)),
                ("worker_commands", Value::dict([("shell", "3.3"), ("stat", "3.3")])),
            ]),
            Ask::BuilderList => objects(),
            _ => Value::None,
        })
    };
    check(
        answer,
        expect![[r#"
        1 print[Text("attached")]
        1 getWorkerInfo[]
        1 setBuilderList[List([Tuple([Text("shell"), Text("shell-dir")]), Tuple([Text("xfer"), Text("xfer-dir")])])]
        Done
        {"admin": "Admin <admin@example.org>", "numcpus": "2"}
        Abilities({"shell": "3.3", "stat": "3.3"})
        {"shell": Luid(2), "xfer": Luid(3)}
    "#]],
    );
}

/// As in the recorded session of a slave 0.8.6p1 with a master 0.8.6p1.
#[test]
fn a_slave_is_asked_in_the_old_way() {
    let answer = |ask, method: &str| {
        Ok(match ask {
            Ask::WorkerInfo => return Err(Failure::no_such_method(method)),
            Ask::SlaveInfo => Value::dict([("host", Value::bytes("test host\n"))]),
            Ask::Version => Value::bytes("0.8.6p1"),
            Ask::Commands => Value::dict([("shell", Value::bytes("2.15"))]),
            Ask::BuilderList => objects(),
            _ => Value::None,
        })
    };
    check(
        answer,
        expect![[r#"
        1 print[Text("attached")]
        1 getWorkerInfo[]
        SendBytes
        1 getSlaveInfo[]
        1 getVersion[]
        1 getCommands[]
        1 setBuilderList[List([Tuple([Text("shell"), Text("shell-dir")]), Tuple([Text("xfer"), Text("xfer-dir")])])]
        2 setMaster[Local(Key(2))]
        3 setMaster[Local(Key(2))]
        Done
        {"host": "test host", "version": "0.8.6p1"}
        Abilities({"shell": "2.15"})
        {"shell": Luid(2), "xfer": Luid(3)}
    "#]],
    );
}

#[test]
fn a_worker_that_fails_is_not_used() {
    let answer = |ask, _: &str| match ask {
        Ask::BuilderList => Err(Failure::runtime_error("disk full")),
        _ => Ok(Value::None),
    };
    check(
        answer,
        expect![[r#"
        1 print[Text("attached")]
        1 getWorkerInfo[]
        1 setBuilderList[List([Tuple([Text("shell"), Text("shell-dir")]), Tuple([Text("xfer"), Text("xfer-dir")])])]
        Failed("BuilderList failed: builtins.RuntimeError: disk full")
        {}
        Abilities({})
        {}
    "#]],
    );
}

/// A hostile worker cannot fill the memory with what it says of itself.
#[test]
fn of_what_nobody_asked_for_little_is_kept() {
    let long = "x".repeat(100_000);
    let many = |count: usize| (0..count).map(move |number| format!("{number:04}{}", "y".repeat(10_000)));
    let answer = |ask, _: &str| {
        Ok(match ask {
            Ask::WorkerInfo => Value::dict([
                ("environ", Value::dict(many(1000).map(|name| (name, long.as_str())))),
                ("worker_commands", Value::dict(many(1000).map(|name| (name, long.as_str())))),
            ]),
            Ask::BuilderList => Value::dict((0..1000).map(|number| (number.to_string(), Luid(number)))),
            _ => Value::None,
        })
    };
    let mut wishes = Vec::new();
    let listed = vec![("7".to_owned(), "7".to_owned())];
    let mut greeting = Greeting::begin(Luid(1), 2, listed, &mut wishes);
    while let Some(wish) = wishes.pop() {
        if let Wish::Call { method, ask, .. } = wish {
            greeting.answered(ask, answer(ask, method), &mut wishes);
        }
    }
    assert_eq!(greeting.builders.into_iter().collect::<Vec<_>>(), [("7".to_owned(), Luid(7))]);
    for kept in [greeting.environ, greeting.abilities.0] {
        assert_eq!(kept.len(), INFO_ENTRIES);
        assert!(kept.iter().all(|(name, text)| name.len() <= INFO_NAME_CHARS && text.len() <= INFO_BYTES));
    }
}
