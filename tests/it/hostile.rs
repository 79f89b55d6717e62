//! What a hostile server says does nothing to the terminal it is shown on.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use pgprobe::assess::assess;
use pgprobe::emulates::Emulates;
use pgprobe::observation::{
    Answer, CertificateRequest, Endpoint, Failure, HostObservation, Observation, Request,
    ServerError, StartupReply, Step,
};
use pgprobe::render::{self, Style};
use pgprobe::report::Report;
use rcgen::{CertificateParams, DnType, KeyPair, SanType};

use crate::support::fleet::pgprobe;
use crate::support::repository::repository;

/// Escape sequences, line breaks, characters that turn the line round or hide, and a forged line.
const HOSTILE: &str = "\x1b[31m\x1b]0;owned\x07\u{9b}2J\r\n\u{2028}\u{202e}\u{2066}\u{200b}\u{feff}\
                       \u{e0041}\x7f\x08\nFORGED  verify-full  connects TLS";

/// The same as far as an IA5String can hold it.
const HOSTILE_ASCII: &str = "\x1b[31m\x1b]0;owned\x07\r\n\x7f\x08\nFORGED  verify-full  connects";

/// How much text reports may be whatever the server says, in a terminal that there is: nobody would
/// read more.
fn most_shown(style: Style) -> usize {
    match (style.width, style.verbosity) {
        (WIDE, _) => usize::MAX,
        (_, 0) => 128 * 1024,
        _ => 2 * 1024 * 1024,
    }
}

/// Columns enough that nothing is wrapped.
const WIDE: usize = 100_000;

#[test]
fn nothing_a_server_says_reaches_the_terminal_raw() {
    for report in reports() {
        for style in styles() {
            let mut out = Vec::new();
            render::text(&report, style, &mut out).unwrap();
            let shown = String::from_utf8(out).unwrap();
            let raw: BTreeSet<char> = shown.chars().filter(|one| dangerous(*one)).collect();
            assert!(raw.is_empty(), "{raw:?} in {style:?}:\n{shown}");
            // Where lines are wrapped, any word can come first.
            let mut starts = shown.lines().map(str::trim_start);
            let forged = starts.find(|line| style.width == WIDE && line.starts_with("FORGED"));
            assert!(
                forged.is_none(),
                "a line of the server's own in {style:?}:\n{shown}"
            );
        }
    }
}

