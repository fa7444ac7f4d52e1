//! `type: docker`: instances as containers, by the HTTP API that Docker and Podman speak (`N-LT-08`).
//!
//! What belongs to a worker is known by its labels, never by a part of a name: another's container must not be taken
//! for ours, and a container that another life of this master left behind is found (`N-LT-06`).

use super::Order;
use super::command::{introduction, with_last_lines};
use super::http::{Answer, Body, Client};
use super::instance::{Prospect, Refusal};
use super::thread::Means;
use crate::config::Docker;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// The label with a worker's name.
const WORKER: &str = "bellwether.worker";

/// The label that tells this master from others.
const MASTER: &str = "bellwether.master";

/// How many of a container's last lines are shown when it is not well.
const LAST_LINES: u32 = 20;

/// What an engine answered that it should not have, or why it did not answer.
struct Trouble {
    what: String,
    status: Option<u16>,
}

impl Trouble {
    /// An engine that says that the request is wrong says so every time; one that is busy, or out of reach, may not.
    fn refusal(&self) -> Refusal {
        let prospect = match self.status {
            Some(400 | 404) => Prospect::Never,
            _ => Prospect::Perhaps,
        };
        Refusal { prospect, why: self.to_string() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "the container engine answers {status}: {}", self.what),
            None => write!(f, "the container engine: {}", self.what),
        }
    }
}

/// Removes what was left, and starts a container.
///
/// # Errors
/// The engine can't.
pub(super) fn start(docker: &Docker, order: &Order, means: &Means<'_>) -> Result<(), Refusal> {
    let engine = Engine::new(docker, means);
    engine.start(docker, order).map_err(|trouble| trouble.refusal())
}

/// Looks whether the container runs.
///
/// # Errors
/// It does not; with its last lines.
pub(super) fn check(docker: &Docker, means: &Means<'_>) -> Result<(), String> {
    let engine = Engine::new(docker, means);
    engine.check().map_err(|trouble| trouble.to_string())?.map_or(Ok(()), Err)
}

/// Removes the worker's containers.
///
/// # Errors
/// The engine can't.
pub(super) fn stop(docker: &Docker, means: &Means<'_>) -> Result<(), String> {
    Engine::new(docker, means).remove_all().map_err(|trouble| trouble.to_string())
}

struct Engine<'a> {
    client: Client<'a>,
    means: &'a Means<'a>,
    /// `/v1.41`, or nothing.
    version: String,
}

