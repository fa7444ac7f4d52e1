//! A master that means harm, or is broken: the agent refuses, and serves on.

use super::master::Master;
use crate::pb::Value;
use crate::worker::limits::LOGFILES_MAX;

/// Whatever was asked of it, the agent still runs commands.
fn lives(master: &mut Master) {
    assert_eq!(master.shell("exit 0", &[]).rc(), Some(0));
}

#[test]
fn a_pipe_does_not_stop_the_agent() {
    let mut master = Master::new();
    master.shell("mkfifo pipe", &[]);
    let transfer = |source: &'static str, object: &'static str| {
        Value::dict([
            ("workdir", Value::from("build")),
            (source, "pipe".into()),
            (object, Value::local(50)),
            ("maxsize", Value::None),
            ("blocksize", Value::Int(4)),
            ("mode", Value::None),
        ])
    };
    for (command, args) in
        [("uploadFile", transfer("workersrc", "writer")), ("downloadFile", transfer("workerdest", "reader"))]
    {
        let key = master.start_on("one", command, args).expect("starts");
        let close = master.next_call();
        assert_eq!(close.method, "close");
        master.answer(close, &Value::None);
        let outcome = master.complete(key);
        assert_eq!(outcome.rc(), Some(1));
        assert!(outcome.text("stderr").starts_with("Cannot open file"), "{}", outcome.text("stderr"));
        lives(&mut master);
    }
}

#[test]
fn numbers_beyond_reason_are_refused_or_harmless() {
    let mut master = Master::new();
    let endless = [("timeout", Value::from(1e19)), ("maxTime", Value::Int(i64::MAX))];
    assert_eq!(master.shell("exit 3", &endless).rc(), Some(3));
    for (key, value) in [
        ("timeout", Value::from(f64::NAN)),
        ("maxTime", Value::from(f64::INFINITY)),
        ("sigtermTime", Value::Int(-1)),
        ("max_lines", Value::from(0.5)),
    ] {
        let args =
            Value::dict([("command", Value::from("exit 0")), ("workdir", "build".into()), (key, value)]);
        let refused = master.start_on("one", "shell", args).expect_err("refused");
        assert!(refused.is_a("builtins.TypeError"), "{refused}");
    }
    let logs = (0..=LOGFILES_MAX).map(|n| (n.to_string().into(), Value::from("x.log"))).collect();
    let args =
        [("command", Value::from("exit 0")), ("workdir", "build".into()), ("logfiles", Value::Dict(logs))];
    let refused = master.start_on("one", "shell", Value::dict(args)).expect_err("refused");
    assert!(refused.to_string().contains("at most"), "{refused}");
    lives(&mut master);
}

#[test]
fn calls_that_make_no_sense_are_refused() {
    let mut master = Master::new();
    for args in [vec![], vec![Value::None], vec![Value::Int(1), Value::Int(2), Value::None, Value::None]] {
        assert!(master.ask_builder("one", "startCommand", &args).is_err());
        assert!(master.ask_mind("setBuilderList", &args).is_err());
    }
    assert!(master.ask_mind("__class__", &[]).expect_err("refused").is_no_such_method());
    assert_eq!(master.ask_builder("one", "interruptCommand", &[Value::None, Value::None]), Ok(Value::None));
    lives(&mut master);
}
