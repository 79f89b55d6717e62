//! Whole handshakes with a scripted server: what completes, what every OpenSSL refuses, and what a
//! hostile server cannot do.

use num_bigint_dig::BigUint;
use proptest::prelude::*;

use super::client::{Client, Progress};
use super::messages::{self, handshake, vector16};
use super::testing::{FFDHE2048, IDENTITY, Script, Server, client, hello, run};
use crate::observation::Failure;
use crate::pki::Certificate;
use crate::pki::signature::verify_handshake_signature;

const TLS_1_0: u16 = 0x0301;
const TLS_1_1: u16 = 0x0302;
const TLS_1_2: u16 = 0x0303;

/// A suite of each key exchange with each protection, for a server with an RSA key.
const SUITES: [u16; 20] = [
    0xc030, 0x009f, 0xcca8, 0xccaa, 0xc02f, 0x009e, 0xc028, 0x006b, 0xc027, 0x0067, 0xc014, 0x0039,
    0xc013, 0x0033, 0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f,
];
const OLD_SUITES: [u16; 6] = [0xc014, 0x0039, 0xc013, 0x0033, 0x0035, 0x002f];
const RSA_CBC: u16 = 0x002f;
const ECDHE_CBC: u16 = 0xc013;
const ECDHE_GCM: u16 = 0xc02f;
const DHE_GCM: u16 = 0x009e;

/// extended_master_secret, encrypt_then_mac, session_ticket.
const EXTENSIONS: [u16; 3] = [23, 22, 35];

fn with(version: u16, suite: u16, extensions: &[u16]) -> Script {
    let mut script = Script::new(version, suite);
    let more = extensions.iter().map(|kind| (*kind, Vec::new()));
    script.extensions.extend(more);
    script
}

fn rule(reason: &str) -> Result<(), Failure> {
    Err(Failure::TlsRule(reason.to_owned()))
}

#[track_caller]
fn completes(script: Script) -> Client {
    let name = format!("{script:?}");
    let (mut client, mut server, result) = run(script);
    assert_eq!(result, Ok(()), "{name}");
    assert_eq!(client.progress(), Progress::Established, "{name}");
    for data in [b"question".to_vec(), Vec::new(), vec![7; 20_000]] {
        client.send(&data);
        assert_eq!(server.receive(&client.take_output()), data, "{name}");
        assert_eq!(client.read(&server.send(&data)), Ok(()), "{name}");
        assert_eq!(client.take_received(), data, "{name}");
    }
    client
}

#[test]
fn every_suite_completes_with_every_extension_and_carries_data_both_ways() {
    for suite in SUITES {
        for chosen in [0, 1, 2, 7_u8] {
            let extensions: Vec<_> = EXTENSIONS
                .iter()
                .enumerate()
                .filter(|(place, _)| chosen >> place & 1 == 1)
                .map(|(_, kind)| *kind)
                .collect();
            completes(with(TLS_1_2, suite, &extensions));
        }
    }
    for version in [TLS_1_0, TLS_1_1] {
        for suite in OLD_SUITES {
            for extensions in [&[][..], &EXTENSIONS] {
                completes(with(version, suite, extensions));
            }
        }
    }
}

#[test]
fn what_was_negotiated_is_seen() {
    let client = completes(with(TLS_1_2, DHE_GCM, &[]));
    let seen = client.seen();
    assert_eq!(seen.protocol_version, Some(TLS_1_2));
    assert_eq!(seen.cipher_suite, Some(DHE_GCM));
    assert_eq!((seen.dh_bits, seen.group), (Some(2048), None));
    assert_eq!(seen.renegotiation_info, Some(true));
    assert_eq!(seen.certificates, std::slice::from_ref(&IDENTITY.1));
    assert!(!seen.finished_proves_key);
    let client = completes(with(TLS_1_2, ECDHE_GCM, &[]));
    assert_eq!(client.seen().group, Some(0x0017));
    // A server older than RFC 5746 is for whoever judges.
    let mut old = Script::new(TLS_1_2, RSA_CBC);
    old.extensions.clear();
    let client = completes(old);
    assert_eq!(client.seen().renegotiation_info, Some(false));
    assert!(client.seen().finished_proves_key);
}

