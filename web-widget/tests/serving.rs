//! What a browser gets for the paths that the crate serves.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use tower::ServiceExt as _;

fn all() -> Router {
    web_widget::router().merge(web_widget::demo_router()).merge(web_widget::staff_router())
}

async fn get(path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    all().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn text(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The quoted word in `page` that begins with `prefix`.
fn named(page: &str, prefix: &str) -> String {
    let at = page.find(prefix).unwrap_or_else(|| panic!("no {prefix} in the page"));
    page[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn any_site_may_load_the_widget_and_soon_gets_a_new_one() {
    let script = get("/widget.js", &[]).await;
    assert_eq!(script.status(), StatusCode::OK);
    assert_eq!(header(&script, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(header(&script, "cache-control"), "public, max-age=300");
    assert_eq!(header(&script, "access-control-allow-origin"), "*");
    assert_eq!(header(&script, "cross-origin-resource-policy"), "cross-origin");
    assert_eq!(header(&script, "x-content-type-options"), "nosniff");

    let panel = format!("/{}", named(&text(script).await, "widget/panel-"));
    let panel = get(&panel, &[]).await;
    assert_eq!(panel.status(), StatusCode::OK);
    assert_eq!(header(&panel, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header(&panel, "access-control-allow-origin"), "*");
}

#[tokio::test]
async fn everything_the_pages_name_is_served() {
    for (page, names) in [
        ("/", ["/demo/demo-", "/demo/icon-", "/widget.js", "/staff"]),
        ("/staff", ["/staff/staff-", "/staff/icon-", "/staff/staff-", "/staff/"]),
    ] {
        let html = get(page, &[]).await;
        assert_eq!(html.status(), StatusCode::OK);
        assert_eq!(header(&html, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&html, "cache-control"), "no-cache");
        let html = text(html).await;
        for name in names {
            let name = named(&html, name);
            assert_eq!(get(&name, &[]).await.status(), StatusCode::OK, "{name}");
        }
    }
}

#[tokio::test]
async fn the_pages_are_strict_and_only_the_aim_window_may_be_framed() {
    for (page, ancestors) in [("/", "frame-ancestors 'none'"), ("/staff", "frame-ancestors 'self'")] {
        let response = get(page, &[]).await;
        let policy = header(&response, "content-security-policy");
        for rule in
            ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'", ancestors]
        {
            assert!(policy.contains(rule), "{page}: {policy}");
        }
    }
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let first = get("/widget.js", &[]).await;
    let tag = header(&first, header::ETAG.as_str()).to_owned();
    for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let second = get("/widget.js", &[("if-none-match", &known)]).await;
        assert_eq!(second.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(text(second).await, "");
    }
    assert_eq!(get("/widget.js", &[("if-none-match", "\"other\"")]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn compressed_where_the_browser_takes_it() {
    for (accepts, coding) in [
        ("gzip, deflate, br", "gzip"),
        ("br;q=1.0, GZIP;q=0.5", "gzip"),
        ("br, gzip;q=0", ""),
        ("identity", ""),
    ] {
        let response = get("/widget.js", &[("accept-encoding", accepts)]).await;
        assert_eq!(header(&response, "content-encoding"), coding, "{accepts}");
        assert_eq!(header(&response, "vary"), "accept-encoding");
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert_eq!(body.starts_with(&[0x1f, 0x8b]), coding == "gzip", "{accepts}");
    }
}
