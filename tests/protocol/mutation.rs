//! Sound streams damaged by a seeded generator: no panic, no growth, and the same outcome however they are cut.
//!
//! `BELLWETHER_FUZZ_ROUNDS` widens it; a failure names its round, which repeats it.

use crate::exchange::{said, streams};
use crate::golden::{hex, vectors, whole};
use bellwether::pb::{Callee, Fatal, Session, Value};
use bytes::Bytes;

/// A small generator of numbers, the same in every run.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }

    pub fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// All calls of the captured messages, as streams of their own, beside the exchanges.
pub fn sound_streams() -> Vec<Vec<u8>> {
    let handshake = hex(&whole("pb-messages.json")["handshake_hex"]);
    let captured = vectors("pb-messages.json", "message").into_iter();
    let calls = captured.filter(|vector| vector["msg"]["type"] == "message");
    let with_handshake = calls.map(|vector| [handshake.clone(), hex(&vector["hex"])].concat());
    streams().into_iter().chain(with_handshake).collect()
}

/// Changes some bytes, or leaves some out, doubles some, or puts in some of `other`.
pub fn damage(bytes: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(bytes.len() + 1);
        let len = numbers.below(8).min(bytes.len() - at);
        match numbers.below(6) {
            0 if at < bytes.len() => bytes[at] = numbers.next() as u8,
            1 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            // Type bytes are where it hurts.
            2 if at < bytes.len() => bytes[at] = 0x80 + numbers.below(9) as u8,
            3 => drop(bytes.drain(at..at + len)),
            4 => bytes.extend_from_within(at..at + len),
            _ => {
                let from = numbers.below(other.len());
                let to = (from + numbers.below(40)).min(other.len());
                drop(bytes.splice(at..at, other[from..to].iter().copied()));
            }
        }
    }
}

/// How often to try.
pub fn rounds() -> u64 {
    std::env::var("BELLWETHER_FUZZ_ROUNDS").map_or(2_000, |n| n.parse().expect("a number"))
}

/// A client with some calls in flight hears a server; what it was told, what it says, and how it ends.
fn heard<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, Bytes, Result<(), Fatal>) {
    let (mut client, mut events) = (Session::client(), Vec::new());
    client.receive(b"\x02\x80\x02\x82pb\x04\x82none", &mut events).expect("an offer");
    for token in 1..=50 {
        client.call(Callee::Root, "try", &[Value::local(token)], &[], token).expect("ready");
    }
    client.take_output();
    let result = pieces.into_iter().try_for_each(|piece| client.receive(piece, &mut events));
    (format!("{events:?}"), client.take_output(), result)
}

#[test]
fn damaged_answers_do_no_harm() {
    let captured = vectors("pb-messages.json", "message").into_iter();
    let sound: Vec<_> = captured.map(|vector| hex(&vector["hex"])).collect();
    let mut accepted = 0;
    for round in 0..rounds() {
        let mut numbers = Numbers(round);
        let mut pick = || sound[numbers.below(sound.len())].clone();
        let (mut bytes, other) = ([pick(), pick()].concat(), pick());
        damage(&mut bytes, &other, &mut numbers);

        let at_once = heard([&bytes[..]]);
        let in_pieces = heard(bytes.chunks(1 + numbers.below(7)));
        assert_eq!(at_once, in_pieces, "round {round}: {bytes:02x?}");
        accepted += u64::from(at_once.2.is_ok());
    }
    assert!(accepted > 0 && accepted < rounds(), "{accepted} of {} were accepted", rounds());
}

#[test]
fn damaged_streams_do_no_harm() {
    let rounds = rounds();
    let sound = sound_streams();
    let mut accepted = 0;
    for round in 0..rounds {
        let mut numbers = Numbers(round);
        let mut bytes = sound[numbers.below(sound.len())].clone();
        let other = &sound[numbers.below(sound.len())];
        damage(&mut bytes, other, &mut numbers);

        let (at_once, result) = said([&bytes[..]]);
        let piece = 1 + numbers.below(7);
        let (in_pieces, result_in_pieces) = said(bytes.chunks(piece));
        assert_eq!(result, result_in_pieces, "round {round}: {bytes:02x?}");
        assert_eq!(format!("{at_once:?}"), format!("{in_pieces:?}"), "round {round}: {bytes:02x?}");
        assert!(result.is_ok() || at_once.is_empty(), "round {round}");
        accepted += u64::from(result.is_ok());
    }
    assert!(accepted > rounds / 100, "only {accepted} of {rounds} got past the first check");
    assert!(accepted < rounds, "nothing was refused");
}
