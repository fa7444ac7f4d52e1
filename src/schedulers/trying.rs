//! Takes developers' jobs, from tools and from job directories, and operators' wishes.

use super::service::Schedulers;
use super::{Added, DISABLED, RequestError, TryError, TryJob, Wish, job_file, jobdir, try_job, wish};
use crate::config::{SchedulerKind, TryJobdir};
use crate::db::{self, DbError};
use crate::kernel::Turn;
use std::path::Path;

impl Schedulers {
    /// Stores the buildset of a job; `None` if a file's job was stored before, by a master that crashed before it
    /// could put the file away.
    fn store_job(&self, scheduler: &str, job: TryJob, turn: &Turn) -> Result<Option<Added>, TryError> {
        if self.disabled.contains(scheduler) {
            return Err(TryError::Refused(DISABLED.to_owned()));
        }
        let new = try_job::buildset(&self.config, try_job::scheduler(&self.config, scheduler)?, job)?;
        let now = turn.wall();
        let stored = self.db.write(move |tx| {
            let known = db::buildsets::by_external_id(tx, &new.external_id)?;
            if known.iter().any(|known| known.scheduler == new.scheduler) {
                return Ok(None);
            }
            db::buildsets::add(tx, &new, now).map(Some)
        });
        stored.map_err(|error| TryError::Outage(error.to_string()))
    }

    /// Takes a job from a tool, which waits for the answer.
    pub(super) fn try_job(&self, scheduler: &str, job: TryJob, turn: &Turn) -> Result<Added, TryError> {
        let added = self.store_job(scheduler, job, turn)?;
        let added = added.ok_or_else(|| TryError::Refused("a job of this id is there already".to_owned()))?;
        self.announce(added.clone());
        Ok(added)
    }

    /// Makes the buildset of a wish.
    pub(super) fn request(&self, wish: Wish, turn: &Turn) -> Result<Added, RequestError> {
        let new = wish::buildset(&self.config, wish)?;
        let added = self.db.buildsets().add(new, turn.wall());
        let added = added.map_err(|error| RequestError::Outage(error.to_string()))?;
        self.announce(added.clone());
        Ok(added)
    }

    /// Looks into the job directories that are due. An outage leaves the jobs where they are, to be found again.
    pub(super) fn take_jobs(&mut self, turn: &Turn) -> Result<(), DbError> {
        while let Some(name) = self.looks.pop_due(turn.now()) {
            let kind = self.config.scheduler(&name).map(|scheduler| &scheduler.kind);
            let Some(SchedulerKind::TryJobdir(TryJobdir { jobdir, poll_interval })) = kind else { continue };
            let (jobdir, next) = (jobdir.clone(), turn.now() + *poll_interval);
            self.looks.set(name.clone(), next);
            match jobdir::waiting(&jobdir) {
                Ok(files) => {
                    for file in files {
                        self.take_file(&name, &jobdir, &file, turn)?;
                    }
                }
                Err(error) => slog::error!(turn.log(), "a job directory cannot be read";
                    "scheduler" => &name, "directory" => %jobdir.display(), "error" => %error),
            }
        }
        Ok(())
    }

    fn take_file(&self, name: &str, jobdir: &Path, file: &Path, turn: &Turn) -> Result<(), DbError> {
        let read = jobdir::read(file).map_err(|error| error.to_string());
        let taken = read.and_then(|content| job_file::read(&content)).map_err(TryError::Refused);
        match taken.and_then(|job| self.store_job(name, job, turn)) {
            Ok(added) => added.into_iter().for_each(|added| self.announce(added)),
            Err(TryError::Outage(why)) => return Err(DbError::Outage(why)),
            Err(why) => slog::warn!(turn.log(), "a job was refused";
                "scheduler" => name, "file" => %file.display(), "why" => %why),
        }
        if let Err(error) = jobdir::put_away(jobdir, file) {
            slog::error!(turn.log(), "a job cannot be put away"; "file" => %file.display(), "error" => %error);
        }
        Ok(())
    }
}
