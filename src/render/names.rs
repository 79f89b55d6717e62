//! The names of the certificate, and which rule matched the host.

use super::page::{Page, Span, Tone, plain};
use super::wording::cut;
use crate::report::{CertificateReport, HostNameReport};

/// How many names are listed without `-v`.
const SHOWN: usize = 12;

/// What the certificate is for, and whether the host is among it.
pub(super) fn names(page: &mut Page, leaf: &CertificateReport, host: Option<&HostNameReport>) {
    let mut label = "names";
    if let Some(host) = host {
        let asked = cut(&host.host);
        let found = host.matched_name.as_deref().map(cut);
        let text = match (&found, host.rule.as_deref()) {
            (Some(name), Some(rule)) => {
                plain(format!("\"{asked}\" matches {} {name}", rule_text(rule)))
            }
            _ if host.host.is_empty() => plain("no host name to compare with"),
            _ => Span::new(Tone::Doubtful, format!("\"{asked}\" is none of them")),
        };
        page.entry(label, &[text]);
        label = "";
    }
    let listed = &leaf.subject_alt_names;
    let common_names: Vec<_> = leaf.common_names.iter().map(|name| cut(name)).collect();
    let text = match (listed.as_slice(), common_names.as_slice()) {
        ([], []) => "no subjectAltName and no CN".to_owned(),
        ([], some) => format!("no subjectAltName, only the CN {}", some.join(", ")),
        (all, _) => {
            let shown = if page.style.verbosity > 0 {
                all.len()
            } else {
                SHOWN
            };
            let names: Vec<_> = all.iter().take(shown).map(|name| cut(name)).collect();
            let mut text = cut(&names.join(", ")).into_owned();
            if all.len() > shown {
                text += &format!(" and {} more (-v)", all.len() - shown);
            }
            text
        }
    };
    page.text(label, &text);
}

/// The rule by the name that RFC 5280 has for what it looks at.
fn rule_text(rule: &str) -> &str {
    match rule {
        "dns_name" => "dNSName",
        "dns_wildcard" => "wildcard dNSName",
        "ip_address" => "iPAddress",
        "common_name" => "the CN",
        "common_name_wildcard" => "the wildcard CN",
        other => other,
    }
}
