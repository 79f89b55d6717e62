//! What a ClientHello offered, read back from its bytes: so the handshake can go on whichever
//! library wrote it.

use crate::wire::{DecodeError, Reader};

use super::TLS_1_3;

/// What the server may choose from.
#[derive(Clone, Debug, Default)]
pub(super) struct Offered {
    /// The handshake message, the first of the transcript.
    pub(super) message: Vec<u8>,
    pub(super) random: [u8; 32],
    /// legacy_version, which stands in the premaster secret of RSA key exchange.
    pub(super) legacy_version: u16,
    /// Those of supported_versions; empty if the extension was not sent.
    versions: Vec<u16>,
    pub(super) cipher_suites: Vec<u16>,
    pub(super) groups: Vec<u16>,
    pub(super) signature_schemes: Vec<u16>,
    pub(super) alpn: Vec<Vec<u8>>,
    /// The types of all extensions.
    pub(super) extensions: Vec<u16>,
}

impl Offered {
    /// Reads the records that a client began with.
    pub(super) fn read(records: &[u8]) -> Result<Self, DecodeError> {
        let mut message = Vec::with_capacity(records.len());
        let mut reader = Reader::new(records);
        while !reader.is_empty() {
            reader.take(3, "record header")?;
            message.extend_from_slice(reader.vector16("record")?.rest());
        }
        let mut offered = Self::default();
        let mut reader = Reader::new(&message);
        reader.u8("handshake type")?;
        let mut body = reader.vector24("ClientHello")?;
        offered.legacy_version = body.u16("version")?;
        offered.random = body.array("random")?;
        body.vector8("session id")?;
        offered.cipher_suites = code_points(body.vector16("cipher suites")?)?;
        body.vector8("compression methods")?;
        if !body.is_empty() {
            let mut extensions = body.vector16("extensions")?;
            while !extensions.is_empty() {
                let kind = extensions.u16("extension type")?;
                let mut extension = extensions.vector16("extension")?;
                offered.extensions.push(kind);
                match kind {
                    10 => offered.groups = code_points(extension.vector16("groups")?)?,
                    13 => {
                        let schemes = extension.vector16("signature schemes")?;
                        offered.signature_schemes = code_points(schemes)?;
                    }
                    16 => {
                        let mut names = extension.vector16("protocols")?;
                        while !names.is_empty() {
                            let name = names.vector8("protocol")?;
                            offered.alpn.push(name.rest().to_vec());
                        }
                    }
                    43 => offered.versions = code_points(extension.vector8("versions")?)?,
                    _ => {}
                }
            }
        }
        offered.message = message;
        Ok(offered)
    }

    /// The highest version.
    pub(super) fn max_version(&self) -> u16 {
        let listed = self.versions.iter().copied().max();
        listed.unwrap_or(self.legacy_version)
    }

    pub(super) fn offers_tls_1_3(&self) -> bool {
        self.versions.contains(&TLS_1_3)
    }
}

fn code_points(mut list: Reader<'_>) -> Result<Vec<u16>, DecodeError> {
    let mut codes = Vec::with_capacity(list.rest().len() / 2);
    while !list.is_empty() {
        codes.push(list.u16("code point")?);
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tls::client_hello::ClientHello;

    #[test]
    fn what_was_written_is_read_back() {
        let hello = ClientHello {
            random: [7; 32],
            session_id: vec![9; 32],
            versions: vec![0x0304, 0x0303],
            cipher_suites: vec![0x1302, 0xc02f],
            groups: vec![0x001d],
            signature_schemes: vec![0x0804],
            server_name: Some("db.test".into()),
            alpn: Some("postgresql".into()),
            ..ClientHello::default()
        };
        let offered = Offered::read(&hello.to_records()).unwrap();
        assert_eq!(offered.random, [7; 32]);
        assert_eq!(offered.cipher_suites, [0x1302, 0xc02f, 0x00ff]);
        assert_eq!(offered.groups, [0x001d]);
        assert_eq!(offered.signature_schemes, [0x0804]);
        assert_eq!(offered.alpn, [b"postgresql"]);
        assert_eq!(offered.max_version(), 0x0304);
        assert!(offered.offers_tls_1_3());
        let old = ClientHello {
            versions: vec![0x0303],
            ..hello
        };
        let offered = Offered::read(&old.to_records()).unwrap();
        assert_eq!(offered.max_version(), 0x0303);
        assert!(!offered.offers_tls_1_3());
    }
}
