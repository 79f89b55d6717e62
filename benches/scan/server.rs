//! A PostgreSQL server of nothing but its TLS: fast, with another leaf for each connection.
//!
//!     cargo run --release --example tls_server -- FOLDER KEY LEAVES ADDRESSES [BEHAVIOUR]
//!
//! KEY is `rsa` or `p256`; ADDRESSES how many of 127.0.0.0/8 it listens on, from 127.1.0.0 on, all
//! on one port, which is printed when it is ready. It writes FOLDER/root.crt. BEHAVIOUR is `tls`
//! (default), `stall` (accepts the ClientHello and says no more), `silent` (accepts the connection
//! and says nothing at all). It ends with its standard input.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring tool"
)]

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

#[derive(Debug)]
struct Leaves {
    all: Vec<Arc<CertifiedKey>>,
    next: AtomicUsize,
}

impl ResolvesServerCert for Leaves {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len();
        Some(Arc::clone(&self.all[number]))
    }
}

fn parameters(name: &str, ca: bool) -> CertificateParams {
    let mut parameters = CertificateParams::new(vec![format!("{name}.example.com")]).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
        .distinguished_name
        .push(DnType::OrganizationName, "Example Corp");
    if ca {
        parameters.subject_alt_names.clear();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    } else {
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
    }
    parameters
}

fn leaves(folder: &str, rsa: bool, count: usize) -> Leaves {
    let algorithm = if rsa {
        &rcgen::PKCS_RSA_SHA256
    } else {
        &rcgen::PKCS_ECDSA_P256_SHA256
    };
    let key = || KeyPair::generate_for(algorithm).unwrap();
    let (root_key, intermediate_key, leaf_key) = (key(), key(), key());
    let of_root = parameters("Root CA", true);
    let root = of_root.self_signed(&root_key).unwrap();
    std::fs::write(format!("{folder}/root.crt"), root.pem()).unwrap();
    let of_root = Issuer::new(of_root, root_key);
    let of_intermediate = parameters("Issuing CA", true);
    let intermediate = of_intermediate
        .signed_by(&intermediate_key, &of_root)
        .unwrap();
    let of_intermediate = Issuer::new(of_intermediate, intermediate_key);
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let der = PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap();
    let signing = provider.key_provider.load_private_key(der).unwrap();
    let all = (0..count.max(1)).map(|number| {
        let leaf = parameters(&format!("db{number}"), false);
        let leaf = leaf.signed_by(&leaf_key, &of_intermediate).unwrap();
        let chain = vec![leaf.der().clone(), intermediate.der().clone()];
        Arc::new(CertifiedKey::new(chain, Arc::clone(&signing)))
    });
    Leaves {
        all: all.collect(),
        next: AtomicUsize::new(0),
    }
}

async fn serve(mut stream: TcpStream, behaviour: &'static str, acceptor: TlsAcceptor) {
    let _ = stream.set_nodelay(true);
    let mut request = [0; 8];
    if behaviour == "silent" {
        let _ = stream.read_to_end(&mut Vec::new()).await;
        return;
    }
    if stream.read_exact(&mut request).await.is_err() || stream.write_all(b"S").await.is_err() {
        return;
    }
    if behaviour == "stall" {
        let _ = stream.read_to_end(&mut Vec::new()).await;
        return;
    }
    if let Ok(mut tls) = acceptor.accept(stream).await {
        let mut bytes = [0; 64];
        let _ = tokio::time::timeout(Duration::from_secs(5), tls.read(&mut bytes)).await;
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, key, count, addresses, rest @ ..] = arguments.as_slice() else {
        panic!("FOLDER KEY LEAVES ADDRESSES [BEHAVIOUR]");
    };
    let behaviour: &'static str = match rest.first().map(String::as_str) {
        Some("silent") => "silent",
        Some("stall") => "stall",
        _ => "tls",
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_cert_resolver(Arc::new(leaves(
        folder,
        key == "rsa",
        count.parse().unwrap(),
    )));
    config.send_tls13_tickets = 0; // as PostgreSQL
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let addresses: u32 = addresses.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.spawn(async move {
        let mut port = 0;
        for number in 0..addresses {
            let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 0)) + number);
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(SocketAddr::from((address, port))).unwrap();
            let listener: TcpListener = socket.listen(4096).unwrap();
            port = listener.local_addr().unwrap().port();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                loop {
                    if let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(serve(stream, behaviour, acceptor.clone()));
                    } else {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                }
            });
        }
        println!("{port}");
        std::future::pending::<()>().await;
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
