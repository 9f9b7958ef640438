//! TLS from the first byte (feature `tls`), for servers behind something that ends it.
//!
//! OSCAR itself knows no TLS on these ports: a terminator in front of the server speaks it, at the authorizer's address
//! and at each that the server redirects to. So one connector serves for all of them. What servers themselves say of TLS (TLV
//! 8E of 17/03 and 01/05) is not acted on: open-oscar-server says 0 there also behind a terminator, of which it knows nothing,
//! and a client that believed it would go on in the clear.
//!
//! It is a feature, because rustls and its cryptography are most of what a client would be built of, and whoever speaks to
//! a server on the same machine or through a tunnel needs none of it; any other TLS serves by [`connect_with`](super::connect_with).
//!
//! ```no_run
//! use oscar_im::net::{self, rustls};
//! use std::sync::Arc;
//!
//! # async fn example(config: net::Config, roots: rustls::RootCertStore) -> Result<(), Box<dyn std::error::Error>> {
//! let trust = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
//! let client = net::connect_with(&config, net::tls(Arc::new(trust))).await?;
//! # let _ = client;
//! # Ok(())
//! # }
//! ```

use super::tcp;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// TLS over TCP.
pub type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// A connection that is being made.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<TlsStream>> + Send>>;

/// A connector for [`connect_with`](super::connect_with), and for services: TLS as `config` trusts it, for the name that
/// the server was addressed by.
///
/// # Errors
/// The stream's: those of TCP, [`io::ErrorKind::InvalidInput`] for a host that no certificate can be for, and
/// [`io::ErrorKind::InvalidData`] with a [`rustls::Error`] inside for a certificate that is refused.
pub fn tls(config: Arc<ClientConfig>) -> impl Fn(String, u16) -> Connecting + Clone + Send + Sync {
    let connector = TlsConnector::from(config);
    move |host, port| {
        let connector = connector.clone();
        Box::pin(async move {
            let name = ServerName::try_from(host.clone())
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            connector.connect(name, tcp(host, port).await?).await
        })
    }
}
