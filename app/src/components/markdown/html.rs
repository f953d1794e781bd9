//! Markdown events as HTML made of a fixed set of tags, with everything from outside escaped.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Tag, TagEnd};

pub fn write<'a>(events: impl Iterator<Item = Event<'a>>) -> String {
    let mut writer = Writer::default();
    for event in events {
        writer.event(event);
    }
    writer.html
}

#[derive(Default)]
struct Writer {
    html: String,
    /// For every link and picture that is open: whether it has a tag to close.
    links: Vec<bool>,
    alignments: Vec<Alignment>,
    cell: usize,
    in_head: bool,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(code) => {
                self.html.push_str("<code>");
                self.text(&code);
                self.html.push_str("</code>");
            }
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            Event::TaskListMarker(done) => self.html.push_str(if done { "☑ " } else { "☐ " }),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.text(&text)
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => self.open(heading(level)),
            Tag::CodeBlock(kind) => self.start_code(&kind),
            Tag::List(Some(first)) if first != 1 => self.html.push_str(&format!("<ol start=\"{first}\">")),
            Tag::Table(alignments) => {
                self.alignments = alignments;
                self.html.push_str("<div class=\"table-wrap\" tabindex=\"0\"><table class=\"table\">");
            }
            Tag::TableHead => {
                self.in_head = true;
                self.cell = 0;
                self.html.push_str("<thead><tr>");
            }
            Tag::TableRow => {
                self.cell = 0;
                self.open("tr");
            }
            Tag::TableCell => self.start_cell(),
            Tag::Link { dest_url, .. } => self.start_link(&dest_url),
            // A picture from elsewhere would tell its host who reads this, so it is only linked to.
            Tag::Image { dest_url, .. } => {
                self.start_link(&dest_url);
                self.html.push_str("Picture: ");
            }
            other => {
                if let Some(name) = plain(&other.to_end()) {
                    self.open(name);
                }
            }
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => self.close(heading(level)),
            TagEnd::CodeBlock => self.html.push_str("</code></pre></div>"),
            TagEnd::Table => self.html.push_str("</tbody></table></div>"),
            TagEnd::TableHead => {
                self.in_head = false;
                self.html.push_str("</tr></thead><tbody>");
            }
            TagEnd::TableRow => self.close("tr"),
            TagEnd::TableCell => self.close(if self.in_head { "th" } else { "td" }),
            TagEnd::Link | TagEnd::Image => {
                if self.links.pop() == Some(true) {
                    self.close("a");
                }
            }
            other => {
                if let Some(name) = plain(&other) {
                    self.close(name);
                }
            }
        }
    }

    fn start_code(&mut self, kind: &CodeBlockKind<'_>) {
        let language = match kind {
            CodeBlockKind::Fenced(info) => info.split([' ', ',', '{']).next().unwrap_or_default(),
            CodeBlockKind::Indented => "",
        };
        self.html.push_str("<div class=\"code\"><div class=\"code-head\"><span>");
        self.text(if language.is_empty() { "code" } else { language });
        self.html
            .push_str("</span><button type=\"button\" class=\"button quiet scripted\" data-copy><span aria-live=\"polite\">Copy</span></button></div>");
        self.html.push_str("<pre tabindex=\"0\"><code>");
    }

    fn start_cell(&mut self) {
        let name = if self.in_head { "th" } else { "td" };
        let class = match self.alignments.get(self.cell) {
            Some(Alignment::Right) => " class=\"end\"",
            Some(Alignment::Center) => " class=\"center\"",
            _ => "",
        };
        self.cell += 1;
        self.html.push_str(&format!("<{name}{class}>"));
    }

    fn start_link(&mut self, address: &str) {
        let opens = is_safe_address(address) && !self.links.contains(&true);
        self.links.push(opens);
        if opens {
            self.html.push_str("<a href=\"");
            self.text(address);
            self.html.push_str("\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">");
        }
    }

    fn open(&mut self, name: &str) {
        self.html.push('<');
        self.html.push_str(name);
        self.html.push('>');
    }

    fn close(&mut self, name: &str) {
        self.html.push_str("</");
        self.html.push_str(name);
        self.html.push('>');
    }

    fn text(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.html.push_str("&amp;"),
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                other => self.html.push(other),
            }
        }
    }
}

/// Only addresses that say of themselves that they are harmless; everything else stays text.
fn is_safe_address(address: &str) -> bool {
    let starts =
        |scheme: &str| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let printable = !address.chars().any(|c| c.is_control() || c.is_whitespace());
    printable && ["https://", "http://", "mailto:"].into_iter().any(starts)
}

fn plain(tag: &TagEnd) -> Option<&'static str> {
    match tag {
        TagEnd::Paragraph | TagEnd::HtmlBlock => Some("p"),
        TagEnd::BlockQuote(_) => Some("blockquote"),
        TagEnd::List(true) => Some("ol"),
        TagEnd::List(false) => Some("ul"),
        TagEnd::Item => Some("li"),
        TagEnd::Emphasis => Some("em"),
        TagEnd::Strong => Some("strong"),
        TagEnd::Strikethrough => Some("del"),
        _ => None,
    }
}

/// An answer stands below the page's title and the heading of its turn.
fn heading(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "h3",
        HeadingLevel::H2 => "h4",
        HeadingLevel::H3 => "h5",
        _ => "h6",
    }
}
