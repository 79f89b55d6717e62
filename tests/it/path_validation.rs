//! The verdict on a chain, its error number and its depth, next to those of `openssl verify`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pgprobe::pki::path::{CrlPolicy, PathResult, Rules, verify_with};
use pgprobe::pki::pem;
use pgprobe::pki::release::Release;
use pgprobe::pki::{Certificate, TrustStore};

const DAY: i64 = 86_400;
const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
const IDENTIFIERS: &str = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";
/// Some releases of the command add key identifiers unless told not to.
const NO_IDENTIFIERS: &str = "subjectKeyIdentifier=none\nauthorityKeyIdentifier=none\n";
const LEAF: &str = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n\
    extendedKeyUsage=serverAuth\nsubjectAltName=DNS:db.example.test\n";
const UNKNOWN: &str = "1.3.6.1.4.1.55555.1=critical,ASN1:NULL\n";

/// A directory of keys, certificates and CRLs that the openssl command makes.
struct Lab {
    directory: tempfile::TempDir,
}

/// The end of validity that most certificates of the lab have, in days from now.
const LONG: u32 = 3650;

impl Lab {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    #[expect(clippy::disallowed_methods, reason = "a test reads what openssl wrote")]
    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn openssl<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        Command::new("openssl")
            .args(arguments)
            .current_dir(self.directory.path())
            .output()
            .expect("the tests need the openssl command")
    }

    fn run(&self, arguments: &str) {
        let output = self.openssl(arguments.split_whitespace());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {error}");
    }

    /// Makes `name.key`: `kind` is what `openssl genpkey` takes.
    fn key(&self, name: &str, kind: &str) {
        self.run(&format!("genpkey -out {name}.key {kind}"));
    }

    fn ec_key(&self, name: &str) {
        self.key(name, "-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    }

    /// Makes `name.crt` for a subject such as `/CN=x`; `issuer` names another certificate, or the
    /// same for a self-signed one. `key` is whose key it has.
    fn certificate(&self, name: &str, key: &str, subject: &str, issuer: &str, extensions: &str) {
        self.certificate_with(name, key, subject, issuer, extensions, LONG, "-sha256");
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what openssl x509 -req wants to know"
    )]
    fn certificate_with(
        &self,
        name: &str,
        key: &str,
        subject: &str,
        issuer: &str,
        extensions: &str,
        days: u32,
        options: &str,
    ) {
        self.write("ext", extensions);
        self.run(&format!(
            "req -new -key {key}.key -subj {subject} -out {name}.csr -config /dev/null \
             -sha256 -utf8"
        ));
        let signer = if name == issuer {
            format!("-signkey {key}.key")
        } else {
            format!("-CA {issuer}.crt -CAkey {issuer}.key -CAcreateserial")
        };
        let extensions = if extensions.is_empty() {
            ""
        } else {
            "-extfile ext"
        };
        self.run(&format!(
            "x509 -req -in {name}.csr {signer} -days {days} -out {name}.crt {extensions} {options}"
        ));
        if key != name {
            std::fs::copy(
                self.path(&format!("{key}.key")),
                self.path(&format!("{name}.key")),
            )
            .unwrap();
        }
    }

    /// A self-signed certificate with a key of its own.
    fn root(&self, name: &str, extensions: &str) {
        self.ec_key(name);
        self.certificate(name, name, &format!("/CN={name}"), name, extensions);
    }

    /// A certificate with a key of its own.
    fn below(&self, name: &str, issuer: &str, extensions: &str) {
        self.ec_key(name);
        self.certificate(name, name, &format!("/CN={name}"), issuer, extensions);
    }

    /// Several certificates or CRLs as one file.
    fn bundle(&self, names: &[&str]) -> PathBuf {
        let text: Vec<u8> = names
            .iter()
            .flat_map(|name| {
                self.read(&if name.contains('.') {
                    (*name).to_owned()
                } else {
                    format!("{name}.crt")
                })
            })
            .collect();
        let first = names.first().copied().unwrap_or("nothing");
        let path = self.path(&format!("{first}.{}.{}.bundle", names.len(), text.len()));
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A time at which everything the lab has made so far is valid.
    fn now(&self, leaf: &str) -> i64 {
        let der = pem::certificates(&self.read(&format!("{leaf}.crt"))).unwrap();
        der[0].not_before_unix().unwrap() + 60
    }

    /// What both say of a chain: must be the same.
    fn compare(&self, case: &Case<'_>) -> Verdict {
        let levels: &[u8] = if case.all_levels { &[0, 1, 2] } else { &[2] };
        let chain = self.bundle(case.sent);
        let roots = self.bundle(case.roots);
        let mut last = Verdict::Trusted;
        for &level in levels {
            let theirs = self.openssl_verdict(case, &chain, &roots, level);
            last = self.our_verdict(case, &chain, &roots, level);
            assert_eq!(last, theirs, "{case:?} at level {level}");
        }
        last
    }

    fn at(&self, case: &Case<'_>) -> i64 {
        self.now(case.sent[0]) + case.days * DAY
    }

    fn openssl_verdict(&self, case: &Case<'_>, chain: &Path, roots: &Path, level: u8) -> Verdict {
        let mut command = vec![
            "verify".to_owned(),
            "-purpose".to_owned(),
            "sslserver".to_owned(),
            "-no-CApath".to_owned(),
            "-no-CAstore".to_owned(),
            "-auth_level".to_owned(),
            level.to_string(),
            "-attime".to_owned(),
            self.at(case).to_string(),
            "-CAfile".to_owned(),
            roots.display().to_string(),
            "-untrusted".to_owned(),
            chain.display().to_string(),
        ];
        if !case.crls.is_empty() {
            let crls = self.bundle(case.crls);
            command.extend(["-crl_check_all".to_owned(), "-CRLfile".to_owned()]);
            command.push(crls.display().to_string());
        }
        command.push(format!("{}.crt", case.sent[0]));
        let output = self.openssl(command);
        let text = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        // The command lets some errors pass; the first is the one a client stops at.
        match text.lines().find_map(parse_error) {
            Some((code, depth)) => Verdict::Refused { code, depth },
            None => {
                assert!(output.status.success(), "{case:?}: {text}");
                Verdict::Trusted
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a test reads what it wrote")]
    fn our_verdict(&self, case: &Case<'_>, chain: &Path, roots: &Path, level: u8) -> Verdict {
        let sent = pem::certificates(&std::fs::read(chain).unwrap()).unwrap();
        let mut store = TrustStore::from_pem(&std::fs::read(roots).unwrap()).unwrap();
        let mut policy = CrlPolicy::Off;
        if !case.crls.is_empty() {
            let crls = std::fs::read(self.bundle(case.crls)).unwrap();
            store.add_pem(&crls).unwrap();
            policy = CrlPolicy::CheckAll;
        }
        let rules = Rules {
            release: Release::V3,
            level,
        };
        match verify_with(&sent, &store, policy, rules, self.at(case)) {
            PathResult::Trusted { .. } => Verdict::Trusted,
            PathResult::Refused(error) => Verdict::Refused {
                code: error.code,
                depth: error.depth,
            },
            PathResult::Undetermined { reason, .. } => panic!("{case:?}: {reason}"),
        }
    }
}

/// `error 20 at 0 depth lookup: unable to ...`
fn parse_error(line: &str) -> Option<(i32, usize)> {
    let rest = line.strip_prefix("error ")?;
    let (code, rest) = rest.split_once(" at ")?;
    let (depth, _) = rest.split_once(" depth lookup")?;
    Some((code.parse().ok()?, depth.parse().ok()?))
}

#[derive(Debug, Default)]
struct Case<'a> {
    /// What the server sends, leaf first.
    sent: &'a [&'a str],
    roots: &'a [&'a str],
    crls: &'a [&'a str],
    /// When it is judged, in days after the leaf was made.
    days: i64,
    /// At levels 0, 1 and 2 rather than only 2.
    all_levels: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    Trusted,
    Refused { code: i32, depth: usize },
}

