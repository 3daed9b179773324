//! `/mail-query`: the signed-in user's mail, and mailboxes that are shared with them (see [`mailbox`]; the paths of `/me`
//! that the tools name are `/users/{address}` there). What leaves a mailbox, or takes something away, is confirmed first
//! (see `tools::confirm`).
//!
//! `query_email` walks: arguments → period in the mailbox's zone → [`plan`] → [`listing`] over Graph → [`message`]
//! items → [`body`] → [`super::answer`].

mod args;
mod asked;
mod attachment_manager;
mod attachment_view;
mod body;
mod bulk;
mod carrier;
mod census;
mod create_email_draft;
mod delete_email;
mod draft;
mod enclose;
mod export_email;
mod folders;
mod get_attachment;
mod get_email;
mod get_email_thread;
mod guide;
mod help;
mod letter;
mod list_mail_folders;
mod listing;
mod mail_changes;
mod mailbox_settings;
mod message;
mod organize_email;
mod plan;
mod planner;
mod post;
mod prompts;
mod query_email;
mod ranked;
mod resources;
mod send_email;
mod send_email_draft;
mod sending;
mod simple_query;
mod update_email_draft;
mod window;

#[cfg(test)]
mod tenant_tests;
#[cfg(test)]
mod tests;

use super::own::asker;
use super::people::people_schema;
use super::{ServiceDeps, drive, mailbox, own, zone};
use crate::domain::ids::ServiceName;
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::{ScopeSet, for_others};
use crate::graph::error::GraphError;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::plan::Planner;
use crate::tools::prompt::{Completer, Prompt};
use crate::tools::resource::ResourceSet;
use crate::tools::tool::{Args, Service, Tool, ToolSpec};
use crate::tools::transfer::Carrier;
use message::Frame;
use std::sync::Arc;

/// Permission of every tool that reads mail.
const SCOPES: &[&str] = &["Mail.Read"];
/// Permission of every tool that writes mail.
const WRITE_SCOPES: &[&str] = &["Mail.ReadWrite"];
/// Permissions of what sends a mail that it has written.
const SEND_SCOPES: &[&str] = &["Mail.ReadWrite", "Mail.Send"];
/// Arguments of other tools of this kind, accepted and checked, not listed.
const ALIASES: &[(&str, &str)] = &[("user_id", "user_id"), ("mailbox", "mailbox")];

/// What the tools share.
struct Mail {
    deps: ServiceDeps,
    zones: zone::Zones,
}

impl Mail {
    /// Zone and own domain of the caller.
    async fn frame(&self, context: &CallContext) -> Result<Frame, ToolError> {
        let access = self.deps.graph.access(&context.caller.user).await.map_err(fault)?;
        let zone = self.zones.of(&self.deps, context).await;
        let own_domain = Frame::domain_of(&access.profile.username);
        Ok(Frame { zone, own_domain, mailbox: context.mailbox.clone(), folder: None })
    }

    /// See [`mailbox::enter`].
    async fn enter(
        &self,
        context: &CallContext,
        spec: &ToolSpec,
        args: &mut Args,
    ) -> Result<(CallContext, Vec<String>), ToolError> {
        mailbox::enter(&self.deps.graph, context, spec.scopes, args).await
    }

    /// See [`own::notes`].
    async fn notes(&self, context: &CallContext, args: &Args) -> Result<Vec<String>, ToolError> {
        own::notes(&self.deps.graph, context, args).await
    }
}

/// A Graph failure of a tool that reads mail.
fn fault(error: GraphError) -> ToolError {
    super::fault::tool_error(error, SCOPES)
}

/// A Graph failure of a tool that writes mail.
fn write_fault(error: GraphError) -> ToolError {
    super::fault::tool_error(error, WRITE_SCOPES)
}

/// The service.
pub(super) struct MailQuery {
    info: ServiceInfo,
    tools: Vec<Arc<dyn Tool>>,
    prompts: Vec<Arc<dyn Prompt>>,
    resources: resources::MailResources,
    carrier: carrier::MailCarrier,
    planner: planner::MailPlanner,
    instructions: &'static str,
}

