//! What libpq makes of the server's first answer to its StartupMessage: mirrors
//! `PQconnectPoll` (CONNECTION_AWAITING_RESPONSE), `check_expected_areq`, `pg_fe_sendauth` and
//! `pg_SASL_init`.

use schemars::JsonSchema;
use serde::Serialize;

use super::error::{ErrorCode, LibpqError};
use super::parameters::{AuthMethod, ChannelBinding, RequireAuth};
use crate::emulates::Libpq;
use crate::observation::{Authentication, Failure, ServerError, SessionStart, StartupReply};
use crate::wire::postgres::{INVALID_MECHANISMS, LOST_SYNCHRONIZATION, TOO_LONG};

/// What the server asks of a client that it lets in.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// Nothing: AuthenticationOk came at once (`trust`, `cert`, `peer`).
    None,
    /// The password in clear text (`password`, `ldap`, `pam`, `radius`).
    Password,
    /// The MD5 hash of the password.
    Md5,
    /// SCRAM-SHA-256 without channel binding.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// SCRAM-SHA-256 bound to the TLS channel.
    #[serde(rename = "scram-sha-256-plus")]
    ScramSha256Plus,
    /// A Kerberos ticket.
    Gss,
    /// SSPI.
    Sspi,
    /// OAuth (OAUTHBEARER).
    Oauthbearer,
    /// A request that this libpq cannot answer.
    Unsupported,
}

/// The parameters and the state of the connection that decide.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// The release.
    pub libpq: Libpq,
    /// Whether the connection is encrypted by TLS.
    pub encrypted: bool,
    /// `channel_binding`.
    pub channel_binding: ChannelBinding,
    /// `require_auth` as written, empty if not set.
    pub require_auth: &'a str,
    /// The same, parsed.
    pub required_methods: Option<RequireAuth>,
    /// Whether sslcertmode is `require`.
    pub certificate_required: bool,
    /// Whether the server asked for a client certificate.
    pub certificate_requested: bool,
    /// Whether one was sent.
    pub certificate_sent: bool,
    /// The protocol version of the StartupMessage.
    pub requested_version: u32,
    /// The lowest version that libpq 18 takes.
    pub min_version: u32,
}

/// What the answer means for the attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The server accepts the client or asks for credentials.
    Reached(Auth),
    /// An ErrorResponse: libpq may try another encryption method.
    Refused(LibpqError),
    /// SQLSTATE 57P03: libpq goes to the next host.
    CannotConnectNow(LibpqError),
    /// libpq gives up altogether.
    Fatal(LibpqError),
    /// The connection took too long: next address.
    TimedOut(LibpqError),
    /// pgprobe's own time was up.
    Unknown(String),
}

/// Judges a reply.
pub fn judge_reply(reply: &StartupReply, situation: &Situation<'_>) -> Answer {
    match reply {
        // The later steps of an exchange that never began (`pg_fe_sendauth`).
        StartupReply::Authentication(Authentication {
            code: 8 | 11 | 12, ..
        }) => Answer::Fatal(LibpqError::new(
            ErrorCode::ProtocolError,
            "fe_sendauth: invalid authentication request from server",
        )),
        StartupReply::Authentication(request) => match refusal(request, situation) {
            Some(message) => {
                Answer::Fatal(LibpqError::new(ErrorCode::AuthRequirementFailed, message))
            }
            None => Answer::Reached(auth_of(request, situation)),
        },
        StartupReply::Error(error) => server_error(error),
        StartupReply::NegotiateProtocolVersion {
            newest,
            unrecognized,
            then,
        } => match negotiation_refusal(*newest, unrecognized, situation) {
            Some(message) => Answer::Fatal(LibpqError::new(ErrorCode::ProtocolError, message)),
            None => match then.as_deref() {
                Some(StartupReply::NegotiateProtocolVersion { .. }) => {
                    Answer::Fatal(LibpqError::new(
                        ErrorCode::ProtocolError,
                        "received duplicate protocol negotiation message",
                    ))
                }
                Some(then) => judge_reply(then, situation),
                None => closed(),
            },
        },
        StartupReply::Unexpected { kind, why } => {
            let message = match kind {
                b'R' if why == INVALID_MECHANISMS => {
                    format!("fe_sendauth: invalid authentication request from server: {why}")
                }
                b'R' if situation.libpq > Libpq::V15 => {
                    "received invalid authentication request".into()
                }
                b'v' if situation.libpq > Libpq::V15 => {
                    "received invalid protocol negotiation message".into()
                }
                kind => format!(
                    "expected authentication request from server, but received {}",
                    char::from(*kind)
                ),
            };
            Answer::Fatal(LibpqError::new(ErrorCode::ProtocolError, message))
        }
    }
}