const fn refused(code: i32, depth: usize) -> Verdict {
    Verdict::Refused { code, depth }
}

fn ca() -> String {
    format!("{CA}{IDENTIFIERS}")
}

fn leaf() -> String {
    format!("{LEAF}{IDENTIFIERS}")
}

#[test]
fn chains_of_every_shape_are_judged_as_openssl_does() {
    let lab = Lab::new();
    lab.root("root", &ca());
    lab.root("other", &ca());
    lab.below("inter", "root", &ca());
    lab.below("second", "inter", &ca());
    lab.below("direct", "root", &leaf());
    lab.below("leaf", "inter", &leaf());
    lab.below("deep", "second", &leaf());
    lab.root("alone", LEAF);
    lab.root("alone_v1", "");
    lab.certificate("crossed", "inter", "/CN=inter", "other", &ca());
    lab.certificate("inter_root", "inter", "/CN=inter", "inter_root", &ca());
    // The same name and no key identifiers, another key.
    lab.ec_key("twin");
    let plain = |text: &str| format!("{text}{NO_IDENTIFIERS}");
    lab.certificate("twin", "twin", "/CN=root", "twin", &plain(CA));
    lab.certificate("plain_root", "root", "/CN=root", "plain_root", &plain(CA));
    lab.ec_key("plain_leaf");
    lab.certificate(
        "plain_leaf",
        "plain_leaf",
        "/CN=plain_leaf",
        "root",
        &plain(LEAF),
    );
    // A leaf with the name of the root that issued it.
    lab.ec_key("same_name");
    lab.certificate("same_name", "same_name", "/CN=root", "root", &leaf());

    let table: &[(&[&str], &[&str], Verdict)] = &[
        (&["direct"], &["root"], Verdict::Trusted),
        (&["leaf", "inter"], &["root"], Verdict::Trusted),
        (&["leaf"], &["root", "inter"], Verdict::Trusted),
        (&["leaf"], &["root"], refused(20, 0)),
        (&["leaf", "inter"], &["inter"], refused(2, 1)),
        (&["leaf"], &["leaf"], refused(20, 0)),
        (&["alone"], &["alone"], Verdict::Trusted),
        (&["alone"], &["root"], refused(18, 0)),
        (&["alone_v1"], &["alone_v1"], Verdict::Trusted),
        (&["direct", "root"], &["other"], refused(19, 1)),
        (&["leaf", "inter", "root"], &["other"], refused(19, 2)),
        (&["deep", "inter", "second"], &["root"], Verdict::Trusted),
        (&["deep", "second"], &["root"], refused(20, 1)),
        (
            &["leaf", "leaf", "direct", "inter"],
            &["root"],
            Verdict::Trusted,
        ),
        (&["leaf", "inter"], &["other"], refused(20, 1)),
        (&["leaf", "inter", "crossed"], &["other"], refused(20, 1)),
        (&["leaf", "crossed", "inter"], &["other"], Verdict::Trusted),
        (&["leaf", "crossed"], &["inter_root"], Verdict::Trusted),
        (&["plain_leaf"], &["twin", "plain_root"], refused(7, 0)),
        (&["plain_leaf"], &["plain_root", "twin"], Verdict::Trusted),
        (&["direct"], &["twin", "root"], refused(7, 0)),
    ];
    for (sent, roots, expected) in table {
        let verdict = lab.compare(&Case {
            sent,
            roots,
            ..Case::default()
        });
        assert_eq!(verdict, *expected, "{sent:?} below {roots:?}");
    }
    for roots in [&["root"][..], &["other"]] {
        lab.compare(&Case {
            sent: &["same_name"],
            roots,
            ..Case::default()
        });
    }
}

