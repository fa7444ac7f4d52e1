//! A link with TLS to a server of rustls, which speaks first as masters do.

use crate::kernel::thread;
use crate::worker::link::{self, LinkEvent, Target};
use crate::worker::tls::{Tls, TlsSettings};
use bytes::Bytes;
use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More than a record, a socket's buffer, and a read hold.
const BYTES: usize = 1_000_000;

fn certified() -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("makes a certificate")
}

fn file(dir: &Path, name: &str, text: String) -> Option<PathBuf> {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("writes");
    Some(path)
}

/// A server that gives back what it gets until the other side closes; only to clients with the certificate of `client`
/// if there is one.
fn echo(server: &CertifiedKey<KeyPair>, client: Option<&CertifiedKey<KeyPair>>) -> String {
    serve(server, client, |stream| {
        let mut got = vec![0; BYTES];
        stream.read_exact(&mut got)?;
        stream.write_all(&got)?;
        stream.flush()?;
        assert_eq!(stream.read(&mut got)?, 0, "a goodbye comes, not a cut");
        Ok(())
    })
}

type Stream = StreamOwned<ServerConnection, TcpStream>;

fn serve(
    server: &CertifiedKey<KeyPair>,
    client: Option<&CertifiedKey<KeyPair>>,
    then: impl FnOnce(&mut Stream) -> std::io::Result<()> + Send + 'static,
) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().expect("there are versions");
    let builder = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.cert.der().clone()).expect("is a certificate");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("has roots"))
        }
    };
    let key = PrivateKeyDer::try_from(server.signing_key.serialize_der()).expect("is a key");
    let config = builder.with_single_cert(vec![server.cert.der().clone()], key).expect("they fit");
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("is bound").to_string();
    let serve = move || -> std::io::Result<()> {
        let (socket, _) = listener.accept()?;
        let connection = ServerConnection::new(Arc::new(config)).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(connection, socket);
        stream.write_all(b"first")?;
        stream.flush()?;
        then(&mut stream)
    };
    // A client that turns away is no fault of the server.
    thread::spawn("echo", move || drop(serve())).expect("starts");
    address
}

/// What comes back of a link with these settings, or why there is none.
fn talk(master: String, settings: &TlsSettings) -> Result<Vec<u8>, String> {
    let tls = Some(Tls::new(settings).expect("is right"));
    let events = link::connect(Arc::new(Target { master, proxy: None, tls })).expect("starts");
    let (mut got, mut line) = (Vec::new(), None);
    for event in events {
        match event {
            LinkEvent::Dialled(hangup) => line = Some((hangup, None)),
            LinkEvent::Connected(outgoing) => {
                outgoing.send(Bytes::from(vec![7; BYTES])).expect("is taken");
                line = line.map(|(hangup, _)| (hangup, Some(outgoing)));
            }
            LinkEvent::Received(bytes) => got.extend(bytes),
            LinkEvent::Lost(error) if got.is_empty() => return Err(error.to_string()),
            LinkEvent::Lost(_) => break,
        }
        if got.len() == b"first".len() + BYTES
            && let Some((_, outgoing)) = &mut line
        {
            *outgoing = None;
        }
    }
    Ok(got)
}

#[test]
fn bytes_go_both_ways_once_the_certificate_is_right() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = certified();
    let ca = file(dir.path(), "ca.pem", server.cert.pem());
    let settings = TlsSettings { ca, server_name: "localhost".into(), ..TlsSettings::default() };
    let expected = [b"first".to_vec(), vec![7; BYTES]].concat();
    assert!(talk(echo(&server, None), &settings) == Ok(expected.clone()));
    let in_dir = TlsSettings { ca: Some(dir.path().to_owned()), ..settings.clone() };
    assert!(talk(echo(&server, None), &in_dir) == Ok(expected.clone()));

    let other_name = TlsSettings { server_name: "elsewhere".into(), ..settings.clone() };
    let refused = talk(echo(&server, None), &other_name).expect_err("another name");
    assert!(refused.contains("not valid for name"), "{refused}");
    let refused = talk(echo(&certified(), None), &settings).expect_err("another signer");
    assert!(refused.contains("certificate"), "{refused}");

    let client = certified();
    let key_file = file(dir.path(), "client.key", client.signing_key.serialize_pem());
    let with_certificate = TlsSettings {
        cert_file: file(dir.path(), "client.crt", client.cert.pem()),
        key_file,
        ..settings.clone()
    };
    assert!(talk(echo(&server, Some(&client)), &with_certificate) == Ok(expected));
    assert!(talk(echo(&server, Some(&client)), &settings).is_err());
}

#[test]
fn a_server_that_says_goodbye_is_left() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = certified();
    let ca = file(dir.path(), "ca.pem", server.cert.pem());
    let settings = TlsSettings { ca, server_name: "localhost".into(), ..TlsSettings::default() };
    let (left_in, left) = crossbeam_channel::bounded(1);
    let master = serve(&server, None, move |stream| {
        stream.conn.send_close_notify();
        stream.flush()?;
        // Ends only when the other side closes, for the test to see.
        let _ = std::io::copy(&mut stream.sock, &mut std::io::sink());
        let _ = left_in.send("left");
        Ok(())
    });
    assert_eq!(talk(master, &settings), Ok(b"first".to_vec()));
    assert_eq!(left.recv(), Ok("left"));
}
