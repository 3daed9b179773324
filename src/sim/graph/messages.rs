//! Lists of messages and single ones.
use super::call::{Answer, Call};
use super::error::GraphError;
use super::ids::ItemRef;
use super::json::Json;
use super::kql;
use super::mailbox::{MailRow, Mailbox};
use super::odata::prop::{Kind, Prop};
use super::odata::{
    Filter, OrderKey, Row as _, Window, matches, order_is_efficient, parse_filter, parse_orderby,
};
use super::options::Options;
use super::paging::{self, Position};
use super::render::View;
use super::select::{BEYOND_BASIC, MESSAGE, Select, expand_attachments};

/// Default page of messages.
const PAGE: usize = 10;
/// `$search` never gives more than this.
const SEARCH_CEILING: u32 = 250;
/// Scopes that show whole messages.
pub(super) const READ: [&str; 4] =
    ["Mail.Read", "Mail.ReadWrite", "Mail.Read.Shared", "Mail.ReadWrite.Shared"];
/// Scopes that show messages without their contents.
pub(super) const READ_BASIC: [&str; 6] = [
    "Mail.ReadBasic",
    "Mail.ReadBasic.Shared",
    "Mail.Read",
    "Mail.ReadWrite",
    "Mail.Read.Shared",
    "Mail.ReadWrite.Shared",
];
const KNOWN: [&str; 9] =
    ["$select", "$filter", "$search", "$orderby", "$top", "$skip", "$count", "$expand", "$skiptoken"];

/// What picks the rows.
enum Test {
    All,
    Filter(Filter),
    Search(kql::Node),
}

impl Test {
    /// Bounds in time that spare looking at the rest.
    fn window(&self) -> Window {
        match self {
            Self::All => Window::default(),
            Self::Filter(filter) => filter.expr.window(),
            Self::Search(node) => node.window(),
        }
    }
}

/// The order of the rows.
enum Sequence<'a> {
    Newest(&'a [u32]),
    Oldest(&'a [u32]),
    Sorted(Vec<u32>),
}

impl Sequence<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Newest(all) | Self::Oldest(all) => all.len(),
            Self::Sorted(all) => all.len(),
        }
    }

    fn get(&self, at: usize) -> Option<u32> {
        match self {
            Self::Newest(all) => all.get(at).copied(),
            Self::Oldest(all) => all.len().checked_sub(at + 1).and_then(|i| all.get(i)).copied(),
            Self::Sorted(all) => all.get(at).copied(),
        }
    }
}

/// `/me/messages` and `/me/mailFolders/{id}/messages`.
pub(super) fn list(call: &Call<'_>, mailbox: &Mailbox, folder: Option<usize>) -> Result<Answer, GraphError> {
    let options = Options::read(call, &KNOWN)?;
    let view = view(call, mailbox)?;
    let test = test(call, &options)?;
    let order = order(call, &test)?;
    let sequence = sequence(mailbox, mailbox.newest_in(folder, test.window()), &order);
    let passes = |ix: u32| match &test {
        Test::All => true,
        Test::Filter(filter) => matches(&filter.expr, &MailRow::new(mailbox, ix, call.prefer.ids)),
        Test::Search(query) => query.matches(&MailRow::new(mailbox, ix, call.prefer.ids)),
    };
    let total = options.count.then(|| match &test {
        Test::All => sequence.len(),
        Test::Filter(_) | Test::Search(_) => {
            (0..sequence.len()).filter_map(|at| sequence.get(at)).filter(|ix| passes(*ix)).count()
        }
    });
    let (rows, next) = page(call, &options, &sequence, &test, passes)?;
    Ok(Answer::json(write_list(&view, folder, total, &rows, next)))
}

/// Rows of this page, and where the next one starts.
fn page(
    call: &Call<'_>,
    options: &Options,
    sequence: &Sequence<'_>,
    test: &Test,
    passes: impl Fn(u32) -> bool,
) -> Result<(Vec<u32>, Option<Position>), GraphError> {
    let size = options.page(call, PAGE);
    let resumed = paging::position(call)?;
    let mut skip = if resumed.is_some() { 0 } else { options.skip };
    let start = resumed.unwrap_or_default();
    let mut at = start.at as usize;
    if matches!(test, Test::All) {
        at = at.saturating_add(std::mem::take(&mut skip));
    }
    let ceiling = if matches!(test, Test::Search(_)) {
        SEARCH_CEILING.saturating_sub(start.given) as usize
    } else {
        usize::MAX
    };
    let mut rows = Vec::with_capacity(size.min(100));
    while rows.len() < size.min(ceiling)
        && let Some(ix) = sequence.get(at)
    {
        at += 1;
        if passes(ix) {
            if skip > 0 {
                skip -= 1;
            } else {
                rows.push(ix);
            }
        }
    }
    let given = start.given + rows.len() as u32;
    // A full page gets a link although the rest may not match: pages can be empty, as at Graph.
    let more = rows.len() == size && at < sequence.len() && rows.len() < ceiling;
    Ok((rows, more.then_some(Position { at: at as u32, given })))
}

fn write_list(
    view: &View<'_>,
    folder: Option<usize>,
    total: Option<usize>,
    rows: &[u32],
    next: Option<Position>,
) -> Vec<u8> {
    let call = view.call;
    let mut json = Json::default();
    json.object(|json| {
        let place = match folder {
            None => "messages".to_owned(),
            Some(folder) => format!("mailFolders('{}')/messages", view.mailbox.folder_id(folder)),
        };
        let select =
            if view.select.named { format!("({})", view.select.fields.join(",")) } else { String::new() };
        json.member(
            "@odata.context",
            &format!("{}/v1.0/$metadata#users('{}')/{place}{select}", call.origin, call.oid),
        );
        if let Some(total) = total {
            json.number("@odata.count", total as u64);
        }
        json.key("value").array(|json| rows.iter().for_each(|ix| view.message(json, *ix, None)));
        if let Some(next) = next {
            json.member("@odata.nextLink", &paging::next_link(call, next));
        }
    });
    json.finish()
}

