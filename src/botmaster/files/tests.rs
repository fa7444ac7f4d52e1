//! What workers write, the hostile ones too.

use super::{Kind, Packing, Source, Stream, Transfer, Verb, place};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tar::{Builder, EntryType, Header};

fn receive(to: &Path, kind: Kind, max_bytes: Option<u64>) -> Stream {
    Stream::new(Transfer::Receive { to: to.to_owned(), kind, max_bytes }, 1)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_stands_under_its_name_only_once_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("new/app.tar");
    let mut stream = receive(&to, Kind::File(Some(0o640)), None);
    stream.perform(Verb::Write("ab".into())).unwrap();
    assert!(!to.exists());
    stream.perform(Verb::Write("c".into())).unwrap();
    stream.perform(Verb::Close).unwrap();
    stream.perform(Verb::Utime(1_000_000.0, 1_000_000.0)).unwrap();
    stream.keep().unwrap();
    assert_eq!(fs::read_to_string(&to).unwrap(), "abc");
    let data = fs::metadata(&to).unwrap();
    assert_eq!(data.permissions().mode() & 0o777, 0o640);
    assert_eq!(std::os::unix::fs::MetadataExt::mtime(&data), 1_000_000);
    assert_eq!(names(to.parent().unwrap()), ["app.tar"]);
}

#[test]
fn a_file_that_does_not_come_to_its_end_leaves_nothing_and_takes_nothing_away() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("app.tar");
    fs::write(&to, "old").unwrap();
    let mut stream = receive(&to, Kind::File(None), Some(4));
    stream.perform(Verb::Write("new".into())).unwrap();
    assert_eq!(names(dir.path()).len(), 2);
    let too_much = stream.perform(Verb::Write("er".into())).unwrap_err();
    assert_eq!(too_much, "more than 4 bytes were sent");
    assert_eq!(stream.keep().unwrap_err(), "the worker did not send all of it");
    assert_eq!(names(dir.path()), ["app.tar"]);
    assert_eq!(fs::read_to_string(&to).unwrap(), "old");
}

#[test]
fn what_is_sent_is_read_piece_by_piece() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "abcde").unwrap();
    for source in [Source::File(path), Source::Text("abcde".into())] {
        let mut stream = Stream::new(Transfer::Send(source), 1);
        let pieces: Vec<_> = (0..3).map(|_| stream.perform(Verb::Read(3)).unwrap().unwrap()).collect();
        assert_eq!(pieces, ["abc", "de", ""]);
        assert!(stream.perform(Verb::Unpack).is_err());
    }
}

/// Packs members and has them unpacked below a new directory; what is there then, or why nothing is.
fn unpacked(
    packing: Packing,
    max_bytes: Option<u64>,
    pack: impl FnOnce(&mut Builder<Vec<u8>>),
) -> Result<String, String> {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("to");
    fs::create_dir_all(to.join("kept")).unwrap();
    let mut builder = Builder::new(Vec::new());
    pack(&mut builder);
    let archive = builder.into_inner().unwrap();
    let archive = match packing {
        Packing::Tar => archive,
        Packing::Gz => {
            let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            to.write_all(&archive).unwrap();
            to.finish().unwrap()
        }
        Packing::Bz2 => {
            let mut to = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
            to.write_all(&archive).unwrap();
            to.finish().unwrap()
        }
    };
    let mut stream = receive(&to, Kind::Directory(packing), max_bytes);
    let done = (|| {
        for block in archive.chunks(1000) {
            stream.perform(Verb::Write(block.to_vec().into()))?;
        }
        stream.perform(Verb::Unpack)?;
        stream.keep()
    })();
    assert_eq!(names(dir.path()), ["to"], "nothing else is left beside it");
    done.map(|_| listed(&to, ""))
}

fn listed(dir: &Path, prefix: &str) -> String {
    let mut text = String::new();
    for name in names(dir) {
        let path = dir.join(&name);
        let data = fs::symlink_metadata(&path).unwrap();
        text += &match (data.is_dir(), data.is_symlink()) {
            (true, _) => format!("{prefix}{name}/ {}", listed(&path, &format!("{prefix}{name}/"))),
            (_, true) => format!("{prefix}{name} -> {} ", fs::read_link(&path).unwrap().display()),
            _ => {
                let (text, mode) = (fs::read_to_string(&path).unwrap(), data.permissions().mode() & 0o7777);
                format!("{prefix}{name} {mode:o} {text:?} ")
            }
        };
    }
    text
}

