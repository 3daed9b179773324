//! What a reader of a mail gets, and what hostile HTML cannot do.

use super::*;

fn markdown(html: &str) -> String {
    mail_html_to_markdown(html, 100_000).text
}

#[test]
fn an_ordinary_mail_keeps_its_structure() {
    let html = "<html><head><title>t</title><style>p{color:red}</style></head><body><h2>분기 보고</h2>\
        <p>Hello <b>Kim</b>, see <a href='https://contoso.example/r?a=1&amp;b=2'>the report</a>.</p>\
        <ul><li>one<li>two</ul><table><tr><th>Item<th>Cost<tr><td>A<td>10</table><!-- no --></body></html>";
    let text = markdown(html);
    assert!(text.contains("## 분기 보고"), "{text}");
    assert!(text.contains("**Kim**"), "{text}");
    assert!(text.contains("[the report](https://contoso.example/r?a=1&b=2)"), "{text}");
    assert!(text.contains("- one\n- two"), "{text}");
    assert!(text.contains("| A | 10 |"), "{text}");
    for gone in ["color", "no", "t\n"] {
        assert!(!text.lines().any(|line| line == gone), "{text}");
    }
}

#[test]
fn hidden_text_is_dropped_and_counted() {
    let hidden = [
        "<div style='display:none'>SECRET</div>",
        "<span style='visibility:hidden'>SECRET</span>",
        "<p style='font-size:0'>SECRET</p>",
        "<p style='opacity:0'>SECRET</p>",
        "<p style='mso-hide:all'>SECRET</p>",
        "<div style='max-height:0;overflow:hidden'>SECRET</div>",
        "<div hidden>SECRET</div>",
        "<font color='#ffffff'>SECRET</font>",
        "<td bgcolor=black><font color=black>SECRET</font></td>",
        "<div style='display:none'><div><p>SECRET</p></div></div>",
        "<div style='dis&#112;lay:none'>SECRET</div>",
    ];
    for piece in hidden {
        let found = mail_html_to_markdown(&format!("<p>before</p>{piece}<p>after</p>"), 1_000);
        assert!(!found.text.contains("SECRET"), "{piece}: {}", found.text);
        assert!(found.text.contains("before") && found.text.contains("after"), "{piece}: {}", found.text);
        assert_eq!(found.hidden_removed, 1, "{piece}");
    }
    for piece in [
        "<script>SECRET</script>",
        "<!-- SECRET -->",
        "<svg><text>SECRET</text></svg>",
        "<template>SECRET</template>",
    ] {
        assert!(!markdown(&format!("<p>a{piece}b</p>")).contains("SECRET"), "{piece}");
    }
}

#[test]
fn an_unclosed_hidden_element_does_not_swallow_the_mail() {
    let text = markdown(
        "<table><tr><td style='display:none'>x<td>shown</tr></table><p style='display:none'>y<p>also",
    );
    assert!(text.contains("shown") && text.contains("also"), "{text}");
}

#[test]
fn a_newsletter_wrapper_of_size_zero_keeps_its_text() {
    let found =
        mail_html_to_markdown("<td style='font-size:0px'><div style='font-size:13px'>Offer</div></td>", 100);
    assert_eq!((found.text.as_str(), found.hidden_removed), ("Offer", 0));
}

#[test]
fn zero_width_characters_and_pixels_go() {
    let text = markdown(
        "<p>pay&#8203;pal&zwnj; \u{2060}ok<img src='https://t.example/p.gif' width=1 height=1 alt=track><img src=x alt='차트'></p>",
    );
    assert!(text.contains("paypal ok"), "{text}");
    assert!(!text.contains("track") && !text.contains("t.example"), "{text}");
    assert!(text.contains("image: 차트"), "{text}");
}

#[test]
fn only_ordinary_links_survive() {
    let text = markdown(
        "<a href='javascript:alert(1)'>one</a> <a href='data:text/html,x'>two</a> <a href=' mailto:a@b.example'>three</a>",
    );
    assert!(text.contains("one") && text.contains("two") && text.contains("three"), "{text}");
    assert!(!text.contains("javascript") && !text.contains("data:"), "{text}");
}

