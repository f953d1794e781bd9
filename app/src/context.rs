//! What server functions know of their request: the engine, the caller, and how to answer besides the value.

mod key_form;

use axum_extra::extract::cookie::Cookie;
use engine::{Actor, Engine, SignedIn};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use leptos::prelude::{expect_context, use_context};
use leptos::server_fn::error::ServerFnUrlError;
use leptos_axum::ResponseOptions;
use marketplace::account::User;
use marketplace::fault::{Code, Fault};

pub use self::key_form::{key_change, key_terms};
use crate::api::keys::MadeKey;
use crate::error::AppError;
pub use crate::sheets::site::Asked as SiteAsked;
use crate::shell::Preview;

/// Who asks, put into the request by the server before any page or server function runs.
#[derive(Clone, Debug)]
pub struct Caller {
    pub engine: Engine,
    pub actor: Actor,
    pub user: Option<User>,
}

pub const SESSION_COOKIE: &str = "__Host-session";
const THEME_COOKIE: &str = "theme";
const ONCE_COOKIE: &str = "__Host-once";

pub fn caller() -> Result<Caller, AppError> {
    let parts = use_context::<Parts>();
    let caller = parts.and_then(|parts| parts.extensions.get::<Caller>().cloned());
    Ok(caller.ok_or_else(|| Fault::new(Code::Internal, "This request came without a caller"))?)
}

/// Sets the status of the page being drawn, as long as nothing of it was sent.
pub fn status(code: u16) {
    if let (Some(response), Ok(code)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(code)) {
        response.set_status(code);
    }
}

/// What a page is about. Where that is missing, or not for everybody, the page says so by its status too.
pub fn subject<T, E: Into<Fault>>(found: Result<T, E>) -> Result<T, AppError> {
    found.map_err(|error| AppError(error.into())).inspect_err(|AppError(fault)| {
        if matches!(fault.code, Code::NotFound | Code::PermissionDenied) {
            status(fault.code.status());
        }
    })
}

/// What a form was told that was posted without scripts; it stands in the address of the next page.
pub fn refused(text: &str) -> Fault {
    ServerFnUrlError::<AppError>::decode_err(text).0
}

/// The address this market was reached at, for samples of code.
pub fn origin() -> String {
    let parts = use_context::<Parts>();
    let header = |name: &str| parts.as_ref()?.headers.get(name)?.to_str().ok().map(str::to_owned);
    let host = header(header::HOST.as_str()).unwrap_or_else(|| "localhost".to_owned());
    let scheme =
        header("x-forwarded-proto").filter(|scheme| scheme == "https").unwrap_or_else(|| "http".to_owned());
    format!("{scheme}://{host}")
}

/// The page that is asked for: its path, and what stands behind the question mark.
pub fn place() -> Option<(String, Option<String>)> {
    let uri = use_context::<Parts>()?.uri;
    Some((uri.path().to_owned(), uri.query().map(str::to_owned)))
}

/// What is told of the page that is asked for to those who link to it.
pub fn preview() -> Option<Preview> {
    crate::sheets::preview::preview()
}

/// The pages that anybody may find.
pub fn open_pages() -> impl Iterator<Item = (String, String, String)> {
    let own = crate::sheets::preview::PAGES.into_iter();
    let own = own.map(|(path, title, about)| (path.to_owned(), title.to_owned(), about.to_owned()));
    own.chain(crate::sheets::docs::places())
}

/// Every example of the documents, with this address in them.
pub fn examples(origin: &str) -> serde_json::Value {
    crate::sheets::docs::example::all(origin)
}

/// The names of all articles of the documents.
pub fn articles() -> impl Iterator<Item = &'static str> {
    crate::sheets::docs::articles()
}

/// An article of the documents as it was written.
pub fn article(place: &str, origin: &str) -> Option<String> {
    crate::sheets::docs::markdown(place, origin)
}

/// Where the page stands on which a site asks for a key.
pub fn site_place(asked: &SiteAsked) -> String {
    crate::sheets::site::address(asked)
}

/// The page that leads back to a site.
pub fn site_left(address: &str, site: &str) -> String {
    crate::sheets::site::leave(address, site)
}

/// The session cookie for somebody who just proved who they are.
pub fn session_cookie(signed_in: &SignedIn) -> String {
    let now = chrono::DateTime::from(std::time::SystemTime::now());
    secret_cookie(SESSION_COOKIE, &signed_in.token, (signed_in.expires_at - now).num_seconds())
}

pub fn ended_session_cookie() -> String {
    secret_cookie(SESSION_COOKIE, "", 0)
}

pub fn go_on_signed_in(_caller: &Caller, signed_in: &SignedIn, next: Option<&str>) {
    set_cookie(&session_cookie(signed_in));
    leptos_axum::redirect(local_path(next).unwrap_or("/chat"));
}

pub fn go_on_signed_out(_caller: &Caller) {
    set_cookie(&ended_session_cookie());
    leptos_axum::redirect("/");
}

/// The theme somebody chose before, for the document.
pub fn theme() -> Option<String> {
    let parts = use_context::<Parts>()?;
    cookie(&parts, THEME_COOKIE)
}

/// Keeps the choice for a year. Anything but the two themes means "as the system does".
pub fn remember_theme(theme: &str) {
    let (value, seconds) = match theme {
        "light" | "dark" => (theme, 365 * 24 * 3600),
        _ => ("", 0),
    };
    set_cookie(&format!("{THEME_COOKIE}={value}; Path=/; Max-Age={seconds}; SameSite=Lax"));
}

/// Hands a secret to the next page of a browser without scripts; with scripts the answer itself carries it.
pub fn show_once(_caller: &Caller, made: &MadeKey) {
    if !wants_page() {
        return;
    }
    let value = format!("{}.{}", made.secret, hex(made.name.as_bytes()));
    set_cookie(&secret_cookie(ONCE_COOKIE, &value, 60));
    leptos_axum::redirect("/keys");
}

pub fn take_shown_once(_caller: &Caller) -> Option<MadeKey> {
    let value = cookie(&use_context::<Parts>()?, ONCE_COOKIE)?;
    set_cookie(&secret_cookie(ONCE_COOKIE, "", 0));
    let (secret, name) = value.split_once('.')?;
    Some(MadeKey { secret: secret.to_owned(), name: unhex(name)? })
}

/// A path on this site, so that nobody can be sent elsewhere by a link.
fn local_path(next: Option<&str>) -> Option<&str> {
    next.filter(|path| path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']))
}

fn wants_page() -> bool {
    let parts = use_context::<Parts>();
    let accept = parts
        .as_ref()
        .and_then(|parts| parts.headers.get(header::ACCEPT))
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The value of a cookie the browser sent.
pub fn cookie(parts: &Parts, name: &str) -> Option<String> {
    parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(|line| {
        Cookie::split_parse(line.to_owned())
            .filter_map(Result::ok)
            .find(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned())
            .filter(|value| !value.is_empty())
    })
}

/// `__Host-` binds the cookie to this host: it must be secure, for every path and without a domain.
fn secret_cookie(name: &str, value: &str, seconds: i64) -> String {
    format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax")
}

fn set_cookie(cookie: &str) {
    let response = expect_context::<ResponseOptions>();
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.append_header(header::SET_COOKIE, value);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<String> {
    let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}
