//! The report for people: the answer first, then why, then the evidence.

use std::io::{self, Write};

use super::Style;
use super::escape::escape;
use crate::libpq::authentication::Auth;
use crate::libpq::error::ErrorCode;
use crate::report::{
    Anchors, CertificateReport, ChainReport, ChainStatus, HostReport, KeyPossession, Outcome,
    Report, StartupAnswer, StartupKind, Status, TlsAnswer, TlsReport, Verdict, Verifies,
};

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BOLD: &str = "1";

pub(super) fn render(report: &Report, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page { out, style };
    if style.quiet {
        return page.one_line(report);
    }
    page.plaintext(report)?;
    if report.hosts.len() > 1 {
        page.line(&format!(
            "the list of {} hosts, as libpq goes through it",
            report.hosts.len()
        ))?;
        page.verdicts(report, &report.sslmodes, true)?;
        page.line("")?;
    }
    for host in &report.hosts {
        page.host(report, host)?;
    }
    if report.hosts.is_empty()
        || report
            .hosts
            .iter()
            .all(|host| host.status == Status::NothingSent)
    {
        if report.hosts.is_empty() {
            page.line(&escape(&report.target.input))?;
            page.verdicts(report, &report.sslmodes, false)?;
        }
        page.line("nothing was sent: libpq refuses these parameters")?;
    }
    for note in &report.notes {
        page.labelled("note", note)?;
    }
    page.footer(report)
}

struct Page<'o, W> {
    out: &'o mut W,
    style: Style,
}