impl<'a> Engine<'a> {
    fn new(docker: &'a Docker, means: &'a Means<'a>) -> Engine<'a> {
        let client = Client {
            address: &docker.docker_host,
            world: means.world,
            deadline: means.world.now() + means.time,
            stop: means.stop,
        };
        let version = docker.version.as_ref().map(|version| format!("/v{}", version.trim_start_matches('v')));
        Engine { client, means, version: version.unwrap_or_default() }
    }

    fn start(&self, docker: &Docker, order: &Order) -> Result<(), Trouble> {
        self.remove_all()?;
        self.provide_image(docker)?;
        let wanted = self.container(docker, order);
        let made = self.ask("POST", "/containers/create", Some(&wanted))?;
        let id = json_of(&made)["Id"].as_str().unwrap_or_default().to_owned();
        if id.is_empty() {
            return Err(Trouble { what: "it names no container".to_owned(), status: None });
        }
        self.ask("POST", &format!("/containers/{}/start", encoded(&id)), None).map(drop)
    }

    /// Has the image there, or says why it is not.
    fn provide_image(&self, docker: &Docker) -> Result<(), Trouble> {
        let image = &docker.image;
        if docker.always_pull {
            return self.pull(image);
        }
        match self.ask("GET", &format!("/images/{}/json", encoded(image)), None) {
            Err(Trouble { status: Some(404), .. }) if docker.dockerfile.is_some() => self.build(docker),
            Err(Trouble { status: Some(404), .. }) if docker.autopull => self.pull(image),
            Err(Trouble { status: Some(404), .. }) => {
                let what = format!("there is no image {image:?}, and neither `autopull` nor `dockerfile`");
                Err(Trouble { what, status: Some(404) })
            }
            other => other.map(drop),
        }
    }

    fn pull(&self, image: &str) -> Result<(), Trouble> {
        // A tag stands behind the last colon, unless that belongs to a port; without one, all tags would be pulled.
        let is_tagged = image.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
        let image = if is_tagged { image.to_owned() } else { format!("{image}:latest") };
        let answer = self.ask("POST", &format!("/images/create?fromImage={}", encoded(&image)), None)?;
        progress(&answer)
    }

    fn build(&self, docker: &Docker) -> Result<(), Trouble> {
        let broken = |error: std::io::Error| Trouble { what: error.to_string(), status: None };
        let text = docker.dockerfile.as_deref().unwrap_or_default().as_bytes();
        let mut context = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        context.append_data(&mut header, "Dockerfile", text).map_err(broken)?;
        let context = context.into_inner().map_err(broken)?;
        let arguments = json!(docker.buildargs).to_string();
        let mut path = format!("/build?rm=1&t={}&buildargs={}", encoded(&docker.image), encoded(&arguments));
        if let Some(target) = &docker.target {
            path += &format!("&target={}", encoded(target));
        }
        progress(&self.send("POST", &path, Some(Body { kind: "application/x-tar", bytes: &context }))?)
    }

    fn container(&self, docker: &Docker, order: &Order) -> Value {
        let mut environment = docker.environment.clone();
        let introduction = introduction(&self.means.site.worker, order);
        environment.extend(introduction.map(|(name, value)| (name.to_owned(), value)));
        let environment: Vec<String> =
            environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut host = docker.hostconfig.clone();
        if !docker.volumes.is_empty() {
            host.insert("Binds".to_owned(), json!(docker.volumes));
        }
        if let Some(network) = &docker.networking {
            host.insert("NetworkMode".to_owned(), json!(network));
        }
        let mut wanted = Map::new();
        wanted.insert("Image".to_owned(), json!(docker.image));
        wanted.insert("Env".to_owned(), json!(environment));
        wanted.insert("Labels".to_owned(), json!(BTreeMap::from(self.labels())));
        wanted.insert("HostConfig".to_owned(), Value::Object(host));
        if !docker.command.is_empty() {
            wanted.insert("Cmd".to_owned(), json!(docker.command));
        }
        if let Some(hostname) = &docker.hostname {
            wanted.insert("Hostname".to_owned(), json!(hostname));
        }
        Value::Object(wanted)
    }

    /// What is wrong with the container, if something is.
    fn check(&self) -> Result<Option<String>, Trouble> {
        let Some(id) = self.ids()?.into_iter().next() else {
            return Ok(Some("its container is gone".to_owned()));
        };
        let looked = self.ask("GET", &format!("/containers/{}/json", encoded(&id)), None)?;
        let state = &json_of(&looked)["State"];
        if state["Running"].as_bool().unwrap_or(false) {
            return Ok(None);
        }
        let logs = format!("/containers/{}/logs?stdout=1&stderr=1&tail={LAST_LINES}", encoded(&id));
        let said = self.ask("GET", &logs, None).map(|answer| unframed(&answer.body)).unwrap_or_default();
        let what = format!("its container has ended with code {}", state["ExitCode"]);
        Ok(Some(with_last_lines(&what, &said)))
    }

    fn remove_all(&self) -> Result<(), Trouble> {
        for id in self.ids()? {
            let path = format!("/containers/{}?force=true&v=true", encoded(&id));
            match self.ask("DELETE", &path, None) {
                Ok(_) | Err(Trouble { status: Some(404), .. }) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(())
    }

    /// The containers of this worker, whatever state they are in.
    fn ids(&self) -> Result<Vec<String>, Trouble> {
        let labels: Vec<String> =
            self.labels().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let filters = json!({ "label": labels }).to_string();
        let listed =
            self.ask("GET", &format!("/containers/json?all=true&filters={}", encoded(&filters)), None)?;
        let Value::Array(listed) = json_of(&listed) else {
            return Err(Trouble { what: "it does not list its containers".to_owned(), status: None });
        };
        Ok(listed.iter().filter_map(|one| Some(one["Id"].as_str()?.to_owned())).collect())
    }

    fn labels(&self) -> [(&'static str, String); 2] {
        let site = self.means.site;
        [(WORKER, site.worker.clone()), (MASTER, site.master.clone())]
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, Trouble> {
        let bytes = body.map(|body| body.to_string().into_bytes());
        let body = bytes.as_ref().map(|bytes| Body { kind: "application/json", bytes });
        self.send(method, path, body)
    }

    fn send(&self, method: &str, path: &str, body: Option<Body<'_>>) -> Result<Answer, Trouble> {
        let answer = self.client.ask(method, &format!("{}{path}", self.version), body);
        let answer = answer.map_err(|error| Trouble { what: error.to_string(), status: None })?;
        if answer.status < 400 {
            return Ok(answer);
        }
        let what = match json_of(&answer)["message"].as_str() {
            Some(message) => message.to_owned(),
            None => with_last_lines("it says no more", &answer.body),
        };
        Err(Trouble { what, status: Some(answer.status) })
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The answer's body, or null if that is no JSON.
fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// What came of a pull or a build: a line of JSON for each thing that was done, the last perhaps an error.
fn progress(answer: &Answer) -> Result<(), Trouble> {
    let lines = answer.body.split(|byte| *byte == b'\n');
    let error = lines
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|line| Some(line.get("error")?.as_str().unwrap_or("without a text").to_owned()));
    error.map_or(Ok(()), |what| Err(Trouble { what, status: None }))
}

/// A container's output without the heads of its pieces: channel, three zeros, length. A container with a terminal
/// has none.
fn unframed(logs: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = logs;
    while let [0..=2, 0, 0, 0, a, b, c, d, tail @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (piece, after) = tail.split_at(length.min(tail.len()));
        text.extend_from_slice(piece);
        rest = after;
    }
    text.extend_from_slice(rest);
    text
}
