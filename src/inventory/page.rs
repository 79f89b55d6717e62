//! The page of `pgprobe report`: one file, nothing loaded from anywhere, nothing of a server
//! run or styled.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::Hash;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::attention::{Remark, Weight, remarks};
use super::chart::{Part, Row, bars, html, stacked};
use super::host::{Chained, ClientCertificate, Host, MODES, Mode, day};
use super::summary::{Counts, Summary};

/// A page holds no more hosts than a browser sorts without delay.
pub const MOST_HOSTS: usize = 20_000;

/// A page is no larger than can be sent and opened, in bytes.
pub const MOST_BYTES: usize = 30_000_000;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Hosts on their way to a page.
#[derive(Debug)]
pub struct Page {
    summary: Summary,
    hosts: Vec<(Option<Weight>, Host)>,
    /// Hosts with less than this are no longer kept; `None` keeps all.
    least: Option<Weight>,
    left_out: bool,
}

impl Page {
    /// An empty page, whose expiry is counted from a time in seconds since 1970.
    pub fn new(now: i64) -> Self {
        Self {
            summary: Summary::new(now),
            hosts: Vec::new(),
            least: None,
            left_out: false,
        }
    }

    /// Counts a host, and keeps it while there is room; the remarks on it.
    pub fn add(&mut self, host: Host) -> Vec<Remark> {
        let remarks = remarks(&host, self.summary.now);
        self.summary.count(&host, &remarks);
        let weight = remarks.first().map(|remark| remark.0);
        if weight >= self.least {
            self.hosts.push((weight, host));
        }
        while self.hosts.len() > MOST_HOSTS {
            self.left_out = true;
            self.least = match self.least {
                None => Some(Weight::Low),
                Some(Weight::Low) => Some(Weight::Medium),
                Some(Weight::Medium) => Some(Weight::High),
                Some(Weight::High) => {
                    self.hosts.truncate(MOST_HOSTS);
                    break;
                }
            };
            self.hosts.retain(|(weight, _)| *weight >= self.least);
        }
        remarks
    }

    /// How many hosts were counted.
    pub fn counted(&self) -> u64 {
        self.summary.hosts
    }

    /// The page; `beside` is the name of the file of all hosts, if there is one. The second says
    /// whether the page lacks hosts that were counted.
    pub fn html(mut self, title: &str, beside: Option<&str>) -> (String, bool) {
        // The weightiest first, so that they stay where not all do.
        self.hosts
            .sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        loop {
            let data = safe(&self.data());
            let short = self.left_out || u64::try_from(self.hosts.len()) != Ok(self.summary.hosts);
            let page = self.page(title, beside.filter(|_| short), short, &data);
            let (hosts, bytes) = (self.hosts.len(), page.len());
            if bytes <= MOST_BYTES || hosts == 0 {
                return (page, short);
            }
            self.left_out = true;
            self.hosts
                .truncate((hosts * MOST_BYTES / bytes).min(hosts - 1));
        }
    }

    fn page(&self, title: &str, beside: Option<&str>, short: bool, data: &str) -> String {
        let title = html(title);
        let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
        let mut page = String::with_capacity(data.len() + 60_000);
        let _ = write!(
            page,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n\
             <h1>{title}</h1>\n{}</header>\n",
            hash(STYLE),
            hash(SCRIPT),
            self.introduction(beside, short),
        );
        page.push_str(&self.cards());
        page.push_str(&self.charts());
        page.push_str(TABLE);
        let _ = write!(
            page,
            "<script type=\"application/json\" id=\"data\">{data}</script>\n\
             <script>{SCRIPT}</script>\n</body>\n</html>\n"
        );
        page
    }

    fn introduction(&self, beside: Option<&str>, short: bool) -> String {
        let mut text = String::new();
        if let Some((first, last)) = self.summary.probed {
            let (first, last) = (day(first), day(last));
            let when = if first == last {
                first
            } else {
                format!("{first} to {last}")
            };
            let _ = write!(text, "<p>Probed {when}, ");
        } else {
            text.push_str("<p>");
        }
        let _ = writeln!(
            text,
            "expiry counted from {}, by pgprobe {}. What libpq would do was judged when the hosts \
             were probed.</p>",
            day(self.summary.now),
            env!("CARGO_PKG_VERSION"),
        );
        if short {
            let _ = write!(
                text,
                "<p>Counts and charts are of all {} hosts; the table holds the {} that need \
                 attention most.",
                self.summary.hosts,
                self.hosts.len()
            );
            if let Some(beside) = beside {
                let _ = write!(text, " All are in {}.", html(beside));
            }
            text.push_str("</p>\n");
        }
        text
    }

