//! Connecting to an IRC daemon or OSCAR server by TCP or TLS, with a deadline on each step.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const CONNECT: Duration = Duration::from_secs(10);
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A byte stream to a server.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// Where a server listens.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// TLS settings, for a port that speaks TLS from the first byte.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Why there is no connection; its text is one clause for a log line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name can't be resolved, or nobody answers there.
    #[error("{host}:{port}: {source}")]
    Tcp {
        /// As configured.
        host: String,
        /// As configured.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// TLS failed: a certificate that does not fit, or no TLS there.
    #[error("TLS with {host}: {source}")]
    Tls {
        /// As configured.
        host: String,
        /// What TLS said.
        source: io::Error,
    },
}

impl Endpoint {
    /// Connects within 10 s, and another 10 s for TLS.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(&self) -> Result<Box<dyn Stream>, ConnectError> {
        let tcp = |source| ConnectError::Tcp { host: self.host.clone(), port: self.port, source };
        let stream = timeout(CONNECT, TcpStream::connect((self.host.as_str(), self.port)))
            .await
            .map_err(|_| tcp(late("no answer in 10 s")))?
            .map_err(tcp)?;
        // Lines are small and wait for each other's answers.
        stream.set_nodelay(true).map_err(tcp)?;
        let Some(config) = &self.tls else { return Ok(Box::new(stream)) };
        let tls = |source| ConnectError::Tls { host: self.host.clone(), source };
        let name = ServerName::try_from(self.host.clone())
            .map_err(|error| tls(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let stream = timeout(HANDSHAKE, TlsConnector::from(Arc::clone(config)).connect(name, stream))
            .await
            .map_err(|_| tls(late("no answer to the handshake in 10 s")))?
            .map_err(|error| tls(in_words(error)))?;
        Ok(Box::new(stream))
    }
}

/// What is wrong with a certificate, and what to do; anything else as TLS says it.
fn in_words(error: io::Error) -> io::Error {
    use rustls::CertificateError as Bad;
    let Some(rustls::Error::InvalidCertificate(bad)) = error.get_ref().and_then(|inner| inner.downcast_ref())
    else {
        return error;
    };
    let words = match bad {
        Bad::UnknownIssuer => "nobody trusted has signed its certificate; name the authority in `ca_file`",
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => "its certificate is for another name",
        Bad::Expired | Bad::ExpiredContext { .. } => "its certificate has expired",
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "its certificate is not valid yet; check the date here"
        }
        _ => return error,
    };
    io::Error::new(io::ErrorKind::InvalidData, words)
}

fn late(words: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, words)
}

/// Why certificates can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The extra file can't be read or holds no certificate.
    #[error("cannot use certificates of {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// In words.
        reason: String,
    },
    /// TLS itself refuses.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// TLS as a client that trusts the system's certificates and those of one more PEM file. Names are always checked.
///
/// # Errors
/// [`TrustError`].
pub fn tls_client(extra: Option<&std::path::Path>) -> Result<Arc<ClientConfig>, TrustError> {
    let mut roots = RootCertStore::empty();
    // One bad certificate of the system must not take the others with it.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = extra {
        let failed = |reason: String| TrustError::File { path: path.to_owned(), reason };
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|error| failed(error.to_string()))?;
        if certificates.is_empty() {
            return Err(failed("no certificate in it".to_owned()));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| failed(error.to_string()))?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
