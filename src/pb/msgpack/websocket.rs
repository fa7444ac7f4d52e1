//! WebSocket, the server's end: the HTTP request with a name and a password, then messages (`msgpack.md` §1).

use crate::pb::limits::{HANDSHAKE_BYTES_MAX, MESSAGE_BYTES_MAX, USERNAME_BYTES_MAX};
use bytes::{Buf, Bytes, BytesMut};
use data_encoding::BASE64;
use std::io::{self, Read, Write};
use tungstenite::handshake::machine::TryParse;
use tungstenite::handshake::server::{Request, create_response, write_response};
use tungstenite::http::header::AUTHORIZATION;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

/// Bytes that are read into the frames' buffer at a time; each idle connection holds that many.
const READ_BYTES: usize = 4 * 1024;

/// What the peer did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// It has proved to be this user, and has been told so.
    LoggedIn(String),
    /// It could not: it has been told, and is to be closed.
    Refused(String),
    /// A binary message.
    Message(Bytes),
}

/// Why the connection must be closed at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// The request is not one for a WebSocket, or too long.
    #[error("not a request for a WebSocket: {0}")]
    Handshake(String),
    /// What the peer sends are no frames.
    #[error("no WebSocket frames: {0}")]
    Frames(String),
    /// It said goodbye.
    #[error("the peer closed the WebSocket")]
    Closed,
}

/// One end of a connection.
#[derive(Debug)]
pub struct Socket(State);

#[derive(Debug)]
enum State {
    /// The request is awaited.
    Request(Pipe),
    /// Messages go both ways.
    Open(Box<WebSocket<Pipe>>),
    /// What is left is to be sent.
    Closed(Pipe),
}

/// What came and what waits to be sent, for those who want a stream.
#[derive(Debug, Default)]
struct Pipe {
    input: BytesMut,
    output: BytesMut,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = buffer.len().min(self.input.len());
        self.input.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Default for Socket {
    fn default() -> Socket {
        Socket(State::Request(Pipe::default()))
    }
}

impl Socket {
    /// Takes bytes of the peer.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pipe().input.extend_from_slice(bytes);
    }

    /// What the peer did next; `is_user` says whether somebody has this name and this password.
    ///
    /// # Errors
    /// The connection must be closed, once what waits is sent.
    pub fn next(&mut self, is_user: impl FnOnce(&str, &str) -> bool) -> Result<Option<Got>, Fatal> {
        match &mut self.0 {
            State::Request(_) => self.upgrade(is_user),
            State::Open(socket) => loop {
                match socket.read() {
                    Ok(Message::Binary(message)) => return Ok(Some(Got::Message(message))),
                    Ok(Message::Close(_)) => return Err(Fatal::Closed),
                    // Pings were answered below; text and pongs have no meaning here.
                    Ok(_) => {}
                    Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                        return Ok(None);
                    }
                    Err(error) => return Err(Fatal::Frames(error.to_string())),
                }
            },
            State::Closed(_) => Ok(None),
        }
    }

    fn upgrade(&mut self, is_user: impl FnOnce(&str, &str) -> bool) -> Result<Option<Got>, Fatal> {
        let pipe = self.pipe();
        let (length, request) = match Request::try_parse(&pipe.input) {
            Ok(Some(parsed)) => parsed,
            Ok(None) if pipe.input.len() > HANDSHAKE_BYTES_MAX => {
                return Err(Fatal::Handshake("it is too long".to_owned()));
            }
            Ok(None) => return Ok(None),
            Err(error) => return Err(Fatal::Handshake(error.to_string())),
        };
        pipe.input.advance(length);
        let response = create_response(&request).map_err(|error| Fatal::Handshake(error.to_string()))?;
        let header = request.headers().get(AUTHORIZATION);
        let Some(header) = header else {
            self.refuse("401 Unauthorized");
            return Ok(Some(Got::Refused(String::new())));
        };
        let Some((name, password)) = header.to_str().ok().and_then(credentials) else {
            self.refuse("400 Bad Request");
            return Ok(Some(Got::Refused(String::new())));
        };
        if !is_user(&name, &password) {
            self.refuse("401 Unauthorized");
            return Ok(Some(Got::Refused(name)));
        }
        let mut pipe = std::mem::take(self.pipe());
        write_response(&mut pipe, &response).map_err(|error| Fatal::Handshake(error.to_string()))?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        self.0 = State::Open(Box::new(WebSocket::from_raw_socket(pipe, Role::Server, Some(config))));
        Ok(Some(Got::LoggedIn(name)))
    }

    fn refuse(&mut self, status: &str) {
        let mut pipe = std::mem::take(self.pipe());
        let answer = format!(
            "HTTP/1.1 {status}\r\nWWW-Authenticate: Basic realm=\"workers\"\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n"
        );
        pipe.output.extend_from_slice(answer.as_bytes());
        self.0 = State::Closed(pipe);
    }

    /// Sends a binary message; before the login, and after the end, it is dropped.
    pub fn send(&mut self, message: Vec<u8>) {
        if let State::Open(socket) = &mut self.0 {
            // The pipe takes everything: this fails only where the goodbye was said, and nobody listens.
            let _ = socket.send(Message::binary(message));
        }
    }

    /// Says goodbye: nothing more is read or sent after it.
    pub fn close(&mut self) {
        if let State::Open(socket) = &mut self.0 {
            let _ = socket.close(None);
            let _ = socket.flush();
        }
        let output = std::mem::take(&mut self.pipe().output);
        self.0 = State::Closed(Pipe { input: BytesMut::new(), output });
    }

    /// Takes all bytes that wait to be sent.
    pub fn take_output(&mut self) -> Bytes {
        self.pipe().output.split().freeze()
    }

    /// Bytes that wait to be sent.
    pub fn output_len(&self) -> usize {
        match &self.0 {
            State::Request(pipe) | State::Closed(pipe) => pipe.output.len(),
            State::Open(socket) => socket.get_ref().output.len(),
        }
    }

    fn pipe(&mut self) -> &mut Pipe {
        match &mut self.0 {
            State::Request(pipe) | State::Closed(pipe) => pipe,
            State::Open(socket) => socket.get_mut(),
        }
    }
}

/// The name and the password of HTTP's Basic scheme.
fn credentials(header: &str) -> Option<(String, String)> {
    let encoded = header.split_at_checked(6).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic "))?.1;
    let decoded = BASE64.decode(encoded.trim().as_bytes()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (name, password) = text.split_once(':')?;
    (name.len() <= USERNAME_BYTES_MAX).then(|| (name.to_owned(), password.to_owned()))
}
