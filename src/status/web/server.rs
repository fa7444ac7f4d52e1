//! The listener's thread: accepts connections and bounds each in time and size.

use super::Site;
use super::app::App;
use super::routes::router;
use super::stall::Stall;
use crate::kernel::Bell;
use crate::kernel::thread::{self, Running};
use crate::status::limits::{CONNECTIONS, HEAD_BYTES, HEAD_TIME, HEADERS, READS, STOP_TIME, STREAM_EVENTS};
use crate::status::{Heard, Subscription};
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, watch};

/// A running listener. Dropping it tells it to stop, and does not wait for that.
pub struct Listener {
    ended: Arc<AtomicBool>,
    stop: watch::Sender<()>,
    thread: Running<()>,
}

impl Listener {
    /// Whether its thread has come to its end, told to or not.
    pub fn is_finished(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Waits for its thread, which has ended by itself: what its panic said.
    ///
    /// # Errors
    /// The panic's text.
    pub fn join(self) -> Result<(), String> {
        self.thread.join()
    }

    /// Tells it to stop and waits for the answers that it has begun, for moments.
    ///
    /// # Errors
    /// The text of its panic, if it ended with one.
    pub fn stop(self) -> Result<(), String> {
        drop(self.stop);
        self.thread.join()
    }
}

/// What wakes the listener when its subscription has something to hear: its own end, and the hub's.
pub fn doorbell() -> (Arc<Notify>, Bell) {
    let notify = Arc::new(Notify::new());
    let bell = notify.clone();
    (notify, Arc::new(move || bell.notify_one()))
}

/// Starts to serve `site` at `socket`, which does not block. `on_end` is told when the thread ends, for
/// whatever reason.
///
/// # Errors
/// The operating system has no room for another thread.
pub fn start(
    socket: TcpListener,
    site: Site,
    news: Subscription,
    doorbell: Arc<Notify>,
    on_end: impl FnOnce() + Send + 'static,
) -> io::Result<Listener> {
    let ended = Arc::new(AtomicBool::new(false));
    let end = End { ended: ended.clone(), tell: Some(on_end) };
    let (stop, stopped) = watch::channel(());
    let thread = thread::spawn("web", move || {
        let _end = end;
        let log = site.0.log.clone();
        if let Err(error) = run(socket, site, news, doorbell, stopped) {
            slog::error!(log, "the web listener cannot go on"; "error" => %error);
        }
    })?;
    Ok(Listener { ended, stop, thread })
}

/// Tells of the thread's end, also when that is a panic.
struct End<F: FnOnce()> {
    ended: Arc<AtomicBool>,
    tell: Option<F>,
}

impl<F: FnOnce()> Drop for End<F> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        if let Some(tell) = self.tell.take() {
            tell();
        }
    }
}

fn run(
    socket: TcpListener,
    site: Site,
    news: Subscription,
    doorbell: Arc<Notify>,
    stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(READS)
        .thread_name("web-read")
        .build()?;
    let served = runtime.block_on(async {
        let (events, _) = broadcast::channel(STREAM_EVENTS);
        tokio::spawn(pass_on(news, doorbell, events.clone()));
        let app = App::new(site, events, stopped.clone());
        serve(tokio::net::TcpListener::from_std(socket)?, router(app), stopped).await;
        Ok(())
    });
    runtime.shutdown_timeout(STOP_TIME);
    served
}

/// Hands what the hub tells to the event streams.
async fn pass_on(news: Subscription, doorbell: Arc<Notify>, events: broadcast::Sender<Heard>) {
    loop {
        while let Some(heard) = news.next() {
            // Nobody may be listening.
            let _ = events.send(heard);
        }
        doorbell.notified().await;
    }
}

async fn serve(listener: tokio::net::TcpListener, router: Router, mut stopped: watch::Receiver<()>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { break };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::spawn(converse(stream, router.clone(), stopped.clone(), permit))),
                // Out of file descriptors, or a client that went away: the next one may do better.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    // All permits are back when all conversations have ended.
    let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(STOP_TIME, room.acquire_many(all)).await;
}

/// How long to wait after a failed accept.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

async fn converse(
    stream: TcpStream,
    router: Router,
    mut stopped: watch::Receiver<()>,
    permit: OwnedSemaphorePermit,
) {
    // A small answer must not wait for the acknowledgement of the one before; without it, it is only slower.
    let _ = stream.set_nodelay(true);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_header_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(Stall::new(stream)), TowerToHyperService::new(router));
    tokio::pin!(connection);
    // What ends a conversation badly is the client's trouble, and it has gone.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
    drop(permit);
}
