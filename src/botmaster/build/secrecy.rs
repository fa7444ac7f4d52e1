//! Keeps the secrets that a build uses out of its logs, states and properties (`N-SE-06`).

use super::redact::{Redactor, Tail};
use crate::config::SecretText;
use crate::model::{Channel, Properties};
use bytes::Bytes;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeMap;

/// The shortest part of a secret that is looked for by itself: a line of a key, or what encoding it leaves.
const PART_BYTES: usize = 12;

/// What stays as it is in an address.
const IN_ADDRESSES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The secrets that a build has used so far.
#[derive(Debug, Default)]
pub(super) struct Secrecy {
    /// A secret that was changed meanwhile is here with both texts.
    known: Vec<SecretText>,
    redactor: Redactor,
}

/// The streams of a step: each channel of each of its logs is one.
#[derive(Debug, Default)]
pub(super) struct Streams(BTreeMap<(usize, Channel), Tail>);

impl Secrecy {
    /// From now on this is not shown, nor what it becomes in the usual encodings.
    pub fn learn(&mut self, name: &str, text: SecretText) {
        if !self.known.contains(&text) {
            self.redactor.add(name, forms(text.reveal()));
            self.known.push(text);
        }
    }

    /// A whole text, with each secret replaced by its name.
    pub fn clean(&self, text: impl Into<Bytes>) -> Bytes {
        self.redactor.clean(text)
    }

    /// The same, of text.
    pub fn clean_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.clean(text.to_owned())).into_owned()
    }

    /// The next piece of a stream: what of it can be shown already.
    pub fn next(&self, streams: &mut Streams, log: usize, channel: Channel, piece: Bytes) -> Bytes {
        self.redactor.next(streams.0.entry((log, channel)).or_default(), piece)
    }

    /// Ends all streams: what they held back, where that is something.
    pub fn end(&self, streams: &mut Streams) -> Vec<(usize, Channel, Bytes)> {
        let ended = std::mem::take(&mut streams.0).into_iter();
        let rest = |((log, channel), mut tail)| (log, channel, self.redactor.end(&mut tail, Bytes::new()));
        ended.map(rest).filter(|(.., text)| !text.is_empty()).collect()
    }

    /// Properties of which none is, or holds, a secret (`N-SE-08`).
    pub fn clean_properties(&self, properties: &Properties) -> Properties {
        let mut clean = Properties::default();
        for (name, property) in properties.iter() {
            clean.set(self.clean_text(name), self.clean_value(&property.value), &property.source);
        }
        clean
    }

    fn clean_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.clean_text(text)),
            Value::Array(items) => items.iter().map(|item| self.clean_value(item)).collect(),
            Value::Object(entries) => {
                entries.iter().map(|(key, value)| (self.clean_text(key), self.clean_value(value))).collect()
            }
            // A secret may be a number.
            Value::Number(number) => {
                let (plain, clean) = (number.to_string(), self.clean_text(&number.to_string()));
                if plain == clean { value.clone() } else { Value::String(clean) }
            }
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }
}

