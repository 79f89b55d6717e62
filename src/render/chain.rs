//! The chain as a tree from the server's certificate up to what it ends in, and who trusts it.

use super::page::{Page, Span, Tone, plain};
use super::wording::{cut, subject, validity};
use crate::report::{
    Anchors, CertificateReport, ChainReport, ChainStatus, Report, Shared, TlsReport,
};

/// How many certificates of the tree are shown, and as many that were not needed: a server can
/// send a hundred, and `-v` has them all.
const MOST: usize = 10;

/// A certificate of the tree.
struct Node<'r> {
    name: &'r str,
    marks: Vec<&'static str>,
    fact: Span<'r>,
}

/// The tree, the server's certificate first: it is the one that people look for.
pub(super) fn chain(
    page: &mut Page,
    report: &Report,
    sent: &[Shared<CertificateReport>],
    tls: &TlsReport,
) {
    let (mut nodes, mut unused) = nodes(report, sent, &tls.chain);
    let untold = nodes.len().saturating_sub(MOST) + unused.len().saturating_sub(MOST);
    nodes.truncate(MOST);
    unused.truncate(MOST);
    let branch = if page.style.unicode { "└─ " } else { "`- " };
    let lead = |depth: usize| match depth {
        0 => String::new(),
        depth => format!("{}{branch}", "   ".repeat(depth - 1)),
    };
    let heads: Vec<_> = nodes.iter().map(Node::head).collect();
    let widths: Vec<_> = heads
        .iter()
        .enumerate()
        .map(|(depth, head)| depth * 3 + page.width_of(head))
        .collect();
    let room = page.room();
    // Beside the name where there is room, else below it.
    let fits = |width: usize, node: &Node<'_>| width + 2 + node.fact.text.len() <= room;
    let column = nodes
        .iter()
        .zip(&widths)
        .filter(|(node, width)| fits(**width, node));
    let column = column.map(|(_, width)| width + 2).max().unwrap_or_default();
    let mut label = "chain";
    for (depth, ((node, head), width)) in nodes.iter().zip(&heads).zip(&widths).enumerate() {
        let fact = node.fact.clone();
        if fits(*width, node) && column + fact.text.len() <= room {
            let gap = " ".repeat(column - width);
            page.row(label, &[plain(lead(depth)), plain(head), plain(gap), fact]);
        } else {
            page.branch(label, &lead(depth), &[plain(head)]);
            page.branch("", &"   ".repeat(depth + 1), &[fact]);
        }
        label = "";
    }
    for certificate in unused {
        let (tone, text) = validity(certificate, &report.judged_at);
        let name = subject(&certificate.subject);
        let head = format!("not needed, but sent: {name}; ");
        page.entry(label, &[plain(head), Span::new(tone, text)]);
        label = "";
    }
    if untold > 0 {
        page.text(label, &format!("and {untold} more certificates (-v)"));
    }
    trust(page, &tls.chain);
}

/// The certificates of the tree, and those that were sent for nothing.
fn nodes<'r>(
    report: &Report,
    sent: &'r [Shared<CertificateReport>],
    sets: &'r [ChainReport],
) -> (Vec<Node<'r>>, Vec<&'r Shared<CertificateReport>>) {
    let verified = sets.iter().find(|set| set.status == ChainStatus::Ok);
    let longest = sets.iter().max_by_key(|set| set.path.len());
    let way = verified.or(longest);
    let mut left: Vec<_> = sent.iter().collect();
    let mut nodes = Vec::new();
    let mut last = None;
    let path = way.map(|way| way.path.as_slice()).unwrap_or_default();
    for name in path {
        let found = left.iter().position(|one| one.subject == *name);
        match found.map(|found| left.remove(found)) {
            Some(certificate) => {
                nodes.push(node(certificate, &report.judged_at));
                last = Some(certificate);
            }
            None => {
                let source = way.map(place).unwrap_or_default();
                nodes.push(Node {
                    name,
                    marks: Vec::new(),
                    fact: plain(source),
                });
                last = None;
            }
        }
    }
    if path.is_empty() {
        nodes = left
            .iter()
            .map(|one| node(one, &report.judged_at))
            .collect();
        last = left.last().copied();
        left.clear();
    }
    // Only where no set has it: a verified chain may end in what was sent.
    let end = last.filter(|_| verified.is_none());
    if let Some(end) = end.filter(|end| end.subject != end.issuer) {
        let name = end.issuer.as_str();
        let fact = if left.iter().any(|one| one.subject == name) {
            "sent, but does not fit"
        } else {
            "MISSING, nowhere found"
        };
        nodes.push(Node {
            name,
            marks: Vec::new(),
            fact: Span::new(Tone::Doubtful, fact),
        });
    }
    (nodes, left)
}

fn node<'r>(certificate: &'r CertificateReport, judged_at: &str) -> Node<'r> {
    let (tone, text) = validity(certificate, judged_at);
    let mut marks = Vec::new();
    if certificate.self_signed {
        marks.push("self-signed");
    }
    Node {
        name: &certificate.subject,
        marks,
        fact: Span::new(tone, text),
    }
}

impl Node<'_> {
    fn head(&self) -> String {
        let name = subject(self.name);
        if self.marks.is_empty() {
            name.into_owned()
        } else {
            format!("{name} ({})", self.marks.join(", "))
        }
    }
}

