//! How the commands find the running master.

use super::ConfigArg;
use crate::config;
use crate::debug::client::{self, AskError};
use crate::debug::protocol::{Request, Response};
use std::path::PathBuf;

/// Which running master is meant.
#[derive(Clone, Debug, clap::Args)]
pub struct SocketArg {
    #[command(flatten)]
    config: ConfigArg,
    /// The running master's control socket; found through the configuration if not given
    #[arg(short, long, value_name = "PATH", env = "BELLWETHER_SOCKET")]
    socket: Option<PathBuf>,
}

impl SocketArg {
    /// Asks that master. The configuration is only read to find the socket: it may be full of faults, which
    /// the master is then to say.
    ///
    /// # Errors
    /// See [`AskError`].
    pub fn ask(&self, request: &Request) -> Result<Response, AskError> {
        let socket = self.socket.clone().unwrap_or_else(|| config::control_socket_of(&self.config.config));
        client::ask(&socket, request)
    }
}
