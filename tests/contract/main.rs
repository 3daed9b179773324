//! The traffic of a whole test run against Microsoft's description of Graph: what we asked, what the simulated tenant
//! answered, and what of the catalogue nobody called. The tenants of `tests/it` leave the record
//! (`entrada tenant --record`); `tests/run` empties it before them and runs this after them.

#[cfg(test)]
mod answer;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod description;
#[cfg(test)]
mod faulty;
#[cfg(test)]
mod record;
#[cfg(test)]
mod request;

#[cfg(test)]
mod tools;

#[cfg(test)]
mod contract {
    use super::catalogue::NOT_CALLED;
    use super::description::Description;
    use super::record::Exchange;
    use super::{answer, faulty, record, request, tools};
    use std::collections::{BTreeMap, BTreeSet};

    /// Everything that is wrong with one exchange; parts of a batch are exchanges of their own.
    fn faults(description: &Description, exchange: &Exchange) -> Vec<String> {
        let Some(operation) = description.operation(&exchange.method, exchange.path()) else {
            return vec!["the description has no such operation".to_owned()];
        };
        let mut all = request::faults(description, operation, exchange);
        all.extend(answer::faults(description, operation, exchange));
        for part in exchange.parts() {
            let named = |fault: String| format!("part {} {}: {fault}", part.method, part.url);
            all.extend(faults(description, &part).into_iter().map(named));
        }
        all
    }

    #[test]
    fn the_recorded_traffic_has_no_violations() {
        let (Some(description), Some(exchanges)) = (Description::load(), record::read()) else { return };
        let mut wrong: BTreeMap<String, (usize, String)> = BTreeMap::new();
        let mut calls = 0;
        for exchange in &exchanges {
            calls += 1 + exchange.parts().len();
            for fault in faults(&description, exchange) {
                let path = description.template(exchange);
                let entry = wrong.entry(format!("{} {path}: {fault}", exchange.method));
                entry.or_insert_with(|| (0, exchange.url.clone())).0 += 1;
            }
        }
        println!("recorded traffic: {} requests, {calls} calls", exchanges.len());
        let list: Vec<String> =
            wrong.iter().map(|(fault, (times, url))| format!("{times} times {fault}\n    {url}")).collect();
        assert!(list.is_empty(), "{} violations:\n{}", list.len(), list.join("\n"));
    }

    /// Names of all operations of a record.
    fn called(description: &Description, exchanges: &[Exchange]) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for exchange in exchanges {
            all.extend(exchange.parts().iter().chain([exchange]).map(|one| description.name(one)));
        }
        all
    }

    #[test]
    fn the_table_of_tools_is_what_happens() {
        let (Some(description), Some(exchanges)) = (Description::load(), record::read()) else { return };
        let (called, rows) = (called(&description, &exchanges), tools::rows());
        let named: BTreeSet<&str> = rows.iter().flat_map(|row| row.operations.iter().copied()).collect();
        println!("table: {} rows, {} operations, {} called", rows.len(), named.len(), called.len());
        let idle: Vec<&&str> = named.iter().filter(|name| !called.contains(**name)).collect();
        assert!(idle.is_empty(), "in the table, and no test called: {idle:#?}");
        let untold: Vec<&String> = called.iter().filter(|name| !named.contains(name.as_str())).collect();
        assert!(untold.is_empty(), "called, and not in the table: {untold:#?}");
        let lost: Vec<&str> = rows.iter().map(|row| row.test).filter(|test| !tools::is_test(test)).collect();
        assert!(lost.is_empty(), "no such tests: {lost:#?}");
    }

    #[test]
    fn every_operation_of_the_catalogue_is_called() {
        let (Some(description), Some(exchanges)) = (Description::load(), record::read()) else { return };
        let called = called(&description, &exchanges);
        let excused: BTreeSet<&str> = NOT_CALLED.iter().flat_map(|(_, names)| *names).copied().collect();
        let all = description.names();
        println!("catalogue: {} operations, {} called, {} excused", all.len(), called.len(), excused.len());
        let missing: Vec<&String> =
            all.iter().filter(|name| !called.contains(*name) && !excused.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "no test called:\n{missing:#?}");
        let stale: Vec<&&str> =
            excused.iter().filter(|name| called.contains(**name) || !all.contains(**name)).collect();
        assert!(stale.is_empty(), "excused, and called after all or unknown:\n{stale:#?}");
    }

    #[test]
    fn what_is_wrong_is_found() {
        let Some(description) = Description::load() else { return };
        let sound = faults(&description, &faulty::sound());
        assert!(sound.is_empty(), "{sound:?}");
        for (what, exchange) in faulty::exchanges() {
            assert!(!faults(&description, &exchange).is_empty(), "{what} goes unnoticed");
        }
    }
}
