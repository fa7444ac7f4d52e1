//! A directory out of an archive that a worker sent. Nothing in the archive is believed: a member can neither leave
//! the directory nor be anything but a file, a directory or a link that stays inside, and all has its bounds.

use super::{Packing, told};
use crate::botmaster::limits::{ARCHIVE_MEMBERS, MEMBER_DEPTH, MEMBER_NAME_BYTES};
use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use tar::EntryType;

/// Unpacks into the directory `into`, which is made.
pub(super) fn unpack(
    mut file: File,
    packing: Packing,
    max_bytes: Option<u64>,
    into: &Path,
) -> Result<(), String> {
    file.rewind().map_err(|error| format!("cannot read the archive: {error}"))?;
    fs::create_dir(into).map_err(|error| told("make", into, &error))?;
    let file = BufReader::new(file);
    let plain: Box<dyn Read> = match packing {
        Packing::Tar => Box::new(file),
        Packing::Gz => Box::new(flate2::read::GzDecoder::new(file)),
        Packing::Bz2 => Box::new(bzip2::read::BzDecoder::new(file)),
    };
    let mut archive = tar::Archive::new(plain);
    let left = max_bytes.unwrap_or(u64::MAX);
    let mut unpacking = Unpacking { into, left, links: Vec::new(), long_name: None, long_link: None };
    // As they are: the library would read the long names of a hostile archive into memory, however long.
    let entries = archive.entries().map_err(broken)?.raw(true);
    for (count, entry) in entries.enumerate() {
        if count >= ARCHIVE_MEMBERS {
            return Err(format!("the archive has more than {ARCHIVE_MEMBERS} members"));
        }
        unpacking.member(entry.map_err(broken)?)?;
    }
    unpacking.link()
}

fn broken(error: io::Error) -> String {
    format!("cannot read the archive: {error}")
}

/// Moves what is in `from` into the directory `to`, file by file.
pub(super) fn merge(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(|error| told("make", to, &error))?;
    for entry in fs::read_dir(from).map_err(|error| told("read", from, &error))? {
        let entry = entry.map_err(|error| told("read", from, &error))?;
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(|error| told("read", &path, &error))?;
        let there = fs::symlink_metadata(&place).ok().map(|data| data.is_dir());
        let failed = |error: io::Error| told("replace", &place, &error);
        // A link that an earlier upload left is replaced, not followed.
        match (kind.is_dir(), there) {
            (true, Some(true)) => {
                merge(&path, &place)?;
                continue;
            }
            (true, Some(false)) => fs::remove_file(&place).map_err(failed)?,
            (false, Some(true)) => fs::remove_dir_all(&place).map_err(failed)?,
            (false, Some(false)) | (_, None) => {}
        }
        fs::rename(&path, &place).map_err(failed)?;
    }
    Ok(())
}