#[test]
fn the_rules_for_issuers_are_those_of_openssl() {
    let lab = Lab::new();
    lab.root("root", &ca());
    let only = |extra: &str| format!("{extra}{IDENTIFIERS}");
    let intermediates: &[(&str, String, Verdict)] = &[
        ("plain", ca(), Verdict::Trusted),
        ("no_ca", only("basicConstraints=CA:FALSE\n"), refused(79, 1)),
        ("nothing", only(""), refused(79, 1)),
        ("usage_only", only("keyUsage=keyCertSign\n"), refused(79, 1)),
        (
            "no_sign",
            only("basicConstraints=CA:TRUE\nkeyUsage=cRLSign\n"),
            refused(79, 1),
        ),
        (
            "no_usage",
            only("basicConstraints=CA:TRUE\n"),
            Verdict::Trusted,
        ),
        ("netscape", only("nsCertType=sslCA\n"), refused(79, 1)),
        (
            "client",
            ca() + "extendedKeyUsage=clientAuth\n",
            refused(26, 1),
        ),
        (
            "server",
            ca() + "extendedKeyUsage=serverAuth\n",
            Verdict::Trusted,
        ),
        ("sgc", ca() + "extendedKeyUsage=nsSGC\n", Verdict::Trusted),
        (
            "any",
            ca() + "extendedKeyUsage=anyExtendedKeyUsage\n",
            refused(26, 1),
        ),
        ("unknown", ca() + UNKNOWN, refused(34, 1)),
        (
            "policies",
            ca() + "policyConstraints=critical,requireExplicitPolicy:0\n",
            Verdict::Trusted,
        ),
        (
            "permitted",
            ca() + "nameConstraints=permitted;DNS:example.test\n",
            Verdict::Trusted,
        ),
        (
            "elsewhere",
            ca() + "nameConstraints=permitted;DNS:other.test\n",
            refused(47, 0),
        ),
        (
            "excluded",
            ca() + "nameConstraints=critical,excluded;DNS:example.test\n",
            refused(48, 0),
        ),
        (
            "addresses",
            ca() + "nameConstraints=permitted;IP:10.0.0.0/255.0.0.0\n",
            Verdict::Trusted,
        ),
    ];
    for (name, extensions, expected) in intermediates {
        lab.below(name, "root", extensions);
        lab.below("leaf", name, &leaf());
        let verdict = lab.compare(&Case {
            sent: &["leaf", name],
            roots: &["root"],
            ..Case::default()
        });
        assert_eq!(verdict, *expected, "intermediate {name}");
    }
    let anchors: &[(&str, String, Verdict)] = &[
        ("anchor", ca(), Verdict::Trusted),
        ("anchor_v1", String::new(), Verdict::Trusted),
        (
            "anchor_usage",
            only("keyUsage=keyCertSign\n"),
            Verdict::Trusted,
        ),
        ("anchor_nothing", only(""), refused(79, 1)),
        (
            "anchor_no_ca",
            only("basicConstraints=CA:FALSE\n"),
            refused(79, 1),
        ),
        (
            "anchor_client",
            ca() + "extendedKeyUsage=clientAuth\n",
            refused(26, 1),
        ),
        ("anchor_unknown", ca() + UNKNOWN, refused(34, 1)),
        (
            "anchor_netscape",
            only("nsCertType=sslCA\n"),
            Verdict::Trusted,
        ),
    ];
    for (name, extensions, expected) in anchors {
        lab.root(name, extensions);
        lab.below("leaf", name, LEAF);
        let verdict = lab.compare(&Case {
            sent: &["leaf"],
            roots: &[name],
            ..Case::default()
        });
        assert_eq!(verdict, *expected, "anchor {name}");
    }
}