impl<W: Write> Page<'_, W> {
    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", text.trim_end())
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.style.color {
            format!("\x1b[{color}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// A label and a text that goes on below itself; every byte of it is escaped.
    fn labelled(&mut self, label: &str, text: &str) -> io::Result<()> {
        let indent = 13;
        let width = self.style.width.max(40) - indent;
        let safe = escape(text);
        let mut shown = format!("{label:<12}");
        if label.len() > 12 {
            shown.truncate(label.len());
        }
        let mut first = true;
        for line in wrap(&safe, width) {
            if first {
                let head = self.paint(BOLD, &shown);
                self.line(&format!("{head} {line}"))?;
            } else {
                self.line(&format!("{:indent$}{line}", ""))?;
            }
            first = false;
        }
        Ok(())
    }

    fn one_line(&mut self, report: &Report) -> io::Result<()> {
        // Of a list, the host that the answers about TLS and the certificates are from.
        let host = report.hosts.get(report.host_index.unwrap_or(0));
        let name = match host {
            Some(host) => host_name(host),
            None => report.target.input.clone(),
        };
        let mut parts = vec![escape(&name).into_owned()];
        if let Some(tls) = &report.tls {
            parts.extend(tls.protocol_version.clone());
        }
        let failure = host.and_then(|host| host.failure.as_deref());
        match report.status {
            Status::Tls => {}
            Status::NoTls => parts.push("no TLS (server answered N)".into()),
            Status::UnixSocket => parts.push("Unix socket".into()),
            _ => parts.push(escape(failure.unwrap_or("nothing sent")).into_owned()),
        }
        let mode = report
            .target
            .sslmode
            .unwrap_or(crate::libpq::parameters::SslMode::VerifyFull);
        if let Some(verdict) = report.sslmodes.iter().find(|verdict| verdict.mode == mode) {
            let mut said = format!("{} {}", mode.name(), outcome_word(verdict));
            if let Some(error) = &verdict.error {
                said += &format!(" ({})", code_word(&error.code));
            } else if verdict.outcome == Outcome::Undetermined {
                said += &format!(", TLS {}", tls_word(verdict.tls));
            }
            parts.push(said);
        }
        if let Some(days) = report
            .certificates
            .iter()
            .filter_map(|one| one.days_left)
            .min()
        {
            parts.push(days_text(days));
        }
        let plain = host.and_then(|host| host.startup.plaintext.as_ref());
        if let Some(plain) = plain {
            parts.push(match plain.answer {
                StartupKind::Accepted | StartupKind::Asked => "PLAINTEXT accepted".into(),
                StartupKind::Refused => "plaintext refused".into(),
                _ => "plaintext fails".into(),
            });
        }
        self.line(&parts.join("  "))
    }

    /// What a reader must see before all else.
    fn plaintext(&mut self, report: &Report) -> io::Result<()> {
        let open: Vec<_> = report
            .sslmodes
            .iter()
            .filter(|verdict| {
                verdict.outcome == Outcome::Connects && verdict.encrypted == Some(false)
            })
            .map(|verdict| verdict.mode.name())
            .collect();
        let unix = report
            .hosts
            .iter()
            .all(|host| host.status == Status::UnixSocket);
        if open.is_empty() || unix {
            return Ok(());
        }
        let head = self.paint(RED, "PLAINTEXT");
        let text = format!(
            "{} would send everything unencrypted to this server",
            and(&open)
        );
        let mut lines = wrap(&text, self.style.width.max(40) - 11).into_iter();
        self.line(&format!("{head}  {}", lines.next().unwrap_or_default()))?;
        for line in lines {
            self.line(&format!("{:11}{line}", ""))?;
        }
        self.line("")
    }

    fn host(&mut self, report: &Report, host: &HostReport) -> io::Result<()> {
        self.heading(host)?;
        self.line("")?;
        self.verdicts(report, &host.sslmodes, false)?;
        self.line("")?;
        self.reasons(&host.sslmodes)?;
        if let Some(tls) = &host.tls {
            self.tls(tls)?;
        }
        for (number, certificate) in host.certificates.iter().enumerate() {
            self.certificate(number, certificate)?;
        }
        if let Some(tls) = &host.tls {
            self.name_and_chain(tls)?;
        }
        self.startup(host)?;
        self.extras(host)?;
        if self.style.verbosity > 0 {
            self.evidence(host)?;
        }
        self.line("")
    }

    fn heading(&mut self, host: &HostReport) -> io::Result<()> {
        let name = host_name(host);
        let address = host
            .addresses
            .iter()
            .find(|address| address.connected == Some(true))
            .map(|address| address.address.clone());
        let mut head = escape(&name).into_owned();
        if let Some(address) = address.filter(|address| *address != name) {
            head += &format!(" ({address})");
        }
        let state = match (&host.status, &host.tls) {
            (Status::Tls, Some(tls)) => [
                tls.protocol_version.as_deref(),
                tls.cipher_suite.as_deref(),
                tls.group.as_deref(),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("  "),
            (Status::NoTls, _) => "no TLS: the server answered N".into(),
            (Status::UnixSocket, _) => "Unix socket: libpq never uses TLS here".into(),
            (status, _) => {
                let word = match status {
                    Status::TlsFailed => "TLS failed",
                    Status::ProtocolError => "not PostgreSQL",
                    Status::ConnectionClosed => "closed",
                    Status::Timeout => "timeout",
                    Status::ConnectFailed => "no connection",
                    Status::NotResolved => "no address",
                    _ => "nothing sent",
                };
                match &host.failure {
                    Some(failure) => format!("{word}: {}", escape(failure)),
                    None => word.into(),
                }
            }
        };
        let bold = self.paint(BOLD, &head);
        if head.len() + state.len() + 2 <= self.style.width {
            let gap = self.style.width - head.len() - state.len();
            self.line(&format!("{bold}{:gap$}{state}", "", gap = gap.min(24)))
        } else {
            self.line(&bold)?;
            for line in wrap(&state, self.style.width.max(40) - 2) {
                self.line(&format!("  {line}"))?;
            }
            Ok(())
        }
    }

    fn verdicts(
        &mut self,
        report: &Report,
        verdicts: &[Verdict],
        whole_list: bool,
    ) -> io::Result<()> {
        let libpq = format!("libpq {}", report.emulates.libpq.major());
        self.line(&format!(
            "  {:<12} {libpq:<19} {:<21} asks for",
            "sslmode", "proves"
        ))?;
        for verdict in verdicts {
            let outcome = outcome_word(verdict);
            let color = match (verdict.outcome, verdict.encrypted) {
                (Outcome::Connects, Some(true)) => GREEN,
                (Outcome::Connects, _) => RED,
                (Outcome::Fails, _) => RED,
                (Outcome::Undetermined, _) => YELLOW,
            };
            let connects = verdict.outcome == Outcome::Connects;
            let proves = match verdict.verifies {
                _ if verdict.outcome == Outcome::Undetermined => {
                    format!("(TLS {})", tls_word(verdict.tls))
                }
                _ if !connects => String::new(),
                _ if verdict.encrypted != Some(true) => "nothing".into(),
                Verifies::Nothing => "nothing".into(),
                Verifies::Chain => "chain".into(),
                Verifies::ChainAndHostName => "chain and host name".into(),
            };
            let asks = verdict.auth.map(auth_word).unwrap_or_default();
            let mark = if report.target.sslmode == Some(verdict.mode) {
                ">"
            } else {
                " "
            };
            let shown = self.paint(color, &format!("{outcome:<19}"));
            let which = match (whole_list, verdict.host_index) {
                (true, Some(index)) => format!(" (host {})", index + 1),
                _ => String::new(),
            };
            self.line(&format!(
                "{mark} {:<12} {shown} {proves:<21} {asks}{which}",
                verdict.mode.name()
            ))?;
        }
        Ok(())
    }

    /// Why modes fail or are undetermined, each reason once.
    fn reasons(&mut self, verdicts: &[Verdict]) -> io::Result<()> {
        let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
        for verdict in verdicts {
            let text = match (&verdict.error, &verdict.reason) {
                // This text is all libpq's own, with an advice on a second line. Where a server has
                // a say in the text, a line break would let it forge ours.
                (Some(error), _) if error.code == ErrorCode::RootCertMissing => {
                    error.message.replace('\n', ". ")
                }
                (Some(error), _) => error.message.clone(),
                (None, Some(reason)) => match verdict.settled_by {
                    Some(depth) => format!(
                        "undetermined: {reason}; --depth {} would settle it",
                        format!("{depth:?}").to_lowercase()
                    ),
                    None => format!("undetermined: {reason}"),
                },
                (None, None) => continue,
            };
            match reasons.iter_mut().find(|(known, _)| *known == text) {
                Some((_, modes)) => modes.push(verdict.mode.name()),
                None => reasons.push((text, vec![verdict.mode.name()])),
            }
        }
        for (text, modes) in reasons {
            let modes = match modes.len() {
                6 => "every mode".to_owned(),
                _ => modes.join(", "),
            };
            self.labelled("why", &format!("{modes}: {text}"))?;
        }
        Ok(())
    }

    fn tls(&mut self, tls: &TlsReport) -> io::Result<()> {
        let mut facts = Vec::new();
        if let Some(failure) = &tls.failure {
            facts.push(format!("handshake failed: {failure}"));
        }
        match (&tls.protocol_version, &tls.cipher_suite_openssl, tls.bits) {
            (Some(version), Some(suite), Some(bits)) => {
                facts.push(format!("{version}, {suite}, {bits} bits"));
            }
            (Some(version), ..) => facts.push(version.clone()),
            _ => {}
        }
        facts.extend(tls.group.iter().map(|group| match tls.hello_retry_request {
            Some(true) => format!("group {group} (after HelloRetryRequest)"),
            _ => format!("group {group}"),
        }));
        facts.extend(
            tls.dh_bits
                .map(|bits| format!("Diffie-Hellman of {bits} bits")),
        );
        facts.extend(
            tls.signature_scheme
                .iter()
                .map(|scheme| match tls.key_possession {
                    KeyPossession::Proved => format!("signed with {scheme}, key proved"),
                    KeyPossession::Refuted => {
                        format!("signed with {scheme}, THE SIGNATURE IS WRONG")
                    }
                    KeyPossession::Unchecked | KeyPossession::NotSeen => {
                        format!("signed with {scheme}, not checked")
                    }
                }),
        );
        facts.extend(tls.alpn.iter().map(|alpn| format!("ALPN {alpn}")));
        if tls.session_tickets > 0 {
            facts.push(format!("{} session tickets", tls.session_tickets));
        }
        if !facts.is_empty() {
            self.labelled("TLS", &facts.join(", "))?;
        }
        let client = &tls.client_certificate;
        let asked = match (client.requested, client.demanded) {
            (Some(true), Some(true)) => "demanded",
            (Some(true), Some(false)) => "asked for, not demanded",
            (Some(true), None) => "asked for",
            _ => return Ok(()),
        };
        let mut text = format!("client certificate {asked}");
        if !client.authorities.is_empty() {
            text += &format!(", from {}", client.authorities.join("; "));
        }
        match (client.sent, client.accepted) {
            (true, Some(true)) => text += "; ours was taken",
            (true, Some(false)) => text += "; ours was refused",
            (true, None) => text += "; ours was sent",
            (false, _) => text += "; none was sent",
        }
        self.labelled("", &text)
    }

    fn certificate(&mut self, number: usize, certificate: &CertificateReport) -> io::Result<()> {
        let label = if number == 0 {
            "certificate"
        } else {
            "  sent too"
        };
        let mut head = if certificate.subject.is_empty() {
            "(empty subject)".to_owned()
        } else {
            certificate.subject.clone()
        };
        let mut marks = Vec::new();
        if certificate.self_signed {
            marks.push("self-signed".to_owned());
        }
        if certificate.ca == Some(true) {
            marks.push("CA:TRUE".into());
        }
        if certificate.version != 3 {
            marks.push(format!("X.509 v{}", certificate.version));
        }
        if !marks.is_empty() {
            head += &format!("  ({})", marks.join(", "));
        }
        self.labelled(label, &head)?;
        if let Some(why) = &certificate.unparsed {
            self.labelled("", &format!("cannot be read whole: {why}"))?;
        }
        if !certificate.self_signed {
            self.labelled("", &format!("issued by {}", certificate.issuer))?;
        }
        let date = |time: &Option<String>| {
            time.as_deref()
                .map_or("?", |time| time.get(..10).unwrap_or(time))
                .to_owned()
        };
        let mut validity = format!(
            "valid {} to {}",
            date(&certificate.not_before),
            date(&certificate.not_after)
        );
        if let Some(days) = certificate.days_left {
            validity += &format!(", {}", days_text(days));
        }
        let bits = certificate
            .key_bits
            .map(|bits| format!(" {bits}"))
            .unwrap_or_default();
        self.labelled(
            "",
            &format!(
                "{validity}; {}{bits}, {}",
                certificate.key_type, certificate.signature_algorithm
            ),
        )?;
        if number == 0 {
            let names = if certificate.subject_alt_names.is_empty() {
                "names: no subjectAltName, only the CN".to_owned()
            } else {
                format!("names: {}", certificate.subject_alt_names.join(", "))
            };
            self.labelled("", &names)?;
            self.labelled("", &format!("SHA-256 {}", certificate.sha256))?;
        }
        if self.style.verbosity > 0 {
            self.certificate_details(certificate)?;
        }
        Ok(())
    }

    fn certificate_details(&mut self, certificate: &CertificateReport) -> io::Result<()> {
        self.labelled("", &format!("serial {}", certificate.serial))?;
        self.labelled(
            "",
            &format!("SHA-256 of the public key {}", certificate.spki_sha256),
        )?;
        if let Some(usage) = &certificate.key_usage {
            self.labelled("", &format!("keyUsage {}", usage.join(", ")))?;
        }
        if let Some(usage) = &certificate.extended_key_usage {
            self.labelled("", &format!("extendedKeyUsage {}", usage.join(", ")))?;
        }
        if let Some(identifier) = &certificate.subject_key_identifier {
            self.labelled("", &format!("subjectKeyIdentifier {identifier}"))?;
        }
        if let Some(identifier) = &certificate.authority_key_identifier {
            self.labelled("", &format!("authorityKeyIdentifier {identifier}"))?;
        }
        Ok(())
    }

    fn name_and_chain(&mut self, tls: &TlsReport) -> io::Result<()> {
        if let Some(name) = &tls.host_name {
            let text = match (&name.matched_name, &name.rule, &name.message) {
                (Some(matched), Some(rule), _) => {
                    format!(
                        "\"{}\" matches {} ({})",
                        name.host,
                        matched,
                        rule.replace('_', " ")
                    )
                }
                (_, _, Some(message)) => message.clone(),
                _ => String::new(),
            };
            self.labelled("host name", &text)?;
        }
        for (number, chain) in tls.chain.iter().enumerate() {
            let label = if number == 0 { "chain" } else { "" };
            self.labelled(label, &chain_text(chain, self.style.verbosity > 0))?;
        }
        Ok(())
    }

    fn startup(&mut self, host: &HostReport) -> io::Result<()> {
        let startup = &host.startup;
        let answers = [
            ("TLS", &startup.tls),
            ("plaintext", &startup.plaintext),
            (
                "TLS without client certificate",
                &startup.tls_without_client_certificate,
            ),
        ];
        if answers.iter().all(|(_, answer)| answer.is_none()) {
            return Ok(());
        }
        let mut who = format!(
            "user \"{}\", database \"{}\"",
            startup.user.as_deref().unwrap_or_default(),
            startup.dbname.as_deref().unwrap_or_default()
        );
        if let Some(address) = &startup.client_address {
            who += &format!(", from {address}");
        }
        self.labelled("pg_hba.conf", &who)?;
        for (transport, answer) in answers {
            if let Some(answer) = answer {
                self.labelled("", &format!("{transport}: {}", answer_text(answer)))?;
            }
        }
        Ok(())
    }

    fn extras(&mut self, host: &HostReport) -> io::Result<()> {
        for (what, direct) in [
            ("direct TLS with ALPN", &host.direct),
            ("direct TLS without ALPN", &host.direct_without_alpn),
        ] {
            let Some(direct) = direct else { continue };
            let text = match (direct.completed, &direct.failure) {
                (true, _) => {
                    let alpn = direct.alpn.as_deref().unwrap_or("none");
                    format!("{what}: handshake completes, ALPN {alpn}")
                }
                (false, Some(failure)) => format!("{what}: {failure}"),
                (false, None) => format!("{what}: not completed"),
            };
            self.labelled("direct", &text)?;
        }
        if let Some(answer) = &host.gssenc_request {
            self.labelled("GSSENCRequest", &format!("answered {answer}"))?;
        }
        let others = host
            .addresses
            .iter()
            .filter(|address| address.connected != Some(true));
        for address in others {
            let why = match (&address.connected, &address.failure) {
                (None, _) => "not probed".to_owned(),
                (_, Some(failure)) => failure.clone(),
                _ => "no connection".into(),
            };
            self.labelled("address", &format!("{}: {why}", address.address))?;
        }
        Ok(())
    }

    fn evidence(&mut self, host: &HostReport) -> io::Result<()> {
        if let Some(reply) = &host.ssl_request {
            let answer = reply
                .answer
                .as_deref()
                .or(reply.failure.as_deref())
                .unwrap_or("none");
            let more = match reply.trailing_bytes {
                0 => String::new(),
                count => format!(", {count} more byte(s) with it"),
            };
            self.labelled("SSLRequest", &format!("{answer}{more}"))?;
        }
        for timing in &host.timings {
            let purpose = match timing.purpose {
                Some(purpose) => format!("{purpose:?} "),
                None => String::new(),
            };
            self.labelled(
                "",
                &format!("{purpose}{}: {:.1} ms", timing.step, timing.ms),
            )?;
        }
        if self.style.verbosity > 1 {
            for verdict in &host.sslmodes {
                for attempt in &verdict.attempts {
                    let error = attempt.error.as_ref().map(|error| error.message.as_str());
                    let text = format!(
                        "{}: {:?} {:?} -> {:?} {}",
                        verdict.mode.name(),
                        attempt.transport,
                        attempt.steps,
                        attempt.ended_in,
                        error.unwrap_or_default()
                    );
                    self.labelled("attempt", &text)?;
                }
            }
            if let Some(offer) = host.tls.as_ref().and_then(|tls| tls.offer.as_ref()) {
                self.labelled("offered", &offer.cipher_suites.join(" "))?;
                self.labelled("", &offer.groups.join(" "))?;
            }
        }
        Ok(())
    }

    fn footer(&mut self, report: &Report) -> io::Result<()> {
        let plural = if report.connections == 1 { "" } else { "s" };
        self.line(&format!(
            "{} connection{plural}; emulates libpq {} with OpenSSL {}",
            report.connections,
            report.emulates.libpq.major(),
            report.emulates.openssl.name()
        ))
    }
}

fn host_name(host: &HostReport) -> String {
    let name = host
        .host
        .as_deref()
        .or(host.hostaddr.as_deref())
        .unwrap_or_default();
    let port = if host.port.is_empty() {
        "5432"
    } else {
        &host.port
    };
    if host.status == Status::UnixSocket || name.starts_with(['/', '@']) {
        format!("{name}/.s.PGSQL.{port}")
    } else if name.contains(':') {
        format!("[{name}]:{port}")
    } else {
        format!("{name}:{port}")
    }
}

fn outcome_word(verdict: &Verdict) -> &'static str {
    match (verdict.outcome, verdict.encrypted) {
        (Outcome::Connects, Some(true)) => "connects TLS",
        (Outcome::Connects, _) => "connects PLAINTEXT",
        (Outcome::Fails, _) => "fails",
        (Outcome::Undetermined, _) => "undetermined",
    }
}

fn tls_word(answer: TlsAnswer) -> &'static str {
    match answer {
        TlsAnswer::Accepted => "accepted",
        TlsAnswer::Refused => "refused",
        TlsAnswer::NotUsed => "not used",
        TlsAnswer::Unknown => "unknown",
    }
}

