//! `delta`: everything that is there, then everything that changed since.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::Desk;
use super::listing::PAGE;
use super::render::answer;
use super::store::not_found;
use crate::sim::graph::call::Answer;
use crate::sim::graph::error::GraphError;
use crate::sim::graph::options::Options;
use crate::sim::graph::paging::{self, Position};
use crate::sim::seed::rng::hash;

/// Where a list of changes begins.
#[derive(Clone, Copy, Debug)]
enum Since {
    Ever,
    /// After the change of this number.
    Change(u64),
    /// What OneDrive for Business takes in the place of a token.
    Time(DateTime<Utc>),
}

impl Desk<'_> {
    pub(super) fn delta(&self, drive: usize) -> Result<Answer, GraphError> {
        let options = Options::read(self.call, &["$select", "$top", "$skiptoken"])?;
        let all = self.drives.all.read();
        let drive = all.get(drive).ok_or_else(not_found)?;
        self.allow(drive, 0, false)?;
        let mut view = self.view()?;
        view.with_path = false;
        let since = match self.call.query.get("token") {
            None => Since::Ever,
            Some("latest") => Since::Change(drive.seq),
            Some(token) => match DateTime::parse_from_rfc3339(token) {
                Ok(time) => Since::Time(time.to_utc()),
                Err(_) => Since::Change(opened(&drive.id, token).ok_or_else(|| self.resync())?),
            },
        };
        let position = paging::position(self.call)?;
        // What changes while pages are read is told by the link at their end.
        let until = position.map_or(drive.seq, |position| u64::from(position.given));
        let mut rows: Vec<usize> = (0..drive.nodes.len())
            .filter(|at| {
                let node = drive.nodes.get(*at);
                node.filter(|node| node.seq <= until).is_some_and(|node| match since {
                    Since::Change(seq) => node.seq > seq,
                    Since::Time(time) => node.modified >= time,
                    Since::Ever => !node.deleted,
                })
            })
            .collect();
        rows.sort_by_key(|at| drive.nodes.get(*at).map(|node| node.seq));
        let start = position.map_or(0, |position| position.at as usize);
        let end = start.saturating_add(options.top.unwrap_or(PAGE));
        let items: Vec<Value> =
            rows.iter().skip(start).take(end - start).map(|at| view.item(drive, *at)).collect();
        let mut body = Map::new();
        body.insert("@odata.context".to_owned(), json!(self.context("Collection(driveItem)")));
        if end < rows.len() {
            let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
            let next = Position { at: number(end as u64), given: number(until) };
            body.insert("@odata.nextLink".to_owned(), json!(paging::next_link(self.call, next)));
        } else {
            let link =
                format!("{}/v1.0/me/drive/root/delta?token={}", self.call.origin, sealed(&drive.id, until));
            body.insert("@odata.deltaLink".to_owned(), json!(link));
        }
        body.insert("value".to_owned(), json!(items));
        Ok(answer(200, &body.into()))
    }

    fn resync(&self) -> GraphError {
        GraphError::new(
            410,
            "resyncRequired",
            "The delta token is no longer valid, and the application must reset.",
        )
        .header("Location", format!("{}/v1.0/me/drive/root/delta", self.call.origin))
    }
}

fn sealed(drive: &str, seq: u64) -> String {
    let mut raw = seq.to_be_bytes().to_vec();
    raw.extend(check(drive, seq).to_be_bytes());
    URL_SAFE_NO_PAD.encode(raw)
}

fn opened(drive: &str, token: &str) -> Option<u64> {
    let raw = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (head, tail) = raw.split_first_chunk::<8>()?;
    let seq = u64::from_be_bytes(*head);
    (check(drive, seq).to_be_bytes() == *tail).then_some(seq)
}

fn check(drive: &str, seq: u64) -> u64 {
    hash(format!("{drive} {seq}").as_bytes())
}