#[test]
fn path_lengths_count_as_in_openssl() {
    let lab = Lab::new();
    let limited = |length: u8| {
        format!(
            "basicConstraints=critical,CA:TRUE,pathlen:{length}\nkeyUsage=keyCertSign\n{IDENTIFIERS}"
        )
    };
    lab.root("root0", &limited(0));
    lab.root("root1", &limited(1));
    for (root, expected) in [("root0", refused(25, 2)), ("root1", Verdict::Trusted)] {
        lab.below("inter", root, &limited(0));
        lab.below("leaf", "inter", &leaf());
        let verdict = lab.compare(&Case {
            sent: &["leaf", "inter"],
            roots: &[root],
            ..Case::default()
        });
        assert_eq!(verdict, expected, "{root}");
    }
}

#[test]
fn the_rules_for_leaves_are_those_of_openssl() {
    let lab = Lab::new();
    lab.root("root", &ca());
    let table: &[(&str, &str, Verdict)] = &[
        ("bare", "", Verdict::Trusted),
        ("client", "extendedKeyUsage=clientAuth\n", refused(26, 0)),
        (
            "any",
            "extendedKeyUsage=anyExtendedKeyUsage\n",
            refused(26, 0),
        ),
        ("sgc", "extendedKeyUsage=msSGC\n", Verdict::Trusted),
        ("sign", "keyUsage=keyCertSign\n", refused(26, 0)),
        ("agree", "keyUsage=keyAgreement\n", Verdict::Trusted),
        ("encipher", "keyUsage=keyEncipherment\n", Verdict::Trusted),
        ("ca", "basicConstraints=CA:TRUE\n", Verdict::Trusted),
        ("netscape_client", "nsCertType=client\n", refused(26, 0)),
        ("netscape_server", "nsCertType=server\n", Verdict::Trusted),
        ("unknown", UNKNOWN, refused(34, 0)),
        (
            "broken_names",
            "subjectAltName=DER:300382\n",
            refused(20, 0),
        ),
        (
            "trailing_names",
            "subjectAltName=DER:3003820178050000\n",
            Verdict::Trusted,
        ),
        ("no_names", "subjectAltName=DER:3000\n", Verdict::Trusted),
        ("broken_usage", "keyUsage=DER:0400\n", refused(20, 0)),
        ("empty_usage", "keyUsage=DER:030100\n", refused(20, 0)),
        (
            "boolean",
            "basicConstraints=DER:3003010101\n",
            Verdict::Trusted,
        ),
        ("staple", "tlsfeature=status_request\n", Verdict::Trusted),
        (
            "foreign_key",
            "authorityKeyIdentifier=DER:30168014000102030405060708090a0b0c0d0e0f10111213\n",
            refused(20, 0),
        ),
    ];
    for (name, extensions, expected) in table {
        lab.below(name, "root", extensions);
        let verdict = lab.compare(&Case {
            sent: &[name],
            roots: &["root"],
            ..Case::default()
        });
        assert_eq!(verdict, *expected, "leaf {name}");
    }
}