#[test]
fn a_request_for_a_certificate_is_answered_without_one() {
    for version in [TLS_1_0, TLS_1_2] {
        let mut script = Script::new(version, RSA_CBC);
        script.request = true;
        let client = completes(script);
        assert!(client.seen().certificate_request.is_some());
        assert!(!client.seen().client_certificate_sent);
    }
}

#[test]
fn the_signature_is_recorded_with_what_it_signs() {
    let key = Certificate::parse(&IDENTITY.1).public_key.clone().unwrap();
    for (version, scheme) in [(TLS_1_2, 0x0401), (TLS_1_1, 0x0001), (TLS_1_0, 0x0001)] {
        for suite in [0xc013, 0x0033] {
            let (client, ..) = run(Script::new(version, suite));
            let proof = client.seen().signature.clone().unwrap();
            assert_eq!(proof.scheme, scheme);
            let verified = |message: &[u8], signature: &[u8]| {
                verify_handshake_signature(&key, scheme, message, signature)
            };
            assert_eq!(verified(&proof.message, &proof.signature), Ok(()));
            for at in [0, 31, 32, 63, 64, proof.message.len() - 1] {
                let mut message = proof.message.clone();
                message[at] ^= 1;
                assert_ne!(verified(&message, &proof.signature), Ok(()), "octet {at}");
            }
            let mut signature = proof.signature.clone();
            signature[9] ^= 1;
            assert_ne!(verified(&proof.message, &signature), Ok(()));
        }
    }
}

#[test]
fn a_finished_message_that_proves_nothing_is_refused() {
    type Change = fn(Vec<u8>) -> Vec<u8>;
    let wrong: [(Change, &str); 4] = [
        (|_| vec![0; 12], "digest check failed"),
        (
            |mut proof| {
                proof[11] ^= 0x80;
                proof
            },
            "digest check failed",
        ),
        (|proof| proof[..11].to_vec(), "bad digest length"),
        (|proof| [proof, vec![0]].concat(), "bad digest length"),
    ];
    for suite in [RSA_CBC, ECDHE_GCM, 0xccaa] {
        for (finished, reason) in wrong {
            let mut script = Script::new(TLS_1_2, suite);
            script.finished = finished;
            let (client, _, result) = run(script);
            assert_eq!(result, rule(reason));
            assert_ne!(client.progress(), Progress::Established);
            assert!(!client.seen().finished_proves_key);
        }
    }
}

#[test]
fn what_every_openssl_refuses_in_a_server_hello_is_refused() {
    type Change = fn(&mut Script);
    let table: [(Change, &str); 13] = [
        (
            |script| script.compression = 1,
            "unsupported compression algorithm",
        ),
        (
            |script| script.session_id = vec![1; 33],
            "ssl3 session id too long",
        ),
        (|script| script.version = 0x0300, "unsupported protocol"),
        (|script| script.version = 0x0304, "unsupported protocol"),
        // GCM below TLS 1.2.
        (
            |script| {
                script.version = TLS_1_1;
                script.suite = ECDHE_GCM;
            },
            "wrong cipher returned",
        ),
        (
            |script| script.random[24..].copy_from_slice(b"DOWNGRD\x00"),
            "",
        ),
        (
            |script| {
                script.version = TLS_1_1;
                script.random[24..].copy_from_slice(b"DOWNGRD\x00");
            },
            "inappropriate fallback",
        ),
        // Heartbeat was never asked for, but OpenSSL does not know it any more.
        (|script| script.extensions.push((15, vec![1])), ""),
        // ALPN and supported_versions were not offered.
        (
            |script| script.extensions.push((16, vec![0, 2, 1, b'x'])),
            "unsolicited extension",
        ),
        (
            |script| script.extensions.push((43, vec![3, 4])),
            "unsolicited extension",
        ),
        (
            |script| script.extensions.push((23, vec![])),
            "bad extension",
        ),
        (
            |script| script.extensions.push((13, vec![])),
            "bad extension",
        ),
        (
            |script| script.extensions[0].1 = vec![1, 7],
            "renegotiation mismatch",
        ),
    ];
    for (number, (change, reason)) in table.into_iter().enumerate() {
        let mut script = with(TLS_1_2, RSA_CBC, &[23]);
        change(&mut script);
        let hello = hello(TLS_1_2);
        let mut client = client(&hello);
        let (_, flight) = Server::answer(script, &hello);
        let expected = if reason.is_empty() {
            Ok(())
        } else {
            rule(reason)
        };
        assert_eq!(client.read(&flight), expected, "case {number}");
        if !reason.is_empty() {
            let alert = client.take_output();
            assert_eq!(
                (alert[0], alert[5], alert.len()),
                (21, 2, 7),
                "case {number}"
            );
        }
    }
}

