//! The certificates of the fleet, made anew at each start.

use std::fmt::Display;
use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS12;
use rustls::{ALL_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion};
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;

use super::DATABASE;

/// The protocol name of PostgreSQL 17 and later (RFC 7301).
pub(super) const ALPN: &[u8] = b"postgresql";

/// All certificates of the fleet.
pub(super) struct Pki {
    pub(super) root: CertificateDer<'static>,
    pub(super) good: Identity,
    pub(super) self_signed: Identity,
    pub(super) expired: Identity,
    pub(super) wrong_host: Identity,
    pub(super) cn_only: Identity,
    pub(super) client: Identity,
}

/// A certificate with what is sent along with it, and its key.
pub(super) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
    clock: Clock,
}

/// The time the fleet was started at: what client certificates are judged by.
#[derive(Clone, Copy, Debug)]
struct Clock(OffsetDateTime);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.unix_timestamp()).ok()?;
        let since = std::time::Duration::from_secs(seconds);
        Some(UnixTime::since_unix_epoch(since))
    }
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    clock: Clock,
    certificate: CertificateDer<'static>,
}

impl Pki {
    pub(super) fn make(now: i64) -> io::Result<Self> {
        let now = OffsetDateTime::from_unix_timestamp(now).map_err(failed)?;
        let day = |days| {
            now.checked_add(Duration::days(days))
                .ok_or_else(|| failed("a date beyond the calendar"))
        };
        let years = (day(-400)?, day(3650)?);
        let months = (day(-30)?, day(335)?);
        let past = (day(-366)?, day(-1)?);

        let root = Authority::make("Demo Root CA", years, None, Clock(now))?;
        let intermediate = Authority::make("Demo Intermediate CA", years, Some(&root), Clock(now))?;
        let server = |names: &[&str], common_name: &str, validity| {
            let usage = ExtendedKeyUsagePurpose::ServerAuth;
            intermediate.issue(leaf(names, common_name, validity, usage)?)
        };
        let usage = ExtendedKeyUsagePurpose::ClientAuth;
        let client = intermediate.issue(leaf(&[], "demo", months, usage)?)?;
        Ok(Self {
            good: server(&[DATABASE], DATABASE, months)?,
            self_signed: self_signed(months, Clock(now))?,
            expired: server(&[DATABASE], DATABASE, past)?,
            wrong_host: server(&["other.demo.test"], "other.demo.test", months)?,
            cn_only: server(&[], DATABASE, months)?,
            client,
            root: root.certificate,
        })
    }

    pub(super) fn root_pem(&self) -> String {
        pem(&self.root)
    }
}

fn failed(reason: impl Display) -> io::Error {
    io::Error::other(reason.to_string())
}

type Validity = (OffsetDateTime, OffsetDateTime);

fn params(names: &[&str], common_name: &str, validity: Validity) -> io::Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    (params.not_before, params.not_after) = validity;
    Ok(params)
}

fn leaf(
    names: &[&str],
    common_name: &str,
    validity: Validity,
    usage: ExtendedKeyUsagePurpose,
) -> io::Result<CertificateParams> {
    let mut params = params(names, common_name, validity)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// `openssl req -x509`: a certificate authority of its own, without any key usage.
fn self_signed(validity: Validity, clock: Clock) -> io::Result<Identity> {
    let mut params = params(&["localhost"], "localhost", validity)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Identity {
        chain: vec![certificate.der().clone()],
        key,
        clock,
    })
}

impl Authority {
    fn make(
        name: &str,
        validity: Validity,
        above: Option<&Self>,
        clock: Clock,
    ) -> io::Result<Self> {
        let mut params = params(&[], name, validity)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = match above {
            None => params.self_signed(&key),
            Some(above) => {
                params.use_authority_key_identifier_extension = true;
                params.signed_by(&key, &above.issuer)
            }
        };
        let certificate = certificate.map_err(failed)?.der().clone();
        Ok(Self {
            issuer: Issuer::new(params, key),
            clock,
            certificate,
        })
    }

    fn issue(&self, params: CertificateParams) -> io::Result<Identity> {
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Identity {
            chain: vec![certificate.der().clone(), self.certificate.clone()],
            key,
            clock: self.clock,
        })
    }
}

impl Identity {
    /// All certificates, the own one first.
    pub(super) fn chain_pem(&self) -> String {
        self.chain.iter().map(pem).collect()
    }

    pub(super) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// TLS 1.2 and 1.3.
    pub(super) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        self.configured(ALL_VERSIONS, WebPkiClientVerifier::no_client_auth())
    }

    /// TLS 1.2 only, as with `ssl_max_protocol_version`.
    pub(super) fn acceptor_for_tls12(&self) -> io::Result<TlsAcceptor> {
        self.configured(&[&TLS12], WebPkiClientVerifier::no_client_auth())
    }

    /// Asks for a client certificate and, as PostgreSQL, does without one in TLS.
    pub(super) fn acceptor_asking_for(
        &self,
        root: &CertificateDer<'static>,
    ) -> io::Result<TlsAcceptor> {
        let mut roots = RootCertStore::empty();
        roots.add(root.clone()).map_err(failed)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .allow_unauthenticated()
            .build()
            .map_err(failed)?;
        self.configured(ALL_VERSIONS, verifier)
    }

    fn configured(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        verifier: Arc<dyn ClientCertVerifier>,
    ) -> io::Result<TlsAcceptor> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let mut config = ServerConfig::builder_with_details(provider, Arc::new(self.clock))
            .with_protocol_versions(versions)
            .map_err(failed)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), key)
            .map_err(failed)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(certificate);
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = base64.as_str();
    while let Some((line, after)) = rest.split_at_checked(64) {
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    if !rest.is_empty() {
        out.push_str(rest);
        out.push('\n');
    }
    out.push_str("-----END CERTIFICATE-----\n");
    out
}
