//! YAML: the one file that knows the YAML library. Text becomes a tree of nodes, each of which knows its place.
//!
//! The library tells line and column only with errors. So a place is the number of a node in reading order,
//! and the line of a node that somebody complains about is found by reading the text once more and failing at
//! that node: complaints are rare, and every node, key, alias and merged entry has its place for nothing.

use super::Complaint;
use serde::de::{DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, Visitor};
use std::cell::RefCell;
use std::fmt;

/// One value of a file.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) at: Place,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a mapping and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_at: Place,
    pub(super) node: Node,
}

/// Where a node or a key stands: the file, and its number in that file's reading order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    file: usize,
    node: usize,
}

/// The files that were read, by which places become lines and paths.
#[derive(Default)]
pub(super) struct Sources(Vec<Source>);

struct Source {
    name: String,
    text: String,
    /// Of each node: its parent, and how it is reached from there.
    links: Vec<Link>,
}

#[derive(Clone)]
struct Link {
    parent: usize,
    step: Step,
}

#[derive(Clone)]
enum Step {
    Root,
    Key(String),
    Index(usize),
}

impl Node {
    /// The entries of a mapping; of anything else, none.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of this key of a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

impl Sources {
    /// Reads one file's text as one document; an empty one is an empty mapping. Wrong YAML can be told only up to
    /// the first mistake.
    pub(super) fn parse(&mut self, name: &str, text: &str) -> Result<Node, Vec<Complaint>> {
        let walk = Walk::new(self.0.len(), None);
        let parsed = walk.run(text);
        self.0.push(Source { name: name.to_owned(), text: text.to_owned(), links: walk.links.into_inner() });
        let twice = walk.twice.into_inner();
        if parsed.is_ok() && !twice.is_empty() {
            let complain = |(again, first)| {
                let message = format!("this key is given before, in {}", self.short(first));
                self.complain(again, &message, "keep one of the two")
            };
            return Err(twice.into_iter().map(complain).collect());
        }
        match parsed {
            Ok(Node { value: Value::Null, at }) => Ok(Node { value: Value::Map(Vec::new()), at }),
            Ok(node) => Ok(node),
            Err(error) => {
                let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or(&message);
                Err(vec![self.complaint_at(walk.file, line, column, String::new(), message, "")])
            }
        }
    }

    /// A complaint about the node at this place.
    pub(super) fn complain(&self, at: Place, message: &str, hint: &str) -> Complaint {
        let (line, column) = self.line_and_column(at);
        self.complaint_at(at.file, line, column, self.path(at), message, hint)
    }

    /// A place for the text of a complaint about another one: `FILE:LINE`.
    pub(super) fn short(&self, at: Place) -> String {
        format!("{}:{}", self.0[at.file].name, self.line_and_column(at).0)
    }

    fn complaint_at(
        &self,
        file: usize,
        line: usize,
        column: usize,
        path: String,
        message: &str,
        hint: &str,
    ) -> Complaint {
        let source = &self.0[file];
        let source_line = source.text.lines().nth(line.wrapping_sub(1)).unwrap_or_default();
        Complaint {
            line,
            column,
            source_line: source_line.to_owned(),
            ..Complaint::without_line(&source.name, &path, message, hint)
        }
    }

    /// Reads the text again, up to this place.
    fn line_and_column(&self, at: Place) -> (usize, usize) {
        let walk = Walk::new(at.file, Some(at.node));
        let stopped = walk.run(&self.0[at.file].text).err();
        stopped.and_then(|error| error.location()).map_or((1, 1), |at| (at.line(), at.column()))
    }

