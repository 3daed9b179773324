//! Bytes into text when nobody says how they are encoded.

use encoding_rs::{EUC_KR, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Text and the name of the encoding that gave it.
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) encoding: &'static str,
}

/// Byte order mark, else UTF-8, else Korean (cp949), else Western. `None` for binary data. `cut` says that more
/// followed, so that the last character may be half.
pub(super) fn decode(bytes: &[u8], cut: bool) -> Option<Decoded> {
    if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        let text = encoding.decode_without_bom_handling(bytes.get(skip..)?).0.into_owned();
        return Some(Decoded { text, encoding: encoding.name() });
    }
    if looks_binary(bytes) {
        return None;
    }
    let (encoding, text) = match std::str::from_utf8(bytes) {
        Ok(text) => (UTF_8, text.to_owned()),
        // A file cut inside its last character is still UTF-8.
        Err(error) if error.error_len().is_none() => (UTF_8, String::from_utf8_lossy(bytes).into_owned()),
        Err(_) => match korean(bytes, cut) {
            Some(text) => (EUC_KR, text),
            None => (WINDOWS_1252, WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()),
        },
    };
    Some(Decoded { text, encoding: encoding.name() })
}

/// The bytes as Korean: every one of them, or, in a text that is plainly Korean, all but a few damaged ones.
fn korean(bytes: &[u8], cut: bool) -> Option<String> {
    let (text, damaged) = EUC_KR.decode_without_bom_handling(bytes);
    if !damaged {
        return Some(text.into_owned());
    }
    let mut lost = text.chars().filter(|c| *c == '\u{FFFD}').count();
    lost -= usize::from(cut && text.ends_with('\u{FFFD}'));
    let hangul = text.chars().filter(|c| ('가'..='힣').contains(c)).count();
    (lost * 50 <= hangul).then(|| text.into_owned())
}

/// XML parts are UTF-8 or UTF-16 with a mark (ECMA-376 part 2, 8.1.2).
pub(super) fn decode_xml(bytes: Vec<u8>) -> String {
    match Encoding::for_bom(&bytes) {
        Some((encoding, skip)) if encoding == UTF_16LE || encoding == UTF_16BE => {
            encoding.decode_without_bom_handling(bytes.get(skip..).unwrap_or_default()).0.into_owned()
        }
        Some(_) | None => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

fn looks_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(64 << 10)).unwrap_or(bytes);
    let control = head.iter().filter(|b| matches!(b, 1..=8 | 14..=26 | 28..=31 | 127)).count();
    head.contains(&0) || control * 50 > head.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        let cases: [(&[u8], &str, &str); 6] = [
            ("이름,나이".as_bytes(), "이름,나이", "UTF-8"),
            (b"\xEF\xBB\xBFa", "a", "UTF-8"),
            (b"\xFF\xFEa\0", "a", "UTF-16LE"),
            (b"\xC0\xCC\xB8\xA7,\xB3\xAA\xC0\xCC", "이름,나이", "EUC-KR"),
            (b"\x8C\x63\xB9\xE6\xB0\xA2\xC7\xCF", "똠방각하", "EUC-KR"),
            (b"caf\xE9 cr\xE8me", "café crème", "windows-1252"),
        ];
        for (bytes, text, encoding) in cases {
            let decoded = decode(bytes, false).unwrap();
            assert_eq!((decoded.text.as_str(), decoded.encoding), (text, encoding));
        }
        assert!(decode(b"\x7FELF\0\0\0", false).is_none());
        assert_eq!(decode(&"가나".as_bytes()[..5], false).unwrap().encoding, "UTF-8");
        let long = b"\xC0\xCC\xB8\xA7 ".repeat(100);
        assert_eq!(decode(&long[..long.len() - 2], true).unwrap().encoding, "EUC-KR");
        let damaged = [long.as_slice(), b"\xFF\xFF"].concat();
        assert_eq!(decode(&damaged, false).unwrap().encoding, "EUC-KR");
    }
}
