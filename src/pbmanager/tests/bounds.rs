//! What one peer, or many, may take of the service.

use super::*;

fn from(address: &str) -> SocketAddr {
    format!("{address}:5000").parse().unwrap()
}

impl House {
    /// Whether a new connection from there is still open after it was looked at.
    fn is_let_in(&mut self, peer: SocketAddr) -> bool {
        let id = self.net.connect(peer).unwrap();
        self.settle();
        self.net.receive(id, usize::MAX);
        !self.net.is_ended(id)
    }
}

#[test]
fn one_address_cannot_keep_the_others_out_and_all_together_are_bounded() {
    let mut house = House::new();
    let per_address = limits::STRANGERS_PER_ADDRESS_MAX;
    for address in ["10.0.0.1", "[2001:db8::1]"] {
        for _ in 0..per_address {
            house.net.connect(from(address)).unwrap();
        }
    }
    house.settle();
    assert!(!house.is_let_in(from("10.0.0.1")));
    assert!(!house.is_let_in(from("[2001:db8::ffff]")), "a /64 is one party");
    assert_eq!(2 * per_address, limits::STRANGERS_MAX);
    assert!(!house.is_let_in(from("10.0.0.2")), "there are too many of them in total");

    house.sim.advance(limits::AUTHENTICATE_WITHIN);
    house.settle();
    for address in ["10.0.0.1", "[2001:db8::1]", "10.0.0.2"] {
        assert!(house.is_let_in(from(address)), "they make room after their time");
    }
}

#[test]
fn who_has_logged_in_makes_room_for_another() {
    let mut house = House::new();
    for _ in 1..limits::STRANGERS_PER_ADDRESS_MAX {
        house.net.connect(from("10.0.0.1")).unwrap();
    }
    let mut peer = house.connect("bot", "sekrit");
    assert!(!house.is_let_in(from("10.0.0.1")));
    house.talk(&mut peer);
    assert!(house.is_let_in(from("10.0.0.1")));
    assert!(!house.is_let_in(from("10.0.0.1")));
}

#[test]
fn all_connections_are_bounded() {
    let mut house = House::new();
    let mut count = 0;
    // Those who are in count here, and strangers do not.
    while count < limits::CONNECTIONS_MAX {
        let mut batch: Vec<Peer> = Vec::new();
        for _ in 0..1000 {
            batch.push(house.connect("bot", "sekrit"));
        }
        for _ in 0..4 {
            house.settle();
            for peer in &mut batch {
                let arrived = house.net.receive(peer.id, usize::MAX);
                peer.take(&arrived);
                let out = peer.session.take_output();
                house.net.send(peer.id, &out);
            }
        }
        count += batch.len();
        assert_eq!(house.heard.take().len(), batch.len());
    }
    assert!(!house.is_let_in(from("10.0.0.9")));
}

#[test]
fn a_peer_that_reads_nothing_is_cut_off_and_one_that_reads_slowly_is_not() {
    for (reads, is_cut) in [(0, true), (1, false)] {
        let mut house = House::new();
        let mut peer = house.connect("bot", "sekrit");
        house.talk(&mut peer);
        house.pb.admit(peer.id, 7).unwrap();
        house.talk(&mut peer);
        house.heard.take();
        let big = Value::bytes(vec![b'x'; 500_000]);
        house.pb.call(peer.id, Luid(1), "print", vec![big], 1).unwrap();
        house.settle();
        for _ in 0..4 {
            house.sim.advance(limits::SEND_PROGRESS_WITHIN / 2);
            house.net.receive(peer.id, reads);
            house.settle();
        }
        let cut = house.heard.take().iter().any(|news| {
            matches!(news, News::Detached { reason, .. } if reason == "it does not read what it is sent")
        });
        assert_eq!(cut, is_cut, "{reads} bytes at a time");
    }
}

#[test]
fn the_bytes_that_wait_for_a_peer_are_bounded() {
    let mut house = House::new();
    let mut peer = house.connect("bot", "sekrit");
    house.talk(&mut peer);
    house.pb.admit(peer.id, 7).unwrap();
    house.talk(&mut peer);
    house.heard.take();
    let big = Value::bytes(vec![b'x'; 500_000]);
    let most = limits::UNSENT_BYTES_MAX / 500_000;
    let mut calls = 0;
    while house.heard.take().is_empty() {
        assert!(calls <= most + 1, "{calls} calls of 500 kB wait");
        house.pb.call(peer.id, Luid(1), "print", vec![big.clone()], 1).unwrap();
        house.settle();
        calls += 1;
    }
    assert!(calls >= most, "{calls} calls are not enough to be cut off");
}

#[test]
fn a_stranger_that_does_not_read_its_answers_is_not_listened_to() {
    let mut house = House::new();
    let id = house.net.connect(from("10.0.0.1")).unwrap();
    house.net.send(id, b"\x02\x82pb");
    // Each of these calls of an unknown object is answered with a failure many times as long.
    let call = b"\x07\x80\x1a\x87\x01\x81\x63\x81\x01\x82x\x01\x81\x01\x80\x0b\x87\x01\x80\x05\x87";
    for _ in 0..10 {
        house.net.send(id, &call.repeat(10_000));
        house.settle();
    }
    let unread = house.net.unread(id);
    assert!(unread > 10 * 9_000 * call.len(), "{unread} bytes are unread");
    house.sim.advance(limits::AUTHENTICATE_WITHIN);
    house.settle();
    house.net.receive(id, usize::MAX);
    assert!(house.net.is_ended(id));
}
