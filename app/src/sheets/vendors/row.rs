//! One vendor: where it is, how its key stands, and the forms that change both.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use marketplace::operator::{AddressSource, KeyState, VendorState};

use crate::api::vendors::{ClearVendorKey, MoveVendor, RemoveVendor, SetVendorKey};
use crate::components::Moment;

#[component]
pub fn VendorRow(vendor: VendorState) -> impl IntoView {
    let source = match vendor.base_url_source {
        AddressSource::BuiltIn => "",
        AddressSource::Environment => "from the environment",
        AddressSource::Stored => "stored here",
        AddressSource::Added => "added here",
        AddressSource::Simulator => "played by the simulator",
    };
    let available = match vendor.available {
        true => view! { <span class="chip good">"for sale"</span> }.into_any(),
        false => view! { <span class="chip">"not set up"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row">
                <span class="key-name">{vendor.name.clone()}</span>
                <code class="soft">{vendor.id.to_string()}</code>
            </th>
            <td><code class="vendor-address">{vendor.base_url.clone()}</code>" "<span class="soft">{source}</span></td>
            <td>{available}" "<KeyWords vendor=vendor.clone() /></td>
            <td><Changes vendor /></td>
        </tr>
    }
}

#[component]
fn KeyWords(vendor: VendorState) -> impl IntoView {
    let words = match vendor.key {
        KeyState::Missing => "No key",
        KeyState::Environment => "From the environment",
        KeyState::Stored => "Stored",
        KeyState::OtherAddress => "Stored for another address, so not used: set it anew",
        KeyState::Unreadable => "Stored, but the master key does not open it: set it anew",
        KeyState::Simulated => "None needed in the demo",
    };
    view! {
        {words}
        {vendor.key_last_four.map(|end| view! { <code class="soft">" …"{end}</code> })}
        {vendor.key_changed_at.map(|at| view! { <span class="soft">" since "<Moment at /></span> })}
        {vendor.refused_since.map(|at| view! { " "<span class="chip bad">"refused since "<Moment at /></span> })}
    }
}

#[component]
fn Changes(vendor: VendorState) -> impl IntoView {
    let (id, name) = (vendor.id.to_string(), vendor.name);
    // What the environment says is changed there.
    if vendor.key == KeyState::Environment {
        return view! { <span class="soft">"Set in the environment"</span> }.into_any();
    }
    let is_stored = matches!(vendor.key, KeyState::Stored | KeyState::OtherAddress | KeyState::Unreadable);
    let has_own_place = matches!(vendor.base_url_source, AddressSource::Stored | AddressSource::Added);
    let may_move = vendor.base_url_source != AddressSource::Environment;
    view! {
        <div class="cluster">
            <SetKey id=id.clone() name=name.clone() is_stored />
            {is_stored.then(|| view! { <ClearKey id=id.clone() name=name.clone() /> })}
            {may_move.then(|| view! { <Move id=id.clone() name=name.clone() base_url=vendor.base_url is_stored /> })}
            {has_own_place.then(|| view! { <Remove id name /> })}
        </div>
    }
    .into_any()
}

#[component]
fn SetKey(id: String, name: String, is_stored: bool) -> impl IntoView {
    let verb = if is_stored { "Replace key" } else { "Set key" };
    view! {
        <details class="confirm">
            <summary class="button quiet">{verb}<span class="visually-hidden">" of "{name.clone()}</span></summary>
            <form action=SetVendorKey::PATH method="post" class="confirm-panel">
                <input type="hidden" name="id" value=id />
                <input
                    name="key" type="password" autocomplete="off" placeholder="The key" required
                    aria-label=format!("Key of {name}")
                />
                <Why name />
                <button type="submit" class="button primary">"Store the key"</button>
            </form>
        </details>
    }
}

#[component]
fn ClearKey(id: String, name: String) -> impl IntoView {
    view! {
        <details class="confirm">
            <summary class="button quiet">"Clear key"<span class="visually-hidden">" of "{name.clone()}</span></summary>
            <form action=ClearVendorKey::PATH method="post" class="confirm-panel">
                <p>"Its models cannot be called until it has another key."</p>
                <input type="hidden" name="id" value=id />
                <Why name />
                <button type="submit" class="button danger">"Clear for good"</button>
            </form>
        </details>
    }
}

#[component]
fn Move(id: String, name: String, base_url: String, is_stored: bool) -> impl IntoView {
    view! {
        <details class="confirm">
            <summary class="button quiet">"Move"<span class="visually-hidden">" "{name.clone()}</span></summary>
            <form action=MoveVendor::PATH method="post" class="confirm-panel">
                {is_stored.then_some(view! { <p>"This clears the stored key: it was meant for the old address."</p> })}
                <input type="hidden" name="id" value=id />
                <input
                    name="base_url" autocomplete="off" value=base_url required aria-label=format!("Address of {name}")
                />
                <Why name />
                <button type="submit" class="button primary">"Change the address"</button>
            </form>
        </details>
    }
}

#[component]
fn Remove(id: String, name: String) -> impl IntoView {
    view! {
        <details class="confirm">
            <summary class="button quiet">"Remove"<span class="visually-hidden">" "{name.clone()}</span></summary>
            <form action=RemoveVendor::PATH method="post" class="confirm-panel">
                <p>"The stored address goes, and the stored key with it."</p>
                <input type="hidden" name="id" value=id />
                <Why name />
                <button type="submit" class="button danger">"Remove it"</button>
            </form>
        </details>
    }
}

#[component]
fn Why(name: String) -> impl IntoView {
    view! {
        <input
            name="reason" autocomplete="off" minlength="3" maxlength="500" placeholder="Reason, for the audit log" required
            aria-label=format!("Reason for {name}")
        />
    }
}
