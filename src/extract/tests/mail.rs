//! Internet message files, honest and hostile.

use super::super::types::{Kind, Limits};
use super::super::{ExtractError, ExtractOptions};
use super::{extract, read};

#[test]
fn messages_are_read_in_any_code_page() {
    let mut file = b"Received: from x\r\nFrom: =?EUC-KR?B?sei5zrz2?= <kim@contoso.example>\r\n\
        To: \"Lee, Young\" <lee@contoso.example>, park@contoso.example\r\nSubject: =?utf-8?Q?=EA=B2=AC=EC=A0=81?=\r\n\
        Date: Mon, 5 Jan 2026 18:00:00 +0900\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
        Content-Type: text/plain; charset=ks_c_5601-1987\r\n\r\n"
        .to_vec();
    file.extend(
        b"\xC7\xD1\xB1\xDB\r\n--b\r\nContent-Type: application/pdf; name=\"a #1.pdf\"\r\n\
        Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\nAAECAw==\r\n--b\r\n\
        Content-Type: message/rfc822\r\n\r\nFrom: park@contoso.example\r\nSubject: inner\r\n\
        Content-Type: text/html\r\n\r\n<p>in</p><p style=\"display:none\">SECRET</p>\r\n--b--\r\n",
    );
    let found = extract(&file).unwrap();
    assert_eq!(found.kind, Kind::Eml);
    let expected = "Subject: 견적\nFrom: 김민수 <kim@contoso.example>\n\
        To: Lee, Young <lee@contoso.example>; park@contoso.example\nDate: 2026-01-05T18:00:00+09:00\n\
        Attached: a #1.pdf (4 bytes)\n";
    assert!(found.text.starts_with(expected), "{}", found.text);
    assert!(found.text.contains("\n한글\n"), "{}", found.text);
    assert!(found.text.ends_with("## Attached message\nSubject: inner\nFrom: park@contoso.example\n\nin"));
    assert_eq!(found.notes, ["1 hidden parts left out"]);
}

#[test]
fn only_messages_are_read_as_messages() {
    let text = b"From: the start it was a note.\r\n\r\nTo: do";
    assert_eq!(extract(text).unwrap().kind, Kind::Text);
    let named = read("a.EML", "", text, &ExtractOptions::default(), &Limits::default()).unwrap();
    assert_eq!(named.kind, Kind::Eml);
    let empty = read("a.eml", "", b"", &ExtractOptions::default(), &Limits::default());
    assert_eq!(empty, Err(ExtractError::malformed("no message headers")));
}

#[test]
fn hostile_messages_end() {
    let part =
        |n| format!("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n");
    let nested: Vec<String> = (0..2_000).map(part).collect();
    let nested = nested.concat();
    let _any = extract(nested.as_bytes());
    let messages = "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n".repeat(5_000);
    let _any = extract(messages.as_bytes());
    let parts = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\n".repeat(300_000)
    );
    assert!(matches!(extract(parts.as_bytes()), Err(ExtractError::Bomb { .. })));
    let deep = format!(
        "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n{}x{}",
        "<div>".repeat(50_000),
        "</div>".repeat(50_000)
    );
    assert!(extract(deep.as_bytes()).is_ok());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    #[test]
    fn random_messages_never_panic(parts in proptest::collection::vec("(--b|\r\n|: |[a-z=?/;\"<>-]{0,5}|Content-Type: multipart/mixed; boundary=b\r\n)", 0..60)) {
        let _any = extract(format!("MIME-Version: 1.0\r\n{}", parts.concat()).as_bytes());
    }
}
