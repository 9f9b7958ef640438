//! A client for tests of the library, that knows frames and nothing else.

use std::net::SocketAddr;

use oscar_im::foodgroup::bucp::{Challenge, ChallengeRequest, LoginRequest, LoginResponse, newer_hash, tlv};
use oscar_im::foodgroup::oservice::ClientOnline;
use oscar_im::foodgroup::{SnacBody, icbm};
use oscar_im::wire::flap::{FlapDecoder, FlapProgress};
use oscar_im::wire::{FlapChannel, Frame, SignOnFrame, Snac, Tlvs, Wire};
use oscar_mock::Running;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection, and what came on it and has not been looked at.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, tlvs: Tlvs) -> Self {
        let mut client = Self { stream: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() };
        let hello = SignOnFrame { version: 1, tlvs }.to_bytes().unwrap();
        client.frame(&Frame::new(FlapChannel::SignOn, hello)).await;
        client
    }

    pub(crate) async fn sign_on(server: &Running, name: &str) -> Self {
        let mut authorizer = Self::connect(server.address(), Tlvs::new()).await;
        let tlvs = Tlvs::new().with(tlv::SCREEN_NAME, name);
        authorizer.send(&ChallengeRequest { tlvs: tlvs.clone() }).await;
        let key = authorizer.until::<Challenge>().await.unwrap().key;
        let tlvs = tlvs.with(tlv::PASSWORD_HASH, newer_hash(&key, b"pass1word"));
        authorizer.send(&LoginRequest { tlvs }).await;
        let answer = authorizer.until::<LoginResponse>().await.unwrap().tlvs;
        let cookie = Tlvs::new().with(tlv::COOKIE, answer.get(tlv::COOKIE).unwrap());
        let mut bos = Self::connect(server.address(), cookie).await;
        bos.send(&ClientOnline::default()).await;
        bos
    }

    pub(crate) async fn frame(&mut self, frame: &Frame) {
        self.stream.write_all(&frame.encode().unwrap()).await.unwrap();
    }

    pub(crate) async fn send<B: SnacBody>(&mut self, body: &B) {
        self.frame(&Frame::body(1, body).unwrap()).await;
    }

    /// The next body of this kind; None if the connection ends before.
    pub(crate) async fn until<B: SnacBody>(&mut self) -> Option<B> {
        loop {
            if let Some(body) = snac(&self.next().await?).and_then(|snac| snac.body_as()) {
                return Some(body.unwrap());
            }
        }
    }

    /// The next frame; None if the connection ends before.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            match FlapDecoder::default().decode(&self.buffer).unwrap() {
                FlapProgress::Frame { frame, consumed } => {
                    self.buffer.drain(..consumed);
                    return Some(frame);
                }
                FlapProgress::NeedMore { .. } if self.more().await == 0 => return None,
                FlapProgress::NeedMore { .. } => {}
            }
        }
    }

    /// Reads on; how many bytes came.
    pub(crate) async fn more(&mut self) -> usize {
        self.stream.read_buf(&mut self.buffer).await.unwrap()
    }
}

/// The SNAC in a frame, if it has one.
pub(crate) fn snac(frame: &Frame) -> Option<Snac> {
    (frame.channel == FlapChannel::Data).then(|| Snac::decode(&frame.payload).unwrap())
}

/// A message with a wish to be acknowledged.
pub(crate) fn im(to: &str) -> icbm::ImToHost {
    let text = icbm::TextFragment { charset: 0, language: 0, bytes: b"hello".to_vec() };
    let data = icbm::ImData::of_text(&text).unwrap();
    let tlvs = Tlvs::new().with_wire(icbm::tlv::MESSAGE, &data).unwrap().with(icbm::tlv::HOST_ACK, []);
    icbm::ImToHost { cookie: [7; 8], channel: icbm::channel::IM, to: to.into(), tlvs }
}
