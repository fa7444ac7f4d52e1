//! Workers over TLS: the real one of Buildbot against the running master, and certificates that change.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::harness::{Build, Make, Site, Worker, eventually_or};
use crate::jobs::{WAITING, config_of};

/// An authority, whose certificates are in the folder `tls` of a site.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    pub fn new(site: &Site) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority of a test");
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let authority = Authority { issuer, folder: site.path("tls") };
        std::fs::create_dir_all(authority.folder.join("trusted")).expect("a folder");
        authority.write("trusted/ca.pem", &authority.issuer.pem());
        authority
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("a file");
    }

    /// Writes a certificate of this name, and its key beside it.
    pub fn certify(&self, name: &str) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        self.write(&format!("{name}.pem"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }
}

/// A configuration whose worker connects by TLS, with a certificate of its own.
fn encrypted() -> String {
    let listen = "pb: {listen: [{address: '127.0.0.1:@PB@', tls: \
        {certificate: '@DIR@/tls/master.pem', key: '@DIR@/tls/master.key', client_ca: '@DIR@/tls/trusted/ca.pem'}}]}\n";
    listen.to_owned() + &config_of(WAITING)
}

/// The real worker, connecting by TLS with these parameters of Twisted's.
fn start(site: &Site, folder: &str, parameters: &str) -> Worker {
    let tls = site.path("tls").display().to_string();
    let endpoint = format!("tls:localhost:{}:trustRoots={tls}/trusted{parameters}", site.pb_port);
    Make::start_real_at(site, folder, "w1", "sesame", &endpoint.replace("@TLS@", &tls))
}

const OWN: &str = ":certificate=@TLS@/worker.pem:privateKey=@TLS@/worker.key";

#[test]
fn a_real_worker_builds_over_tls_while_the_certificate_changes() {
    let mut site = Site::new(&encrypted());
    let authority = Authority::new(&site);
    authority.certify("master");
    authority.certify("worker");
    site.start();
    let mut worker = start(&site, "w1", OWN);
    site.force();
    site.build_says(1, "begun");

    authority.certify("master");
    site.hang_up();
    let without = start(&site, "without", "");
    let refused = || site.log().contains("peer sent no certificates").then_some(());
    eventually_or("a refused handshake", refused, || site.log() + &without.said());
    drop(without);
    site.open("go");
    site.build_ends(1, Build::SUCCESS);

    worker.crash();
    worker.start_again(&site);
    site.force();
    site.build_ends(2, Build::SUCCESS);
}

#[test]
fn a_bad_certificate_refuses_a_reload_and_the_old_one_is_kept() {
    let mut site = Site::new(&encrypted());
    let authority = Authority::new(&site);
    authority.certify("master");
    authority.certify("worker");
    site.start();
    authority.write("master.pem", "not a certificate");
    let said = site.command(&["reload"]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("tls/master.pem: there is no certificate in PEM form in it"), "{}", said.text);
    let _worker = start(&site, "w1", OWN);
    site.open("go");
    site.force();
    site.build_ends(1, Build::SUCCESS);
}
