//! `rmdir` and `cpdir`: programs run one after another for one command (`worker-api.md` §9).

use super::arguments::{Arguments, below};
use super::environment::Environment;
use super::shell::{Prepared, prepare_own};
use crate::pb::Failure;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::Path;

/// Programs still to run, in attempts; each attempt but the first is for when the one before failed.
#[derive(Debug)]
pub struct Chain {
    attempts: VecDeque<VecDeque<Prepared>>,
    rc: i32,
}

impl Chain {
    /// Reads the arguments of such a command and gives its first program; None if `command` is none.
    ///
    /// # Errors
    /// An argument is missing or wrong.
    pub fn read(
        command: &str,
        args: &Arguments,
        dir: &Path,
        base: &Path,
        own: &Environment,
    ) -> Result<Option<(Chain, Prepared)>, Failure> {
        let prepare = |words: &[&str], paths: &[&Path]| {
            let words = words.iter().map(OsString::from);
            let paths = paths.iter().map(|path| below(dir, path).into_os_string());
            prepare_own(args, words.chain(paths).collect(), base, own)
        };
        let attempts: Result<VecDeque<VecDeque<Prepared>>, Failure> = match command {
            "rmdir" => {
                let one = |path: &Path| {
                    let remove = prepare(&["rm", "-rf"], &[path])?;
                    let soften = prepare(&["chmod", "-Rf", "u+rwx"], &[path])?;
                    Ok(VecDeque::from([remove.clone(), soften, remove]))
                };
                args.paths("dir")?.into_iter().map(one).collect()
            }
            "cpdir" => {
                let (from, to) = (args.path("fromdir")?, args.path("todir")?);
                prepare(&["cp", "-R", "-P", "-p", "-v"], &[from, to]).map(|copy| [[copy].into()].into())
            }
            _ => return Ok(None),
        };
        let mut chain = Chain { attempts: attempts?, rc: 0 };
        let first = chain.next().ok_or_else(|| args.wrong("dir", "more than an empty list"))?;
        Ok(Some((chain, first)))
    }

    /// A program has ended with this code: the next one.
    pub fn ended(&mut self, rc: i32) -> Option<Prepared> {
        match self.attempts.front_mut() {
            // The softening counts for nothing: what matters is the try after it.
            Some(attempt) if rc != 0 || attempt.len() == 1 => {
                if attempt.is_empty() {
                    self.rc = rc;
                    self.attempts.pop_front();
                }
            }
            _ => drop(self.attempts.pop_front()),
        }
        self.next()
    }

    /// The code of the whole: 0, or that of the last directory that failed.
    pub fn rc(&self) -> i32 {
        self.rc
    }

    fn next(&mut self) -> Option<Prepared> {
        self.attempts.front_mut()?.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::Value;

    /// The programs that run, when each ends with the next of `codes`, and the code of the whole.
    fn titles(command: &str, dict: Value, codes: &[i32]) -> (Vec<String>, i32) {
        let args = Arguments::new(command, &dict).expect("a dict");
        let read = Chain::read(command, &args, Path::new("/w/b"), Path::new("/w"), &Environment::new());
        let (mut chain, first) = read.expect("is right").expect("is one");
        let mut titles = vec![first.plan.title];
        for &code in codes {
            titles.extend(chain.ended(code).map(|next| next.plan.title));
        }
        (titles, chain.rc())
    }

    #[test]
    fn rmdir_tries_again_with_softer_permissions() {
        let remove = |dir: &str| format!("rm -rf /w/b/{dir}");
        let soften = "chmod -Rf u+rwx /w/b/a".to_owned();
        let one = || Value::dict([("dir", "a")]);
        assert_eq!(titles("rmdir", one(), &[0]), (vec![remove("a")], 0));
        let all = vec![remove("a"), soften, remove("a")];
        assert_eq!(titles("rmdir", one(), &[1, 0, 0]), (all.clone(), 0));
        assert_eq!(titles("rmdir", one(), &[1, 1, 0]), (all.clone(), 0));
        assert_eq!(titles("rmdir", one(), &[1, 0, 2]), (all.clone(), 2));
        let two = Value::dict([("dir", Value::list(["a", "c"]))]);
        assert_eq!(titles("rmdir", two, &[1, 0, 2, 0]), ([all, vec![remove("c")]].concat(), 2));
    }

    #[test]
    fn cpdir_copies_once() {
        let pair = || Value::dict([("fromdir", "a"), ("todir", "/c")]);
        assert_eq!(titles("cpdir", pair(), &[1]), (vec!["cp -R -P -p -v /w/b/a /c".into()], 1));
        assert_eq!(titles("cpdir", pair(), &[0]).1, 0);
    }
}
