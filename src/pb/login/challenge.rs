//! Challenge and response: a password is proven without being sent.

use bytes::Bytes;
use md5::{Digest, Md5};
use std::fmt;
use subtle::ConstantTimeEq;

/// Length of the challenges that we make.
pub const CHALLENGE_BYTES: usize = 16;

/// What a server must know of a password to check a [`Proof`] of it.
#[derive(Clone)]
pub enum Secret {
    /// The password itself.
    Plain(Vec<u8>),
    /// MD5 of the password: enough to log in with, so as secret as the password.
    Md5([u8; 16]),
}

impl Secret {
    /// The same secret without the password itself.
    pub fn hashed(&self) -> Secret {
        Secret::Md5(self.md5())
    }

    fn md5(&self) -> [u8; 16] {
        match self {
            Secret::Plain(password) => Md5::digest(password).into(),
            Secret::Md5(digest) => *digest,
        }
    }

    /// Is it that of this password? Takes the same time wherever they differ.
    pub fn is(&self, password: &str) -> bool {
        self.md5().ct_eq(&Secret::from(password).md5()).into()
    }

    /// The response of one who knows the secret: MD5(MD5(password) and challenge).
    pub fn respond(&self, challenge: &[u8]) -> [u8; 16] {
        Md5::new().chain_update(self.md5()).chain_update(challenge).finalize().into()
    }
}

impl From<&str> for Secret {
    fn from(password: &str) -> Secret {
        Secret::Plain(password.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A challenge that we made and the response to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What was asked.
    pub challenge: [u8; CHALLENGE_BYTES],
    /// What came back, of any length.
    pub response: Bytes,
}

impl Proof {
    /// Was the response made with this secret? Takes the same time wherever they differ.
    pub fn matches(&self, secret: &Secret) -> bool {
        secret.respond(&self.challenge).ct_eq(&self.response[..]).into()
    }
}
