//! The web listener, in this process, on a database that its own verbs have filled.

mod api;
mod client;
mod events;
mod pages;
mod sample;
mod site;
