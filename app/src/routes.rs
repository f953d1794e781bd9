//! The map of pages: one line each.

use leptos::prelude::*;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::pages::{
    BillingPage, ChatPage, ModelPage, ModelsPage, NotFoundPage, SheetPage, SignInPage, SignUpPage, VerifyPage,
};
use crate::shell::Frame;

/// Every page waits for its data before it is sent, so that it is whole without scripts and can be a 404 or a redirect.
#[component]
pub fn Pages() -> impl IntoView {
    view! {
        <Router>
            <Frame>
                <Routes fallback=|| view! { <NotFoundPage /> }.into_any()>
                    <Route path=path!("/") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/models") view=ModelsPage ssr=SsrMode::Async />
                    <Route path=path!("/models/*id") view=ModelPage ssr=SsrMode::Async />
                    <Route path=path!("/compare") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/recommend") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/plot") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/docs") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/docs/*page") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/pricing") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/sign-up") view=SignUpPage ssr=SsrMode::Async />
                    <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                    <Route path=path!("/confirm") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/forgot") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/reset") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/auth") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/chat/:conversation?") view=ChatPage ssr=SsrMode::Async />
                    <Route path=path!("/billing") view=BillingPage ssr=SsrMode::Async />
                    <Route path=path!("/pay/:id") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/keys") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/receipts/:id") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/books") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/status") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/statements") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/statements/verify") view=VerifyPage ssr=SsrMode::Async />
                    <Route path=path!("/statements/:month") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/admin") view=SheetPage ssr=SsrMode::Async />
                    <Route path=path!("/admin/vendors") view=SheetPage ssr=SsrMode::Async />
                </Routes>
            </Frame>
        </Router>
    }
}
