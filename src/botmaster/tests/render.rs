//! Templates, filled in.

use super::template;
use crate::botmaster::render::Scene;
use crate::config::SecretText;
use crate::model::{Properties, SourceStamp};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;

fn with_scene<R>(work: impl FnOnce(&Scene<'_>) -> R) -> R {
    let mut properties = Properties::default();
    for (name, value) in [
        ("text", json!("x")),
        ("empty", json!("")),
        ("zero", json!(0)),
        ("no", json!(false)),
        ("none", json!(null)),
        ("list", json!(["a", 1])),
        ("deep", json!(["b", [2, ["c d"]], []])),
    ] {
        properties.set(name, value, "test");
    }
    let stamps = [SourceStamp {
        codebase: "lib".to_owned(),
        repository: "https://example.org/lib".to_owned(),
        branch: Some("main".to_owned()),
        ..SourceStamp::default()
    }];
    let worker = BTreeMap::from([("version".to_owned(), "4.3.0".to_owned())]);
    let secrets = |name: &str| match name {
        "key" => Ok(SecretText::new("hunter2")),
        "pin" => Ok(SecretText::new("123")),
        other => Err(format!("no provider knows {other}")),
    };
    let (hidden, secrets) = (RefCell::default(), &secrets);
    work(&Scene { properties: &properties, stamps: &stamps, worker: &worker, secrets, hidden })
}

#[test]
fn every_form_gives_its_text() {
    for (source, expected) in [
        ("a %(prop:text)s b", "a x b"),
        ("%(prop:gone)s", ""),
        ("%(prop:none)s %(prop:list)s", r#" ["a",1]"#),
        ("%(prop:gone:-d)s %(prop:empty:-d)s", "d "),
        ("%(prop:gone:~d)s %(prop:empty:~d)s %(prop:zero:~d)s %(prop:no:~d)s %(prop:text:~d)s", "d d d d x"),
        ("%(prop:gone:+d)s %(prop:empty:+d)s", " d"),
        ("%(prop:gone:?|yes|no)s %(prop:empty:?|yes|no)s", "no yes"),
        ("%(prop:empty:#?:yes:no)s %(prop:list:#?:yes:no)s", "no yes"),
        ("%(prop:gone:-%(prop:text:+[%(prop:text)s])s)s", "[x]"),
        ("%(src:lib:branch)s %(src:lib:revision:-newest)s %(src:other:branch:-none)s", "main newest none"),
        ("%(src:lib:repository)s %(src:lib:codebase)s", "https://example.org/lib lib"),
        ("%(worker:version)s %(worker:gone:-?)s", "4.3.0 ?"),
        ("%(secret:key)s", "hunter2"),
        ("100% %%(prop:text)s", "100% %(prop:text)s"),
    ] {
        assert_eq!(with_scene(|scene| scene.text(&template(source))).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn a_text_that_is_nothing_but_a_property_keeps_its_kind() {
    for (source, expected) in [
        ("%(prop:list)s", json!(["a", 1])),
        ("%(prop:zero)s", json!(0)),
        ("%(prop:none)s", json!(null)),
        ("%(prop:list:-other)s", json!(["a", 1])),
        ("%(prop:zero:~%(prop:list)s)s", json!(["a", 1])),
        ("%(prop:gone:-%(prop:zero)s)s", json!(0)),
        ("%(prop:gone)s", json!("")),
        ("%(prop:list:+set)s", json!("set")),
        (" %(prop:zero)s", json!(" 0")),
        ("%(prop:zero)s%(prop:zero)s", json!("00")),
    ] {
        assert_eq!(with_scene(|scene| scene.whole(&template(source))), Ok(expected), "{source}");
    }
}

#[test]
fn a_list_becomes_words() {
    let words =
        ["make", "%(prop:deep)s", "-l%(prop:list)s", "%(prop:zero)s", "%(secret:key)s", "%(prop:no)s"]
            .map(template);
    let filled = with_scene(|scene| scene.words(&words)).unwrap();
    let (words, shown): (Vec<_>, Vec<_>) = filled.into_iter().unzip();
    assert_eq!(words, ["make", "b", "2", "c d", r#"-l["a",1]"#, "0", "hunter2", "false"]);
    assert_eq!(shown[6], "<key>");
}

#[test]
fn only_a_secret_can_be_missing() {
    let missing = with_scene(|scene| scene.text(&template("%(secret:other)s")));
    assert_eq!(missing, Err("no provider knows other".to_owned()));
}

#[test]
fn a_secret_that_would_be_found_everywhere_is_refused() {
    let refused = with_scene(|scene| scene.text(&template("%(secret:pin)s")));
    let why = "secret \"pin\": only one of 4 to 16384 bytes can be kept out of logs";
    assert_eq!(refused, Err(why.to_owned()));
}

#[test]
fn people_see_the_names_of_secrets() {
    let shown = with_scene(|scene| scene.shown(&template("%(secret:key)s %(prop:gone:-%(secret:key)s)s")));
    assert_eq!(shown.as_deref(), Ok("<key> <key>"));
}

#[test]
fn secrets_that_were_used_are_remembered() {
    let used = with_scene(|scene| {
        scene.text(&template("%(secret:key:+set)s")).unwrap();
        scene.hidden.borrow().iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    });
    assert_eq!(used, ["key"]);
}

#[test]
fn values_are_filled_in_all_the_way_down() {
    let value = json!({"%(prop:text)s": ["%(prop:text)s", 1, null], "plain": true});
    let filled = with_scene(|scene| scene.json(&value));
    assert_eq!(filled, Ok(json!({"x": ["x", 1, null], "plain": true})));
}
