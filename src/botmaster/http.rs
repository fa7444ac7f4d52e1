//! Requests that steps make of servers (`N-ST-06`): one request, its redirections, its answer; bounded in time and size.

use super::limits::{SERVER_ANSWER_BYTES, SERVER_LONGEST};
use super::programs::Leash;
use crate::model::Channel;
use bytes::Bytes;
use std::io::Read;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{self, HeaderMap};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How many redirections are followed.
const REDIRECTIONS: u32 = 10;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// The headers of the request whose values are not shown, in lower case.
    pub hidden: Vec<String>,
    /// The same of the answer.
    pub hidden_answers: Vec<String>,
    /// What is sent.
    pub body: Option<Bytes>,
    /// Whether redirections are followed.
    pub follows: bool,
    /// How long it may take.
    pub max_time: Option<Duration>,
}

/// Asks, and says both sides of it; returns the status of the answer, `None` if nobody wants it any more.
///
/// # Errors
/// The server is out of reach, too slow, or does not speak HTTP.
pub fn ask(request: &Request, leash: &Leash, say: impl Fn(Channel, Bytes)) -> Result<Option<i32>, String> {
    if leash.is_pulled() {
        return Ok(None);
    }
    say(Channel::Header, told(request).into());
    let mut asked = http::Request::builder().method(request.method).uri(&request.url);
    for (name, value) in &request.headers {
        asked = asked.header(name, value);
    }
    let agent = agent(request);
    let answer = match &request.body {
        Some(body) => asked.body(&body[..]).map(|asked| agent.run(asked)),
        None => asked.body(()).map(|asked| agent.run(asked)),
    };
    let answer = answer.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    let status = answer.status();
    let head = headers(answer.headers(), &request.hidden_answers);
    say(Channel::Header, format!("\n{:?} {status}\n{head}\n", answer.version()).into());
    let mut body = answer.into_body().into_reader().take(SERVER_ANSWER_BYTES as u64 + 1);
    let (mut buffer, mut room) = (vec![0; 16 << 10], SERVER_ANSWER_BYTES);
    loop {
        if leash.is_pulled() {
            return Ok(None);
        }
        let count = body.read(&mut buffer).map_err(|error| error.to_string())?;
        if count == 0 {
            break;
        }
        say(Channel::Stdout, Bytes::copy_from_slice(&buffer[..count.min(room)]));
        if count > room {
            say(
                Channel::Header,
                format!("the rest of more than {SERVER_ANSWER_BYTES} bytes is left out\n").into(),
            );
            break;
        }
        room -= count;
    }
    Ok(Some(i32::from(status.as_u16())))
}

fn agent(request: &Request) -> Agent {
    // What the machine trusts, so that a site's own authority counts.
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<Certificate<'static>> =
        roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(if request.follows { REDIRECTIONS } else { 0 })
        .timeout_global(Some(request.max_time.unwrap_or(SERVER_LONGEST)))
        .user_agent("bellwether")
        .tls_config(TlsConfig::builder().root_certs(RootCerts::from(roots)).build())
        .build()
        .into()
}

fn told(request: &Request) -> String {
    let mut told = format!("{} {}\n", request.method, request.url);
    for (name, value) in &request.headers {
        let is_hidden = request.hidden.contains(&name.to_ascii_lowercase());
        told += &format!("{name}: {}\n", if is_hidden { "<hidden>" } else { value });
    }
    told
}

