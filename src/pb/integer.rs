//! Integers beyond `i64`: sign and base-128 digits, as Banana writes them. No arithmetic: only kept, shown and sent back.

use super::limits::PREFIX_DIGITS_MAX;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// An integer of at most 448 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Big {
    negative: bool,
    /// Least significant first, each below 128, no zero at the end; zero is empty and not negative.
    digits: Box<[u8]>,
}

/// Why a text is no [`Big`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseBigError {
    /// Not an optional minus and decimal digits.
    #[error("not a decimal integer")]
    NotDecimal,
    /// Beyond 448 bits (`pb.md` §9).
    #[error("integer of more than 448 bits")]
    TooLarge,
}

impl Big {
    /// From base-128 digits, least significant first; `None` beyond 64 digits.
    pub fn from_digits(negative: bool, digits: &[u8]) -> Option<Big> {
        let significant = digits.iter().rposition(|&d| d != 0).map_or(0, |i| i + 1);
        let digits: Box<[u8]> = digits[..significant].iter().map(|d| d & 0x7f).collect();
        (digits.len() <= PREFIX_DIGITS_MAX)
            .then_some(Big { negative: negative && !digits.is_empty(), digits })
    }

    /// Below zero?
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Base-128 digits of the magnitude, least significant first; empty for zero.
    pub fn digits(&self) -> &[u8] {
        &self.digits
    }

    /// The same number as `i64`, if it fits.
    pub fn to_i64(&self) -> Option<i64> {
        if self.digits.len() > 10 {
            return None;
        }
        let magnitude = self.digits.iter().rev().fold(0i128, |n, &d| (n << 7) | i128::from(d));
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }
}

impl From<i64> for Big {
    fn from(n: i64) -> Big {
        let mut rest = n.unsigned_abs();
        let mut digits = Vec::with_capacity(10);
        while rest != 0 {
            digits.push((rest & 0x7f) as u8);
            rest >>= 7;
        }
        Big { negative: n < 0, digits: digits.into() }
    }
}

impl Ord for Big {
    fn cmp(&self, other: &Big) -> Ordering {
        let magnitude = || {
            let by_length = self.digits.len().cmp(&other.digits.len());
            by_length.then_with(|| self.digits.iter().rev().cmp(other.digits.iter().rev()))
        };
        match (self.negative, other.negative) {
            (false, false) => magnitude(),
            (true, true) => magnitude().reverse(),
            (mine, theirs) => theirs.cmp(&mine),
        }
    }
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Big) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Multiplies a number of little-endian digits in `base` by `factor` and adds `carry`.
fn multiply_add(digits: &mut Vec<u32>, base: u64, factor: u64, mut carry: u64) {
    for digit in digits.iter_mut() {
        carry += u64::from(*digit) * factor;
        *digit = (carry % base) as u32;
        carry /= base;
    }
    while carry != 0 {
        digits.push((carry % base) as u32);
        carry /= base;
    }
}

impl fmt::Display for Big {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups = Vec::new();
        for &digit in self.digits.iter().rev() {
            multiply_add(&mut groups, 1_000_000_000, 128, u64::from(digit));
        }
        let mut text = groups.pop().unwrap_or(0).to_string();
        for group in groups.iter().rev() {
            text.push_str(&format!("{group:09}"));
        }
        f.pad_integral(!self.negative, "", &text)
    }
}

impl fmt::Debug for Big {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Big {
    type Err = ParseBigError;

    fn from_str(text: &str) -> Result<Big, ParseBigError> {
        let (negative, decimals) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if decimals.is_empty() || !decimals.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ParseBigError::NotDecimal);
        }
        let mut digits = Vec::new();
        for decimal in decimals.bytes() {
            multiply_add(&mut digits, 128, 10, u64::from(decimal - b'0'));
            if digits.len() > PREFIX_DIGITS_MAX {
                return Err(ParseBigError::TooLarge);
            }
        }
        let digits: Vec<u8> = digits.iter().map(|&d| d as u8).collect();
        Big::from_digits(negative, &digits).ok_or(ParseBigError::TooLarge)
    }
}
