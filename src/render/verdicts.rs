//! The answer: which modes would send plaintext, and the table of the verdicts.

use super::page::{Page, Span, Tone, plain, strong};
use super::wording::{
    and, auth, encrypted, error_class, outcome, tls_answer, verdict_tone, verified,
};
use crate::libpq::parameters::SslMode;
use crate::report::{HostReport, Outcome, Report, Status, Verdict};

/// What a reader must see before all else; nothing where no mode would.
pub(super) fn plaintext(page: &mut Page, report: &Report) {
    let open = plaintext_modes_of(&report.sslmodes, |verdict| over_socket(report, verdict));
    if !open.is_empty() {
        plaintext_line(page, &open, "this server");
        page.blank();
    }
}

/// The modes that would send plaintext to a host.
pub(super) fn plaintext_modes(host: &HostReport) -> Vec<&'static str> {
    plaintext_modes_of(&host.sslmodes, |_| host.status == Status::UnixSocket)
}

/// The modes that end in plaintext over a network.
fn plaintext_modes_of(
    verdicts: &[Verdict],
    over_socket: impl Fn(&Verdict) -> bool,
) -> Vec<&'static str> {
    let open = verdicts.iter().filter(|verdict| {
        verdict.outcome == Outcome::Connects
            && verdict.encrypted == Some(false)
            && !over_socket(verdict)
    });
    open.map(|verdict| verdict.mode.name()).collect()
}

/// The line that says so.
pub(super) fn plaintext_line(page: &mut Page, modes: &[&str], whom: &str) {
    let text = format!("{} would send everything unencrypted to {whom}", and(modes));
    page.flow(
        &[Span::new(Tone::Bad, "PLAINTEXT"), plain("  ")],
        11,
        &[plain(text)],
    );
}

/// The verdicts of a list of hosts, over all of it.
pub(super) fn list(page: &mut Page, report: &Report) {
    page.prose(&[strong(format!(
        "the list of {} hosts, as libpq goes through it",
        report.hosts.len()
    ))]);
    page.blank();
    table(page, report, &report.sslmodes, true);
}

/// Whether the verdict is that of a Unix socket.
fn over_socket(report: &Report, verdict: &Verdict) -> bool {
    let host = verdict.host_index.and_then(|index| report.hosts.get(index));
    host.is_some_and(|host| host.status == Status::UnixSocket)
}

/// The verdicts as a table; of a list also which host each is from.
pub(super) fn table(page: &mut Page, report: &Report, verdicts: &[Verdict], whole_list: bool) {
    let columns = Columns::of(page, verdicts, whole_list);
    let libpq = format!("libpq {}", report.emulates.libpq.major());
    columns.header(page, &libpq);
    if let Some(only) = same_failure(verdicts) {
        let reason = only.error.as_ref().map(|error| error_class(error.code));
        let demanded = report.target.sslmode.is_some();
        let tone = verdict_tone(only, demanded, false);
        columns.row(page, demanded, "every mode", (tone, "fails"), reason);
        return;
    }
    let (mut stripped, mut unbound) = (false, false);
    for verdict in verdicts {
        let demanded = report.target.sslmode == Some(verdict.mode);
        let tone = verdict_tone(verdict, demanded, false);
        let mode = verdict.mode.name();
        let head = (tone, outcome(verdict));
        match verdict.outcome {
            Outcome::Connects => {
                let row = Connecting {
                    verdict,
                    demanded,
                    socket: over_socket(report, verdict),
                    weak: can_be_stripped(verdict),
                    unbound: report.fails_at_scram(verdict),
                };
                stripped |= row.weak;
                unbound |= row.unbound;
                columns.connects(page, &row);
            }
            Outcome::Fails => {
                let reason = verdict.error.as_ref().map(|error| error_class(error.code));
                columns.row(page, demanded, mode, head, reason);
            }
            Outcome::Undetermined => {
                let known = format!("(TLS {})", tls_answer(verdict.tls));
                columns.row(page, demanded, mode, head, Some(&known));
            }
        }
    }
    if stripped {
        page.flow(
            &[plain("  * ")],
            4,
            &[plain(
                "whoever sits in between can answer that there is no TLS, and gets plaintext",
            )],
        );
    }
    if unbound {
        page.flow(
            &[plain("  ! ")],
            4,
            &[plain(
                "libpq then fails, whatever the password: it cannot bind SCRAM to this certificate",
            )],
        );
    }
}

/// Whether libpq would go on in plaintext if somebody in between said that there is no TLS.
fn can_be_stripped(verdict: &Verdict) -> bool {
    matches!(verdict.mode, SslMode::Allow | SslMode::Prefer) && verdict.encrypted == Some(true)
}

/// The verdict, if all are the same failure.
fn same_failure(verdicts: &[Verdict]) -> Option<&Verdict> {
    let first = verdicts.first()?;
    let same = verdicts
        .iter()
        .all(|other| other.outcome == Outcome::Fails && other.error == first.error);
    same.then_some(first)
}

/// A row of a mode that connects.
struct Connecting<'r> {
    verdict: &'r Verdict,
    demanded: bool,
    socket: bool,
    weak: bool,
    /// Whether libpq fails at the authentication that it gets to.
    unbound: bool,
}

