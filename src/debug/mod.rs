//! The control socket and the debug client.
