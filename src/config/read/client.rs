//! `debug`, `status`, `user_managers`, and the logins of try schedulers.

use super::pb::own_listen;
use super::{Read, Spanned, Table};
use crate::config::findings::{Findings, nearest};
use crate::config::yaml::Node;
use crate::config::{DebugClient, Gate, Login, StatusListener, UserManager};

impl Read for Spanned<Login> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let login = login(&mut table, None, findings);
        table.finish(findings);
        login.map(|value| Spanned { value, at: node.at })
    }
}

fn login(table: &mut Table, default_user: Option<&str>, findings: &mut Findings) -> Option<Login> {
    let user = match default_user {
        Some(user) => Some(table.or("user", user.to_owned(), findings)),
        None => table.required("user", findings),
    };
    let password = table.required("password", findings);
    Some(Login { user: user?, password: password? })
}

/// Reads who may log in, and where.
pub(super) fn gate(table: &mut Table, default_user: Option<&str>, findings: &mut Findings) -> Option<Gate> {
    let (login, listen) = (login(table, default_user, findings), own_listen(table, findings));
    Some(Gate { login: login?, listen })
}

impl Read for DebugClient {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let mut table = Table::open(node, findings)?;
        let password = table.required("password", findings);
        table.finish(findings);
        Some(DebugClient { password: password? })
    }
}

impl Read for Spanned<StatusListener> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let gate = typed(node, ("pb_listener", Some("statusClient")), findings)?;
        Some(Spanned { value: StatusListener::PbListener(gate), at: node.at })
    }
}

impl Read for Spanned<UserManager> {
    fn read(node: &Node, findings: &mut Findings) -> Option<Self> {
        let gate = typed(node, ("command_line", None), findings)?;
        Some(Spanned { value: UserManager::CommandLine(gate), at: node.at })
    }
}

/// A gate with a `type`, of which there is one yet.
fn typed(node: &Node, (known, user): (&str, Option<&str>), findings: &mut Findings) -> Option<Gate> {
    let mut table = Table::open(node, findings)?;
    let kind: Spanned<String> = table.required("type", findings)?;
    if kind.value != known {
        findings.complain(kind.at, format!("unknown type {:?}", kind.value), nearest(&kind.value, &[known]));
        return None;
    }
    let gate = gate(&mut table, user, findings);
    table.finish(findings);
    gate
}
