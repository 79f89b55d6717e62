//! The record layer (RFC 5246 section 6, RFC 8446 section 5): framing and protection, both ways.

use aes::{Aes128, Aes256};
use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};

use super::digest::Digest;
use super::suite::Bulk;
use super::{
    BAD_RECORD_MAC, DECODE_ERROR, Fault, PROTOCOL_VERSION, RECORD_OVERFLOW, TLS_1_0,
    UNEXPECTED_MESSAGE, fault,
};

/// The most that a record holds (`SSL3_RT_MAX_PLAIN_LENGTH`).
const MAX_PLAIN: usize = 16 * 1024;
/// What protection may add (RFC 5246 section 6.2.3).
const MAX_ENCRYPTED: usize = MAX_PLAIN + 2048;
/// In TLS 1.3, padding included (RFC 8446 section 5.2).
const MAX_ENCRYPTED_1_3: usize = MAX_PLAIN + 256;
/// How many empty records in a row OpenSSL bears (`MAX_EMPTY_RECORDS`).
const MAX_EMPTY: u32 = 32;
const HEADER: usize = 5;
const BLOCK: usize = 16;
const TAG: usize = 16;
const BAD_MAC: &str = "decryption failed or bad record mac";
/// The part of GCM's nonce that stands in the record.
const EXPLICIT_NONCE: usize = 8;
const CHANGE_CIPHER_SPEC: u8 = 20;
const APPLICATION_DATA: u8 = 23;

/// Records of both directions.
pub(super) struct Records {
    incoming: Vec<u8>,
    empty: u32,
    /// What records must carry once it is negotiated.
    pub(super) version: Option<u16>,
    /// What ours carry before that.
    pub(super) early_version: u16,
    read: Protection,
    write: Protection,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            incoming: Vec::new(),
            empty: 0,
            version: None,
            early_version: TLS_1_0,
            read: Protection::none(),
            write: Protection::none(),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.incoming.extend_from_slice(bytes);
    }

    /// Whether something came that was not taken yet.
    pub(super) fn has_input(&self) -> bool {
        !self.incoming.is_empty()
    }

    /// The content type and the fragment of the next record, if it is whole.
    pub(super) fn next(&mut self) -> Result<Option<(u8, Vec<u8>)>, Fault> {
        if self
            .incoming
            .first()
            .is_some_and(|kind| !(20..=23).contains(kind))
            || self.incoming.get(1).is_some_and(|major| *major != 3)
        {
            return Err(fault(PROTOCOL_VERSION, "wrong version number"));
        }
        let Some([kind, major, minor, high, low]) = self.incoming.first_chunk::<HEADER>().copied()
        else {
            return Ok(None);
        };
        let version = u16::from_be_bytes([major, minor]);
        if self.version.is_some_and(|expected| expected != version) {
            return Err(fault(PROTOCOL_VERSION, "wrong version number"));
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > MAX_ENCRYPTED {
            return Err(fault(RECORD_OVERFLOW, "packet length too long"));
        }
        let Some(fragment) = self.incoming.get(HEADER..HEADER + length) else {
            return Ok(None);
        };
        let (kind, fragment) = self.read.open(kind, version, fragment)?;
        self.incoming.drain(..HEADER + length);
        if fragment.len() > MAX_PLAIN {
            return Err(fault(RECORD_OVERFLOW, "data length too long"));
        }
        if fragment.is_empty() {
            self.count_as_empty("record too small")?;
        } else if kind != CHANGE_CIPHER_SPEC {
            self.empty = 0;
        }
        Ok(Some((kind, fragment)))
    }

    /// Counts a record that brings nothing on: an empty one, or a ChangeCipherSpec of TLS 1.3.
    pub(super) fn count_as_empty(&mut self, reason: &'static str) -> Result<(), Fault> {
        self.empty += 1;
        if self.empty > MAX_EMPTY {
            return Err(fault(UNEXPECTED_MESSAGE, reason));
        }
        Ok(())
    }

    /// Puts content into records, as many as it takes.
    pub(super) fn write(&mut self, kind: u8, content: &[u8], out: &mut Vec<u8>) {
        let version = self.version.unwrap_or(self.early_version);
        for fragment in content.chunks(MAX_PLAIN) {
            let (kind, fragment) = self.write.seal(kind, version, fragment);
            let length = u16::try_from(fragment.len()).unwrap_or(u16::MAX);
            out.push(kind);
            out.extend(version.to_be_bytes());
            out.extend(length.to_be_bytes());
            out.extend(fragment);
        }
    }

    pub(super) fn protect_reading(&mut self, protection: Protection) {
        self.read = protection;
    }

    pub(super) fn protect_writing(&mut self, protection: Protection) {
        self.write = protection;
    }
}

