//! How many names are looked up at the same time: what hangs in a resolver cannot be called back.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_local;

use crate::net::Network;
use crate::observation::Endpoint;

/// A network that looks up so many names at the same time and no more.
///
/// `getaddrinfo` takes a thread and cannot be interrupted: when a probe's time is up, its lookup
/// goes on until the resolver gives in. So a lookup keeps its turn until it has really ended, and a
/// probe that gets none waits, within its time.
#[derive(Debug)]
pub struct Lookups<N> {
    network: Rc<N>,
    turns: Arc<Semaphore>,
}

impl<N: Network + 'static> Lookups<N> {
    /// At most `limit` at the same time.
    pub fn new(network: N, limit: usize) -> Self {
        Self {
            network: Rc::new(network),
            turns: Arc::new(Semaphore::new(limit)),
        }
    }
}

impl<N: Network + 'static> Network for Lookups<N> {
    type Stream = N::Stream;

    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(io::Error::other)?;
        let (network, name) = (Rc::clone(&self.network), name.to_owned());
        // A task of its own, which goes on when nobody waits for it any more.
        let looking = spawn_local(async move {
            let found = network.resolve(&name).await;
            drop(turn);
            found
        });
        looking.await.map_err(io::Error::other)?
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<Self::Stream> {
        self.network.connect(endpoint).await
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use tokio::io::DuplexStream;
    use tokio::sync::Notify;
    use tokio::task::LocalSet;
    use tokio::time::timeout;

    use super::*;

    /// Its resolver answers when it is told to.
    struct Slow {
        asked: Rc<Cell<usize>>,
        answer: Rc<Notify>,
    }

    impl Network for Slow {
        type Stream = DuplexStream;

        async fn resolve(&self, _: &str) -> io::Result<Vec<SocketAddr>> {
            self.asked.set(self.asked.get() + 1);
            self.answer.notified().await;
            Ok(Vec::new())
        }

        async fn connect(&self, _: &Endpoint) -> io::Result<DuplexStream> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    #[test]
    fn a_lookup_keeps_its_turn_when_nobody_waits_for_it_any_more() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        LocalSet::new().block_on(&runtime, async {
            let (asked, answer) = (Rc::new(Cell::new(0)), Rc::new(Notify::new()));
            let slow = Slow {
                asked: Rc::clone(&asked),
                answer: Rc::clone(&answer),
            };
            let lookups = Lookups::new(slow, 2);
            for _ in 0..5 {
                let given_up = timeout(Duration::from_secs(1), lookups.resolve("db")).await;
                assert!(given_up.is_err());
            }
            assert_eq!(asked.get(), 2, "the others had no turn");
            answer.notify_waiters();
            answer.notify_one();
            let found = timeout(Duration::from_secs(1), lookups.resolve("db")).await;
            assert!(found.unwrap().unwrap().is_empty());
            assert_eq!(asked.get(), 3);
        });
    }
}
