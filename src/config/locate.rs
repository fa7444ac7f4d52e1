//! Where the running master's control socket is, according to a configuration that may be full of faults: the
//! command that asks the master to say what is wrong must reach it all the same.

use super::load::load;
use std::path::{Path, PathBuf};

/// Where the state is kept unless the configuration says otherwise.
const STATE_DIR: &str = "/var/lib/bellwether";

/// The control socket of the master that runs with this configuration, as far as can be told.
pub fn control_socket_of(path: &Path) -> PathBuf {
    match load(path) {
        Ok(loaded) => loaded.config.control_socket,
        Err(_) => guess(&std::fs::read_to_string(path).unwrap_or_default()),
    }
}

/// Reads the two settings that matter line by line, whatever stands around them.
fn guess(text: &str) -> PathBuf {
    let (mut state_dir, mut socket, mut in_control) = (None, None, false);
    for line in text.lines() {
        let indented = line.starts_with([' ', '\t']);
        let Some((key, value)) = line.trim().split_once(':') else { continue };
        match (key, indented) {
            ("state_dir", false) => state_dir = scalar(value),
            ("socket", true) if in_control => socket = scalar(value),
            ("control", false) => {
                let inline = value.split_once("socket:").map(|(_, rest)| rest.trim_end_matches(['}', ' ']));
                socket = inline.and_then(scalar).or(socket);
            }
            _ => {}
        }
        in_control = if indented { in_control } else { key == "control" };
    }
    let state_dir = state_dir.unwrap_or_else(|| PathBuf::from(STATE_DIR));
    socket.unwrap_or_else(|| state_dir.join("control.sock"))
}

fn scalar(value: &str) -> Option<PathBuf> {
    let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| PathBuf::from(value))
}

#[cfg(test)]
mod tests {
    use super::guess;
    use std::path::Path;

    fn check(text: &str, expected: &str) {
        assert_eq!(guess(text), Path::new(expected), "{text}");
    }

    #[test]
    fn the_socket_is_found_among_faults() {
        check("", "/var/lib/bellwether/control.sock");
        check("state_dir: \"/srv/ci\"   # here\nbuilders: [", "/srv/ci/control.sock");
        check("control:\n  socket: /run/ci.sock\nbuilders: {{", "/run/ci.sock");
        check("control: {socket: /run/ci.sock}\n: :", "/run/ci.sock");
        check("other:\n  socket: /run/other.sock\n", "/var/lib/bellwether/control.sock");
    }
}
