//! Listening ports, PB connections and the registry of user names; the one mio loop.
