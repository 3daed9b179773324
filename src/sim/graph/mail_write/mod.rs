//! Writing mail: drafts, answers, sending, marks, moves, removal, folders.
pub(super) mod enclose;
mod input;
mod reply;
mod send;

pub(super) use send::denied as send_denied;

use serde_json::Value;

use super::GraphState;
use super::call::{Answer, Call};
use super::error::GraphError;
use super::given;
use super::mailbox::Mailbox;
use super::render::change_key;
use super::routes::mailbox;
use super::{folders, messages};
use crate::sim::clock;
use crate::sim::directory::{Directory, Person};

/// Scopes that change mail.
const WRITE: [&str; 2] = ["Mail.ReadWrite", "Mail.ReadWrite.Shared"];
/// Scopes that send it.
pub(super) const SEND: [&str; 2] = ["Mail.Send", "Mail.Send.Shared"];

/// Answers every write below `/me` that is about mail.
pub(super) fn dispatch(
    state: &GraphState,
    directory: &Directory,
    person: &Person,
    call: &Call<'_>,
    rest: &[&str],
) -> Result<Answer, GraphError> {
    // A message in its folder is that message.
    let flat: Vec<&str> = match rest {
        ["mailFolders", _, tail @ ..] if matches!(tail, ["messages", _, ..]) => tail.to_vec(),
        all => all.to_vec(),
    };
    let (method, rest) = (call.method, flat.as_slice());
    let sends = matches!((method, rest), ("POST", ["sendMail"] | ["messages", _, "send"]));
    let known = sends
        || match method {
            "POST" => matches!(
                rest,
                ["messages" | "mailFolders"]
                    | ["mailFolders", _, "messages" | "childFolders"]
                    | [
                        "messages",
                        _,
                        "createReply" | "createReplyAll" | "createForward" | "move" | "copy" | "attachments"
                    ]
                    | ["messages", _, "attachments", "createUploadSession"]
            ),
            "PATCH" => matches!(rest, ["messages", _]),
            "DELETE" => matches!(rest, ["messages", _] | ["messages", _, "attachments", _]),
            _ => false,
        };
    if !known {
        return Err(GraphError::method());
    }
    if !call.granted(if sends { &SEND } else { &WRITE }) {
        return Err(GraphError::access_denied());
    }
    let desk = Desk { state, directory, person, call };
    match rest {
        ["sendMail"] => desk.send_mail(),
        ["messages"] => desk.create("drafts"),
        ["mailFolders", folder, "messages"] => desk.create(folder),
        ["mailFolders"] => desk.create_folder("msgfolderroot"),
        ["mailFolders", parent, "childFolders"] => desk.create_folder(parent),
        ["messages", id] if method == "PATCH" => desk.update(id),
        ["messages", id] => desk.delete(id),
        ["messages", id, "send"] => desk.send(id),
        ["messages", id, "attachments"] => desk.attach(id),
        ["messages", id, "attachments", "createUploadSession"] => desk.open_upload(id),
        ["messages", id, "attachments", attachment] => desk.detach(id, attachment),
        ["messages", id, "move"] => desk.relocate(id, false),
        ["messages", id, "copy"] => desk.relocate(id, true),
        ["messages", id, verb] => desk.answer(id, verb),
        _ => Err(GraphError::method()),
    }
}

/// One person's write.
struct Desk<'a> {
    state: &'a GraphState,
    directory: &'a Directory,
    person: &'a Person,
    call: &'a Call<'a>,
}

