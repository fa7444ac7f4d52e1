//! Letters that wait for the relay: in order, bounded, tried again after longer and longer pauses. Pure: time is an
//! argument.

use super::letter::Letter;
use crate::model::Mono;
use crate::status::limits::{LETTERS, RELAY_PAUSE, RELAY_PAUSE_LONGEST};
use std::collections::VecDeque;
use std::time::Duration;

/// Why the relay has not taken a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// It is out of reach, or takes nothing now: later it may.
    Later(String),
    /// It will never take this letter.
    Never(String),
}

/// The letters that wait.
#[derive(Debug, Default)]
pub struct Outbox {
    letters: VecDeque<Letter>,
    retry: Option<Retry>,
    trouble: Option<String>,
    lost: u64,
}

#[derive(Clone, Copy, Debug)]
struct Retry {
    at: Mono,
    pause: Duration,
}

impl Outbox {
    /// Takes a letter; false if there is no room, which is a trouble.
    pub fn add(&mut self, letter: Letter) -> bool {
        let has_room = self.letters.len() < LETTERS;
        if has_room {
            self.letters.push_back(letter);
        } else {
            self.lost += 1;
        }
        has_room
    }

    /// The letter to be tried now.
    pub fn due(&self, now: Mono) -> Option<&Letter> {
        let letter = self.letters.front()?;
        self.retry.is_none_or(|retry| retry.at <= now).then_some(letter)
    }

    /// When [`Outbox::due`] has something again that it has not now.
    pub fn next_try(&self) -> Option<Mono> {
        self.retry.map(|retry| retry.at).filter(|_| !self.letters.is_empty())
    }

    /// What became of the letter that was due.
    pub fn tried(&mut self, outcome: Result<(), Undelivered>, now: Mono) {
        match outcome {
            Ok(()) => {
                self.letters.pop_front();
                (self.retry, self.trouble) = (None, None);
            }
            Err(Undelivered::Never(why)) => {
                let to = self.letters.pop_front().map(|letter| letter.to).unwrap_or_default();
                (self.retry, self.trouble) = (None, Some(format!("a letter to {to} was refused: {why}")));
            }
            Err(Undelivered::Later(why)) => {
                let pause =
                    self.retry.map_or(RELAY_PAUSE, |retry| (retry.pause * 2).min(RELAY_PAUSE_LONGEST));
                self.retry = Some(Retry { at: now + pause, pause });
                self.trouble = Some(why);
            }
        }
    }

    /// Other settings are in force: what waits is tried at once.
    pub fn try_anew(&mut self) {
        self.retry = None;
    }

    /// How many letters wait.
    pub fn waiting(&self) -> usize {
        self.letters.len()
    }

    /// What is wrong, for people.
    pub fn trouble(&self) -> Option<String> {
        let waiting = match self.letters.len() {
            0 => String::new(),
            count => format!("; letters that wait: {count}"),
        };
        let lost = match self.lost {
            0 => String::new(),
            count => format!("; letters for which there was no room: {count}"),
        };
        match &self.trouble {
            Some(trouble) => Some(format!("{trouble}{waiting}{lost}")),
            None if self.lost > 0 => Some(format!("too many letters waited at a time{lost}")),
            None => None,
        }
    }
}
