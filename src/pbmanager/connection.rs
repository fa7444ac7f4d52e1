//! One connection: its wire, its login, what its owner still has to hear, what the peer still has to get.

use super::channel::Channel;
use super::net::Net;
use super::registry::{Entrance, Registry};
use super::wire::{Came, Protocol, Wire};
use super::{ConnectionId, News, Verb, limits};
use crate::kernel::{Offer, World};
use crate::model::Mono;
use crate::pb::limits::UNANSWERED_CALLS_MAX;
use crate::pb::{Event, Request};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::SocketAddr;

/// How far the peer has come.
enum Stage {
    /// It has not proved who it is, and has until then to do so.
    Stranger { until: Mono },
    /// It has, and waits to be let in by the owner of its name.
    Waiting { owner: Offer<News>, request: Option<Request> },
    /// It is in.
    Admitted { owner: Offer<News> },
    /// It is to be cut off for this reason once its output is sent, at the latest then.
    Closing { owner: Option<Offer<News>>, reason: String, until: Mono },
}

/// What is left to do with a connection after it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// It goes on.
    Open,
    /// Its socket is to be closed; the connection stays until its owner has heard everything.
    Cut,
}

/// One connection.
pub(super) struct Connection {
    id: ConnectionId,
    peer: SocketAddr,
    /// Who has logged in.
    user: Option<String>,
    entrance: Entrance,
    channel: Channel,
    wire: Wire,
    stage: Stage,
    /// What the owner had no room for, in order; while there is any, nothing more is read.
    untold: VecDeque<News>,
    /// How much has come since all calls were answered.
    unanswered_bytes: usize,
    /// Bytes on their way out.
    unsent: Bytes,
    /// Since when the peer has taken none of the bytes that wait for it.
    stuck_since: Option<Mono>,
    /// When the service looks whether the deadline has passed, at the latest.
    pub(super) alarm: Option<Mono>,
    /// Whether the socket may have something to read.
    pub(super) readable: bool,
    /// Users whose logins were refused, until [`Connection::take_refused`].
    refused: Vec<String>,
    /// Whether the socket is gone.
    ended: bool,
}

impl Connection {
    pub(super) fn new(
        id: ConnectionId,
        peer: SocketAddr,
        (entrance, channel): (Entrance, Channel),
        protocol: Protocol,
        now: Mono,
    ) -> Connection {
        Connection {
            id,
            peer,
            user: None,
            entrance,
            channel,
            wire: Wire::new(protocol),
            stage: Stage::Stranger { until: now + limits::AUTHENTICATE_WITHIN },
            untold: VecDeque::new(),
            unanswered_bytes: 0,
            unsent: Bytes::new(),
            stuck_since: None,
            alarm: None,
            readable: true,
            refused: Vec::new(),
            ended: false,
        }
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Who it is, for people.
    pub(super) fn who(&self) -> &str {
        self.user.as_deref().unwrap_or("a stranger")
    }

    pub(super) fn entrance(&self) -> Entrance {
        self.entrance
    }

    pub(super) fn is_stranger(&self) -> bool {
        matches!(self.stage, Stage::Stranger { .. })
    }

    /// Whether the next bytes of the peer may be read: its owner has heard all that came before, and neither
    /// calls without an answer nor bytes without a reader have piled up.
    pub(super) fn may_read(&self) -> bool {
        !self.ended
            && self.untold.is_empty()
            && !matches!(self.stage, Stage::Closing { .. })
            && self.wire.unanswered_calls() < UNANSWERED_CALLS_MAX
            && (self.wire.unanswered_calls() == 0 || self.unanswered_bytes < limits::UNANSWERED_BYTES_MAX)
            && self.unsent.len() + self.wire.output_len() < self.unsent_bytes_max()
    }

    /// How much may wait for the peer before it is not listened to any more.
    fn unsent_bytes_max(&self) -> usize {
        if self.is_stranger() { limits::STRANGER_UNSENT_BYTES_MAX } else { limits::UNSENT_BYTES_MAX / 2 }
    }

    /// Whether the socket is closed and the owner has heard everything: the connection can be forgotten.
    pub(super) fn is_over(&self) -> bool {
        self.ended && self.untold.is_empty()
    }

    /// Whether its owner has something to hear yet.
    pub(super) fn has_untold(&self) -> bool {
        !self.untold.is_empty()
    }

    /// The users whose logins were refused since the last time.
    pub(super) fn take_refused(&mut self) -> Vec<String> {
        std::mem::take(&mut self.refused)
    }

    /// By when something must have happened.
    pub(super) fn deadline(&self) -> Option<Mono> {
        if self.ended {
            return None;
        }
        let stage = match self.stage {
            Stage::Stranger { until } | Stage::Closing { until, .. } => Some(until),
            Stage::Waiting { .. } | Stage::Admitted { .. } => None,
        };
        let unstuck = self.stuck_since.map(|since| since + limits::SEND_PROGRESS_WITHIN);
        stage.into_iter().chain(unstuck).min()
    }

    /// What is wrong once the deadline has passed.
    pub(super) fn overdue(&self) -> &'static str {
        match self.stage {
            Stage::Stranger { .. } => "it did not log in in time",
            Stage::Closing { .. } => "closed",
            Stage::Waiting { .. } | Stage::Admitted { .. } => "it does not read what it is sent",
        }
    }

