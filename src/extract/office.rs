//! What Word and PowerPoint packages share: relationships and part names (ECMA-376 part 2).

use super::archive::Archive;
use super::types::{ExtractError, Limits};
use super::xml::{Token, Xml};

/// A relationship of a part.
pub(super) struct Relationship {
    /// Its id in the part.
    pub(super) id: String,
    /// Last segment of its type.
    pub(super) kind: String,
    /// Part it points to, from the root of the package.
    pub(super) target: String,
}

/// The relationships of a part; none when it has no list.
pub(super) fn relationships(
    archive: &mut Archive<'_>,
    part: &str,
    limits: &Limits,
) -> Result<Vec<Relationship>, ExtractError> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    let list =
        if folder.is_empty() { format!("_rels/{file}.rels") } else { format!("{folder}/_rels/{file}.rels") };
    let Some(text) = archive.text(&list)? else {
        return Ok(Vec::new());
    };
    let mut xml = Xml::new(&text, limits.xml_depth);
    let mut found = Vec::new();
    while let Some(token) = xml.next()? {
        if let Token::Start(tag) = token
            && tag.name == "Relationship"
            && tag.get("TargetMode") != Some("External")
            && let (Some(id), Some(kind), Some(target)) = (tag.get("Id"), tag.get("Type"), tag.get("Target"))
        {
            found.push(Relationship {
                id: id.to_owned(),
                kind: kind.rsplit('/').next().unwrap_or(kind).to_owned(),
                target: resolve(folder, target),
            });
        }
    }
    Ok(found)
}

/// The main part of a package.
pub(super) fn main_part(
    archive: &mut Archive<'_>,
    limits: &Limits,
    usual: &str,
) -> Result<String, ExtractError> {
    let roots = relationships(archive, "", limits)?;
    Ok(roots
        .into_iter()
        .find(|relationship| relationship.kind == "officeDocument")
        .map_or_else(|| usual.to_owned(), |relationship| relationship.target))
}

fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            segment => path.push(segment),
        }
    }
    path.join("/")
}

/// A table cell's text on one line.
pub(super) fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
