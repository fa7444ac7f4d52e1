//! Serves the pages on example data, to look at them: `cargo run --example showcase -- 127.0.0.1:8099`.

#[path = "../tests/web/sample.rs"]
mod sample;
#[path = "../tests/web/site.rs"]
mod site;

use bellwether::kernel::World;

fn main() {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8099".to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    let site = site::Site::start(folder.path(), sample::CONFIG, &listen);
    sample::Sample::fill(&site.db, &site.rooms, World::real().wall());
    let (_stays, until_killed) = crossbeam_channel::bounded::<()>(0);
    let _ = until_killed.recv();
}
