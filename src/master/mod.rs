//! The tree: the one place that names every service; start, reload, stop, signals.
