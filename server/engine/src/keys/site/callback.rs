//! Where a site is told that it may fetch a key: never an address that is something else than a site.

use marketplace::fault::Fault;
use reqwest::Url;

const LENGTH_MAX: usize = 1_024;
/// Programs on the visitor's own machine listen here.
const OWN_MACHINE: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// An address of `https`, or of `http` on the visitor's own machine, without a name, a password, a fragment or a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback(Url);

impl Callback {
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let wrong = |problem: &str| Fault::invalid("callback_url", problem);
        if text.len() > LENGTH_MAX || text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(wrong("is too long, or has characters that no address has"));
        }
        let url = Url::parse(text)
            .map_err(|_| wrong("must be a whole address, such as https://example.org/back"))?;
        let host = url.host_str().unwrap_or_default();
        match url.scheme() {
            "https" if !host.is_empty() => (),
            "http" if OWN_MACHINE.contains(&host) => (),
            _ => return Err(wrong("must begin with https://, or with http://localhost")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not have a name or a password in it"));
        }
        if url.fragment().is_some() {
            return Err(wrong("must not have a fragment"));
        }
        if url.query_pairs().any(|(name, _)| name == "code" || name == "error") {
            return Err(wrong("must not have a code or an error of its own"));
        }
        Ok(Self(url))
    }

    /// Scheme, host and port, in letters that cannot be mistaken for others.
    pub fn site(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The whole address, as it was given.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The address with what the site is told.
    pub fn with(&self, name: &str, value: &str) -> String {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(name, value);
        url.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sites_are_called_back() {
        for (text, site) in [
            ("https://app.example.org/back?state=a%20b", "https://app.example.org"),
            ("https://EXAMPLE.org:8443", "https://example.org:8443"),
            ("http://localhost:3000/back", "http://localhost:3000"),
            ("http://127.0.0.1:9/", "http://127.0.0.1:9"),
            ("http://[::1]:9/", "http://[::1]:9"),
            ("https://аpple.example/", "https://xn--pple-43d.example"),
        ] {
            assert_eq!(Callback::parse(text).map(|callback| callback.site()).as_deref(), Ok(site), "{text}");
        }
        for text in [
            "",
            "/back",
            "//example.org/back",
            "http://example.org/back",
            "http://localhost.example.org/",
            "http://localhost@example.org/",
            "https://localhost:3000@example.org/",
            "https://user:word@example.org/",
            "https://example.org/#code",
            "https://example.org/?code=mine",
            "https://example.org\\@localhost/",
            "https://example.org/\r\nset-cookie: a=b",
            "https://",
            "javascript:alert(1)",
            "data:text/html,hello",
            "vscode://extension/back",
            "file:///etc/passwd",
            "ftp://example.org/",
        ] {
            assert!(Callback::parse(text).is_err(), "{text:?} would be called back");
        }
    }

    #[test]
    fn what_a_site_is_told_is_added_to_what_it_keeps_there() {
        let callback = Callback::parse("https://example.org/back?state=a").unwrap();
        assert_eq!(callback.with("code", "x&y"), "https://example.org/back?state=a&code=x%26y");
        assert_eq!(
            Callback::parse("https://example.org").unwrap().with("code", "x"),
            "https://example.org/?code=x"
        );
    }
}
