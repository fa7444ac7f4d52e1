//! Places of their own: who is known where, and what a reload does to them.

use super::*;
use crate::config::{ChangeSource, ChangeSourceKind};
use crate::config::{Gate, Login, PbSource, Secret, SecretText};

const SHARED: &str = "127.0.0.1:9989";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A configuration with the shared port, and change sources that have these of their own.
fn with_sources(places: &[(&str, &str)]) -> Arc<Config> {
    let mut config = Config::clone(&listening_on(SHARED));
    config.change_sources = places
        .iter()
        .map(|(name, place)| {
            let password = Secret::Literal(SecretText::new("changepw"));
            let login = Login { user: "change".into(), password };
            let gate = Gate { login, listen: vec![address(place).into()] };
            let kind = ChangeSourceKind::Pb(PbSource { gate, prefix: None });
            ChangeSource { name: (*name).to_owned(), kind }
        })
        .collect();
    Arc::new(config)
}

impl House {
    fn connect_to(&mut self, place: &str, user: &str) -> Peer {
        let id = self.net.connect_to(address(place), "10.0.0.1:5000".parse().unwrap()).unwrap();
        let login = ClientLogin::new(user, "sekrit".into(), Some(1), 0);
        let mut peer = Peer { id, session: Session::client(), login, progress: Vec::new() };
        self.talk(&mut peer);
        peer
    }

    /// Under which port the owner heard that somebody came in.
    fn came_in_by(&self) -> Option<Port> {
        self.heard.take().into_iter().find_map(|news| match news {
            News::Attached { port, .. } => Some(port),
            _ => None,
        })
    }
}

#[test]
fn a_name_is_known_on_its_own_place_alone() {
    let own = "127.0.0.1:9001";
    let mut house = House::with(with_sources(&[("c", own)]));
    let (port, owner) = (Port::Own(address(own)), house.heard.offer());
    house.pb.register_at(port, "teller", "sekrit".into(), owner.clone()).unwrap();
    let was_refused =
        |peer: &Peer| peer.progress.iter().any(|step| matches!(step, LoginProgress::Refused(_)));
    assert!(was_refused(&house.connect_to(SHARED, "teller")));
    assert!(was_refused(&house.connect_to(own, "bot")));
    assert_eq!(house.came_in_by(), None);
    house.connect_to(own, "teller");
    assert_eq!(house.came_in_by(), Some(port));
    house.connect_to(SHARED, "bot");
    assert_eq!(house.came_in_by(), Some(Port::Shared));
    house.pb.unregister_at(port, "teller", owner).unwrap();
    house.settle();
    assert!(was_refused(&house.connect_to(own, "teller")));
}

#[test]
fn places_come_and_go_without_their_neighbours() {
    let mut house = House::with(with_sources(&[("a", "127.0.0.1:9001"), ("b", "127.0.0.1:9002")]));
    house
        .pb
        .register_at(Port::Own(address("127.0.0.1:9001")), "teller", "sekrit".into(), house.heard.offer())
        .unwrap();
    let peer = house.connect_to("127.0.0.1:9001", "teller");
    house.reload(with_sources(&[("b", "127.0.0.1:9002"), ("c", "127.0.0.1:9002")])).unwrap();
    house.settle();
    assert!(!house.net.is_ended(peer.id), "who is there stays");
    let stranger = "10.0.0.1:5001".parse().unwrap();
    assert_eq!(house.net.connect_to(address("127.0.0.1:9001"), stranger), None);
    let refusals = house.reload(with_sources(&[("b", "127.0.0.1:80"), ("c", "127.0.0.1:80")])).unwrap_err();
    assert_eq!(
        refusals[0].what,
        "change source b: change source c: cannot listen on 127.0.0.1:80: permission denied"
    );
    assert!(house.net.connect_to(address("127.0.0.1:9002"), stranger).is_some(), "the old one is in force");
}
