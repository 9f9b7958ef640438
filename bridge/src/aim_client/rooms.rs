//! Connections to chat rooms, and to the service that finds and makes them: one task each, which carries what happens
//! to the client's one loop and carries out its orders.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use oscar_im::foodgroup::chat_nav::EXCHANGE_PRIVATE;
use oscar_im::foodgroup::icbm::Cookie;
use oscar_im::net::ServiceClient;
use oscar_im::service::Event;
use oscar_im::session::Service;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::action::RoomKey;
use super::messenger::RoomEvent;
use crate::connect::{Endpoint, Stream};

type RoomClient = ServiceClient<Box<dyn Stream>>;

/// What rooms have told and nobody has heard yet; when it is full, rooms stop reading, and TCP pushes back.
const MOST_EVENTS: usize = 64;
/// Orders to one room that it has not taken yet; when it is full, more are refused in words.
const MOST_ORDERS: usize = 64;
/// From the connection to the service to the room that was asked for.
const NAVIGATION: Duration = Duration::from_secs(20);

#[derive(Debug)]
enum Order {
    Say { cookie: Cookie, text: String },
    Leave,
}

/// All of them.
#[derive(Debug)]
pub(super) struct RoomLinks {
    /// The session's server; the port where a service names none, and TLS for all.
    server: Endpoint,
    events: mpsc::Receiver<RoomEvent>,
    to_client: mpsc::Sender<RoomEvent>,
    orders: HashMap<RoomKey, mpsc::Sender<Order>>,
    tasks: JoinSet<()>,
}

impl RoomLinks {
    pub(super) fn new(server: Endpoint) -> Self {
        let (to_client, events) = mpsc::channel(MOST_EVENTS);
        Self { server, events, to_client, orders: HashMap::new(), tasks: JoinSet::new() }
    }

    /// What happens next in any of them. Cancel-safe.
    pub(super) async fn next(&mut self) -> RoomEvent {
        loop {
            tokio::select! {
                Some(event) = self.events.recv() => return event,
                Some(_) = self.tasks.join_next() => {}
                // Both are without end: nothing happens until somebody enters a room.
                else => std::future::pending().await,
            }
        }
    }

    pub(super) fn enter(&mut self, key: RoomKey, service: Service) {
        let (sender, orders) = mpsc::channel(MOST_ORDERS);
        self.orders.insert(key, sender);
        self.tasks.spawn(stay(self.server.clone(), key, service, orders, self.to_client.clone()));
    }

    pub(super) fn navigate(&mut self, service: Service, name: String) {
        let (server, to_client) = (self.server.clone(), self.to_client.clone());
        self.tasks.spawn(async move {
            let found = timeout(NAVIGATION, navigate(&server, &service, &name)).await;
            let event = match found.unwrap_or_else(|_| Err("the server took too long".into())) {
                Ok(event) => event,
                Err(reason) => RoomEvent::NotFound { name, reason },
            };
            let _ = to_client.send(event).await;
        });
    }

    /// False: the room is not there, or too much waits for it.
    pub(super) fn say(&self, key: RoomKey, cookie: Cookie, text: String) -> bool {
        self.orders.get(&key).is_some_and(|room| room.try_send(Order::Say { cookie, text }).is_ok())
    }

    pub(super) fn leave(&mut self, key: RoomKey) {
        if let Some(room) = self.orders.remove(&key) {
            // If too much waits, the end of the channel says the same.
            let _ = room.try_send(Order::Leave);
        }
    }

    /// The session is over: so are they all, and nobody wants to hear of it.
    pub(super) fn drop_all(&mut self) {
        *self = Self::new(self.server.clone());
    }
}

async fn connect(server: &Endpoint, service: &Service) -> io::Result<RoomClient> {
    let endpoint = Endpoint {
        host: service.address.host.clone(),
        port: service.address.port.unwrap_or(server.port),
        tls: server.tls.clone(),
    };
    let stream = endpoint.connect().await.map_err(io::Error::other)?;
    Ok(RoomClient::for_service(stream, service))
}

async fn navigate(server: &Endpoint, service: &Service, name: &str) -> Result<RoomEvent, String> {
    let mut client = connect(server, service).await.map_err(|error| error.to_string())?;
    let found = loop {
        match client.event().await {
            Event::Ready => {
                client.find_or_create(name, EXCHANGE_PRIVATE).map_err(|error| error.to_string())?;
            }
            Event::RoomFound { room, name: found } => {
                tracing::debug!(room = %found, "found or made");
                break Ok(RoomEvent::Found { room, name: name.to_owned() });
            }
            Event::Refused { code, .. } => break Err(code.to_string()),
            Event::Closed(reason) => return Err(reason.to_string()),
            _ => {}
        }
    };
    client.leave();
    while !matches!(client.event().await, Event::Closed(_)) {}
    found
}

async fn stay(
    server: Endpoint,
    key: RoomKey,
    service: Service,
    mut orders: mpsc::Receiver<Order>,
    to_client: mpsc::Sender<RoomEvent>,
) {
    let mut client = match connect(&server, &service).await {
        Ok(client) => client,
        Err(error) => {
            let _ = to_client.send(RoomEvent::Unreachable(key, error.to_string())).await;
            return;
        }
    };
    let mut leaving = false;
    loop {
        tokio::select! {
            event = client.event() => {
                let over = matches!(event, Event::Closed(_));
                if to_client.send(RoomEvent::In(key, event)).await.is_err() || over {
                    return;
                }
            }
            order = orders.recv(), if !leaving => match order {
                Some(Order::Say { cookie, text }) => {
                    if let Err(error) = client.say(cookie, &text) {
                        let event = RoomEvent::NotSaid { cookie, reason: error.to_string() };
                        let _ = to_client.send(event).await;
                    }
                }
                Some(Order::Leave) | None => {
                    leaving = true;
                    client.leave();
                }
            }
        }
    }
}
