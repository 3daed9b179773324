//! `/enrollment`: the account behind a sign-in: whose it is, what it may, what is connected, and how to end all of it.
//! Nobody sees or registers another person's account, and no credential of an application is taken here.

mod connections;
mod disconnect_account;
mod get_account_status;
mod list_permissions;
mod my_activity;
mod profile;
mod purge_my_data;
mod register_account;
mod start_authentication;
mod whoami;

use super::own::asker;
use super::{ServiceDeps, fault, own, zone};
use crate::domain::ids::ServiceName;
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::ScopeSet;
use crate::ports::store::StoreError;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::offer::Offer;
use crate::tools::tool::{Args, Service, Tool};
use chrono_tz::Tz;
use std::sync::Arc;
use std::time::Duration;

const SCOPES: &[&str] = &["User.Read"];
/// Arguments of other tools of this kind, accepted and checked, not listed.
const ALIASES: &[(&str, &str)] = &[("user_id", "user_id")];

const INSTRUCTIONS: &str = "About the signed-in user's own account at this server: `whoami`, `get_account_status`, \
`list_active_accounts` (what is connected), `list_permissions` (what each tool needs and whether it was granted), \
`start_authentication` (how to grant more), `my_activity` (what tools changed lately). `disconnect_account` ends every \
connection and `purge_my_data` removes what is kept: both are confirmed by the person first. Applications are registered by \
administrators, not here.";

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

    fn offer(&self) -> Result<&Offer, ToolError> {
        self.deps.offers.get().ok_or_else(|| ToolError::internal("the services are not known yet"))
    }
}

/// The store does not answer.
fn away(error: StoreError) -> ToolError {
    let kind = ToolErrorKind::UpstreamUnavailable { retry_after: Some(Duration::from_secs(2)) };
    let text = "The server's store is unavailable for the moment. Please try again shortly.";
    ToolError::new(kind, text).with_source(error)
}

/// The service.
pub(super) struct Enrollment {
    info: ServiceInfo,
    tools: Vec<Arc<dyn Tool>>,
}

impl Enrollment {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        let desk = Arc::new(Desk { deps: deps.clone(), zones: zone::Zones::default() });
        let required: ScopeSet = SCOPES.iter().copied().collect();
        let tools: Vec<Arc<dyn Tool>> = vec![
            Arc::new(whoami::Whoami::new(Arc::clone(&desk))),
            Arc::new(get_account_status::GetAccountStatus::new(Arc::clone(&desk))),
            Arc::new(connections::ListActiveAccounts::new(Arc::clone(&desk))),
            Arc::new(list_permissions::ListPermissions::new(Arc::clone(&desk))),
            Arc::new(start_authentication::StartAuthentication::new(Arc::clone(&desk))),
            Arc::new(register_account::RegisterAccount::new(Arc::clone(&desk))),
            Arc::new(my_activity::MyActivity::new(Arc::clone(&desk))),
            Arc::new(disconnect_account::DisconnectAccount::new(Arc::clone(&desk))),
            Arc::new(purge_my_data::PurgeMyData::new(desk)),
        ];
        Self {
            info: ServiceInfo {
                name: ServiceName::new("enrollment"),
                title: "Account".to_owned(),
                description: "See and end what the signed-in user has connected to this server.".to_owned(),
                supported_scopes: required.union(&ScopeSet::parse(zone::SCOPE)),
                required_scopes: required,
            },
            tools,
        }
    }
}

impl Service for Enrollment {
    fn info(&self) -> &ServiceInfo {
        &self.info
    }

    fn instructions(&self) -> &'static str {
        INSTRUCTIONS
    }

    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }
}
