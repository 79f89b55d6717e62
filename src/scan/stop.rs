//! The wish to end a scan, seen by all of its threads.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Whether to take no new target, and whether to leave those that are being asked.
#[derive(Debug, Default)]
pub struct Stop {
    stopping: AtomicBool,
    at_once: AtomicBool,
    changed: Notify,
}

impl Stop {
    /// Takes no new target; with `at_once` leaves those that are being asked.
    pub fn stop(&self, at_once: bool) {
        self.stopping.store(true, Ordering::SeqCst);
        if at_once {
            self.at_once.store(true, Ordering::SeqCst);
        }
        self.changed.notify_waiters();
    }

    /// Waits until no new target is to be taken.
    pub async fn stopped(&self) {
        self.is_set(&self.stopping).await;
    }

    /// Waits until everything is to be left.
    pub async fn stopped_at_once(&self) {
        self.is_set(&self.at_once).await;
    }

    async fn is_set(&self, flag: &AtomicBool) {
        loop {
            let changed = self.changed.notified();
            if flag.load(Ordering::SeqCst) {
                return;
            }
            changed.await;
        }
    }
}
