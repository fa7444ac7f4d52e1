//! Calls and references between two sessions: counts are exact both ways.

use crate::pair::{Pair, the_call, the_result};
use bellwether::pb::limits::{CALLS_MAX, STRING_BYTES_MAX};
use bellwether::pb::{Callee, Event, Failure, Luid, Refused, Session, Target, TextForm, Value};
use bytestring::ByteString;

#[test]
fn calls_carry_arguments_and_answers() {
    let mut pair = Pair::new();
    let keywords = [(ByteString::from("message"), Value::from("hello"))];
    pair.client.call(Callee::Root, "print", &[1.into()], &keywords, 7).expect("ready");
    let call = the_call(pair.talk().server);
    assert_eq!((call.object, call.method.as_str()), (Target::Root, "print"));
    assert_eq!(call.arg(0, "number"), Some(&Value::Int(1)));
    assert_eq!(call.arg(1, "message").and_then(Value::as_str), Some("hello"));
    assert_eq!(call.arg(2, "other"), None);
    assert_eq!((pair.server.unanswered_calls(), pair.client.calls_in_flight()), (1, 1));
    pair.server.answer(call.request, &Value::list(["a", "b"]));
    let events = pair.talk().client;
    assert!(matches!(&events[..], [Event::Answered { token: 7, .. }]));
    assert_eq!(the_result(events), Ok(Value::list(["a", "b"])));
    assert_eq!((pair.server.unanswered_calls(), pair.client.calls_in_flight()), (0, 0));
}

#[test]
fn failures_arrive_as_they_were() {
    let mut pair = Pair::new();
    let call = pair.call_root(&[]);
    let failure = Failure::no_such_perspective_method("ChangePerspective", "x");
    pair.server.fail(call.request, &failure);
    assert_eq!(the_result(pair.talk().client), Err(failure));
}

#[test]
fn a_long_traceback_is_cut() {
    let mut pair = Pair::new();
    let call = pair.call_root(&[]);
    let traceback = "é".repeat(STRING_BYTES_MAX);
    pair.server.fail(call.request, &Failure { traceback, ..Failure::runtime_error("x") });
    let failure = the_result(pair.talk().client).expect_err("failed");
    assert!(failure.is_a("RuntimeError") && failure.traceback.starts_with('é'));
}

#[test]
fn an_object_keeps_its_number_until_its_last_reference_goes() {
    let mut pair = Pair::new();
    let call = pair.call_root(&[Value::local(5), Value::local(5), Value::local(6)]);
    let luids: Vec<_> = call.args.iter().filter_map(Value::as_remote).collect();
    assert_eq!(luids, [Luid(1), Luid(1), Luid(2)]);
    assert_eq!(call.received, luids);
    assert_eq!((pair.client.references(), pair.server.references()), ((2, 0), (0, 2)));

    pair.server.release(Luid(1));
    let told = pair.talk();
    assert!(matches!(&told.client[..], [Event::Released { key: 5 }]), "{:?}", told.client);
    assert_eq!((pair.client.references(), pair.server.references()), ((1, 0), (0, 1)));

    // Numbers are not used again.
    let call = pair.call_root(&[Value::local(5)]);
    assert_eq!(call.args, [Value::Remote(Luid(3))]);
}

#[test]
fn objects_are_called_and_come_back_to_their_owner() {
    let mut pair = Pair::new();
    let call = pair.call_root(&[Value::local(5)]);
    let luid = call.args[0].as_remote().expect("an object");
    pair.server.call(luid, "update", &[Value::Remote(luid)], &[], 2).expect("ready");
    let update = the_call(pair.talk().client);
    assert_eq!((update.object, &update.args[..]), (Target::Key(5), &[Value::local(5)][..]));
    assert_eq!(update.received, [], "nothing new was lent");
}

#[test]
fn a_rejected_call_gives_back_just_what_came_with_it() {
    let mut pair = Pair::new();
    pair.call_root(&[Value::local(5)]);
    let call = pair.call_root(&[Value::local(5), Value::local(6)]);
    pair.server.reject(call, &Failure::no_such_method("try"));
    let told = pair.talk();
    let released: Vec<_> = told.client.iter().filter(|e| matches!(e, Event::Released { .. })).collect();
    assert!(matches!(released[..], [Event::Released { key: 6 }]), "{released:?}");
    assert_eq!(pair.client.references().0, 1, "the first call's reference is kept");
}

#[test]
fn what_cannot_be_sent_leaves_no_trace() {
    let mut pair = Pair::new();
    let large = Value::bytes(vec![0; STRING_BYTES_MAX + 1]);
    let refused = pair.client.call(Callee::Root, "try", &[Value::local(5), large.clone()], &[], 1);
    assert!(matches!(refused, Err(Refused::Encode(_))), "{refused:?}");
    assert_eq!((pair.client.output_len(), pair.client.references()), (0, (0, 0)));
    assert_eq!(pair.client.calls_in_flight(), 0);

    // An answer that cannot be sent is a failure of the call.
    let call = pair.call_root(&[]);
    pair.server.answer(call.request, &Value::list([Value::local(9), large]));
    assert!(the_result(pair.talk().client).is_err_and(|failure| failure.is_a("ValueError")));
    assert_eq!(pair.server.references(), (0, 0));
}

#[test]
fn the_calls_of_one_peer_are_limited() {
    let mut pair = Pair::new();
    for token in 0..CALLS_MAX as u64 {
        pair.client.call(Callee::Root, "try", &[], &[], token).expect("within the limit");
    }
    let refused = pair.client.call(Callee::Root, "try", &[], &[], 0);
    assert_eq!(refused, Err(Refused::TooManyCalls));
}

#[test]
fn calls_end_with_the_connection() {
    let mut session = Session::client();
    assert_eq!(session.call(Callee::Root, "try", &[], &[], 1), Err(Refused::NotReady));
    let mut pair = Pair::new();
    for token in [3, 1, 2] {
        pair.client.call(Callee::Root, "try", &[], &[], token).expect("ready");
    }
    let ends = pair.client.lost().into_iter().map(|event| match event {
        Event::Answered { token, result: Err(failure) } if failure.is_connection_lost() => token,
        other => panic!("{other:?}"),
    });
    assert_eq!(ends.collect::<Vec<_>>(), [3, 1, 2], "in the order of the calls");
    assert_eq!(pair.client.call(Callee::Root, "try", &[], &[], 1), Err(Refused::Closed));
    assert_eq!(pair.client.output_len(), 0);
}

#[test]
fn a_peer_of_old_gets_bytes_but_failures_in_text() {
    let mut pair = Pair::new();
    pair.client.set_text_form(TextForm::Bytes);
    let call = pair.call_root(&["é".into()]);
    assert_eq!(call.args, [Value::bytes("é")]);
    pair.server.call(Callee::Root, "x", &[], &[], 1).expect("ready");
    let call = the_call(pair.talk().client);
    pair.client.fail(call.request, &Failure::value_error("é"));
    let bytes = pair.client.take_output();
    assert!(bytes.windows(7).any(|window| window == b"unicode"));
}