/// Runs on the stack size of a worker thread.
fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn deep_nesting_neither_crashes_nor_swallows() {
    on_small_stack(|| {
        for (open, close) in [
            ("<div>", "</div>"),
            ("<blockquote>", "</blockquote>"),
            ("<table><tr><td>", "</td></tr></table>"),
            ("<ul><li>", "</li></ul>"),
            ("<b><i><a href='https://a.example'>", "</a></i></b>"),
            ("<div>", ""),
        ] {
            let html = format!("<p>top</p>{}deep{}<p>end</p>", open.repeat(20_000), close.repeat(20_000));
            let text = markdown(&html);
            for word in ["top", "deep", "end"] {
                assert!(text.contains(word), "{open}: {word}");
            }
            assert!(text.len() < 20_000, "{open}: {}", text.len());
        }
    });
}

#[test]
fn large_mail_is_bounded_and_said_to_be_cut() {
    let html = "<blockquote><ul><li>가나다 ".repeat(100_000);
    let found = mail_html_to_markdown(&html, 10_000);
    assert!(found.truncated);
    assert!(found.text.chars().count() <= 12_500, "{}", found.text.chars().count());
    assert!(found.text.contains("가나다"));
}

#[test]
fn the_plain_variant_keeps_lines_and_cells() {
    let found = mail_html_to_text(
        "<p>One</p><p>Two<br>Three &lt;3</p><table><tr><td>a</td><td>b</td></tr></table>",
        1_000,
    );
    assert_eq!(found.text, "One\n\nTwo\nThree <3\n\na | b");
}

#[test]
fn visible_text_in_means_text_out() {
    for html in [
        "plain",
        "&lt;",
        "<td>cell",
        "a < b & c > d",
        "<p",
        "<p>x</div></div></p>",
        "<![if !mso]>seen<![endif]>",
    ] {
        let visible = mail_html_to_text(html, 100).text;
        assert_eq!(visible.is_empty(), markdown(html).is_empty(), "{html}");
    }
    assert!(markdown("a < b & c").contains("a < b & c") || markdown("a < b & c").contains("a &lt; b"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    #[test]
    fn any_tag_soup_is_survived(soup in proptest::collection::vec(
        proptest::sample::select(vec!["<div>", "</div>", "<td>", "<table>", "<li>", "</p>", "<p>", "<a href='", "'>", "word", "<!--", "-->",
            "<script>", "</script>", "<b>", "<pre>", "\n", "&#", "<br>", "<ul>", "</table>", "<style", ">", "가", "<![CDATA[", "<svg>", "<h1>"]), 0..60)) {
        let html = soup.concat();
        let visible = mail_html_to_text(&html, 1_000).text;
        let text = mail_html_to_markdown(&html, 1_000).text;
        proptest::prop_assert!(visible.chars().filter(|c| c.is_alphanumeric()).count() <= 2 * text.chars().filter(|c| c.is_alphanumeric()).count() + 1);
    }
}
#[test]
fn layout_tables_become_paragraphs_and_data_tables_stay() {
    let layout = "<table><tr><td><table><tr><td><h1>Sale</h1><p>Save now.</p></td></tr></table></td><td>side</td></tr></table>";
    assert_eq!(markdown(layout), "# Sale\n\nSave now.\n\nside");
    let named = "<table role='presentation'><tr><td>left</td><td>right</td></tr></table>";
    assert!(!markdown(named).contains('|'));
    let data = "<table><tr><td><p>a</p></td><td><p>b</p></td></tr><tr><td>1</td><td>2</td></tr></table>";
    assert!(markdown(data).contains("| 1 | 2 |"));
    assert_eq!(mail_html_to_text(data, 100).text, "a | b\n1 | 2");
}

#[test]
fn classes_that_hide_are_followed_outside_of_media_queries() {
    let html = "<style><!-- /* x */ p.MsoNormal{margin:0} .pre, #gone { display:none !important }\
        @media (max-width:600px){ .wide{display:none} .pre{display:block} } .tiny{font-size:0px} a:hover{color:red} --></style>\
        <p class='x pre'>SECRET</p><p id=gone>SECRET</p><p class=tiny>SECRET</p><p class=wide>shown</p>\
        <p class=pre style='display:block'>taken back</p>";
    let found = mail_html_to_markdown(html, 1_000);
    assert_eq!(found.text, "shown\n\ntaken back");
    assert_eq!(found.hidden_removed, 3);
}
