//! A build that somebody asks for past all schedulers: an operator, who may do anything.

use super::force::source_stamps;
use crate::config::Config;
use crate::model::{NewBuildset, Properties, SourceStamp};

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    /// By which builder.
    pub builder: String,
    /// Why.
    pub reason: String,
    /// The branch; `None` for the default one.
    pub branch: Option<String>,
    /// The revision; `None` for the newest.
    pub revision: Option<String>,
    /// Properties that the build gets.
    pub properties: Properties,
}

/// Why a wish does not come true.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No builder is called so.
    #[error("no builder is called {0:?}")]
    NoSuchBuilder(String),
    /// The database is out of reach.
    #[error("{0}")]
    Outage(String),
}

/// The buildset of a wish.
///
/// # Errors
/// No builder is called so.
pub fn buildset(config: &Config, wish: Wish) -> Result<NewBuildset, RequestError> {
    if config.builder(&wish.builder).is_none() {
        return Err(RequestError::NoSuchBuilder(wish.builder));
    }
    let wanted = SourceStamp { branch: wish.branch, revision: wish.revision, ..SourceStamp::default() };
    Ok(NewBuildset {
        scheduler: String::new(),
        reason: wish.reason,
        external_id: String::new(),
        source_stamps: source_stamps(&config.codebases, wanted),
        changes: Vec::new(),
        properties: wish.properties,
        builders: vec![wish.builder],
        priority: 0,
        parent_build: None,
    })
}
