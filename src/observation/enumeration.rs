//! What an enumeration has seen of an address: every version, suite and group, as evidence.

use serde::{Deserialize, Serialize};

use super::{Failure, ServerError, StartupReply, Step};

/// What was seen of an address by asking it again and again.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Enumeration {
    /// The most connections that it could have taken.
    pub bound: usize,
    /// How many it took.
    pub connections: usize,
    /// Why it could not be finished, if it could not.
    pub unfinished: Option<Failure>,
    /// How often the server had no room for a connection and was asked again later.
    pub turned_away: usize,
    /// The first byte of the answer to SSLRequest, where one was sent and answered.
    pub ssl_request: Option<u8>,
    /// The most bytes that came together with an `S`.
    pub trailing: usize,
    /// The name that server_name said.
    pub server_name: Option<String>,
    /// The protocol of the ALPN extension.
    pub alpn: Option<String>,
    /// A version each, lowest first.
    pub versions: Vec<VersionSeen>,
    /// The chains that came, each once, leaf first.
    #[serde(with = "chains")]
    pub chains: Vec<Vec<Vec<u8>>>,
    /// The finite fields' primes that came, each once.
    #[serde(with = "super::base64_list")]
    pub dh_primes: Vec<Vec<u8>>,
    /// What the server answered when server_name was left out.
    pub without_server_name: Step<WithoutServerName>,
    /// The version that it selects of TLS 1.3 and the one below, where it refuses TLS 1.3 alone in
    /// words that leave open whether it speaks it.
    #[serde(default)]
    pub two_versions: Step<u16>,
    /// What it answered to a version below its highest with TLS_FALLBACK_SCSV: the version that
    /// it selected; the alert is the failure.
    pub fallback: Step<u16>,
    /// Of a whole handshake of TLS 1.3: the session tickets that came with it.
    pub tickets: Option<u32>,
    /// Of a whole handshake of TLS 1.3: whether an OCSP response was stapled.
    pub ocsp_stapled: Option<bool>,
    /// What the server said over TLS to a StartupMessage that was sent in plaintext together with
    /// the SSLRequest.
    pub plaintext_before_tls: Step<StartupReply>,
    /// How far that came.
    #[serde(default)]
    pub plaintext_stage: Stage,
    /// The error with which it answered these two in plaintext, instead of `S`.
    #[serde(default)]
    pub error_before_s: Option<ServerError>,
    /// What it said to a StartupMessage over TLS from the first byte without ALPN.
    pub direct_without_alpn: Step<StartupReply>,
    /// How far that came.
    #[serde(default)]
    pub direct_stage: Stage,
    /// Whether the same handshake, after nothing unusual, is completed.
    #[serde(default)]
    pub usual_handshake: Option<bool>,
}

/// How far a connection came on which something unusual was tried.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not even to a connection, or it was not tried.
    #[default]
    NotOpen,
    /// To the connection, and no `S` came.
    Open,
    /// To the handshake, which was not completed.
    Handshake,
    /// Behind the handshake: the wait for the answer to the StartupMessage.
    Reply,
    /// That wait to its end, in silence.
    Silence,
}

/// What was seen of one protocol version.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct VersionSeen {
    /// Such as 0x0303.
    pub version: u16,
    /// Whether the server speaks it; the failure is how it said no.
    pub answer: Step<()>,
    /// The version that it selected instead.
    pub answered_in: Option<u16>,
    /// The suites, in the order in which the server took them.
    pub suites: Vec<SuiteSeen>,
    /// Whether these are all.
    pub suites_complete: bool,
    /// Who decides the order of the suites.
    pub suite_order: Option<Order>,
    /// The groups, in the order in which the server took them.
    pub groups: Vec<u16>,
    /// Whether these are all.
    pub groups_complete: bool,
    /// Who decides the order of the groups.
    pub group_order: Option<Order>,
    /// The schemes of its handshake signature, in the order in which the server took them.
    pub signature_schemes: Vec<u16>,
    /// Whether these are all.
    pub signature_schemes_complete: bool,
    /// The extensions of its ServerHellos, each once.
    pub extensions: Vec<u16>,
    /// The point formats that it lists.
    pub point_formats: Vec<u8>,
    /// The compression methods other than null that it took.
    pub compression: Vec<u8>,
    /// Whether it gave out a session id.
    pub session_id: bool,
    /// Whether it stapled an OCSP response.
    pub ocsp_stapled: bool,
    /// The protocol that it selected by ALPN.
    pub alpn: Option<String>,
    /// The last eight bytes of its random, if they are a downgrade sentinel.
    pub downgrade_sentinel: Option<u8>,
    /// Whether it asks for a client certificate.
    pub client_certificate: bool,
}

/// A suite that the server took.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct SuiteSeen {
    /// IANA code point.
    pub suite: u16,
    /// The group of the key exchange that came with it.
    pub group: Option<u16>,
    /// The signature scheme that came with it.
    pub signature_scheme: Option<u16>,
    /// Which of `dh_primes` came with it.
    pub dh_prime: Option<usize>,
    /// Which of `chains` came with it.
    pub chain: Option<usize>,
}

/// Who decides what of two things both sides have is taken.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The server goes by its own order.
    Server,
    /// It takes the first of the client's that it has.
    Client,
    /// Neither order explains its answers.
    Neither,
}

/// What came back when server_name was left out.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct WithoutServerName {
    /// The version.
    pub version: u16,
    /// The suite.
    pub suite: u16,
    /// Which of `chains` came.
    pub chain: Option<usize>,
    /// The suite with the name, everything else being the same.
    pub suite_with_name: u16,
    /// Which of `chains` came with the name.
    pub chain_with_name: Option<usize>,
}

/// Chains of certificates in DER as lists of base64.
mod chains {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        chains: &[Vec<Vec<u8>>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = |der: &Vec<u8>| BASE64_STANDARD.encode(der);
        chains
            .iter()
            .map(|chain| chain.iter().map(text).collect::<Vec<_>>())
            .collect::<Vec<_>>()
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<Vec<u8>>>, D::Error> {
        let der = |text: &String| BASE64_STANDARD.decode(text).map_err(D::Error::custom);
        Vec::<Vec<String>>::deserialize(deserializer)?
            .iter()
            .map(|chain| chain.iter().map(der).collect())
            .collect()
    }
}