struct Unpacking<'a> {
    into: &'a Path,
    /// How many bytes the members may still have.
    left: u64,
    /// Symbolic links, made last, so that nothing is written through one.
    links: Vec<(PathBuf, PathBuf)>,
    /// What the members of an extension say of the next one.
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl Unpacking<'_> {
    fn member(&mut self, mut entry: tar::Entry<'_, impl Read>) -> Result<(), String> {
        let size = entry.header().entry_size().map_err(broken)?;
        self.left = self.left.checked_sub(size).ok_or("the archive holds more than it may")?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::XGlobalHeader => return Ok(()),
            EntryType::GNULongName => {
                self.long_name = Some(name_in(&mut entry)?);
                return Ok(());
            }
            EntryType::GNULongLink => {
                self.long_link = Some(name_in(&mut entry)?);
                return Ok(());
            }
            EntryType::XHeader => return self.extension(&mut entry),
            _ => {}
        }
        let name = self.long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
        let link = self.long_link.take().or_else(|| entry.link_name_bytes().map(|name| name.into_owned()));
        let link = link.map(|link| PathBuf::from(std::ffi::OsStr::from_bytes(&link)));
        let path = self.inside(Path::new(std::ffi::OsStr::from_bytes(&name)))?;
        let Some(path) = path else {
            return if kind.is_dir() {
                Ok(())
            } else {
                Err("a member of the archive has no name".to_owned())
            };
        };
        let failed = |error: io::Error| told("unpack", &path, &error);
        if kind.is_dir() {
            return fs::create_dir_all(&path).map_err(failed);
        }
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(failed)?;
        }
        match kind {
            EntryType::Regular | EntryType::Continuous => {
                // One that comes twice is replaced; were it written anew, its other names would change too.
                let _ = fs::remove_file(&path);
                let mut file = File::options().create_new(true).write(true).open(&path).map_err(failed)?;
                io::copy(&mut entry, &mut file).map_err(failed)?;
                let mode = entry.header().mode().unwrap_or(0o644) & 0o777 | 0o600;
                file.set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
                if let Ok(seconds) = entry.header().mtime() {
                    let time = std::time::SystemTime::UNIX_EPOCH
                        .checked_add(std::time::Duration::from_secs(seconds));
                    time.map_or(Ok(()), |time| file.set_modified(time)).map_err(failed)?;
                }
                Ok(())
            }
            EntryType::Link => {
                let target = link.as_deref().map(|link| self.inside(link)).transpose()?.flatten();
                let target = target.ok_or("a link in the archive leads nowhere")?;
                fs::hard_link(target, &path).map_err(failed)
            }
            EntryType::Symlink => {
                let target = link.ok_or("a link in the archive leads nowhere")?;
                self.links.push((path, target));
                Ok(())
            }
            other => Err(format!("{} is neither file, directory nor link: {other:?}", path.display())),
        }
    }

    /// Takes the name and the link's target from a PAX header.
    fn extension(&mut self, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), String> {
        let records = name_in(entry)?;
        for record in tar::PaxExtensions::new(&records) {
            let record = record.map_err(broken)?;
            match record.key_bytes() {
                b"path" => self.long_name = Some(record.value_bytes().to_vec()),
                b"linkpath" => self.long_link = Some(record.value_bytes().to_vec()),
                b"size" => return Err("a file of the archive is too large".to_owned()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Where a member goes; `None` for the directory itself.
    fn inside(&self, name: &Path) -> Result<Option<PathBuf>, String> {
        // What Python 2 calls the directory itself, which it names with nothing and the slash of a directory.
        if name == Path::new("/") {
            return Ok(None);
        }
        let mut path = self.into.to_owned();
        let mut depth = 0;
        for part in name.components() {
            match part {
                Component::Normal(part) => path.push(part),
                Component::CurDir => continue,
                _ => return Err(format!("the member {name:?} leads out of the directory")),
            }
            depth += 1;
        }
        match depth {
            0 => Ok(None),
            1..=MEMBER_DEPTH => Ok(Some(path)),
            _ => Err(format!("the member {name:?} is too deep")),
        }
    }

    fn link(self) -> Result<(), String> {
        for (path, target) in &self.links {
            if !self.stays_inside(path, target) {
                let (path, target) = (path.display(), target.display());
                return Err(format!("the link {path} leads out of the directory, to {target}"));
            }
        }
        for (path, target) in self.links {
            let _ = fs::remove_file(&path);
            std::os::unix::fs::symlink(target, &path).map_err(|error| told("make", &path, &error))?;
        }
        Ok(())
    }

    /// Asked before any link is made. What climbs must do so over true directories: over a link, `..` leads to
    /// where that one leads.
    fn stays_inside(&self, path: &Path, target: &Path) -> bool {
        let climbs = target.components().any(|part| part == Component::ParentDir);
        let mut at = path.parent().unwrap_or(self.into).to_owned();
        let mut parts = target.components().peekable();
        while let Some(part) = parts.next() {
            match part {
                Component::Normal(part) => {
                    at.push(part);
                    let is_dir = || fs::symlink_metadata(&at).is_ok_and(|data| data.is_dir());
                    if climbs && parts.peek().is_some() && !is_dir() {
                        return false;
                    }
                }
                Component::CurDir => {}
                Component::ParentDir if at != self.into => drop(at.pop()),
                _ => return false,
            }
        }
        true
    }
}

/// The content of a member that is a name.
fn name_in(entry: &mut tar::Entry<'_, impl Read>) -> Result<Vec<u8>, String> {
    let mut name = Vec::new();
    entry.take(MEMBER_NAME_BYTES as u64 + 1).read_to_end(&mut name).map_err(broken)?;
    if name.len() > MEMBER_NAME_BYTES {
        return Err("a name in the archive is too long".to_owned());
    }
    while name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}