impl MailQuery {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        let mail = Arc::new(Mail { deps: deps.clone(), zones: zone::Zones::default() });
        let resources = resources::MailResources::new(&mail);
        let carrier = carrier::MailCarrier::new(&mail);
        let required = ScopeSet::parse("User.Read Mail.Read");
        let supported = required.union(&ScopeSet::parse(zone::SCOPE));
        let supported = supported.union(&mailbox_settings::SCOPES.iter().copied().collect());
        let supported = supported.union(&SEND_SCOPES.iter().copied().collect());
        let read_only = deps.settings.read_only;
        // To attach files of OneDrive, and to save there.
        let files = [drive::READ, drive::WRITE].into_iter().filter(|_| !read_only);
        let supported = supported.union(&files.collect());
        let others = SCOPES.iter().chain(SEND_SCOPES).filter_map(|scope| for_others(scope));
        let supported = supported.union(&others.collect());
        let email = Arc::new(query_email::QueryEmail::new(Arc::clone(&mail)));
        let planner = planner::MailPlanner { mail: Arc::clone(&mail) };
        let mut tools: Vec<Arc<dyn Tool>> = vec![
            Arc::clone(&email) as Arc<dyn Tool>,
            Arc::new(simple_query::SimpleQuery::new(Arc::clone(&mail), email)),
            Arc::new(get_email::GetEmail::new(Arc::clone(&mail))),
            Arc::new(get_email_thread::GetEmailThread::new(Arc::clone(&mail))),
            Arc::new(list_mail_folders::ListMailFolders::new(Arc::clone(&mail))),
            Arc::new(get_attachment::GetAttachment::new(Arc::clone(&mail))),
            Arc::new(attachment_manager::AttachmentManager::new(Arc::clone(&mail))),
            Arc::new(create_email_draft::CreateEmailDraft::new(Arc::clone(&mail))),
            Arc::new(update_email_draft::UpdateEmailDraft::new(Arc::clone(&mail))),
            Arc::new(send_email_draft::SendEmailDraft::new(Arc::clone(&mail))),
            Arc::new(send_email::SendEmail::new(Arc::clone(&mail))),
            Arc::new(organize_email::OrganizeEmail::new(Arc::clone(&mail))),
            Arc::new(delete_email::DeleteEmail::new(Arc::clone(&mail))),
            Arc::new(export_email::ExportEmail::new(Arc::clone(&mail))),
            Arc::new(mail_changes::MailChanges::new(Arc::clone(&mail))),
            Arc::new(mailbox_settings::MailboxSettings::new(mail)),
        ];
        let shown =
            tools.iter().map(|tool| tool.spec()).filter(|spec| !read_only || spec.annotations.read_only);
        let listed: Vec<_> = shown.map(|spec| (spec.name, spec.description)).collect();
        let help = help::Help::new(&listed);
        tools.push(Arc::new(help));
        tools.push(Arc::new(help::QueryEmailHelp::new()));
        Self {
            info: ServiceInfo {
                name: ServiceName::new("mail-query"),
                title: "Mail".to_owned(),
                description: "Search, read, write and send the signed-in user's Outlook mail.".to_owned(),
                required_scopes: required,
                supported_scopes: supported,
            },
            tools,
            prompts: prompts::all(),
            resources,
            carrier,
            planner,
            instructions: if read_only { guide::READING } else { guide::INSTRUCTIONS },
        }
    }
}

impl Service for MailQuery {
    fn info(&self) -> &ServiceInfo {
        &self.info
    }

    fn instructions(&self) -> &'static str {
        self.instructions
    }

    fn guide(&self) -> &'static str {
        guide::QUERY_GUIDE
    }

    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    fn prompts(&self) -> &[Arc<dyn Prompt>] {
        &self.prompts
    }

    fn resources(&self) -> Option<&dyn ResourceSet> {
        Some(&self.resources)
    }

    fn planner(&self) -> Option<&dyn Planner> {
        Some(&self.planner)
    }

    fn completer(&self) -> Option<&dyn Completer> {
        Some(&prompts::Choices)
    }

    fn carrier(&self) -> Option<&dyn Carrier> {
        Some(&self.carrier)
    }
}