/// Judges the failure to get a reply.
pub fn judge_failure(failure: &Failure) -> Answer {
    match failure {
        Failure::Deadline => Answer::Unknown("no answer to the StartupMessage in time".into()),
        Failure::Local(why) | Failure::Unsupported(why) => Answer::Unknown(why.clone()),
        Failure::ConnectTimeout => {
            Answer::TimedOut(LibpqError::new(ErrorCode::Timeout, "timeout expired"))
        }
        Failure::Alert(alert) => Answer::Fatal(super::tls_error::of_alert(*alert)),
        Failure::Closed
        | Failure::Reset
        | Failure::Refused
        | Failure::Unreachable(_)
        | Failure::Unresolved(_)
        | Failure::UnofferedAlpn => closed(),
        Failure::Protocol(why) | Failure::TlsRule(why) => Answer::Fatal(LibpqError::new(
            ErrorCode::TlsHandshakeFailed,
            format!("SSL error: {why}"),
        )),
    }
}

/// Judges what came after AuthenticationOk (`PQconnectPoll`, CONNECTION_AUTH_OK): whatever is no
/// ReadyForQuery ends the connection, without another method, address or host.
pub fn judge_session(start: &SessionStart) -> Answer {
    let protocol_error =
        |message: String| Answer::Fatal(LibpqError::new(ErrorCode::ProtocolError, message));
    match start {
        SessionStart::Ready => Answer::Reached(Auth::None),
        SessionStart::Error(error) => Answer::Fatal(LibpqError::new(
            ErrorCode::ServerError,
            text_of_error(error),
        )),
        SessionStart::Unexpected { kind, why } => {
            let shown = char::from(*kind);
            match kind {
                _ if why == TOO_LONG => {
                    Answer::Unknown(format!("a message {why} came after AuthenticationOk"))
                }
                _ if why == LOST_SYNCHRONIZATION => protocol_error(format!(
                    "lost synchronization with server: got message type \"{shown}\""
                )),
                // CommandComplete, EmptyQueryResponse: results, and no error.
                b'C' | b'I' => {
                    protocol_error("unexpected message from server during startup".into())
                }
                // What libpq knows in the middle of a query only.
                b'1' | b'2' | b'3' | b'T' | b'n' | b't' | b'D' | b'G' | b'H' | b'W' | b'd'
                | b'c' => Answer::Unknown(format!(
                    "a message of type \"{shown}\" came after AuthenticationOk"
                )),
                _ => protocol_error(format!(
                    "unexpected response from server; first received character was \"{shown}\""
                )),
            }
        }
    }
}

fn closed() -> Answer {
    Answer::Fatal(LibpqError::new(
        ErrorCode::ConnectionClosed,
        "server closed the connection unexpectedly",
    ))
}

fn auth_of(request: &Authentication, situation: &Situation<'_>) -> Auth {
    match request.code {
        0 => Auth::None,
        3 => Auth::Password,
        5 => Auth::Md5,
        7 => Auth::Gss,
        9 => Auth::Sspi,
        10 => mechanism(request, situation).unwrap_or(Auth::Unsupported),
        _ => Auth::Unsupported,
    }
}

/// The mechanism that `pg_SASL_init` would select.
fn mechanism(request: &Authentication, situation: &Situation<'_>) -> Option<Auth> {
    let offers = |name: &str| request.mechanisms.iter().any(|mechanism| mechanism == name);
    if offers("SCRAM-SHA-256-PLUS")
        && situation.encrypted
        && situation.channel_binding != ChannelBinding::Disable
    {
        Some(Auth::ScramSha256Plus)
    } else if offers("SCRAM-SHA-256") {
        Some(Auth::ScramSha256)
    } else if offers("OAUTHBEARER") && situation.libpq >= Libpq::V18 {
        Some(Auth::Oauthbearer)
    } else {
        None
    }
}

