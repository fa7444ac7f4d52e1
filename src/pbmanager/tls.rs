//! What a listener encrypts with: certificate and key from their files, and who may connect.

use crate::config::Tls;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use std::path::Path;
use std::sync::Arc;

/// Reads the files.
///
/// # Errors
/// Which file is bad, and what is wrong with it.
pub(super) fn server_config(tls: &Tls) -> Result<Arc<ServerConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificates = certificates(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| told(&tls.key, pem_fault(error, "a private key without a passphrase")))?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for authority in self::certificates(file)? {
                roots.add(authority).map_err(|error| told(file, error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| told(file, error))?)
        }
    };
    let mut config = builder.with_single_cert(certificates, key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            let certificate = tls.certificate.display();
            told(&tls.key, format!("it is not the key of the certificate in {certificate}"))
        }
        rustls::Error::InvalidCertificate(_) => told(&tls.certificate, error),
        _ => told(&tls.key, error),
    })?;
    // Peers stay connected for days: nothing is kept for the sessions that they might resume.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// All certificates of a file; one at least.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = || CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>();
    let certificates = read().map_err(|error| told(file, pem_fault(error, "a certificate")))?;
    if certificates.is_empty() {
        return Err(told(file, pem_fault(pem::Error::NoItemsFound, "a certificate")));
    }
    Ok(certificates)
}

fn told(file: &Path, what: impl std::fmt::Display) -> String {
    format!("{}: {what}", file.display())
}

fn pem_fault(error: pem::Error, wanted: &str) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => {
            format!("there is no {} in PEM form in it", wanted.trim_start_matches("a "))
        }
        _ => "it is damaged: not PEM".to_owned(),
    }
}