/// How the records of one direction are protected.
pub(super) struct Protection {
    sequence: u64,
    kind: Kind,
}

enum Kind {
    None,
    /// RFC 5288: the nonce is half secret, half in the record.
    Gcm {
        key: LessSafeKey,
        salt: Vec<u8>,
    },
    /// RFC 7905: the nonce is the IV and the sequence number.
    ChaCha20 {
        key: LessSafeKey,
        iv: Vec<u8>,
    },
    Cbc(Cbc),
    /// RFC 8446 section 5.2: the content type is sealed too.
    Tls13 {
        key: LessSafeKey,
        iv: Vec<u8>,
    },
}

/// AES in CBC mode with HMAC.
struct Cbc {
    key: Vec<u8>,
    mac: Digest,
    mac_key: Vec<u8>,
    /// In TLS 1.0 the last block of the record before; later each record has its own.
    chained: Option<Vec<u8>>,
    /// RFC 7366.
    encrypt_then_mac: bool,
}

impl Protection {
    pub(super) fn none() -> Self {
        Self {
            sequence: 0,
            kind: Kind::None,
        }
    }

    /// With keys from the key block; `None` if they are of the wrong length.
    pub(super) fn new(
        bulk: Bulk,
        version: u16,
        encrypt_then_mac: bool,
        mac_key: &[u8],
        key: &[u8],
        iv: &[u8],
    ) -> Option<Self> {
        let aead = |algorithm| Some(LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?));
        let cbc = |mac| {
            Kind::Cbc(Cbc {
                key: key.to_vec(),
                mac,
                mac_key: mac_key.to_vec(),
                chained: (version <= TLS_1_0).then(|| iv.to_vec()),
                encrypt_then_mac,
            })
        };
        let salt = iv.to_vec();
        let kind = match bulk {
            Bulk::Aes128Gcm => Kind::Gcm {
                key: aead(&AES_128_GCM)?,
                salt,
            },
            Bulk::Aes256Gcm => Kind::Gcm {
                key: aead(&AES_256_GCM)?,
                salt,
            },
            Bulk::ChaCha20Poly1305 => Kind::ChaCha20 {
                key: aead(&CHACHA20_POLY1305)?,
                iv: salt,
            },
            Bulk::Aes128Cbc(mac) | Bulk::Aes256Cbc(mac) => cbc(mac),
        };
        Some(Self { sequence: 0, kind })
    }

    /// In TLS 1.3, with keys from a traffic secret; `None` if they are of the wrong length.
    pub(super) fn tls_1_3(bulk: Bulk, key: &[u8], iv: &[u8]) -> Option<Self> {
        let algorithm = match bulk {
            Bulk::Aes128Gcm => &AES_128_GCM,
            Bulk::Aes256Gcm => &AES_256_GCM,
            Bulk::ChaCha20Poly1305 => &CHACHA20_POLY1305,
            Bulk::Aes128Cbc(_) | Bulk::Aes256Cbc(_) => return None,
        };
        let kind = Kind::Tls13 {
            key: LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?),
            iv: iv.to_vec(),
        };
        Some(Self { sequence: 0, kind })
    }

    /// The content type and the content.
    fn open(&mut self, kind: u8, version: u16, fragment: &[u8]) -> Result<(u8, Vec<u8>), Fault> {
        let header = Header::new(self.sequence, kind, version);
        let opened = match &mut self.kind {
            Kind::None if fragment.len() > MAX_PLAIN => {
                return Err(fault(RECORD_OVERFLOW, "encrypted length too long"));
            }
            Kind::None => return Ok((kind, fragment.to_vec())),
            // For middleboxes, in the clear (RFC 8446 appendix D.4).
            Kind::Tls13 { .. } if kind == CHANGE_CIPHER_SPEC => {
                return Ok((kind, fragment.to_vec()));
            }
            Kind::Tls13 { .. } if kind != APPLICATION_DATA => {
                return Err(fault(UNEXPECTED_MESSAGE, "bad record type"));
            }
            Kind::Tls13 { .. } if fragment.len() > MAX_ENCRYPTED_1_3 => {
                return Err(fault(RECORD_OVERFLOW, "encrypted length too long"));
            }
            Kind::Tls13 { key, iv } => {
                let opened = header.open_tls_1_3(key, iv, fragment);
                self.sequence += 1;
                let mut opened = opened.ok_or(fault(BAD_RECORD_MAC, BAD_MAC))?;
                let padded = opened.iter().rposition(|octet| *octet != 0);
                opened.truncate(padded.map_or(0, |padded| padded + 1));
                return match opened.pop() {
                    Some(kind @ 21..=23) => Ok((kind, opened)),
                    _ => Err(fault(UNEXPECTED_MESSAGE, "bad record type")),
                };
            }
            Kind::Gcm { key, salt } => {
                let explicit = fragment.get(..EXPLICIT_NONCE);
                explicit.and_then(|explicit| {
                    let nonce = [salt.as_slice(), explicit].concat();
                    header.open(key, &nonce, fragment.get(EXPLICIT_NONCE..)?)
                })
            }
            Kind::ChaCha20 { key, iv } => header.open(key, &header.masked(iv), fragment),
            Kind::Cbc(cbc) => cbc.open(&header, fragment)?,
        };
        self.sequence += 1;
        let opened = opened.ok_or(fault(BAD_RECORD_MAC, BAD_MAC))?;
        Ok((kind, opened))
    }

    /// The content type that the record shows, and the sealed content.
    fn seal(&mut self, kind: u8, version: u16, fragment: &[u8]) -> (u8, Vec<u8>) {
        let header = Header::new(self.sequence, kind, version);
        let explicit = self.sequence.to_be_bytes();
        self.sequence += 1;
        let sealed = match &mut self.kind {
            Kind::None => fragment.to_vec(),
            Kind::Tls13 { key, iv } => {
                return (APPLICATION_DATA, header.seal_tls_1_3(key, iv, fragment));
            }
            Kind::Gcm { key, salt } => {
                let nonce = [salt.as_slice(), &explicit].concat();
                [explicit.to_vec(), header.seal(key, &nonce, fragment)].concat()
            }
            Kind::ChaCha20 { key, iv } => header.seal(key, &header.masked(iv), fragment),
            Kind::Cbc(cbc) => cbc.seal(&header, fragment),
        };
        (kind, sealed)
    }
}