    /// The path of keys and indices that leads to this place.
    fn path(&self, at: Place) -> String {
        let links = &self.0[at.file].links;
        let mut steps = Vec::new();
        let mut node = at.node;
        while let Link { parent, step: step @ (Step::Key(_) | Step::Index(_)) } = &links[node] {
            steps.push(step);
            node = *parent;
        }
        let mut path = String::new();
        for step in steps.into_iter().rev() {
            match step {
                Step::Key(key) if path.is_empty() => path += key,
                Step::Key(key) => path += &format!(".{key}"),
                Step::Index(index) => path += &format!("[{index}]"),
                Step::Root => {}
            }
        }
        path
    }
}

/// One reading of a text; it fails at the node `stop_at`.
struct Walk {
    file: usize,
    links: RefCell<Vec<Link>>,
    stop_at: Option<usize>,
    /// Keys that are given again, and where they were given first.
    twice: RefCell<Vec<(Place, Place)>>,
}

impl Walk {
    fn new(file: usize, stop_at: Option<usize>) -> Walk {
        Walk { file, links: RefCell::default(), stop_at, twice: RefCell::default() }
    }

    fn run(&self, text: &str) -> Result<Node, serde_yaml::Error> {
        let root = Seed { walk: self, link: Link { parent: 0, step: Step::Root } };
        root.deserialize(serde_yaml::Deserializer::from_str(text))
    }

    /// Numbers one more node.
    fn enter<E: serde::de::Error>(&self, link: Link) -> Result<Place, E> {
        let mut links = self.links.borrow_mut();
        let node = links.len();
        if self.stop_at == Some(node) {
            return Err(E::custom("here"));
        }
        links.push(link);
        Ok(Place { file: self.file, node })
    }
}

/// Reads one node.
struct Seed<'a> {
    walk: &'a Walk,
    link: Link,
}

impl Seed<'_> {
    fn scalar<E: serde::de::Error>(self, value: Value) -> Result<Node, E> {
        Ok(Node { value, at: self.walk.enter(self.link)? })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, a truth value, a list or a mapping")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Node, E> {
        self.scalar(Value::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Node, E> {
        self.scalar(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Node, E> {
        self.scalar(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Node, E> {
        self.scalar(Value::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Node, E> {
        self.scalar(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        self.scalar(Value::Float(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Node, E> {
        self.scalar(Value::Text(value.to_owned()))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        Err(A::Error::custom("a tag such as `!this` has no meaning here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let walk = self.walk;
        let at = walk.enter(self.link)?;
        let mut nodes = Vec::new();
        loop {
            let link = Link { parent: at.node, step: Step::Index(nodes.len()) };
            match list.next_element_seed(Seed { walk, link })? {
                Some(node) => nodes.push(node),
                None => return Ok(Node { value: Value::List(nodes), at }),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let walk = self.walk;
        let at = walk.enter(self.link)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged = Vec::new();
        while let Some((key, key_at)) = map.next_key_seed(KeySeed { walk, parent: at.node })? {
            let link = Link { parent: at.node, step: Step::Key(key.clone()) };
            let node = map.next_value_seed(Seed { walk, link })?;
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                walk.twice.borrow_mut().push((key_at, first.key_at));
            }
            match node.value {
                Value::Map(more) if key == "<<" => merged.extend(more),
                Value::List(maps) if key == "<<" => {
                    merged.extend(maps.into_iter().flat_map(|map| match map.value {
                        Value::Map(more) => more,
                        _ => Vec::new(),
                    }))
                }
                _ => entries.push(Entry { key, key_at, node }),
            }
        }
        for entry in merged {
            if !entries.iter().any(|own| own.key == entry.key) {
                entries.push(entry);
            }
        }
        Ok(Node { value: Value::Map(entries), at })
    }
}

/// Reads one key of a mapping: any scalar, as the text that stands there.
struct KeySeed<'a> {
    walk: &'a Walk,
    parent: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = (String, Place);

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(String, Place), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_> {
    type Value = (String, Place);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<(String, Place), E> {
        let link = Link { parent: self.parent, step: Step::Key(key.to_owned()) };
        Ok((key.to_owned(), self.walk.enter(link)?))
    }
}
