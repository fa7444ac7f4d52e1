//! The configuration that a master under test runs.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

/// The name of every secret, its text, and what follows `user`.
pub const PASSWORD: &str = "sekrit";
/// Whom developers log in as.
pub const DEVELOPER: &str = "change";
/// The branch that is built.
pub const BRANCH: &str = "main";

/// Builders and who serves them.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    pub builders: u64,
    pub workers: u64,
}

impl Site {
    /// The name of a worker.
    pub fn worker(number: u64) -> String {
        format!("worker-{number}")
    }

    /// The file. Workers are dealt out to the builders like cards; where there are fewer workers than builders,
    /// builders share them.
    pub fn yaml(&self, directory: &Path, pb: SocketAddr, www: SocketAddr) -> String {
        let mut text = format!(
            "state_dir: {0}\n\
             url: http://{www}/\n\
             pb: {{listen: \"{pb}\"}}\n\
             www: {{listen: \"{www}\"}}\n\
             secrets: [{{type: file, name: farm, path: {0}/password}}]\n\
             collapse_requests: false\n\
             change_sources: [{{type: pb, user: {DEVELOPER}, password: {{secret: farm}}}}]\n\
             schedulers: [{{type: single_branch, name: main, change_filter: {{branch: {BRANCH}}}, builders: \"*\"}}]\n\
             workers:\n",
            directory.display()
        );
        for worker in 0..self.workers {
            text += &format!("  - {{name: {}, password: {{secret: farm}}}}\n", Site::worker(worker));
        }
        text += "builders:\n";
        for builder in 0..self.builders {
            let mut workers = String::new();
            let first = builder % self.workers;
            for worker in (first..self.workers).step_by(self.builders as usize) {
                let comma = if worker == first { "" } else { ", " };
                write!(workers, "{comma}{}", Site::worker(worker)).expect("a String takes all");
            }
            text +=
                &format!("  - {{name: builder-{builder}, workers: [{workers}], steps: [{{shell: make}}]}}\n");
        }
        text
    }
}
