//! The options of the steps that carry files between the worker and the master.

use super::property::check_templates;
use super::{OneOrMany, Read, Table, one_of};
use crate::config::findings::Findings;
use crate::config::read::{Mode, Size};
use crate::config::yaml::Node;
use crate::config::{
    Compress, Content, DirectoryUpload, Download, FileUpload, MultipleFileUpload, StepKind, Template,
    Transfer, Upload,
};

/// How much may be carried where nothing else is said.
const MAX_SIZE: u64 = 4 << 30;

/// How much goes at a time where nothing else is said, and at most.
const BLOCK_SIZE: u32 = 64 << 10;
const BLOCK_SIZE_MOST: u64 = 256 << 10;

pub(super) fn file_upload(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let from = table.required("from", findings);
    let upload = upload(table, findings);
    let mode = mode(table, findings);
    let keep_stamp = table.or("keep_stamp", false, findings);
    Some(StepKind::FileUpload(FileUpload { from: from?, upload: upload?, mode, keep_stamp }))
}

pub(super) fn directory_upload(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let from = table.required("from", findings);
    let upload = upload(table, findings);
    let compress = compress(table, findings);
    Some(StepKind::DirectoryUpload(DirectoryUpload { from: from?, upload: upload?, compress }))
}

pub(super) fn multiple_file_upload(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let from: Option<OneOrMany<Template>> = table.required("from", findings);
    let upload = upload(table, findings);
    Some(StepKind::MultipleFileUpload(MultipleFileUpload {
        glob: table.or("glob", false, findings),
        compress: compress(table, findings),
        mode: mode(table, findings),
        keep_stamp: table.or("keep_stamp", false, findings),
        from: from?.0,
        upload: upload?,
    }))
}

pub(super) fn file_download(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let content = table.required("from", findings).map(Content::File);
    download(content, table, findings)
}

pub(super) fn string_download(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let content = table.required("content", findings).map(Content::Text);
    download(content, table, findings)
}

pub(super) fn json_string_download(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let value: Option<&Node> = table.node("content", findings);
    if value.is_none() {
        table.missing("content", findings);
    }
    let content = value.and_then(|value| {
        check_templates(value, findings);
        Read::read(value, findings).map(Content::Json)
    });
    download(content, table, findings)
}

pub(super) fn json_properties_download(table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    download(Some(Content::Properties), table, findings)
}

fn download(content: Option<Content>, table: &mut Table, findings: &mut Findings) -> Option<StepKind> {
    let to = table.required("to", findings);
    let mode = mode(table, findings);
    let transfer = transfer(table, findings);
    Some(StepKind::Download(Download { content: content?, to: to?, mode, transfer }))
}

fn upload(table: &mut Table, findings: &mut Findings) -> Option<Upload> {
    let to = table.required("to", findings);
    let (url, url_text) = (table.optional("url", findings), table.optional("url_text", findings));
    let transfer = transfer(table, findings);
    Some(Upload { to: to?, url, url_text, transfer })
}

fn transfer(table: &mut Table, findings: &mut Findings) -> Transfer {
    let workdir = table.optional("workdir", findings);
    let max_size = table.nullable_or("max_size", Some(Size(MAX_SIZE)), findings).map(|Size(bytes)| bytes);
    let mut block_size = BLOCK_SIZE;
    if let Some(node) = table.node("block_size", findings)
        && let Some(Size(bytes)) = Size::read(node, findings)
    {
        match u32::try_from(bytes) {
            Ok(bytes) if (1..=BLOCK_SIZE_MOST).contains(&u64::from(bytes)) => block_size = bytes,
            _ => findings.complain(node.at, "it must be from 1 to 256KiB", ""),
        }
    }
    Transfer { workdir, max_size, block_size }
}

fn mode(table: &mut Table, findings: &mut Findings) -> Option<u32> {
    table.optional("mode", findings).map(|Mode(bits)| bits)
}

fn compress(table: &mut Table, findings: &mut Findings) -> Compress {
    let words = [("none", Compress::None), ("gz", Compress::Gz), ("bz2", Compress::Bz2)];
    let node = table.node("compress", findings);
    node.and_then(|node| one_of(node, &words, findings)).unwrap_or(Compress::None)
}