    fn cards(&self) -> String {
        let summary = &self.summary;
        let answered =
            ["tls", "no_tls", "tls_failed", "unix_socket"].map(|word| summary.status(word));
        let remark = |word| {
            summary
                .remarks
                .get(word)
                .map(|found| found.1)
                .unwrap_or_default()
        };
        let cards = [
            ("", summary.hosts, "hosts"),
            ("", answered.iter().sum(), "answered"),
            ("", summary.status("tls"), "with TLS"),
            ("high", summary.status("no_tls"), "without TLS"),
            ("high", remark("plaintext accepted"), "accept plaintext"),
            ("high", summary.expired, "expired"),
            ("medium", summary.soon, "expire in 30 days"),
        ];
        let mut list = String::from("<ul class=\"cards\">\n");
        for (class, count, word) in cards {
            let class = if count == 0 { "" } else { class };
            let _ = writeln!(list, "<li class=\"{class}\"><b>{count}</b>{word}</li>");
        }
        list + "</ul>\n"
    }

    fn charts(&self) -> String {
        let summary = &self.summary;
        let per_mode = |counts: &[Counts; MODES.len()]| {
            let words = Summary::words(counts);
            let parts = |of: &Counts| {
                let of_word = |word: &String| Some(Part(class(word), word.clone(), *of.get(word)?));
                words.iter().filter_map(of_word).collect()
            };
            let rows = MODES.iter().zip(counts);
            rows.map(|(mode, of)| Row((*mode).to_owned(), parts(of)))
                .collect::<Vec<_>>()
        };
        let part = |class, count| vec![Part(class, String::new(), count)];
        let mut expiry = vec![Row("expired".to_owned(), part("b", summary.expired))];
        for (name, count) in summary.month_names().into_iter().zip(summary.expires) {
            expiry.push(Row(name, part("a", count)));
        }
        let versions: Vec<_> = summary.versions.clone().into_iter().collect();
        let key = |class: &str, word: &str| {
            format!(
                "<span class=\"key\"><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect \
                 class=\"bar {class}\" width=\"10\" height=\"10\"/></svg>{word}</span>"
            )
        };
        format!(
            "<h2>All hosts</h2>\n<p>{}{}{}{}</p>\n<section class=\"charts\">\n{}\n{}\n{}\n{}\n{}\n{}\n\
             {}\n</section>\n",
            key("a", "accepted, connects"),
            key("b", "refused, fails, expired"),
            key("d", "not known, undetermined"),
            key("c", "not used"),
            bars("TLS version", &versions),
            bars(
                "What became of the hosts",
                &Summary::most(&summary.statuses)
            ),
            stacked(
                "Would libpq take this TLS, by sslmode",
                &per_mode(&summary.tls)
            ),
            stacked(
                "Would libpq connect, by sslmode",
                &per_mode(&summary.outcomes)
            ),
            stacked("When the first certificate of the chain expires", &expiry),
            bars(
                "Issuer of the server's certificate",
                &Summary::most(&summary.issuers)
            ),
            bars(
                "Key of the server's certificate",
                &Summary::most(&summary.keys)
            ),
        )
    }

    /// The hosts for the script: what repeats is a number in a list.
    fn data(&self) -> Value {
        let mut strings = List::default();
        let mut certificates = List::default();
        let mut modes = List::default();
        let mut remarked = List::default();
        let hosts: Vec<Value> = self
            .hosts
            .iter()
            .map(|(_, host)| {
                let verdicts: Vec<_> = host.modes.iter().map(|one| modes.at(one.clone())).collect();
                let chain: Vec<_> = host
                    .certificates
                    .iter()
                    .map(|one| certificates.at(one.clone()))
                    .collect();
                let trust: Vec<_> = host
                    .trust
                    .iter()
                    .map(|one| strings.at(one.clone()))
                    .collect();
                let notes: Vec<_> = remarks(host, self.summary.now)
                    .into_iter()
                    .map(|one| remarked.at(one))
                    .collect();
                json!([
                    host.name,
                    host.tag,
                    host.address,
                    host.probed_at,
                    strings.at(host.status.clone()),
                    strings.at(host.failure.clone()),
                    strings.at(host.protocol_version.clone()),
                    strings.at(host.cipher_suite.clone()),
                    strings.at(host.group.clone()),
                    host.completed,
                    match host.client_certificate {
                        ClientCertificate::NotRequested => 0,
                        ClientCertificate::Requested => 1,
                        ClientCertificate::Demanded => 2,
                    },
                    verdicts,
                    strings.at(host.tls_startup.words().to_owned()),
                    strings.at(host.plaintext_startup.words().to_owned()),
                    trust,
                    chain,
                    notes,
                    host.expires(),
                ])
            })
            .collect();
        let certificates: Vec<_> = certificates
            .items
            .iter()
            .map(|one: &Chained| {
                json!([
                    one.subject,
                    strings.at(one.issuer.clone()),
                    one.self_signed,
                    one.serial,
                    one.names,
                    one.not_before,
                    one.not_after,
                    strings.at(one.key.clone()),
                    strings.at(one.signature_algorithm.clone()),
                    one.sha256,
                ])
            })
            .collect();
        let modes: Vec<_> = modes
            .items
            .iter()
            .map(|one: &Mode| json!([one.outcome, one.encrypted, one.tls, one.why, one.code]))
            .collect();
        let remarked: Vec<_> = remarked
            .items
            .iter()
            .map(|(weight, word): &Remark| {
                let number = match weight {
                    Weight::Low => 1,
                    Weight::Medium => 2,
                    Weight::High => 3,
                };
                json!([number, word])
            })
            .collect();
        json!({
            "now": self.summary.now,
            "names": MODES,
            "strings": strings.items,
            "certificates": certificates,
            "modes": modes,
            "remarks": remarked,
            "hosts": hosts,
        })
    }
}

