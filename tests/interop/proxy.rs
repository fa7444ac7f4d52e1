//! A way to the master that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Passes connections on to a port of this machine.
pub struct Proxy {
    /// Where to connect to.
    pub port: u16,
    ends: Arc<Mutex<Ends>>,
}

#[derive(Default)]
struct Ends {
    open: Vec<TcpStream>,
    is_over: bool,
}

impl Proxy {
    /// Begins to pass connections on to this port.
    pub fn to(port: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("it is bound").port();
        let ends = Arc::new(Mutex::new(Ends::default()));
        let shared = Arc::clone(&ends);
        start(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // No master there: the other side sees a connection that ends at once.
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let mut ends = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if ends.is_over {
                    return;
                }
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let mut from = from.try_clone().expect("a second handle");
                    let mut to = to.try_clone().expect("a second handle");
                    start(move || pass(&mut from, &mut to));
                }
                ends.open.extend([near, far]);
            }
        });
        Proxy { port: own, ends }
    }

    /// Cuts what is connected now, at both ends.
    pub fn cut(&self) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!ends.open.is_empty(), "nothing is connected");
        for end in ends.open.drain(..) {
            // It may be gone already.
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.is_over = true;
        for end in ends.open.drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
        drop(ends);
        // Wakes the one that waits for connections.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Carries bytes until either end is closed, and then closes both.
fn pass(from: &mut TcpStream, to: &mut TcpStream) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}

#[expect(clippy::disallowed_methods, reason = "sockets of the test's own, outside of any service")]
fn start(run: impl FnOnce() + Send + 'static) {
    std::thread::spawn(run);
}
