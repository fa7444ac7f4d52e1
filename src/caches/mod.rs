//! Every LRU cache by name, with its size and its hit figures.
