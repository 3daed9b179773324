//! The properties of a message that `$filter` and `$orderby` may name, and their types.

/// A scalar property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::graph) enum Prop {
    Id,
    Subject,
    Body,
    BodyPreview,
    FromAddress,
    FromName,
    SenderAddress,
    SenderName,
    Received,
    Sent,
    Created,
    Modified,
    IsRead,
    IsDraft,
    HasAttachments,
    Importance,
    Inference,
    FlagStatus,
    Conversation,
    ParentFolder,
    InternetMessageId,
    /// The range variable of a lambda over strings (`categories/any(c:c eq 'x')`).
    Each,
    /// `r/emailAddress/address` inside a lambda over recipients.
    EachAddress,
    /// `r/emailAddress/name` inside a lambda over recipients.
    EachName,
}

/// A collection that a lambda may run over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::graph) enum Set {
    To,
    Cc,
    Bcc,
    ReplyTo,
    Categories,
}

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::graph) enum Kind {
    Text,
    Date,
    Bool,
    /// One of a fixed list of words.
    Choice(&'static [&'static str]),
}

const IMPORTANCE: &[&str] = &["low", "normal", "high"];
const INFERENCE: &[&str] = &["focused", "other"];
const FLAG: &[&str] = &["notflagged", "complete", "flagged"];

impl Prop {
    /// The property a path names outside a lambda.
    pub(in crate::sim::graph) fn of_path(path: &str) -> Option<Self> {
        Some(match path {
            "id" => Self::Id,
            "subject" => Self::Subject,
            "body/content" => Self::Body,
            "bodyPreview" => Self::BodyPreview,
            "from/emailAddress/address" => Self::FromAddress,
            "from/emailAddress/name" => Self::FromName,
            "sender/emailAddress/address" => Self::SenderAddress,
            "sender/emailAddress/name" => Self::SenderName,
            "receivedDateTime" => Self::Received,
            "sentDateTime" => Self::Sent,
            "createdDateTime" => Self::Created,
            "lastModifiedDateTime" => Self::Modified,
            "isRead" => Self::IsRead,
            "isDraft" => Self::IsDraft,
            "hasAttachments" => Self::HasAttachments,
            "importance" => Self::Importance,
            "inferenceClassification" => Self::Inference,
            "flag/flagStatus" => Self::FlagStatus,
            "conversationId" => Self::Conversation,
            "parentFolderId" => Self::ParentFolder,
            "internetMessageId" => Self::InternetMessageId,
            _ => return None,
        })
    }

    /// The property a path names inside a lambda over `set`, the range variable taken off.
    pub(in crate::sim::graph) fn of_each(set: Set, path: &str) -> Option<Self> {
        match (set, path) {
            (Set::Categories, "") => Some(Self::Each),
            (Set::To | Set::Cc | Set::Bcc | Set::ReplyTo, "emailAddress/address") => Some(Self::EachAddress),
            (Set::To | Set::Cc | Set::Bcc | Set::ReplyTo, "emailAddress/name") => Some(Self::EachName),
            (Set::To | Set::Cc | Set::Bcc | Set::ReplyTo | Set::Categories, _) => None,
        }
    }

    /// Its type.
    pub(in crate::sim::graph) fn kind(self) -> Kind {
        match self {
            Self::Received | Self::Sent | Self::Created | Self::Modified => Kind::Date,
            Self::IsRead | Self::IsDraft | Self::HasAttachments => Kind::Bool,
            Self::Importance => Kind::Choice(IMPORTANCE),
            Self::Inference => Kind::Choice(INFERENCE),
            Self::FlagStatus => Kind::Choice(FLAG),
            Self::Id
            | Self::Subject
            | Self::Body
            | Self::BodyPreview
            | Self::FromAddress
            | Self::FromName
            | Self::SenderAddress
            | Self::SenderName
            | Self::Conversation
            | Self::ParentFolder
            | Self::InternetMessageId
            | Self::Each
            | Self::EachAddress
            | Self::EachName => Kind::Text,
        }
    }

    /// Whether Exchange sorts by it.
    pub(super) fn sortable(self) -> bool {
        !matches!(
            self,
            Self::Id
                | Self::Body
                | Self::BodyPreview
                | Self::Conversation
                | Self::ParentFolder
                | Self::InternetMessageId
                | Self::Each
                | Self::EachAddress
                | Self::EachName
        )
    }
}

impl Set {
    /// The collection a path names.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        Some(match path {
            "toRecipients" => Self::To,
            "ccRecipients" => Self::Cc,
            "bccRecipients" => Self::Bcc,
            "replyTo" => Self::ReplyTo,
            "categories" => Self::Categories,
            _ => return None,
        })
    }
}
