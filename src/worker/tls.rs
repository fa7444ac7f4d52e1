//! TLS to the master, and what lies between the socket and the session when there is none.

use super::AgentError;
use super::limits::CONNECT_WAIT;
use bytes::Bytes;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::io::{Error, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the worker wants of TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// Who may have signed the master's certificate, a file or a directory of files; the system's authorities if None.
    pub ca: Option<PathBuf>,
    /// The worker's certificate, for masters that ask for one.
    pub cert_file: Option<PathBuf>,
    /// Its key; in the same file if None.
    pub key_file: Option<PathBuf>,
    /// The name that must be in the master's certificate.
    pub server_name: String,
}

/// TLS, ready for connections.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A file can't be used, or the name is none.
    pub fn new(settings: &TlsSettings) -> Result<Tls, AgentError> {
        let server_name = ServerName::try_from(settings.server_name.clone()).map_err(|error| {
            AgentError::Tls(format!("'{}' can't be the name in a certificate: {error}", settings.server_name))
        })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| AgentError::Tls(error.to_string()))?
            .with_root_certificates(roots(settings.ca.as_deref())?);
        let config = match &settings.cert_file {
            None => builder.with_no_client_auth(),
            Some(cert_file) => {
                let key_file = settings.key_file.as_ref().unwrap_or(cert_file);
                let key =
                    PrivateKeyDer::from_pem_file(key_file).map_err(|error| in_file(key_file, &error))?;
                let chain = certificates(cert_file)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| in_file(cert_file, &error))?
            }
        };
        Ok(Tls { config: Arc::new(config), server_name })
    }

    /// Shakes hands over a fresh connection.
    ///
    /// # Errors
    /// The other side is not who it should be, or does not speak TLS.
    pub fn shake_hands(&self, mut socket: &TcpStream) -> std::io::Result<Layer> {
        let connection = ClientConnection::new(self.config.clone(), self.server_name.clone());
        let mut connection = connection.map_err(Error::other)?;
        // What may wait is bounded by whoever writes.
        connection.set_buffer_limit(None);
        socket.set_read_timeout(Some(CONNECT_WAIT))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        socket.set_read_timeout(None)?;
        Ok(Layer::Tls(Arc::new(Mutex::new(connection))))
    }
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, AgentError> {
    let mut store = RootCertStore::empty();
    let Some(path) = ca else {
        let found = rustls_native_certs::load_native_certs();
        let (added, _) = store.add_parsable_certificates(found.certs);
        let why = || found.errors.iter().map(|error| format!(": {error}")).collect::<String>();
        return match added {
            0 => Err(AgentError::Tls(format!("the system knows no certificate authorities{}", why()))),
            _ => Ok(store),
        };
    };
    let files = if path.is_dir() { pem_files(path)? } else { vec![path.to_owned()] };
    for file in files {
        for certificate in certificates(&file)? {
            store.add(certificate).map_err(|error| in_file(&file, &error))?;
        }
    }
    if store.is_empty() { Err(in_file(path, &"no .pem file is in it")) } else { Ok(store) }
}

fn pem_files(dir: &Path) -> Result<Vec<PathBuf>, AgentError> {
    let entries = std::fs::read_dir(dir).map_err(|error| in_file(dir, &error))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    Ok(paths.filter(|path| path.extension().is_some_and(|end| end == "pem")).collect())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, AgentError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| in_file(file, &error))?;
    if found.is_empty() { Err(in_file(file, &"no certificate is in it")) } else { Ok(found) }
}

fn in_file(path: &Path, why: &dyn std::fmt::Display) -> AgentError {
    AgentError::Config { path: path.to_owned(), why: why.to_string() }
}

/// What is done with bytes on their way between the socket and the session; one thread reads, one writes.
#[derive(Clone, Debug)]
pub enum Layer {
    /// Nothing.
    Plain,
    /// TLS, after its handshake. What it has to answer to the other side leaves before the next bytes do.
    Tls(Arc<Mutex<ClientConnection>>),
}

impl Layer {
    /// What the bytes from the socket hold, and whether the other side said goodbye with them. The first call, without
    /// any, gives what came with the handshake.
    ///
    /// # Errors
    /// The other side broke TLS.
    pub fn incoming(&self, bytes: &[u8]) -> std::io::Result<(Vec<u8>, bool)> {
        let Layer::Tls(connection) = self else { return Ok((bytes.to_vec(), false)) };
        let mut connection = locked(connection);
        let (mut rest, mut plain) = (bytes, Vec::new());
        loop {
            let state = connection.process_new_packets().map_err(Error::other)?;
            let (count, closed) = (state.plaintext_bytes_to_read(), state.peer_has_closed());
            let before = plain.len();
            plain.resize(before + count, 0);
            connection.reader().read_exact(&mut plain[before..])?;
            if closed || rest.is_empty() || connection.read_tls(&mut rest)? == 0 {
                return Ok((plain, closed));
            }
        }
    }

    /// What is to be written to the socket for these bytes.
    ///
    /// # Errors
    /// They can't be encrypted.
    pub fn outgoing(&self, bytes: Bytes) -> std::io::Result<Bytes> {
        let Layer::Tls(connection) = self else { return Ok(bytes) };
        let mut connection = locked(connection);
        connection.writer().write_all(&bytes)?;
        drain(&mut connection)
    }

    /// What is to be written last.
    ///
    /// # Errors
    /// It can't be encrypted.
    pub fn farewell(&self) -> std::io::Result<Bytes> {
        let Layer::Tls(connection) = self else { return Ok(Bytes::new()) };
        let mut connection = locked(connection);
        connection.send_close_notify();
        drain(&mut connection)
    }
}

fn drain(connection: &mut ClientConnection) -> std::io::Result<Bytes> {
    let mut encrypted = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut encrypted)?;
    }
    Ok(encrypted.into())
}

/// A panic of the other thread ends the link anyway.
fn locked(connection: &Mutex<ClientConnection>) -> MutexGuard<'_, ClientConnection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}