impl Desk<'_> {
    /// The message behind an id, if it is still in the version that `If-Match` names.
    fn find(&self, mailbox: &Mailbox, id: &str) -> Result<u32, GraphError> {
        let item = mailbox.find(self.call.prefer.ids, id)?;
        if item.attachment.is_some() {
            return Err(GraphError::not_found());
        }
        let etag = format!("W/\"{}\"", change_key(&mailbox.mail(item.message)));
        if self.call.if_match.is_some_and(|given| given != "*" && given != etag) {
            return Err(GraphError::new(
                412,
                "ErrorIrresolvableConflict",
                "The send or update operation could not be performed because the change key passed in the request does \
                 not match the current change key for the item.",
            ));
        }
        Ok(item.message)
    }

    fn shown(&self, status: u16, mailbox: &Mailbox, ix: u32) -> Result<Answer, GraphError> {
        Ok(Answer { status, ..messages::one(self.call, mailbox, ix)? })
    }

    fn create(&self, folder: &str) -> Result<Answer, GraphError> {
        let members = input::message(self.call.body)?;
        let mut mailbox = mailbox(self.state, self.call)?.write();
        let mut mail = input::blank(&mailbox.owner.contact, mailbox.folder(folder)?, clock::now());
        input::apply(&mut mail, &members, self.directory)?;
        let ix = mailbox.add(mail);
        self.shown(201, &mailbox, ix)
    }

    fn update(&self, id: &str) -> Result<Answer, GraphError> {
        let members = input::message(self.call.body)?;
        let mut mailbox = mailbox(self.state, self.call)?.write();
        let ix = self.find(&mailbox, id)?;
        let mut changed = mailbox.mail(ix).clone();
        input::apply(&mut changed, &members, self.directory)?;
        mailbox.change(ix, |mail| *mail = changed);
        self.shown(200, &mailbox, ix)
    }

    fn delete(&self, id: &str) -> Result<Answer, GraphError> {
        let mut mailbox = mailbox(self.state, self.call)?.write();
        let ix = self.find(&mailbox, id)?;
        mailbox.remove(ix);
        Ok(Answer::empty(204))
    }

    fn answer(&self, id: &str, verb: &str) -> Result<Answer, GraphError> {
        let mut mailbox = mailbox(self.state, self.call)?.write();
        let ix = self.find(&mailbox, id)?;
        let own = (&mailbox.owner.contact, mailbox.folder("drafts")?);
        let draft = reply::draft(self.call, verb, &mailbox.mail(ix), own, self.directory)?;
        let ix = mailbox.add(draft);
        self.shown(201, &mailbox, ix)
    }

    /// `move`, or `copy`, which leaves the original and makes a message of its own id.
    fn relocate(&self, id: &str, copies: bool) -> Result<Answer, GraphError> {
        let given = given::action(self.call.body, &["destinationId"])?;
        let target = given.values().next().and_then(Value::as_str);
        let target =
            target.ok_or_else(|| GraphError::bad_request("The parameter 'DestinationId' is missing."))?;
        let mut mailbox = mailbox(self.state, self.call)?.write();
        let ix = self.find(&mailbox, id)?;
        let folder = mailbox.folder(target)?;
        let ix = if copies {
            let copy = mailbox.mail(ix).clone();
            mailbox.add(crate::sim::seed::model::Mail { folder, ..copy })
        } else {
            mailbox.change(ix, |mail| mail.folder = folder);
            ix
        };
        self.shown(201, &mailbox, ix)
    }

    fn create_folder(&self, parent: &str) -> Result<Answer, GraphError> {
        let members = given::members(self.call.body, &super::select::FOLDER, "mailFolder")?;
        let name = members.get("displayName").map(|name| given::text("displayName", name)).transpose()?;
        let name = name
            .filter(|name| !name.trim().is_empty())
            .ok_or_else(|| GraphError::new(400, "ErrorInvalidRequest", "The folder name is missing."))?;
        let mut mailbox = mailbox(self.state, self.call)?.write();
        let parent = mailbox.folder(parent)?;
        let taken = |folder: &crate::sim::seed::model::Folder| {
            folder.parent == Some(parent) && folder.name.to_lowercase() == name.to_lowercase()
        };
        if mailbox.folders.iter().any(taken) {
            let text = "A folder with the specified name already exists.";
            return Err(GraphError::new(409, "ErrorFolderExists", text));
        }
        let at = mailbox.add_folder(name, parent);
        Ok(Answer { status: 201, ..folders::get(self.call, &mailbox, at)? })
    }

    /// `send` of a draft: the immutable id stays the message's own.
    fn send(&self, id: &str) -> Result<Answer, GraphError> {
        let mut mailbox = mailbox(self.state, self.call)?.write();
        let ix = self.find(&mailbox, id)?;
        let mail = mailbox.mail(ix).clone();
        if !mail.draft {
            return Err(GraphError::new(400, "ErrorInvalidRequest", "The message is not a draft."));
        }
        send::check(&mail, self.person)?;
        let folder = mailbox.folder("sentitems")?;
        mailbox.change(ix, |mail| send::posted(mail, folder));
        // The others' mailboxes are locked one at a time, and this one may be among them.
        drop(mailbox);
        send::deliver(self.state, self.directory, &mail);
        Ok(Answer::empty(202))
    }

    fn send_mail(&self) -> Result<Answer, GraphError> {
        let given = given::action(self.call.body, &["message", "saveToSentItems"])?;
        let get =
            |name: &str| given.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let message = get("message").ok_or_else(|| given::mistyped("message"))?;
        let saves = get("saveToSentItems").and_then(Value::as_bool).unwrap_or(true);
        let mut mailbox = mailbox(self.state, self.call)?.write();
        let folder = mailbox.folder("sentitems")?;
        let mut mail = input::blank(&mailbox.owner.contact, folder, clock::now());
        input::apply(&mut mail, input::nested(message)?, self.directory)?;
        send::check(&mail, self.person)?;
        send::posted(&mut mail, folder);
        if saves {
            mailbox.add(mail.clone());
        }
        drop(mailbox);
        send::deliver(self.state, self.directory, &mail);
        Ok(Answer::empty(202))
    }
}
