//! Frames, SNACs, TLVs, and the parts that many bodies have.

use super::survives;
use oscar_im::ScreenName;
use oscar_im::foodgroup::{Body, UserInfo};
use oscar_im::sign_on::Address;
use oscar_im::wire::flap::FlapProgress;
use oscar_im::wire::{FlapDecoder, Reader, SignOnFrame, Snac, Tlvs, Writer};

/// Frames come out with the bytes that they were read from, whatever the pieces in which those arrive, and never with
/// more than is allowed.
pub(crate) fn flap(data: &[u8]) {
    let limit = usize::from(data.first().copied().unwrap_or_default()) * 8;
    let decoder = FlapDecoder::new(limit);
    let mut buffer = Vec::new();
    let mut seen = 0;
    'pieces: for piece in data.chunks(7) {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&buffer) {
                Ok(FlapProgress::Frame { frame, consumed }) => {
                    assert!(frame.payload.len() <= limit);
                    assert_eq!(frame.encode().unwrap(), data[seen..seen + consumed]);
                    buffer.drain(..consumed);
                    seen += consumed;
                }
                Ok(FlapProgress::NeedMore { at_least }) => {
                    assert!(at_least > 0);
                    break;
                }
                Err(_) => break 'pieces,
            }
        }
    }
    let _ = decoder.finish(&buffer);
}

pub(crate) fn sign_on_frame(data: &[u8]) {
    survives::<SignOnFrame>(data);
}

/// A SNAC and its body, whichever it is, can be written, and read the same again.
pub(crate) fn snac(data: &[u8]) {
    let Ok(mut snac) = Snac::decode(data) else { return };
    assert!(snac.encode().unwrap().len() <= data.len());
    let Ok(body) = Body::decode(&snac) else { return };
    snac.body = body.encode().unwrap();
    let again = Snac::decode(&snac.encode().unwrap()).unwrap();
    assert_eq!(Body::decode(&again).unwrap(), body);
}

/// In all three forms of lists.
pub(crate) fn tlv(data: &[u8]) {
    if let Some(tlvs) = survives::<Tlvs>(data) {
        for tlv in &tlvs.0 {
            let _ = (tlvs.number(tlv.kind), tlvs.u16(tlv.kind), tlvs.text(tlv.kind));
            assert!(tlvs.require(tlv.kind).is_ok());
        }
    }
    if let Ok(counted) = Tlvs::decode_counted(&mut Reader::new(data)) {
        let mut writer = Writer::new();
        counted.encode_counted(&mut writer);
        assert_eq!(
            writer.finish().unwrap(),
            data[..2 + counted.0.iter().map(|tlv| 4 + tlv.value.len()).sum::<usize>()]
        );
    }
    if let Ok(sized) = Tlvs::decode_sized(&mut Reader::new(data)) {
        let mut writer = Writer::new();
        sized.encode_sized(&mut writer);
        let bytes = writer.finish().unwrap();
        assert_eq!(bytes, data[..bytes.len()]);
    }
}

pub(crate) fn user_info(data: &[u8]) {
    if let Some(info) = survives::<UserInfo>(data) {
        let _ = (info.is_away(), info.idle_minutes(), info.sign_on_time(), info.bart_items());
        let _ = (info.member_since(), info.status(), info.session_seconds(), info.instance());
        assert!(info.capabilities().len() <= data.len() / 2);
    }
}

/// Names are equal to themselves however they are spelt.
pub(crate) fn screen_name(data: &[u8]) {
    survives::<ScreenName>(data);
    let name = ScreenName::new(String::from_utf8_lossy(data));
    let _ = (name.is_valid(), name.is_aim(), name.uin());
    assert_eq!(
        ScreenName::from(name.normal()).normal().replace(' ', ""),
        ScreenName::from(name.normal()).normal()
    );
}

/// An address that was read is read the same from what it displays.
pub(crate) fn address(data: &[u8]) {
    let Some(address) = Address::parse(&String::from_utf8_lossy(data)) else { return };
    let _ = Address::parse(&address.to_string());
}
