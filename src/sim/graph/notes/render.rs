//! Entities as JSON, in the shape that was asked for.

use chrono::{DateTime, SecondsFormat, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::shape::{Kind, Shape};
use super::store::{Group, Notebook, Page, Section, Shelf};

const HOST: &str = "https://contoso-my.sharepoint.example";

/// Writes the entities of one person.
#[derive(Clone, Copy)]
pub(super) struct Paint<'a> {
    pub(super) shelf: &'a Shelf,
    pub(super) origin: &'a str,
}

pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Paint<'_> {
    /// `https://…/v1.0/users/{oid}/onenote`.
    pub(super) fn base(&self) -> String {
        format!("{}/v1.0/users/{}/onenote", self.origin, self.shelf.oid)
    }

    fn links(&self, below: &str) -> Value {
        let site = self.shelf.upn.replace(['@', '.'], "_");
        let below: Vec<String> =
            below.split('/').map(|name| utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()).collect();
        let web = format!("{HOST}/personal/{site}/Documents/Notebooks/{}", below.join("/"));
        json!({ "oneNoteClientUrl": { "href": format!("onenote:{web}") }, "oneNoteWebUrl": { "href": web } })
    }

    fn by(&self) -> Value {
        json!({ "user": { "id": self.shelf.oid, "displayName": self.shelf.name } })
    }

    pub(super) fn notebook(&self, one: &Notebook, shape: &Shape) -> Value {
        let base = self.base();
        let url = format!("{base}/notebooks/{}", one.id);
        let first = self.shelf.notebooks.first().is_some_and(|first| first.id == one.id);
        let all = json!({
            "id": one.id, "self": url, "createdDateTime": time(one.modified), "displayName": one.name,
            "createdBy": self.by(), "lastModifiedBy": self.by(), "lastModifiedDateTime": time(one.modified),
            "isDefault": first, "userRole": "Owner", "isShared": one.shared,
            "sectionsUrl": format!("{url}/sections"), "sectionGroupsUrl": format!("{url}/sectionGroups"),
            "links": self.links(&one.name),
        });
        self.shaped(all, shape, |name, inner| match name {
            "sections" => self
                .shelf
                .sections
                .iter()
                .filter(|section| section.notebook == one.id && section.group.is_none())
                .map(|section| self.section(section, inner))
                .collect(),
            _ => self
                .shelf
                .groups
                .iter()
                .filter(|group| group.notebook == one.id)
                .map(|group| self.group(group, inner))
                .collect(),
        })
    }

    pub(super) fn group(&self, one: &Group, shape: &Shape) -> Value {
        let url = format!("{}/sectionGroups/{}", self.base(), one.id);
        let all = json!({
            "id": one.id, "self": url, "createdDateTime": time(one.modified), "displayName": one.name,
            "createdBy": self.by(), "lastModifiedBy": self.by(), "lastModifiedDateTime": time(one.modified),
            "sectionsUrl": format!("{url}/sections"), "sectionGroupsUrl": format!("{url}/sectionGroups"),
        });
        self.shaped(all, shape, |name, inner| match name {
            "sections" => self
                .shelf
                .sections
                .iter()
                .filter(|section| section.group.as_ref() == Some(&one.id))
                .map(|section| self.section(section, inner))
                .collect(),
            "parentNotebook" => self.above(&one.notebook, inner),
            // Groups in groups are not seeded.
            _ => json!([]),
        })
    }

    pub(super) fn section(&self, one: &Section, shape: &Shape) -> Value {
        let url = format!("{}/sections/{}", self.base(), one.id);
        let book = self.shelf.notebooks.iter().find(|book| book.id == one.notebook);
        let place = format!("{}/{}.one", book.map_or("", |book| book.name.as_str()), one.name);
        let all = json!({
            "id": one.id, "self": url, "createdDateTime": time(one.modified), "displayName": one.name,
            "createdBy": self.by(), "lastModifiedBy": self.by(), "lastModifiedDateTime": time(one.modified),
            "isDefault": false, "pagesUrl": format!("{url}/pages"), "links": self.links(&place),
        });
        self.shaped(all, shape, |name, inner| {
            if name == "parentNotebook" {
                return self.above(&one.notebook, inner);
            }
            let group = one.group.as_ref().and_then(|id| self.shelf.groups.iter().find(|g| g.id == *id));
            group.map_or(Value::Null, |group| self.group(group, inner))
        })
    }

    /// `order` and `level` come along when `pagelevel` was asked for.
    pub(super) fn page(&self, one: &Page, order: Option<usize>, shape: &Shape) -> Value {
        let url = format!("{}/pages/{}", self.base(), one.id);
        let section = self.shelf.sections.iter().find(|section| section.id == one.section);
        let all = json!({
            "id": one.id, "self": url, "createdDateTime": time(one.created), "title": one.title,
            "createdByAppId": "", "contentUrl": format!("{url}/content"), "lastModifiedDateTime": time(one.modified),
            "links": self.links(&format!("page/{}", one.id)), "userTags": [],
            "level": order.map(|_| one.level), "order": order,
        });
        self.shaped(all, shape, |name, inner| match (name, section) {
            ("parentSection", Some(section)) => self.section(section, inner),
            (_, Some(section)) => self.above(&section.notebook, inner),
            (_, None) => Value::Null,
        })
    }

    fn above(&self, notebook: &str, shape: &Shape) -> Value {
        let found = self.shelf.notebooks.iter().find(|one| one.id == notebook);
        found.map_or(Value::Null, |one| self.notebook(one, shape))
    }

    fn shaped(&self, all: Value, shape: &Shape, below: impl Fn(&str, &Shape) -> Value) -> Value {
        let Value::Object(all) = all else { return Value::Null };
        // Absent for pages unless asked for.
        let wanted = all.into_iter().filter(|(name, value)| shape.has(name) && !value.is_null());
        let mut out: Map<String, Value> = wanted.collect();
        for (name, inner) in &shape.expand {
            if shape.kind == Kind::Notebook || shape.kind == Kind::Group {
                out.insert(format!("{name}@odata.context"), json!(format!("{}/{name}", self.base())));
            }
            out.insert(name.clone(), below(name, inner));
        }
        out.into()
    }
}
