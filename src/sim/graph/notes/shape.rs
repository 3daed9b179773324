//! `$select` and `$expand` of notebooks, section groups, sections and pages.

use super::errors::bad;
use crate::sim::graph::call::Call;
use crate::sim::graph::error::GraphError;

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Notebook,
    Group,
    Section,
    Page,
}

impl Kind {
    fn properties(self) -> &'static [&'static str] {
        match self {
            Self::Notebook => &[
                "id",
                "self",
                "createdDateTime",
                "createdBy",
                "displayName",
                "lastModifiedBy",
                "lastModifiedDateTime",
                "isDefault",
                "isShared",
                "links",
                "sectionGroupsUrl",
                "sectionsUrl",
                "userRole",
            ],
            Self::Group => &[
                "id",
                "self",
                "createdDateTime",
                "createdBy",
                "displayName",
                "lastModifiedBy",
                "lastModifiedDateTime",
                "sectionGroupsUrl",
                "sectionsUrl",
            ],
            Self::Section => &[
                "id",
                "self",
                "createdDateTime",
                "createdBy",
                "displayName",
                "lastModifiedBy",
                "lastModifiedDateTime",
                "isDefault",
                "links",
                "pagesUrl",
            ],
            Self::Page => &[
                "id",
                "self",
                "createdDateTime",
                "contentUrl",
                "createdByAppId",
                "lastModifiedDateTime",
                "level",
                "links",
                "order",
                "title",
                "userTags",
            ],
        }
    }

    /// Children, and whether a property leads up.
    fn relations(self) -> &'static [(&'static str, Kind, bool)] {
        match self {
            Self::Notebook => &[("sections", Self::Section, false), ("sectionGroups", Self::Group, false)],
            Self::Group => &[
                ("sections", Self::Section, false),
                ("sectionGroups", Self::Group, false),
                ("parentNotebook", Self::Notebook, true),
            ],
            Self::Section => {
                &[("parentNotebook", Self::Notebook, true), ("parentSectionGroup", Self::Group, true)]
            }
            Self::Page => &[("parentSection", Self::Section, true), ("parentNotebook", Self::Notebook, true)],
        }
    }

    /// What comes along unasked, with id, name and address.
    fn default_expand(self) -> &'static [&'static str] {
        match self {
            Self::Notebook => &[],
            Self::Group | Self::Section => &["parentNotebook"],
            Self::Page => &["parentSection"],
        }
    }
}

/// Which properties are shown.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    fields: Option<Vec<String>>,
    pub(super) expand: Vec<(String, Shape)>,
}

impl Shape {
    pub(super) fn of(call: &Call<'_>, kind: Kind) -> Result<Self, GraphError> {
        let mut shape = Self::read(kind, call.query.get("$select"), call.query.get("$expand"), None)?;
        if call.query.get("$expand").is_none() {
            let brief = |kind| Self {
                kind,
                fields: Some(["id", "displayName", "self"].map(str::to_owned).to_vec()),
                expand: Vec::new(),
            };
            let wanted = kind.relations().iter().filter(|(name, _, _)| {
                kind.default_expand().contains(name)
                    && shape.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == name))
            });
            shape.expand = wanted.map(|(name, kind, _)| ((*name).to_owned(), brief(*kind))).collect();
        }
        Ok(shape)
    }

    /// Everything, with what is above it: for filters.
    pub(super) fn whole(kind: Kind) -> Self {
        let above = kind.relations().iter().filter(|(_, _, up)| *up);
        let bare = |kind| Self { kind, fields: None, expand: Vec::new() };
        let expand = above.map(|(name, kind, _)| ((*name).to_owned(), bare(*kind))).collect();
        Self { kind, fields: None, expand }
    }

    pub(super) fn has(&self, property: &str) -> bool {
        property == "id" || self.fields.as_ref().is_none_or(|fields| fields.iter().any(|f| f == property))
    }

    fn read(
        kind: Kind,
        select: Option<&str>,
        expand: Option<&str>,
        from_above: Option<bool>,
    ) -> Result<Self, GraphError> {
        let invalid = || bad("20145", "The select or expand expression contains an invalid term.");
        let known = |name: &str| {
            kind.properties().contains(&name) || kind.relations().iter().any(|(known, _, _)| *known == name)
        };
        let fields = match select {
            None => None,
            Some(text) => {
                let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
                if names.iter().any(|name| !known(name)) {
                    return Err(invalid());
                }
                Some(names)
            }
        };
        let mut shape = Self { kind, fields, expand: Vec::new() };
        for part in split(expand.unwrap_or_default(), ',') {
            let (name, options) = match part.split_once('(') {
                Some((name, rest)) => (name.trim(), rest.strip_suffix(')').ok_or_else(invalid)?),
                None => (part.trim(), ""),
            };
            let relation = kind.relations().iter().find(|(known, _, _)| *known == name);
            let Some((_, below, up)) = relation else {
                let code = if known(name) { "20144" } else { "20145" };
                return Err(bad(code, "Only navigation properties can be expanded."));
            };
            // Parents of children and children of parents go in circles.
            if from_above.is_some_and(|was_up| was_up != *up) {
                return Err(bad("20142", "The expand expression goes back to where it came from."));
            }
            let option = |wanted: &str| {
                split(options, ';').into_iter().find_map(|one| {
                    let (name, value) = one.split_once('=')?;
                    (name.trim().trim_start_matches('$') == wanted).then_some(value)
                })
            };
            let inner = Self::read(*below, option("select"), option("expand"), Some(*up))?;
            shape.expand.push((name.to_owned(), inner));
        }
        Ok(shape)
    }
}

/// Splits outside parentheses.
fn split(text: &str, at: char) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (index, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if c == at && depth == 0 => {
                parts.push(text.get(start..index).unwrap_or_default());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts.retain(|part| !part.trim().is_empty());
    parts
}
