//! What an operator has switched off. Everything else is on, so a service or a tool that is added later needs no entry.

use arc_swap::{ArcSwap, Guard};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The thing that a switch belongs to: a service, or one tool of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Switch {
    pub(crate) service: String,
    pub(crate) tool: Option<String>,
}

/// Names of what is off.
///
/// # Shape
/// `{"services":["calendar"],"tools":{"mail-query":["get_attachment"]}}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SwitchedOff {
    #[serde(default)]
    services: BTreeSet<String>,
    #[serde(default)]
    tools: BTreeMap<String, BTreeSet<String>>,
}

impl SwitchedOff {
    pub(crate) fn has_service(&self, service: &str) -> bool {
        self.services.contains(service)
    }

    /// Whether the tool itself is off, whatever its service is.
    pub(crate) fn has_tool(&self, service: &str, tool: &str) -> bool {
        self.tools.get(service).is_some_and(|tools| tools.contains(tool))
    }

    /// Turns a switch.
    pub(crate) fn turn(&mut self, switch: &Switch, on: bool) {
        let (names, name) = match &switch.tool {
            None => (&mut self.services, &switch.service),
            Some(tool) => (self.tools.entry(switch.service.clone()).or_default(), tool),
        };
        if on {
            names.remove(name);
        } else {
            names.insert(name.clone());
        }
        self.tools.retain(|_, tools| !tools.is_empty());
    }

    /// Services whose list of tools is another one than under `other`.
    pub(crate) fn differing<'a>(&'a self, other: &'a Self) -> BTreeSet<&'a str> {
        let named = |off: &'a Self| off.services.iter().chain(off.tools.keys());
        let differs = |name: &&'a String| {
            self.has_service(name) != other.has_service(name)
                || self.tools.get(*name) != other.tools.get(*name)
        };
        named(self).chain(named(other)).filter(differs).map(String::as_str).collect()
    }
}

/// The state of all switches under its version, which grows with every change (0 = never changed).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) version: u64,
    pub(crate) off: SwitchedOff,
}

/// The switches as this replica applies them; one of it per replica, looked at by every request.
#[derive(Debug, Default)]
pub(crate) struct Switches(ArcSwap<Applied>);

impl Switches {
    /// What is applied now, for a look.
    pub(crate) fn now(&self) -> Guard<Arc<Applied>> {
        self.0.load()
    }

    /// What is applied now, to keep.
    pub(crate) fn kept(&self) -> Arc<Applied> {
        self.0.load_full()
    }

    /// Applies a state; everybody who looks sees it from here on.
    pub(crate) fn apply(&self, applied: Applied) {
        self.0.store(Arc::new(applied));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switch(service: &str, tool: Option<&str>) -> Switch {
        Switch { service: service.to_owned(), tool: tool.map(str::to_owned) }
    }

    #[test]
    fn turning_back_leaves_nothing_behind() {
        let mut off = SwitchedOff::default();
        let (service, tool) = (switch("a", None), switch("b", Some("t")));
        off.turn(&service, false);
        off.turn(&tool, false);
        assert!(
            off.has_service("a")
                && off.has_tool("b", "t")
                && !off.has_service("b")
                && !off.has_tool("a", "t")
        );
        assert_eq!(off.differing(&SwitchedOff::default()), BTreeSet::from(["a", "b"]));
        let before = off.clone();
        off.turn(&tool, true);
        assert_eq!(off.differing(&before), BTreeSet::from(["b"]));
        off.turn(&service, true);
        off.turn(&service, true);
        assert_eq!(off, SwitchedOff::default());
    }
}
