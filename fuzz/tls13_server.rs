//! A server of TLS 1.3 whose key exchange is no secret, so that what it seals can be made up: fuzzing
//! then reaches behind the encryption.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use rustls::NamedGroup;
use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};

pub const HANDSHAKE: u8 = 22;
const FINISHED: u8 = 20;
const SECRET: [u8; 32] = [7; 32];

/// x25519 by name, with one key and one secret for all.
#[derive(Debug)]
pub struct Open;

impl SupportedKxGroup for Open {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, rustls::Error> {
        Ok(Box::new(Open))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl ActiveKeyExchange for Open {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<SharedSecret, rustls::Error> {
        Ok(SharedSecret::from(&SECRET[..]))
    }

    fn pub_key(&self) -> &[u8] {
        &SECRET
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

/// The server after its ServerHello, with TLS_AES_128_GCM_SHA256.
pub struct Server {
    transcript: Vec<u8>,
    extracted: Vec<u8>,
    secret: Vec<u8>,
    sequence: u64,
}

impl Server {
    /// Answers the records of a ClientHello; the other half is the ServerHello in its record.
    pub fn answer(hello: &[u8], session_id: &[u8]) -> (Self, Vec<u8>) {
        let mut body = [&[3, 3][..], &[5; 32]].concat();
        body.push(u8::try_from(session_id.len()).unwrap_or_default());
        body.extend(session_id);
        body.extend([0x13, 1, 0, 0, 46]);
        body.extend([0, 43, 0, 2, 3, 4, 0, 51, 0, 36, 0, 0x1d, 0, 32]);
        body.extend(SECRET);
        let message = message(2, &body);
        let transcript = [hello.get(5..).unwrap_or_default(), &message].concat();
        let early = hmac(&[0; 32], &[0; 32]);
        let extracted = hmac(&expand(&early, "derived", &sha256(&[])), &SECRET);
        let server = Self {
            secret: expand(&extracted, "s hs traffic", &sha256(&transcript)),
            transcript,
            extracted,
            sequence: 0,
        };
        (server, record(HANDSHAKE, &message))
    }

    /// A record with this content; handshake messages count for the transcript.
    pub fn seal(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        if kind == HANDSHAKE {
            self.transcript.extend(content);
        }
        let key = expand_to(&self.secret, "key", &[], 16);
        let iv = expand_to(&self.secret, "iv", &[], 12);
        let mut nonce = [0; 12];
        let mask = [[0; 4].as_slice(), &self.sequence.to_be_bytes()].concat();
        for (octet, (iv, mask)) in nonce.iter_mut().zip(iv.iter().zip(mask)) {
            *octet = iv ^ mask;
        }
        self.sequence += 1;
        let mut sealed = [content, &[kind]].concat();
        let length = u16::try_from(sealed.len() + 16).unwrap_or(u16::MAX);
        let [high, low] = length.to_be_bytes();
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).expect("16 octets"));
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::from([23, 3, 3, high, low]), &mut sealed)
            .expect("less than a record");
        record(23, &sealed)
    }

    /// The Finished message that fits, and what comes after it is application data.
    pub fn finish(&mut self) -> Vec<u8> {
        let key = expand(&self.secret, "finished", &[]);
        let proof = hmac(&key, &sha256(&self.transcript));
        let last = self.seal(HANDSHAKE, &message(FINISHED, &proof));
        let main = expand(&self.extracted, "derived", &sha256(&[]));
        let main = hmac(&main, &[0; 32]);
        self.secret = expand(&main, "s ap traffic", &sha256(&self.transcript));
        self.sequence = 0;
        last
    }
}

/// A handshake message.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    [&[kind, 3, 3], &length.to_be_bytes()[..], content].concat()
}

fn sha256(data: &[u8]) -> Vec<u8> {
    digest(&SHA256, data).as_ref().to_vec()
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), data).as_ref().to_vec()
}

/// HKDF-Expand-Label (RFC 8446 section 7.1) of 32 octets.
fn expand(secret: &[u8], label: &str, context: &[u8]) -> Vec<u8> {
    expand_to(secret, label, context, 32)
}

fn expand_to(secret: &[u8], label: &str, context: &[u8], length: u8) -> Vec<u8> {
    let label = [b"tls13 ", label.as_bytes()].concat();
    let sized = |bytes: &[u8]| [&[u8::try_from(bytes.len()).unwrap_or(0)], bytes].concat();
    let info = [vec![0, length], sized(&label), sized(context), vec![1]].concat();
    let mut made = hmac(secret, &info);
    made.truncate(length.into());
    made
}