#[test]
fn side_by_side_they_do_no_more() {
    let reports = reports();
    let recorded = ["good", "wrong-name"].map(|name| report(&observation(name)));
    let beside: Vec<_> = recorded.into_iter().chain(reports).collect();
    for style in styles() {
        let mut out = Vec::new();
        render::comparison(&beside, style, &mut out).unwrap();
        let shown = String::from_utf8(out).unwrap();
        let raw: BTreeSet<char> = shown.chars().filter(|one| dangerous(*one)).collect();
        assert!(raw.is_empty(), "{raw:?} in {style:?}:\n{shown}");
        assert!(shown.len() < most_shown(style), "{}", shown.len());
        let mut starts = shown.lines().map(str::trim_start);
        let forged = starts.find(|line| style.width == WIDE && line.starts_with("FORGED"));
        assert!(forged.is_none(), "in {style:?}:\n{shown}");
        if !style.quiet {
            assert!(shown.contains("servers side by side"), "{shown}");
            // The real ones are still read: nobody else's words stand in their column.
            assert!(shown.contains("pg-primary.internal"), "{shown}");
        }
    }
    // In columns the lines keep to the terminal, too.
    for width in [40, 60, 80, 100] {
        let mut out = Vec::new();
        let style = Style {
            width,
            ..Style::default()
        };
        render::comparison(&beside, style, &mut out).unwrap();
        for line in String::from_utf8(out).unwrap().lines() {
            let to_copy = line.starts_with("    ") && !line.starts_with("     ");
            assert!(to_copy || line.len() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn what_is_very_long_is_cut() {
    let [.., long] = reports();
    for style in styles() {
        let mut out = Vec::new();
        render::text(&long, style, &mut out).unwrap();
        let most = most_shown(style);
        assert!(out.len() < most, "{} in {style:?}", out.len());
    }
}

#[test]
fn what_a_hostile_server_says_is_still_shown() {
    let [all, ..] = reports();
    let mut out = Vec::new();
    render::text(
        &all,
        Style {
            verbosity: 2,
            width: WIDE,
            ..Style::default()
        },
        &mut out,
    )
    .unwrap();
    let shown = String::from_utf8(out).unwrap();
    for place in ["chain  ", "DNS:", "from CN=", "in plaintext: "] {
        let mut lines = shown.lines().filter(|line| line.contains(place));
        let line = lines.find(|line| line.contains("FORGED")).unwrap();
        assert!(line.contains("[31m"), "{place}: {line}");
    }
}

#[test]
fn colours_are_the_only_escape_sequences() {
    for report in reports() {
        let mut out = Vec::new();
        render::text(
            &report,
            Style {
                color: true,
                ..Style::default()
            },
            &mut out,
        )
        .unwrap();
        let mut shown = String::from_utf8(out).unwrap();
        assert!(shown.contains('\x1b'));
        for own in render::sequences() {
            // Where a colour is ours, its end follows on the same line.
            while let Some((before, after)) = shown.split_once(&own) {
                let (line, _) = after.split_once('\n').unwrap();
                assert!(line.contains("\x1b[0m"), "{line:?}");
                shown = format!("{before}{}", after.replacen("\x1b[0m", "", 1));
            }
        }
        assert!(!shown.contains('\x1b'), "{shown:?}");
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut reports = reports().to_vec();
    for entry in std::fs::read_dir(repository("tests/data/observations")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            for line in std::fs::read_to_string(path).unwrap().lines() {
                let observation: Observation = serde_json::from_str(line).unwrap();
                let at = observation.observed_at;
                reports.push(assess(&observation, Emulates::default(), at));
            }
        }
    }
    assert!(reports.len() > 12);
    for report in reports {
        for width in [40, 57, 60, 72, 80, 100] {
            for verbosity in 0..=2 {
                let mut out = Vec::new();
                let style = Style {
                    width,
                    verbosity,
                    ..Style::default()
                };
                render::text(&report, style, &mut out).unwrap();
                for line in String::from_utf8(out).unwrap().lines() {
                    // What is to be copied is never broken: hashes, serial numbers, lines to paste.
                    let hexadecimal = |word: &str| {
                        word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
                    };
                    let to_copy = line.starts_with("    ") && !line.starts_with("     ");
                    let to_copy = to_copy || line.split(' ').any(hexadecimal);
                    assert!(to_copy || line.len() <= width, "{width}: {line}");
                }
            }
        }
    }
}

#[test]
fn json_escapes_control_characters() {
    for report in reports() {
        let mut out = Vec::new();
        render::json(&report, &mut out).unwrap();
        let line = String::from_utf8(out).unwrap();
        assert_eq!(line.matches('\n').count(), 1);
        assert!(line.ends_with('\n'));
        assert!(!line.trim_end().chars().any(|one| one < ' '), "{line}");
    }
}

#[test]
fn a_pipe_gets_colour_only_when_it_asks() {
    let folder = repository("tests/data/observations");
    for (environment, options, colour) in [
        (&[][..], &[][..], false),
        (&[], &["--color", "auto"], false),
        (&[], &["--color", "never"], false),
        (&[], &["--color", "always"], true),
        (&[("NO_COLOR", "1")], &["--color", "always"], true),
    ] {
        let ran = pgprobe(
            &folder,
            environment,
            &[&["assess", "good.json"], options].concat(),
        );
        assert_eq!(
            ran.stdout.contains('\x1b'),
            colour,
            "{environment:?} {options:?}"
        );
    }
}

#[test]
fn a_terminal_gets_colour_unless_it_or_the_user_will_not_have_it() {
    for (environment, options, colour) in [
        (&[("TERM", "xterm")][..], "", true),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], "", false),
        (&[("TERM", "xterm"), ("NO_COLOR", "")], "", true),
        (&[("TERM", "dumb")], "", false),
        (&[("TERM", "xterm")], "--color never", false),
    ] {
        let program = env!("CARGO_BIN_EXE_pgprobe");
        let output = Command::new("script")
            .args(["--quiet", "--return", "--command"])
            .arg(format!("{program} assess good.json {options}"))
            .arg("/dev/null")
            .current_dir(repository("tests/data/observations"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .output()
            .expect("script of util-linux gives us a terminal");
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("verify-full"), "{shown}");
        assert_eq!(
            shown.contains('\x1b'),
            colour,
            "{environment:?} {options}: {shown}"
        );
    }
}

/// Whether a terminal might do something else with it than to show it.
fn dangerous(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{061c}' | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn styles() -> Vec<Style> {
    let mut styles = Vec::new();
    for quiet in [false, true] {
        for verbosity in 0..=2 {
            for width in [40, 80, WIDE] {
                for unicode in [false, true] {
                    styles.push(Style {
                        quiet,
                        verbosity,
                        width,
                        unicode,
                        height: (width == 80).then_some(24),
                        color: false,
                    });
                }
            }
        }
    }
    styles
}

/// Reports of servers that put [`HOSTILE`] wherever a server has a say.
fn reports() -> [Report; 5] {
    let base = observation("good-full");
    let mut certificates = base.clone();
    let error = ServerError {
        severity: HOSTILE.into(),
        sqlstate: HOSTILE.into(),
        message: HOSTILE.into(),
        detail: Some(HOSTILE.into()),
        hint: Some(HOSTILE.into()),
        routine: Some(HOSTILE.into()),
        old_style: false,
    };
    let answer = |reply| Step::Observed {
        value: reply,
        ms: 1.0,
    };
    for connection in connections(&mut certificates) {
        if let Some(tls) = &mut connection.tls {
            tls.certificates = vec![certificate()];
            tls.alpn = Some(HOSTILE.into());
            tls.certificate_request = Some(CertificateRequest {
                limits_certificates: false,
                authorities: vec![name()],
                signature_schemes: Vec::new(),
            });
        }
        if connection.startup.value().is_some() {
            connection.startup = answer(StartupReply::Error(error.clone()));
        }
    }
    let mut mechanisms = base.clone();
    for connection in connections(&mut mechanisms) {
        connection.startup = answer(StartupReply::Authentication(
            pgprobe::observation::Authentication {
                code: 10,
                mechanisms: vec![HOSTILE.into(), "SCRAM-SHA-256".into()],
            },
        ));
    }
    let mut broken = base.clone();
    for connection in connections(&mut broken) {
        let why = || Failure::Protocol(HOSTILE.into());
        connection.handshake = Step::Failed {
            failure: why(),
            ms: 1.0,
        };
        connection.tls = None;
        connection.startup = answer(StartupReply::Unexpected {
            kind: 0x1b,
            why: HOSTILE.into(),
        });
    }
    let mut long = base.clone();
    let text = format!("{HOSTILE}{}", "\u{202e}long".repeat(8 * 1024));
    for connection in connections(&mut long) {
        if let Some(tls) = &mut connection.tls {
            tls.certificates = vec![certificate_of(&text); 30];
            tls.alpn = Some(text.clone());
            tls.certificate_request = Some(CertificateRequest {
                limits_certificates: false,
                authorities: vec![name(); 300],
                signature_schemes: Vec::new(),
            });
        }
        if connection.startup.value().is_some() {
            connection.startup = answer(StartupReply::Error(ServerError {
                message: text.clone(),
                detail: Some(text.clone()),
                ..error.clone()
            }));
        }
        let mut bytes = Answer::new(Request::StartupMessage);
        bytes.add(text.as_bytes());
        connection.answers = vec![bytes];
    }
    let mut unresolved = base;
    unresolved.client.input = HOSTILE.into();
    unresolved.hosts = vec![HostObservation {
        index: 0,
        host: None,
        hostaddr: None,
        port: 5432,
        resolve: Step::Failed {
            failure: Failure::Unresolved(HOSTILE.into()),
            ms: 1.0,
        },
        addresses: Vec::new(),
    }];
    [certificates, mechanisms, broken, unresolved, long].map(|one| report(&one))
}

/// What was seen of a real server.
fn observation(name: &str) -> Observation {
    let file = repository("tests/data/observations").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn report(observation: &Observation) -> Report {
    assess(observation, Emulates::default(), observation.observed_at)
}

fn connections(
    observation: &mut Observation,
) -> impl Iterator<Item = &mut pgprobe::observation::Connection> {
    let addresses = observation
        .hosts
        .iter_mut()
        .flat_map(|host| &mut host.addresses);
    let tcp = addresses.filter(|address| matches!(address.address, Endpoint::Tcp(_)));
    tcp.flat_map(|address| &mut address.connections)
}

/// Self-signed, with [`HOSTILE`] as subject and subjectAltNames.
fn certificate() -> Vec<u8> {
    certificate_of(HOSTILE)
}

/// The same for another subject.
fn certificate_of(subject: &str) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, subject);
    params
        .distinguished_name
        .push(DnType::OrganizationName, "a\0b");
    let text = || HOSTILE_ASCII.to_owned().try_into().unwrap();
    params.subject_alt_names = vec![
        SanType::DnsName(text()),
        SanType::Rfc822Name(text()),
        SanType::URI(text()),
    ];
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

/// The DER of a name with [`HOSTILE`] as its CN.
fn name() -> Vec<u8> {
    let value = HOSTILE.as_bytes();
    let tagged = |tag: u8, body: &[u8]| {
        let length = u8::try_from(body.len()).unwrap();
        // The long form, as the body has more than 127 bytes or not.
        [&[tag, 0x81, length], body].concat()
    };
    let common_name = [&[0x06, 0x03, 0x55, 0x04, 0x03][..], &tagged(0x0c, value)].concat();
    tagged(0x30, &tagged(0x31, &tagged(0x30, &common_name)))
}

#[test]
fn findings_of_a_hostile_server_are_text_in_every_format() {
    let mut found = 0;
    for mut report in reports() {
        // What a spreadsheet would take for a formula, and a viewer for a link or a placeholder.
        for host in &mut report.hosts {
            for finding in &mut host.findings {
                finding.message = format!("=cmd|'/c calc'!A0 [x](https://evil) {{0}} {HOSTILE}");
                found += 1;
            }
        }
        let mut results = Vec::new();
        render::sarif_results(&report, &mut results).unwrap();
        let results = String::from_utf8(results).unwrap();
        assert!(!results.chars().any(|one| one != '\n' && dangerous(one)));
        for line in results.lines() {
            let line = line.strip_prefix(',').unwrap();
            let result: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = result["message"]["text"].as_str().unwrap();
            assert!(!text.chars().any(dangerous), "{text:?}");
            assert!(text.contains(r"\[x\](https://evil) {{0}}"), "{text}");
        }
        let mut lines = Vec::new();
        render::findings_csv(&report, &mut lines).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        assert!(
            !lines
                .chars()
                .any(|one| !"\r\n".contains(one) && dangerous(one))
        );
        assert!(!lines.contains("\"=cmd"), "{lines}");
        assert_eq!(lines.matches("\r\n").count(), lines.matches('\n').count());
        for line in lines.lines() {
            assert_eq!(line.split("\",\"").count(), 13, "{line}");
        }
    }
    assert!(found > 3, "{found}");
}