#[test]
fn a_common_name_is_constrained_where_it_looks_like_a_host() {
    let lab = Lab::new();
    lab.root("root", &ca());
    let constraints = "nameConstraints=permitted;DNS:example.test\n";
    lab.below("inter", "root", &(ca() + constraints));
    for (subject, expected) in [
        ("/CN=db.example.test", Verdict::Trusted),
        ("/CN=db.other.test", refused(47, 0)),
        ("/CN=database", Verdict::Trusted),
        ("/CN=db_1.other.test", refused(47, 0)),
        ("/CN=-db.other.test", Verdict::Trusted),
        ("/CN=10.0.0.1", refused(47, 0)),
        ("/O=db.other.test", Verdict::Trusted),
    ] {
        lab.ec_key("leaf");
        lab.certificate("leaf", "leaf", subject, "inter", IDENTIFIERS);
        let verdict = lab.compare(&Case {
            sent: &["leaf", "inter"],
            roots: &["root"],
            ..Case::default()
        });
        assert_eq!(verdict, expected, "{subject}");
    }
}

#[test]
fn every_certificate_of_the_path_has_to_be_in_time() {
    let lab = Lab::new();
    let make = |name: &str, issuer: &str, extensions: &str, days| {
        lab.ec_key(name);
        let subject = format!("/CN={name}");
        lab.certificate_with(name, name, &subject, issuer, extensions, days, "");
    };
    make("root", "root", &ca(), 300);
    make("inter", "root", &ca(), 200);
    make("leaf", "inter", &leaf(), 100);
    make("long_leaf", "inter", &leaf(), 1000);
    make("long_inter", "root", &ca(), 1000);
    make("longest_leaf", "long_inter", &leaf(), 1000);
    for (sent, days, expected) in [
        (&["leaf", "inter"], 99, Verdict::Trusted),
        (&["leaf", "inter"], 101, refused(10, 0)),
        (&["long_leaf", "inter"], 201, refused(10, 1)),
        (&["longest_leaf", "long_inter"], 301, refused(10, 2)),
        (&["leaf", "inter"], -1, refused(9, 2)),
    ] {
        let verdict = lab.compare(&Case {
            sent,
            roots: &["root"],
            days,
            ..Case::default()
        });
        assert_eq!(verdict, expected, "{sent:?} after {days} days");
    }
}

