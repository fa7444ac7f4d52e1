//! Workers, builders, builds, steps and the distribution of build requests.
