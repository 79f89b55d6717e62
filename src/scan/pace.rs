//! How fast a scan goes: how many at once, how many a second, one at a time for each address.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::time::{Instant, sleep_until};

/// The limit is lowered once for all that fail together.
const TOGETHER: Duration = Duration::from_millis(100);

/// How many must end well before one more is allowed again.
const RECOVERY: u32 = 16;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many targets are asked at the same time: fewer when this machine runs out of something.
#[derive(Debug)]
pub struct Gate {
    semaphore: Semaphore,
    state: Mutex<GateState>,
}

#[derive(Debug)]
struct GateState {
    most: usize,
    limit: usize,
    /// Permits that are out and must not come back.
    debt: usize,
    good: u32,
    lowered: Option<Instant>,
}

/// Leave to ask one target.
#[derive(Debug)]
pub struct Permit<'a>(&'a Gate);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        if state.debt > 0 {
            state.debt -= 1;
        } else {
            self.0.semaphore.add_permits(1);
        }
    }
}

impl Gate {
    /// At most so many at once.
    pub fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            semaphore: Semaphore::new(most),
            state: Mutex::new(GateState {
                most,
                limit: most,
                debt: 0,
                good: 0,
                lowered: None,
            }),
        }
    }

    /// Waits for leave.
    pub async fn permit(&self) -> Permit<'_> {
        // The semaphore is never closed.
        if let Ok(permit) = self.semaphore.acquire().await {
            permit.forget();
        }
        Permit(self)
    }

    /// Something ran out: half as many from now on, at least one.
    pub fn slow_down(&self) {
        let mut state = lock(&self.state);
        let now = Instant::now();
        if state.lowered.is_some_and(|at| now < at + TOGETHER) {
            return;
        }
        state.lowered = Some(now);
        state.good = 0;
        let fewer = state.limit - (state.limit / 2).max(1).min(state.limit);
        let fewer = fewer.min(state.limit - 1);
        state.limit -= fewer;
        let taken = self.semaphore.forget_permits(fewer);
        state.debt += fewer - taken;
    }

    /// One ended well: now and then one more, up to what was allowed.
    pub fn went_well(&self) {
        let mut state = lock(&self.state);
        if state.limit >= state.most {
            return;
        }
        state.good += 1;
        if state.good >= RECOVERY {
            state.good = 0;
            state.limit += 1;
            if state.debt > 0 {
                state.debt -= 1;
            } else {
                self.semaphore.add_permits(1);
            }
        }
    }

    /// How many are allowed now.
    pub fn limit(&self) -> usize {
        lock(&self.state).limit
    }
}

/// How many targets are begun in a second.
#[derive(Debug)]
pub struct Rate {
    gap: Option<Duration>,
    jitter: Duration,
    next: Mutex<Option<Instant>>,
}

impl Rate {
    /// So many a second, if limited, and each up to `jitter` later.
    pub fn new(per_second: Option<f64>, jitter: Duration) -> Self {
        Self {
            gap: per_second.map(|rate| Duration::from_secs_f64(1.0 / rate.max(1e-6))),
            jitter,
            next: Mutex::default(),
        }
    }

    /// Waits for the next turn.
    pub async fn turn(&self) {
        if let Some(gap) = self.gap {
            let slot = {
                let mut next = lock(&self.next);
                let slot = next.unwrap_or_else(Instant::now).max(Instant::now());
                *next = slot.checked_add(gap);
                slot
            };
            sleep_until(slot).await;
        }
        if !self.jitter.is_zero() {
            tokio::time::sleep(self.jitter.mul_f64(chance())).await;
        }
    }
}

/// A number from 0 to 1, to keep waits from falling together.
pub(super) fn chance() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 40;
    u32::try_from(bits).map_or(0.5, |bits| f64::from(bits) / f64::from(1_u32 << 24))
}

/// Who is being asked: no address twice at the same time.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<IpAddr, Arc<tokio::sync::Mutex<()>>>>);