#[test]
fn a_server_that_knows_tls_1_3_must_not_choose_less() {
    let hello = hello(0x0304);
    for (sentinel, version, refused) in [
        (b"DOWNGRD\x01", TLS_1_2, true),
        (b"DOWNGRD\x00", TLS_1_2, false),
        (b"DOWNGRD\x00", TLS_1_1, true),
        (b"DOWNGRD\x01", TLS_1_1, false),
    ] {
        let mut script = Script::new(version, RSA_CBC);
        script.random[24..].copy_from_slice(sentinel);
        let (_, flight) = Server::answer(script, &hello);
        let result = client(&hello).read(&flight);
        let expected = rule("inappropriate fallback");
        assert_eq!(result == expected, refused, "{version:04x}: {result:?}");
    }
}

#[test]
fn a_suite_that_was_not_offered_or_needs_another_key_is_refused() {
    let hello = hello(TLS_1_2);
    for (suite, reason) in [
        (0x000a_u16, "wrong cipher returned"),
        (0xc02b, "wrong certificate type"),
    ] {
        let (_, mut flight) = Server::answer(Script::new(TLS_1_2, ECDHE_GCM), &hello);
        // The record's and the message's header, version, random, no session id.
        let place = 5 + 4 + 2 + 32 + 1;
        flight[place..place + 2].copy_from_slice(&suite.to_be_bytes());
        assert_eq!(client(&hello).read(&flight), rule(reason), "{suite:04x}");
    }
}

#[test]
fn bad_diffie_hellman_values_are_refused_and_small_groups_recorded() {
    let prime = FFDHE2048.clone();
    let number = |small: u32| BigUint::from(small);
    let small = (BigUint::from(1_u8) << 1023) + number(9);
    let tiny = (BigUint::from(1_u8) << 510) + number(7);
    for (dh, bits) in [
        ((prime.clone(), number(2)), Some(2048)),
        ((small, number(2)), Some(1024)),
        ((tiny, number(2)), None),
        ((&prime + number(1), number(2)), None),
        ((prime.clone(), number(0)), None),
        ((prime.clone(), number(1)), None),
        ((prime.clone(), &prime - number(1)), None),
        ((prime.clone(), prime.clone()), None),
        (
            ((BigUint::from(1_u8) << 10_001) + number(1), number(2)),
            None,
        ),
    ] {
        let mut script = Script::new(TLS_1_2, DHE_GCM);
        script.dh = dh;
        let hello = hello(TLS_1_2);
        let mut client = client(&hello);
        let result = client.read(&Server::answer(script, &hello).1);
        let expected = if bits.is_some() {
            Ok(())
        } else {
            rule("bad dh value")
        };
        assert_eq!(result, expected);
        assert_eq!(client.seen().dh_bits, bits);
    }
}

#[test]
fn a_signature_scheme_that_was_not_offered_or_is_of_another_key_is_refused() {
    // SHA-1, ECDSA, RSA-PSS for RSA-PSS keys, Ed25519, nonsense.
    for scheme in [0x0201, 0x0403, 0x0809, 0x0807, 0xffff] {
        let mut script = Script::new(TLS_1_2, ECDHE_GCM);
        script.scheme = scheme;
        let (.., result) = run(script);
        assert_eq!(result, rule("wrong signature type"), "{scheme:04x}");
    }
}

