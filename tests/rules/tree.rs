//! One file names every service; what else must know many of them at once is in the wrong place.

use std::collections::BTreeSet;

use crate::keep;
use crate::rooms::rooms_named;
use crate::source::{Source, files_below};

/// The file.
const TREE: &str = "src/master/tree.rs";

/// The services, in rank order.
const SERVICES: [&str; 10] = [
    "metrics",
    "caches",
    "db",
    "pbmanager",
    "users",
    "changes",
    "schedulers",
    "botmaster",
    "status",
    "debug",
];

/// More services than this are named by the tree only.
const SERVICES_MAX: usize = 5;

fn complaints(file: &Source) -> Vec<String> {
    let named: BTreeSet<String> = rooms_named(&file.tokens()).into_iter().map(|(room, _)| room).collect();
    let services: Vec<&str> = SERVICES.into_iter().filter(|service| named.contains(*service)).collect();
    if file.path == TREE {
        let missing = SERVICES.iter().filter(|service| !services.contains(service));
        return missing.map(|service| format!("{TREE}: the tree does not name {service}")).collect();
    }
    if services.len() <= SERVICES_MAX {
        return Vec::new();
    }
    vec![format!("{}: names {}: let {TREE} hand it what it needs", file.path, services.join(", "))]
}

#[test]
fn only_the_tree_names_every_service() {
    let files = files_below("src", "rs");
    assert!(files.iter().any(|file| file.path == TREE), "no {TREE}");
    keep(files.iter().flat_map(complaints).collect());
}

#[test]
fn a_second_tree_is_told() {
    let all = format!("use crate::{{{}}};", SERVICES.join(", "));
    assert_eq!(complaints(&Source::new("src/master/root.rs", &all)).len(), 1);
    assert_eq!(complaints(&Source::new("src/master/root.rs", "use crate::{db, status, users};")).len(), 0);
    assert_eq!(complaints(&Source::new(TREE, &all)).len(), 0);
    assert_eq!(complaints(&Source::new(TREE, "use crate::{db, status};")).len(), 8);
}
