//! The part of PostgreSQL's frontend/backend protocol that comes before authentication.

use super::{DecodeError, Reader};
use crate::observation::{Authentication, ServerError, ServerKind, SessionStart, StartupReply};

/// SSLRequest: length 8 and the code 1234.5679 (protocol.sgml, "SSL Session Encryption").
pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// GSSENCRequest: length 8 and the code 1234.5680.
pub const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];

/// Terminate.
pub const TERMINATE: [u8; 5] = [b'X', 0, 0, 0, 4];

/// Protocol version 3.0.
pub const PROTOCOL_3_0: u32 = 196_608;

/// Protocol version 3.2, which libpq 18 can be told to ask for.
pub const PROTOCOL_3_2: u32 = 196_610;

/// libpq takes no Authentication* message longer than this (`PQconnectPoll`: "received invalid
/// authentication request"), counted without the type byte.
const MAX_AUTHENTICATION: u32 = 2000;

/// An ErrorResponse whose length is outside 8..=this is taken for the text of a server before 7.4.
const MAX_ERROR: u32 = 30_000;

/// The shortest length field of these messages.
const MIN_LENGTH: u32 = 8;

/// Why an AuthenticationSASL was unexpected whose list of mechanisms has no end, in libpq's words.
pub const INVALID_MECHANISMS: &str = "invalid list of authentication mechanisms";

/// What a list of SASL mechanisms without an end lacks.
const SASL_MECHANISM: &str = "SASL mechanism";

/// How many bytes pgprobe reads at most while it waits for a whole message.
pub const MAX_MESSAGE: usize = 32 * 1024;

/// Messages other than errors, notices and rows may not have a longer length field
/// (`pqParseInput3`: "lost synchronization with server").
const MAX_SHORT_MESSAGE: u32 = 30_000;

/// How many bytes of one message pgprobe takes after AuthenticationOk; a notice can be long.
pub const MAX_SESSION_MESSAGE: usize = 256 * 1024;

/// Why a message after AuthenticationOk was not read to its end.
pub const TOO_LONG: &str = "longer than pgprobe reads";

/// Why a message after AuthenticationOk has a length that libpq does not believe.
pub const LOST_SYNCHRONIZATION: &str = "a length that cannot be";

/// A StartupMessage: version, then name and value pairs in order.
pub fn startup_message(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for (name, value) in parameters {
        for text in [name, value] {
            // A NUL would end the value early; libpq's own strings cannot hold one.
            body.extend(text.bytes().filter(|byte| *byte != 0));
            body.push(0);
        }
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), body.as_slice()].concat()
}

/// Whether bytes after a StartupMessage hold a whole first reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// Not yet.
    Incomplete,
    /// They do; also how many bytes it took.
    Reply(StartupReply, usize),
}

