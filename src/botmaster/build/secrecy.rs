//! Keeps the secrets that a build uses out of its logs and states.

use crate::config::SecretText;
use bytes::Bytes;

/// The secrets that a build has used so far, by name.
#[derive(Debug, Default)]
pub(super) struct Secrecy(Vec<(String, SecretText)>);

impl Secrecy {
    /// From now on this is not shown.
    pub fn learn(&mut self, name: String, text: SecretText) {
        if !text.reveal().is_empty() && !self.0.iter().any(|(known, _)| *known == name) {
            self.0.push((name, text));
        }
    }

    /// The text with each secret replaced by its name. One that is cut in two by the pieces in which a worker
    /// sends its output is not found.
    pub fn clean(&self, text: impl Into<Bytes>) -> Bytes {
        let mut text = text.into();
        for (name, secret) in &self.0 {
            let secret = secret.reveal().as_bytes();
            if memchr::memmem::find(&text, secret).is_none() {
                continue;
            }
            let (mut clean, mut done) = (Vec::with_capacity(text.len()), 0);
            for at in memchr::memmem::find_iter(&text, secret) {
                clean.extend_from_slice(&text[done..at]);
                clean.extend_from_slice(format!("<{name}>").as_bytes());
                done = at + secret.len();
            }
            clean.extend_from_slice(&text[done..]);
            text = clean.into();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_by_their_names() {
        let mut secrecy = Secrecy::default();
        secrecy.learn("key".to_owned(), SecretText::new("hunter2"));
        secrecy.learn("none".to_owned(), SecretText::new(""));
        assert_eq!(secrecy.clean("a hunter2 bhunter2"), "a <key> b<key>");
        assert_eq!(secrecy.clean("nothing"), "nothing");
    }
}
