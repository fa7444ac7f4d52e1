//! Passwords of users, as they are stored: argon2 always, over the password itself, or over the salted SHA-1 that
//! `buildbot user` of 0.8.x sends in its place (`US-06`). Pure.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

/// Length of a salt, in bytes.
pub const SALT_BYTES: usize = 16;

/// Begins the stored form of a password of which only the old hash is known.
const OVER_SHA1: &str = "sha1:";

/// How many digits of an old hash are its salt; the rest is the SHA-1.
const OLD_SALT_DIGITS: usize = 16;
const OLD_DIGITS: usize = OLD_SALT_DIGITS + 40;

/// Why a password cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is not what `buildbot user` sends.
    #[error("it is not a hash of 0.8.x")]
    NotOld,
    /// Argon2 refuses it.
    #[error("it is too long")]
    TooLong,
}

/// The form in which a password is stored.
///
/// # Errors
/// It is longer than argon2 takes.
pub fn hash(password: &str, salt: &[u8; SALT_BYTES]) -> Result<String, Unfit> {
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
    hash.map(|hash| hash.to_string()).map_err(|_| Unfit::TooLong)
}

/// The form in which the password is stored of which this is the old hash.
///
/// # Errors
/// It is no old hash.
pub fn hash_old(old: &str, salt: &[u8; SALT_BYTES]) -> Result<String, Unfit> {
    let (old_salt, digest) = split_old(old).ok_or(Unfit::NotOld)?;
    Ok(format!("{OVER_SHA1}{old_salt}:{}", hash(&digest, salt)?))
}

/// Whether this is the password that is stored so, in any form: old hashes that came with rows of 0.8.x count too.
pub fn is_right(stored: &str, password: &str) -> bool {
    if let Some((old_salt, hash)) = stored.strip_prefix(OVER_SHA1).and_then(|rest| rest.split_once(':')) {
        return verify(hash, &old_digest(old_salt, password));
    }
    match split_old(stored) {
        Some((old_salt, digest)) => old_digest(old_salt, password).as_bytes().ct_eq(digest.as_bytes()).into(),
        None => verify(stored, password),
    }
}

fn verify(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// The salt and the SHA-1 of an old hash, in small letters.
fn split_old(old: &str) -> Option<(&str, String)> {
    let is_old = old.len() == OLD_DIGITS && old.bytes().all(|digit| digit.is_ascii_hexdigit());
    let (salt, digest) = is_old.then(|| old.split_at(OLD_SALT_DIGITS))?;
    Some((salt, digest.to_ascii_lowercase()))
}

fn old_digest(salt: &str, password: &str) -> String {
    let digest = Sha1::new().chain_update(password).chain_update(salt).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Unfit, hash, hash_old, is_right};

    const SALT: [u8; 16] = *b"0123456789abcdef";

    /// SHA-1 of `sesame0123456789abcdef`, after that salt.
    const OLD: &str = "0123456789abcdefd8090bac0e3f9b553627e0010123051bb3a997d6";

    #[test]
    fn all_forms_tell_the_right_password_from_others() {
        let forms = [hash("sesame", &SALT).unwrap(), hash_old(OLD, &SALT).unwrap(), OLD.to_owned()];
        for stored in forms {
            assert!(is_right(&stored, "sesame"), "{stored}");
            assert!(!is_right(&stored, "Sesame"), "{stored}");
            assert!(!is_right(&stored, &stored), "{stored}");
        }
    }

    #[test]
    fn the_old_hash_is_not_stored() {
        let stored = hash_old(OLD, &SALT).unwrap();
        assert!(!stored.contains(&OLD[16..]), "{stored}");
        assert_eq!(hash_old("sesame", &SALT), Err(Unfit::NotOld));
        assert_eq!(hash_old(&OLD[1..], &SALT), Err(Unfit::NotOld));
    }
}
