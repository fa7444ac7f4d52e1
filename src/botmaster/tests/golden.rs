//! The greeting against the recorded greetings of real workers by real masters.

use crate::botmaster::attach::{Greeting, Wish};
use crate::pb::{Failure, Luid, Value};
use serde_json::Value as Json;

/// One call of the recorded master's, and what the worker answered.
struct Recorded {
    method: String,
    args: Value,
    answer: Option<Value>,
}

/// The master's calls in a recorded session, up to its answer to the login.
fn greeting(file: &str) -> Vec<Recorded> {
    let path = format!("{}/tests/protocol/transcripts/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut calls: Vec<(i64, Recorded)> = Vec::new();
    for line in text.lines().skip(1) {
        let line: Json = serde_json::from_str(line).unwrap();
        let field = |at: usize| &line["sexp"][at];
        match (line["dir"].as_str(), field(0).as_str()) {
            (Some("S>C"), Some("answer")) if field(1) == 2 => break,
            (Some("S>C"), Some("message")) => {
                let (method, args) = (field(3).as_str().unwrap().to_owned(), value(field(5)));
                calls.push((field(1).as_i64().unwrap(), Recorded { method, args, answer: None }));
            }
            (Some("C>S"), Some("answer")) => {
                let call = calls.iter_mut().find(|(id, _)| field(1) == *id).unwrap();
                call.1.answer = Some(value(field(2)));
            }
            _ => {}
        }
    }
    calls.into_iter().map(|(_, call)| call).collect()
}

/// A value as the transcripts write it.
fn value(json: &Json) -> Value {
    let items = |json: &[Json]| json.iter().map(value).collect::<Vec<_>>();
    match json {
        Json::String(text) => Value::bytes(text.clone()),
        Json::Number(number) => Value::Int(number.as_i64().unwrap_or_default()),
        Json::Array(parts) => match (parts[0].as_str().unwrap(), &parts[1..]) {
            ("unicode", [text]) => Value::from(text.as_str().unwrap()),
            ("None", []) => Value::None,
            ("boolean", [truth]) => Value::Bool(truth == "true"),
            ("remote", [luid]) => Value::Remote(Luid(luid.as_i64().unwrap())),
            ("list", rest) => Value::List(items(rest)),
            ("tuple", rest) => Value::Tuple(items(rest)),
            ("dictionary", rest) => {
                Value::Dict(rest.iter().map(|pair| (value(&pair[0]), value(&pair[1]))).collect())
            }
            other => panic!("{other:?} is no value"),
        },
        other => panic!("{other} is no value"),
    }
}

/// Greets the recorded worker; returns the calls, and what was learnt.
fn greet(recorded: &[Recorded]) -> (Vec<String>, Greeting) {
    let list = recorded.iter().find(|call| call.method == "setBuilderList").unwrap();
    let pairs = list.args.as_items().unwrap()[0].as_items().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let listed =
        pairs.iter().map(|pair| pair.as_items().unwrap()).map(|pair| (text(&pair[0]), text(&pair[1])));
    let (mut wishes, mut methods, mut done) = (Vec::new(), Vec::new(), false);
    let mut greeting = Greeting::begin(Luid(1), 2, listed.collect(), &mut wishes);
    while !wishes.is_empty() {
        for wish in std::mem::take(&mut wishes) {
            match wish {
                Wish::Call { method, ask, .. } => {
                    methods.push(method.to_owned());
                    let answer = recorded.iter().find(|call| call.method == method);
                    let answer = answer.map(|call| call.answer.clone().expect("an answer"));
                    let answer = answer.ok_or_else(|| Failure::no_such_method(method));
                    greeting.answered(ask, answer, &mut wishes);
                }
                Wish::Done => done = true,
                Wish::SendBytes => {}
                Wish::Failed(why) => panic!("{why}"),
            }
        }
    }
    assert!(done, "the greeting has no end");
    (methods, greeting)
}

/// The recorded calls without the notices to the builders, which mean nothing.
fn methods(recorded: &[Recorded]) -> Vec<String> {
    let first = recorded.iter().position(|call| call.method == "print").into_iter();
    let keeps: Vec<usize> =
        first.chain((0..recorded.len()).filter(|at| recorded[*at].method != "print")).collect();
    keeps.into_iter().map(|at| recorded[at].method.clone()).collect()
}

#[test]
fn a_real_worker_is_greeted_as_by_its_own_master() {
    let recorded = greeting("b1-worker-4.3.0--master-4.3.0");
    let (ours, greeting) = greet(&recorded);
    assert_eq!(ours, methods(&recorded));
    assert_eq!(greeting.builders.keys().collect::<Vec<_>>(), ["shell", "sleep", "xfer"]);
    assert_eq!(greeting.info["version"], "4.3.0");
    assert!(greeting.abilities.has_version("shell", "3.3") && !greeting.abilities.has("svn"));
}

#[test]
fn a_real_slave_is_greeted_as_by_its_own_master() {
    let recorded = greeting("a-slave-0.8.6p1--master-0.8.6p1");
    let (mut ours, greeting) = greet(&recorded);
    // The one call more, by which a slave shows that it is one.
    assert_eq!(ours.remove(1), "getWorkerInfo");
    assert_eq!(ours, methods(&recorded));
    assert_eq!(greeting.builders.len(), 3);
    assert_eq!(greeting.info["version"], "0.8.6p1");
    assert!(greeting.abilities.has("svn") && !greeting.abilities.has_version("shell", "2.16"));
}
