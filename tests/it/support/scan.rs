//! Servers by the hundred for a scan: each says a few bytes to whoever comes, and waits.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Listeners on one port of consecutive addresses.
pub(crate) struct Listeners {
    pub(crate) port: u16,
    first: Ipv4Addr,
    says: &'static [u8],
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    all: AtomicUsize,
}

impl Listeners {
    /// So many from an address on, which answer the first eight bytes with `says`.
    pub(crate) fn start(first: &str, count: u32, says: &'static [u8]) -> Self {
        let first: Ipv4Addr = first.parse().unwrap();
        let seen = Arc::new(Seen::default());
        let mut port = 0;
        for number in 0..count {
            let address = Ipv4Addr::from(u32::from(first) + number);
            port = listen(address, port, says, &seen);
        }
        Self {
            port,
            first,
            says,
            seen,
        }
    }

    /// Further ports of the first address.
    pub(crate) fn more_ports(&self, count: u32) -> Vec<u16> {
        (0..count)
            .map(|_| listen(self.first, 0, self.says, &self.seen))
            .collect()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.seen.all.load(Ordering::SeqCst)
    }
}

fn listen(address: Ipv4Addr, port: u16, says: &'static [u8], seen: &Arc<Seen>) -> u16 {
    let listener = TcpListener::bind(SocketAddr::new(IpAddr::V4(address), port)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::clone(seen);
    thread::Builder::new()
        .stack_size(64 * 1024)
        .spawn(move || {
            for stream in listener.incoming() {
                let seen = Arc::clone(&seen);
                let stream = stream.unwrap();
                thread::spawn(move || answer(stream, says, &seen));
            }
        })
        .unwrap();
    port
}

fn answer(mut stream: TcpStream, says: &[u8], seen: &Seen) {
    seen.all.fetch_add(1, Ordering::SeqCst);
    let mut request = [0; 8];
    if stream.read_exact(&mut request).is_ok() && stream.write_all(says).is_ok() {
        // Until the client goes.
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// Whether a text is in what a process has said.
pub(crate) fn says(output: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(output).contains(text)
}
