//! What callers call a file in OneDrive, and the address of it in Graph.

use crate::graph::encode::segment;
use crate::tools::error::ToolError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest path (SharePoint's limit on decoded addresses).
const MAX_PATH: usize = 400;
/// Longest name.
const MAX_NAME: usize = 255;
/// Characters that no name in OneDrive has.
const FORBIDDEN: [char; 8] = ['"', '*', ':', '<', '>', '?', '\\', '|'];

/// Names that nothing can have, in lower case.
const RESERVED: [&str; 6] = [".lock", "con", "prn", "aux", "nul", "desktop.ini"];

/// A file or folder as a caller names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Root,
    /// Names below the root of the own drive.
    Path(Vec<String>),
    /// An id in the own drive.
    Item(String),
    /// An id in another drive, as lists of shared files give it: `{drive}:{item}`.
    Remote {
        drive: String,
        item: String,
    },
    /// A sharing link, as Graph wants it in an address.
    Share(String),
}

impl Address {
    /// Reads the argument `field`. Names with a slash, and every other name at the root, are paths; what has the form
    /// of an id is one.
    pub(super) fn parse(field: &str, text: &str) -> Result<Self, ToolError> {
        let text = text.trim();
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(Self::Share(format!("u!{}", URL_SAFE_NO_PAD.encode(text))));
        }
        if let Some((drive, item)) = text.split_once(':').filter(|(drive, _)| drive.starts_with("b!")) {
            if is_id(item) {
                return Ok(Self::Remote { drive: drive.to_owned(), item: item.to_owned() });
            }
            return Err(ToolError::invalid(field, format!("`{field}` is no id of a file: list again.")));
        }
        if is_id(text) {
            return Ok(Self::Item(text.to_owned()));
        }
        let below =
            ["/drive/root:", "root:"].iter().find_map(|start| text.strip_prefix(start)).unwrap_or(text);
        let names = names(field, below)?;
        Ok(match names.as_slice() {
            [] => Self::Root,
            [only] if only == "root" => Self::Root,
            _ => Self::Path(names),
        })
    }

    /// The id of an item that Graph told of.
    pub(super) fn of_id(id: &str) -> Self {
        match id.split_once(':') {
            Some((drive, item)) => Self::Remote { drive: drive.to_owned(), item: item.to_owned() },
            None => Self::Item(id.to_owned()),
        }
    }

    /// Path of the item in Graph; `part` is what is asked of it, such as `children`, or nothing.
    pub(super) fn graph_path(&self, part: &str) -> String {
        let slash = if part.is_empty() { "" } else { "/" };
        match self {
            Self::Root => format!("/me/drive/root{slash}{part}"),
            Self::Path(names) => {
                let path: Vec<String> = names.iter().map(|name| segment(name)).collect();
                let colon = if part.is_empty() { "" } else { ":/" };
                format!("/me/drive/root:/{}{colon}{part}", path.join("/"))
            }
            Self::Item(id) => format!("/me/drive/items/{}{slash}{part}", segment(id)),
            Self::Remote { drive, item } => {
                format!("/drives/{}/items/{}{slash}{part}", segment(drive), segment(item))
            }
            Self::Share(token) => format!("/shares/{token}/driveItem{slash}{part}"),
        }
    }

    /// Permission that reading it takes.
    pub(super) fn scope(&self) -> &'static str {
        match self {
            Self::Root | Self::Path(_) | Self::Item(_) => "Files.Read",
            Self::Remote { .. } => "Files.Read.All",
            Self::Share(_) => "Files.ReadWrite",
        }
    }
}

/// Names of a path, checked.
pub(super) fn names(field: &str, path: &str) -> Result<Vec<String>, ToolError> {
    let names: Vec<String> =
        path.split('/').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names.iter().try_for_each(|name| check_name(field, name))?;
    if path.chars().count() > MAX_PATH {
        return Err(ToolError::invalid(field, format!("`{field}` is longer than {MAX_PATH} characters.")));
    }
    Ok(names)
}

