//! Certificates: loaded from PEM, replaced while the server runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Why a certificate can't be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {}: {reason}", path.display())]
pub struct CertificateError {
    path: PathBuf,
    reason: String,
}

/// The certificate of one listener, as it is now.
#[derive(Debug)]
pub(super) struct Certificate(RwLock<Arc<CertifiedKey>>);

impl Certificate {
    /// Reads a chain and its key.
    pub(super) fn load(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let failed = |path: &Path, reason: String| CertificateError { path: path.to_owned(), reason };
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect)
            .map_err(|error| failed(chain, error.to_string()))?;
        if certificates.is_empty() {
            return Err(failed(chain, "there is no certificate in it".to_owned()));
        }
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, error.to_string()))?;
        let certified = CertifiedKey::from_der(certificates, private, &provider())
            .map_err(|error| failed(key, format!("it does not fit the certificate: {error}")))?;
        Ok(Self(RwLock::new(Arc::new(certified))))
    }

    /// Serves new handshakes with another certificate.
    pub(super) fn replace(&self, fresh: Self) {
        let fresh = fresh.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// An acceptor that asks for the certificate at each handshake. TLS 1.2 and 1.3.
    pub(super) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, CertificateError> {
        let config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| CertificateError { path: PathBuf::new(), reason: error.to_string() })?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}
