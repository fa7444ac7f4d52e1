//! What a checkout is to bring where.

use crate::botmaster::command::Command;
use crate::botmaster::steps::Site;
use crate::botmaster::steps::program::{Surroundings, seconds, set};
use crate::config::{Checkout, SourceMethod, SourceMode};
use crate::model::{Patch, SourceStamp};
use crate::pb::Value;

/// Where a copy's tree is kept.
const COPY_SOURCE: &str = "source";

/// What a checkout is to bring where.
#[derive(Debug)]
pub struct Target {
    pub around: Surroundings,
    /// The directory in which the tool works: the step's, or beside it for a copy.
    pub tree: String,
    /// Where commands run: the tree, or from the copy on the step's directory.
    at: String,
    pub repository: String,
    pub branch: Option<String>,
    pub revision: Option<String>,
    pub patch: Option<Patch>,
    pub codebase: String,
    pub can_list: bool,
}

impl Target {
    /// Fills the templates in, and finds the source stamp.
    ///
    /// # Errors
    /// What cannot be filled in, or is not to be trusted.
    pub fn new(config: &Checkout, site: &Site<'_>) -> Result<Target, String> {
        let codebase = site.scene.text(&config.codebase)?;
        let stamp = match (site.scene.stamp(&codebase), site.scene.stamps) {
            (Some(stamp), _) => stamp.clone(),
            (None, [only]) if codebase.is_empty() => only.clone(),
            (None, []) => SourceStamp::default(),
            (None, _) => return Err(format!("the build has no source of codebase {codebase:?}")),
        };
        let stamp = if config.always_use_latest { SourceStamp::default() } else { stamp };
        let default_branch = config.branch.as_ref().map(|branch| site.scene.text(branch)).transpose()?;
        let around = Surroundings::new(config.workdir.as_ref(), &config.env, config.log_environ, site)?;
        let copies = matches!(config.mode, SourceMode::Full(SourceMethod::Copy | SourceMethod::Export));
        let tree = if copies { COPY_SOURCE.to_owned() } else { around.workdir.clone() };
        let target = Target {
            at: tree.clone(),
            tree,
            around,
            repository: site.scene.text(&config.repository)?,
            branch: stamp.branch.or(default_branch).filter(|branch| !branch.is_empty()),
            revision: stamp.revision.filter(|revision| !revision.is_empty()),
            patch: stamp.patch,
            codebase,
            can_list: site.abilities.has_version("listdir", "2.16"),
        };
        target.check()?;
        Ok(target)
    }

    /// A tool would take such words for options of its own, or a patch would go elsewhere.
    pub fn check(&self) -> Result<(), String> {
        let words = [Some(&self.repository), self.branch.as_ref(), self.revision.as_ref()];
        if let Some(word) = words.into_iter().flatten().find(|word| word.starts_with('-')) {
            return Err(format!("{word:?} is no repository, branch or revision"));
        }
        match self.patch_place().1 {
            Some(dir)
                if dir.starts_with(['-', '/', '\\']) || dir.split(['/', '\\']).any(|part| part == "..") =>
            {
                Err(format!("the patch is for {dir:?}, which is not below the tree"))
            }
            _ => Ok(()),
        }
    }

    /// How many names are taken off the patch's paths, and the directory that they are below; `None` for the top.
    pub fn patch_place(&self) -> (String, Option<&str>) {
        let patch = self.patch.as_ref();
        let subdir = patch.map(|patch| patch.subdir.as_str()).filter(|dir| !dir.is_empty() && *dir != ".");
        (patch.map_or(0, |patch| patch.level).to_string(), subdir)
    }

    /// From now on commands run in the step's directory.
    pub fn enter_copy(&mut self) {
        self.at.clone_from(&self.around.workdir);
    }

    /// A program.
    pub fn run<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.around.run(Value::list(words));
        set(&mut command, "workdir", self.at.as_str());
        command
    }

    /// A command of the worker's own about directories.
    pub fn directory(&self, name: &'static str, dirs: &[(&'static str, &str)]) -> Command {
        let mut args: Vec<(&'static str, Value)> =
            dirs.iter().map(|(arg, dir)| (*arg, Value::from(*dir))).collect();
        args.push(("logEnviron", Value::Bool(self.around.log_environ)));
        args.push(("timeout", seconds(self.around.timeout)));
        Command::new(name, args)
    }
}