#[test]
fn weak_keys_and_digests_fail_by_level() {
    let lab = Lab::new();
    lab.key("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    lab.key("small", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024");
    lab.certificate("rsa", "rsa", "/CN=rsa", "rsa", &ca());
    lab.certificate("small", "small", "/CN=small", "small", &ca());
    let make = |name: &str, key: &str, issuer: &str, options: &str| {
        lab.certificate_with(name, key, "/CN=leaf", issuer, &leaf(), LONG, options);
    };
    let pss = "-sigopt rsa_padding_mode:pss";
    make("plain", "rsa", "rsa", "-sha256");
    make("weak_key", "small", "rsa", "-sha256");
    make("weak_issuer", "rsa", "small", "-sha256");
    make("sha1", "rsa", "rsa", "-sha1");
    make("md5", "rsa", "rsa", "-md5");
    make("sha224", "rsa", "rsa", "-sha224");
    make("sha512", "rsa", "rsa", "-sha512");
    make("pss", "rsa", "rsa", &format!("-sha256 {pss}"));
    make(
        "pss_short",
        "rsa",
        "rsa",
        &format!("-sha384 {pss} -sigopt rsa_pss_saltlen:7"),
    );
    make("pss_sha1", "rsa", "rsa", &format!("-sha1 {pss}"));
    for (name, root, expected) in [
        ("plain", "rsa", Verdict::Trusted),
        ("weak_key", "rsa", refused(66, 0)),
        ("weak_issuer", "small", refused(67, 1)),
        ("sha1", "rsa", refused(68, 0)),
        ("md5", "rsa", refused(68, 0)),
        ("sha224", "rsa", Verdict::Trusted),
        ("sha512", "rsa", Verdict::Trusted),
        ("pss", "rsa", Verdict::Trusted),
        ("pss_short", "rsa", Verdict::Trusted),
        ("pss_sha1", "rsa", refused(68, 0)),
    ] {
        let verdict = lab.compare(&Case {
            sent: &[name],
            roots: &[root],
            all_levels: true,
            ..Case::default()
        });
        assert_eq!(verdict, expected, "{name}");
    }
}

#[test]
fn keys_of_many_kinds_sign_and_are_signed() {
    let lab = Lab::new();
    for (name, kind, digest) in [
        (
            "p256",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            "-sha512",
        ),
        (
            "p384",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            "-sha384",
        ),
        (
            "p521",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
            "-sha256",
        ),
        (
            "p256_sha224",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            "-sha224",
        ),
        (
            "p384_sha224",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            "-sha224",
        ),
        (
            "k1",
            "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
            "-sha256",
        ),
        ("ed25519", "-algorithm ED25519", ""),
        (
            "pss",
            "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
            "-sha256",
        ),
        (
            "pss_strict",
            "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
             -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32",
            "-sha256",
        ),
    ] {
        lab.key(name, kind);
        let subject = format!("/CN={name}");
        lab.certificate_with(name, name, &subject, name, &ca(), LONG, digest);
        lab.certificate_with("leaf", name, "/CN=leaf", name, &leaf(), LONG, digest);
        let verdict = lab.compare(&Case {
            sent: &["leaf"],
            roots: &[name],
            ..Case::default()
        });
        assert_eq!(verdict, Verdict::Trusted, "{name}");
    }
    lab.key(
        "explicit",
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
    );
    lab.root("root", &ca());
    lab.certificate("explicit", "explicit", "/CN=explicit", "root", &leaf());
    let verdict = lab.compare(&Case {
        sent: &["explicit"],
        roots: &["root"],
        ..Case::default()
    });
    assert_eq!(verdict, refused(94, 0));
}

