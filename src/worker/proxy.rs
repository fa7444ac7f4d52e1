//! The way through an HTTP proxy: `CONNECT`, as Buildbot's worker asks for it.

use super::limits::{CONNECT_WAIT, PROXY_ANSWER_BYTES};
use std::io::{Error, Read, Write};
use std::net::TcpStream;

/// Has the proxy at the other end of `socket` connect to `address` (`HOST:PORT`).
///
/// # Errors
/// It does not: the text holds its first line.
pub fn tunnel(mut socket: &TcpStream, address: &str) -> std::io::Result<()> {
    socket.set_read_timeout(Some(CONNECT_WAIT))?;
    socket.write_all(format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    // One byte at a time: what follows the answer's empty line is the master's already.
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if answer.len() >= PROXY_ANSWER_BYTES {
            return Err(Error::other("the proxy's answer does not end"));
        }
        socket.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    socket.set_read_timeout(None)?;
    let text = String::from_utf8_lossy(&answer);
    let first = text.lines().next().unwrap_or_default();
    let mut words = first.split(' ');
    match (words.next(), words.next()) {
        (Some("HTTP/1.0" | "HTTP/1.1"), Some(status)) if status.starts_with('2') => Ok(()),
        _ => Err(Error::other(format!("the proxy says: {first}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::thread;
    use std::net::TcpListener;

    /// Asks a proxy that answers this; the result, and what it was asked.
    fn asked(answer: &'static str) -> (Result<(), String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("is bound");
        let proxy = thread::spawn("proxy", move || {
            let (mut client, _) = listener.accept().expect("a client comes");
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).expect("it asks");
                asked.push(byte[0]);
            }
            client.write_all(answer.as_bytes()).expect("it listens");
            String::from_utf8(asked).expect("is text")
        });
        let socket = TcpStream::connect(address).expect("connects");
        let result = tunnel(&socket, "ci:9989").map_err(|error| error.to_string());
        if result.is_ok() {
            let mut rest = String::new();
            (&socket).read_to_string(&mut rest).expect("reads");
            assert_eq!(rest, "first bytes of the master");
        }
        (result, proxy.expect("starts").join().expect("no panic"))
    }

    #[test]
    fn a_tunnel_and_a_refusal() {
        let request = "CONNECT ci:9989 HTTP/1.1\r\nHost: ci:9989\r\n\r\n";
        let answer = "HTTP/1.1 200 Fine\r\nVia: x\r\n\r\nfirst bytes of the master";
        assert_eq!(asked(answer), (Ok(()), request.to_owned()));
        let refused = asked("HTTP/1.1 403 Not you\r\n\r\n").0;
        assert_eq!(refused, Err("the proxy says: HTTP/1.1 403 Not you".to_owned()));
        assert!(asked("SSH-2.0-x\r\n\r\n").0.is_err());
    }
}
