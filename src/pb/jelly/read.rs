//! S-expressions to values.

use super::JellyError;
use crate::pb::banana::Sexp;
use crate::pb::failure::FAILURE_CLASS;
use crate::pb::integer::Big;
use crate::pb::limits::{DEPTH_MAX, MESSAGE_BYTES_MAX, MESSAGE_ITEMS_MAX};
use crate::pb::value::{Luid, Target, Value};
use bytes::Bytes;
use bytestring::ByteString;
use std::collections::{BTreeMap, BTreeSet};

/// Knows which objects of ours the peer holds.
pub trait Resolve {
    /// The object that the peer gives back under this number or name.
    fn resolve(&self, name: &Sexp) -> Option<Target>;
}

/// The number in `["remote", n]`, if it is one that a peer can count.
fn luid(sexp: &Sexp) -> Option<Luid> {
    match sexp {
        Sexp::Int(n) => Some(Luid(*n)),
        _ => None,
    }
}

/// One jellied value, looked through once: where its shared parts are, which objects it lends.
#[derive(Debug)]
pub struct Jelly<'a> {
    root: &'a Sexp,
    shared: BTreeMap<i64, &'a Sexp>,
    twice: bool,
    remotes: Vec<Luid>,
}

impl<'a> Jelly<'a> {
    /// Looks through `root`; never fails, so that references are counted even in a value that is refused.
    pub fn new(root: &'a Sexp) -> Jelly<'a> {
        let mut jelly = Jelly { root, shared: BTreeMap::new(), twice: false, remotes: Vec::new() };
        jelly.look(root);
        jelly
    }

    fn look(&mut self, sexp: &'a Sexp) {
        let Sexp::List(list) = sexp else { return };
        match list.as_slice() {
            [Sexp::Bytes(word), pairs @ ..] if word == "dictionary" => {
                // A pair is not a typed list: its first item is a key, whatever word it spells.
                for pair in pairs {
                    match pair {
                        Sexp::List(pair) => pair.iter().for_each(|part| self.look(part)),
                        _ => continue,
                    }
                }
            }
            [Sexp::Bytes(word), number, ..] if word == "remote" => self.remotes.extend(luid(number)),
            [Sexp::Bytes(word), Sexp::Int(id), part, ..] if word == "reference" => {
                self.twice |= self.shared.insert(*id, part).is_some();
                self.look(part);
            }
            parts => parts.iter().for_each(|part| self.look(part)),
        }
    }

    /// One entry for each reference to an object of its own that the peer counted when it wrote this.
    pub fn into_remotes(self) -> Vec<Luid> {
        self.remotes
    }

    /// Reads the value.
    pub fn read(&self, objects: &impl Resolve) -> Result<Value, JellyError> {
        if self.twice {
            return Err(JellyError::BadValue("Multiple references with same ID!"));
        }
        let mut reader = Reader {
            shared: &self.shared,
            objects,
            inside: Vec::new(),
            depth: 0,
            parts: MESSAGE_ITEMS_MAX,
            bytes: MESSAGE_BYTES_MAX,
            unhashable: 0,
        };
        reader.value(self.root)
    }
}

struct Reader<'a, R> {
    shared: &'a BTreeMap<i64, &'a Sexp>,
    objects: &'a R,
    /// Shared parts that are being read, outermost first.
    inside: Vec<i64>,
    depth: usize,
    /// How many more values may be made.
    parts: usize,
    /// How many bytes their strings may have: a shared string costs its length each time it is looked at.
    bytes: usize,
    /// How many of the values that were made make what they are in unfit for a key or a set's item. Counted as they
    /// are made: to look through each key once more would cost its size at each level of a nested one.
    unhashable: usize,
}

const NOT_ENOUGH: JellyError = JellyError::Malformed("list index out of range");

