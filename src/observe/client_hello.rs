//! The ClientHello: it offers what OpenSSL's offers, in its order.

use super::plan::TlsPlan;
use crate::observation::Offer;
use crate::tls;
use crate::wire::tls::client_hello::ClientHello;
use crate::wire::tls::openssl;

/// The longest server_name that OpenSSL sends (`TLSEXT_MAXLEN_host_name`).
const LONGEST_NAME: usize = 255;

/// The ClientHello, which holds no key share yet, and what it offers.
pub(super) fn client_hello(
    plan: &TlsPlan,
    server_name: Option<&str>,
    alpn: bool,
) -> (ClientHello, Offer) {
    let modern = plan.max_version >= 0x0304;
    let mut hello = ClientHello {
        curious: plan.curious,
        versions: (plan.min_version..=plan.max_version).rev().collect(),
        cipher_suites: openssl::cipher_suites(plan.min_version, plan.max_version),
        groups: plan.groups.clone(),
        signature_schemes: plan.signature_schemes.clone(),
        server_name: server_name
            .filter(|name| name.len() <= LONGEST_NAME)
            .map(str::to_owned),
        alpn: plan.alpn.clone().filter(|_| alpn),
        // TLS 1.3's middlebox compatibility mode (RFC 8446 appendix D.4).
        session_id: vec![0; if modern { 32 } else { 0 }],
        random: [0; 32],
        ..ClientHello::default()
    };
    if plan.max_version < 0x0303 {
        hello
            .cipher_suites
            .retain(|suite| tls::exists_below_tls_1_2(*suite));
    }
    for field in [hello.random.as_mut_slice(), hello.session_id.as_mut_slice()] {
        // Without randomness the hello is still a hello.
        let _ = aws_lc_rs::rand::fill(field);
    }
    let offer = Offer {
        min_version: plan.min_version,
        max_version: plan.max_version,
        cipher_suites: hello.cipher_suites.clone(),
        groups: hello.groups.clone(),
        signature_schemes: hello.signature_schemes.clone(),
        alpn: hello.alpn.clone(),
        sni: hello.server_name.clone(),
        sni_wanted: server_name.map(str::to_owned),
        client_certificate: plan.client_key.is_some(),
        openssl: plan.openssl,
    };
    (hello, offer)
}
