//! Who terminates the TLS: PostgreSQL itself, or something in front of it. docs/front-ends.md says
//! what each sign was seen on.

use crate::observation::enumeration::{Enumeration, Order, VersionSeen};
use crate::observation::{Connection, Failure, ServerError, StartupReply};
use crate::report::enumeration::{FrontEnd, FrontEndReport};

/// Whether the evidence shows something.
type Shows = fn(&Evidence<'_>) -> bool;

/// Something that speaks for a proxy, and whether an old PostgreSQL would explain it, too.
struct Sign {
    words: &'static str,
    old_postgresql_would: bool,
}

/// Signs that no PostgreSQL since the minor releases of 2021 gives.
const SIGNS: &[(Shows, Sign)] = &[
    (
        |evidence| evidence.below_tls_1_3(|version| version.extensions.contains(&35)),
        Sign {
            words: "it gives session tickets below TLS 1.3; PostgreSQL does not since 2017",
            old_postgresql_would: true,
        },
    ),
    (
        |evidence| evidence.below_tls_1_3(|version| version.session_id),
        Sign {
            words: "it gives session ids below TLS 1.3; PostgreSQL does not since 2017",
            old_postgresql_would: true,
        },
    ),
    (
        |evidence| evidence.below_tls_1_3(|version| !version.compression.is_empty()),
        Sign {
            words: "it compresses; PostgreSQL does not since 2021",
            old_postgresql_would: true,
        },
    ),
    (
        |evidence| evidence.tickets_and_groups(),
        Sign {
            words: "it gives session tickets and takes more than one group: PostgreSQL takes several \
                    groups since 18 only, and gives no tickets since long before",
            old_postgresql_would: false,
        },
    ),
    (
        |evidence| evidence.direct_goes_on(),
        Sign {
            words: "it goes on after direct TLS without ALPN; no PostgreSQL does",
            old_postgresql_would: false,
        },
    ),
    (
        |evidence| evidence.refused_before_s().is_some(),
        Sign {
            words: "it refuses bytes behind SSLRequest in plaintext, before S; PostgreSQL does so after \
                    the handshake",
            old_postgresql_would: false,
        },
    ),
    (
        |evidence| {
            evidence
                .errors()
                .any(|error| !error.old_style && error.routine.is_none())
        },
        Sign {
            words: "its errors name no routine of the source; PostgreSQL's always do",
            old_postgresql_would: false,
        },
    ),
];

/// A rule that names a product: all of it must hold.
struct Product {
    name: &'static str,
    holds: Shows,
}

/// The products, each as seen on the version in docs/front-ends.md.
const PRODUCTS: &[Product] = &[
    Product {
        name: "PgBouncer",
        holds: |evidence| {
            evidence.refused_before_s().is_some_and(|error| {
                error.routine.is_none() && error.message.contains("unencrypted data")
            })
        },
    },
    Product {
        name: "stunnel",
        holds: |evidence| {
            evidence.seen.ssl_request == Some(b'S')
                && evidence.seen.error_before_s.is_none()
                && evidence.order_in_tls_1_2() == Some(Order::Client)
                && evidence.seen.tickets.is_some_and(|tickets| tickets > 0)
                && evidence.groups_of_tls_1_3() == [0x001d, 0x0017, 0x001e, 0x0019, 0x0018]
        },
    },
    Product {
        name: "nginx",
        holds: |evidence| {
            evidence.direct_goes_on()
                && evidence.order_in_tls_1_2() == Some(Order::Client)
                && evidence.refuses_with(0x0301, 80)
                && evidence.refuses_with(0x0304, 70)
        },
    },
];

pub(super) fn report(seen: &Enumeration, connections: &[Connection]) -> FrontEndReport {
    let evidence = Evidence { seen, connections };
    let spoken = seen
        .versions
        .iter()
        .any(|version| version.answer.value().is_some());
    if !spoken && evidence.refused_before_s().is_none() {
        return FrontEndReport {
            conclusion: FrontEnd::NotObserved,
            product: None,
            evidence: Vec::new(),
        };
    }
    let signs: Vec<_> = SIGNS
        .iter()
        .filter(|(shows, _)| shows(&evidence))
        .map(|(_, sign)| sign)
        .collect();
    // One sign may be an accident or an old PostgreSQL; two, of which that explains only one, not.
    let telling = signs.iter().any(|sign| !sign.old_postgresql_would);
    let conclusion = match signs.len() {
        0 => FrontEnd::NoSign,
        2.. if telling => FrontEnd::Proxy,
        _ => FrontEnd::ProxyOrOld,
    };
    let product = PRODUCTS
        .iter()
        .find(|product| conclusion == FrontEnd::Proxy && (product.holds)(&evidence));
    FrontEndReport {
        conclusion,
        product: product.map(|product| product.name.to_owned()),
        evidence: signs.iter().map(|sign| sign.words.to_owned()).collect(),
    }
}

struct Evidence<'a> {
    seen: &'a Enumeration,
    connections: &'a [Connection],
}

impl Evidence<'_> {
    fn below_tls_1_3(&self, shows: impl Fn(&VersionSeen) -> bool) -> bool {
        let mut versions = self
            .seen
            .versions
            .iter()
            .filter(|version| version.version < 0x0304);
        versions.any(shows)
    }

    /// The error in answer to bytes behind SSLRequest. PostgreSQL that cannot fork says so there,
    /// too, in the form of protocol 2.
    fn refused_before_s(&self) -> Option<&ServerError> {
        let error = self.seen.error_before_s.as_ref();
        error.filter(|error| error.sqlstate == "08P01" && !error.old_style)
    }

    fn tickets_and_groups(&self) -> bool {
        let tickets = self.seen.tickets.is_some_and(|tickets| tickets > 0)
            || self.below_tls_1_3(|version| version.extensions.contains(&35));
        tickets
            && self
                .seen
                .versions
                .iter()
                .any(|version| version.groups.len() > 1)
    }

    fn direct_goes_on(&self) -> bool {
        match self.seen.direct_without_alpn.value() {
            Some(StartupReply::Authentication(_)) => true,
            Some(StartupReply::Error(error)) => error.sqlstate != "08P01" && !error.old_style,
            _ => false,
        }
    }

    /// Every error that the server sent to a StartupMessage.
    fn errors(&self) -> impl Iterator<Item = &ServerError> {
        let replies = self
            .connections
            .iter()
            .map(|connection| &connection.startup);
        let more = [
            &self.seen.direct_without_alpn,
            &self.seen.plaintext_before_tls,
        ];
        replies.chain(more).filter_map(|step| match step.value() {
            Some(StartupReply::Error(error)) => Some(error),
            _ => None,
        })
    }

    fn version(&self, code: u16) -> Option<&VersionSeen> {
        self.seen
            .versions
            .iter()
            .find(|version| version.version == code)
    }

    fn order_in_tls_1_2(&self) -> Option<Order> {
        self.version(0x0303)?.suite_order
    }

    fn groups_of_tls_1_3(&self) -> &[u16] {
        self.version(0x0304)
            .map(|version| version.groups.as_slice())
            .unwrap_or_default()
    }

    fn refuses_with(&self, version: u16, alert: u8) -> bool {
        let answer = self
            .version(version)
            .and_then(|version| version.answer.failure());
        answer == Some(&Failure::Alert(alert))
    }
}