    /// Reads from the socket; zero bytes are the end.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there yet; any other ends the connection.
    pub(super) fn read(&mut self, net: &mut dyn Net, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = if self.is_stranger() { limits::STRANGER_READ_BYTES } else { buffer.len() };
        self.channel.over(net, self.id).read(&mut buffer[..most])
    }

    /// Takes bytes of the peer.
    pub(super) fn received(&mut self, bytes: &[u8]) {
        if self.wire.unanswered_calls() == 0 {
            self.unanswered_bytes = 0;
        }
        self.unanswered_bytes += bytes.len();
        self.wire.push(bytes);
    }

    /// Deals with what the peer has sent, as far as the owner can hear it.
    ///
    /// # Errors
    /// Why the connection must be cut off.
    pub(super) fn advance(&mut self, registry: &Registry, world: &mut World) -> Result<(), String> {
        self.tell_held();
        let names = registry.names(self.entrance);
        while !self.ended && self.untold.is_empty() && !matches!(self.stage, Stage::Closing { .. }) {
            let Some(came) = self.wire.next(&names, world)? else { break };
            match came {
                Came::LoggedIn { user, mind, request } => {
                    let Some((port, entry)) = names.get(&user) else {
                        return Err(format!("user '{user}' was removed while logging in"));
                    };
                    if !self.is_stranger() {
                        return Err("a second login on one connection".to_owned());
                    }
                    self.stage = Stage::Waiting { owner: entry.owner.clone(), request };
                    self.user = Some(user.clone());
                    let (connection, peer, protocol) = (self.id, self.peer, self.wire.protocol());
                    self.tell(News::Attached { connection, user, port, mind, peer, protocol });
                }
                Came::Refused(user) => self.refused.push(user),
                Came::TurnedAway(user) => {
                    self.refused.push(user);
                    self.close_politely("its login was refused".to_owned(), world.now());
                }
                Came::Event(event) => self.pass(event),
            }
        }
        Ok(())
    }

    fn pass(&mut self, event: Event) {
        let connection = self.id;
        match event {
            Event::Ready => {}
            Event::Call(call) => self.tell(News::Called { connection, call }),
            Event::Answered { token, result } => self.tell(News::Answered { connection, token, result }),
            Event::Released { key } => self.tell(News::Released { connection, key }),
        }
    }

    /// Tells the owner, or keeps it for later, in order.
    fn tell(&mut self, news: News) {
        self.untold.push_back(news);
        self.tell_held();
    }

    fn tell_held(&mut self) {
        let (Stage::Waiting { owner, .. }
        | Stage::Admitted { owner }
        | Stage::Closing { owner: Some(owner), .. }) = &self.stage
        else {
            // A stranger has no owner, and nobody wants to hear of it.
            return self.untold.clear();
        };
        while let Some(news) = self.untold.pop_front() {
            match owner.offer(news) {
                Ok(()) | Err(None) => {}
                Err(Some(news)) => return self.untold.push_front(news),
            }
        }
    }

