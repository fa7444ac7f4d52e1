//! A job for a job directory: as a file, through ssh (`clients.md` §6).

use super::{Job, TryError};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::json;
use sha1::{Digest, Sha1};
use std::io::Write;
use std::process::{Command, Stdio};

/// Hands the job to `tryserver` on the master's machine.
pub(super) fn send(job: &Job<'_>) -> Result<(), TryError> {
    let args = job.args;
    let mut ssh = Command::new("ssh");
    if let Some(user) = &args.username {
        ssh.args(["-l", user]);
    }
    let jobdir = args.jobdir.as_deref().unwrap_or_default();
    ssh.arg("--").arg(args.host.as_deref().unwrap_or_default());
    // What comes after the host goes to a shell there.
    ssh.arg(format!("{} tryserver --jobdir {}", args.tryserver, quoted(jobdir)));
    let failed = |error: std::io::Error| TryError::Unasked(format!("ssh: {error}"));
    let mut ssh = ssh.stdin(Stdio::piped()).spawn().map_err(failed)?;
    let written = match ssh.stdin.take() {
        Some(mut stdin) => stdin.write_all(&file(job)),
        None => Ok(()),
    };
    let status = ssh.wait().map_err(failed)?;
    if status.success() {
        written.map_err(failed)
    } else {
        Err(TryError::No(format!("the job was not taken: {status}")))
    }
}

/// A word of the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The job's file: version 5, or 6 if its diff is not text.
pub(super) fn file(job: &Job<'_>) -> Vec<u8> {
    let (args, change) = (job.args, &job.change);
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut told = json!({
        "branch": change.branch,
        "baserev": change.base,
        "patch_level": change.level,
        "repository": args.repository,
        "project": args.project,
        "who": or_empty(&args.who),
        "comment": or_empty(&args.comment),
        "builderNames": args.builders,
        "properties": job.properties,
    });
    let version = match std::str::from_utf8(&change.diff) {
        Ok(text) => {
            told["patch_body"] = text.into();
            "5"
        }
        Err(_) => {
            told["patch_body_base64"] = BASE64.encode(&change.diff).into();
            "6"
        }
    };
    // Sent twice, it is the same job; so its id comes from what it is and who sends it when.
    let mut id = Sha1::new_with_prefix(told.to_string());
    id.update(std::process::id().to_be_bytes());
    id.update(crate::kernel::World::real().wall().seconds().to_be_bytes());
    told["jobid"] = HEXLOWER.encode(&id.finalize()).into();
    let told = told.to_string();
    format!("{}:{version},{}:{told},", version.len(), told.len()).into_bytes()
}