#[test]
fn names_are_compared_in_canonical_form() {
    let lab = Lab::new();
    lab.root("root", &ca());
    lab.ec_key("spaced");
    // As the issuer writes it once, and as the certificate below has it.
    lab.certificate(
        "spaced",
        "spaced",
        "/O=Some\u{20ac}Thing/CN=The-CA",
        "root",
        &ca(),
    );
    lab.certificate(
        "shouted",
        "spaced",
        "/O=SOME\u{20ac}thing/CN=THE-ca",
        "root",
        &ca(),
    );
    lab.below("leaf", "shouted", LEAF);
    let verdict = lab.compare(&Case {
        sent: &["leaf", "spaced"],
        roots: &["root"],
        ..Case::default()
    });
    assert_eq!(verdict, Verdict::Trusted);
    for name in ["root", "spaced", "shouted"] {
        let output = lab.openssl([
            "x509",
            "-noout",
            "-subject_hash",
            "-in",
            &format!("{name}.crt"),
        ]);
        let certificate = &pem::certificates(&lab.read(&format!("{name}.crt"))).unwrap()[0];
        assert_eq!(
            format!("{:08x}", certificate.subject.hash()),
            String::from_utf8_lossy(&output.stdout).trim(),
        );
    }
}

#[test]
fn trust_settings_decide_before_anything_else() {
    let lab = Lab::new();
    lab.root("root", &ca());
    lab.below("inter", "root", &ca());
    lab.below("leaf", "inter", &leaf());
    for (name, certificate, setting) in [
        ("root_for_servers.pem", "root", "-addtrust serverAuth"),
        ("root_for_all.pem", "root", "-addtrust anyExtendedKeyUsage"),
        ("root_for_mail.pem", "root", "-addtrust emailProtection"),
        ("root_not_for_servers.pem", "root", "-addreject serverAuth"),
        ("inter_for_servers.pem", "inter", "-addtrust serverAuth"),
    ] {
        lab.run(&format!(
            "x509 -in {certificate}.crt -trustout {setting} -out {name}"
        ));
    }
    for (root, expected) in [
        ("root_for_servers.pem", Verdict::Trusted),
        ("root_for_all.pem", Verdict::Trusted),
        ("root_for_mail.pem", refused(28, 2)),
        ("root_not_for_servers.pem", refused(28, 2)),
        ("inter_for_servers.pem", Verdict::Trusted),
    ] {
        let verdict = lab.compare(&Case {
            sent: &["leaf", "inter"],
            roots: &[root],
            ..Case::default()
        });
        assert_eq!(verdict, expected, "{root}");
    }
}

#[test]
fn a_hundred_intermediates_are_the_most() {
    let lab = Lab::new();
    lab.root("root", &ca());
    let mut issuer = "root".to_owned();
    let mut tower = Vec::new();
    for level in 0..101 {
        let name = format!("ca{level}");
        // One key for all of them, for the sake of time.
        lab.certificate(&name, "root", &format!("/CN={name}"), &issuer, CA);
        tower.insert(0, name.clone());
        issuer = name;
    }
    for (height, expected) in [(100, Verdict::Trusted), (101, refused(22, 101))] {
        let top = &tower[101 - height];
        lab.below("leaf", top, LEAF);
        let sent: Vec<&str> = std::iter::once("leaf")
            .chain(tower[101 - height..].iter().map(String::as_str))
            .collect();
        let verdict = lab.compare(&Case {
            sent: &sent,
            roots: &["root"],
            ..Case::default()
        });
        assert_eq!(verdict, expected, "{height} intermediates");
    }
}

/// A CA for `openssl ca`, which can revoke and make CRLs.
fn crl(lab: &Lab, ca: &str, name: &str, revoked: &[&str], options: &str) {
    lab.write("index.txt", "");
    lab.write("crlnumber", "01\n");
    lab.write(
        "ca.cnf",
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\n\
         unique_subject=no\ncrl_extensions=c\n[c]\nauthorityKeyIdentifier=keyid\n",
    );
    let signer = format!("-config ca.cnf -cert {ca}.crt -keyfile {ca}.key");
    for certificate in revoked {
        lab.run(&format!("ca {signer} -revoke {certificate}.crt"));
    }
    lab.run(&format!("ca {signer} -gencrl -out {name} {options}"));
}