/// Why libpq would refuse the request by its own parameters, if it would.
fn refusal(request: &Authentication, situation: &Situation<'_>) -> Option<String> {
    if request.code == 0 && situation.certificate_required && situation.libpq >= Libpq::V16 {
        if !situation.certificate_requested {
            return Some("server did not request an SSL certificate".into());
        }
        if !situation.certificate_sent {
            return Some("server accepted connection without a valid SSL certificate".into());
        }
    }
    if situation.libpq >= Libpq::V16
        && let Some(reason) = method_refusal(request, situation)
    {
        return Some(format!(
            "authentication method requirement \"{}\" failed: {reason}",
            situation.require_auth
        ));
    }
    let required = situation.channel_binding == ChannelBinding::Require;
    match request.code {
        0 if required => Some(
            "channel binding required, but server authenticated client without channel binding"
                .into(),
        ),
        10 => sasl_refusal(request, situation, required),
        _ if required => Some(
            "channel binding required but not supported by server's authentication request".into(),
        ),
        _ => None,
    }
}

fn sasl_refusal(
    request: &Authentication,
    situation: &Situation<'_>,
    required: bool,
) -> Option<String> {
    if required && !situation.encrypted {
        return Some("channel binding required, but SSL not in use".into());
    }
    let plus = request
        .mechanisms
        .iter()
        .any(|name| name == "SCRAM-SHA-256-PLUS");
    if plus && !situation.encrypted {
        return Some(
            "server offered SCRAM-SHA-256-PLUS authentication over a non-SSL connection".into(),
        );
    }
    let selected = mechanism(request, situation)?;
    (required && selected != Auth::ScramSha256Plus).then(|| {
        "channel binding is required, but server did not offer an authentication method that \
         supports channel binding"
            .into()
    })
}