fn member(to: &mut Builder<Vec<u8>>, kind: EntryType, name: &str, content: &str) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o4755);
    header.set_size(0);
    // As it is: the library would refuse names that are not honest.
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    if matches!(kind, EntryType::Link | EntryType::Symlink) {
        header.as_mut_bytes()[157..157 + content.len()].copy_from_slice(content.as_bytes());
        header.set_cksum();
        return to.append(&header, &[][..]).unwrap();
    }
    header.set_size(content.len() as u64);
    header.set_cksum();
    to.append(&header, content.as_bytes()).unwrap();
}

#[test]
fn a_directory_is_unpacked_beside_what_is_there() {
    for packing in [Packing::Tar, Packing::Gz, Packing::Bz2] {
        let long = "x".repeat(150);
        let there = unpacked(packing, Some(10_000), |to| {
            // The directory itself, as workers on Python 3 name it, and as those on Python 2 do.
            member(to, EntryType::Directory, "./", "");
            member(to, EntryType::Directory, "/", "");
            member(to, EntryType::Regular, "kept/new", "a");
            member(to, EntryType::Link, "again", "kept/new");
            member(to, EntryType::Symlink, "bin/tool", "../kept/new");
            let mut header = Header::new_gnu();
            header.set_size(1);
            header.set_mode(0o600);
            to.append_data(&mut header, &long, &b"l"[..]).unwrap();
        });
        let wanted = format!(
            "again 755 \"a\" bin/ bin/tool -> ../kept/new kept/ kept/new 755 \"a\" {long} 600 \"l\" "
        );
        assert_eq!(there, Ok(wanted), "{packing:?}");
    }
}

#[test]
fn nothing_leaves_the_directory() {
    let regular = EntryType::Regular;
    let one = |kind, name: &str, content: &str| {
        let (name, content) = (name.to_owned(), content.to_owned());
        unpacked(Packing::Tar, Some(100_000), move |to| member(to, kind, &name, &content)).unwrap_err()
    };
    assert_eq!(one(regular, "../evil", "x"), "the member \"../evil\" leads out of the directory");
    assert_eq!(one(regular, "a/../../evil", "x"), "the member \"a/../../evil\" leads out of the directory");
    assert_eq!(one(regular, "/evil", "x"), "the member \"/evil\" leads out of the directory");
    assert!(one(EntryType::Symlink, "a", "/etc").contains("leads out of the directory, to /etc"));
    assert!(one(EntryType::Symlink, "a", "../to2").contains("leads out of the directory, to ../to2"));
    assert!(one(EntryType::Link, "a", "/etc/passwd").contains("leads out of the directory"));
    assert!(one(EntryType::Char, "tty", "").contains("neither file, directory nor link: Char"));
    assert!(one(EntryType::Fifo, "pipe", "").contains("neither file, directory nor link: Fifo"));
    assert!(one(EntryType::XHeader, "x", "17 size=99999999\n").contains("too large"));
    assert!(one(EntryType::GNULongName, "x", &"x".repeat(70_000)).contains("too long"));
}

#[test]
fn links_that_lead_out_together_are_found() {
    let together = unpacked(Packing::Tar, Some(100_000), |to| {
        member(to, EntryType::Directory, "d/", "");
        member(to, EntryType::Symlink, "d/here", "..");
        member(to, EntryType::Symlink, "out", "d/here/../secret");
    });
    assert!(together.unwrap_err().contains("leads out"));
    let through = unpacked(Packing::Tar, Some(100_000), |to| {
        member(to, EntryType::Symlink, "kept", ".");
        member(to, EntryType::Regular, "kept/file", "x");
    });
    assert!(through.unwrap_err().contains("cannot make"), "a link takes no directory's place");
}

#[test]
fn an_archive_that_swells_is_given_up() {
    let swelling = unpacked(Packing::Gz, Some(300_000), |to| {
        let zeros = "\0".repeat(200_000);
        member(to, EntryType::Regular, "a", &zeros);
        member(to, EntryType::Regular, "b", &zeros);
    });
    assert_eq!(swelling.unwrap_err(), "the archive holds more than it may");
}

#[test]
fn a_property_cannot_lead_a_path_elsewhere() {
    let place = |template, filled| place(Path::new("/m"), template, filled).map_err(|_| ());
    assert_eq!(place("a/%(prop:b)s", "a/main"), Ok("/m/a/main".into()));
    assert_eq!(place("/srv/%(prop:b)s", "/srv/main"), Ok("/srv/main".into()));
    for (template, filled) in
        [("a/%(prop:b)s", "a/../../etc"), ("%(prop:b)s", "/etc/passwd"), ("%(prop:b)s", ""), ("a", "a\0b")]
    {
        assert_eq!(place(template, filled), Err(()), "{filled:?}");
    }
}
