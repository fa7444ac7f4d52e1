//! The Perspective Broker wire: bytes in, messages out; pure (`pb.md`).
