//! The fuzz targets, run on the stable toolchain: sound input damaged by a seeded generator, a fixed number of times.
//!
//! `BELLWETHER_FUZZ_ROUNDS` widens it; a failure names its round, which repeats it. `cargo fuzz` runs the same targets
//! for as long as one likes, from what is written into the folder `BELLWETHER_FUZZ_SEEDS`: its own is `fuzz/corpus`.

#[path = "../../fuzz/targets.rs"]
mod targets;

use crate::golden::{hex, vectors};
use crate::mutation::{Numbers, damage, rounds, sound_streams};
use crate::packed::{packed, recorded, value};
use std::collections::BTreeSet;
use targets::{TARGETS, framed};

/// What a program might print.
const OUTPUT: &[u8] = b"\x20checking for cc... \xc3\xa9 yes\r\n 10%\r 50%\r100%\n\x1b[2J\x1b[1;5Hbusy\x08\x08\n\xe2\x82\xac\xf0\x9f\x98\x80 done";

/// A message of MessagePack: numbers, text, bytes, a list and a table.
const PACKED: &[u8] = b"\x83\xa2op\xa6update\xa4args\x92\x01\xcd\x01\x00\xa1b\xc4\x02\xff\x00";

/// A request of a worker's, and its answer to the first one of the master's.
const ASKED: &[u8] = b"\x82\xa2op\xa6update\xaaseq_number\x05";
const ANSWERED: &[u8] = b"\x83\xa2op\xa8response\xaaseq_number\x00\xa6result\xc0";

/// Sound input: for each target something of what it is made for.
fn corpus() -> Vec<Vec<u8>> {
    let captured = vectors("pb-messages.json", "message").into_iter().map(|vector| hex(&vector["hex"]));
    let long_line = [&[63][..], &"é".repeat(6_000).into_bytes()].concat();
    let mut corpus: Vec<_> = sound_streams().into_iter().chain(captured).collect();
    // How it is cut comes first.
    let with_cut: Vec<_> = corpus.iter().map(|bytes| [&[3], &bytes[..]].concat()).collect();
    corpus.extend(with_cut);
    corpus.extend([OUTPUT.to_vec(), long_line]);
    // There is one of these only; as frames, after how they are cut.
    corpus.extend(std::iter::repeat_n(PACKED.to_vec(), corpus.len() / 8));
    let frames = [&[9], &framed(ASKED)[..], &framed(ANSWERED)].concat();
    corpus.extend(std::iter::repeat_n(frames, corpus.len() / 8));
    corpus
}

#[test]
fn no_target_finds_a_broken_promise() {
    let corpus = corpus();
    for (name, target) in TARGETS {
        let mut worthwhile = 0;
        for round in 0..rounds() {
            let mut numbers = Numbers::new(round);
            let mut bytes = corpus[numbers.below(corpus.len())].clone();
            let other = &corpus[numbers.below(corpus.len())];
            damage(&mut bytes, other, &mut numbers);
            let outcome = std::panic::catch_unwind(|| target(&bytes));
            worthwhile +=
                u64::from(outcome.unwrap_or_else(|_| panic!("{name}, round {round}: {bytes:02x?}")));
        }
        assert!(worthwhile > rounds() / 50, "{name}: only {worthwhile} of {} got anywhere", rounds());
    }
}

/// The sound input that gets anywhere in a target.
fn seeds(target: targets::Body) -> BTreeSet<Vec<u8>> {
    let recorded = recorded().into_iter().map(|(message, _)| packed(&value(&message)));
    corpus().into_iter().chain(recorded).filter(|bytes| target(bytes)).collect()
}

#[test]
fn every_target_begins_with_seeds_of_its_own() {
    let scratch = tempfile::tempdir().expect("a folder");
    let named = std::env::var_os("BELLWETHER_FUZZ_SEEDS").map(std::path::PathBuf::from);
    let folder = named.unwrap_or_else(|| scratch.path().to_owned());
    for (name, target) in TARGETS {
        let seeds = seeds(target);
        assert!(seeds.len() > 20, "{name} has only {}", seeds.len());
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:04}")), seed).expect("a file");
        }
    }
}

#[test]
fn each_target_has_its_program() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");
    let manifest = std::fs::read_to_string(format!("{folder}/Cargo.toml")).expect("a manifest");
    let manifest: BTreeSet<_> = manifest.lines().collect();
    let programs = std::fs::read_dir(format!("{folder}/fuzz_targets")).expect("a folder").count();
    assert_eq!(programs, TARGETS.len());
    for (name, _) in TARGETS {
        let program = std::fs::read_to_string(format!("{folder}/fuzz_targets/{name}.rs")).expect("a program");
        assert!(program.contains(&format!("targets::{name}(data)")), "{name}.rs runs another target");
        assert!(manifest.contains(format!("path = \"fuzz_targets/{name}.rs\"").as_str()), "{name}");
    }
}
