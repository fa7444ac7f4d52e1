//! What is wanted: the YAML language, its checks, and the difference between two configurations as a plan.