impl<R: Resolve> Reader<'_, R> {
    fn value(&mut self, sexp: &Sexp) -> Result<Value, JellyError> {
        self.parts = self.parts.checked_sub(1).ok_or(JellyError::TooLarge)?;
        match sexp {
            Sexp::Int(n) => Ok(Value::Int(*n)),
            Sexp::Big(n) => Ok(Value::Big(n.clone())),
            Sexp::Float(n) => Ok(Value::from(*n)),
            Sexp::Bytes(bytes) => Ok(Value::Bytes(self.string(bytes)?)),
            Sexp::List(list) => {
                let Some((head, rest)) = list.split_first() else { return Err(NOT_ENOUGH) };
                let Sexp::Bytes(word) = head else {
                    return Err(JellyError::Malformed("the first item of a list is no type name"));
                };
                if self.depth == DEPTH_MAX {
                    return Err(JellyError::TooDeep);
                }
                self.depth += 1;
                let value = self.typed(word, rest)?;
                self.depth -= 1;
                Ok(value)
            }
        }
    }

    fn typed(&mut self, word: &Bytes, rest: &[Sexp]) -> Result<Value, JellyError> {
        Ok(match &word[..] {
            b"None" => Value::None,
            b"unicode" => Value::Text(self.text(rest)?),
            b"boolean" => match first(rest)? {
                Sexp::Bytes(word) if word == "true" => Value::Bool(true),
                Sexp::Bytes(word) if word == "false" => Value::Bool(false),
                _ => return Err(JellyError::BadValue("")),
            },
            b"list" => Value::List(self.unhashable(|reader| reader.values(rest))?),
            b"tuple" => Value::Tuple(self.values(rest)?),
            b"set" => Value::Set(self.unhashable(|reader| reader.items_once(rest))?),
            b"frozenset" => Value::FrozenSet(self.items_once(rest)?),
            b"dictionary" => Value::Dict(self.unhashable(|reader| reader.pairs(rest))?),
            b"reference" => self.reference(rest)?,
            b"dereference" => self.dereference(rest)?,
            b"remote" => {
                luid(first(rest)?).map(Value::Remote).ok_or(JellyError::Malformed("no object number"))?
            }
            b"local" => Value::Local(self.objects.resolve(first(rest)?).ok_or(JellyError::UnknownObject)?),
            b"datetime" => Value::DateTime(numbers(rest)?),
            b"date" => Value::Date(numbers(rest)?),
            b"time" => Value::Time(numbers(rest)?),
            b"timedelta" => Value::TimeDelta(numbers(rest)?),
            b"decimal" => decimal(rest)?,
            b"unpersistable" => match first(rest)? {
                Sexp::Bytes(reason) => {
                    let reason = self.string(reason)?;
                    Value::Unpersistable(String::from_utf8_lossy(&reason).into_owned().into())
                }
                _ => Value::Unpersistable(ByteString::new()),
            },
            b"persistent" => Value::Unpersistable("Persistent callback not found".into()),
            name if name == FAILURE_CLASS.as_bytes() => {
                let before = self.unhashable;
                let state = Box::new(self.value(first(rest)?)?);
                // An object is a key by its identity, whatever it holds.
                self.unhashable = before;
                Value::Copy { class: FAILURE_CLASS.into(), state }
            }
            name => return Err(JellyError::Insecure(refusal(name))),
        })
    }

    fn string(&mut self, bytes: &Bytes) -> Result<Bytes, JellyError> {
        self.bytes = self.bytes.checked_sub(bytes.len()).ok_or(JellyError::TooLarge)?;
        Ok(bytes.clone())
    }

    fn text(&mut self, rest: &[Sexp]) -> Result<ByteString, JellyError> {
        match first(rest)? {
            Sexp::Bytes(bytes) => ByteString::try_from(self.string(bytes)?).map_err(|_| JellyError::BadUtf8),
            _ => Err(JellyError::Malformed("text is no byte string")),
        }
    }

    fn values(&mut self, items: &[Sexp]) -> Result<Vec<Value>, JellyError> {
        items.iter().map(|item| self.value(item)).collect()
    }

    /// Makes a value that can be no key.
    fn unhashable<T>(
        &mut self,
        make: impl FnOnce(&mut Self) -> Result<T, JellyError>,
    ) -> Result<T, JellyError> {
        let value = make(self)?;
        self.unhashable += 1;
        Ok(value)
    }

    /// Makes what is to be a key, or the items of a set.
    fn hashable<T>(
        &mut self,
        make: impl FnOnce(&mut Self) -> Result<T, JellyError>,
    ) -> Result<T, JellyError> {
        let before = self.unhashable;
        let value = make(self)?;
        if self.unhashable == before { Ok(value) } else { Err(UNHASHABLE) }
    }

    fn items_once(&mut self, items: &[Sexp]) -> Result<Vec<Value>, JellyError> {
        self.hashable(|reader| reader.values(items)).map(once)
    }

    fn pairs(&mut self, pairs: &[Sexp]) -> Result<Vec<(Value, Value)>, JellyError> {
        let mut read = Vec::with_capacity(pairs.len());
        for pair in pairs {
            match pair {
                Sexp::List(pair) if pair.len() == 2 => {
                    let key = self.hashable(|reader| reader.value(&pair[0]))?;
                    read.push((key, self.value(&pair[1])?));
                }
                _ => return Err(JellyError::Malformed("a dictionary entry is no pair")),
            }
        }
        Ok(last_wins(read))
    }

    fn reference(&mut self, rest: &[Sexp]) -> Result<Value, JellyError> {
        match rest {
            [Sexp::Int(id), part, ..] => self.shared_part(*id, part),
            _ => Err(NOT_ENOUGH),
        }
    }

    fn dereference(&mut self, rest: &[Sexp]) -> Result<Value, JellyError> {
        match first(rest)? {
            Sexp::Int(id) => match self.shared.get(id) {
                Some(part) => self.shared_part(*id, part),
                None => Err(JellyError::Malformed("dereference without a reference")),
            },
            _ => Err(JellyError::Malformed("reference without a number")),
        }
    }

    fn shared_part(&mut self, id: i64, part: &Sexp) -> Result<Value, JellyError> {
        if self.inside.contains(&id) {
            return Err(JellyError::Cyclic);
        }
        self.inside.push(id);
        let value = self.value(part)?;
        self.inside.pop();
        Ok(value)
    }
}

