//! Vendors and the keys of ours at them: plain forms, in which a key goes in and never comes out again.

mod row;

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use marketplace::fault::Fault;
use marketplace::operator::VendorState;

use self::row::VendorRow;
use super::draw;
use super::place::Place;
use crate::api::sheets::Sheet;
use crate::api::vendors::AddVendor;
use crate::components::{Drawn, FaultNotice, Field, Moment};
use crate::context::subject;

pub async fn page(place: &Place<'_>) -> Sheet {
    let caller = &place.caller;
    let vendors = subject(caller.engine.list_vendors(&caller.actor).await);
    let content = vendors.map(|vendors| {
        let (done, refusal) = place.outcome();
        sheet(vendors, done, refusal)
    });
    place.page("Vendors", "admin", || (), content)
}

fn sheet(vendors: Vec<VendorState>, done: Option<&str>, refusal: Option<Fault>) -> Drawn {
    // What was done stays in the address, also when the next form is refused.
    let said = done.filter(|_| refusal.is_none()).and_then(said);
    draw(|| {
        view! {
            {refusal.map(|fault| view! { <FaultNotice fault /> })}
            {said.map(|said| view! { <div class="notice good" role="status"><p>{said}</p></div> })}
            {refusing(&vendors)}
            <VendorTable vendors />
            <AddForm />
        }
    })
}

/// What operators see of refused keys on other pages.
pub fn notice(name: String, since: String) -> impl IntoView {
    view! {
        <div class="notice bad" role="alert">
            <p>
                <b>{name}</b>" refuses our key since "<Moment at=since />
                ". Calls to it fail and cost nothing until it answers again or has another key. "
                <a href="/admin/vendors">"Vendors"</a>
            </p>
        </div>
    }
}

fn refusing(vendors: &[VendorState]) -> impl IntoView + use<> {
    let refusing =
        vendors.iter().filter_map(|vendor| Some((vendor.name.clone(), vendor.refused_since.clone()?)));
    refusing.map(|(name, since)| notice(name, since)).collect_view()
}

fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "added" => "The vendor was added. Now give it a key.",
        "moved" => "The address was changed, and the stored key cleared: give it a key for the new address.",
        "removed" => "What was stored of the vendor was taken away.",
        "set" => {
            "The key is stored. New calls use it within a second; calls under way end with the one before."
        }
        "cleared" => "The key was cleared.",
        _ => return None,
    })
}

#[component]
fn VendorTable(vendors: Vec<VendorState>) -> impl IntoView {
    view! {
        <section class="stack" aria-labelledby="vendors-heading">
            <h2 id="vendors-heading">"Who can be asked"</h2>
            <p class="soft">
                "A key is sealed when it is stored, works only at the address it was stored for, and is never shown again. What the environment sets wins."
            </p>
            <div class="table-wrap" role="group" aria-labelledby="vendors-heading" tabindex="0">
                <table class="table vendor-table">
                    <thead>
                        <tr>
                            <th scope="col">"Vendor"</th>
                            <th scope="col">"Address"</th>
                            <th scope="col">"Key"</th>
                            <th scope="col"><span class="visually-hidden">"Change"</span></th>
                        </tr>
                    </thead>
                    <tbody>{vendors.into_iter().map(|vendor| view! { <VendorRow vendor /> }).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
}

#[component]
fn AddForm() -> impl IntoView {
    view! {
        <section class="card stack" aria-labelledby="add-heading">
            <h2 id="add-heading">"Add a vendor"</h2>
            <p class="soft">"Any that speaks as OpenAI's chat completions do. Its models are stanzas that name its id."</p>
            <form action=AddVendor::PATH method="post" class="vendor-form">
                <Field id="add-id" label="Id" hint="Small letters, digits, - or _; what models call it.">
                    <input id="add-id" name="id" autocomplete="off" placeholder="lantern" required aria-describedby="add-id-hint" />
                </Field>
                <Field id="add-name" label="Name">
                    <input id="add-name" name="name" autocomplete="off" placeholder="Lantern" required />
                </Field>
                <Field id="add-url" label="Address" hint="What comes before /chat/completions.">
                    <input
                        id="add-url" name="base_url" autocomplete="off" placeholder="https://api.lantern.example/v1" required
                        aria-describedby="add-url-hint"
                    />
                </Field>
                <Field id="add-reason" label="Reason" hint="For the audit log.">
                    <input id="add-reason" name="reason" autocomplete="off" minlength="3" required aria-describedby="add-reason-hint" />
                </Field>
                <button type="submit" class="button primary">"Add vendor"</button>
            </form>
        </section>
    }
}