/// Reads the first message after a StartupMessage, with the limits of libpq's `PQconnectPoll`.
///
/// `at_end`: no more bytes will come, so what is there is judged as it stands.
pub fn startup_reply(bytes: &[u8], at_end: bool) -> Decoded {
    let Some(kind) = bytes.first().copied() else {
        return Decoded::Incomplete;
    };
    let unexpected = |why: &str| {
        let why = why.to_owned();
        Decoded::Reply(StartupReply::Unexpected { kind, why }, bytes.len())
    };
    if !matches!(kind, b'R' | b'E' | b'v') {
        return unexpected("not a message that answers a StartupMessage");
    }
    let mut reader = Reader::new(bytes.get(1..).unwrap_or_default());
    let Ok(length) = reader.u32("length") else {
        return incomplete(bytes, kind, at_end);
    };
    match kind {
        b'R' | b'v' if !(MIN_LENGTH..=MAX_AUTHENTICATION).contains(&length) => {
            return unexpected("a length outside 8 to 2000");
        }
        b'E' if !(MIN_LENGTH..=MAX_ERROR).contains(&length) => {
            return old_style_error(bytes, at_end);
        }
        _ => {}
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let Ok(body) = reader.take(length.saturating_sub(4), "body") else {
        return incomplete(bytes, kind, at_end);
    };
    let decoded = match kind {
        b'R' => authentication(body).map(StartupReply::Authentication),
        b'E' => Ok(StartupReply::Error(error_fields(body))),
        _ => negotiate_protocol_version(body),
    };
    match decoded {
        Ok(reply) => Decoded::Reply(reply, length + 1),
        Err(error) if error.what == SASL_MECHANISM => unexpected(INVALID_MECHANISMS),
        Err(error) => unexpected(&error.to_string()),
    }
}

/// What bytes after AuthenticationOk hold (`pqParseInput3`, as CONNECTION_AUTH_OK uses it).
#[derive(Clone, Debug, PartialEq)]
pub enum DecodedSession {
    /// No end of the session's start yet; how many bytes were whole messages that say nothing of it.
    Incomplete(usize),
    /// How the session starts.
    Start(SessionStart),
}

/// Reads the messages after AuthenticationOk up to ReadyForQuery or an error; `server` gets what they
/// say of it.
pub fn session_start(bytes: &[u8], server: &mut ServerKind) -> DecodedSession {
    let mut reader = Reader::new(bytes);
    let mut passed = 0;
    loop {
        let (Ok(kind), Ok(length)) = (reader.u8("type"), reader.u32("length")) else {
            return DecodedSession::Incomplete(passed);
        };
        let unexpected = |why: &str| {
            let why = why.to_owned();
            DecodedSession::Start(SessionStart::Unexpected { kind, why })
        };
        let may_be_long = matches!(kind, b'T' | b'D' | b'd' | b'V' | b'E' | b'N' | b'A');
        if length < 4 || (length > MAX_SHORT_MESSAGE && !may_be_long) {
            return unexpected(LOST_SYNCHRONIZATION);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Ok(body) = reader.take(length.saturating_sub(4), "body") else {
            if length > MAX_SESSION_MESSAGE {
                return unexpected(TOO_LONG);
            }
            return DecodedSession::Incomplete(passed);
        };
        match kind {
            // ParameterStatus, BackendKeyData, NoticeResponse, NotificationResponse.
            b'S' => {
                parameter_status(body, server);
                passed += length + 1;
            }
            b'K' | b'N' | b'A' => passed += length + 1,
            b'Z' => return DecodedSession::Start(SessionStart::Ready),
            b'E' => return DecodedSession::Start(SessionStart::Error(error_fields(body))),
            _ => return unexpected("not a message that starts a session"),
        }
    }
}

/// Mirrors `pqSaveParameterStatus`: `on` is yes, whatever else is no.
fn parameter_status(body: &[u8], server: &mut ServerKind) {
    let mut reader = Reader::new(body);
    let (Ok(name), Ok(value)) = (reader.c_string("name"), reader.c_string("value")) else {
        return;
    };
    let is_on = Some(value == b"on");
    match name {
        b"in_hot_standby" => server.in_hot_standby = is_on,
        b"default_transaction_read_only" => server.default_transaction_read_only = is_on,
        _ => {}
    }
}

fn incomplete(bytes: &[u8], kind: u8, at_end: bool) -> Decoded {
    // Cut short by the end of file, it is an end of file.
    if at_end || bytes.len() < MAX_MESSAGE {
        return Decoded::Incomplete;
    }
    let why = "longer than any such message".to_owned();
    Decoded::Reply(StartupReply::Unexpected { kind, why }, bytes.len())
}

/// `EFATAL: text\n\0`: no length, ended by a NUL.
fn old_style_error(bytes: &[u8], at_end: bool) -> Decoded {
    let mut reader = Reader::new(bytes.get(1..).unwrap_or_default());
    let text = match reader.c_string("end of an old-style error") {
        Ok(text) => text,
        Err(_) if at_end || bytes.len() >= MAX_MESSAGE => reader.rest(),
        Err(_) => return Decoded::Incomplete,
    };
    let error = ServerError {
        message: text_of(text).trim_end().to_owned(),
        old_style: true,
        ..ServerError::default()
    };
    Decoded::Reply(StartupReply::Error(error), bytes.len())
}

fn authentication(body: &[u8]) -> Result<Authentication, DecodeError> {
    let mut reader = Reader::new(body);
    let code = reader.u32("authentication code")?;
    let mut mechanisms = Vec::new();
    if code == 10 {
        // Ends at an empty name, and not before (`pg_SASL_init`).
        loop {
            let name = reader.c_string(SASL_MECHANISM)?;
            if name.is_empty() {
                break;
            }
            mechanisms.push(text_of(name));
        }
    }
    Ok(Authentication { code, mechanisms })
}

fn negotiate_protocol_version(body: &[u8]) -> Result<StartupReply, DecodeError> {
    let mut reader = Reader::new(body);
    let newest = reader.u32("newest protocol version")?;
    let count = reader.u32("count of options")?;
    let mut unrecognized = Vec::new();
    for _ in 0..count {
        unrecognized.push(text_of(reader.c_string("name of an option")?));
    }
    if !reader.is_empty() {
        return Err(reader.error("bytes after the last option"));
    }
    Ok(StartupReply::NegotiateProtocolVersion {
        newest,
        unrecognized,
        then: None,
    })
}

/// The fields of an ErrorResponse (protocol.sgml, "Error and Notice Message Fields").
fn error_fields(body: &[u8]) -> ServerError {
    let mut error = ServerError::default();
    let mut severity = String::new();
    let mut reader = Reader::new(body);
    while let Ok(kind) = reader.u8("field") {
        let Ok(value) = reader.c_string("value of a field") else {
            break;
        };
        let value = text_of(value);
        match kind {
            b'S' => error.severity = value,
            b'V' => severity = value,
            b'C' => error.sqlstate = value,
            b'M' => error.message = value,
            b'D' => error.detail = Some(value),
            b'H' => error.hint = Some(value),
            b'R' => error.routine = Some(value),
            _ => {}
        }
    }
    if error.severity.is_empty() {
        error.severity = severity;
    }
    error
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind], length.to_be_bytes().as_slice(), body].concat()
    }

    #[test]
    fn a_startup_message_has_its_length_version_pairs_and_end() {
        let bytes = startup_message(PROTOCOL_3_0, &[("user", "ann"), ("database", "d")]);
        assert_eq!(bytes, b"\0\0\0\x1d\0\x03\0\0user\0ann\0database\0d\0\0");
    }

    #[test]
    fn sasl_mechanisms_keep_the_servers_order() {
        let body = b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";
        let Decoded::Reply(StartupReply::Authentication(found), used) =
            startup_reply(&message(b'R', body), false)
        else {
            panic!("no authentication request");
        };
        assert_eq!(found.mechanisms, ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]);
        assert_eq!(used, body.len() + 5);
    }

    #[test]
    fn error_fields_are_read_by_their_letter() {
        let body = b"SFATAL\0VFATAL\0C28000\0Mno entry\0RClientAuthentication\0\0";
        let Decoded::Reply(StartupReply::Error(error), _) =
            startup_reply(&message(b'E', body), false)
        else {
            panic!("no error");
        };
        assert_eq!(
            (error.sqlstate.as_str(), error.message.as_str()),
            ("28000", "no entry")
        );
        assert_eq!(error.routine.as_deref(), Some("ClientAuthentication"));
    }

    #[test]
    fn an_error_with_an_impossible_length_is_the_old_style_text() {
        let Decoded::Reply(StartupReply::Error(error), _) =
            startup_reply(b"EFATAL:  too old\n\0", false)
        else {
            panic!("no error");
        };
        assert!(error.old_style);
        assert_eq!(error.message, "FATAL:  too old");
    }

    #[test]
    fn lengths_outside_libpqs_limits_are_unexpected() {
        for length in [0_u32, 7, 2001] {
            let bytes = [b"R".as_slice(), &length.to_be_bytes(), &[0; 8]].concat();
            assert!(
                matches!(
                    startup_reply(&bytes, false),
                    Decoded::Reply(StartupReply::Unexpected { kind: b'R', .. }, _)
                ),
                "{length}"
            );
        }
    }

    #[test]
    fn a_session_starts_at_ready_for_query_or_ends_in_an_error() {
        let greeting = [
            message(b'S', b"server_version\x0018.1\0"),
            message(b'S', b"in_hot_standby\0on\0"),
            message(b'S', b"default_transaction_read_only\0off\0"),
            message(b'N', b"SWARNING\0C01000\0Mcollation\0\0"),
            message(b'K', &[0; 8]),
        ]
        .concat();
        let with = |rest: &[u8]| {
            let mut server = ServerKind::default();
            let decoded = session_start(&[&greeting, rest].concat(), &mut server);
            assert_eq!(server.in_hot_standby, Some(true));
            assert_eq!(server.default_transaction_read_only, Some(false));
            decoded
        };
        let start = |start| DecodedSession::Start(start);
        assert_eq!(with(b""), DecodedSession::Incomplete(greeting.len()));
        assert_eq!(with(b"Z\0\0"), DecodedSession::Incomplete(greeting.len()));
        assert_eq!(with(b"Z\0\0\0\x05I"), start(SessionStart::Ready));
        let error = message(b'E', b"SFATAL\0C3D000\0Mno database\0\0");
        let DecodedSession::Start(SessionStart::Error(told)) = with(&error) else {
            panic!("no error");
        };
        assert_eq!(told.sqlstate, "3D000");
        for (bytes, kind, why) in [
            (&b"Z\0\0\0\x03"[..], b'Z', LOST_SYNCHRONIZATION),
            (b"S\0\x01\0\0", b'S', LOST_SYNCHRONIZATION),
            (b"N\x7f\0\0\0", b'N', TOO_LONG),
        ] {
            let why = why.to_owned();
            assert_eq!(with(bytes), start(SessionStart::Unexpected { kind, why }));
        }
        assert!(matches!(
            with(b"R\0\0\0\x08\0\0\0\0"),
            DecodedSession::Start(SessionStart::Unexpected { kind: b'R', .. })
        ));
    }

    proptest! {
        #[test]
        fn replies_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), end: bool) {
            let _ = startup_reply(&bytes, end);
            let _ = session_start(&bytes, &mut ServerKind::default());
            for kind in *b"REv" {
                let _ = startup_reply(&message(kind, &bytes), end);
            }
        }
    }
}
