//! SSL 3.0 to TLS 1.2: the first flight is in the clear, so it shows suite, group or prime, signature
//! scheme and chain at once.
//!
//! In TLS 1.2 groups and signature schemes are narrowed along with the suites, which saves a
//! connection for each of them. That is right only while the server has enough of them left to
//! choose as freely as before; one more question, at the end of each, shows whether it had.

use super::asker::Answer;
use super::narrowing::{Narrowing, order_by_reversed, order_of};
use super::offers::{GROUPS, SIGNATURE_SCHEMES, suites};
use super::{Enumerator, lower, no_longer_taken, note};
use crate::net::Network;
use crate::observation::enumeration::{Order, SuiteSeen, VersionSeen, WithoutServerName};
use crate::observation::{Failure, Step};
use crate::wire::tls::client_hello::ClientHello;
use crate::wire::tls::names::protocol_version;
use crate::wire::tls::server_flight::ServerFlight;

/// Which list is being narrowed along with the suites.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Along {
    Nothing,
    Groups,
    Schemes,
}

impl Along {
    /// What a suite shows of the list.
    fn of(self, suite: &SuiteSeen) -> Option<u16> {
        match self {
            Self::Nothing => None,
            Self::Groups => suite.group,
            Self::Schemes => suite.signature_scheme,
        }
    }
}

/// What is known so far of one version.
struct Progress {
    seen: VersionSeen,
    offered: Vec<u16>,
    rest: Vec<u16>,
    groups: Narrowing,
    schemes: Narrowing,
    along: Along,
    /// How many of the last suites were taken from a shortened list.
    doubtful: usize,
    /// Whether the next answer, to the whole lists, tells how the narrowing ended.
    restored: bool,
}

impl Progress {
    fn list(&mut self) -> Option<&mut Narrowing> {
        match self.along {
            Along::Nothing => None,
            Along::Groups => Some(&mut self.groups),
            Along::Schemes => Some(&mut self.schemes),
        }
    }

    /// Whether the next offer is shorter than it could be.
    fn shortened(&mut self) -> bool {
        !self.restored && self.list().is_some_and(|list| !list.taken.is_empty())
    }

    fn next_list(&mut self) {
        self.restored = false;
        self.along = match self.along {
            Along::Groups => Along::Schemes,
            Along::Schemes | Along::Nothing => Along::Nothing,
        };
    }
}

