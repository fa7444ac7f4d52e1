//! The signals that a master may ask for, by their names.

use rustix::process::Signal;

const NAMES: [(&str, Signal); 14] = [
    ("KILL", Signal::KILL),
    ("TERM", Signal::TERM),
    ("INT", Signal::INT),
    ("HUP", Signal::HUP),
    ("QUIT", Signal::QUIT),
    ("ABRT", Signal::ABORT),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("ALRM", Signal::ALARM),
    ("PIPE", Signal::PIPE),
    ("CONT", Signal::CONT),
    ("TSTP", Signal::TSTP),
    ("XCPU", Signal::XCPU),
    ("VTALRM", Signal::VTALARM),
];

/// The signal of a name such as `KILL` or `SIGKILL`.
pub fn by_name(name: &str) -> Option<Signal> {
    let bare = name.strip_prefix("SIG").unwrap_or(name);
    NAMES.iter().find(|(known, _)| *known == bare).map(|(_, signal)| *signal)
}

/// The name of a signal, with `SIG`; its number if the master can't ask for it.
pub fn name(signal: Signal) -> String {
    let known = NAMES.iter().find(|(_, known)| *known == signal);
    known.map_or_else(|| format!("signal {}", signal.as_raw()), |(name, _)| format!("SIG{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_and_without_sig() {
        assert_eq!(by_name("KILL"), Some(Signal::KILL));
        assert_eq!(by_name("SIGINT"), Some(Signal::INT));
        assert_eq!(by_name("NONSENSE"), None);
        assert_eq!(name(Signal::TERM), "SIGTERM");
    }
}