/// Refuses names that OneDrive does not take.
pub(super) fn check_name(field: &str, name: &str) -> Result<(), ToolError> {
    let bad = |what: &str| Err(ToolError::invalid(field, format!("`{field}`: {what}")));
    if matches!(name, "." | "..") {
        return bad("paths start at the root of the drive and have no . or .. in them.");
    }
    if name.contains(FORBIDDEN) || name.chars().any(char::is_control) {
        return bad("names in OneDrive have none of these characters: \" * : < > ? \\ |");
    }
    if name.chars().count() > MAX_NAME {
        return bad("a name has at most 255 characters.");
    }
    Ok(())
}

/// Refuses names that OneDrive keeps for itself: none of them can be given to anything.
pub(super) fn check_new_name(field: &str, name: &str) -> Result<(), ToolError> {
    check_name(field, name)?;
    let lower = name.to_lowercase();
    let stem = lower.split('.').next().unwrap_or_default();
    let device = ["com", "lpt"].iter().filter_map(|start| stem.strip_prefix(start));
    let numbered =
        device.into_iter().any(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    if RESERVED.contains(&lower.as_str()) || numbered || lower.starts_with("~$") || lower.contains("_vti_") {
        return Err(ToolError::invalid(
            field,
            format!("`{field}`: OneDrive keeps the name \"{name}\" for itself."),
        ));
    }
    Ok(())
}

/// Ids of OneDrive for Business (34 of base 32) and of personal drives (`8F9A…!123`).
fn is_id(text: &str) -> bool {
    let business = text.len() == 34
        && text.starts_with("01")
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let personal = text.split_once('!').is_some_and(|(drive, item)| {
        (8..=16).contains(&drive.len())
            && drive.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !item.is_empty()
            && item.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    business || personal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> String {
        Address::parse("file_path", text).unwrap().graph_path("content")
    }

    #[test]
    fn names_at_the_root_are_names_and_ids_are_ids() {
        for (given, expected) in [
            ("", "/me/drive/root/content"),
            ("/", "/me/drive/root/content"),
            ("root", "/me/drive/root/content"),
            ("notes.txt", "/me/drive/root:/notes.txt:/content"),
            ("/Documents//notes.txt/", "/me/drive/root:/Documents/notes.txt:/content"),
            ("/drive/root:/Documents", "/me/drive/root:/Documents:/content"),
            ("report#1 100%.docx", "/me/drive/root:/report%231%20100%25.docx:/content"),
            ("it's.txt", "/me/drive/root:/it%27s.txt:/content"),
            ("50%25 off.txt", "/me/drive/root:/50%2525%20off.txt:/content"),
            ("a/b!c.txt", "/me/drive/root:/a/b%21c.txt:/content"),
            (
                "01ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                "/me/drive/items/01ABCDEFGHIJKLMNOPQRSTUVWXYZ234567/content",
            ),
            ("8F9A2B3C4D5E6F70!123", "/me/drive/items/8F9A2B3C4D5E6F70%21123/content"),
            (
                "b!xY-_9:01ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                "/drives/b%21xY-_9/items/01ABCDEFGHIJKLMNOPQRSTUVWXYZ234567/content",
            ),
            ("https://x.example/a b", "/shares/u!aHR0cHM6Ly94LmV4YW1wbGUvYSBi/driveItem/content"),
        ] {
            assert_eq!(path(given), expected, "{given}");
        }
    }

    #[test]
    fn no_path_leaves_the_drive() {
        for odd in
            ["../x", "a/../../messages", "./a", "a:/b", "root:/a:/content", "b!x:y", "a\u{0}b", "a?b", "a\\b"]
        {
            let refused = Address::parse("file_path", odd);
            assert!(refused.is_err(), "{odd}: {refused:?}");
        }
        assert!(Address::parse("file_path", &"a/".repeat(300)).is_err());
        assert!(Address::parse("file_path", &"a".repeat(256)).is_err());
        for odd in [".lock", "CON", "com1", "LPT9.txt", "~$report.docx", "a_vti_b", "Desktop.ini"] {
            assert!(check_new_name("file_path", odd).is_err(), "{odd}");
        }
        for fine in ["console", "com10", "comb.txt", "lock", "~report.docx"] {
            assert!(check_new_name("file_path", fine).is_ok(), "{fine}");
        }
    }
}
