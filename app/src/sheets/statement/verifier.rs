//! The form that takes a statement, and what a check means. The form is wired by `public/verify.js`.

use leptos::prelude::*;

pub fn form(key: String) -> impl IntoView {
    let command = format!("mercato statement verify mercato-statement.json --key {key}");
    view! {
        <form class="card stack scripted" id="statement-form" aria-label="Check a statement">
            <div class="field">
                <label for="statement-file">"Statement"</label>
                <input
                    id="statement-file"
                    type="file"
                    accept=".json,application/json"
                    aria-describedby="statement-file-hint"
                />
                <p class="hint" id="statement-file-hint">"The signed JSON, exactly as it was downloaded."</p>
            </div>
            <div class="field">
                <label for="statement-key">"Key it must be signed with"</label>
                <input
                    id="statement-key"
                    type="text"
                    value=key
                    autocomplete="off"
                    spellcheck="false"
                    aria-describedby="statement-key-hint"
                />
                <p class="hint" id="statement-key-hint">
                    "The key of this market, as "<a href="/api/v1/books" rel="external">"its books"</a>
                    " tell it. Put in the one you noted yourself, if you trust this page as little as the file."
                </p>
            </div>
            <p><button type="submit" class="button primary">"Check"</button></p>
        </form>
        <div class="verdict" id="statement-verdict" role="status"></div>
        <div id="statement-facts"></div>
        <section class="stack verify-words" aria-labelledby="command-heading">
            <h2 id="command-heading">"At the command line"</h2>
            <p class="unscripted">"This page cannot check without scripts; the program can:"</p>
            <p class="scripted">"The same check, without any page:"</p>
            <div class="code"><pre tabindex="0"><code>{command}</code></pre></div>
        </section>
        <section class="stack verify-words" aria-labelledby="meaning-heading">
            <h2 id="meaning-heading">"What a check proves"</h2>
            <ul class="stack">
                <li>"Not a byte was changed since the holder of the key signed it."</li>
                <li>"Every entry follows on the one before: none is missing, none was put in, each balance is right."</li>
                <li>"Every charge is what its tokens and rates come to, and is exactly what was taken."</li>
                <li>"It does not prove that the tokens were counted rightly, or that the rates were those on the price list: compare those with your own records."</li>
                <li>"Nor that nobody else was told another story: compare the chain heads with those of the month before and after."</li>
            </ul>
        </section>
    }
}
