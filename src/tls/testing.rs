//! A server for the tests of this module: it speaks the same versions and suites, and can be told
//! to speak them wrongly.

use std::sync::LazyLock;

use num_bigint_dig::BigUint;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::{Pkcs1v15Encrypt, Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest as _, Sha256};

use super::client::Client;
use super::digest::{Digest, Prf};
use super::messages::{self, handshake, vector16, vector24};
use super::offered::Offered;
use super::record::{Protection, Records};
use super::suite::{KeyExchange, Suite};
use crate::observation::Failure;
use crate::wire::Reader;
use crate::wire::tls::client_hello::ClientHello;
use crate::wire::tls::openssl;

/// The octets of a hexadecimal text.
pub(super) fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// The server's RSA key and certificate.
pub(super) static IDENTITY: LazyLock<(RsaPrivateKey, Vec<u8>)> = LazyLock::new(|| {
    let algorithm = &rcgen::PKCS_RSA_SHA256;
    let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["db.test".into()]).unwrap();
    let certificate = parameters.self_signed(&pair).unwrap();
    let key = RsaPrivateKey::from_pkcs8_der(&pair.serialize_der()).unwrap();
    (key, certificate.der().to_vec())
});

/// A group for finite-field Diffie-Hellman.
pub(super) static FFDHE2048: LazyLock<BigUint> =
    LazyLock::new(|| BigUint::from_bytes_be(rustls::ffdhe_groups::FFDHE2048.p));

/// What the server does.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) version: u16,
    pub(super) suite: u16,
    pub(super) extensions: Vec<(u16, Vec<u8>)>,
    pub(super) session_id: Vec<u8>,
    pub(super) compression: u8,
    pub(super) random: [u8; 32],
    pub(super) request: bool,
    pub(super) dh: (BigUint, BigUint),
    /// The signature's scheme in TLS 1.2.
    pub(super) scheme: u16,
    /// Changes the messages of the first flight, each with its type.
    pub(super) flight: fn(Vec<Vec<u8>>) -> Vec<Vec<u8>>,
    /// Changes the proof of the Finished message.
    pub(super) finished: fn(Vec<u8>) -> Vec<u8>,
}

impl Script {
    pub(super) fn new(version: u16, suite: u16) -> Self {
        Self {
            version,
            suite,
            extensions: vec![(0xff01, vec![0])],
            session_id: Vec::new(),
            compression: 0,
            random: [0x5e; 32],
            request: false,
            dh: (FFDHE2048.clone(), BigUint::from(2_u8)),
            scheme: 0x0401,
            flight: |messages| messages,
            finished: |proof| proof,
        }
    }

    fn has(&self, kind: u16) -> bool {
        self.extensions.iter().any(|(other, _)| *other == kind)
    }
}

/// A server in the middle of a handshake.
pub(super) struct Server {
    script: Script,
    suite: Suite,
    prf: Prf,
    offered: Offered,
    transcript: Vec<u8>,
    records: Records,
    exponent: BigUint,
    private: Option<aws_lc_rs::agreement::EphemeralPrivateKey>,
}

impl Server {
    /// The server and its first flight.
    pub(super) fn answer(script: Script, hello: &[u8]) -> (Self, Vec<u8>) {
        let offered = Offered::read(hello).unwrap();
        let suite = Suite::of(script.suite).expect("a suite of ours");
        let mut server = Self {
            suite,
            prf: suite.prf(script.version),
            transcript: offered.message.clone(),
            offered,
            records: Records::new(),
            exponent: BigUint::from_bytes_be(&[0x37; 40]),
            private: None,
            script,
        };
        server.records.version = Some(server.script.version);
        let mut flight = vec![server.hello(), server.certificate()];
        if suite.key_exchange != KeyExchange::Rsa {
            flight.push(server.key_exchange());
        }
        if server.script.request {
            let mut body = vec![1, 1];
            if server.script.version >= 0x0303 {
                body.extend(vector16(&[4, 1, 4, 3]));
            }
            body.extend(vector16(&[]));
            flight.push(handshake(messages::CERTIFICATE_REQUEST, &body));
        }
        flight.push(handshake(messages::SERVER_HELLO_DONE, &[]));
        let mut bytes = Vec::new();
        for message in (server.script.flight)(flight) {
            server.say(&message, &mut bytes);
        }
        (server, bytes)
    }

    fn say(&mut self, message: &[u8], out: &mut Vec<u8>) {
        self.records.write(22, message, out);
        self.transcript.extend(message);
    }

