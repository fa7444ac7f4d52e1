//! What `git log` prints of some commits. Pure.

use crate::changes::commit::Commit;
use crate::model::Wall;

/// How `git log -z --name-only` is to print. No field but the last can hold a NUL; a file's name cannot be taken
/// for the next commit, because it would have to name the id of one that was made later.
pub const FORMAT: &str = "--format=tformat:%x01%H%x00%aN <%aE>%x00%cN <%cE>%x00%ct%x00%B%x00";

/// Reads the commits of these ids, which were asked for in this order, the oldest first.
///
/// # Errors
/// What is missing, for people.
pub fn read(output: &[u8], revisions: &[String]) -> Result<Vec<Commit>, String> {
    let mut fields = output.split(|byte| *byte == 0).map(String::from_utf8_lossy).peekable();
    let mut commits = Vec::new();
    for (at, revision) in revisions.iter().enumerate() {
        let missing = || format!("git does not tell of commit {revision}");
        let mut field = || fields.next().ok_or_else(missing);
        if field()?.strip_prefix('\u{1}') != Some(revision) {
            return Err(missing());
        }
        let (author, committer) = (field()?.into_owned(), Some(field()?.into_owned()));
        let when = field()?.parse().map(Wall::from_seconds).map_err(|_| missing())?;
        let comments = field()?.trim_end().to_owned();
        let next = revisions.get(at + 1).map(|next| format!("\u{1}{next}"));
        let mut files = Vec::new();
        // An empty field stands between commits, and a line feed before the first file.
        while let Some(name) = fields.next_if(|name| Some(name.as_ref()) != next.as_deref()) {
            let name = if files.is_empty() { name.trim_start_matches('\n') } else { &name };
            if !name.is_empty() {
                files.push(name.to_owned());
            }
        }
        commits.push(Commit { revision: revision.clone(), author, committer, when, comments, files });
    }
    Ok(commits)
}