#[test]
fn messages_out_of_order_are_refused() {
    type Change = fn(Vec<Vec<u8>>) -> Vec<Vec<u8>>;
    let changes: [Change; 8] = [
        // Without the certificate, the key exchange, the end of the flight.
        |mut flight| {
            flight.remove(1);
            flight
        },
        |mut flight| {
            flight.remove(2);
            flight
        },
        |mut flight| {
            flight.swap(1, 2);
            flight
        },
        |mut flight| {
            flight.push(flight[1].clone());
            flight
        },
        |mut flight| {
            flight.insert(3, flight[2].clone());
            flight
        },
        |mut flight| {
            flight.insert(0, flight[0].clone());
            flight
        },
        |mut flight| {
            flight.insert(2, handshake(messages::CERTIFICATE_STATUS, &[1]));
            flight
        },
        |mut flight| {
            flight.insert(3, handshake(messages::FINISHED, &[0; 12]));
            flight
        },
    ];
    for (number, flight) in changes.into_iter().enumerate() {
        let mut script = Script::new(TLS_1_2, ECDHE_GCM);
        script.flight = flight;
        let hello = hello(TLS_1_2);
        let result = client(&hello).read(&Server::answer(script, &hello).1);
        assert_eq!(result, rule("unexpected message"), "case {number}");
    }
    // With RSA key exchange there is nothing to exchange.
    let mut script = Script::new(TLS_1_2, RSA_CBC);
    script.flight = |mut flight| {
        flight.insert(2, handshake(messages::SERVER_KEY_EXCHANGE, &[0; 8]));
        flight
    };
    assert_eq!(run_first(script), rule("unexpected message"));
}

fn run_first(script: Script) -> Result<(), Failure> {
    let hello = hello(TLS_1_2);
    client(&hello).read(&Server::answer(script, &hello).1)
}

#[test]
fn a_change_of_keys_or_data_at_the_wrong_time_is_refused() {
    let hello = hello(TLS_1_2);
    for (bytes, reason) in [
        (&[20, 3, 3, 0, 1, 1][..], "unexpected message"),
        (&[20, 3, 3, 0, 1, 2], "bad change cipher spec"),
        (&[23, 3, 3, 0, 1, 2], "unexpected record"),
        (&[21, 3, 3, 0, 1, 2], "invalid alert"),
    ] {
        assert_eq!(client(&hello).read(bytes), rule(reason), "{bytes:?}");
    }
    // The Finished message before the keys.
    let mut client = client(&hello);
    let (mut server, flight) = Server::answer(Script::new(TLS_1_2, ECDHE_GCM), &hello);
    assert_eq!(client.read(&flight), Ok(()));
    let last = server.finish(&client.take_output());
    assert_eq!(last[..6], [20, 3, 3, 0, 1, 1]);
    let plain = [&[22, 3, 3], vector16(&handshake(20, &[0; 12])).as_slice()].concat();
    assert_eq!(client.read(&plain), rule("got a fin before a ccs"));
}

#[test]
fn alerts_are_told_apart() {
    let hello = hello(TLS_1_2);
    for (bytes, expected) in [
        (&[21, 3, 1, 0, 2, 2, 40][..], Err(Failure::Alert(40))),
        (&[21, 3, 1, 0, 2, 1, 0], Err(Failure::Closed)),
        (&[21, 3, 1, 0, 2, 1, 112], Ok(())),
        (
            b"HTTP/1.1 400",
            Err(Failure::Protocol("not a TLS record".into())),
        ),
        (
            b"SSH-2.0-OpenSSH",
            Err(Failure::Protocol("not a TLS record".into())),
        ),
    ] {
        assert_eq!(client(&hello).read(bytes), expected, "{bytes:?}");
    }
    let warnings = [21, 3, 1, 0, 2, 1, 112].repeat(9);
    assert_eq!(client(&hello).read(&warnings), rule("too many warn alerts"));
    let empty = [22, 3, 1, 0, 0].repeat(40);
    assert_eq!(client(&hello).read(&empty), rule("record too small"));
}