/// Mirrors the part of `check_expected_areq` that is about require_auth.
fn method_refusal(request: &Authentication, situation: &Situation<'_>) -> Option<&'static str> {
    let required = situation.required_methods.as_ref()?;
    let (method, reason) = match request.code {
        0 => (AuthMethod::None, "server did not complete authentication"),
        3 => (
            AuthMethod::Password,
            "server requested a cleartext password",
        ),
        5 => (AuthMethod::Md5, "server requested a hashed password"),
        7 | 8 => (AuthMethod::Gss, "server requested GSSAPI authentication"),
        9 => (AuthMethod::Sspi, "server requested SSPI authentication"),
        10..=12 => match mechanism(request, situation) {
            Some(Auth::Oauthbearer) => (
                AuthMethod::Oauth,
                "server requested OAUTHBEARER authentication",
            ),
            _ if situation.libpq >= Libpq::V18 => (
                AuthMethod::ScramSha256,
                "server requested SCRAM-SHA-256 authentication",
            ),
            _ => (
                AuthMethod::ScramSha256,
                "server requested SASL authentication",
            ),
        },
        _ => return Some("server requested an unknown authentication type"),
    };
    (!required.allows(method)).then_some(reason)
}

/// What libpq says to NegotiateProtocolVersion, if it does not go on (`pqGetNegotiateProtocolVersion3`).
fn negotiation_refusal(
    newest: u32,
    unrecognized: &[String],
    situation: &Situation<'_>,
) -> Option<String> {
    let version = |code: u32| format!("{}.{}", code >> 16, code & 0xffff);
    match situation.libpq {
        Libpq::V15 => Some("expected authentication request from server, but received v".into()),
        Libpq::V16 | Libpq::V17 => Some(if newest < situation.requested_version {
            format!(
                "protocol version not supported by server: client uses {}, server supports up to {}",
                version(situation.requested_version),
                version(newest)
            )
        } else if let Some(first) = unrecognized.first() {
            format!("protocol extension not supported by server: {first}")
        } else {
            "invalid NegotiateProtocolVersion message".into()
        }),
        Libpq::V18 => {
            let wrong = "received invalid protocol negotiation message: server ";
            if newest > situation.requested_version {
                Some(format!(
                    "{wrong}requested downgrade to a higher-numbered version"
                ))
            } else if newest < 3 << 16 {
                Some(format!(
                    "{wrong}requested downgrade to pre-3.0 protocol version"
                ))
            } else if newest == (3 << 16) + 1 {
                Some(format!(
                    "{wrong}requested downgrade to non-existent 3.1 protocol version"
                ))
            } else if let Some(first) = unrecognized.first() {
                Some(format!(
                    "{wrong}reported an unsupported parameter that was not requested (\"{first}\")"
                ))
            } else if newest == situation.requested_version {
                Some(format!("{wrong}negotiated but asks for no changes"))
            } else if newest < situation.min_version {
                Some(format!(
                    "server only supports protocol version {}, but \"min_protocol_version\" was set to {}",
                    version(newest),
                    version(situation.min_version)
                ))
            } else {
                None
            }
        }
    }
}

/// Sorts an ErrorResponse. The server's routine and SQLSTATE decide where its words may be in
/// another language (lc_messages).
fn server_error(error: &ServerError) -> Answer {
    let says = |text: &str| error.message.contains(text);
    let code = if error.old_style {
        return Answer::Fatal(LibpqError::new(
            ErrorCode::ServerError,
            error.message.clone(),
        ));
    } else if says("no pg_hba.conf entry")
        || says("pg_hba.conf rejects")
        || says("SSL required")
        || says("support unencrypted")
    {
        ErrorCode::HbaRejected
    } else if says("connection requires a valid client certificate") {
        ErrorCode::ClientCertRequired
    } else if says("certificate authentication failed")
        || says("TLS certificate name mismatch")
        || says("unencrypted connection cannot use cert")
        || (says("\"trust\" authentication failed for user"))
    {
        ErrorCode::ClientCertRejected
    } else if says("\"trust\" authentication failed")
        || (error.sqlstate == "28000" && error.routine.as_deref() == Some("ClientAuthentication"))
    {
        ErrorCode::HbaRejected
    } else {
        ErrorCode::ServerError
    };
    let told = LibpqError::new(code, text_of_error(error));
    if error.sqlstate == "57P03" {
        Answer::CannotConnectNow(told)
    } else {
        Answer::Refused(told)
    }
}

fn text_of_error(error: &ServerError) -> String {
    match error.severity.as_str() {
        "" => error.message.clone(),
        severity => format!("{severity}:  {}", error.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::postgres::{Decoded, startup_reply};

    fn situation(libpq: Libpq) -> Situation<'static> {
        Situation {
            libpq,
            encrypted: true,
            channel_binding: ChannelBinding::Prefer,
            require_auth: "",
            required_methods: None,
            certificate_required: false,
            certificate_requested: false,
            certificate_sent: false,
            requested_version: 3 << 16,
            min_version: 3 << 16,
        }
    }

    fn request(code: u32, mechanisms: &[&str]) -> StartupReply {
        StartupReply::Authentication(Authentication {
            code,
            mechanisms: mechanisms.iter().map(|name| (*name).to_owned()).collect(),
        })
    }

    #[test]
    fn plus_is_chosen_over_tls_only() {
        let both = request(10, &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]);
        let over_tls = situation(Libpq::V18);
        assert_eq!(
            judge_reply(&both, &over_tls),
            Answer::Reached(Auth::ScramSha256Plus)
        );
        let plain = Situation {
            encrypted: false,
            ..over_tls
        };
        assert!(matches!(judge_reply(&both, &plain), Answer::Fatal(_)));
    }

    #[test]
    fn channel_binding_require_refuses_what_cannot_bind() {
        let strict = Situation {
            channel_binding: ChannelBinding::Require,
            ..situation(Libpq::V15)
        };
        for reply in [
            request(0, &[]),
            request(3, &[]),
            request(10, &["SCRAM-SHA-256"]),
        ] {
            assert!(
                matches!(judge_reply(&reply, &strict), Answer::Fatal(_)),
                "{reply:?}"
            );
        }
        let plus = request(10, &["SCRAM-SHA-256-PLUS"]);
        assert_eq!(
            judge_reply(&plus, &strict),
            Answer::Reached(Auth::ScramSha256Plus)
        );
    }

    #[test]
    fn require_auth_counts_from_16_on_and_may_be_negative() {
        for (required, code, refused) in [
            ("scram-sha-256", 3, true),
            ("password,md5", 3, false),
            ("!password", 3, true),
            ("!password", 5, false),
            ("none", 0, false),
            ("md5", 0, true),
        ] {
            let strict = Situation {
                require_auth: required,
                required_methods: RequireAuth::parse(required, Libpq::V17).ok(),
                ..situation(Libpq::V17)
            };
            let answer = judge_reply(&request(code, &[]), &strict);
            assert_eq!(
                matches!(answer, Answer::Fatal(_)),
                refused,
                "{required} {code}"
            );
        }
    }

    #[test]
    fn a_list_of_mechanisms_without_an_end_is_refused_in_every_version() {
        for (body, fails) in [
            (&b"\0\0\0\x0aSCRAM-SHA-256\0"[..], true),
            (b"\0\0\0\x0a", true),
            (b"\0\0\0\x0aSCRAM-SHA-256\0\0", false),
        ] {
            let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
            let bytes = [b"R", &length[..], body].concat();
            let Decoded::Reply(reply, _) = startup_reply(&bytes, false) else {
                panic!("{body:?}");
            };
            for libpq in Libpq::ALL {
                let answer = judge_reply(&reply, &situation(libpq));
                let invalid = matches!(&answer, Answer::Fatal(error)
                    if error.code == ErrorCode::ProtocolError
                        && error.message.ends_with(INVALID_MECHANISMS));
                assert_eq!(invalid, fails, "{body:?}: {answer:?}");
            }
        }
    }

    #[test]
    fn nothing_but_ready_for_query_makes_a_session_and_nothing_else_is_tried() {
        let error = ServerError {
            severity: "FATAL".into(),
            sqlstate: "57P03".into(),
            message: "no".into(),
            ..ServerError::default()
        };
        let unexpected = |kind: u8, why: &str| SessionStart::Unexpected {
            kind,
            why: why.into(),
        };
        assert_eq!(
            judge_session(&SessionStart::Ready),
            Answer::Reached(Auth::None)
        );
        for start in [
            SessionStart::Error(error),
            unexpected(b'R', ""),
            unexpected(b'C', ""),
            unexpected(b'S', LOST_SYNCHRONIZATION),
        ] {
            assert!(
                matches!(judge_session(&start), Answer::Fatal(_)),
                "{start:?}"
            );
        }
        for start in [unexpected(b'N', TOO_LONG), unexpected(b'D', "")] {
            assert!(
                matches!(judge_session(&start), Answer::Unknown(_)),
                "{start:?}"
            );
        }
    }

    #[test]
    fn only_57p03_goes_to_the_next_host() {
        let error = |sqlstate: &str| {
            StartupReply::Error(ServerError {
                sqlstate: sqlstate.into(),
                message: "the database system is starting up".into(),
                ..ServerError::default()
            })
        };
        let now = situation(Libpq::V18);
        assert!(matches!(
            judge_reply(&error("57P03"), &now),
            Answer::CannotConnectNow(_)
        ));
        assert!(matches!(
            judge_reply(&error("53300"), &now),
            Answer::Refused(_)
        ));
    }

    #[test]
    fn protocol_negotiation_is_refused_by_15_to_17_and_taken_by_18_within_its_range() {
        let reply = StartupReply::NegotiateProtocolVersion {
            newest: 3 << 16,
            unrecognized: Vec::new(),
            then: Some(Box::new(request(0, &[]))),
        };
        for libpq in Libpq::ALL {
            let asks_more = Situation {
                requested_version: 196_610,
                ..situation(libpq)
            };
            let answer = judge_reply(&reply, &asks_more);
            assert_eq!(
                matches!(answer, Answer::Reached(_)),
                libpq == Libpq::V18,
                "{libpq:?}"
            );
        }
        assert!(matches!(
            judge_reply(&reply, &situation(Libpq::V18)),
            Answer::Fatal(_)
        ));
        let twice = StartupReply::NegotiateProtocolVersion {
            newest: 3 << 16,
            unrecognized: Vec::new(),
            then: Some(Box::new(reply)),
        };
        let asks_more = Situation {
            requested_version: 196_610,
            ..situation(Libpq::V18)
        };
        let Answer::Fatal(error) = judge_reply(&twice, &asks_more) else {
            panic!("libpq 18 takes one");
        };
        assert_eq!(
            error.message,
            "received duplicate protocol negotiation message"
        );
    }
}
