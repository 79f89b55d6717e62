//! The findings of a host for people: the worst first, what mends each under it, each once.

use super::page::{Page, Span, Tone, plain, strong};
use super::reasons::place;
use super::wording::cut;
use crate::lints;
use crate::report::{Finding, FixPlace, HostReport, Severity, Suggestion};

/// All findings of a host; those of no consequence, and those that a baseline knows, by name only
/// unless details are wanted.
pub(super) fn findings(page: &mut Page, host: &HostReport) {
    let details = page.style.verbosity > 0;
    let (known, new): (Vec<_>, Vec<_>) = host.findings.iter().partition(|one| one.known.is_some());
    let (info, worse): (Vec<_>, Vec<_>) = new
        .into_iter()
        .partition(|one| one.severity == Severity::Info);
    if host.findings.is_empty() {
        return;
    }
    page.blank();
    page.prose(&[strong("findings")]);
    let mut pasted = Vec::new();
    for finding in worse {
        one(page, host, finding, &mut pasted);
    }
    if details {
        for finding in info {
            one(page, host, finding, &mut pasted);
        }
    } else if !info.is_empty() {
        page.text("info", &format!("{} (-v says more)", names(&info)));
    }
    if details {
        for finding in known {
            let why = finding.known.as_ref().map(|known| {
                format!(
                    "{} ({}): {}, until {}",
                    finding.lint,
                    finding.severity.name(),
                    cut(&known.reason),
                    known.until
                )
            });
            page.text("known", &why.unwrap_or_default());
        }
        for suggestion in &host.suggestions {
            suggested(page, suggestion);
        }
    } else if !known.is_empty() {
        page.text("known", &format!("{} (by the baseline)", names(&known)));
    }
}

fn names(findings: &[&Finding]) -> String {
    let names: Vec<_> = findings.iter().map(|finding| finding.lint).collect();
    names.join(", ")
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical | Severity::High => Tone::Bad,
        Severity::Medium => Tone::Doubtful,
        Severity::Low | Severity::Info => Tone::Strong,
    }
}

/// A finding and its fixes; lines that stand above already are not shown again.
fn one<'h>(
    page: &mut Page,
    host: &HostReport,
    finding: &'h Finding,
    pasted: &mut Vec<&'h [String]>,
) {
    let label = finding.severity.name();
    let name = Span::new(tone(finding.severity), finding.lint);
    let above = |about| host.advice.iter().any(|advice| advice.about == about);
    if finding.advice.is_some_and(above) {
        let summary = lints::find(finding.lint).map_or("", |lint| lint.summary);
        page.entry(label, &[name, plain(format!(": {summary} (fix above)"))]);
        return;
    }
    page.entry(
        label,
        &[name, plain(format!(": {}", cut(&finding.message)))],
    );
    for fix in &finding.fixes {
        if !fix.paste.is_empty() && pasted.contains(&fix.paste.as_slice()) {
            page.entry("fix", &[plain(cut(&fix.text)), plain(" (the line above)")]);
            continue;
        }
        pasted.push(&fix.paste);
        page.entry("fix", &[plain(cut(&fix.text)), plain(place(fix))]);
        for line in &fix.paste {
            page.paste(&cut(line));
        }
    }
}

fn suggested(page: &mut Page, suggestion: &Suggestion) {
    let file = match suggestion.place {
        FixPlace::PostgresqlConf => "postgresql.conf",
        FixPlace::PgHbaConf => "pg_hba.conf, above all other lines",
        FixPlace::ConnectionString
        | FixPlace::ClientShell
        | FixPlace::ServerShell
        | FixPlace::Elsewhere => "the configuration",
    };
    let clears = suggestion.clears.join(", ");
    page.text(
        "suggested",
        &format!("for {file}, to clear {clears}; then reload:"),
    );
    for line in &suggestion.lines {
        page.paste(line);
    }
}
