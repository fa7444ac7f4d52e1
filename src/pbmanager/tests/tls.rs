//! Encrypted listeners: peers with certificates of the test's own making.

use super::*;
use crate::config::Listen;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// An authority, and what it makes.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    files: TempDir,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Authority { issuer, files: TempDir::new().unwrap() };
        authority.write("ca.pem", &authority.issuer.pem());
        authority
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes a new certificate and its key, and gives the certificate's public key.
    fn renew(&self) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["master.example".to_owned()]).unwrap();
        self.write("cert.pem", &params.signed_by(&key, &self.issuer).unwrap().pem());
        self.write("key.pem", &key.serialize_pem());
        key.subject_public_key_info()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    fn tls(&self) -> crate::config::Tls {
        crate::config::Tls { certificate: self.path("cert.pem"), key: self.path("key.pem"), client_ca: None }
    }

    /// A client that trusts this authority, and shows the certificate in these files if there are any.
    fn client(&self, own: Option<(&Path, &Path)>) -> ClientConnection {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let certificate = CertificateDer::from_pem_file(certificate).unwrap();
                let key = PrivateKeyDer::from_pem_file(key).unwrap();
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        };
        let name = ServerName::try_from("master.example").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        client.set_buffer_limit(None);
        client
    }
}

fn encrypted(tls: crate::config::Tls) -> Arc<Config> {
    let mut config = Config::empty();
    config.pb.listen = vec![Listen { address: "127.0.0.1:9989".parse().unwrap(), tls: Some(tls) }];
    Arc::new(config)
}

impl House {
    /// Moves bytes both ways, through `tls`, until nothing moves.
    fn talk_through(&mut self, tls: &mut ClientConnection, peer: &mut Peer) -> Result<(), rustls::Error> {
        loop {
            self.settle();
            let arrived = self.net.receive(peer.id, usize::MAX);
            let mut rest = arrived.as_slice();
            while !rest.is_empty() {
                tls.read_tls(&mut rest).unwrap();
                tls.process_new_packets()?;
                let mut plain = vec![0; 65_536];
                while let Ok(count @ 1..) = tls.reader().read(&mut plain) {
                    peer.take(&plain[..count]);
                }
            }
            tls.writer().write_all(&peer.session.take_output()).unwrap();
            let mut out = Vec::new();
            while tls.wants_write() {
                tls.write_tls(&mut out).unwrap();
            }
            if arrived.is_empty() && out.is_empty() {
                return Ok(());
            }
            self.net.send(peer.id, &out);
        }
    }
}

#[test]
fn a_login_and_a_long_answer_pass_through_tls() {
    let authority = Authority::new();
    authority.renew();
    let mut house = House::with(encrypted(authority.tls()));
    let (mut peer, mut tls) = (house.connect("bot", "sekrit"), authority.client(None));
    house.talk_through(&mut tls, &mut peer).unwrap();
    assert!(matches!(&house.heard.take()[..], [News::Attached { .. }]));
    house.pb.admit(peer.id, 7).unwrap();
    house.talk_through(&mut tls, &mut peer).unwrap();
    peer.session.call(peer.avatar(), "fetch", &[Value::bytes(vec![b'?'; 300_000])], &[], 1).unwrap();
    house.talk_through(&mut tls, &mut peer).unwrap();
    let Some(News::Called { call, .. }) = house.heard.take().pop() else { panic!("no call") };
    assert_eq!(call.args, [Value::bytes(vec![b'?'; 300_000])]);
    let long = Value::bytes(vec![b'!'; 500_000]);
    house.pb.answer(peer.id, call.request, long.clone()).unwrap();
    house.pb.close(peer.id, "enough").unwrap();
    house.talk_through(&mut tls, &mut peer).unwrap();
    let answered = peer.progress.iter().any(
        |step| matches!(step, LoginProgress::Pass(Event::Answered { result: Ok(value), .. }) if *value == long),
    );
    assert!(answered, "all of the answer came before the end");
    assert!(tls.process_new_packets().unwrap().peer_has_closed(), "and then the farewell");
    assert!(house.net.is_ended(peer.id));
}

#[test]
fn only_clients_with_a_certificate_of_the_authority_are_let_in() {
    let (authority, other) = (Authority::new(), Authority::new());
    authority.renew();
    other.renew();
    let client_ca = Some(authority.path("ca.pem"));
    let mut house = House::with(encrypted(crate::config::Tls { client_ca, ..authority.tls() }));
    let files = |authority: &Authority| (authority.path("cert.pem"), authority.path("key.pem"));
    let (good, bad) = (files(&authority), files(&other));
    for (own, is_let_in) in [(None, false), (Some(&bad), false), (Some(&good), true)] {
        let mut tls = authority.client(own.map(|(certificate, key)| (certificate.as_path(), key.as_path())));
        let mut peer = house.connect("bot", "sekrit");
        assert_eq!(house.talk_through(&mut tls, &mut peer).is_ok(), is_let_in, "{own:?}");
        assert_eq!(house.heard.take().len(), usize::from(is_let_in), "{own:?}");
        assert_eq!(house.net.is_ended(peer.id), !is_let_in, "{own:?}");
    }
}

