//! Signing on to an OSCAR server over TCP or TLS, for the link and for the staff window.

use oscar_im::ScreenName;
use oscar_im::net::{self, Client, ConnectError};
use oscar_im::session::Service;
use oscar_im::sign_on::Credentials;
use program::Secret;

use crate::connect::{Endpoint, Stream};

/// A client on whatever stream its endpoint asks for.
pub(crate) type AimClient = Client<Box<dyn Stream>>;

/// Signs on at `endpoint`; its TLS settings hold for the address that it redirects to as well. A session that the server
/// has `moved` is taken up where it is now.
pub(crate) async fn sign_on(
    endpoint: &Endpoint,
    screen_name: &ScreenName,
    password: &Secret,
    moved: Option<&Service>,
) -> Result<AimClient, ConnectError> {
    let credentials =
        Credentials { screen_name: screen_name.clone(), password: password.expose().to_owned() };
    let config = net::Config::new(endpoint.host.clone(), endpoint.port, credentials);
    let connector = |host, port| {
        let endpoint = Endpoint { host, port, tls: endpoint.tls.clone() };
        async move { endpoint.connect().await.map_err(std::io::Error::other) }
    };
    match moved {
        Some(service) => net::follow_with(&config, service, connector).await,
        None => net::connect_with(&config, connector).await,
    }
}
