//! What is kept, what goes, and who fetches.

use super::Registry;
use crate::config;
use crate::kernel::thread;
use crate::metrics::Figures;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn sized(size: usize) -> (Registry, Figures) {
    let figures = Figures::default();
    let registry = Registry::new(figures.clone());
    registry.resize(&config::Caches([("letters".to_owned(), size)].into()));
    (registry, figures)
}

#[test]
fn the_least_recently_used_goes_first() {
    let (registry, figures) = sized(2);
    let cache = registry.cache::<char, String>("letters");
    let get = |key: char| cache.get::<Infallible>(&key, || Ok(Some(key.to_string()))).unwrap().unwrap();
    get('a');
    get('b');
    get('a');
    get('c');
    let misses = || figures.snapshot().counters["cache_letters_misses"];
    assert_eq!(misses(), 3);
    get('a');
    assert_eq!(misses(), 3, "a was used after b, so b went");
    get('b');
    assert_eq!(misses(), 4);
    // Now a and b are held; a smaller cache keeps the one used last, at once.
    registry.resize(&config::Caches([("letters".to_owned(), 0)].into()));
    get('b');
    assert_eq!(misses(), 4);
    get('a');
    assert_eq!(misses(), 5);
    assert_eq!(figures.snapshot().counters["cache_letters_hits"], 3);
}

#[test]
fn failures_and_nothing_are_not_kept() {
    let (registry, _) = sized(9);
    let cache = registry.cache::<char, String>("letters");
    assert_eq!(cache.get(&'a', || Err("no")), Err("no"));
    assert_eq!(cache.get::<&str>(&'a', || Ok(None)), Ok(None));
    assert_eq!(cache.get::<&str>(&'a', || Ok(Some("found".into()))), Ok(Some(Arc::new("found".into()))));
}

#[test]
fn one_of_many_fetches_and_all_get_its_value() {
    let (registry, _) = sized(9);
    let cache = registry.cache::<char, u64>("letters");
    let fetches = Arc::new(AtomicU64::new(0));
    let (entered, fetching) = crossbeam_channel::bounded(1);
    let (go_on, may_go_on) = crossbeam_channel::bounded::<()>(1);
    let first = {
        let (cache, fetches) = (cache.clone(), fetches.clone());
        let fetch = move || {
            fetches.fetch_add(1, Ordering::Relaxed);
            entered.send(()).unwrap();
            may_go_on.recv().unwrap();
            Ok::<_, Infallible>(Some(7))
        };
        thread::spawn("first", move || cache.get(&'a', fetch)).unwrap()
    };
    fetching.recv().unwrap();
    let others: Vec<_> = (0..4)
        .map(|_| {
            let (cache, fetches) = (cache.clone(), fetches.clone());
            let fetch = move || {
                fetches.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(Some(8))
            };
            thread::spawn("other", move || cache.get(&'a', fetch)).unwrap()
        })
        .collect();
    go_on.send(()).unwrap();
    for thread in others.into_iter().chain([first]) {
        assert_eq!(thread.join(), Ok(Ok(Some(Arc::new(7)))));
    }
    assert_eq!(fetches.load(Ordering::Relaxed), 1);
}

#[test]
fn a_panic_while_fetching_lets_the_next_one_try() {
    let (registry, _) = sized(9);
    let cache = registry.cache::<char, u64>("letters");
    let broken = thread::catch(|| cache.get::<Infallible>(&'a', || panic!("broken")));
    assert_eq!(broken, Err("broken".to_owned()));
    assert_eq!(cache.get::<Infallible>(&'a', || Ok(Some(1))), Ok(Some(Arc::new(1))));
}
