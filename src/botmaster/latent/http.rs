//! The little of HTTP that a container engine needs: one request a connection, over a socket file or TCP; bounded in
//! time and size, and cut short when its user wants no more of it.

use crate::botmaster::limits::{ENGINE_ANSWER_BYTES, ENGINE_HEAD_BYTES};
use crate::kernel::World;
use crate::kernel::program::wait;
use crate::model::Mono;
use rustix::event::{PollFd, PollFlags};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How many headers an answer may have.
const HEADERS: usize = 64;

/// What a server answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// What is sent with a request.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// Its `Content-Type`.
    pub kind: &'static str,
    /// Itself.
    pub bytes: &'a [u8],
}

/// A server, and how long it is listened to.
pub struct Client<'a> {
    /// `unix:///PATH` or `tcp://HOST:PORT`.
    pub address: &'a str,
    /// The time.
    pub world: &'a World,
    /// Until when all its answers must be there.
    pub deadline: Mono,
    /// Can be read from as soon as nobody wants an answer any more.
    pub stop: &'a UnixStream,
}

impl Client<'_> {
    /// Asks, and reads the answer to its end.
    ///
    /// # Errors
    /// The server is out of reach, too slow, or does not speak HTTP; or nobody wants the answer any more.
    pub fn ask(&self, method: &str, path: &str, body: Option<Body<'_>>) -> io::Result<Answer> {
        let mut socket = self.connect()?;
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n");
        if let Some(Body { kind, bytes }) = body {
            request += &format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", bytes.len());
        }
        request += "\r\n";
        let bytes = body.map_or(&[][..], |body| body.bytes);
        for mut rest in [request.as_bytes(), bytes] {
            while !rest.is_empty() {
                self.until(&socket, PollFlags::OUT)?;
                match socket.write(rest) {
                    Ok(count) => rest = &rest[count..],
                    Err(error) if is_early(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let mut text = Vec::new();
        let mut buffer = [0; 16 << 10];
        loop {
            self.until(&socket, PollFlags::IN)?;
            match socket.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => text.extend_from_slice(&buffer[..count]),
                Err(error) if is_early(&error) => {}
                Err(error) => return Err(error),
            }
            if text.len() > ENGINE_ANSWER_BYTES {
                return Err(wrong("its answer is too long"));
            }
            // A server may keep the connection open though it was asked not to.
            if let Some(answer) = parse(&text, false)? {
                return Ok(answer);
            }
        }
        parse(&text, true)?.ok_or_else(|| wrong("its answer ends too early"))
    }

    fn connect(&self) -> io::Result<Socket> {
        let socket = match self.address.split_once("://") {
            Some(("unix", path)) => Socket::Unix(UnixStream::connect(path)?),
            Some(("tcp", address)) => {
                let address = address.to_socket_addrs()?.next().ok_or_else(|| wrong("it has no address"))?;
                Socket::Tcp(TcpStream::connect_timeout(&address, self.left()?)?)
            }
            _ => return Err(wrong("its address is neither unix:// nor tcp://")),
        };
        match &socket {
            Socket::Unix(stream) => stream.set_nonblocking(true)?,
            Socket::Tcp(stream) => stream.set_nonblocking(true)?,
        }
        Ok(socket)
    }

    /// What is left of the time.
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.since(self.world.now());
        if left.is_zero() { Err(io::Error::new(ErrorKind::TimedOut, "it took too long")) } else { Ok(left) }
    }

    fn until(&self, socket: &Socket, ready: PollFlags) -> io::Result<()> {
        let mut fds =
            [PollFd::from_borrowed_fd(socket.as_fd(), ready), PollFd::new(self.stop, PollFlags::IN)];
        wait(&mut fds, self.left()?)?;
        if fds[1].revents().is_empty() { Ok(()) } else { Err(wrong("it was stopped")) }
    }
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::other(what)
}

fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Unix(stream) => stream.as_fd(),
            Socket::Tcp(stream) => stream.as_fd(),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(stream) => stream.read(buffer),
            Socket::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(stream) => stream.write(bytes),
            Socket::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The answer in what has come so far; `None` if it is not all of it. `is_end`: no more can come.
///
/// # Errors
/// It is no HTTP.
pub fn parse(text: &[u8], is_end: bool) -> io::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(text).map_err(io::Error::other)? else {
        return if text.len() > ENGINE_HEAD_BYTES { Err(wrong("its head is too long")) } else { Ok(None) };
    };
    let status = head.code.ok_or_else(|| wrong("its answer has no status"))?;
    let header = |name: &str| {
        let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value).trim().to_ascii_lowercase())
    };
    let body = &text[length..];
    let body = if matches!(status, 204 | 304) {
        Some(Vec::new())
    } else if header("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
        unchunk(body)?
    } else if let Some(length) = header("content-length") {
        let length: usize = length.parse().map_err(io::Error::other)?;
        body.get(..length).map(<[u8]>::to_vec)
    } else {
        is_end.then(|| body.to_vec())
    };
    Ok(body.map(|body| Answer { status, body }))
}

/// Puts chunks together; `None` before the last is there.
fn unchunk(mut rest: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut whole = Vec::new();
    loop {
        let size = httparse::parse_chunk_size(rest).map_err(|_| wrong("its answer has a wrong chunk"))?;
        let httparse::Status::Complete((begin, size)) = size else { return Ok(None) };
        if size == 0 {
            return Ok(Some(whole));
        }
        let size = usize::try_from(size).ok().filter(|size| *size <= ENGINE_ANSWER_BYTES);
        let end = begin + size.ok_or_else(|| wrong("its answer is too long"))?;
        // Each chunk is followed by a line end.
        let Some(chunk) = rest.get(begin..end).filter(|_| rest.len() >= end + 2) else { return Ok(None) };
        whole.extend_from_slice(chunk);
        rest = &rest[end + 2..];
    }
}
