//! Schedulers: state machines that turn changes into buildsets.
