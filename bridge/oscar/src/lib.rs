//! OSCAR, the protocol of AIM and ICQ: for clients, for servers, and for what stands between.
//!
//! # A tour
//!
//! From the bytes up; each layer uses only those before it.
//!
//! - [`wire`]: FLAP frames, SNACs, TLVs, and the bounded cursors that they are read and written with.
//! - [`foodgroup`]: the bodies of SNACs, one file a food group, both directions. [`foodgroup::Body`] is any of them.
//! - [`text`]: what stands in messages: charsets as clients really use them, AIM's HTML, cutting long texts.
//! - [`rate`]: the moving average by which servers limit senders; the same arithmetic enforces it and keeps clear of it.
//! - [`sign_on`]: from name and password to the address of the message server, or the reason why not.
//! - [`session`]: a signed-on stretch: messages and their acknowledgements, presence, typing, the buddy list.
//! - [`service`]: what has a connection of its own: chat rooms, and finding or making them.
//! - `net`, with the feature `tokio`: the machines on sockets. A client needs little else; its documentation has one.
//!
//! Nothing but `net` reads a socket or a clock. The machines take frames and the time, and give frames and events, so
//! that a test, or a runtime of another kind, drives them as `net` does. A server is written with the same bodies:
//! here is one that lets anybody on who knows the password.
//!
//! ```
//! use oscar_im::ScreenName;
//! use oscar_im::foodgroup::{Body, bucp};
//! use oscar_im::sign_on::{Credentials, Identity, Method, RefusalCode, SignOn};
//! use oscar_im::wire::{FlapChannel, Frame, Snac};
//!
//! fn server(frame: &Frame) -> Option<Frame> {
//!     if frame.channel != FlapChannel::Data {
//!         return None; // the sign-on frame
//!     }
//!     let snac = Snac::decode(&frame.payload).ok()?;
//!     match Body::decode(&snac).ok()? {
//!         Body::ChallengeRequest(_) => {
//!             Frame::body(snac.request_id, &bucp::Challenge { key: b"key".to_vec() }).ok()
//!         }
//!         Body::LoginRequest(login) => {
//!             let answer = if login.proves(b"key", b"pass1word") {
//!                 bucp::LoginResponse::accepted("Staff One", "bos.example:5190", b"opaque")
//!             } else {
//!                 bucp::LoginResponse::refused("Staff One", RefusalCode::WrongPassword)
//!             };
//!             Frame::body(snac.request_id, &answer).ok()
//!         }
//!         _ => None,
//!     }
//! }
//!
//! let mut client = SignOn::new(
//!     Credentials { screen_name: ScreenName::from("staffone"), password: "pass1word".into() },
//!     Identity::default(),
//!     Method::NewerMd5,
//! );
//! while let Some(frame) = client.poll_transmit() {
//!     if let Some(answer) = server(&frame) {
//!         client.receive(&answer);
//!     }
//! }
//! let authorized = client.outcome().expect("an answer").as_ref().expect("a yes");
//! assert_eq!(authorized.screen_name.as_str(), "Staff One");
//! assert_eq!(authorized.address.to_string(), "bos.example:5190");
//! ```
//!
//! # What is not modelled
//!
//! The machines cover what clients of these servers do. For the rest there is a way through each of them:
//! [`session::Session::request`] takes any body, of a type of your own too, and gives it its turn in its rate class;
//! [`session::Event::Other`] hands out every SNAC that has no event. [`service::ServiceSession`] has both, so that it serves any
//! food group with a connection of its own; [`session::Session::edit_list`] makes any edit of the buddy list in one transaction;
//! [`session::Session::send_rendezvous`] says anything on channel 2.
//!
//! # What it promises
//!
//! - No bytes from a peer make it panic, loop, or allocate more than a small multiple of what really arrived.
//! - What it does not know (TLVs, food groups, codes) passes through unharmed.
//! - A client built on it is never limited by a server's rate classes: it keeps clear of them by the server's numbers.
//!
//! Not in it: file transfer and other connections between clients, icons, reconnecting (when and how often is for the
//! caller to say).
//!
//! # Sources
//!
//! Facts come from traffic between real clients (libpurple, BitlBee) and a real server (open-oscar-server), captured
//! and kept in the project's test kit; every captured frame is read and written back to the same bytes. Where a quirk of
//! one of them is bowed to, the code says whose it is.

mod connection;
pub mod foodgroup;
#[cfg(feature = "tokio")]
pub mod net;
mod outgoing;
mod pacer;
pub mod rate;
pub mod screen_name;
pub mod service;
pub mod session;
pub mod sign_on;
pub mod text;
pub mod wire;

pub use screen_name::ScreenName;

/// The README's example is compiled too.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
