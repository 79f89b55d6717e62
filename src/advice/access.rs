//! What pg_hba.conf lets in on which transport, and the line that would let in or keep out.

use super::front_end::{self, FrontEnd};
use super::{Situation, advice, fix, lets_in, paste};
use crate::libpq::authentication::Auth;
use crate::libpq::error::ErrorCode;
use crate::libpq::parameters::SslMode;
use crate::report::{
    Advice, AdviceKind, Fix, FixPlace, StartupAnswer, StartupKind, Status, Transport,
};

pub(super) fn advise(situation: &Situation<'_>) -> Vec<Advice> {
    let startup = &situation.host.startup;
    let (tls, plaintext) = (startup.tls.as_ref(), startup.plaintext.as_ref());
    let modes = situation.failing(ErrorCode::HbaRejected);
    let refused = |tls: bool| refused(situation, tls);
    let mut all = Vec::new();
    if refused(false) && tls.is_some() && !refused(true) {
        all.push(plaintext_refused(situation, modes));
    } else if refused(true) && lets_in(plaintext) {
        all.extend(user_not_given(situation, &modes));
        all.push(tls_refused(situation, modes));
    } else if tls.is_some_and(refused_by_line) && lets_in(plaintext) {
        all.push(tls_refused(situation, untrusted(situation)));
    } else if !modes.is_empty() {
        all.extend(user_not_given(situation, &modes));
        all.push(both_refused(situation, modes));
    }
    all
}

/// Whether pg_hba.conf itself, and not for want of a client certificate, refuses a transport.
fn refused(situation: &Situation<'_>, tls: bool) -> bool {
    let attempts = situation.host.sslmodes.iter();
    attempts
        .flat_map(|verdict| &verdict.attempts)
        .any(|attempt| {
            let error = attempt.error.as_ref();
            let by_hba = error.is_some_and(|error| error.code == ErrorCode::HbaRejected);
            let transport = match attempt.transport {
                Transport::Tls | Transport::DirectTls => tls,
                Transport::Plaintext => !tls,
                Transport::UnixSocket | Transport::None => false,
            };
            by_hba && transport
        })
}

/// Whether an answer says itself that it comes from pg_hba.conf.
fn refused_by_line(answer: &StartupAnswer) -> bool {
    let message = answer.message.as_deref().unwrap_or_default();
    answer.answer == StartupKind::Refused && message.contains("pg_hba.conf")
}

/// The modes in which libpq ends the connection before pg_hba.conf is asked: with the chain or the
/// name mended, it would be.
fn untrusted(situation: &Situation<'_>) -> Vec<SslMode> {
    situation.failing_where(|error| {
        matches!(
            error.code,
            ErrorCode::RootCertMissing | ErrorCode::CertUntrusted | ErrorCode::HostnameMismatch
        )
    })
}

/// For whom the answers hold.
fn whom(situation: &Situation<'_>) -> String {
    let startup = &situation.host.startup;
    let mut text = format!(
        "user \"{}\" and database \"{}\"",
        startup.user.as_deref().unwrap_or_default(),
        startup.dbname.as_deref().unwrap_or_default()
    );
    if let Some(address) = &startup.client_address {
        text += &format!(" from {address}");
    }
    text
}

fn plaintext_refused(situation: &Situation<'_>, modes: Vec<SslMode>) -> Advice {
    let fixes = situation
        .strongest()
        .filter(|_| !modes.is_empty())
        .map(|strongest| {
            fix(
                FixPlace::ConnectionString,
                "use sslmode=require or better: this is the strongest mode that connects",
                paste::connection(situation, &[("sslmode", strongest.name())]),
            )
        });
    let tls = if lets_in(situation.host.startup.tls.as_ref()) {
        "lets TLS in"
    } else {
        "does not refuse TLS by itself"
    };
    advice(
        AdviceKind::PlaintextRefused,
        modes,
        format!(
            "pg_hba.conf refuses plaintext (\"no encryption\") and {tls}, for {}",
            whom(situation)
        ),
        fixes.into_iter().collect(),
    )
}

