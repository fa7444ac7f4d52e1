//! Where the master is: `HOST:PORT`, or a client's connection string of Twisted, as Buildbot's worker takes it.

use std::path::PathBuf;

/// Buildbot's own port.
const DEFAULT_PORT: u16 = 9989;

/// A place to connect to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Address {
    /// Name or number.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The string asks for TLS.
    pub tls: bool,
    /// Who may have signed the master's certificate: a file of certificates, or a directory of such files.
    pub ca: Option<PathBuf>,
    /// The worker's own certificate.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
}

impl Address {
    /// Reads `HOST`, `HOST:PORT`, `[IPV6]:PORT`, `tcp:HOST:PORT`, or `tls:HOST:PORT` (also `ssl:`) with the keys that
    /// Twisted's clients know; a backslash takes a colon's meaning away.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Address, String> {
        let mut address = Address { port: DEFAULT_PORT, ..Address::default() };
        if let Some(inside) = text.strip_prefix('[') {
            let (host, rest) = inside.split_once(']').ok_or("the bracket is not closed")?;
            address.set("host", host)?;
            match (rest, rest.strip_prefix(':')) {
                ("", _) => {}
                (_, Some(port)) => address.set("port", port)?,
                _ => return Err(format!("'{rest}' follows the bracket")),
            }
            return Ok(address);
        }
        let parts = parts(text);
        let (settings, scheme) = match (parts.len(), &*parts[0]) {
            (1 | 2, _) => (&parts[..], ""),
            (_, scheme @ ("tcp" | "tls" | "ssl")) => (&parts[1..], scheme),
            _ => return Err("it is neither HOST:PORT, [IPV6]:PORT, tcp:HOST:PORT, nor tls:HOST:PORT".into()),
        };
        address.tls = matches!(scheme, "tls" | "ssl");
        for (part, by_place) in settings.iter().zip(["host", "port"].into_iter().chain(std::iter::repeat("")))
        {
            let (key, value) = part.split_once('=').unwrap_or((by_place, part));
            address.set(key, value)?;
        }
        if address.host.is_empty() { Err("no host is named".to_owned()) } else { Ok(address) }
    }

    /// `HOST:PORT`, as the system's resolver and a proxy take it.
    pub fn dialled(&self) -> String {
        let Address { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "host" => value.clone_into(&mut self.host),
            "port" => {
                let port = value.parse().ok().filter(|port| *port != 0);
                self.port = port.ok_or_else(|| format!("'{value}' is no port"))?;
            }
            "certificate" | "certKey" if self.tls => self.cert_file = Some(value.into()),
            "privateKey" if self.tls => self.key_file = Some(value.into()),
            "trustRoots" | "caCertsDir" if self.tls => self.ca = Some(value.into()),
            _ => return Err(format!("'{key}' with '{value}' means nothing here")),
        }
        Ok(())
    }
}

/// What stands between colons; never empty.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let taken = match character {
            ':' => {
                parts.push(String::new());
                continue;
            }
            '\\' => characters.next(),
            other => Some(other),
        };
        if let Some(last) = parts.last_mut() {
            last.extend(taken);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ports_and_connection_strings() {
        let check = |text: &str, dialled: &str, tls: bool| {
            let address = Address::parse(text).expect(text);
            assert_eq!((&*address.dialled(), address.tls), (dialled, tls), "{text}");
        };
        check("ci.example.org", "ci.example.org:9989", false);
        check("ci.example.org:99", "ci.example.org:99", false);
        check("tls:9989", "tls:9989", false);
        check("[::1]", "[::1]:9989", false);
        check("[fe80::2]:99", "[fe80::2]:99", false);
        check("tcp:host=ci:port=99", "ci:99", false);
        check(r"tcp:\:\:1:99", "[::1]:99", false);
        check("tls:ci:99", "ci:99", true);
        let keys = "ssl:ci:99:privateKey=/k.pem:certKey=/c.pem:caCertsDir=/ca";
        let address = Address::parse(keys).expect("is right");
        assert_eq!(address.key_file, Some("/k.pem".into()));
        assert_eq!(address.cert_file, Some("/c.pem".into()));
        assert_eq!(address.ca, Some("/ca".into()));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let check = |text: &str, told: &str| {
            let wrong = Address::parse(text).expect_err(text);
            assert!(wrong.contains(told), "{text}: {wrong}");
        };
        check("", "no host");
        check("ci:http", "'http' is no port");
        check("ci:0", "'0' is no port");
        check("::1", "[IPV6]:PORT");
        check("http://ci:99", "neither");
        check("[::1", "not closed");
        check("[::1]x", "follows the bracket");
        check("tcp:ci:99:certificate=x", "'certificate'");
        check("tcp:ci:99:timeout=3", "'timeout'");
    }
}
