//! TLS 1.3: a hello without a key share is answered with a HelloRetryRequest that names suite and
//! group, whatever group it is. Everything behind it is encrypted, so chain and signature schemes
//! are for a whole handshake.

use super::asker::Answer;
use super::narrowing::{Narrowing, order_by_reversed, order_of};
use super::offers::{GROUPS, SIGNATURE_SCHEMES, suites};
use super::{Enumerator, lower, no_longer_taken, note};
use crate::net::Network;
use crate::observation::enumeration::{SuiteSeen, VersionSeen};
use crate::observation::{Failure, Step};
use crate::wire::tls::client_hello::ClientHello;
use crate::wire::tls::names::protocol_version;

const VERSION: u16 = 0x0304;

impl<N: Network> Enumerator<'_, N> {
    /// All of TLS 1.3 that a HelloRetryRequest shows.
    pub(super) async fn tls_1_3(&self) -> VersionSeen {
        let mut seen = VersionSeen {
            version: VERSION,
            ..VersionSeen::default()
        };
        let mut groups = Narrowing::new(GROUPS);
        if let Err(failure) = self.suites_and_groups(&mut seen, &mut groups).await
            && seen.suites.is_empty()
        {
            seen.answer = Step::Failed { failure, ms: 0.0 };
        }
        seen.group_order = groups.order();
        seen.groups_complete = groups.complete;
        seen.groups = groups.taken;
        let taken: Vec<_> = seen.suites.iter().map(|suite| suite.suite).collect();
        seen.suite_order = order_of(&taken, &suites(VERSION));
        // One more question answers for both lists.
        let suites_open = seen.suite_order.is_none() && taken.len() > 1;
        let groups_open = seen.group_order.is_none() && seen.groups.len() > 1;
        if suites_open || groups_open {
            let reversed = |list: &[u16]| list.iter().rev().copied().collect::<Vec<_>>();
            let hello = self.hello_1_3(&reversed(&taken), &reversed(&seen.groups));
            match self.asker.ask(&hello).await {
                Ok(Answer::Flight(flight)) => {
                    if let Some(answer) = flight.cipher_suite.filter(|_| suites_open) {
                        seen.suite_order = Some(order_by_reversed(&taken, answer));
                    }
                    if let Some(answer) = flight.group.filter(|_| groups_open) {
                        seen.group_order = Some(order_by_reversed(&seen.groups, answer));
                    }
                }
                Ok(Answer::No(_)) => no_longer_taken(&mut seen),
                Err(_) => {}
            }
        }
        seen
    }

    /// Whether the server still takes what it took of TLS 1.3; asked where no handshake came about.
    pub(super) async fn doubt_tls_1_3(&self, seen: &mut VersionSeen) {
        let suites: Vec<_> = seen.suites.iter().map(|suite| suite.suite).collect();
        let hello = self.hello_1_3(&suites, &seen.groups);
        if let Ok(Answer::No(_)) = self.asker.ask(&hello).await {
            no_longer_taken(seen);
        }
    }

    fn hello_1_3(&self, suites: &[u16], groups: &[u16]) -> ClientHello {
        ClientHello {
            cipher_suites: suites.to_vec(),
            groups: groups.to_vec(),
            signature_schemes: SIGNATURE_SCHEMES.to_vec(),
            ..self.asker.hello(VERSION)
        }
    }

    /// Suites and groups at the same time: the one choice does not depend on the other.
    async fn suites_and_groups(
        &self,
        seen: &mut VersionSeen,
        groups: &mut Narrowing,
    ) -> Result<(), Failure> {
        let mut rest = suites(VERSION);
        // Once a shortened list of groups was refused, the suites go on with the whole one.
        let mut whole = false;
        while !seen.suites_complete {
            let shortened = !whole && !groups.taken.is_empty();
            let offered = if shortened {
                groups.rest()
            } else {
                groups.all()
            };
            let flight = match self.asker.ask(&self.hello_1_3(&rest, &offered)).await? {
                Answer::Flight(flight) => flight,
                Answer::No(_) if shortened => {
                    whole = true;
                    continue;
                }
                Answer::No(failure) => {
                    let failure = self.asker.meant(failure).await?;
                    if seen.suites.is_empty() {
                        seen.answer = Step::Failed { failure, ms: 0.0 };
                        return Ok(());
                    }
                    seen.suites_complete = true;
                    break;
                }
            };
            if flight.protocol_version != Some(VERSION) {
                let other = flight.protocol_version.unwrap_or_default();
                seen.answered_in = lower(other, VERSION).filter(|_| seen.suites.is_empty());
                let why = format!("it answers in {}", protocol_version(other));
                return Err(Failure::Protocol(why));
            }
            let suite = flight.cipher_suite.unwrap_or_default();
            if !flight.hello_retry_request || !rest.contains(&suite) {
                let why = "it answers a hello without key share with something else than a \
                           HelloRetryRequest";
                return Err(Failure::Protocol(why.into()));
            }
            note(seen, &flight);
            // The same suites, but now with all groups: so it was the groups that had run out.
            groups.complete |= whole;
            if !whole && !flight.group.is_some_and(|group| groups.take(group)) {
                return Err(Failure::Protocol(
                    "it selects a group that was not offered".into(),
                ));
            }
            rest.retain(|code| *code != suite);
            seen.suites.push(SuiteSeen {
                suite,
                group: flight.group,
                ..SuiteSeen::default()
            });
            seen.suites_complete = rest.is_empty();
        }
        let taken: Vec<_> = seen.suites.iter().map(|suite| suite.suite).collect();
        while !groups.complete {
            match self
                .asker
                .ask(&self.hello_1_3(&taken, &groups.rest()))
                .await?
            {
                Answer::Flight(flight) => {
                    if !flight.group.is_some_and(|group| groups.take(group)) {
                        return Err(Failure::Protocol(
                            "it selects a group that was not offered".into(),
                        ));
                    }
                }
                Answer::No(failure) => {
                    self.asker.meant(failure).await?;
                    groups.complete = true;
                }
            }
        }
        Ok(())
    }
}