fn auth_word(auth: Auth) -> &'static str {
    match auth {
        Auth::None => "no credentials",
        Auth::Password => "password in clear",
        Auth::Md5 => "md5",
        Auth::ScramSha256 => "scram-sha-256",
        Auth::ScramSha256Plus => "scram-sha-256-plus",
        Auth::Gss => "gss",
        Auth::Sspi => "sspi",
        Auth::Oauthbearer => "oauth",
        Auth::Unsupported => "what libpq cannot do",
    }
}

fn code_word(code: &ErrorCode) -> String {
    let text = serde_json::to_string(code).unwrap_or_default();
    text.trim_matches('"').replace('_', " ")
}

fn answer_text(answer: &StartupAnswer) -> String {
    let message = answer.message.as_deref().unwrap_or_default();
    let code = answer.sqlstate.as_deref().unwrap_or_default();
    match answer.answer {
        StartupKind::Accepted => "accepted without asking for credentials".into(),
        StartupKind::Asked => {
            let asks = answer
                .auth
                .map_or_else(|| message.to_owned(), |auth| auth_word(auth).into());
            match answer.mechanisms.as_slice() {
                [] => format!("asks for {asks}"),
                all => format!("asks for {asks} (offers {})", all.join(", ")),
            }
        }
        StartupKind::Refused => format!("refused: {message}"),
        StartupKind::Error => format!("error {code}: {message}"),
        StartupKind::Failed => format!("failed: {message}"),
        StartupKind::Timeout => "no answer in time".into(),
    }
}

