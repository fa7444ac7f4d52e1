//! User managers, identities and passwords.
