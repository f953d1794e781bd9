//! One request to the server.

use leptos::prelude::window;
use leptos::server_fn::redirect::REDIRECT_HEADER;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestInit, Response};

/// What the server replied, whatever it means.
#[derive(Debug)]
pub struct Reply {
    pub is_refusal: bool,
    pub text: String,
    /// Where the page is to go on.
    pub leads_to: Option<String>,
}

/// Nothing if the server could not be reached. Given up when it is dropped.
pub async fn post(path: &'static str, content_type: &'static str, body: String) -> Option<Reply> {
    // The browser has one thread.
    SendWrapper::new(exchange(path, content_type, body)).await.ok()
}

/// What stands at an address, if it could be fetched.
pub async fn get(path: &'static str) -> Option<String> {
    SendWrapper::new(fetch(path)).await.ok()
}

async fn fetch(path: &str) -> Result<String, JsValue> {
    let response: Response = JsFuture::from(window().fetch_with_str(path)).await?.dyn_into()?;
    let text = JsFuture::from(response.text()?).await?.as_string();
    text.filter(|_| response.ok()).ok_or(JsValue::NULL)
}

async fn exchange(path: &str, content_type: &str, body: String) -> Result<Reply, JsValue> {
    let abort = AbortOnDrop(AbortController::new()?);
    let headers = Headers::new()?;
    headers.set("content-type", content_type)?;
    headers.set("accept", "application/json")?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(&JsValue::from_str(&body));
    init.set_signal(Some(&abort.0.signal()));
    let response: Response =
        JsFuture::from(window().fetch_with_str_and_init(path, &init)).await?.dyn_into()?;
    let text = JsFuture::from(response.text()?).await?;
    let headers = response.headers();
    let leads_to = if headers.has(REDIRECT_HEADER)? { headers.get("location")? } else { None };
    Ok(Reply { is_refusal: !response.ok(), text: text.as_string().unwrap_or_default(), leads_to })
}

/// An answer nobody waits for any more need not be sent.
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
