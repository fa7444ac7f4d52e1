//! What svn prints as XML. Pure.

use crate::model::Wall;
use roxmltree::{Document, Node};

/// What `svn info --xml` says of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The identity of the repository.
    pub uuid: String,
    /// Where in it the address is, without slashes around.
    pub prefix: String,
    /// Its newest revision.
    pub revision: u64,
}

/// One revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub revision: u64,
    /// Who made it.
    pub author: String,
    /// When.
    pub when: Option<Wall>,
    /// Its message.
    pub comments: String,
    /// What it touches.
    pub touched: Vec<Touched>,
}

/// One path that a revision touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// From the root of the repository, with a slash before it.
    pub path: String,
    /// Whether it is there no more.
    pub is_deleted: bool,
    /// Whether it is a directory.
    pub is_directory: bool,
}

/// Reads what `svn info --xml` prints.
///
/// # Errors
/// What is missing, for people.
pub fn info(text: &str) -> Result<Info, String> {
    let document = parse(text)?;
    let element = |name: &str| document.descendants().find(|node| node.has_tag_name(name));
    let text_of = |name: &str| {
        element(name).and_then(|node| node.text()).ok_or_else(|| format!("svn info says nothing of {name}"))
    };
    let (url, root) = (text_of("url")?, text_of("root")?);
    let prefix = url.strip_prefix(root).ok_or_else(|| format!("svn info: {url} is not below {root}"))?;
    let revision = element("entry").and_then(|entry| entry.attribute("revision")?.parse().ok());
    Ok(Info {
        uuid: text_of("uuid")?.to_owned(),
        prefix: percent_encoding::percent_decode_str(prefix.trim_matches('/'))
            .decode_utf8_lossy()
            .into_owned(),
        revision: revision.ok_or("svn info says no revision")?,
    })
}

/// Reads what `svn log --xml --verbose` prints.
///
/// # Errors
/// What cannot be read, for people.
pub fn log(text: &str) -> Result<Vec<Entry>, String> {
    let document = parse(text)?;
    document.descendants().filter(|node| node.has_tag_name("logentry")).map(entry).collect()
}

fn entry(node: Node<'_, '_>) -> Result<Entry, String> {
    let text_of = |name: &str| {
        node.children()
            .find(|child| child.has_tag_name(name))
            .and_then(|child| child.text())
            .unwrap_or_default()
    };
    let revision = node.attribute("revision").and_then(|number| number.parse().ok());
    let paths = node.descendants().filter(|child| child.has_tag_name("path"));
    let touched = paths.filter_map(|path| {
        Some(Touched {
            path: path.text()?.to_owned(),
            is_deleted: path.attribute("action") == Some("D"),
            is_directory: path.attribute("kind") == Some("dir"),
        })
    });
    let when: Option<jiff::Timestamp> = text_of("date").parse().ok();
    Ok(Entry {
        revision: revision.ok_or("svn log: a revision without a number")?,
        author: text_of("author").to_owned(),
        when: when.map(|when| Wall::from_seconds(when.as_second())),
        comments: text_of("msg").to_owned(),
        touched: touched.collect(),
    })
}

fn parse(text: &str) -> Result<Document<'_>, String> {
    Document::parse(text).map_err(|error| format!("svn: {error}"))
}
