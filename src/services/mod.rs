//! The services. One folder is one sub-path; [`all`] is the one list of them.

mod answer;
mod args;
mod asked;
mod calendar;
#[cfg(any(test, feature = "conformance"))]
pub(crate) mod conformance;
mod drive;
mod drive_address;
mod enrollment;
mod fault;
mod file_text;
mod iacs;
pub(crate) mod m365;
mod mail_query;
mod mailbox;
mod markup;
mod net;
mod onedrive;
mod onenote;
mod own;
mod people;
#[cfg(test)]
mod planned;
mod resource_uri;
mod since;
#[cfg(test)]
mod table;
mod teams;
#[cfg(test)]
pub(crate) mod testing;
mod time;
mod uploads;
mod windows_zones;
mod written;
mod zone;

use crate::domain::clock::SharedClock;
use crate::extract::Extractor;
use crate::graph::client::GraphClient;
use crate::planner::Organizations;
use crate::ports::probe::Probe;
use crate::ports::store::Store;
use crate::tools::activity::Activity;
use crate::tools::confirm::Writes;
use crate::tools::cursor::Cursors;
use crate::tools::keepsakes::Keepsakes;
use crate::tools::offer::Offers;
use crate::tools::tool::{Service, Tool};
use crate::tools::transfer::Transfers;
use chrono_tz::Tz;
use std::sync::Arc;

/// What an operator decides for all services.
#[derive(Clone, Debug)]
pub(crate) struct ServiceSettings {
    /// IANA name of the zone for users whose mailbox does not tell one.
    pub(crate) default_time_zone: String,
    /// Characters of text in one answer unless the caller asks for fewer or more.
    pub(crate) max_chars: usize,
    /// Largest attachment or file that is read, in bytes.
    pub(crate) max_attachment_bytes: usize,
    /// Parts of sender addresses whose mail is left out, in lower case.
    pub(crate) blocked_senders: Vec<String>,
    /// Nothing that writes is served, so nobody is told of it.
    pub(crate) read_only: bool,
    /// Organisations by code and name.
    pub(crate) organizations: Arc<Organizations>,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            default_time_zone: "UTC".to_owned(),
            max_chars: 24_000,
            max_attachment_bytes: 25 << 20,
            blocked_senders: Vec::new(),
            read_only: false,
            organizations: Arc::new(Organizations::built_in()),
        }
    }
}

impl ServiceSettings {
    /// The default zone; an unknown name counts as UTC.
    pub(crate) fn zone(&self) -> Tz {
        self.default_time_zone.parse().unwrap_or(Tz::UTC)
    }
}

/// What services are built from.
#[derive(Clone)]
pub(crate) struct ServiceDeps {
    pub(crate) graph: GraphClient,
    pub(crate) cursors: Cursors,
    pub(crate) writes: Arc<Writes>,
    pub(crate) keepsakes: Keepsakes,
    pub(crate) transfers: Transfers,
    /// For what a person has connected, see `tools::account`.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) activity: Activity,
    pub(crate) offers: Offers,
    pub(crate) extractor: Arc<Extractor>,
    pub(crate) clock: SharedClock,
    pub(crate) settings: ServiceSettings,
    pub(crate) probe: Arc<dyn Probe>,
}

/// A tool that another service uses.
type SharedTool = Arc<dyn Tool>;

/// Every service there is, in listing order.
pub(crate) fn all(deps: &ServiceDeps) -> Vec<Arc<dyn Service>> {
    let mail = mail_query::MailQuery::new(deps);
    let iacs = iacs::Iacs::new(deps, &mail);
    let iacs = iacs.map(|service| -> Arc<dyn Service> { Arc::new(service) });
    let all: Vec<Arc<dyn Service>> = vec![
        Arc::new(mail),
        Arc::new(calendar::Calendar::new(deps)),
        Arc::new(teams::Teams::new(deps)),
        Arc::new(onedrive::OneDrive::new(deps)),
        Arc::new(onenote::OneNote::new(deps)),
        Arc::new(enrollment::Enrollment::new(deps)),
        Arc::new(net::Net::new(deps)),
        #[cfg(feature = "conformance")]
        Arc::new(conformance::Conformance::new()),
    ];
    all.into_iter().chain(iacs).collect()
}
