//! The stream of changes and the change sources that feed it.