/// What is authenticated with a record, without its length.
struct Header {
    sequence: [u8; 8],
    kind: u8,
    version: [u8; 2],
}

impl Header {
    fn new(sequence: u64, kind: u8, version: u16) -> Self {
        Self {
            sequence: sequence.to_be_bytes(),
            kind,
            version: version.to_be_bytes(),
        }
    }

    fn with_length(&self, length: usize) -> Vec<u8> {
        let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        [&self.sequence[..], &[self.kind], &self.version, &length].concat()
    }

    fn masked(&self, iv: &[u8]) -> Vec<u8> {
        let start = iv.len().saturating_sub(self.sequence.len());
        let mut nonce = iv.to_vec();
        for (octet, mask) in nonce.iter_mut().skip(start).zip(self.sequence) {
            *octet ^= mask;
        }
        nonce
    }

    fn open(&self, key: &LessSafeKey, nonce: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let aad = Aad::from(self.with_length(sealed.len().checked_sub(TAG)?));
        let mut buffer = sealed.to_vec();
        let length = key.open_in_place(nonce, aad, &mut buffer).ok()?.len();
        buffer.truncate(length);
        Some(buffer)
    }

    fn seal(&self, key: &LessSafeKey, nonce: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut buffer = plain.to_vec();
        if let Ok(nonce) = Nonce::try_assume_unique_for_key(nonce) {
            let aad = Aad::from(self.with_length(plain.len()));
            let _ = key.seal_in_place_append_tag(nonce, aad, &mut buffer);
        }
        buffer
    }
}

impl Header {
    /// In TLS 1.3 the record's own header is authenticated (RFC 8446 section 5.2).
    fn outer(length: usize) -> [u8; HEADER] {
        let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        [APPLICATION_DATA, 3, 3, high, low]
    }

    fn open_tls_1_3(&self, key: &LessSafeKey, iv: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let nonce = Nonce::try_assume_unique_for_key(&self.masked(iv)).ok()?;
        let aad = Aad::from(Self::outer(sealed.len()));
        let mut buffer = sealed.to_vec();
        let length = key.open_in_place(nonce, aad, &mut buffer).ok()?.len();
        buffer.truncate(length);
        Some(buffer)
    }