#[test]
fn lengths_beyond_openssls_limits_are_refused_before_they_are_read() {
    let hello = hello(TLS_1_2);
    for (kind, longest) in [
        (2_u8, 65_607_u32),
        (11, 102_400),
        (12, 102_400),
        (14, 0),
        (20, 64),
    ] {
        for (length, refused) in [(longest, false), (longest + 1, true)] {
            let header = [&[kind], &length.to_be_bytes()[1..]].concat();
            let record = [&[22, 3, 3], vector16(&header).as_slice()].concat();
            let result = client(&hello).read(&record);
            let excessive = result == rule("excessive message size");
            assert_eq!(excessive, refused, "{kind} {length}: {result:?}");
        }
    }
    assert_eq!(
        client(&hello).read(&[22, 3, 3, 0x48, 1]),
        rule("packet length too long")
    );
}

#[test]
fn a_flight_may_come_in_any_pieces() {
    let hello = hello(TLS_1_2);
    let (_, flight) = Server::answer(Script::new(TLS_1_2, ECDHE_CBC), &hello);
    for size in [1, 2, 3, 5, 7, 100] {
        let mut client = client(&hello);
        for piece in flight.chunks(size) {
            assert_ne!(client.progress(), Progress::Established);
            assert_eq!(client.read(piece), Ok(()));
        }
        assert_eq!(client.take_output()[0], 22, "pieces of {size}");
    }
    // Cut short, it is neither refused nor answered.
    for end in (0..flight.len()).step_by(7) {
        let mut client = client(&hello);
        assert_eq!(client.read(&flight[..end]), Ok(()), "{end} octets");
        assert!(client.take_output().is_empty(), "{end} octets");
    }
}

/// The scripts whose transcripts are mutated.
fn scripts() -> Vec<Script> {
    let mut request = with(TLS_1_2, ECDHE_CBC, &[23, 22]);
    request.request = true;
    vec![
        request,
        with(TLS_1_2, RSA_CBC, &[]),
        with(TLS_1_2, 0x009d, &[23]),
        with(TLS_1_2, DHE_GCM, &[35]),
        with(TLS_1_2, 0xcca8, &[23]),
        with(TLS_1_0, RSA_CBC, &[]),
        with(TLS_1_1, 0x0033, &[22]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_the_server_changes_nothing_panics_and_nothing_completes_that_it_did_not_sign(
        which in 0..7_usize,
        second: bool,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        cuts: bool,
    ) {
        let hello = hello(TLS_1_2);
        let mut client = client(&hello);
        let (mut server, first) = Server::answer(scripts()[which].clone(), &hello);
        let mutate = |bytes: &[u8]| {
            let mut mutated = bytes.to_vec();
            for (at, value) in &changes {
                let at = at.index(mutated.len());
                mutated[at] = *value;
            }
            if cuts {
                mutated.truncate(cut.index(bytes.len()));
            }
            mutated
        };
        if second {
            prop_assert_eq!(client.read(&first), Ok(()));
            let last = server.finish(&client.take_output());
            let mutated = mutate(&last);
            let _ = client.read(&mutated);
            let same = mutated == last;
            prop_assert_eq!(client.progress() == Progress::Established, same);
        } else {
            let mutated = mutate(&first);
            let _ = client.read(&mutated);
            let _ = client.take_output();
            prop_assert_ne!(client.progress(), Progress::Established);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        kind in 0..25_u8,
        at in 0..3_usize,
    ) {
        let hello = hello(TLS_1_2);
        let message = handshake(kind, &bytes);
        let record = [&[22, 3, 3], vector16(&message).as_slice()].concat();
        let (_, flight) = Server::answer(Script::new(TLS_1_2, DHE_GCM), &hello);
        let before: Vec<u8> = match at {
            0 => Vec::new(),
            1 => flight[..flight.len() / 2].to_vec(),
            _ => flight,
        };
        let mut one = client(&hello);
        let _ = one.read(&before);
        let _ = one.read(&record);
        let _ = one.read(&bytes);
        prop_assert_ne!(one.progress(), Progress::Established);
        let mut other = client(&hello);
        let _ = other.read(&bytes);
    }
}
