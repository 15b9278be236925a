//! TLS from a certificate and a key in files.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate in the file.
    #[error("{path} holds no certificate chain as PEM: {cause}; set ROTA_TLS_CERT to the full chain")]
    Certificate { path: String, cause: String },
    /// No key in the file.
    #[error("{path} holds no private key as PEM: {cause}; set ROTA_TLS_KEY to the key of the certificate")]
    Key { path: String, cause: String },
    /// They do not belong together, or are not usable.
    #[error("the certificate and the key cannot be used together: {0}")]
    Mismatch(#[from] rustls::Error),
}

/// An acceptor of TLS 1.2 and 1.3 that offers HTTP/2 and HTTP/1.1.
///
/// # Errors
/// When a file is missing, is no PEM, or the two do not belong together.
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let path = files.certificate.display().to_string();
    let wrong = |cause: String| TlsError::Certificate {
        path: path.clone(),
        cause,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong("the file has none".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| TlsError::Key {
        path: files.key.display().to_string(),
        cause: error.to_string(),
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
