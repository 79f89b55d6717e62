//! An enumeration for people: what libpq would get, then version after version, then what is weak.

use std::io::{self, Write};

use super::Style;
use super::escape::escape;
use crate::report::enumeration::{
    Check, CheckState, EnumerationReport, FrontEnd, OrderReport, ProfileOutcome, SuiteReport,
    VersionReport, VersionState,
};
use crate::report::{HostReport, Report, Severity, Status};

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BOLD: &str = "1";

/// Where the text behind a label begins.
const INDENT: usize = 13;

/// Writes all enumerations of a report, with what is weak where that is not said elsewhere.
pub(super) fn render(
    report: &Report,
    style: Style,
    weak: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut page = Page { out, style, weak };
    let some = report.hosts.iter().any(|host| host.enumeration.is_some());
    let mut first = true;
    for host in &report.hosts {
        // Beside the rest of a report the host has been shown.
        if host.enumeration.is_none() && !(weak && some) {
            continue;
        }
        if !std::mem::take(&mut first) && !style.quiet {
            page.line("")?;
        }
        match &host.enumeration {
            Some(found) if style.quiet => page.one_line(host, found)?,
            Some(found) => page.host(host, found)?,
            None => page.not_enumerated(host)?,
        }
    }
    Ok(())
}

struct Page<'o, W> {
    out: &'o mut W,
    style: Style,
    weak: bool,
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

    /// A label, and words that go on below themselves; all of it is escaped.
    fn labelled(&mut self, label: &str, text: &str) -> io::Result<()> {
        self.labelled_in(BOLD, label, text)
    }

    fn labelled_in(&mut self, color: &str, label: &str, text: &str) -> io::Result<()> {
        let width = self.style.width.max(40).saturating_sub(INDENT);
        let mut head = self.paint(color, &format!("{label:<12}"));
        for line in wrap(&escape(text), width) {
            self.line(&format!("{head} {line}"))?;
            head = " ".repeat(INDENT - 1);
        }
        Ok(())
    }

    fn one_line(&mut self, host: &HostReport, found: &EnumerationReport) -> io::Result<()> {
        let spoken: Vec<_> = spoken(found)
            .map(|one| one.protocol_version.as_str())
            .collect();
        let suites: usize = spoken_suites(found);
        let bad: Vec<_> = present(found).map(|check| check.name.as_str()).collect();
        let mut parts = vec![
            escape(&name(host)).into_owned(),
            match (spoken.is_empty(), found.finished) {
                (true, true) => "no TLS".into(),
                (true, false) if host.status == Status::NoTls => "no TLS".into(),
                (true, false) => "TLS unknown".into(),
                (false, _) => spoken.join(" "),
            },
            format!("{suites} suites"),
        ];
        if !bad.is_empty() {
            parts.push(bad.join(" "));
        }
        if !found.finished {
            parts.push("UNFINISHED".into());
        }
        self.line(&parts.join("  "))
    }

    /// A host that was not reached, or is a socket of this machine.
    fn not_enumerated(&mut self, host: &HostReport) -> io::Result<()> {
        let why = match (&host.status, &host.failure) {
            (Status::UnixSocket, _) => "libpq never uses TLS here",
            (_, Some(failure)) => failure.as_str(),
            (_, None) => "it was not reached",
        };
        let said = format!("{}  not enumerated: {why}", name(host));
        let said = self.paint(YELLOW, &escape(&said));
        self.line(&said)
    }

    fn host(&mut self, host: &HostReport, found: &EnumerationReport) -> io::Result<()> {
        let address = host
            .addresses
            .iter()
            .find(|address| address.connected == Some(true));
        let title = match address {
            Some(address) => format!("{} ({})", name(host), address.address),
            None => name(host),
        };
        let title = self.paint(BOLD, &escape(&title));
        self.line(&title)?;
        if let Some(why) = &found.unfinished {
            let why = format!("{why}; what is missing below is not known to be absent");
            self.labelled_in(RED, "UNFINISHED", &why)?;
        }
        self.line("")?;
        self.profiles(found)?;
        for version in found.versions.iter().rev() {
            self.version(version)?;
        }
        self.line("")?;
        self.groups_and_signatures(found)?;
        self.keys(found)?;
        self.extensions(found)?;
        self.line("")?;
        self.checks(found)?;
        self.front_end(found)?;
        self.line("")?;
        let mut end = format!(
            "{} connections to enumerate, of at most {}",
            found.connections, found.max_connections
        );
        if found.turned_away > 0 {
            end += &format!("; turned away {} times and asked again", found.turned_away);
        }
        self.line(&end)
    }

    fn profiles(&mut self, found: &EnumerationReport) -> io::Result<()> {
        let mut label = "libpq with";
        for profile in &found.profiles {
            let said = match profile.outcome {
                ProfileOutcome::Agrees => [
                    profile.protocol_version.as_deref(),
                    profile.cipher_suite_openssl.as_deref(),
                    profile.group.as_deref(),
                ]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("  "),
                ProfileOutcome::Fails => {
                    format!("fails: {}", profile.reason.as_deref().unwrap_or_default())
                }
                ProfileOutcome::Undetermined => {
                    format!(
                        "undetermined: {}",
                        profile.reason.as_deref().unwrap_or_default()
                    )
                }
            };
            self.labelled(
                label,
                &format!("OpenSSL {:<9} {said}", profile.openssl.name()),
            )?;
            label = "";
        }
        Ok(())
    }

    fn version(&mut self, version: &VersionReport) -> io::Result<()> {
        let reason = version.reason.as_deref().unwrap_or_default();
        match version.state {
            VersionState::Refused => {
                return self.labelled(&version.protocol_version, &format!("refused ({reason})"));
            }
            VersionState::Unknown => {
                let said = format!("not known ({reason})");
                return self.labelled_in(YELLOW, &version.protocol_version, &said);
            }
            VersionState::Accepted => {}
        }
        self.line("")?;
        let count = version.cipher_suites.len();
        let mut head = format!("{count} suite{}", if count == 1 { "" } else { "s" });
        if !version.cipher_suites_complete {
            head += " so far, not all could be asked for";
        }
        head += match version.cipher_suite_order {
            Some(OrderReport::Server) => "; the server decides, in this order",
            Some(OrderReport::Client) => "; the client decides",
            Some(OrderReport::Neither) => "; the order follows no rule",
            None => "",
        };
        self.labelled(&version.protocol_version, &head)?;
        let widest = version
            .cipher_suites
            .iter()
            .map(|suite| suite.openssl.as_deref().unwrap_or("-").len())
            .max();
        for suite in &version.cipher_suites {
            self.suite(suite, widest.unwrap_or_default())?;
        }
        Ok(())
    }

    fn suite(&mut self, suite: &SuiteReport, widest: usize) -> io::Result<()> {
        let openssl = suite.openssl.as_deref().unwrap_or("-");
        let color = match suite.bits {
            0..112 => RED,
            _ if is_bad(suite) => RED,
            112 => YELLOW,
            _ => "",
        };
        let (code, bits) = (&suite.code, suite.bits);
        let plain = format!("  {openssl:<widest$}  {code}  {bits:>3}");
        let shown = if color.is_empty() {
            plain.clone()
        } else {
            self.paint(color, &plain)
        };
        if openssl == suite.name {
            return self.line(&shown);
        }
        if plain.len() + 2 + suite.name.len() <= self.style.width {
            return self.line(&format!("{shown}  {}", suite.name));
        }
        self.line(&shown)?;
        self.line(&format!("      {}", suite.name))
    }

    fn groups_and_signatures(&mut self, found: &EnumerationReport) -> io::Result<()> {
        for version in found.versions.iter().rev() {
            let name = &version.protocol_version;
            let open = |complete: bool| if complete { "" } else { " (there may be more)" };
            if !version.groups.is_empty() {
                let order = match version.group_order {
                    Some(OrderReport::Server) => "; the server decides",
                    Some(OrderReport::Client) => "; the client decides",
                    Some(OrderReport::Neither) => "; the order follows no rule",
                    None => "",
                };
                let groups = version.groups.join(" ");
                let open = open(version.groups_complete);
                self.labelled("groups", &format!("{name}: {groups}{open}{order}"))?;
            }
            if !version.signature_schemes.is_empty() {
                let schemes = version.signature_schemes.join(" ");
                let open = open(version.signature_schemes_complete);
                self.labelled("signatures", &format!("{name}: {schemes}{open}"))?;
            }
        }
        Ok(())
    }

    fn keys(&mut self, found: &EnumerationReport) -> io::Result<()> {
        for key in &found.keys {
            let bits = key
                .key_bits
                .map_or_else(String::new, |bits| format!(" {bits}"));
            let versions = key.protocol_versions.join(" ");
            let said = format!("{}{bits}, {} ({versions})", key.key_type, key.subject);
            self.labelled("certificate", &said)?;
        }
        for dh in &found.dh {
            let known = dh.known_as.as_ref().map_or_else(
                || "a prime of its own, or one that pgprobe does not know".to_owned(),
                |name| format!("prime of {name}"),
            );
            let versions = dh.protocol_versions.join(" ");
            self.labelled("DHE", &format!("{} bits, {known} ({versions})", dh.bits))?;
        }
        Ok(())
    }

    fn extensions(&mut self, found: &EnumerationReport) -> io::Result<()> {
        for version in found.versions.iter().rev() {
            let has = &version.extensions;
            let named = [
                (has.renegotiation_info, "renegotiation_info"),
                (has.extended_master_secret, "extended_master_secret"),
                (has.encrypt_then_mac, "encrypt_then_mac"),
                (has.session_ticket, "session_ticket"),
                (has.session_id, "session id"),
                (has.heartbeat, "heartbeat"),
                (has.compression, "compression"),
                (has.ocsp_stapling, "OCSP staple"),
                (has.certificate_timestamps, "certificate timestamps"),
                (has.downgrade_sentinel, "downgrade sentinel"),
            ];
            let alpn = has.alpn.as_ref().map(|alpn| format!("ALPN {alpn}"));
            if alpn.is_none() && named.iter().all(|(there, _)| there.is_none()) {
                continue;
            }
            let there = named.iter().filter(|(there, _)| *there == Some(true));
            let names: Vec<_> = alpn
                .into_iter()
                .chain(there.map(|(_, name)| (*name).to_owned()))
                .collect();
            let names = if names.is_empty() {
                "none".into()
            } else {
                names.join(", ")
            };
            self.labelled(
                "extensions",
                &format!("{}: {names}", version.protocol_version),
            )?;
        }
        if let Some(refused) = found.fallback_refused {
            let said = if refused {
                "refused, as it should be"
            } else {
                "not noticed"
            };
            self.labelled(
                "fallback",
                &format!("a needless downgrade that says so is {said}"),
            )?;
        }
        if let Some(matters) = found.server_name_matters {
            let said = if matters {
                "another answer"
            } else {
                "the same answer"
            };
            self.labelled("server_name", &format!("without it comes {said}"))?;
        }
        Ok(())
    }

    fn checks(&mut self, found: &EnumerationReport) -> io::Result<()> {
        if !self.weak {
            return Ok(());
        }
        let mut bad: Vec<_> = present(found).collect();
        bad.sort_by_key(|check| std::cmp::Reverse(check.severity));
        for check in &bad {
            let color = match check.severity {
                Severity::Critical | Severity::High => RED,
                Severity::Medium => YELLOW,
                Severity::Low | Severity::Info => BOLD,
            };
            let said = format!("{}: {}", check.name, check.evidence);
            self.labelled_in(color, check.severity.name(), &said)?;
            if self.style.verbosity > 0 {
                self.labelled("", &check.citation)?;
            }
        }
        let names = |state: CheckState| {
            let some = found.checks.iter().filter(|check| check.state == state);
            some.map(|check| check.name.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let absent = names(CheckState::Absent);
        if !absent.is_empty() {
            self.labelled_in(GREEN, "not there", &absent)?;
        }
        let open = names(CheckState::NotObserved);
        if !open.is_empty() {
            self.labelled_in(YELLOW, "not observed", &open)?;
        }
        Ok(())
    }

    fn front_end(&mut self, found: &EnumerationReport) -> io::Result<()> {
        let said = match found.front_end.conclusion {
            FrontEnd::NoSign | FrontEnd::NotObserved => return Ok(()),
            FrontEnd::ProxyOrOld => {
                "a proxy terminates TLS here, or PostgreSQL older than 2021".to_owned()
            }
            FrontEnd::Proxy => match &found.front_end.product {
                Some(product) => format!("a proxy terminates TLS here: {product}"),
                None => "a proxy terminates TLS here".to_owned(),
            },
        };
        self.labelled("front end", &said)?;
        for evidence in &found.front_end.evidence {
            self.labelled("", evidence)?;
        }
        Ok(())
    }
}

/// What nobody should take, however many bits it has.
fn is_bad(suite: &SuiteReport) -> bool {
    suite.authentication == "none" || suite.encryption.starts_with("RC4")
}

fn spoken(found: &EnumerationReport) -> impl Iterator<Item = &VersionReport> {
    let versions = found.versions.iter();
    versions.filter(|version| version.state == VersionState::Accepted)
}

fn spoken_suites(found: &EnumerationReport) -> usize {
    spoken(found)
        .map(|version| version.cipher_suites.len())
        .sum()
}

fn present(found: &EnumerationReport) -> impl Iterator<Item = &Check> {
    found
        .checks
        .iter()
        .filter(|check| check.state == CheckState::Present)
}

fn name(host: &HostReport) -> String {
    let host_name = host
        .host
        .as_deref()
        .or(host.hostaddr.as_deref())
        .unwrap_or_default();
    if host_name.contains(':') {
        format!("[{host_name}]:{}", host.port)
    } else {
        format!("{host_name}:{}", host.port)
    }
}

/// Breaks at spaces; a word that is too long stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(last) = lines.last_mut() else { break };
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
