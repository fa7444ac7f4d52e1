//! Logins that fail, without threads: two sessions that hand each other their bytes.

use super::master::Users;
use crate::model::Mono;
use crate::pb::{Failure, Login, LoginStep, Secret, Session};
use crate::worker::bot::{Bot, Broken};
use crate::worker::info::About;
use crate::worker::limits::LOGIN_WAIT;
use std::sync::Arc;

const NOW: Mono = Mono(std::time::Duration::from_secs(1));

fn bot(password: &str) -> Bot {
    let about = About {
        name: "w1".into(),
        password: Secret::from(password),
        basedir: "/nowhere".into(),
        environment: Default::default(),
        keepalive: None,
        numcpus: None,
        delete_leftover_dirs: false,
    };
    Bot::new(NOW, Arc::new(about), slog::Logger::root(slog::Discard, slog::o!()))
}

/// Lets the bot log in at a master that fails whoever proves to be right with `failure`.
fn log_in(mut bot: Bot, failure: &Failure) -> Broken {
    let (mut session, mut login) = (Session::server(), Login::new());
    loop {
        let bytes = session.take_output();
        assert!(!bytes.is_empty(), "somebody always has something to say");
        if let Err(broken) = bot.receive(NOW, &bytes) {
            return broken;
        }
        session.push(&bot.take_output());
        while let Some(event) = session.next_event().expect("the bot speaks right") {
            if let LoginStep::LoggedIn { request, .. } = login.on_event(event, &mut session, &mut Users) {
                session.fail(request, failure);
            }
        }
    }
}

#[test]
fn a_wrong_password_is_told_apart_from_other_refusals() {
    let duplicate = Failure::runtime_error("rejecting duplicate worker");
    assert!(matches!(log_in(bot("wrong"), &duplicate), Broken::Unauthorized));
    let refused = log_in(bot("secret"), &duplicate);
    assert!(refused.to_string().contains("rejecting duplicate worker"), "{refused}");
}

#[test]
fn what_is_no_master_is_left() {
    let other_server = "HTTP/1.1 400 Bad Request\r\n".repeat(3);
    assert!(matches!(bot("p").receive(NOW, other_server.as_bytes()), Err(Broken::Protocol(_))));
    let mut silent = bot("p");
    assert_eq!(silent.deadline(), Some(NOW + LOGIN_WAIT));
    assert!(silent.tick(NOW).is_ok());
    assert!(matches!(silent.tick(NOW + LOGIN_WAIT), Err(Broken::LoginTimeout)));
}
