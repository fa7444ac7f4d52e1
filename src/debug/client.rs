//! The other end of the control socket: what the command line speaks with.

use super::limits;
use super::protocol::{Request, Response};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("no master answers at {path}: {source}; is it running, and is this its socket?")]
    NotRunning {
        /// The socket.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The master went away before it had answered.
    #[error("the master closed the connection before it had answered")]
    Cut,
    /// It did not understand, or we do not.
    #[error("the master speaks another language ({0}); is it of the same version as this command?")]
    Language(String),
}

/// Asks the master behind this socket, and waits for its answer, however long a reload takes.
///
/// # Errors
/// See [`AskError`].
pub fn ask(socket: &Path, request: &Request) -> Result<Response, AskError> {
    let not_running = |source| AskError::NotRunning { path: socket.to_owned(), source };
    let mut stream = UnixStream::connect(socket).map_err(not_running)?;
    let mut line = serde_json::to_string(request).map_err(|error| AskError::Language(error.to_string()))?;
    line.push('\n');
    stream.write_all(line.as_bytes()).map_err(not_running)?;
    let mut answer = String::new();
    let mut reader = BufReader::new(std::io::Read::take(stream, limits::RESPONSE_BYTES_MAX));
    match reader.read_line(&mut answer) {
        Ok(0) => Err(AskError::Cut),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(AskError::Cut),
        Err(error) => Err(not_running(error)),
        Ok(_) => serde_json::from_str(&answer).map_err(|error| AskError::Language(error.to_string())),
    }
}
