//! `$select` and `$expand` of messages, folders and attachments.
use super::error::GraphError;

/// Properties of a message in the order Graph writes them.
pub(super) const MESSAGE: [&str; 32] = [
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "receivedDateTime",
    "sentDateTime",
    "hasAttachments",
    "internetMessageId",
    "subject",
    "bodyPreview",
    "importance",
    "parentFolderId",
    "conversationId",
    "conversationIndex",
    "isDeliveryReceiptRequested",
    "isReadReceiptRequested",
    "isRead",
    "isDraft",
    "webLink",
    "inferenceClassification",
    "body",
    "sender",
    "from",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "flag",
    "uniqueBody",
    "internetMessageHeaders",
    "attachments",
];
/// What only comes when it is named.
const ON_REQUEST: [&str; 3] = ["uniqueBody", "internetMessageHeaders", "attachments"];
/// What `Mail.ReadBasic` hides.
pub(super) const BEYOND_BASIC: [&str; 4] = ["body", "bodyPreview", "uniqueBody", "attachments"];
/// Properties of a folder.
pub(super) const FOLDER: [&str; 7] = [
    "id",
    "displayName",
    "parentFolderId",
    "childFolderCount",
    "unreadItemCount",
    "totalItemCount",
    "isHidden",
];
/// Properties of an attachment.
pub(super) const ATTACHMENT: [&str; 9] = [
    "id",
    "lastModifiedDateTime",
    "name",
    "contentType",
    "size",
    "isInline",
    "contentId",
    "contentLocation",
    "contentBytes",
];
/// Properties of the mailbox settings.
pub(super) const SETTINGS: [&str; 8] = [
    "timeZone",
    "dateFormat",
    "timeFormat",
    "userPurpose",
    "delegateMeetingMessageDeliveryOptions",
    "language",
    "automaticRepliesSetting",
    "workingHours",
];
/// Properties of a user this tenant keeps.
pub(super) const USER: [&str; 14] = [
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
    "accountEnabled",
    "userType",
    "mailNickname",
];

/// The chosen properties, in the type's own order.
#[derive(Clone, Debug)]
pub(super) struct Select {
    pub(super) fields: Vec<&'static str>,
    /// Whether the request named them.
    pub(super) named: bool,
}

impl Select {
    /// Reads `$select` for a type with `all` properties; without one, all but the on-request ones.
    pub(super) fn parse(text: Option<&str>, all: &[&'static str], kind: &str) -> Result<Self, GraphError> {
        let Some(text) = text else {
            let fields = all.iter().copied().filter(|f| !ON_REQUEST.contains(f)).collect();
            return Ok(Self { fields, named: false });
        };
        let mut wanted = Vec::new();
        for name in text.split(',').map(str::trim) {
            let known = all.iter().find(|f| f.eq_ignore_ascii_case(name));
            match known {
                Some(field) => wanted.push(*field),
                None if name == "*" => wanted.extend(all.iter().filter(|f| !ON_REQUEST.contains(f))),
                // Derived types: microsoft.graph.fileAttachment/contentBytes.
                None if name.starts_with("microsoft.graph.") => {
                    wanted.extend(name.rsplit('/').next().and_then(|n| all.iter().find(|f| **f == n)));
                }
                None => {
                    return Err(GraphError::bad_uri(format!(
                        "Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
                    )));
                }
            }
        }
        // The id always comes, as at Graph.
        let fields = all.iter().copied().filter(|f| *f == "id" || wanted.contains(f)).collect();
        Ok(Self { fields, named: true })
    }

    /// Whether `field` is chosen.
    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.contains(&field)
    }
}

/// `$expand` of a message: attachments with their own `$select`.
pub(super) fn expand_attachments(text: Option<&str>) -> Result<Option<Select>, GraphError> {
    let Some(text) = text else { return Ok(None) };
    let (name, options) = match text.split_once('(') {
        Some((name, rest)) => (name, rest.strip_suffix(')').unwrap_or(rest)),
        None => (text, ""),
    };
    if name.trim() != "attachments" {
        return Err(GraphError::bad_uri(format!(
            "Could not find a property named '{}' on type 'microsoft.graph.message'.",
            name.trim()
        )));
    }
    let select = options.split(';').find_map(|o| o.trim().strip_prefix("$select="));
    Select::parse(select, &ATTACHMENT, "attachment").map(Some)
}
