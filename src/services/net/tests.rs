use super::*;

#[test]
fn hosts_are_read_as_what_they_mean() {
    for (text, expected) in [
        (" Example.COM ", "example.com"),
        ("0x7f.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("::1", "[::1]"),
        ("[::1]", "[::1]"),
        ("bücher.example", "xn--bcher-kva.example"),
    ] {
        assert_eq!(host(text).unwrap().to_string(), expected, "{text}");
    }
    let long = "a".repeat(254);
    for bad in
        ["", " ", "http://example.com", "example.com:80", "example.com/path", "a b", "u@example.com", &long]
    {
        assert_eq!(host(bad).unwrap_err().code(), "invalid_input", "{bad}");
    }
}
