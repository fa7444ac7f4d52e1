//! The event hub and the listeners that show the master to people and programs.
