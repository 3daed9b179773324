//! Sending: the message goes into Sent Items, and a copy into the inbox of everybody of the tenant it is addressed to.
use parking_lot::RwLock;

use super::super::GraphState;
use super::super::error::GraphError;
use super::super::given;
use super::super::mailbox::Mailbox;
use crate::sim::clock;
use crate::sim::directory::{Directory, Person};
use crate::sim::seed::model::{Contact, Flag, Mail};

/// The right to send as a mailbox is missing.
pub(in crate::sim::graph) fn denied() -> GraphError {
    let text = "The user account which was used to submit this request does not have the right to send mail on behalf of \
                the specified sending account.";
    GraphError::new(403, "ErrorSendAsDenied", text)
}

/// Refuses what Exchange would not send.
pub(super) fn check(mail: &Mail, person: &Person) -> Result<(), GraphError> {
    let own = |from: &Contact| from.address.eq_ignore_ascii_case(&person.mail);
    if !mail.from.as_ref().is_none_or(own) {
        return Err(denied());
    }
    let mut people = mail.to.iter().chain(&mail.cc).chain(&mail.bcc).peekable();
    if people.peek().is_none() {
        let text =
            "At least one recipient isn't valid., A message can't be sent because it contains no recipients.";
        return Err(GraphError::new(400, "ErrorInvalidRecipients", text));
    }
    let is_odd = |person: &&Contact| {
        let (local, domain) = person.address.split_once('@').unwrap_or_default();
        local.is_empty() || !domain.contains('.') || person.address.chars().any(char::is_whitespace)
    };
    if people.any(|person| is_odd(&person)) { Err(given::bad_recipients()) } else { Ok(()) }
}

/// A message as it stands in Sent Items.
pub(super) fn posted(mail: &mut Mail, folder: usize) {
    let now = clock::now();
    (mail.sent, mail.received) = (now, now);
    (mail.draft, mail.read, mail.folder) = (false, true, folder);
}

/// Brings a message that was sent to its people.
pub(super) fn deliver(state: &GraphState, directory: &Directory, mail: &Mail) {
    for person in directory.mailboxes() {
        let is_own = |contact: &Contact| contact.address.eq_ignore_ascii_case(&person.mail);
        if !mail.to.iter().chain(&mail.cc).chain(&mail.bcc).any(is_own) {
            continue;
        }
        let Some(mailbox) = state.mailbox(&person.oid).map(RwLock::write) else { continue };
        receive(mailbox, mail);
    }
}

fn receive(mut mailbox: impl std::ops::DerefMut<Target = Mailbox>, mail: &Mail) {
    let Ok(folder) = mailbox.folder("inbox") else { return };
    mailbox.add(Mail {
        folder,
        bcc: Vec::new(),
        received: clock::now(),
        read: false,
        draft: false,
        flag: Flag::None,
        categories: Vec::new(),
        headers: vec![("Authentication-Results", "spf=pass dkim=pass dmarc=pass".to_owned())],
        revision: 0,
        modified: None,
        ..mail.clone()
    });
}