fn headers(headers: &HeaderMap, hidden: &[String]) -> String {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let is_hidden = hidden.iter().any(|hidden| hidden == name.as_str());
        let value = if is_hidden { "<hidden>".into() } else { String::from_utf8_lossy(value.as_bytes()) };
        format!("{name}: {value}\n")
    };
    headers.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::thread;
    use expect_test::{Expect, expect};
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::Mutex;

    /// Answers each connection with the next of these; returns the heads and bodies of what was asked.
    fn serve(answers: &'static [&'static str]) -> (u16, thread::Running<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let serving = thread::spawn("test-server", move || {
            let mut asked = String::new();
            for answer in answers {
                let (mut socket, _) = listener.accept().expect("a client");
                let mut reader = BufReader::new(socket.try_clone().expect("a socket"));
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).expect("a line");
                    let lower = line.to_ascii_lowercase();
                    if let Some(bytes) = lower.strip_prefix("content-length:") {
                        length = bytes.trim().parse().expect("a length");
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                    if !lower.starts_with("host:") {
                        asked += &line.replace('\r', "");
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                asked += &format!("{}\n--\n", String::from_utf8_lossy(&body));
                socket.write_all(answer.as_bytes()).expect("it listens");
            }
            asked
        });
        (port, serving.expect("a thread"))
    }

    fn request(port: u16, path: &str) -> Request {
        Request {
            method: "GET",
            url: format!("http://127.0.0.1:{port}{path}"),
            headers: Vec::new(),
            hidden: Vec::new(),
            hidden_answers: Vec::new(),
            body: None,
            follows: true,
            max_time: Some(Duration::from_secs(60)),
        }
    }

    fn check(request: &Request, serving: thread::Running<String>, expected: Expect) {
        let said = Mutex::new(String::new());
        let status = ask(request, &Leash::default(), |channel, text| {
            let text = String::from_utf8_lossy(&text).into_owned();
            *said.lock().expect("one thread") += &format!("{channel:?} {text:?}\n");
        });
        let (said, asked) = (said.into_inner().expect("one thread"), serving.join().expect("it served"));
        let port = request.url.split([':', '/']).nth(4).expect("a port").to_owned();
        expected.assert_eq(&format!("{said}{status:?}\n-- asked\n{asked}").replace(&port, "PORT"));
    }

    #[test]
    fn what_is_asked_and_answered_is_said_but_for_what_is_hidden() {
        let (port, serving) = serve(&[
            "HTTP/1.1 201 Created\r\nX-Token: abc\r\nX-Plain: yes\r\nContent-Length: 5\r\n\r\nhello",
        ]);
        let request = Request {
            method: "POST",
            headers: vec![("X-Key".to_owned(), "k".to_owned()), ("X-Open".to_owned(), "o".to_owned())],
            hidden: vec!["x-key".to_owned()],
            hidden_answers: vec!["x-token".to_owned()],
            body: Some("{}".into()),
            ..request(port, "/a?b=c")
        };
        check(
            &request,
            serving,
            expect![[r#"
            Header "POST http://127.0.0.1:PORT/a?b=c\nX-Key: <hidden>\nX-Open: o\n"
            Header "\nHTTP/1.1 201 Created\nx-token: <hidden>\nx-plain: yes\ncontent-length: 5\n\n"
            Stdout "hello"
            Ok(Some(201))
            -- asked
            POST /a?b=c HTTP/1.1
            content-length: 2
            user-agent: bellwether
            accept: */*
            x-key: k
            x-open: o
            {}
            --
        "#]],
        );
    }

    #[test]
    fn redirections_are_followed_or_shown() {
        const TO: &str =
            "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let (port, serving) = serve(&[TO, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]);
        check(
            &request(port, "/here"),
            serving,
            expect![[r#"
            Header "GET http://127.0.0.1:PORT/here\n"
            Header "\nHTTP/1.1 200 OK\ncontent-length: 2\n\n"
            Stdout "ok"
            Ok(Some(200))
            -- asked
            GET /here HTTP/1.1
            user-agent: bellwether
            accept: */*

            --
            GET /there HTTP/1.1
            user-agent: bellwether
            accept: */*

            --
        "#]],
        );
        let (port, serving) = serve(&[TO]);
        check(
            &Request { follows: false, ..request(port, "/here") },
            serving,
            expect![[r#"
            Header "GET http://127.0.0.1:PORT/here\n"
            Header "\nHTTP/1.1 302 Found\nlocation: /there\ncontent-length: 0\nconnection: close\n\n"
            Ok(Some(302))
            -- asked
            GET /here HTTP/1.1
            user-agent: bellwether
            accept: */*

            --
        "#]],
        );
    }

    #[test]
    fn an_answer_that_is_too_large_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let large = listener.local_addr().expect("an address").port();
        let serving = thread::spawn("test-server", move || {
            let (mut socket, _) = listener.accept().expect("a client");
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            // Until the other side has enough.
            while socket.write_all(&[b'x'; 1 << 16]).is_ok() {}
        });
        let taken = Mutex::new(0);
        let status = ask(&request(large, "/"), &Leash::default(), |channel, text| {
            if channel == Channel::Stdout {
                *taken.lock().expect("one thread") += text.len();
            }
        });
        assert_eq!((status, taken.into_inner().expect("one thread")), (Ok(Some(200)), SERVER_ANSWER_BYTES));
        serving.expect("a thread").join().expect("it ends");
    }

    #[test]
    fn nobody_is_asked_for_a_step_that_is_over_and_nobody_answers_at_a_closed_port() {
        let leash = Leash::default();
        leash.pull();
        assert_eq!(ask(&request(1, "/"), &leash, |_, _| panic!("it says nothing")), Ok(None));
        let closed =
            TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        assert!(ask(&request(closed, "/"), &Leash::default(), |_, _| ()).is_err());
    }
}
