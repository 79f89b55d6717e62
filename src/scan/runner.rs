//! Runs a scan: one thread reads targets, some ask and judge, one writes records.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{Notify, Semaphore};
use tokio::task::LocalSet;

use super::prober::{Answered, SharedProber};
use super::queue::Queue;
use super::source::{Counts, Item, Source};
use super::tally::Tally;
use super::target::Target;
use crate::net::Network;
use crate::report::Report;

/// How many pieces of output wait to be written, and how long they are: some records, or one that is
/// longer.
const PIECES: usize = 64;
const PIECE: usize = 32 * 1024;

/// How many emptied pieces are kept to be filled again, and how long: memory that was used a moment
/// ago is nearer than any other.
const EMPTIED: usize = 8;
const LONGEST: usize = 4 * PIECE;

/// How many answers are judged one after the other: what the first of them brings into the caches of
/// the processor, the others find there. The handshakes wait meanwhile, so not too many.
const TOGETHER: usize = 32;

/// How long an answer waits for others.
const GATHERING: Duration = Duration::from_millis(15);

/// How long the writer rests: a record does not wait for another, but many that are finished at the
/// same time are one write and one change of threads.
const REST: Duration = Duration::from_millis(2);

/// Shorter pieces are put together; a longer one is written sooner than it is copied.
const LONG: usize = 4 * 1024;

/// Makes the bytes of a record.
pub type Format = Box<dyn Fn(&Report, &mut Vec<u8>) + Send + Sync>;

/// Told of what is wrong with an input; whether to go on.
pub type OnBad = Box<dyn FnMut(Item) -> bool + Send>;

/// A scan that runs.
pub struct Running {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    writer: JoinHandle<io::Result<()>>,
}

/// How a scan ended.
#[derive(Debug)]
pub struct Ended {
    /// What became of the targets.
    pub tally: Tally,
    /// What the inputs held.
    pub counts: Counts,
    /// Whether the inputs were read to their end.
    pub whole: bool,
    /// Whether records could be written.
    pub written: io::Result<()>,
}

/// What the threads share.
struct Shared {
    prober: SharedProber,
    format: Format,
    targets: Queue<Target>,
    /// Pieces of output that are written, to be filled again.
    emptied: Mutex<Vec<Vec<u8>>>,
    tally: Mutex<Tally>,
    counts: Mutex<Counts>,
    whole: AtomicBool,
    finished: Notify,
    /// How many targets are taken out of the queue, those that wait for an address among them.
    taken: Semaphore,
}

/// Answers of a thread that wait to be judged.
#[derive(Default)]
struct Gathered {
    answers: RefCell<VecDeque<Answered>>,
    some: Notify,
}

impl Gathered {
    /// Adds one; whether it is time to judge them.
    fn add(&self, answered: Box<Answered>) -> bool {
        let mut answers = self.answers.borrow_mut();
        answers.push_back(*answered);
        if answers.len() == 1 {
            self.some.notify_one();
        }
        answers.len() >= TOGETHER
    }

    fn any(&self) -> bool {
        !self.answers.borrow().is_empty()
    }

    /// Takes the first.
    fn next(&self) -> Option<Answered> {
        self.answers.borrow_mut().pop_front()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a scan on `threads` threads, each with a network of its own.
pub fn start<N: Network + Clone + Send + 'static>(
    source: Source,
    on_bad: OnBad,
    prober: SharedProber,
    network: &N,
    format: Format,
    output: Box<dyn Write + Send>,
    threads: usize,
) -> Running {
    let (to_writer, records) = mpsc::channel(PIECES);
    let taken = prober.gate.limit().saturating_mul(2).saturating_add(64);
    let shared = Arc::new(Shared {
        prober,
        format,
        targets: Queue::default(),
        emptied: Mutex::default(),
        tally: Mutex::default(),
        counts: Mutex::default(),
        whole: AtomicBool::new(false),
        finished: Notify::new(),
        taken: Semaphore::new(taken.min(Semaphore::MAX_PERMITS)),
    });
    // Nobody waits for it: it may hang in a read.
    let of_reader = Arc::clone(&shared);
    thread::spawn(move || of_reader.read(source, on_bad));
    let threads = (0..threads.max(1))
        .map(|_| {
            let (shared, network, to_writer) =
                (Arc::clone(&shared), network.clone(), to_writer.clone());
            thread::spawn(move || shared.work(&network, &to_writer))
        })
        .collect();
    let of_writer = Arc::clone(&shared);
    let writer = thread::spawn(move || {
        let written = of_writer.write(records, output);
        if written.is_err() {
            of_writer.prober.stop.stop(true);
        }
        of_writer.finished.notify_one();
        written
    });
    Running {
        shared,
        threads,
        writer,
    }
}

impl Running {
    /// Takes no new target; with `at_once` leaves those that are being asked.
    pub fn stop(&self, at_once: bool) {
        self.shared.prober.stop.stop(at_once);
    }

    /// Waits until the last record is written.
    pub async fn finished(&self) {
        self.shared.finished.notified().await;
    }

    /// What became of the targets so far.
    pub fn tally(&self) -> Tally {
        lock(&self.shared.tally).clone()
    }

    /// What the inputs held so far.
    pub fn counts(&self) -> Counts {
        *lock(&self.shared.counts)
    }