#[test]
fn revocation_lists_are_heeded_as_openssl_does() {
    let lab = Lab::new();
    lab.root("root", &ca());
    lab.below("inter", "root", &ca());
    lab.below("leaf", "inter", &leaf());
    let no_crl_sign = format!("basicConstraints=CA:TRUE\nkeyUsage=keyCertSign\n{IDENTIFIERS}");
    lab.root("mute", &no_crl_sign);
    lab.below("mute_leaf", "mute", &leaf());
    crl(&lab, "root", "root.crl", &[], "-crldays 100");
    crl(&lab, "root", "root_revokes.crl", &["inter"], "-crldays 100");
    crl(&lab, "inter", "inter.crl", &[], "-crldays 200");
    crl(
        &lab,
        "inter",
        "inter_revokes.crl",
        &["leaf"],
        "-crldays 200",
    );
    crl(&lab, "mute", "mute.crl", &[], "-crldays 100");
    for (crls, days, expected) in [
        (&["inter.crl", "root.crl"][..], 1, Verdict::Trusted),
        (&["root.crl"], 1, refused(3, 0)),
        (&["inter.crl"], 1, refused(3, 1)),
        (&["inter_revokes.crl", "root.crl"], 1, refused(23, 0)),
        (&["inter.crl", "root_revokes.crl"], 1, refused(23, 1)),
        (&["inter.crl", "root.crl"], 150, refused(12, 1)),
        (&["inter.crl", "root.crl"], 250, refused(12, 0)),
        (&["mute.crl"], 1, refused(3, 0)),
    ] {
        let verdict = lab.compare(&Case {
            sent: &["leaf", "inter"],
            roots: &["root"],
            crls,
            days,
            ..Case::default()
        });
        assert_eq!(verdict, expected, "{crls:?} after {days} days");
    }
    let verdict = lab.compare(&Case {
        sent: &["mute_leaf"],
        roots: &["mute"],
        crls: &["mute.crl"],
        days: 1,
        ..Case::default()
    });
    assert_eq!(verdict, refused(35, 0));
}

#[test]
fn serial_numbers_are_printed_as_openssl_does() {
    let lab = Lab::new();
    lab.ec_key("key");
    for serial in [
        "0",
        "1",
        "255",
        "0x80",
        "-5",
        "-128",
        "-0x0102030405060708090a0b0c0d0e0f10",
    ] {
        lab.run(&format!(
            "req -x509 -new -key key.key -subj /CN=x -out x.crt -config /dev/null \
             -set_serial {serial}"
        ));
        let output = lab.openssl(["x509", "-noout", "-serial", "-in", "x.crt"]);
        let certificate = &pem::certificates(&lab.read("x.crt")).unwrap()[0];
        assert_eq!(
            format!("serial={}", certificate.serial_hex()),
            String::from_utf8_lossy(&output.stdout).trim(),
        );
    }
}

#[test]
fn a_certificate_with_one_octet_changed_is_never_a_panic() {
    let lab = Lab::new();
    lab.root("root", &ca());
    lab.below("leaf", "root", &leaf());
    let der = pem::certificates(&lab.read("leaf.crt")).unwrap()[0]
        .der
        .clone();
    let store = TrustStore::from_pem(&lab.read("root.crt")).unwrap();
    let now = lab.now("leaf");
    for place in 0..der.len() {
        for value in [0, 0x30, 0x80, 0xff] {
            let mut changed = der.clone();
            changed[place] = value;
            if changed == der {
                continue;
            }
            let sent = [Certificate::parse(&changed)];
            let rules = Rules {
                release: Release::V3,
                level: 2,
            };
            let result = verify_with(&sent, &store, CrlPolicy::Off, rules, now);
            // The signature covers all but itself and the lengths around it.
            assert_ne!(result.is_trusted(), Some(true), "octet {place} is {value}");
        }
    }
}
