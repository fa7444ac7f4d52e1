//! What a working tree differs in from what it is based on (`CLI-20`, `CLI-21`).

use clap::ValueEnum;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a working tree is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Vc {
    /// git
    Git,
    /// Mercurial
    Hg,
    /// Subversion
    Svn,
}

/// A change that is not committed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The branch that it is for.
    pub branch: Option<String>,
    /// The revision that it is for.
    pub base: Option<String>,
    /// How many leading directories of the diff's names to leave out.
    pub level: u32,
    /// The diff.
    pub diff: Vec<u8>,
}

/// The change of the working tree that `here` is in.
///
/// # Errors
/// Why it cannot be told, for people.
pub fn change(here: &Path, vc: Option<Vc>, branch: Option<&str>) -> Result<Change, String> {
    let vc = match vc {
        Some(vc) => vc,
        None => found(here)?,
    };
    match vc {
        Vc::Git => git(here, branch),
        Vc::Hg => hg(here, branch),
        Vc::Svn => svn(here, branch),
    }
}

/// Which of them has its mark here or in a directory above.
fn found(here: &Path) -> Result<Vc, String> {
    let here = here.canonicalize().map_err(|error| format!("{}: {error}", here.display()))?;
    let marks = [(".git", Vc::Git), (".hg", Vc::Hg), (".svn", Vc::Svn)];
    let marked =
        |directory: &Path| marks.iter().find(|(mark, _)| directory.join(mark).exists()).map(|(_, vc)| *vc);
    let none = || {
        format!(
            "{} is no working tree of git, Mercurial or Subversion; --diff sends a ready diff",
            here.display()
        )
    };
    here.ancestors().find_map(marked).ok_or_else(none)
}

/// Against a named branch; else against the remote's branch that the current one follows; else against the last commit.
fn git(here: &Path, branch: Option<&str>) -> Result<Change, String> {
    let git = |args: &[&str]| run("git", args, here);
    // A remote's branch is called without the remote.
    let without_remote = |name: &str| name.split_once('/').map_or(name, |(_, branch)| branch).to_owned();
    let (branch, base) = match branch {
        Some(name) => (without_remote(name), git(&["rev-parse", "--verify", &format!("{name}^{{commit}}")])?),
        None => {
            let current = git(&["symbolic-ref", "--quiet", "--short", "HEAD"])
                .map_err(|_| "no branch is checked out; --branch names one".to_owned())?;
            let upstream = git(&["rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}"]);
            match upstream {
                Ok(upstream) => (without_remote(&line(&upstream)), git(&["rev-parse", "@{upstream}"])?),
                Err(_) => (line(&current), git(&["rev-parse", "HEAD"])?),
            }
        }
    };
    let base = line(&base);
    let options = ["--src-prefix=a/", "--dst-prefix=b/", "--no-textconv", "--no-ext-diff", "--binary"];
    let diff = git(&[&["diff"], &options[..], &[&base]].concat())?;
    Ok(Change { branch: Some(branch), base: Some(base), level: 1, diff })
}

fn hg(here: &Path, branch: Option<&str>) -> Result<Change, String> {
    let hg = |args: &[&str]| run("hg", args, here);
    let base = line(&hg(&["log", "--rev", ".", "--template", "{node}"])?);
    let branch = match branch {
        Some(name) => name.to_owned(),
        None => line(&hg(&["branch"])?),
    };
    let top = line(&hg(&["root"])?);
    let diff = run("hg", &["diff", "--git"], Path::new(&top))?;
    Ok(Change { branch: Some(branch), base: Some(base), level: 1, diff })
}

fn svn(here: &Path, branch: Option<&str>) -> Result<Change, String> {
    let top = line(&run("svn", &["info", "--show-item", "wc-root"], here)?);
    let status = run("svn", &["status", "--show-updates"], Path::new(&top))?;
    let status = String::from_utf8_lossy(&status);
    let newest = status.lines().rev().find_map(|line| line.trim().strip_prefix("Status against revision:"));
    let base = newest.ok_or("svn status tells no revision")?.trim().to_owned();
    let diff = run("svn", &["diff"], Path::new(&top))?;
    Ok(Change { branch: branch.map(str::to_owned), base: Some(base), level: 0, diff })
}

/// The first line of what a program has printed.
fn line(output: &[u8]) -> String {
    String::from_utf8_lossy(output).lines().next().unwrap_or_default().to_owned()
}