fn chain_text(chain: &ChainReport, verbose: bool) -> String {
    let set = match chain.anchors {
        Anchors::RootFile => "root file",
        Anchors::System => "system",
        Anchors::Mozilla => "Mozilla",
    };
    let message = chain.message.as_deref().unwrap_or_default();
    let source = match (&chain.source, chain.anchors) {
        (Some(source), Anchors::RootFile) => format!(" ({source})"),
        (Some(source), Anchors::System) if verbose => format!(" ({source})"),
        _ => String::new(),
    };
    match chain.status {
        ChainStatus::Ok => {
            let anchor = chain.path.last().map(String::as_str).unwrap_or_default();
            format!("{set}{source}: ok, ends in {anchor}")
        }
        ChainStatus::Failed => format!(
            "{set}{source}: error {} at depth {}: {message}",
            chain.error.unwrap_or_default(),
            chain.depth.unwrap_or_default()
        ),
        ChainStatus::Undetermined => format!("{set}{source}: undetermined, {message}"),
        ChainStatus::Absent => format!("{set}: none here"),
        ChainStatus::Unreadable => format!("{set}: {message}"),
    }
}

fn days_text(days: i64) -> String {
    match days {
        ..=-1 => format!("EXPIRED {} days ago", -days),
        0 => "expires within a day".into(),
        1 => "1 day left".into(),
        more => format!("{more} days left"),
    }
}

fn and(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// Breaks at blanks; a word that is too long is broken inside.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let used = line.chars().count();
        if used > 0 && used + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
        } else if used > 0 {
            line.push(' ');
        }
        while word.len() > width {
            let rest = word.split_off(width);
            lines.push(word.into_iter().collect());
            word = rest;
        }
        line.extend(word);
    }
    lines.push(line);
    lines
}
