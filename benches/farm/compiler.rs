//! Made-up output of a compiler: 80-byte lines, as hard to compress as the text of the baselines
//! (gzip takes 64 KiB of it to 0.28, bzip2 to 0.21).

use bytestring::ByteString;
use std::fmt::Write;

/// Bytes of one line with its end.
const LINE_BYTES: usize = 80;
/// Bytes of one update: about what a real worker sends at a time.
pub const UPDATE_BYTES: usize = 54 * 1024 / LINE_BYTES * LINE_BYTES;
/// Updates after which the text begins again: farther apart than a compressor of log chunks looks back.
const UPDATES: usize = 160;
/// Most hexadecimal digits of a symbol; they set how hard the text is to compress.
const DIGITS: usize = 16;

const WARNINGS: [&str; 16] = [
    "unused variable",
    "comparison of integers",
    "implicit conversion",
    "declaration shadows",
    "missing braces",
    "control reaches end",
    "format expects type",
    "passing argument",
    "deprecated function",
    "unused parameter",
    "signed overflow in",
    "unreachable code",
    "cast discards const",
    "redundant move",
    "tautological test of",
    "array bound of",
];

/// Text for the logs of all workers, cut into updates; the same in each run.
pub struct Output(Vec<ByteString>);

impl Output {
    /// Makes it up.
    pub fn new() -> Output {
        let mut chance = fastrand::Rng::with_seed(80);
        let update = |_| (0..UPDATE_BYTES / LINE_BYTES).map(|_| line(&mut chance)).collect::<String>().into();
        Output((0..UPDATES).map(update).collect())
    }

    /// The update of this number.
    pub fn update(&self, number: u64) -> ByteString {
        self.0[(number % UPDATES as u64) as usize].clone()
    }
}

fn line(chance: &mut fastrand::Rng) -> String {
    let (module, unit) = (chance.u32(0..40), chance.u32(0..400));
    let (at, column) = (chance.u32(1..3000), chance.u32(1..90));
    let warning = WARNINGS[chance.usize(..WARNINGS.len())];
    let mut line = format!("src/mod{module:02}/unit{unit:03}.c:{at}:{column}: warning: {warning} 'tmp_");
    let room = LINE_BYTES - "'\n".len() - line.len();
    let symbol = format!("{:0DIGITS$x}", chance.u64(..));
    let symbol = &symbol[..room.min(DIGITS)];
    // A String takes all.
    let _ = writeln!(line, "{symbol:_<room$}'");
    line
}