    fn hello(&self) -> Vec<u8> {
        let script = &self.script;
        let mut body = script.version.to_be_bytes().to_vec();
        body.extend(script.random);
        body.push(u8::try_from(script.session_id.len()).unwrap());
        body.extend(&script.session_id);
        body.extend(script.suite.to_be_bytes());
        body.push(script.compression);
        let extensions = script
            .extensions
            .iter()
            .flat_map(|(kind, body)| [kind.to_be_bytes().to_vec(), vector16(body)].concat());
        let extensions: Vec<u8> = extensions.collect();
        if !extensions.is_empty() {
            body.extend(vector16(&extensions));
        }
        handshake(messages::SERVER_HELLO, &body)
    }

    fn certificate(&self) -> Vec<u8> {
        let list = vector24(&vector24(&IDENTITY.1));
        handshake(messages::CERTIFICATE, &list)
    }

    fn key_exchange(&mut self) -> Vec<u8> {
        let mut body = match self.suite.key_exchange {
            KeyExchange::Dhe => {
                let (prime, generator) = &self.script.dh;
                let public = generator.modpow(&self.exponent, prime);
                [prime, generator, &public]
                    .iter()
                    .flat_map(|number| vector16(&number.to_bytes_be()))
                    .collect()
            }
            _ => {
                use aws_lc_rs::agreement::{ECDH_P256, EphemeralPrivateKey};
                let random = aws_lc_rs::rand::SystemRandom::new();
                let private = EphemeralPrivateKey::generate(&ECDH_P256, &random).unwrap();
                let public = private.compute_public_key().unwrap();
                self.private = Some(private);
                let public = public.as_ref();
                let length = u8::try_from(public.len()).unwrap();
                [&[3, 0, 0x17, length], public].concat()
            }
        };
        let signed = [&self.offered.random, &self.script.random, body.as_slice()].concat();
        if self.script.version >= 0x0303 {
            body.extend(self.script.scheme.to_be_bytes());
            let digest = Sha256::digest(&signed);
            let signature = IDENTITY.0.sign(Pkcs1v15Sign::new::<Sha256>(), &digest);
            body.extend(vector16(&signature.unwrap()));
        } else {
            let digests = [Digest::Md5.of(&signed), Digest::Sha1.of(&signed)].concat();
            let signature = IDENTITY.0.sign(Pkcs1v15Sign::new_unprefixed(), &digests);
            body.extend(vector16(&signature.unwrap()));
        }
        handshake(messages::SERVER_KEY_EXCHANGE, &body)
    }

    /// Takes the client's flight, which must be right, and finishes.
    pub(super) fn finish(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.records.push(bytes);
        let (mut waiting, mut premaster) = (Vec::new(), Vec::new());
        let (mut master, mut keys) = (Vec::new(), None);
        while let Some((kind, fragment)) = self.records.next().unwrap() {
            if kind == 20 {
                assert_eq!(fragment, [1]);
                let (client, server) = self.protections(&master);
                self.records.protect_reading(client);
                keys = Some(server);
                continue;
            }
            assert_eq!(kind, 22, "{fragment:?}");
            waiting.extend(fragment);
            loop {
                let mut reader = Reader::new(&waiting);
                let (Ok(kind), Ok(body)) = (reader.u8("type"), reader.vector24("body")) else {
                    break;
                };
                let body = body.rest().to_vec();
                let message: Vec<u8> = waiting.drain(..4 + body.len()).collect();
                if kind == messages::CLIENT_KEY_EXCHANGE {
                    premaster = self.premaster(&body);
                }
                if kind == messages::FINISHED {
                    let hash = self.prf.transcript_hash(&self.transcript);
                    let expected = self.prf.derive(&master, b"client finished", &[&hash], 12);
                    assert_eq!(body, expected, "the client's Finished");
                }
                self.transcript.extend(message);
                if kind == messages::CLIENT_KEY_EXCHANGE {
                    master = self.master(&premaster);
                }
            }
        }
        let mut out = Vec::new();
        if self.script.has(35) {
            let body = [vec![0, 0, 0, 60], vector16(b"a ticket")].concat();
            let ticket = handshake(messages::NEW_SESSION_TICKET, &body);
            self.say(&ticket, &mut out);
        }
        self.records.write(20, &[1], &mut out);
        self.records
            .protect_writing(keys.expect("the client's keys"));
        let hash = self.prf.transcript_hash(&self.transcript);
        let proof = self.prf.derive(&master, b"server finished", &[&hash], 12);
        let proof = (self.script.finished)(proof);
        self.say(&handshake(messages::FINISHED, &proof), &mut out);
        out
    }

