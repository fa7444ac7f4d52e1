//! Stands between a client and its server and, when told to, cuts the answer to a commit.

use bellwether::kernel::thread::spawn;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A socket that leads to a server.
pub struct Cutter {
    folder: TempDir,
    armed: Arc<AtomicBool>,
}

impl Cutter {
    /// Stands before the server on the socket in `server`.
    pub fn before(server: &Path) -> Cutter {
        let folder = TempDir::new().expect("a folder");
        let armed = Arc::new(AtomicBool::new(false));
        let listener = UnixListener::bind(socket(folder.path())).expect("a socket");
        let (server, for_thread) = (socket(server), Arc::clone(&armed));
        spawn("cutter", move || {
            for client in listener.incoming().flatten() {
                let server = UnixStream::connect(&server).expect("the server");
                join(client, server, &for_thread);
            }
        })
        .expect("a thread");
        Cutter { folder, armed }
    }

    /// The folder of its own socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Cuts the answer to the next commit: the server has committed, the client does not hear of it.
    pub fn arm(&self) {
        self.armed.store(true, Ordering::Release);
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join(".s.PGSQL.5432")
}

/// Lets the two speak to each other.
fn join(client: UnixStream, server: UnixStream, armed: &Arc<AtomicBool>) {
    let cut = Arc::new(AtomicBool::new(false));
    let (client_too, server_too) =
        (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
    let (armed, cut_too) = (Arc::clone(armed), Arc::clone(&cut));
    let asks = move |bytes: &[u8]| {
        // The client waits for the answer before it says more, so what follows this is the answer to it.
        if bytes.windows(7).any(|window| window == b"COMMIT\0") && armed.swap(false, Ordering::AcqRel) {
            cut_too.store(true, Ordering::Release);
        }
        true
    };
    spawn("asks", move || copy(client, server, asks)).expect("a thread");
    let answers = move |_: &[u8]| !cut.load(Ordering::Acquire);
    spawn("answers", move || copy(server_too, client_too, answers)).expect("a thread");
}

/// Copies until one side ends, or until `goes_on` says no; then ends both.
fn copy(mut from: UnixStream, mut to: UnixStream, goes_on: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !goes_on(&buffer[..length]) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // Either may have ended already.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
