//! A fleet of small endpoints on the loopback interface, one for each situation worth seeing.
//!
//! They speak PostgreSQL's start of a connection and nothing behind it: no query, no real login.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::pki::Pki;
use self::server::{Behaviour, Rule};

mod pki;
mod server;

/// The name most of the certificates are for.
const DATABASE: &str = "db.demo.test";

/// The running endpoints; dropping it stops them and ends their connections.
pub struct Fleet {
    /// The endpoints, in the order in which they are best looked at.
    pub servers: Vec<DemoServer>,
    /// The root certificate that all but the self-signed one lead to.
    pub root_pem: String,
    /// A client certificate (CN `demo`) that the endpoint `client-certificate` accepts.
    pub client_certificate_pem: String,
    /// Its private key, made at the start and good for nothing else.
    pub client_key_pem: String,
    tasks: JoinSet<()>,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet")
            .field("servers", &self.servers)
            .field("tasks", &self.tasks.len())
            .finish_non_exhaustive()
    }
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct DemoServer {
    /// What it is called.
    pub name: &'static str,
    /// One sentence: what it shows.
    pub about: &'static str,
    /// The name a client would verify.
    pub host: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// How to connect to it, as psql takes it.
    pub conninfo: String,
}

/// Make certificates valid around `now` (Unix time) and start all endpoints on ports that the
/// system picks.
///
/// # Errors
///
/// When a port cannot be opened or a certificate cannot be made.
pub async fn start(now: i64) -> io::Result<Fleet> {
    let pki = Pki::make(now)?;
    let mut servers = Vec::new();
    let mut tasks = JoinSet::new();
    for (name, host, about, behaviour) in situations(&pki)? {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        servers.push(DemoServer {
            name,
            about,
            host: host.to_owned(),
            address,
            conninfo: format!(
                "host={host} hostaddr={} port={} user=demo dbname=demo",
                address.ip(),
                address.port()
            ),
        });
        tasks.spawn(server::serve(listener, Arc::new(behaviour)));
    }
    Ok(Fleet {
        servers,
        root_pem: pki.root_pem(),
        client_certificate_pem: pki.client.chain_pem(),
        client_key_pem: pki.client.key_pem(),
        tasks,
    })
}

