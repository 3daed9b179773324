//! What holds for every name of a file that is to be saved.

use super::disposition::attachment;
use percent_encoding::percent_decode_str;

/// The header is one line of one parameter or two, and both name a file in no other folder.
pub(crate) fn name(name: &str) {
    let value = attachment(name);
    let Ok(text) = value.to_str() else { unreachable!("a header of ours is ASCII: {value:?}") };
    let Some(rest) = text.strip_prefix("attachment; filename=\"") else { unreachable!("{text}") };
    let Some((plain, rest)) = rest.split_once('"') else { unreachable!("{text}") };
    let is_safe = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && !name.contains(['/', '\\', '"'])
            && !name.chars().any(char::is_control)
    };
    assert!(is_safe(plain) && !plain.contains('%'), "{text}");
    if let Some(full) = rest.strip_prefix("; filename*=UTF-8''") {
        let full = percent_decode_str(full).decode_utf8();
        assert!(full.is_ok_and(|full| is_safe(&full) && full.chars().count() <= 200), "{text}");
    } else {
        assert_eq!(rest, "");
    }
}