const UNHASHABLE: JellyError = JellyError::Malformed("unhashable type");

fn first(rest: &[Sexp]) -> Result<&Sexp, JellyError> {
    rest.first().ok_or(NOT_ENOUGH)
}

/// `N` integers, written in decimal with blanks between them.
fn numbers<const N: usize>(rest: &[Sexp]) -> Result<[i64; N], JellyError> {
    let malformed = JellyError::Malformed("date or time is not the right number of integers");
    let Sexp::Bytes(bytes) = first(rest)? else { return Err(malformed) };
    let text = std::str::from_utf8(bytes).map_err(|_| malformed.clone())?;
    let numbers: Result<Vec<i64>, _> = text.split_ascii_whitespace().map(str::parse).collect();
    numbers.ok().and_then(|numbers| numbers.try_into().ok()).ok_or(malformed)
}

fn decimal(rest: &[Sexp]) -> Result<Value, JellyError> {
    let (coefficient, exponent) = match rest {
        [Sexp::Int(n), Sexp::Int(exponent), ..] => (Big::from(*n), *exponent),
        [Sexp::Big(n), Sexp::Int(exponent), ..] => (n.clone(), *exponent),
        _ => return Err(JellyError::Malformed("decimal is not two integers")),
    };
    Ok(Value::Decimal { coefficient, exponent })
}

/// Items of a set, each once.
fn once(items: Vec<Value>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let fresh: Vec<bool> = items.iter().map(|item| seen.insert(item)).collect();
    items.into_iter().zip(fresh).filter_map(|(item, fresh)| fresh.then_some(item)).collect()
}

/// Pairs of a dict: a key that comes again keeps its place and takes the new value.
fn last_wins(pairs: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut known: BTreeMap<&Value, usize> = BTreeMap::new();
    let mut place_of = |key| {
        let next = known.len();
        *known.entry(key).or_insert(next)
    };
    let places: Vec<usize> = pairs.iter().map(|(key, _)| place_of(key)).collect();
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(pairs.len());
    for ((key, value), place) in pairs.into_iter().zip(places) {
        match kept.get_mut(place) {
            Some(pair) => pair.1 = value,
            None => kept.push((key, value)),
        }
    }
    kept
}

/// The words with which Twisted refuses a type.
fn refusal(name: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 200;
    let shown = name[..name.len().min(SHOWN_BYTES_MAX)].escape_ascii().to_string();
    match shown.rsplit_once('.') {
        Some((module, _)) => format!("Module {module} not allowed (in type {shown})."),
        None => format!("b'{shown}'"),
    }
}