type Situation = (&'static str, &'static str, &'static str, Behaviour);

fn situations(pki: &Pki) -> io::Result<Vec<Situation>> {
    let with_tls = |tls| Behaviour {
        tls: Some(tls),
        plain: Rule::Scram,
        encrypted: Rule::Scram,
    };
    Ok(vec![
        (
            "good",
            DATABASE,
            "A good chain of root, intermediate and server; plaintext goes too.",
            with_tls(pki.good.acceptor()?),
        ),
        (
            "self-signed",
            "localhost",
            "A self-signed certificate of `openssl req -x509`: encrypted, not verified.",
            with_tls(pki.self_signed.acceptor()?),
        ),
        (
            "expired",
            DATABASE,
            "A certificate of a good chain that expired yesterday.",
            with_tls(pki.expired.acceptor()?),
        ),
        (
            "wrong-host",
            DATABASE,
            "A certificate for another host: verify-ca accepts it, verify-full does not.",
            with_tls(pki.wrong_host.acceptor()?),
        ),
        (
            "cn-only",
            DATABASE,
            "A certificate with its name in the CN only: good for libpq, not for others.",
            with_tls(pki.cn_only.acceptor()?),
        ),
        (
            "no-tls",
            DATABASE,
            "A server without TLS: prefer goes on in plaintext, require fails.",
            Behaviour {
                tls: None,
                plain: Rule::Scram,
                encrypted: Rule::Scram,
            },
        ),
        (
            "hostssl-only",
            DATABASE,
            "A pg_hba.conf of hostssl lines only: plaintext connections are turned away.",
            Behaviour {
                tls: Some(pki.good.acceptor()?),
                plain: Rule::NoEntry,
                encrypted: Rule::Scram,
            },
        ),
        (
            "tls-1.2-only",
            DATABASE,
            "A server that speaks TLS 1.2 and not 1.3.",
            with_tls(pki.good.acceptor_for_tls12()?),
        ),
        (
            "client-certificate",
            DATABASE,
            "A server that lets nobody in without a client certificate.",
            Behaviour {
                tls: Some(pki.good.acceptor_asking_for(&pki.root)?),
                plain: Rule::NoEntry,
                encrypted: Rule::ClientCertificate,
            },
        ),
    ])
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use rustls::{ALL_VERSIONS, ClientConfig, RootCertStore};
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];
    const CANCEL_REQUEST: [u8; 16] = [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 1, 0, 0, 0, 2];

    /// Certificates are judged at [`NOW`], not today.
    #[derive(Debug)]
    struct Clock;

    impl rustls::time_provider::TimeProvider for Clock {
        fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
            let now = std::time::Duration::from_secs(NOW.unsigned_abs());
            Some(rustls::pki_types::UnixTime::since_unix_epoch(now))
        }
    }

    fn startup(parameters: &str) -> Vec<u8> {
        let body = parameters.replace(' ', "\0");
        let mut out = u32::try_from(body.len() + 10)
            .unwrap()
            .to_be_bytes()
            .to_vec();
        out.extend([0, 3, 0, 0]);
        out.extend(body.as_bytes());
        out.extend([0, 0]);
        out
    }

    fn usual() -> Vec<u8> {
        startup("user demo database demo")
    }

    fn named<'a>(fleet: &'a Fleet, name: &str) -> &'a DemoServer {
        let mut servers = fleet.servers.iter();
        servers.find(|server| server.name == name).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "these tests are the client")]
    async fn tcp(fleet: &Fleet, name: &str) -> TcpStream {
        TcpStream::connect(named(fleet, name).address)
            .await
            .unwrap()
    }

    /// Send this, say that it was all, and read what the server has to say.
    async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, octets: &[u8]) -> Vec<u8> {
        stream.write_all(octets).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut got = Vec::new();
        // A server that closes without having read everything resets the connection.
        let _ = stream.read_to_end(&mut got).await;
        got
    }

    async fn request_tls(stream: &mut TcpStream) {
        stream.write_all(&SSL_REQUEST).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'S');
    }

    fn shown(octets: &[u8]) -> String {
        String::from_utf8_lossy(octets).replace('\0', "|")
    }

    async fn plain(fleet: &Fleet, name: &str, octets: &[u8]) -> String {
        shown(&exchange(&mut tcp(fleet, name).await, octets).await)
    }

    fn config(fleet: &Fleet, alpn: &[&[u8]], with_certificate: bool) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(fleet.root_pem.as_bytes()).unwrap();
        roots.add(root).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_details(provider, Arc::new(Clock))
            .with_protocol_versions(ALL_VERSIONS)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = if with_certificate {
            let chain = CertificateDer::pem_slice_iter(fleet.client_certificate_pem.as_bytes());
            let key = PrivateKeyDer::from_pem_slice(fleet.client_key_pem.as_bytes()).unwrap();
            let chain = chain.collect::<Result<_, _>>().unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        } else {
            builder.with_no_client_auth()
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config
    }

    async fn tls(
        fleet: &Fleet,
        name: &str,
        direct: bool,
        config: ClientConfig,
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut stream = tcp(fleet, name).await;
        if !direct {
            request_tls(&mut stream).await;
        }
        let host = ServerName::try_from(named(fleet, name).host.clone()).unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(host, stream).await
    }

    #[tokio::test]
    async fn conninfo_leads_to_the_endpoint() {
        let fleet = start(NOW).await.unwrap();
        let good = named(&fleet, "good");
        let port = good.address.port();
        assert_eq!(
            good.conninfo,
            format!("host=db.demo.test hostaddr=127.0.0.1 port={port} user=demo dbname=demo")
        );
        assert!(
            fleet
                .servers
                .iter()
                .all(|server| server.address.ip().is_loopback())
        );
        assert!(
            fleet
                .servers
                .iter()
                .all(|server| server.about.ends_with('.'))
        );
        assert!(!format!("{fleet:?}").contains("PRIVATE"));
    }

    #[tokio::test]
    async fn plaintext_is_answered_as_pg_hba_says() {
        let fleet = start(NOW).await.unwrap();
        let scram = "R|||\u{17}|||\nSCRAM-SHA-256||";
        let no_entry = "no pg_hba.conf entry for host \"127.0.0.1\", user \"demo\", \
                        database \"demo\", no encryption";
        for server in &fleet.servers {
            let got = plain(&fleet, server.name, &usual()).await;
            match server.name {
                "hostssl-only" | "client-certificate" => {
                    let text = format!("SFATAL|VFATAL|C28000|M{no_entry}|F");
                    assert!(got.contains(&text), "{}: {got}", server.name);
                }
                _ => assert_eq!(got, scram, "{}", server.name),
            }
        }
    }

    #[tokio::test]
    async fn requests_are_answered_as_postgresql_answers_them() {
        let fleet = start(NOW).await.unwrap();
        for server in &fleet.servers {
            let ssl = if server.name == "no-tls" { "N" } else { "S" };
            assert_eq!(plain(&fleet, server.name, &SSL_REQUEST).await, ssl);
            assert_eq!(plain(&fleet, server.name, &GSSENC_REQUEST).await, "N");
            assert_eq!(plain(&fleet, server.name, &CANCEL_REQUEST).await, "");
        }
        let both = [GSSENC_REQUEST, SSL_REQUEST].concat();
        assert_eq!(plain(&fleet, "good", &both).await, "NS");
        let twice = [GSSENC_REQUEST, GSSENC_REQUEST].concat();
        let got = plain(&fleet, "good", &twice).await;
        let text = "C0A000|Munsupported frontend protocol 1234.5680: server supports 3.0 to 3.2|";
        assert!(got.contains(text), "{got}");
        for garbage in ["GET / HTTP/1.1\r\n\r\n", "\0\0\0\u{7}xxxxxxx"] {
            assert_eq!(plain(&fleet, "good", garbage.as_bytes()).await, "");
        }
        let got = plain(&fleet, "good", &startup("database demo")).await;
        assert!(
            got.contains("C28000|Mno PostgreSQL user name specified"),
            "{got}"
        );
        let got = plain(&fleet, "good", &startup("user demo _pq_.x 1")).await;
        let unknown = "v|||\u{13}|\u{3}|||||\u{1}_pq_.x|R";
        assert!(got.starts_with(unknown), "{got:?}");
        let mut unended = usual();
        *unended.last_mut().unwrap() = b'x';
        let got = plain(&fleet, "good", &unended).await;
        assert!(
            got.contains("C08P01|Minvalid startup packet layout"),
            "{got}"
        );
    }

    #[tokio::test]
    async fn over_tls_channel_binding_is_offered() {
        let fleet = start(NOW).await.unwrap();
        for name in ["good", "hostssl-only", "tls-1.2-only"] {
            let config = config(&fleet, &[], false);
            let mut stream = tls(&fleet, name, false, config).await.unwrap();
            let version = stream.get_ref().1.protocol_version().unwrap();
            let expected = match name {
                "tls-1.2-only" => rustls::ProtocolVersion::TLSv1_2,
                _ => rustls::ProtocolVersion::TLSv1_3,
            };
            assert_eq!(version, expected, "{name}");
            let got = shown(&exchange(&mut stream, &usual()).await);
            assert!(got.ends_with("SCRAM-SHA-256-PLUS|SCRAM-SHA-256||"), "{got}");
        }
    }

    #[tokio::test]
    async fn certificates_are_as_good_as_they_say() {
        let fleet = start(NOW).await.unwrap();
        for (name, complaint) in [
            ("self-signed", "CaUsedAsEndEntity"),
            ("expired", "certificate expired"),
            ("wrong-host", "not valid for name"),
            ("cn-only", "not valid for name"),
        ] {
            let config = config(&fleet, &[], false);
            let error = tls(&fleet, name, false, config).await.unwrap_err();
            let error = error.to_string();
            assert!(error.contains(complaint), "{name}: {error}");
        }
    }

    #[tokio::test]
    async fn a_client_certificate_opens_the_door() {
        let fleet = start(NOW).await.unwrap();
        for (with, expected) in [
            (
                false,
                "C28000|Mconnection requires a valid client certificate|",
            ),
            (true, "R|||\u{8}||||K"),
        ] {
            let config = config(&fleet, &[], with);
            let stream = tls(&fleet, "client-certificate", false, config).await;
            let got = shown(&exchange(&mut stream.unwrap(), &usual()).await);
            assert!(got.contains(expected), "{got}");
        }
    }

    #[tokio::test]
    async fn direct_tls_needs_the_protocol_name() {
        let fleet = start(NOW).await.unwrap();
        let named = config(&fleet, &[b"postgresql"], false);
        let mut stream = tls(&fleet, "good", true, named.clone()).await.unwrap();
        assert!(!exchange(&mut stream, &usual()).await.is_empty());
        let mut stream = tls(&fleet, "good", true, named.clone()).await.unwrap();
        assert_eq!(exchange(&mut stream, &SSL_REQUEST).await, b"N");
        let unnamed = config(&fleet, &[], false);
        let mut stream = tls(&fleet, "good", true, unnamed).await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        let other = config(&fleet, &[b"h2"], false);
        let error = tls(&fleet, "good", true, other).await.unwrap_err();
        assert!(
            error.to_string().contains("NoApplicationProtocol"),
            "{error}"
        );
        assert!(tls(&fleet, "no-tls", true, named).await.is_err());
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "these tests are the client")]
    async fn a_dropped_fleet_is_gone() {
        let fleet = start(NOW).await.unwrap();
        let address = named(&fleet, "good").address;
        let mut open = tcp(&fleet, "good").await;
        request_tls(&mut open).await;
        drop(fleet);
        tokio::task::yield_now().await;
        assert!(matches!(open.read(&mut [0]).await, Ok(0) | Err(_)));
        assert!(TcpStream::connect(address).await.is_err());
    }
}
