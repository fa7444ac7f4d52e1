//! Counters, timers and gauges of the running master.
