//! The control socket between its two ends.

use super::client::{self, AskError};
use super::limits::ASK_WITHIN;
use super::protocol::{Request, Response};
use super::socket::{BellRope, ControlSocket, Ticket};
use crate::kernel::thread;
use crate::model::Mono;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

fn listening() -> (TempDir, PathBuf, ControlSocket) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("control.sock");
    let mut socket = ControlSocket::new(&BellRope::default()).unwrap();
    socket.listen(&path).unwrap();
    (dir, path, socket)
}

/// Polls until somebody has asked.
fn next_question(socket: &mut ControlSocket) -> (Ticket, Vec<u8>) {
    loop {
        socket.wait(Some(Duration::from_secs(1))).unwrap();
        if let Some(question) = socket.heed(Mono::default()).into_iter().next() {
            return question;
        }
    }
}

#[test]
fn a_command_is_answered() {
    let (_dir, path, mut socket) = listening();
    let asking = thread::spawn("asking", move || client::ask(&path, &Request::Stop { clean: true })).unwrap();
    let (ticket, line) = next_question(&mut socket);
    assert_eq!(serde_json::from_slice::<Request>(&line).unwrap(), Request::Stop { clean: true });
    let response = Response::Stopping { message: "soon".into() };
    socket.answer(ticket, serde_json::to_string(&response).unwrap());
    assert_eq!(asking.join().unwrap().unwrap(), response);
}

#[test]
fn a_master_that_goes_away_is_told_apart_from_one_that_was_never_there() {
    let (dir, path, mut socket) = listening();
    let asking = thread::spawn("asking", move || client::ask(&path, &Request::Status)).unwrap();
    next_question(&mut socket);
    drop(socket);
    assert!(matches!(asking.join().unwrap(), Err(AskError::Cut)));
    let nowhere = client::ask(&dir.path().join("no.sock"), &Request::Status);
    assert!(matches!(nowhere, Err(AskError::NotRunning { .. })));
}

#[test]
fn only_its_own_user_may_connect() {
    let (_dir, path, _socket) = listening();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_dead_masters_socket_is_taken_over_and_a_living_ones_is_not() {
    let (_dir, path, living) = listening();
    let mut other = ControlSocket::new(&BellRope::default()).unwrap();
    assert!(other.listen(&path).is_err());
    drop(living);
    assert!(path.exists(), "it was killed: nobody has removed the file");
    other.listen(&path).unwrap();
}

#[test]
fn one_who_asks_nothing_is_cut_off() {
    let (_dir, path, mut socket) = listening();
    let mut silent = UnixStream::connect(&path).unwrap();
    silent.write_all(b"{\"command\"").unwrap();
    while socket.deadline().is_none() {
        socket.wait(Some(Duration::from_secs(1))).unwrap();
        assert!(socket.heed(Mono::default()).is_empty());
    }
    assert_eq!(socket.deadline(), Some(Mono(ASK_WITHIN)));
    assert!(socket.heed(Mono(ASK_WITHIN)).is_empty());
    assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0);
}