    /// Does what the owner wants.
    ///
    /// # Errors
    /// Why the connection must be cut off.
    pub(super) fn act(&mut self, verb: Verb, now: Mono) -> Result<(), String> {
        if self.ended {
            return Ok(());
        }
        match verb {
            Verb::Admit(avatar) => self.decide(|wire, request| wire.admit(request, avatar)),
            Verb::Refuse(failure) => {
                self.decide(|wire, request| wire.refuse(request, &failure));
                // It has nothing to say here any more, and may not know.
                self.close_politely("its login was refused".to_owned(), now);
            }
            Verb::Call { object, method, args, kwargs, token } => {
                if let Err(failure) = self.wire.call(object, &method, &args, &kwargs, token) {
                    self.tell(News::Answered { connection: self.id, token, result: Err(failure) });
                }
            }
            Verb::Answer(request, value) => self.wire.answer(request, &value),
            Verb::Fail(request, failure) => self.wire.fail(request, &failure),
            Verb::Reject(call, failure) => self.wire.reject(call, &failure),
            Verb::Release(luid) => self.wire.release(luid),
            Verb::SetTextForm(form) => self.wire.set_text_form(form),
            Verb::Close(reason) => self.close_politely(reason, now),
        }
        if self.unsent.len() + self.wire.output_len() > limits::UNSENT_BYTES_MAX {
            return Err("it does not read what it is sent".to_owned());
        }
        Ok(())
    }

    /// Answers the login that waits, if one does.
    fn decide(&mut self, answer: impl FnOnce(&mut Wire, Option<Request>)) {
        let Stage::Waiting { owner, .. } = &self.stage else { return };
        let admitted = Stage::Admitted { owner: owner.clone() };
        if let Stage::Waiting { request, .. } = std::mem::replace(&mut self.stage, admitted) {
            answer(&mut self.wire, request);
        }
    }

    fn close_politely(&mut self, reason: String, now: Mono) {
        let owner = match &self.stage {
            Stage::Stranger { .. } => None,
            Stage::Waiting { owner, .. } | Stage::Admitted { owner } => Some(owner.clone()),
            Stage::Closing { .. } => return,
        };
        self.wire.close();
        self.stage = Stage::Closing { owner, reason, until: now + limits::CLOSE_WITHIN };
    }

    /// The socket is gone, or to be cut: every call of the owner's ends, then it hears of the end. True the
    /// first time.
    pub(super) fn cut(&mut self, net: &mut dyn Net, reason: &str) -> bool {
        if std::mem::replace(&mut self.ended, true) {
            return false;
        }
        self.channel.over(net, self.id).farewell();
        net.close(self.id);
        self.unsent = Bytes::new();
        let connection = self.id;
        for event in self.wire.lost() {
            if let Event::Answered { token, result } = event {
                self.untold.push_back(News::Answered { connection, token, result });
            }
        }
        let reason = match &self.stage {
            Stage::Closing { reason, .. } => reason.clone(),
            _ => reason.to_owned(),
        };
        self.untold.push_back(News::Detached { connection, reason });
        self.tell_held();
        true
    }

    /// Sends what waits.
    ///
    /// # Errors
    /// The socket's, but `WouldBlock`.
    pub(super) fn flush(&mut self, net: &mut dyn Net, now: Mono) -> std::io::Result<Outlook> {
        let mut channel = self.channel.over(net, self.id);
        loop {
            if self.unsent.is_empty() {
                self.unsent = self.wire.take_output();
            }
            let sent = match self.unsent.is_empty() {
                true => channel.flush().map(|()| 0),
                false => channel.write(&self.unsent),
            };
            match sent {
                Ok(written) if !self.unsent.is_empty() => self.unsent.advance(written),
                Ok(_) => break,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    let is_progress = channel.taken() > 0;
                    self.stuck_since = self.stuck_since.filter(|_| !is_progress).or(Some(now));
                    return Ok(Outlook::Open);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.stuck_since = None;
        Ok(if matches!(self.stage, Stage::Closing { .. }) { Outlook::Cut } else { Outlook::Open })
    }
}
