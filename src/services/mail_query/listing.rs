//! Runs a plan: pages, checks, de-duplicates, and remembers where to go on.

use super::args::Order;
use super::message::{Frame, Item, MessageView, project};
use super::plan::{Engine, Plan};
use super::post::PostFilter;
use super::window::Window;
use crate::graph::client::GraphClient;
use crate::graph::error::GraphError;
use crate::graph::page::Page;
use crate::graph::request::{Asker, Request};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;

/// Most Graph calls of one answer.
const MAX_CALLS: usize = 24;
/// The same where windows are halved: some pages are read twice.
const MAX_GATHER_CALLS: usize = 80;
/// Good page sizes; larger pages with bodies time out.
const MAX_TOP: usize = 100;
const MAX_TOP_BODIES: usize = 50;
/// Where Exchange ends the pages of a search, in older and newer versions.
const CEILINGS: [usize; 2] = [250, 1000];

/// Where an answer goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Position {
    /// Row `skip` of the page behind `target`; `raw` rows of the chain came before the page, `kept` items in all.
    Page { target: Arc<str>, skip: usize, raw: usize, kept: usize },
    /// Item `offset` of everything gathered and sorted here.
    Gathered { offset: usize },
    /// Hit `from` of a ranked search.
    Ranked { from: usize },
}

/// An item and where it stands, so that a cut answer can go on with it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) item: Item,
    pub(super) at: Position,
}

/// A part of the answer.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) found: Vec<Found>,
    pub(super) next: Option<Position>,
    /// Messages looked at.
    pub(super) scanned: usize,
    pub(super) total: Option<u64>,
    pub(super) warnings: Vec<String>,
}

/// One run.
pub(super) struct Run<'a> {
    pub(super) graph: &'a GraphClient,
    pub(super) asker: Asker<'a>,
    pub(super) plan: &'a Plan,
    pub(super) frame: &'a Frame,
    pub(super) now: DateTime<Utc>,
}