#[test]
fn a_reload_takes_the_new_certificate_for_new_connections_and_keeps_the_old_ones() {
    let authority = Authority::new();
    let old_key = authority.renew();
    let config = encrypted(authority.tls());
    let mut house = House::with(config.clone());
    let (mut peer, mut tls) = (house.connect("bot", "sekrit"), authority.client(None));
    house.talk_through(&mut tls, &mut peer).unwrap();
    let new_key = authority.renew();
    house.reload(config).unwrap();
    let shows = |tls: &ClientConnection, key: &[u8]| {
        let shown = &tls.peer_certificates().unwrap()[0];
        shown.windows(key.len()).any(|window| window == key)
    };
    let (mut next, mut next_tls) = (house.connect("bot", "sekrit"), authority.client(None));
    house.talk_through(&mut next_tls, &mut next).unwrap();
    assert!(shows(&tls, &old_key) && shows(&next_tls, &new_key));
    house.pb.admit(peer.id, 7).unwrap();
    house.talk_through(&mut tls, &mut peer).unwrap();
    peer.avatar();
}

#[test]
fn a_bad_file_refuses_the_reload_and_says_what_is_wrong() {
    let authority = Authority::new();
    authority.renew();
    let running = encrypted(authority.tls());
    let mut house = House::with(running);
    let other_key = authority.write("other.pem", &KeyPair::generate().unwrap().serialize_pem());
    let noise = authority.write("noise.pem", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n");
    let empty = authority.write("empty.pem", "");
    let good = authority.tls();
    let with = |change: &dyn Fn(&mut crate::config::Tls)| {
        let mut tls = good.clone();
        change(&mut tls);
        tls
    };
    let cases = [
        (
            with(&|tls| tls.certificate = "/none.pem".into()),
            "/none.pem: No such file or directory (os error 2)",
        ),
        (with(&|tls| tls.certificate = noise.clone()), "noise.pem: it is damaged: not PEM"),
        (
            with(&|tls| tls.certificate = empty.clone()),
            "empty.pem: there is no certificate in PEM form in it",
        ),
        (with(&|tls| tls.key = empty.clone()), "empty.pem: there is no private key"),
        (with(&|tls| tls.key = other_key.clone()), "other.pem: it is not the key of the certificate in"),
        (with(&|tls| tls.client_ca = Some(empty.clone())), "empty.pem: there is no certificate in PEM form"),
    ];
    for (tls, told) in cases {
        let refusals = house.reload(encrypted(tls)).unwrap_err();
        let [refusal] = &refusals[..] else { panic!("{refusals:?}") };
        assert!(refusal.what.starts_with("cannot listen on 127.0.0.1:9989: "), "{}", refusal.what);
        assert!(refusal.what.contains(told), "{:?} is not in {:?}", told, refusal.what);
    }
    let (mut peer, mut tls) = (house.connect("bot", "sekrit"), authority.client(None));
    house.talk_through(&mut tls, &mut peer).unwrap();
    assert!(matches!(&house.heard.take()[..], [News::Attached { .. }]), "the old configuration is in force");
}

#[test]
fn a_handshake_has_its_time_and_its_bytes() {
    let authority = Authority::new();
    authority.renew();
    let mut house = House::with(encrypted(authority.tls()));
    let plain = house.net.connect("10.0.0.1:5000".parse().unwrap()).unwrap();
    house.net.send(plain, b"\x02\x80\x02\x82pb\x04\x82none");
    let slow = house.net.connect("10.0.0.1:5001".parse().unwrap()).unwrap();
    house.net.send(slow, &[0x16, 3, 1]);
    // Pieces of one hello that never ends: each whole for itself, and none too long.
    let endless = house.net.connect("10.0.0.1:5002".parse().unwrap()).unwrap();
    house.net.send(endless, &[0x16, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff]);
    house.net.send(endless, &[0; 0x4000 - 4]);
    for _ in 0..6 {
        house.net.send(endless, &[0x16, 3, 1, 0x40, 0]);
        house.net.send(endless, &[0; 0x4000]);
    }
    house.settle();
    for id in [plain, endless] {
        house.net.receive(id, usize::MAX);
        assert!(house.net.is_ended(id));
    }
    assert!(!house.net.is_ended(slow));
    house.sim.advance(limits::AUTHENTICATE_WITHIN);
    house.settle();
    house.net.receive(slow, usize::MAX);
    assert!(house.net.is_ended(slow));
}

#[test]
fn a_peer_that_does_not_read_its_encrypted_bytes_is_cut_off_too() {
    let authority = Authority::new();
    authority.renew();
    let mut house = House::with(encrypted(authority.tls()));
    let (mut peer, mut tls) = (house.connect("bot", "sekrit"), authority.client(None));
    house.talk_through(&mut tls, &mut peer).unwrap();
    house.pb.admit(peer.id, 7).unwrap();
    house.talk_through(&mut tls, &mut peer).unwrap();
    let big = Value::bytes(vec![b'x'; 500_000]);
    house.pb.call(peer.id, Luid(1), "print", vec![big], 1).unwrap();
    house.settle();
    house.sim.advance(limits::SEND_PROGRESS_WITHIN);
    house.settle();
    house.net.receive(peer.id, usize::MAX);
    assert!(house.net.is_ended(peer.id));
}
