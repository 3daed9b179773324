//! Teams and their channels.

use super::Cast;
use crate::sim::seed::colleagues::Colleague;

/// A channel.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) name: &'static str,
    /// `standard`, `private` or `shared`.
    pub(crate) kind: &'static str,
    pub(crate) archived: bool,
    /// Who sees it; everybody of the team when there is nobody.
    pub(crate) members: Vec<Colleague>,
}

/// A team.
#[derive(Clone, Debug)]
pub(crate) struct Team {
    pub(crate) id: String,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) archived: bool,
    pub(crate) members: Vec<Colleague>,
    pub(crate) channels: Vec<Channel>,
}

impl Team {
    /// Whether a person is in it.
    pub(crate) fn has(&self, oid: &str) -> bool {
        self.members.iter().any(|member| member.oid == oid)
    }
}

/// Name, kind, archived, who sees it.
type Line = (&'static str, &'static str, bool, &'static [&'static str]);

/// Three teams, nine channels.
pub(super) fn teams(cast: &Cast<'_>) -> Vec<Team> {
    let team = |number: usize, name, description, archived, people: &[&str], channels: &[Line]| {
        let channel = |(place, (name, kind, archived, people)): (usize, &Line)| Channel {
            id: format!("19:c4a11e1{number}{place:03}000000000000000000000000@thread.tacv2"),
            name,
            kind,
            archived: *archived,
            members: people.iter().map(|key| cast.who(key)).collect(),
        };
        Team {
            id: format!("7ea30000-1f0c-4d7e-9a51-0000000000{number:02}"),
            name,
            description,
            archived,
            members: people.iter().map(|key| cast.who(key)).collect(),
            channels: channels.iter().enumerate().map(channel).collect(),
        }
    };
    vec![
        team(
            1,
            "Ship Surveys",
            "Surveys, \"classes\" & certificates 100%",
            false,
            &["alice", "bob", "carol", "dave"],
            &[
                ("General", "standard", false, &[]),
                ("Cranes", "standard", false, &[]),
                ("Board", "private", false, &["alice"]),
                ("Partners", "shared", false, &["alice", "bob"]),
                ("2019", "standard", true, &[]),
            ],
        ),
        team(
            2,
            "영업본부",
            "영업본부 공지와 자료",
            false,
            &["alice", "minji", "jihoon"],
            &[("일반", "standard", false, &[]), ("견적", "standard", false, &[])],
        ),
        team(
            3,
            "Ship Surveys Archive",
            "",
            true,
            &["alice", "carol"],
            &[("General", "standard", false, &[]), ("Letters", "standard", false, &[])],
        ),
    ]
}
