//! `Name <address>`, as git writes an author.

/// A person as a commit or a form names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name; empty if there is only an address.
    pub name: String,
    /// The mail address, if one is given.
    pub address: Option<String>,
}

impl Identity {
    /// Reads `Name <address>`, a bare address, or a bare name.
    pub fn parse(text: &str) -> Identity {
        let text = text.trim();
        let in_brackets = text.strip_suffix('>').and_then(|text| text.rsplit_once('<'));
        let (name, address) = match in_brackets {
            Some((name, address)) => (name.trim(), address.trim()),
            None if is_address(text) => ("", text),
            None => (text, ""),
        };
        let address = is_address(address).then(|| address.to_owned());
        Identity { name: name.to_owned(), address }
    }

    /// Whether both name and address are there (`FS-05`).
    pub fn is_complete(&self) -> bool {
        !self.name.is_empty() && self.address.is_some()
    }
}

fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>'))
}

#[cfg(test)]
mod tests {
    use super::Identity;

    #[test]
    fn authors_are_read() {
        let check = |text: &str, name: &str, address: Option<&str>, complete: bool| {
            let identity = Identity::parse(text);
            assert_eq!((identity.name.as_str(), identity.address.as_deref()), (name, address), "{text}");
            assert_eq!(identity.is_complete(), complete, "{text}");
        };
        check("Jane Doe <jane@example.org>", "Jane Doe", Some("jane@example.org"), true);
        check(" jane@example.org ", "", Some("jane@example.org"), false);
        check("<jane@example.org>", "", Some("jane@example.org"), false);
        check("jane", "jane", None, false);
        check("Jane <jane>", "Jane", None, false);
        check("Jane <a b@c>", "Jane", None, false);
        check("Jane <Doe> <jane@example.org>", "Jane <Doe>", Some("jane@example.org"), true);
        check("", "", None, false);
    }
}
