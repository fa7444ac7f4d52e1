//! What can go wrong with a request, told by type; the page or JSON that says so is made in one place.

use super::actions::Refused;
use crate::db::DbError;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why a request is not answered as it wished. The text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The request makes no sense.
    #[error("{0}")]
    Bad(String),
    /// The request may come from a page of somebody else's.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing.
    #[error("{0}")]
    Missing(String),
    /// This address does not take this method.
    #[error("{0}")]
    Method(String),
    /// It came too late, or does not go.
    #[error("{0}")]
    Conflict(String),
    /// Too large.
    #[error("{0}")]
    TooLarge(String),
    /// No such action.
    #[error("{0}")]
    NoAction(String),
    /// The world is wrong; later it may go.
    #[error("{0}")]
    Unavailable(String),
    /// This program is wrong.
    #[error("{0}")]
    Bug(String),
}

impl Fault {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Fault::Bad(_) => StatusCode::BAD_REQUEST,
            Fault::Forbidden(_) => StatusCode::FORBIDDEN,
            Fault::Missing(_) => StatusCode::NOT_FOUND,
            Fault::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Fault::Conflict(_) => StatusCode::CONFLICT,
            Fault::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::NoAction(_) => StatusCode::NOT_IMPLEMENTED,
            Fault::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Fault::Bug(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// "There is no `what` `name`."
    pub(super) fn no(what: &str, name: impl std::fmt::Display) -> Fault {
        Fault::Missing(format!("There is no {what} {name}."))
    }
}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Fault {
        match error {
            DbError::Outage(_) => Fault::Unavailable(error.to_string()),
            DbError::Refused(what) => Fault::Conflict(what),
            DbError::Bug(what) => Fault::Bug(what),
        }
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Fault {
        match refused {
            Refused::Unknown(what) => Fault::Missing(what),
            Refused::NotPossible(what) => Fault::Conflict(what),
            Refused::Fields(fields) => {
                let each: Vec<String> = fields.iter().map(|(name, what)| format!("{name}: {what}")).collect();
                Fault::Bad(each.join("; "))
            }
            Refused::Outage(what) => Fault::Unavailable(what),
        }
    }
}

impl IntoResponse for Fault {
    /// The status alone, with the fault beside it: [`guard`](super::guard) fills in the page.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
