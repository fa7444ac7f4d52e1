//! Secrets and who is asked for them.

use super::{OneOrMany, Read, Table};
use crate::config::findings::{Findings, nearest};
use crate::config::yaml::{Node, Value};
use crate::config::{Secret, SecretProvider, SecretText};

impl Read for Secret {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        if let Value::Text(text) = &node.value {
            findings.warn(
                node.at,
                "a secret stands in the file",
                "keep it with a provider of `secrets` and write `{secret: NAME}`",
            );
            return Some(Secret::Literal(SecretText::new(text)));
        }
        let mut table = Table::open(node, findings)?;
        let name = table.required("secret", findings);
        table.finish(findings);
        name.map(Secret::Named)
    }
}

impl Read for SecretProvider {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let kind: super::Spanned<String> = table.required("type", findings)?;
        let provider = match kind.value.as_str() {
            "directory" => {
                let path = table.required("path", findings);
                let OneOrMany(suffixes) = table.or("suffixes", OneOrMany(vec![String::new()]), findings);
                path.map(|path| SecretProvider::Directory { path, suffixes })
            }
            "systemd_credentials" => Some(SecretProvider::SystemdCredentials),
            "file" => {
                let (name, path) = (table.required("name", findings), table.required("path", findings));
                name.zip(path).map(|(name, path)| SecretProvider::File { name, path })
            }
            other => {
                let hint = nearest(other, &["directory", "systemd_credentials", "file"]);
                findings.complain(kind.at, format!("unknown type {other:?}"), hint);
                return None;
            }
        };
        table.finish(findings);
        provider
    }
}