    fn premaster(&mut self, body: &[u8]) -> Vec<u8> {
        let mut reader = Reader::new(body);
        match self.suite.key_exchange {
            KeyExchange::Rsa => {
                let sealed = reader.vector16("sealed").unwrap().rest();
                IDENTITY.0.decrypt(Pkcs1v15Encrypt, sealed).unwrap()
            }
            KeyExchange::Dhe => {
                let theirs = BigUint::from_bytes_be(reader.vector16("Yc").unwrap().rest());
                theirs
                    .modpow(&self.exponent, &self.script.dh.0)
                    .to_bytes_be()
            }
            KeyExchange::Ecdhe => {
                use aws_lc_rs::agreement::{ECDH_P256, UnparsedPublicKey, agree_ephemeral};
                let theirs = reader.vector8("point").unwrap().rest();
                let theirs = UnparsedPublicKey::new(&ECDH_P256, theirs);
                let private = self.private.take().unwrap();
                agree_ephemeral(private, theirs, (), |secret| Ok(secret.to_vec())).unwrap()
            }
        }
    }

    fn master(&self, premaster: &[u8]) -> Vec<u8> {
        if self.script.has(23) {
            let session = self.prf.transcript_hash(&self.transcript);
            let label = b"extended master secret";
            return self.prf.derive(premaster, label, &[&session], 48);
        }
        let seed = [self.offered.random.as_slice(), &self.script.random];
        self.prf.derive(premaster, b"master secret", &seed, 48)
    }

    fn protections(&self, master: &[u8]) -> (Protection, Protection) {
        let (mac, key, iv) = self.suite.bulk.lengths();
        let seed = [self.script.random.as_slice(), &self.offered.random];
        let length = 2 * (mac + key + iv);
        let block = self.prf.derive(master, b"key expansion", &seed, length);
        let part = |at: usize, length: usize| &block[at..at + length];
        let (keys, ivs) = (2 * mac, 2 * mac + 2 * key);
        let then_mac = self.script.has(22) && self.suite.bulk.is_cbc();
        let protection = |number: usize| {
            Protection::new(
                self.suite.bulk,
                self.script.version,
                then_mac,
                part(number * mac, mac),
                part(keys + number * key, key),
                part(ivs + number * iv, iv),
            )
            .unwrap()
        };
        (protection(0), protection(1))
    }

    /// Application data in its records.
    pub(super) fn send(&mut self, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.records.write(23, data, &mut out);
        out
    }

    /// The application data of the client's records.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.records.push(bytes);
        let mut data = Vec::new();
        while let Some((kind, fragment)) = self.records.next().unwrap() {
            assert_eq!(kind, 23);
            data.extend(fragment);
        }
        data
    }
}

/// The records of a ClientHello as OpenSSL's, for versions up to one.
pub(super) fn hello(max_version: u16) -> Vec<u8> {
    client_hello(max_version).to_records()
}

fn client_hello(max_version: u16) -> ClientHello {
    ClientHello {
        random: [7; 32],
        session_id: vec![9; 32],
        versions: (0x0301..=max_version).rev().collect(),
        cipher_suites: openssl::cipher_suites(0x0301, max_version),
        groups: vec![0x001d, 0x0017],
        signature_schemes: vec![0x0403, 0x0807, 0x0809, 0x0804, 0x0401],
        server_name: Some("db.test".into()),
        alpn: None,
        ..ClientHello::default()
    }
}

/// A client that is willing to speak TLS 1.0, after [`hello`].
pub(super) fn client(hello: &[u8]) -> Client {
    let max_version = Offered::read(hello).unwrap().max_version();
    let mut client = Client::new(client_hello(max_version), Vec::new(), 0x0301, None).unwrap();
    assert_eq!(client.take_output(), hello);
    client
}

/// A whole handshake with a script: the client, the server, and how it ended.
pub(super) fn run(script: Script) -> (Client, Server, Result<(), Failure>) {
    let hello = hello(0x0303);
    let mut client = client(&hello);
    let (mut server, flight) = Server::answer(script, &hello);
    let result = client.read(&flight).and_then(|()| {
        let ours = client.take_output();
        client.read(&server.finish(&ours))
    });
    (client, server, result)
}
