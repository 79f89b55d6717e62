//! Targets on their way from the thread that reads to those that ask.
//!
//! A reader that found the queue full comes back when it is half empty: thousands of targets a
//! second must not wake it for each.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How many are read ahead.
const FULL: usize = 1024;

/// A queue of bounded length.
#[derive(Debug)]
pub struct Queue<T> {
    state: Mutex<State<T>>,
    /// There is something, or the end.
    ready: Notify,
    /// There is room, or the end.
    room: Condvar,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                closed: false,
            }),
            ready: Notify::new(),
            room: Condvar::new(),
        }
    }
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something at the end and waits for room where there is none; `false` if nobody takes
    /// anything any more.
    pub fn push(&self, item: T) -> bool {
        let mut state = self.lock();
        if state.items.len() >= FULL {
            let waits = |state: &mut State<T>| state.items.len() > FULL / 2 && !state.closed;
            let waited = self.room.wait_while(state, waits);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return false;
        }
        state.items.push_back(item);
        drop(state);
        self.ready.notify_one();
        true
    }

    /// Takes the first; `None` at the end.
    pub async fn pop(&self) -> Option<T> {
        loop {
            let ready = self.ready.notified();
            {
                let mut state = self.lock();
                if let Some(item) = state.items.pop_front() {
                    if state.items.len() == FULL / 2 {
                        self.room.notify_one();
                    }
                    if state.closed || !state.items.is_empty() {
                        // Of several notices only one is kept while nobody waits.
                        self.ready.notify_one();
                    }
                    return Some(item);
                }
                if state.closed {
                    self.ready.notify_one();
                    return None;
                }
            }
            ready.await;
        }
    }

    /// Says that nothing more comes, or that nothing more is taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_one();
        self.room.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    }

    #[test]
    fn everything_comes_out_in_order_and_both_ends_wait_for_each_other() {
        let queue = Arc::new(Queue::default());
        let writer = Arc::clone(&queue);
        let many = 10 * FULL;
        let thread = std::thread::spawn(move || {
            for number in 0..many {
                assert!(writer.push(number));
            }
            writer.close();
        });
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let queue = Arc::clone(&queue);
                std::thread::spawn(move || {
                    runtime().block_on(async {
                        let mut taken = Vec::new();
                        while let Some(number) = queue.pop().await {
                            taken.push(number);
                        }
                        taken
                    })
                })
            })
            .collect();
        let mut all = Vec::new();
        for taker in takers {
            let taken = taker.join().unwrap();
            assert!(taken.is_sorted());
            all.extend(taken);
        }
        thread.join().unwrap();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..many));
    }

    #[test]
    fn nothing_goes_into_a_closed_queue_and_what_is_in_it_comes_out() {
        let queue = Queue::default();
        assert!(queue.push(1));
        queue.close();
        assert!(!queue.push(2));
        runtime().block_on(async {
            assert_eq!(queue.pop().await, Some(1));
            assert_eq!(queue.pop().await, None);
            assert_eq!(queue.pop().await, None);
        });
    }
}
