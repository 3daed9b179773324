//! `/onedrive`: the files of the signed-in user, and those that others have shared.
//!
//! Callers name a file by path, id or link ([`super::drive_address`]); Graph's [`item`]s come back with both. Bytes are fetched past
//! Graph's redirect without the token (`graph::download`) and never touch the server's disk.

mod carrier;
mod change;
mod create_folder;
mod delete_file;
mod file_changes;
mod get_file_info;
mod guide;
mod item;
mod list_files;
mod move_or_rename;
mod permission;
mod plan;
mod read_file;
mod request_upload;
mod resources;
mod share_file;
mod write_file;

use super::drive::failed as fault;
use super::drive_address::Address;
use super::own::asker;
use super::{ServiceDeps, drive, own, zone};
use crate::domain::ids::ServiceName;
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::ScopeSet;
use crate::graph::encode::Target;
use crate::graph::error::GraphError;
use crate::graph::request::Request;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::plan::Planner;
use crate::tools::resource::ResourceSet;
use crate::tools::tool::{Args, Service, Tool};
use crate::tools::transfer::Carrier;
use chrono_tz::Tz;
use item::{FileItem, Frame, ItemView, SELECT};
use serde::Deserialize;
use std::sync::Arc;

/// Permission of every tool that reads.
const SCOPES: &[&str] = &[READ];
const READ: &str = "Files.Read";
/// What reading files of others takes.
const READ_ALL: &str = "Files.Read.All";
/// Arguments of other tools of this kind, accepted and checked, not listed.
const ALIASES: &[(&str, &str)] =
    &[("user_id", "user_id"), ("mailbox", "mailbox"), ("path", "file_path"), ("id", "file_path")];

/// What the tools share.
struct Desk {
    deps: ServiceDeps,
    zones: zone::Zones,
}

impl Desk {
    /// See [`own::notes`].
    async fn notes(&self, context: &CallContext, args: &Args) -> Result<Vec<String>, ToolError> {
        own::notes(&self.deps.graph, context, args).await
    }

    async fn zone(&self, context: &CallContext) -> Tz {
        self.zones.of(&self.deps, context).await
    }

    /// The item at an address.
    ///
    /// `GET {address}?$select=…` (Files.Read; in drives of others Files.Read.All; by a link Files.ReadWrite), 1 unit.
    async fn lookup(&self, context: &CallContext, address: &Address) -> Result<FileItem, ToolError> {
        require(context, address.scope())?;
        let zone = self.zone(context).await;
        let found = self.find(context, address, zone).await;
        found.map_err(|error| fault(error, address.scope()))
    }

    async fn find(&self, context: &CallContext, address: &Address, zone: Tz) -> Result<FileItem, GraphError> {
        let target = Target::new(address.graph_path("")).with("$select", SELECT);
        let answer = self.deps.graph.send(asker(context), Request::files(target.build())).await?;
        let view: ItemView<'_> = answer.view()?;
        // What a link or a drive of others leads to is named together with its drive, and nothing else is.
        let own_drive = matches!(address, Address::Remote { .. } | Address::Share(_)).then_some("");
        Ok(FileItem::new(&view, Frame { zone, own_drive }))
    }

    /// Id of the own drive: `GET /me/drive?$select=id` (Files.Read), 1 unit.
    async fn own_drive(&self, context: &CallContext) -> Result<String, GraphError> {
        #[derive(Deserialize)]
        struct Drive {
            id: String,
        }
        let target = Target::new("/me/drive").with("$select", "id");
        let answer = self.deps.graph.send(asker(context), Request::files(target.build())).await?;
        Ok(answer.view::<Drive>()?.id)
    }
}

/// Refuses a call that turns out to need more than its tool always needs.
fn require(context: &CallContext, scope: &str) -> Result<(), ToolError> {
    drive::require(context, SCOPES, scope)
}

/// The service.
pub(super) struct OneDrive {
    info: ServiceInfo,
    tools: Vec<Arc<dyn Tool>>,
    planner: plan::OneDrivePlanner,
    resources: resources::FileResources,
    carrier: carrier::FileCarrier,
}

impl OneDrive {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        let desk = Arc::new(Desk { deps: deps.clone(), zones: zone::Zones::default() });
        let resources = resources::FileResources::new(&desk);
        let carrier = carrier::FileCarrier::new(&desk);
        let required = ScopeSet::parse("User.Read Files.Read");
        let more = ScopeSet::parse("Files.Read.All Files.ReadWrite").union(&ScopeSet::parse(zone::SCOPE));
        let planner = plan::OneDrivePlanner { desk: Arc::clone(&desk) };
        let tools: Vec<Arc<dyn Tool>> = vec![
            Arc::new(list_files::ListFiles::new(Arc::clone(&desk))),
            Arc::new(read_file::ReadFile::new(Arc::clone(&desk))),
            Arc::new(get_file_info::GetFileInfo::new(Arc::clone(&desk))),
            Arc::new(file_changes::FileChanges::new(Arc::clone(&desk))),
            Arc::new(create_folder::CreateFolder::new(Arc::clone(&desk))),
            Arc::new(write_file::WriteFile::new(Arc::clone(&desk))),
            Arc::new(request_upload::RequestUpload::new(Arc::clone(&desk))),
            Arc::new(move_or_rename::MoveOrRename::new(Arc::clone(&desk))),
            Arc::new(delete_file::DeleteFile::new(Arc::clone(&desk))),
            Arc::new(share_file::ShareFile::new(desk)),
        ];
        Self {
            info: ServiceInfo {
                name: ServiceName::new("onedrive"),
                title: "OneDrive".to_owned(),
                description: "Find, read and change the signed-in user's files in OneDrive.".to_owned(),
                supported_scopes: required.union(&more),
                required_scopes: required,
            },
            tools,
            planner,
            resources,
            carrier,
        }
    }
}

impl Service for OneDrive {
    fn info(&self) -> &ServiceInfo {
        &self.info
    }

    fn instructions(&self) -> &'static str {
        guide::INSTRUCTIONS
    }

    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    fn planner(&self) -> Option<&dyn Planner> {
        Some(&self.planner)
    }

    fn resources(&self) -> Option<&dyn ResourceSet> {
        Some(&self.resources)
    }

    fn carrier(&self) -> Option<&dyn Carrier> {
        Some(&self.carrier)
    }
}