/// Where the columns of the table begin.
struct Columns {
    outcome: usize,
    /// Whether no mode connects.
    only_reasons: bool,
    verified: usize,
    /// Of a list: how wide the last column but one is, before the host's.
    host: Option<usize>,
}

/// Columns of the mark and the mode.
const MODE: usize = 15;
/// Columns of `encrypted`.
const ENCRYPTED: usize = 11;

impl Columns {
    fn of(page: &Page, verdicts: &[Verdict], whole_list: bool) -> Self {
        let widest = |words: &mut dyn Iterator<Item = &str>| words.map(str::len).max();
        let connecting = || {
            let all = verdicts.iter();
            all.filter(|verdict| verdict.outcome == Outcome::Connects)
        };
        let outcome = if connecting().next().is_some() {
            10
        } else {
            14
        };
        let verified = widest(&mut connecting().map(verified)).unwrap_or_default();
        let verified = verified.max("verified".len()) + 2;
        let asked = widest(&mut connecting().filter_map(|verdict| verdict.auth.map(auth)));
        let asked = asked.unwrap_or_default().max("authentication".len()) + 2;
        let columns = Self {
            outcome,
            only_reasons: connecting().next().is_none(),
            verified,
            host: whole_list.then_some(asked),
        };
        let last = if whole_list { asked + 4 } else { asked - 2 };
        // Reasons stand in place of the other columns, and can be wider than these.
        let failing = verdicts.iter().filter_map(|verdict| verdict.error.as_ref());
        let reasons = widest(&mut failing.map(|error| error_class(error.code)));
        let whole = ENCRYPTED + verified + last;
        let whole = MODE + outcome + whole.max(reasons.unwrap_or_default());
        if whole <= page.style.width {
            columns
        } else {
            Self {
                verified: 0,
                ..columns
            }
        }
    }

    /// Whether the rows have no room for all columns: what follows the outcome is then a text.
    fn stacked(&self) -> bool {
        self.verified == 0
    }

    fn header(&self, page: &mut Page, libpq: &str) {
        if self.stacked() || self.only_reasons {
            page.line(&[strong(format!("  {:<13}{libpq}", "sslmode"))]);
            return;
        }
        let mut head = format!(
            "  {:<13}{libpq:<outcome$}{:<11}{:<verified$}",
            "sslmode",
            "encrypted",
            "verified",
            outcome = self.outcome,
            verified = self.verified,
        );
        match self.host {
            Some(width) => head += &format!("{:<width$}host", "authentication"),
            None => head += "authentication",
        }
        page.line(&[strong(head)]);
    }

    fn connects(&self, page: &mut Page, row: &Connecting<'_>) {
        let verdict = row.verdict;
        let tone = if row.unbound {
            Tone::Bad
        } else {
            verdict_tone(verdict, row.demanded, row.socket)
        };
        let (word, verified) = (outcome(verdict), verified(verdict));
        let star = if row.weak { "*" } else { "" };
        let encrypted = format!("{}{star}", encrypted(verdict, row.socket));
        let asked = verdict.auth.map(auth).unwrap_or_default();
        let asked = format!("{asked}{}", if row.unbound { "!" } else { "" });
        let host = verdict.host_index.filter(|_| self.host.is_some());
        let host = host.map(|index| (index + 1).to_string());
        if self.stacked() {
            let mut text = format!("{word}, {encrypted}, verifies {verified}, {asked}");
            if let Some(host) = host {
                text += &format!(", host {host}");
            }
            self.stack(
                page,
                row.demanded,
                verdict.mode.name(),
                &[Span::new(tone, text)],
            );
            return;
        }
        let mut spans = vec![
            mark(row.demanded),
            plain(format!("{:<13}", verdict.mode.name())),
            Span::new(
                tone,
                format!("{word:<0$}{encrypted:<11}{verified}", self.outcome),
            ),
            plain(" ".repeat(self.verified - verified.len())),
        ];
        match (self.host, host) {
            (Some(width), Some(host)) => spans.push(plain(format!("{asked:<width$}{host}"))),
            _ => spans.push(plain(asked)),
        }
        page.line(&spans);
    }

    /// A row of a mode that does not: the reason in place of the other columns.
    fn row(
        &self,
        page: &mut Page,
        demanded: bool,
        mode: &str,
        (tone, outcome): (Tone, &str),
        reason: Option<&str>,
    ) {
        let reason = reason.unwrap_or_default();
        if self.stacked() {
            let spans = [
                Span::new(tone, outcome),
                plain(if reason.is_empty() { "" } else { ": " }),
                plain(reason),
            ];
            self.stack(page, demanded, mode, &spans);
            return;
        }
        let gap = self.outcome.saturating_sub(outcome.len()).max(2);
        page.line(&[
            mark(demanded),
            plain(format!("{mode:<13}")),
            Span::new(tone, outcome),
            plain(" ".repeat(gap)),
            plain(reason),
        ]);
    }

    fn stack(&self, page: &mut Page, demanded: bool, mode: &str, spans: &[Span<'_>]) {
        let lead = [mark(demanded), plain(format!("{mode:<13}"))];
        page.flow(&lead, MODE, spans);
    }
}

/// What points at the mode that was demanded.
fn mark(demanded: bool) -> Span<'static> {
    if demanded { strong("> ") } else { plain("  ") }
}