/// `/me/messages/{id}`.
pub(super) fn get(call: &Call<'_>, mailbox: &Mailbox, item: ItemRef) -> Result<Answer, GraphError> {
    Options::read(call, &["$select", "$expand"])?;
    one(call, mailbox, item.message)
}

/// One message as an entity.
pub(super) fn one(call: &Call<'_>, mailbox: &Mailbox, ix: u32) -> Result<Answer, GraphError> {
    let view = view(call, mailbox)?;
    let context = format!("{}/v1.0/$metadata#users('{}')/messages/$entity", call.origin, call.oid);
    let mut json = Json::default();
    view.message(&mut json, ix, Some(&context));
    Ok(Answer::json(json.finish()))
}

/// What to show; `Mail.ReadBasic` alone hides contents and refuses them when they are named.
pub(super) fn view<'a>(call: &'a Call<'a>, mailbox: &'a Mailbox) -> Result<View<'a>, GraphError> {
    let mut select = Select::parse(call.query.get("$select"), &MESSAGE, "message")?;
    let attachments = expand_attachments(call.query.get("$expand"))?;
    if !call.granted(&READ) {
        let hidden = |f: &&'static str| BEYOND_BASIC.contains(f);
        if attachments.is_some() || (select.named && select.fields.iter().any(hidden)) {
            return Err(GraphError::access_denied());
        }
        select.fields.retain(|f| !hidden(f));
    }
    if select.has("attachments") {
        // A navigation property in $select brings nothing without $expand.
        select.fields.retain(|f| *f != "attachments");
    }
    Ok(View { call, mailbox, select, attachments })
}

fn test(call: &Call<'_>, options: &Options) -> Result<Test, GraphError> {
    let (filter, search) = (call.query.get("$filter"), call.query.get("$search"));
    let Some(search) = search else {
        return match filter {
            None => Ok(Test::All),
            Some(filter) => parse_filter(filter).map(Test::Filter).map_err(GraphError::bad_filter),
        };
    };
    if !call.granted(&READ) {
        return Err(GraphError::access_denied());
    }
    if call.query.get("$orderby").is_some() {
        return Err(GraphError::new(
            400,
            "SearchWithOrderBy",
            "The query parameter '$orderBy' is not supported with '$search'.",
        ));
    }
    if filter.is_some() {
        return Err(GraphError::new(
            400,
            "SearchWithFilter",
            "The query parameter '$filter' is not supported with '$search'.",
        ));
    }
    if call.query.get("$skip").is_some() {
        return Err(GraphError::new(
            400,
            "SearchWithSkip",
            "The query parameter '$skip' is not supported with '$search'.",
        ));
    }
    if options.count {
        return Err(GraphError::new(
            400,
            "SearchWithCount",
            "The query parameter '$count' is not supported with '$search'.",
        ));
    }
    let inner = search.strip_prefix('"').and_then(|s| s.strip_suffix('"')).filter(|_| search.len() > 1);
    let Some(inner) = inner else {
        return Err(GraphError::bad_request(
            "Syntax error: the value of $search must be enclosed in double quotes.",
        ));
    };
    let plain = inner.replace("\\\"", "\"").replace("\\\\", "\\");
    kql::parse(&plain)
        .map(Test::Search)
        .map_err(|message| GraphError::bad_request(format!("Syntax error in $search: {message}")))
}

fn order(call: &Call<'_>, test: &Test) -> Result<Vec<OrderKey>, GraphError> {
    let Some(text) = call.query.get("$orderby") else { return Ok(Vec::new()) };
    let order = parse_orderby(text).map_err(GraphError::bad_uri)?;
    if let Test::Filter(filter) = test
        && !order_is_efficient(filter, &order)
    {
        return Err(GraphError::new(
            400,
            "InefficientFilter",
            "The restriction or sort order is too complex for this operation.",
        ));
    }
    Ok(order)
}

fn sequence<'a>(mailbox: &Mailbox, newest: &'a [u32], order: &[OrderKey]) -> Sequence<'a> {
    match order {
        [] => Sequence::Newest(newest),
        [only] if only.prop == Prop::Received => {
            if only.descending {
                Sequence::Newest(newest)
            } else {
                Sequence::Oldest(newest)
            }
        }
        _ => Sequence::Sorted(sorted(mailbox, newest, order)),
    }
}

fn sorted(mailbox: &Mailbox, newest: &[u32], order: &[OrderKey]) -> Vec<u32> {
    let mut keyed: Vec<(Vec<String>, u32)> = newest
        .iter()
        .map(|ix| {
            let row = MailRow::new(mailbox, *ix, super::ids::IdKind::Mutable);
            (order.iter().map(|key| sort_text(&row, key.prop)).collect(), *ix)
        })
        .collect();
    keyed.sort_by(|(a, _), (b, _)| {
        let pairs = a.iter().zip(b).zip(order);
        pairs
            .map(|((a, b), key)| if key.descending { b.cmp(a) } else { a.cmp(b) })
            .find(|o| o.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    keyed.into_iter().map(|(_, ix)| ix).collect()
}

fn sort_text(row: &MailRow<'_>, prop: Prop) -> String {
    match prop.kind() {
        Kind::Date => row.date(prop).map(|d| format!("{:020}", d.timestamp())).unwrap_or_default(),
        Kind::Bool => row.flag(prop).unwrap_or_default().to_string(),
        Kind::Text | Kind::Choice(_) => row.text(prop).unwrap_or_default().to_lowercase(),
    }
}
