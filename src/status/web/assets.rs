//! Style, script and icon, compiled in. Their addresses hold a digest, so that a browser keeps them for good.

use super::ansi::palette_rules;
use super::fault::Fault;
use axum::extract::Path;
use axum::http::header;
use axum::response::IntoResponse;
use md5::{Digest, Md5};
use std::sync::LazyLock;

/// One compiled-in file.
pub(super) struct Asset {
    name: &'static str,
    kind: &'static str,
    text: LazyLock<String>,
}

pub(super) static STYLE: Asset = Asset {
    name: "bellwether.css",
    kind: "text/css; charset=utf-8",
    text: LazyLock::new(|| include_str!("assets/bellwether.css").to_owned() + &palette_rules()),
};
pub(super) static SCRIPT: Asset = Asset {
    name: "bellwether.js",
    kind: "text/javascript; charset=utf-8",
    text: LazyLock::new(|| include_str!("assets/bellwether.js").to_owned()),
};
pub(super) static ICON: Asset = Asset {
    name: "bell.svg",
    kind: "image/svg+xml",
    text: LazyLock::new(|| include_str!("assets/bell.svg").to_owned()),
};

static ALL: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];

/// One digest for all: they change together.
static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Md5::new();
    for asset in ALL {
        digest.update(asset.text.as_bytes());
    }
    digest.finalize().iter().take(5).map(|byte| format!("{byte:02x}")).collect()
});

impl Asset {
    /// Its address below the site's root.
    pub(super) fn address(&self) -> String {
        format!("assets/{}/{}", *DIGEST, self.name)
    }
}

/// `/robots.txt`: logs and old builds are many, and nobody finds anything by them.
pub(super) async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /api/\nDisallow: /events\nDisallow: /builders/*/builds/*/steps/\n"
}

/// `/assets/DIGEST/NAME`. An older digest gets today's file: the page that names it loads anew soon.
pub(super) async fn asset(Path((_, name)): Path<(String, String)>) -> Result<impl IntoResponse, Fault> {
    let asset = ALL.iter().find(|asset| asset.name == name).ok_or_else(|| Fault::no("file", name))?;
    let headers =
        [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.text.as_str()))
}