/// Runs a program in the language that is read here.
fn run(program: &str, args: &[&str], directory: &Path) -> Result<Vec<u8>, String> {
    let mut command = Command::new(program);
    command.args(args).current_dir(directory).env("LC_ALL", "C.UTF-8").env("HGPLAIN", "1");
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {}", args.join(" "), complaint.trim()))
}

#[cfg(test)]
mod tests {
    use super::{Change, change};
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use tempfile::TempDir;

    struct Tree(TempDir);

    impl Tree {
        fn new() -> Tree {
            Tree(TempDir::new().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// Runs a line of words in a directory.
        fn run(&self, directory: &str, line: &str) {
            let words: Vec<&str> = line.split(' ').collect();
            let mut command = Command::new(words[0]);
            command
                .args(&words[1..])
                .current_dir(self.path(directory))
                .env("HGUSER", "a")
                .env("HGRCPATH", "");
            for (name, value) in [("NAME", "a"), ("EMAIL", "a@example.org")] {
                command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
            }
            let output = command.output().expect("git, mercurial and subversion are installed");
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        }

        fn change(&self, directory: &str, branch: Option<&str>) -> Change {
            change(&self.path(directory), None, branch).unwrap()
        }
    }

    fn diff(change: &Change) -> String {
        String::from_utf8_lossy(&change.diff).into_owned()
    }

    #[test]
    fn git_takes_the_branch_that_the_remote_has() {
        let tree = Tree::new();
        tree.run(".", "git init -q -b main origin");
        fs::write(tree.path("origin/file"), "one\n").unwrap();
        tree.run("origin", "git add .");
        tree.run("origin", "git commit -q -m one");
        tree.run(".", "git clone -q origin here");
        fs::create_dir(tree.path("here/below")).unwrap();
        fs::write(tree.path("here/file"), "caf\u{e9}\n").unwrap();
        tree.run("here", "git commit -q -a -m two");
        fs::write(tree.path("here/file"), "three\n").unwrap();
        // What is committed here only belongs to the patch.
        let told = tree.change("here/below", None);
        assert_eq!((told.branch.as_deref(), told.level), (Some("main"), 1));
        assert_eq!(told.base.as_ref().map(String::len), Some(40));
        assert!(diff(&told).contains("-one\n+three\n"), "{}", diff(&told));
        let named = tree.change("here", Some("origin/main"));
        assert_eq!(named, told);
        // A branch that follows none is compared with its last commit.
        tree.run("here", "git checkout -q -b own");
        let own = tree.change("here", None);
        assert_eq!(own.branch.as_deref(), Some("own"));
        assert!(diff(&own).contains("-caf\u{e9}\n+three\n"), "{}", diff(&own));
        tree.run("here", "git checkout -q --detach");
        let error = change(&tree.path("here"), None, None).unwrap_err();
        assert_eq!(error, "no branch is checked out; --branch names one");
    }

    #[test]
    fn hg_takes_the_parent_of_the_working_tree() {
        let tree = Tree::new();
        tree.run(".", "hg init here");
        fs::write(tree.path("here/file"), "one\n").unwrap();
        tree.run("here", "hg commit -q --addremove -m one");
        fs::write(tree.path("here/file"), "two\n").unwrap();
        let told = tree.change("here", None);
        assert_eq!((told.branch.as_deref(), told.level), (Some("default"), 1));
        assert_eq!(told.base.as_ref().map(String::len), Some(40));
        assert!(diff(&told).contains("-one\n+two\n"), "{}", diff(&told));
    }

    #[test]
    fn svn_takes_the_newest_revision() {
        let tree = Tree::new();
        tree.run(".", "svnadmin create origin");
        tree.run(".", &format!("svn checkout -q file://{} here", tree.path("origin").display()));
        fs::create_dir(tree.path("here/below")).unwrap();
        fs::write(tree.path("here/file"), "one\n").unwrap();
        tree.run("here", "svn add -q file below");
        tree.run("here", "svn commit -q -m one");
        fs::write(tree.path("here/file"), "two\n").unwrap();
        let told = tree.change("here/below", Some("trunk"));
        assert_eq!((told.branch.as_deref(), told.base.as_deref(), told.level), (Some("trunk"), Some("1"), 0));
        assert!(
            diff(&told).contains("--- file\t") && diff(&told).contains("-one\n+two\n"),
            "{}",
            diff(&told)
        );
    }

    #[test]
    fn what_is_no_tree_is_told() {
        let error = change(Path::new("/"), None, None).unwrap_err();
        assert!(error.starts_with("/ is no working tree of git, Mercurial or Subversion"), "{error}");
    }
}