/// Where an anchor lies that the server has not sent.
fn place(set: &ChainReport) -> String {
    match (set.anchors, &set.source) {
        (Anchors::RootFile, Some(source)) => format!("in {source}"),
        (Anchors::RootFile, None) => "in the root file".into(),
        (Anchors::System, _) => "in the system's store".into(),
        (Anchors::Mozilla, _) => "one of Mozilla's roots".into(),
    }
}

/// What each set of anchors says; sets that say the same share a line.
fn trust(page: &mut Page, sets: &[ChainReport]) {
    let mut said: Vec<(String, Span<'_>)> = Vec::new();
    for set in sets {
        let verbose = page.style.verbosity > 0;
        let name = match (set.anchors, &set.source) {
            (Anchors::RootFile, Some(source)) => format!("root file {source}"),
            (Anchors::RootFile, None) => "root file".into(),
            (Anchors::System, Some(source)) if verbose => format!("system ({source})"),
            (Anchors::System, _) => "system".into(),
            (Anchors::Mozilla, _) => "Mozilla".into(),
        };
        let answer = answer(set);
        match said
            .iter_mut()
            .find(|(_, known)| known.text == answer.text && known.tone == answer.tone)
        {
            Some((names, _)) => *names += &format!(", {name}"),
            None => said.push((name, answer)),
        }
    }
    let mut label = "trust";
    for (names, answer) in said {
        page.entry(label, &[plain(format!("{names}: ")), answer]);
        label = "";
    }
}

fn answer(set: &ChainReport) -> Span<'static> {
    let message = cut(set.message.as_deref().unwrap_or_default()).into_owned();
    match set.status {
        ChainStatus::Ok => Span::new(Tone::Good, "verifies"),
        ChainStatus::Failed => {
            let number = set.error.unwrap_or_default();
            plain(match set.depth {
                Some(depth) if depth > 0 => format!("{message} (error {number} at depth {depth})"),
                _ => format!("{message} (error {number})"),
            })
        }
        ChainStatus::Undetermined => Span::new(Tone::Doubtful, format!("undetermined: {message}")),
        ChainStatus::Absent => plain("none here"),
        ChainStatus::Unreadable => plain(message),
    }
}

/// The rest of what is worth knowing of the server's certificate.
pub(super) fn leaf(page: &mut Page, leaf: &CertificateReport) {
    let mut facts = vec![key(leaf), leaf.signature_algorithm.clone()];
    if leaf.version != 3 {
        facts.push(format!("X.509 v{}", leaf.version));
    }
    if leaf.ca == Some(true) {
        facts.push("CA:TRUE".into());
    }
    let day = |time: &Option<String>| {
        let time = time.as_deref().unwrap_or("?");
        time.get(..10).unwrap_or(time).to_owned()
    };
    facts.push(format!(
        "valid {} to {}",
        day(&leaf.not_before),
        day(&leaf.not_after)
    ));
    page.text("certificate", &facts.join(", "));
    if let Some(why) = &leaf.unparsed {
        let text = format!("it cannot be read whole: {}", cut(why));
        page.entry("", &[Span::new(Tone::Doubtful, text)]);
    }
    page.token("SHA-256", &leaf.sha256);
}

fn key(certificate: &CertificateReport) -> String {
    match certificate.key_bits {
        // The name of a curve says how many.
        Some(bits) if !certificate.key_type.starts_with("EC ") => {
            format!("{} {bits}", certificate.key_type)
        }
        _ => certificate.key_type.clone(),
    }
}

/// `-v`: every field of every certificate that was sent.
pub(super) fn fields(page: &mut Page, sent: &[Shared<CertificateReport>]) {
    for (number, certificate) in sent.iter().enumerate() {
        let label = format!("sent [{number}]");
        page.text(&label, &subject(&certificate.subject));
        page.text("", &format!("issuer {}", subject(&certificate.issuer)));
        let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "unreadable".into());
        page.text(
            "",
            &format!(
                "valid {} to {}",
                time(&certificate.not_before),
                time(&certificate.not_after)
            ),
        );
        page.text(
            "",
            &format!(
                "X.509 v{}, {}, {}",
                certificate.version,
                key(certificate),
                certificate.signature_algorithm
            ),
        );
        page.token("", &format!("serial {}", cut(&certificate.serial)));
        if let Some(ca) = certificate.ca {
            let length = match certificate.path_length {
                Some(length) => format!(", pathLenConstraint {length}"),
                None => String::new(),
            };
            let ca = if ca { "TRUE" } else { "FALSE" };
            page.text("", &format!("basicConstraints CA:{ca}{length}"));
        }
        for (extension, values) in [
            ("keyUsage", &certificate.key_usage),
            ("extendedKeyUsage", &certificate.extended_key_usage),
        ] {
            if let Some(values) = values {
                page.text("", &format!("{extension} {}", cut(&values.join(", "))));
            }
        }
        for (extension, value) in [
            ("subjectKeyIdentifier", &certificate.subject_key_identifier),
            (
                "authorityKeyIdentifier",
                &certificate.authority_key_identifier,
            ),
        ] {
            if let Some(value) = value {
                page.text("", &format!("{extension} {}", cut(value)));
            }
        }
        page.text("", "SHA-256 of the certificate, and of its public key:");
        page.token("", &certificate.sha256);
        page.token("", &certificate.spki_sha256);
    }
}
