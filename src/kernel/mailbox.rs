//! Mailboxes: a bounded inbox with control before data, and the four ways to put something into it.

use super::rank::assert_downward;
use super::{Control, Ranked, Service, limits, sim};
use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The service at the other end is not running any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not running")]
pub struct Gone(pub &'static str);

/// Wakes a service that waits for something other than its inbox (a poll on sockets).
pub type Bell = Arc<dyn Fn() + Send + Sync>;

/// Where senders wait: on the operating system, or by giving the simulator's services a turn.
#[derive(Clone)]
pub(super) enum Patience {
    Threads,
    Sim(sim::Registry),
}

/// Makes a mailbox with room for `capacity` messages: the door to hand out, the inbox to run.
pub fn mailbox<S: Service>(capacity: usize, bell: Option<Bell>) -> (Door<S>, Inbox<S>) {
    mailbox_in(Patience::Threads, capacity, bell)
}

pub(super) fn mailbox_in<S: Service>(
    patience: Patience,
    capacity: usize,
    bell: Option<Bell>,
) -> (Door<S>, Inbox<S>) {
    let (control_in, control) = bounded(limits::CONTROLS);
    let (data_in, data) = bounded(capacity);
    let (alive, end) = bounded(0);
    let overrun = Arc::new(AtomicBool::new(false));
    let door = Door { control: control_in, data: data_in, end, overrun: overrun.clone(), bell, patience };
    (door, Inbox { control, data, _alive: alive, overrun })
}

/// The way into a service's inbox. The tree holds the doors and makes addresses and tellers from them.
pub struct Door<S: Service> {
    control: Sender<Control>,
    data: Sender<S::Msg>,
    /// Disconnects when the last inbox is dropped: a bounded channel keeps the messages, and with them the
    /// replies, that nobody will read any more.
    end: Receiver<Infallible>,
    overrun: Arc<AtomicBool>,
    bell: Option<Bell>,
    patience: Patience,
}

impl<S: Service> Clone for Door<S> {
    fn clone(&self) -> Self {
        Door {
            control: self.control.clone(),
            data: self.data.clone(),
            end: self.end.clone(),
            overrun: self.overrun.clone(),
            bell: self.bell.clone(),
            patience: self.patience.clone(),
        }
    }
}

impl<S: Service> Door<S> {
    /// An address for `Me`, from which it may wait for this service if it stands above it.
    pub fn address<Me: Ranked>(&self) -> Address<Me, S> {
        Address { door: self.clone(), me: PhantomData }
    }

    /// A hint that turns `News` of a lower room into this service's message.
    pub fn hint<News: 'static>(&self, wrap: fn(News) -> S::Msg) -> Hint<News> {
        let door = self.clone();
        Hint(Arc::new(move |news| {
            if let Err(Some(refused)) = door.try_put(wrap(news)) {
                door.overrun.store(true, Ordering::Release);
                // The receiver may have emptied its inbox and gone to sleep before the flag was set: then there is
                // room now, and the message wakes it. Where there is still none, it has a turn before it.
                let _ = door.try_put(refused);
                door.ring();
            }
        }))
    }

    /// An offer that turns `News` of a lower room into this service's message; `unwrap` takes that message
    /// apart again when there is no room for it.
    pub fn offer<News: 'static>(
        &self,
        wrap: fn(News) -> S::Msg,
        unwrap: fn(S::Msg) -> Option<News>,
    ) -> Offer<News> {
        let door = self.clone();
        Offer(Arc::new(move |news| door.try_put(wrap(news)).map_err(|refused| refused.and_then(unwrap))))
    }

    /// Sends a control, which the service reads before any data, and waits for its answer. For the root of the
    /// tree alone, which stands above everyone.
    ///
    /// # Errors
    /// The service has ended.
    pub fn command<R>(&self, control: impl FnOnce(Reply<R>) -> Control) -> Result<R, Gone> {
        let (reply, answer) = Reply::new();
        self.control.send(control(reply)).map_err(|_| Gone(S::NAME))?;
        self.ring();
        self.wait(&answer)
    }

    fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell();
        }
    }

    fn try_put(&self, msg: S::Msg) -> Result<(), Option<S::Msg>> {
        match self.data.try_send(msg) {
            Ok(()) => {
                self.ring();
                Ok(())
            }
            Err(TrySendError::Full(msg)) => Err(Some(msg)),
            Err(TrySendError::Disconnected(_)) => Err(None),
        }
    }

    fn put(&self, msg: S::Msg) -> Result<(), Gone> {
        match &self.patience {
            Patience::Threads => self.data.send(msg).map_err(|_| Gone(S::NAME))?,
            Patience::Sim(registry) => {
                let mut waiting = msg;
                loop {
                    match self.data.try_send(waiting) {
                        Ok(()) => break,
                        Err(TrySendError::Disconnected(_)) => return Err(Gone(S::NAME)),
                        Err(TrySendError::Full(msg)) => waiting = msg,
                    }
                    registry.step(S::NAME)?;
                }
            }
        }
        self.ring();
        Ok(())
    }

    fn wait<R>(&self, answer: &Receiver<R>) -> Result<R, Gone> {
        match &self.patience {
            Patience::Threads => crossbeam_channel::select! {
                recv(answer) -> answer => answer.map_err(|_| Gone(S::NAME)),
                // It may have answered with its last breath.
                recv(self.end) -> _ => answer.try_recv().map_err(|_| Gone(S::NAME)),
            },
            Patience::Sim(registry) => loop {
                match answer.try_recv() {
                    Ok(answer) => return Ok(answer),
                    Err(TryRecvError::Disconnected) => return Err(Gone(S::NAME)),
                    Err(TryRecvError::Empty) => registry.step(S::NAME)?,
                }
            },
        }
    }
}