/// How a secret may be seen: as it is, line by line, in an address, in JSON, and in base 64 at any place.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.as_bytes().to_vec()];
    if secret.contains('\n') {
        // The frame of a key is not secret, and hiding it would hide that there was a key.
        let lines = secret.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
        forms.extend(lines.filter(|line| line.len() >= PART_BYTES).map(|line| line.as_bytes().to_vec()));
    }
    forms.push(utf8_percent_encode(secret, IN_ADDRESSES).to_string().into_bytes());
    if let Some(inside) =
        Value::from(secret).to_string().strip_prefix('"').and_then(|text| text.strip_suffix('"'))
    {
        forms.push(inside.as_bytes().to_vec());
    }
    for encoding in [BASE64_NOPAD, BASE64URL_NOPAD] {
        for before in 0..3 {
            // The first and the last letters are also made of what stands beside the secret.
            let text = encoding.encode(&[&[0; 2][..before], secret.as_bytes()].concat());
            let (first, bits) = ([0, 2, 3][before], (before + secret.len()) * 8);
            if let Some(own) = text.get(first..bits / 6).filter(|own| own.len() >= PART_BYTES) {
                forms.push(own.as_bytes().to_vec());
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::{BASE64, BASE64URL};
    use serde_json::json;

    fn secrecy(secrets: &[(&str, &str)]) -> Secrecy {
        let mut secrecy = Secrecy::default();
        secrets.iter().for_each(|(name, text)| secrecy.learn(name, SecretText::new(*text)));
        secrecy
    }

    #[test]
    fn a_changed_secret_is_hidden_as_it_was_and_as_it_is() {
        let secrecy = secrecy(&[("key", "hunter2"), ("key", "hunter3"), ("copy", "hunter2")]);
        assert_eq!(secrecy.clean("hunter2 hunter3 nothing"), "<key> <key> nothing");
    }

    #[test]
    fn encoded_secrets_are_hidden() {
        let secret = "pä/ss wörd?\"17\"";
        let secrecy = secrecy(&[("key", secret)]);
        assert_eq!(
            secrecy.clean_text("https://u:p%C3%A4%2Fss%20w%C3%B6rd%3F%2217%22@host"),
            "https://u:<key>@host"
        );
        assert_eq!(secrecy.clean_text(&json!({ "a": secret }).to_string()), r#"{"a":"<key>"}"#);
        for (before, after) in [("", ""), ("u:", ""), ("user:", "\n"), ("abc", "d"), ("abcd", "de")] {
            let plain = format!("{before}{secret}{after}");
            for encoded in [BASE64.encode(plain.as_bytes()), BASE64URL.encode(plain.as_bytes())] {
                let shown = secrecy.clean_text(&encoded);
                assert!(shown.contains("<key>"), "{encoded} of {plain:?} is shown as {shown}");
                assert!(shown.len() <= "<key>".len() + 16, "{encoded} of {plain:?} is shown as {shown}");
            }
        }
    }

    #[test]
    fn the_lines_of_a_key_are_hidden_one_by_one() {
        let key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nq83vEjRWeJCrze8S\nshort\n-----END KEY-----\n";
        let secrecy = secrecy(&[("key", key)]);
        assert_eq!(secrecy.clean_text(&format!("a\n{key}b\n")), "a\n<key>b\n");
        assert_eq!(
            secrecy.clean_text(&key.replace('\n', "\r\n")),
            "-----BEGIN KEY-----\r\n<key>\r\n<key>\r\nshort\r\n-----END KEY-----\r\n"
        );
    }

    #[test]
    fn no_property_holds_a_secret() {
        let secrecy = secrecy(&[("key", "hunter2"), ("pin", "123456")]);
        let mut properties = Properties::default();
        properties.set("a", json!(["hunter2", {"hunter2": 123456, "n": 12, "b": true}]), "Step");
        assert_eq!(
            secrecy.clean_properties(&properties).value("a"),
            Some(&json!(["<key>", {"<key>": "<pin>", "n": 12, "b": true}]))
        );
    }

    #[test]
    fn each_channel_of_each_log_is_a_stream() {
        let (secrecy, mut streams) = (secrecy(&[("key", "hunter2")]), Streams::default());
        let mut shown = String::new();
        for (log, channel, piece) in [
            (0, Channel::Stdout, "a hun"),
            (0, Channel::Stderr, "b hunt"),
            (1, Channel::Stdout, "c hunte"),
            (0, Channel::Stdout, "ter2"),
            (0, Channel::Stderr, "ing"),
        ] {
            let text = secrecy.next(&mut streams, log, channel, piece.into());
            shown += &format!("{log} {channel:?} {text:?}\n");
        }
        let rest = secrecy.end(&mut streams);
        expect_test::expect![[r#"
            0 Stdout b"a "
            0 Stderr b"b "
            1 Stdout b"c "
            0 Stdout b"<key>"
            0 Stderr b"hunting"
            [(1, Stdout, b"hunte")]
        "#]]
        .assert_eq(&format!("{shown}{rest:?}\n"));
    }
}