/// A line of `pg_hba.conf` for just this user, database and address.
fn line(situation: &Situation<'_>, kind: &str, auth: Option<Auth>) -> Option<String> {
    let startup = &situation.host.startup;
    let database = match situation.parameters.replication() {
        Some(_) => return None, // `replication` there is another word for another thing
        None => paste::hba(startup.dbname.as_deref()?)?,
    };
    let user = paste::hba(startup.user.as_deref()?)?;
    if situation.host.status == Status::UnixSocket {
        return Some(format!("local  {database}  {user}  scram-sha-256"));
    }
    let address: std::net::IpAddr = startup.client_address.as_deref()?.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let method = match auth {
        Some(Auth::Md5) => "md5",
        Some(Auth::Password) => "password",
        Some(Auth::None) | Some(Auth::Gss | Auth::Sspi) => return None,
        _ => "scram-sha-256",
    };
    Some(format!(
        "{kind}  {database}  {user}  {address}/{bits}  {method}"
    ))
}

fn tls_refused(situation: &Situation<'_>, modes: Vec<SslMode>) -> Advice {
    let by_hba = situation.failing(ErrorCode::HbaRejected);
    let plaintext = situation.host.startup.plaintext.as_ref();
    // Where another error comes first.
    let still = if modes.iter().all(|mode| by_hba.contains(mode)) {
        ""
    } else {
        "would still fail: "
    };
    advice(
        AdviceKind::TlsRefused,
        modes,
        format!(
            "{still}pg_hba.conf refuses TLS and lets plaintext in, for {}: the server's lines for \
             this address are hostnossl, or reject TLS",
            whom(situation)
        ),
        vec![first_line(
            situation,
            "let TLS in",
            "",
            line(
                situation,
                "hostssl",
                plaintext.and_then(|answer| answer.auth),
            ),
        )],
    )
}

fn both_refused(situation: &Situation<'_>, modes: Vec<SslMode>) -> Advice {
    let startup = &situation.host.startup;
    let message = [&startup.tls, &startup.plaintext]
        .into_iter()
        .flatten()
        .find_map(|answer| answer.message.as_deref())
        .unwrap_or_default();
    let rejects = message.contains("rejects");
    let why = if rejects {
        "a line of pg_hba.conf rejects"
    } else {
        "no line of pg_hba.conf is for"
    };
    let without_tls = situation.host.status == Status::NoTls;
    let kind = if without_tls { "host" } else { "hostssl" };
    let transports = match (&startup.tls, &startup.plaintext) {
        (Some(_), Some(_)) => ", over TLS and in plaintext alike",
        (Some(_), None) => ", over TLS",
        _ => ", in plaintext",
    };
    advice(
        AdviceKind::HbaRefuses,
        modes,
        format!("{why} {}{transports}", whom(situation)),
        vec![first_line(
            situation,
            "if they are to be let in",
            " (scram-sha-256 wants a password that was set with it)",
            line(situation, kind, None),
        )],
    )
}

/// A line that goes before all others; without an address that is known, only the place of it.
fn first_line(situation: &Situation<'_>, when: &str, beside: &str, line: Option<String>) -> Fix {
    if front_end::of(situation.host) == FrontEnd::Certain {
        // The server behind it sees another address, and no TLS that would be the client's.
        let text = format!(
            "{when}: in the settings of the pooler or proxy that ends TLS here; the pg_hba.conf of the \
             server behind it sees another address, and another TLS or none"
        );
        return fix(FixPlace::Elsewhere, text, []);
    }
    let text = match line {
        Some(_) => format!("{when}: this as the first line, and reload{beside}"),
        None => format!("{when}: a line for them in pg_hba.conf, before all others, and reload"),
    };
    fix(FixPlace::PgHbaConf, text, line)
}

fn user_not_given(situation: &Situation<'_>, modes: &[SslMode]) -> Option<Advice> {
    let startup = &situation.host.startup;
    (!situation.parameters.user_given() && !modes.is_empty()).then(|| {
        advice(
            AdviceKind::UserNotGiven,
            modes.to_vec(),
            format!(
                "no user was given, so pg_hba.conf was asked for your operating system's user \
                 \"{}\" and the database of that name",
                startup.user.as_deref().unwrap_or_default()
            ),
            vec![fix(
                FixPlace::ConnectionString,
                "give user= and dbname= first: pg_hba.conf may let the real ones in",
                [],
            )],
        )
    })
}