/// `Me`'s way to wait for `To`: down the ranks only.
pub struct Address<Me, To: Service> {
    door: Door<To>,
    me: PhantomData<fn(Me)>,
}

impl<Me, To: Service> Clone for Address<Me, To> {
    fn clone(&self) -> Self {
        Address { door: self.door.clone(), me: PhantomData }
    }
}

impl<Me: Ranked, To: Service> Address<Me, To> {
    /// Asks and waits for the answer.
    pub fn call<R>(&self, ask: impl FnOnce(Reply<R>) -> To::Msg) -> Result<R, Gone> {
        const { assert_downward::<Me, To>() }
        let (reply, answer) = Reply::new();
        self.door.put(ask(reply))?;
        self.door.wait(&answer)
    }

    /// Tells, and waits only until there is room.
    pub fn push(&self, msg: To::Msg) -> Result<(), Gone> {
        const { assert_downward::<Me, To>() }
        self.door.put(msg)
    }

    /// Tells unless there is no room, in which case the message comes back. `Err(None)`: it is gone.
    pub fn offer(&self, msg: To::Msg) -> Result<(), Option<To::Msg>> {
        self.door.try_put(msg)
    }
}

/// A lossy way to tell `News` to whoever wants to hear it, without waiting and without knowing who it is. If
/// there is no room the news is lost, and the receiver is told that it missed some: it reads the database again.
pub struct Hint<News>(Arc<dyn Fn(News) + Send + Sync>);

impl<News> Clone for Hint<News> {
    fn clone(&self) -> Self {
        Hint(self.0.clone())
    }
}

impl<News> Hint<News> {
    /// A hint to a plain function: for tests, and for several hearers of one hint.
    pub fn to_fn(tell: impl Fn(News) + Send + Sync + 'static) -> Hint<News> {
        Hint(Arc::new(tell))
    }

    /// Tells, if there is room.
    pub fn tell(&self, news: News) {
        (self.0)(news);
    }
}

/// A way to tell `News` upward that hands it back where there is no room, so that the teller can keep it and
/// stop taking more in.
pub struct Offer<News>(Arc<dyn Fn(News) -> Result<(), Option<News>> + Send + Sync>);

impl<News> Clone for Offer<News> {
    fn clone(&self) -> Self {
        Offer(self.0.clone())
    }
}

impl<News> Offer<News> {
    /// An offer to a plain function, for tests.
    pub fn to_fn(offer: impl Fn(News) -> Result<(), Option<News>> + Send + Sync + 'static) -> Offer<News> {
        Offer(Arc::new(offer))
    }

    /// Whether both speak to the same receiver in the same way.
    pub fn is_same(&self, other: &Offer<News>) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Tells if there is room; if not, the news comes back. `Err(None)`: the receiver is gone.
    pub fn offer(&self, news: News) -> Result<(), Option<News>> {
        (self.0)(news)
    }
}

/// Where the answer of a call goes. Dropped without an answer, the caller learns that the service is gone.
#[derive(Debug)]
pub struct Reply<R>(Sender<R>);

impl<R> Reply<R> {
    /// A reply and where it arrives.
    pub fn new() -> (Reply<R>, Receiver<R>) {
        let (sender, receiver) = bounded(1);
        (Reply(sender), receiver)
    }

    /// Answers. A caller that went away is no fault.
    pub fn send(self, answer: R) {
        let _ = self.0.send(answer);
    }
}

/// A service's incoming mail: control before data.
pub struct Inbox<S: Service> {
    control: Receiver<Control>,
    data: Receiver<S::Msg>,
    _alive: Sender<Infallible>,
    overrun: Arc<AtomicBool>,
}

impl<S: Service> Clone for Inbox<S> {
    fn clone(&self) -> Self {
        Inbox {
            control: self.control.clone(),
            data: self.data.clone(),
            _alive: self._alive.clone(),
            overrun: self.overrun.clone(),
        }
    }
}

impl<S: Service> Inbox<S> {
    /// The next control: `Empty` if none is there yet, `Disconnected` if none can come any more.
    pub fn try_control(&self) -> Result<Control, TryRecvError> {
        self.control.try_recv()
    }

    /// The next message: `Empty` if none is there yet, `Disconnected` if none can come any more.
    pub fn try_data(&self) -> Result<S::Msg, TryRecvError> {
        self.data.try_recv()
    }

    /// Whether a control waits.
    pub fn has_control(&self) -> bool {
        !self.control.is_empty()
    }

    /// Whether anything waits to be read.
    pub fn is_empty(&self) -> bool {
        self.control.is_empty() && self.data.is_empty() && !self.overrun.load(Ordering::Acquire)
    }

    /// Whether a hint was dropped since this was last asked.
    pub fn take_overrun(&self) -> bool {
        self.overrun.swap(false, Ordering::AcqRel)
    }

    /// Waits until something can be read, or for `timeout`.
    pub fn wait(&self, timeout: Option<Duration>) {
        let mut ready = crossbeam_channel::Select::new();
        ready.recv(&self.control);
        ready.recv(&self.data);
        match timeout {
            Some(timeout) => drop(ready.ready_timeout(timeout)),
            None => drop(ready.ready()),
        }
    }
}
