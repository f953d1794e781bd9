//! What is to be read besides the operations: Markdown that lies beside the code.

use crate::components::markdown;

#[derive(Clone, Copy, Debug)]
pub struct Article {
    pub place: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    text: &'static str,
}

pub static ALL: [Article; 10] = [
    Article {
        place: "moving",
        title: "Move from OpenAI, Anthropic or OpenRouter in one line",
        about: "What to change in a program that calls OpenAI, Anthropic or OpenRouter: the base address and the key.",
        text: include_str!("../../../../docs/moving.md"),
    },
    Article {
        place: "receipts",
        title: "Receipts and quotes",
        about: "What a call will cost at most, what it did cost, and how to check that it adds up.",
        text: include_str!("../../../../docs/receipts.md"),
    },
    Article {
        place: "limits",
        title: "Limits",
        about: "What a key may do, how much may be asked in a minute and spent, and what is said when a limit is reached.",
        text: include_str!("../../../../docs/limits.md"),
    },
    Article {
        place: "keys-for-sites",
        title: "Keys for sites",
        about: "How a site gets an API key of its visitor, who agrees on a page here: a code, a proof, and no password told.",
        text: include_str!("../../../../docs/keys-for-sites.md"),
    },
    Article {
        place: "errors",
        title: "Errors",
        about: "Every status and code with what to do about it, in the shape that each family of clients reads.",
        text: include_str!("../../../../docs/errors.md"),
    },
    Article {
        place: "response-caching",
        title: "Answers told again",
        about: "How a request that is sent again is answered from what was kept, for nothing, and what is kept for how long.",
        text: include_str!("../../../../docs/response-caching.md"),
    },
    Article {
        place: "routing",
        title: "Who answers a call",
        about: "How a vendor is chosen among several, and when another one is asked.",
        text: include_str!("../../../../docs/routing.md"),
    },
    Article {
        place: "presets-in-calls",
        title: "Presets in calls",
        about: "Settings of calls, saved under short names: what a request that names one does not say itself.",
        text: include_str!("../../../../docs/presets.md"),
    },
    Article {
        place: "clients",
        title: "Clients that are tried",
        about: "The client libraries that are led through a running server by the tests, with what to set.",
        text: include_str!("../../../../docs/clients.md"),
    },
    Article {
        place: "changes",
        title: "Change log",
        about: "What is new in the interface and on the pages, the newest first.",
        text: include_str!("../../../../CHANGELOG.md"),
    },
];

pub fn find(place: &str) -> Option<&'static Article> {
    ALL.iter().find(|article| article.place == place)
}

impl Article {
    /// As it was written.
    pub fn text(&self, origin: &str) -> String {
        self.text.replace("ORIGIN", origin)
    }

    /// Without its title, which the page has already, and with headings that go on from there.
    pub fn html(&self, origin: &str) -> String {
        let text = self.text(origin);
        let body = text.split_once('\n').map_or("", |(_, body)| body);
        let html = markdown::render(body);
        // Headings of models' answers begin two steps deeper than those of a page.
        let html = html
            .replace("<h4>", "<h2>")
            .replace("</h4>", "</h2>")
            .replace("<h5>", "<h3>")
            .replace("</h5>", "</h3>");
        leading_here(&html)
    }
}

/// Links to this site lead there, and not to another tab.
fn leading_here(html: &str) -> String {
    const AWAY: &str = "\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">";
    let mut parts = html.split("<a href=\"");
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        written.push_str("<a href=\"");
        match part.starts_with('/') {
            true => written.push_str(&part.replacen(AWAY, "\" rel=\"external\">", 1)),
            false => written.push_str(part),
        }
    }
    written
}