impl Run<'_> {
    /// Where a new answer of `want` items starts.
    pub(super) fn first(&self, want: usize) -> Position {
        let page = |target: String| Position::Page { target: target.into(), skip: 0, raw: 0, kept: 0 };
        let top = self.top(want);
        match self.plan.engine {
            Engine::Filter => page(self.plan.filter_target(&self.plan.window, top).build()),
            Engine::Search if self.plan.scan.is_some() || self.plan.order == Order::Oldest => {
                Position::Gathered { offset: 0 }
            }
            Engine::Search => page(self.plan.search_target(&self.plan.window, top).build()),
            Engine::GraphSearch => Position::Ranked { from: 0 },
        }
    }

    fn top(&self, want: usize) -> usize {
        let most = if self.plan.bodies { MAX_TOP_BODIES } else { MAX_TOP };
        // Checks here drop rows: a larger page saves the second call.
        let wish =
            if self.plan.engine == Engine::Filter && self.plan.post.is_empty() { want } else { want.max(25) };
        wish.clamp(1, most)
    }

    /// Up to `want` items from `start`.
    pub(super) async fn read(&self, start: Position, want: usize) -> Result<Listing, GraphError> {
        match start {
            Position::Page { target, skip, raw, kept } => self.pages(target, (skip, raw, kept), want).await,
            Position::Gathered { offset } => self.gathered(offset, want).await,
            Position::Ranked { from } => self.ranked(from, want).await,
        }
    }

    pub(super) fn request(&self, target: &str) -> Request {
        let request = Request::next(target.to_owned());
        if self.plan.bodies { request.html_bodies() } else { request }
    }

    async fn pages(
        &self,
        mut target: Arc<str>,
        (mut skip, mut raw, mut kept): (usize, usize, usize),
        want: usize,
    ) -> Result<Listing, GraphError> {
        let mut out = Listing::default();
        let mut seen = HashSet::new();
        for _ in 0..MAX_CALLS {
            let answer = self.graph.send(self.asker, self.request(&target)).await?;
            let page: Page<'_, MessageView<'_>> = answer.view()?;
            for (row, view) in page.value.iter().enumerate().skip(skip) {
                let at = || Position::Page { target: target.clone(), skip: row, raw, kept };
                if out.found.len() == want {
                    out.next = Some(at());
                    return Ok(out);
                }
                out.scanned += 1;
                if self.plan.post.keeps(view) && seen.insert(view.id.to_string()) {
                    out.found.push(Found { item: project(view, self.frame), at: at() });
                    kept += 1;
                }
            }
            raw += page.value.len();
            let Some(link) = page.next_link() else {
                if self.plan.engine == Engine::Search && CEILINGS.contains(&raw) {
                    // The search ended at Exchange's ceiling, not at the last message.
                    out.next = Some(Position::Gathered { offset: kept });
                }
                return Ok(out);
            };
            target = link.into();
            skip = 0;
            if out.found.len() == want {
                break;
            }
        }
        if out.found.len() < want {
            out.warnings.push(format!("Looked at {} messages; pass `next_cursor` to go on.", out.scanned));
        }
        out.next = Some(Position::Page { target, skip, raw, kept });
        Ok(out)
    }

    /// Collects from searches and the pass over the window, sorts here.
    async fn gathered(&self, offset: usize, want: usize) -> Result<Listing, GraphError> {
        let newest = self.plan.order == Order::Newest;
        // Both sources come newest first, so the newest part is complete as soon as it is long enough.
        let need = if newest { offset.saturating_add(want).saturating_add(1) } else { usize::MAX };
        // The oldest part is known at the end only; what lies behind it by then is no longer asked for.
        let keep = if newest { usize::MAX } else { offset.saturating_add(want) };
        let mut pool = Pool { need, keep, ..Pool::default() };
        let mut windows = vec![self.plan.window];
        while let Some(window) = windows.pop() {
            let target = self.plan.search_target(&window, self.top(MAX_TOP)).build();
            let rows = self.chain(target, &self.plan.post, &mut pool).await?;
            if pool.full() {
                break;
            }
            if rows.is_some_and(|rows| CEILINGS.contains(&rows)) {
                if let Some((newer, older)) = window.halves(self.now) {
                    windows.push(older);
                    windows.push(newer);
                } else {
                    pool.warn("One day holds more hits than Microsoft's search returns; some are missing. Add a word.");
                }
            }
        }
        if let Some(scan) = &self.plan.scan {
            pool.fresh();
            let target = self.scan_target(&self.plan.window);
            self.chain(target, scan, &mut pool).await?;
        }
        Ok(pool.slice(offset, want, newest))
    }

    fn scan_target(&self, window: &Window) -> String {
        self.plan.scan_target(window, self.top(MAX_TOP)).build()
    }

    /// Reads a chain of pages into the pool. Answers the rows seen when the chain came to its own end.
    async fn chain(
        &self,
        mut target: String,
        post: &PostFilter,
        pool: &mut Pool,
    ) -> Result<Option<usize>, GraphError> {
        let mut rows = 0;
        loop {
            if pool.calls >= MAX_GATHER_CALLS {
                pool.warn("Stopped after many pages; narrow the period to see everything.");
                return Ok(None);
            }
            pool.calls += 1;
            let answer = self.graph.send(self.asker, self.request(&target)).await?;
            let page: Page<'_, MessageView<'_>> = answer.view()?;
            rows += page.value.len();
            for view in &page.value {
                pool.scanned += 1;
                if post.keeps(view) {
                    pool.add(view, self.frame);
                }
            }
            pool.lighten();
            match page.next_link() {
                None => return Ok(Some(rows)),
                Some(_) if pool.full() => return Ok(None),
                Some(link) => target = link,
            }
        }
    }
}

/// What was gathered from several chains.
#[derive(Default)]
struct Pool {
    items: Vec<Item>,
    seen: HashSet<String>,
    need: usize,
    /// The oldest items that can still be shown; the others count, and their bodies are let go.
    keep: usize,
    /// Ids of the current source, which must be long enough by itself.
    own: HashSet<String>,
    calls: usize,
    scanned: usize,
    warnings: Vec<String>,
}

impl Pool {
    fn add(&mut self, view: &MessageView<'_>, frame: &Frame) {
        self.own.insert(view.id.to_string());
        if self.seen.insert(view.id.to_string()) {
            self.items.push(project(view, frame));
        }
    }

    fn lighten(&mut self) {
        if self.items.len() > self.keep {
            self.items.sort_by_key(|item| item.received);
            self.items.iter_mut().skip(self.keep).for_each(|item| item.raw = None);
        }
    }

    fn full(&self) -> bool {
        self.own.len() >= self.need
    }

    fn fresh(&mut self) {
        self.own.clear();
    }

    fn warn(&mut self, text: &str) {
        if !self.warnings.iter().any(|known| known == text) {
            self.warnings.push(text.to_owned());
        }
    }

    fn slice(mut self, offset: usize, want: usize, newest: bool) -> Listing {
        self.items
            .sort_by(|a, b| if newest { b.received.cmp(&a.received) } else { a.received.cmp(&b.received) });
        let more = self.items.len() > offset.saturating_add(want);
        let found = self
            .items
            .into_iter()
            .enumerate()
            .skip(offset)
            .take(want)
            .map(|(at, item)| Found { item, at: Position::Gathered { offset: at } })
            .collect();
        Listing {
            found,
            next: more.then(|| Position::Gathered { offset: offset.saturating_add(want) }),
            scanned: self.scanned,
            total: None,
            warnings: self.warnings,
        }
    }
}