    /// The content and its type, sealed.
    fn seal_tls_1_3(&self, key: &LessSafeKey, iv: &[u8], content: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(content.len() + 1 + TAG);
        buffer.extend_from_slice(content);
        buffer.push(self.kind);
        if let Ok(nonce) = Nonce::try_assume_unique_for_key(&self.masked(iv)) {
            let aad = Aad::from(Self::outer(buffer.len() + TAG));
            let _ = key.seal_in_place_append_tag(nonce, aad, &mut buffer);
        }
        buffer
    }
}

impl Cbc {
    /// `None`: the MAC or the padding is wrong.
    fn open(&mut self, header: &Header, fragment: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if self.encrypt_then_mac {
            let Some((sealed, tag)) = fragment
                .len()
                .checked_sub(self.mac.length())
                .and_then(|end| fragment.split_at_checked(end))
            else {
                return Err(fault(DECODE_ERROR, "length too short"));
            };
            if self.tag(header, sealed) != tag {
                return Ok(None);
            }
            let opened = self.decrypt(sealed);
            return Ok(opened.and_then(|opened| unpadded(&opened).map(<[u8]>::to_vec)));
        }
        let opened = self.decrypt(fragment);
        let content = opened.as_deref().and_then(unpadded);
        Ok(content.and_then(|content| {
            let end = content.len().checked_sub(self.mac.length())?;
            let (content, tag) = content.split_at_checked(end)?;
            (self.tag(header, content) == tag).then(|| content.to_vec())
        }))
    }

    fn seal(&mut self, header: &Header, plain: &[u8]) -> Vec<u8> {
        let mut padded = plain.to_vec();
        if !self.encrypt_then_mac {
            padded.extend(self.tag(header, plain));
        }
        let padding = BLOCK - padded.len() % BLOCK;
        let value = u8::try_from(padding - 1).unwrap_or(0);
        padded.extend(std::iter::repeat_n(value, padding));
        let mut sealed = self.encrypt(&padded);
        if self.encrypt_then_mac {
            sealed.extend(self.tag(header, &sealed));
        }
        sealed
    }

    fn tag(&self, header: &Header, content: &[u8]) -> Vec<u8> {
        let header = header.with_length(content.len());
        self.mac.hmac(&self.mac_key, &[&header, content])
    }

    fn decrypt(&mut self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (iv, blocks) = match &self.chained {
            Some(iv) => (iv.clone(), sealed),
            None => {
                let (iv, blocks) = sealed.split_at_checked(BLOCK)?;
                (iv.to_vec(), blocks)
            }
        };
        if blocks.is_empty() || !blocks.len().is_multiple_of(BLOCK) {
            return None;
        }
        if self.chained.is_some() {
            self.chained = blocks.last_chunk::<BLOCK>().map(|last| last.to_vec());
        }
        match self.key.len() {
            16 => cbc::Decryptor::<Aes128>::new_from_slices(&self.key, &iv)
                .ok()?
                .decrypt_padded_vec_mut::<NoPadding>(blocks)
                .ok(),
            _ => cbc::Decryptor::<Aes256>::new_from_slices(&self.key, &iv)
                .ok()?
                .decrypt_padded_vec_mut::<NoPadding>(blocks)
                .ok(),
        }
    }

    fn encrypt(&mut self, padded: &[u8]) -> Vec<u8> {
        let (iv, mut sealed) = match &self.chained {
            Some(iv) => (iv.clone(), Vec::new()),
            None => {
                let mut iv = vec![0; BLOCK];
                // Without randomness the record is still a record; nothing in it is secret.
                let _ = aws_lc_rs::rand::fill(&mut iv);
                (iv.clone(), iv)
            }
        };
        let blocks = match self.key.len() {
            16 => cbc::Encryptor::<Aes128>::new_from_slices(&self.key, &iv)
                .map(|cipher| cipher.encrypt_padded_vec_mut::<NoPadding>(padded)),
            _ => cbc::Encryptor::<Aes256>::new_from_slices(&self.key, &iv)
                .map(|cipher| cipher.encrypt_padded_vec_mut::<NoPadding>(padded)),
        };
        let blocks = blocks.unwrap_or_default();
        if self.chained.is_some() {
            self.chained = blocks.last_chunk::<BLOCK>().map(|last| last.to_vec());
        }
        sealed.extend(blocks);
        sealed
    }
}

/// Without the padding (RFC 5246 section 6.2.3.2), if it is right.
fn unpadded(content: &[u8]) -> Option<&[u8]> {
    let last = *content.last()?;
    let end = content.len().checked_sub(usize::from(last) + 1)?;
    let (content, padding) = content.split_at_checked(end)?;
    padding
        .iter()
        .all(|octet| *octet == last)
        .then_some(content)
}