    /// How many targets are being asked.
    pub fn in_flight(&self) -> usize {
        self.shared.prober.in_flight.load(Ordering::Relaxed)
    }

    /// Waits for the end.
    pub fn wait(self) -> Ended {
        for thread in self.threads {
            let _ = thread.join();
        }
        self.shared.targets.close();
        let written = self
            .writer
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that writes records has ended")));
        Ended {
            tally: lock(&self.shared.tally).clone(),
            counts: *lock(&self.shared.counts),
            whole: self.shared.whole.load(Ordering::SeqCst),
            written,
        }
    }
}

impl Shared {
    /// The thread that reads.
    fn read(&self, source: Source, on_bad: OnBad) {
        self.read_all(source, on_bad);
        self.targets.close();
    }

    fn read_all(&self, mut source: Source, mut on_bad: OnBad) {
        while let Some(item) = source.next() {
            *lock(&self.counts) = source.counts();
            match item {
                Item::Target(target) => {
                    if !self.targets.push(target) {
                        return;
                    }
                }
                bad => {
                    if !on_bad(bad) {
                        self.prober.stop.stop(false);
                        return;
                    }
                }
            }
        }
        *lock(&self.counts) = source.counts();
        self.whole.store(true, Ordering::SeqCst);
    }

    /// A thread that asks.
    fn work<N: Network + Clone + 'static>(
        self: Arc<Self>,
        network: &N,
        to_writer: &Sender<Vec<u8>>,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else {
            // The others do its share.
            return;
        };
        let local = LocalSet::new();
        let gathered = Rc::new(Gathered::default());
        let gathering = async {
            loop {
                gathered.some.notified().await;
                tokio::time::sleep(GATHERING).await;
                self.judge(&gathered, to_writer).await;
            }
        };
        let working = async {
            let mut tasks = tokio::task::JoinSet::new();
            loop {
                // Whoever has ended is put away.
                while tasks.try_join_next().is_some() {}
                let Ok(permit) = self.taken.acquire().await else {
                    break;
                };
                permit.forget();
                let Some(target) = self.next_target().await else {
                    self.taken.add_permits(1);
                    break;
                };
                let (shared, network, to_writer, gathered) = (
                    Arc::clone(&self),
                    network.clone(),
                    to_writer.clone(),
                    Rc::clone(&gathered),
                );
                tasks.spawn_local(async move {
                    let mut emit = async |answered: Box<Answered>| {
                        if gathered.add(answered) {
                            shared.judge(&gathered, &to_writer).await;
                        }
                    };
                    shared.prober.probe(target, &network, &mut emit).await;
                    shared.taken.add_permits(1);
                });
                // It gets in line before the next is taken: targets begin in their order.
                tokio::task::yield_now().await;
            }
            while tasks.join_next().await.is_some() {}
        };
        local.block_on(&runtime, async {
            tokio::select! {
                () = working => {}
                () = gathering => {}
                () = self.prober.stop.stopped_at_once() => {}
            }
            self.judge(&gathered, to_writer).await;
        });
        // A resolver may hang.
        runtime.shutdown_background();
    }

    async fn next_target(&self) -> Option<Target> {
        tokio::select! {
            biased;
            () = self.prober.stop.stopped() => None,
            target = self.targets.pop() => target,
        }
    }

    /// Judges all answers that wait, and hands their records to the writer.
    ///
    /// Whoever stops waiting for it loses nothing: what is taken is handed over before the next wait.
    async fn judge(&self, gathered: &Gathered, to_writer: &Sender<Vec<u8>>) {
        while gathered.any() {
            let Ok(room) = to_writer.reserve().await else {
                return;
            };
            let mut records = self.piece();
            while records.len() < PIECE
                && let Some(answered) = gathered.next()
            {
                let whole = records.len();
                let record = AssertUnwindSafe(|| {
                    let report = self.prober.judge(&answered);
                    (self.format)(&report, &mut records);
                    lock(&self.tally).note(&report);
                });
                // A fault of ours costs one record, not those that wait with it.
                if catch_unwind(record).is_err() {
                    records.truncate(whole);
                }
            }
            room.send(records);
        }
    }

    /// Room for records.
    fn piece(&self) -> Vec<u8> {
        let emptied = lock(&self.emptied).pop();
        emptied.unwrap_or_else(|| Vec::with_capacity(PIECE))
    }

    /// Keeps the room of a piece that is written.
    fn written(&self, mut piece: Vec<u8>) {
        let mut emptied = lock(&self.emptied);
        if emptied.len() < EMPTIED && piece.capacity() <= LONGEST {
            piece.clear();
            emptied.push(piece);
        }
    }

    /// The thread that writes: what is there, as soon as it is there, in whole records.
    fn write(
        &self,
        mut pieces: Receiver<Vec<u8>>,
        mut output: Box<dyn Write + Send>,
    ) -> io::Result<()> {
        while let Some(mut piece) = pieces.blocking_recv() {
            while let Ok(more) = pieces.try_recv() {
                if piece.len() < LONG {
                    piece.extend_from_slice(&more);
                    self.written(more);
                } else {
                    output.write_all(&piece)?;
                    self.written(std::mem::replace(&mut piece, more));
                }
            }
            output.write_all(&piece)?;
            output.flush()?;
            self.written(piece);
            thread::sleep(REST);
        }
        Ok(())
    }
}