impl<N: Network> Enumerator<'_, N> {
    /// All of one version.
    pub(super) async fn up_to_tls_1_2(&self, version: u16) -> VersionSeen {
        let offered = suites(version);
        let mut progress = Progress {
            seen: VersionSeen {
                version,
                ..VersionSeen::default()
            },
            rest: offered.clone(),
            offered,
            groups: Narrowing::new(GROUPS),
            schemes: Narrowing::new(SIGNATURE_SCHEMES),
            // Below TLS 1.2 nothing is asked that TLS 1.2 does not answer, unless it is refused.
            along: if version == 0x0303 {
                Along::Groups
            } else {
                Along::Nothing
            },
            doubtful: 0,
            restored: false,
        };
        if let Err(failure) = self.all_suites(&mut progress).await {
            if progress.seen.suites.is_empty() {
                progress.seen.answer = Step::Failed { failure, ms: 0.0 };
            }
            progress.seen.groups = progress.groups.taken;
            progress.seen.signature_schemes = progress.schemes.taken;
            return progress.seen;
        }
        let mut seen = progress.seen;
        if seen.suites.is_empty() {
            return seen;
        }
        let taken: Vec<_> = seen.suites.iter().map(|suite| suite.suite).collect();
        seen.suite_order = order_of(&taken, &progress.offered);
        // Asked too where the answers show the server's own order: it may have none.
        if taken.len() > 1 && !self.same_without_server_name(&seen).await {
            let backwards: Vec<_> = taken.iter().rev().copied().collect();
            let hello = self.hello_for(version, &backwards, GROUPS, SIGNATURE_SCHEMES);
            match self.asker.ask(&hello).await {
                Ok(Answer::Flight(flight)) => {
                    let answer = flight.cipher_suite.unwrap_or_default();
                    let by_answer = order_by_reversed(&taken, answer);
                    seen.suite_order = match seen.suite_order {
                        Some(shown) if shown != by_answer => Some(Order::Neither),
                        _ => Some(by_answer),
                    };
                }
                Ok(Answer::No(_)) => no_longer_taken(&mut seen),
                Err(_) => {}
            }
        }
        let (mut groups, mut schemes) = (progress.groups, progress.schemes);
        if version == 0x0303 {
            self.finish_list(&seen, Along::Groups, &mut groups).await;
            self.finish_list(&seen, Along::Schemes, &mut schemes).await;
            self.order_of_groups(&mut seen, &groups).await;
        }
        seen.groups_complete = groups.complete;
        seen.groups = groups.taken;
        seen.signature_schemes_complete = schemes.complete;
        seen.signature_schemes = schemes.taken;
        seen
    }

    /// Whether a server that was seen to go by its own order does so, and answers alike, when the
    /// list comes backwards and without server_name: then one connection has answered two questions.
    /// If not, each is asked by itself.
    async fn same_without_server_name(&self, seen: &VersionSeen) -> bool {
        let (Some(_), Some(Order::Server), Some(first)) = (
            self.asker.server_name(),
            seen.suite_order,
            seen.suites.first(),
        ) else {
            return false;
        };
        // Asked of the highest version; one below it is asked only where TLS 1.2 is not spoken.
        if seen.version != 0x0303 {
            return false;
        }
        let backwards: Vec<_> = seen.suites.iter().rev().map(|suite| suite.suite).collect();
        let hello = ClientHello {
            server_name: None,
            ..self.hello_for(seen.version, &backwards, GROUPS, SIGNATURE_SCHEMES)
        };
        let Ok(Answer::Flight(flight)) = self.asker.ask(&hello).await else {
            return false;
        };
        let without = WithoutServerName {
            version: flight.protocol_version.unwrap_or_default(),
            suite: flight.cipher_suite.unwrap_or_default(),
            chain: self.chain(flight.certificates.clone()),
            suite_with_name: first.suite,
            chain_with_name: first.chain,
        };
        let same = without.version == seen.version
            && without.suite == without.suite_with_name
            && without.chain == without.chain_with_name;
        if same {
            self.without_server_name.replace(Some(without));
        }
        same
    }

    /// Groups of the highest version below TLS 1.3 that the server speaks, where that is not 1.2.
    pub(super) async fn groups_below_tls_1_2(&self, seen: &mut VersionSeen) {
        let mut groups = Narrowing::new(GROUPS);
        self.finish_list(seen, Along::Groups, &mut groups).await;
        self.order_of_groups(seen, &groups).await;
        seen.groups_complete = groups.complete;
        seen.groups = groups.taken;
    }

    fn hello_for(
        &self,
        version: u16,
        suites: &[u16],
        groups: &[u16],
        schemes: &[u16],
    ) -> ClientHello {
        ClientHello {
            cipher_suites: suites.to_vec(),
            groups: groups.to_vec(),
            signature_schemes: schemes.to_vec(),
            ..self.asker.hello(version)
        }
    }

    /// Takes suite after suite until the server takes none.
    async fn all_suites(&self, progress: &mut Progress) -> Result<(), Failure> {
        let version = progress.seen.version;
        loop {
            if progress.rest.is_empty() {
                progress.seen.suites_complete = true;
                return Ok(());
            }
            let shortened = progress.shortened();
            let lists = |narrowing: &Narrowing, now: bool| {
                if shortened && now {
                    narrowing.rest()
                } else {
                    narrowing.all()
                }
            };
            let hello = self.hello_for(
                version,
                &progress.rest,
                &lists(&progress.groups, progress.along == Along::Groups),
                &lists(&progress.schemes, progress.along == Along::Schemes),
            );
            let flight = match self.asker.ask(&hello).await? {
                Answer::Flight(flight) => flight,
                Answer::No(_) if shortened => {
                    // Nothing is left of the list, or nothing is left at all.
                    progress.restored = true;
                    continue;
                }
                Answer::No(failure) => {
                    let failure = self.asker.meant(failure).await?;
                    if progress.seen.suites.is_empty() {
                        progress.seen.answer = Step::Failed { failure, ms: 0.0 };
                    } else {
                        progress.seen.suites_complete = true;
                        // The list and the suites ended together: `finish_list` asks once more.
                        progress.along = Along::Nothing;
                    }
                    return Ok(());
                }
            };
            let Some(suite) = self.suite(progress, &flight)? else {
                return Ok(());
            };
            if !self.accept(progress, suite, &flight, shortened).await? {
                continue;
            }
        }
    }

    /// Checks that the answer is one to the question; `None` if the server does not speak the
    /// version.
    fn suite(
        &self,
        progress: &mut Progress,
        flight: &ServerFlight,
    ) -> Result<Option<SuiteSeen>, Failure> {
        let version = progress.seen.version;
        if flight.protocol_version != Some(version) {
            let other = flight.protocol_version.unwrap_or_default();
            let failure = Failure::Protocol(format!("it answers in {}", protocol_version(other)));
            if progress.seen.suites.is_empty() {
                progress.seen.answer = Step::Failed { failure, ms: 0.0 };
                progress.seen.answered_in = lower(other, version);
                return Ok(None);
            }
            return Err(failure);
        }
        let suite = flight.cipher_suite.unwrap_or_default();
        if !progress.rest.contains(&suite) {
            let why = format!("it selects suite 0x{suite:04x}, which was not offered");
            return Err(Failure::Protocol(why));
        }
        Ok(Some(SuiteSeen {
            suite,
            group: flight.group,
            signature_scheme: flight.signature_scheme,
            dh_prime: self.dh_prime(flight.dh_prime.clone()),
            chain: self.chain(flight.certificates.clone()),
        }))
    }

    /// Takes an answer in; false if the same has to be asked again with the whole lists.
    async fn accept(
        &self,
        progress: &mut Progress,
        suite: SuiteSeen,
        flight: &ServerFlight,
        shortened: bool,
    ) -> Result<bool, Failure> {
        note(&mut progress.seen, flight);
        let along = progress.along;
        let shows = along.of(&suite);
        if shortened && shows.is_none() {
            // The server went around what is left of the list, or this suite is simply next.
            progress.restored = true;
            return Ok(false);
        }
        if progress.restored {
            if !self.still_in_order(progress, &suite).await? {
                let wrong = progress.doubtful;
                let keep = progress.seen.suites.len().saturating_sub(wrong);
                progress.seen.suites.truncate(keep);
                let seen = &progress.seen.suites;
                let offered = progress.offered.iter().copied();
                progress.rest = offered
                    .filter(|code| !seen.iter().any(|known| known.suite == *code))
                    .collect();
                // The server's choices hang together; the lists are narrowed by themselves.
                if let Some(list) = progress.list() {
                    *list = match along {
                        Along::Groups => Narrowing::new(GROUPS),
                        _ => Narrowing::new(SIGNATURE_SCHEMES),
                    };
                }
                progress.doubtful = 0;
                progress.restored = false;
                progress.along = Along::Nothing;
                return Ok(false);
            }
            progress.doubtful = 0;
            if let Some(list) = progress.list() {
                // With the whole list it goes on with a suite that needs it: nothing was left.
                list.complete = shows.is_some();
            }
            progress.next_list();
        } else if let (Some(code), Some(list)) = (shows, progress.list()) {
            if !list.take(code) {
                return Err(Failure::Protocol(format!(
                    "it selects 0x{code:04x}, which was not offered"
                )));
            }
            progress.doubtful += usize::from(shortened);
        }
        progress.rest.retain(|code| *code != suite.suite);
        progress.seen.suites.push(suite);
        Ok(true)
    }

    /// Whether the last suite that was taken with a shortened list comes before `next`, which was
    /// taken with the whole one: then none was skipped between.
    async fn still_in_order(&self, progress: &Progress, next: &SuiteSeen) -> Result<bool, Failure> {
        let last = progress
            .seen
            .suites
            .last()
            .filter(|_| progress.doubtful > 0);
        let Some(last) = last else {
            return Ok(true);
        };
        let two = progress.offered.iter().copied();
        let two: Vec<_> = two
            .filter(|code| [last.suite, next.suite].contains(code))
            .collect();
        let hello = self.hello_for(progress.seen.version, &two, GROUPS, SIGNATURE_SCHEMES);
        Ok(match self.asker.ask(&hello).await? {
            Answer::Flight(flight) => flight.cipher_suite == Some(last.suite),
            Answer::No(_) => false,
        })
    }

    /// Narrows what is left of a list, with the suites that showed it.
    async fn finish_list(&self, seen: &VersionSeen, along: Along, list: &mut Narrowing) {
        let suites: Vec<_> = seen
            .suites
            .iter()
            .filter(|suite| along.of(suite).is_some())
            .map(|suite| suite.suite)
            .collect();
        if suites.is_empty() {
            // Nothing that the server takes needs the list.
            list.complete = seen.suites_complete;
        }
        while !list.complete {
            let rest = list.rest();
            let hello = match along {
                Along::Groups => self.hello_for(seen.version, &suites, &rest, SIGNATURE_SCHEMES),
                _ => self.hello_for(seen.version, &suites, GROUPS, &rest),
            };
            let Ok(answer) = self.asker.ask(&hello).await else {
                return;
            };
            let taken = match (&answer, along) {
                (Answer::No(failure), _) => match self.asker.meant(failure.clone()).await {
                    Ok(_) => None,
                    Err(_) => return,
                },
                (Answer::Flight(flight), Along::Groups) => flight.group,
                (Answer::Flight(flight), _) => flight.signature_scheme,
            };
            match taken {
                Some(code) if list.take(code) => {}
                Some(_) => return,
                None => list.complete = true,
            }
        }
    }

    /// Who decides about the groups.
    async fn order_of_groups(&self, seen: &mut VersionSeen, groups: &Narrowing) {
        seen.group_order = groups.order();
        if seen.group_order.is_some() || groups.taken.len() < 2 {
            return;
        }
        let suites: Vec<_> = seen
            .suites
            .iter()
            .filter(|suite| suite.group.is_some())
            .map(|suite| suite.suite)
            .collect();
        let backwards: Vec<_> = groups.taken.iter().rev().copied().collect();
        let hello = self.hello_for(seen.version, &suites, &backwards, SIGNATURE_SCHEMES);
        if let Ok(Answer::Flight(flight)) = self.asker.ask(&hello).await {
            let answer = flight.group;
            seen.group_order = answer.map(|answer| order_by_reversed(&groups.taken, answer));
        }
    }
}