/// The turns of one target.
#[derive(Debug)]
pub struct Taken<'a> {
    turns: &'a Turns,
    held: Vec<(IpAddr, Option<OwnedMutexGuard<()>>)>,
}

impl Turns {
    /// Waits until none of the addresses is being asked.
    pub async fn take(&self, mut addresses: Vec<IpAddr>) -> Taken<'_> {
        for address in &mut addresses {
            *address = address.to_canonical();
        }
        // In one order, so that two that share addresses do not wait for each other.
        addresses.sort_unstable();
        addresses.dedup();
        let mut taken = Taken {
            turns: self,
            held: Vec::with_capacity(addresses.len()),
        };
        for address in addresses {
            let turn = Arc::clone(lock(&self.0).entry(address).or_default());
            let guard = turn.lock_owned().await;
            taken.held.push((address, Some(guard)));
        }
        taken
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut turns = lock(&self.turns.0);
        for (address, guard) in &mut self.held {
            *guard = None;
            if turns
                .get(address)
                .is_some_and(|turn| Arc::strong_count(turn) == 1)
            {
                turns.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_gate_halves_once_for_those_that_fail_together_and_recovers() {
        let gate = Gate::new(8);
        let out = [
            gate.permit().await,
            gate.permit().await,
            gate.permit().await,
        ];
        gate.slow_down();
        gate.slow_down();
        assert_eq!(gate.limit(), 4);
        tokio::time::advance(TOGETHER).await;
        gate.slow_down();
        assert_eq!((gate.limit(), gate.semaphore.available_permits()), (2, 0));
        drop(out);
        assert_eq!(gate.semaphore.available_permits(), 2);
        for _ in 0..5 {
            tokio::time::advance(TOGETHER).await;
            gate.slow_down();
        }
        assert_eq!((gate.limit(), gate.semaphore.available_permits()), (1, 1));
        for _ in 0..RECOVERY * 20 {
            gate.went_well();
        }
        assert_eq!((gate.limit(), gate.semaphore.available_permits()), (8, 8));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_spreads_the_turns() {
        let rate = Rate::new(Some(10.0), Duration::ZERO);
        let began = Instant::now();
        for _ in 0..11 {
            rate.turn().await;
        }
        let took = began.elapsed().as_millis();
        assert!((1000..1050).contains(&took), "{took} ms");
    }

    #[tokio::test(start_paused = true)]
    async fn jitter_waits_at_most_so_long() {
        let rate = Rate::new(None, Duration::from_millis(50));
        let began = Instant::now();
        for _ in 0..20 {
            rate.turn().await;
        }
        let took = began.elapsed().as_millis();
        assert!((1..=20 * 51).contains(&took), "{took} ms");
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_is_asked_by_one_at_a_time() {
        let turns = &Turns::default();
        let [a, b]: [IpAddr; 2] = ["::1", "10.0.0.1"].map(|text| text.parse().unwrap());
        let (of_a, of_b) = (&AtomicUsize::new(0), &AtomicUsize::new(0));
        let one = |addresses: Vec<IpAddr>| async move {
            let counts = [(a, of_a), (b, of_b)];
            let asked = || {
                let asked = |(address, _): &(IpAddr, _)| addresses.contains(address);
                counts.into_iter().filter(asked)
            };
            let _taken = turns.take(addresses.clone()).await;
            for (address, count) in asked() {
                let before = count.fetch_add(1, Ordering::SeqCst);
                assert_eq!(before, 0, "{address} is asked twice");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            for (_, count) in asked() {
                count.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let began = Instant::now();
        tokio::join!(
            one(vec![a, b]),
            one(vec![b, a]),
            one(vec![a]),
            one(vec![b, b])
        );
        // Nobody waits for an address that nobody asks.
        assert!(began.elapsed() <= Duration::from_millis(20));
        assert!(lock(&turns.0).is_empty());
    }
}
