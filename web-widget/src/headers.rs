//! What a browser is told beside the content: how long to keep it, and what the pages may do.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::asset::Asset;

/// Who may use a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Any site: the widget's scripts.
    AnySite,
    /// The pages of this server.
    SameOrigin,
}

/// A site embeds this name for years, so a new version must reach it soon.
const FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The demo's page plays a customer's site: as strict as a site can be that uses the widget.
const DEMO_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);

/// The AIM window may stand in a frame, but only in a page of this server.
const STAFF_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
);

/// The headers of `asset`, without those that tell of its coding and length.
pub(crate) fn of(asset: &'static Asset, audience: Audience) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: HeaderValue| headers.insert(name, value);
    set(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    set(header::ETAG, HeaderValue::from_static(asset.etag));
    set(header::VARY, HeaderValue::from_static("accept-encoding"));
    set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let keep = match (asset.has_hash(), asset.is_page()) {
        (true, _) => FOR_EVER,
        (false, true) => ASK_AGAIN,
        (false, false) => FIVE_MINUTES,
    };
    set(header::CACHE_CONTROL, keep);
    match audience {
        // A module of another site is fetched by CORS; a page with COEP asks for the other one.
        Audience::AnySite => {
            set(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            set(resource_policy(), HeaderValue::from_static("cross-origin"));
        }
        Audience::SameOrigin => {
            set(resource_policy(), HeaderValue::from_static("same-origin"));
        }
    }
    if asset.is_page() {
        let is_demo = asset.stem == "demo.html";
        set(header::CONTENT_SECURITY_POLICY, if is_demo { DEMO_POLICY } else { STAFF_POLICY });
        set(header::X_FRAME_OPTIONS, HeaderValue::from_static(if is_demo { "DENY" } else { "SAMEORIGIN" }));
        set(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    }
    headers
}

fn resource_policy() -> HeaderName {
    HeaderName::from_static("cross-origin-resource-policy")
}
