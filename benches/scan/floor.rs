//! What a scan cannot do without: bare handshakes, and the signatures that must be verified.
//!
//!     cargo run --release --example tls_floor -- HOST PORT HANDSHAKES CONCURRENCY
//!     cargo run --release --example tls_floor -- verify KEY ROUNDS
//!
//! The first makes SSLRequest, a handshake by tokio-rustls with X25519 that accepts any certificate,
//! and an orderly close, on as many threads as there are cores, at HOST and the addresses after it.
//! The second prints the microseconds of CPU of the two verifications that every new leaf costs: the
//! handshake signature and the leaf's own.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring tool"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
    RsaKeyPair, UnparsedPublicKey,
};
use nix::sys::resource::{UsageWho, getrusage};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, NamedGroup, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PKCS1_SHA256,
        ]
    }
}

async fn handshake(address: SocketAddr, connector: &TlsConnector) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.set_nodelay(true);
    stream
        .write_all(&[0, 0, 0, 8, 4, 210, 22, 47])
        .await
        .unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'S');
    let name = ServerName::IpAddress(address.ip().into());
    let mut tls = connector.connect(name, stream).await.unwrap();
    tls.shutdown().await.unwrap();
    let mut bytes = [0; 64];
    let _ = tls.get_mut().0.read(&mut bytes).await;
}

fn handshakes(host: Ipv4Addr, port: u16, count: u32, concurrency: u32) {
    let mut provider: CryptoProvider = rustls::crypto::aws_lc_rs::default_provider();
    provider
        .kx_groups
        .retain(|group| group.name() == NamedGroup::X25519);
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    config.enable_sni = false;
    let connector = TlsConnector::from(Arc::new(config));
    let next = Arc::new(AtomicU32::new(0));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads: Vec<_> = (0..cores)
        .map(|_| {
            let (connector, next) = (connector.clone(), Arc::clone(&next));
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let each = concurrency / u32::try_from(cores).unwrap();
                    let tasks: Vec<_> = (0..each.max(1))
                        .map(|_| {
                            let (connector, next) = (connector.clone(), Arc::clone(&next));
                            tokio::spawn(async move {
                                loop {
                                    let number = next.fetch_add(1, Ordering::Relaxed);
                                    if number >= count {
                                        break;
                                    }
                                    let address = Ipv4Addr::from(u32::from(host) + number);
                                    handshake(SocketAddr::from((address, port)), &connector).await;
                                }
                            })
                        })
                        .collect();
                    for task in tasks {
                        task.await.unwrap();
                    }
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

type Verification = Box<dyn Fn()>;

/// Microseconds for each of the two.
fn verifications(rsa: bool, rounds: u32) {
    let random = SystemRandom::new();
    let message = [7_u8; 700];
    let (handshake, leaf): (Verification, Verification) = if rsa {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let key = RsaKeyPair::from_pkcs8(&key.serialize_der()).unwrap();
        let mut pss = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PSS_SHA256, &random, &message[..130], &mut pss)
            .unwrap();
        let mut pkcs1 = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &random, &message, &mut pkcs1)
            .unwrap();
        let public = key.public_key().as_ref().to_vec();
        let other = public.clone();
        (
            Box::new(move || {
                let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &public);
                key.verify(&message[..130], &pss).unwrap();
            }),
            Box::new(move || {
                let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &other);
                key.verify(&message, &pkcs1).unwrap();
            }),
        )
    } else {
        let key = rcgen::KeyPair::generate().unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der())
            .unwrap();
        let one = key.sign(&random, &message[..130]).unwrap();
        let two = key.sign(&random, &message).unwrap();
        let public = key.public_key().as_ref().to_vec();
        let other = public.clone();
        (
            Box::new(move || {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &public);
                key.verify(&message[..130], one.as_ref()).unwrap();
            }),
            Box::new(move || {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &other);
                key.verify(&message, two.as_ref()).unwrap();
            }),
        )
    };
    // The first ones find nothing in the caches.
    for _ in 0..rounds / 10 {
        handshake();
        leaf();
    }
    let began = cpu_time();
    for _ in 0..rounds {
        handshake();
        leaf();
    }
    let took = cpu_time() - began;
    println!("{:.2}", took.as_secs_f64() * 1e6 / f64::from(rounds));
}

/// The CPU time of this process: it waits for nobody else's share of the machine.
fn cpu_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| {
            Duration::from_secs(time.tv_sec().unsigned_abs())
                + Duration::from_micros(time.tv_usec().unsigned_abs())
        })
        .sum()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["verify", key, rounds] => verifications(*key == "rsa", rounds.parse().unwrap()),
        [host, port, count, concurrency] => handshakes(
            host.parse().unwrap(),
            port.parse().unwrap(),
            count.parse().unwrap(),
            concurrency.parse().unwrap(),
        ),
        _ => panic!("see the head of the file"),
    }
}
