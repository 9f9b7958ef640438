//! Which file answers which path.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::routing::get;
use bytes::Bytes;

use crate::asset::{ASSETS, Asset};
use crate::headers::{self, Audience};

/// What a site that embeds the widget needs: `/widget.js` and the panel that it fetches from `/widget/…`.
pub fn router() -> Router {
    routes(Audience::AnySite, |asset| match asset.stem {
        "widget.js" => Some("/widget.js".to_owned()),
        "panel.js" => Some(format!("/widget/{}", asset.name)),
        _ => None,
    })
}

/// The demo's page at `/`: a customer's site with the widget, and the AIM window in a frame beside it.
///
/// The page reads `/demo.json`, an object with the addresses `oscar`, `irc` and `ws` as `host:port`, which the server answers.
pub fn demo_router() -> Router {
    routes(Audience::SameOrigin, |asset| match asset.stem {
        "demo.html" => Some("/".to_owned()),
        "demo.js" | "demo.css" | "icon.svg" => Some(format!("/demo/{}", asset.name)),
        _ => None,
    })
}

/// The AIM window at `/staff`, which talks to `/staff/socket`.
pub fn staff_router() -> Router {
    routes(Audience::SameOrigin, |asset| match asset.stem {
        "staff.html" => Some("/staff".to_owned()),
        "staff.js" | "staff.css" | "icon.svg" => Some(format!("/staff/{}", asset.name)),
        _ => None,
    })
}

fn routes(audience: Audience, path: impl Fn(&Asset) -> Option<String>) -> Router {
    ASSETS.iter().fold(Router::new(), |router, asset| match path(asset) {
        Some(path) => router
            .route(&path, get(move |request: HeaderMap| async move { answer(asset, audience, &request) })),
        None => router,
    })
}

fn answer(asset: &'static Asset, audience: Audience, request: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = headers::of(asset, audience);
    if lists(request, &header::IF_NONE_MATCH, |tag| tag == "*" || tag.trim_start_matches("W/") == asset.etag)
    {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else if lists(request, &header::ACCEPT_ENCODING, accepts_gzip) {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        *response.body_mut() = Bytes::from_static(asset.gzip).into();
    } else {
        *response.body_mut() = Bytes::from_static(asset.bytes).into();
    }
    response
}

/// Whether one of the words that a header lists is as wanted.
fn lists(request: &HeaderMap, name: &header::HeaderName, wanted: impl Fn(&str) -> bool) -> bool {
    request
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| wanted(word.trim()))
}

/// `gzip`, unless its weight says never.
fn accepts_gzip(coding: &str) -> bool {
    let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
    let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
    name.trim().eq_ignore_ascii_case("gzip") && !refused
}
