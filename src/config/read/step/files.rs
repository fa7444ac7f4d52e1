//! The options of the steps that do something to files on the worker.

use super::{OneOrMany, Table};
use crate::config::findings::Findings;
use crate::config::{FileWork, StepKind};

pub(super) fn make_directory(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    table.required("dir", findings).map(FileWork::MakeDirectory).map(StepKind::Files)
}

pub(super) fn remove_directory(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let dirs = table.required("dir", findings);
    let OneOrMany(dirs) = dirs?;
    if dirs.is_empty() {
        findings.complain(table.at(), "it names no directory", "");
    }
    Some(StepKind::Files(FileWork::RemoveDirectory(dirs)))
}

pub(super) fn copy_directory(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let from = table.required("from", findings);
    let to = table.required("to", findings);
    Some(StepKind::Files(FileWork::CopyDirectory { from: from?, to: to? }))
}

pub(super) fn remove_file(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    table.required("file", findings).map(FileWork::RemoveFile).map(StepKind::Files)
}

pub(super) fn file_exists(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    table.required("file", findings).map(FileWork::FileExists).map(StepKind::Files)
}