/// The colour of a word of the contract.
fn class(word: &str) -> &'static str {
    match word {
        "accepted" | "connects" => "a",
        "refused" | "fails" => "b",
        "not used" => "c",
        _ => "d",
    }
}

/// JSON that cannot end the element it stands in.
fn safe(data: &Value) -> String {
    data.to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

/// Things by number, each once.
#[derive(Debug)]
struct List<T> {
    items: Vec<T>,
    numbers: HashMap<T, usize>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> List<T> {
    fn at(&mut self, item: T) -> usize {
        *self.numbers.entry(item).or_insert_with_key(|item| {
            self.items.push(item.clone());
            self.items.len() - 1
        })
    }
}

const TABLE: &str = r#"<h2 id="hosts">Hosts</h2>
<noscript><p>Table and details need JavaScript; the counts and charts above do not.</p></noscript>
<form id="filters" role="search">
<label>Search (press /)<input id="search" type="search" autocomplete="off"></label>
<label>Status<select id="status"><option value="">any</option></select></label>
<label>TLS version<select id="version"><option value="">any</option></select></label>
<label>Remark<select id="remark"><option value="">any</option></select></label>
<label>Expires<select id="ends"><option value="">any time</option><option value="-1">has expired</option><option value="7">within 7 days</option><option value="30">within 30 days</option><option value="90">within 90 days</option><option value="365">within a year</option></select></label>
<button type="button" id="clear">Reset</button>
</form>
<div id="pages"><span id="count" role="status"></span> <button type="button" id="back">Previous</button> <button type="button" id="on">Next</button></div>
<div class="wide"><table>
<thead><tr>
<th scope="col" data-column="name"><button type="button">Target</button></th>
<th scope="col" data-column="status"><button type="button">Status</button></th>
<th scope="col" data-column="version"><button type="button">TLS</button></th>
<th scope="col" data-column="full"><button type="button">verify-full</button></th>
<th scope="col" data-column="tls"><button type="button">pg_hba: TLS</button></th>
<th scope="col" data-column="plaintext"><button type="button">pg_hba: plaintext</button></th>
<th scope="col" data-column="issuer"><button type="button">Issuer</button></th>
<th scope="col" data-column="key"><button type="button">Key</button></th>
<th scope="col" data-column="ends"><button type="button">Expires</button></th>
<th scope="col" data-column="remarks"><button type="button">Remarks</button></th>
</tr></thead>
<tbody id="rows"></tbody>
</table></div>
<dialog id="details" aria-labelledby="details-name"><form method="dialog"><button aria-label="Close">&#10005;</button></form><h2 id="details-name"></h2><div id="details-body"></div></dialog>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        Host {
            name: name.into(),
            status: "tls".into(),
            certificates: vec![Chained {
                subject: "</script><script>alert(1)</script>".into(),
                not_after: Some(1_000_000_000),
                ..Chained::default()
            }],
            ..Host::default()
        }
    }

    #[test]
    fn nothing_of_a_server_ends_the_data_or_becomes_an_element() {
        let mut page = Page::new(0);
        page.add(host("<img src=x>"));
        let (html, short) = page.html("<b>a</b>", None);
        assert!(!short);
        assert_eq!(html.matches("<script").count(), 2);
        assert_eq!(html.matches("</script>").count(), 2);
        assert!(!html.contains("<img") && !html.contains("<b>a"));
    }

    #[test]
    fn a_page_that_is_full_keeps_what_needs_attention() {
        let now = 1_000_000_001;
        let mut page = Page::new(now);
        for number in 0..MOST_HOSTS {
            let mut fine = host(&format!("fine{number}"));
            fine.certificates.clear();
            page.add(fine);
        }
        page.add(host("expired"));
        assert_eq!(page.hosts.len(), 1);
        assert_eq!(page.counted(), 20_001);
        let (html, short) = page.html("all", Some("all.csv"));
        assert!(short && html.contains("All are in all.csv"));
    }
}
