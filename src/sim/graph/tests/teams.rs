//! Teams: its rules of asking, who gets what, and answers that fit Graph's own description.
use serde_json::{Value, json};

use super::Lab;
use super::contract::{description, faults, validator};
use super::contract_writes::{Wish, send};

const NEWEST: &str = "$orderby=createdDateTime%20desc";
const RECENT: &str = "$orderby=lastMessagePreview/createdDateTime%20desc";

/// A fresh tenant: a chat may be asked four times in a second only.
pub(super) fn lab() -> Lab {
    Lab::new(0)
}

async fn chats(lab: &Lab, user: &str) -> Vec<Value> {
    lab.pages(user, &format!("/me/chats?$top=50&$expand=members,lastMessagePreview&{RECENT}"), &[]).await.0
}

pub(super) async fn id_of(lab: &Lab, user: &str, topic: &str) -> String {
    let all = chats(lab, user).await;
    let chat = all.iter().find(|chat| chat["topic"] == topic).unwrap_or_else(|| panic!("no {topic}"));
    percent_encoding::utf8_percent_encode(chat["id"].as_str().unwrap(), percent_encoding::NON_ALPHANUMERIC)
        .to_string()
}

#[actix_web::test]
async fn the_list_is_paged_and_sorted_and_takes_few_options() {
    let lab = lab();
    let (all, pages) = lab
        .pages("alice", &format!("/me/chats?$top=50&$expand=members,lastMessagePreview&{RECENT}"), &[])
        .await;
    assert_eq!(pages, 2);
    let times: Vec<&str> =
        all.iter().filter_map(|chat| chat["lastMessagePreview"]["createdDateTime"].as_str()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    assert!(all.iter().all(|chat| chat["id"] != "48:notes"), "notes are in no list");
    let bobs = chats(&lab, "bob").await;
    let alice = &lab.state.directory.by_upn("alice@contoso.example").unwrap().oid;
    assert!(bobs.iter().any(|chat| !chat["members"].to_string().contains(alice.as_str())));
    for (query, part) in [
        ("$select=id", "$select"),
        ("$search=%22x%22", "$search"),
        ("$top=51", "51"),
        ("$orderby=topic", "topic"),
        ("$orderby=lastMessagePreview/createdDateTime", "not supported"),
        ("$expand=messages", "messages"),
        ("$filter=lastMessagePreview/createdDateTime%20gt%202020-01-01T00:00:00Z", "$orderby"),
        ("$filter=lastUpdatedDateTime%20gt%202020-01-01T00:00:00Z", "not allowed"),
    ] {
        let got = lab.get("alice", &format!("/me/chats?{query}")).await;
        assert_eq!((got.status, got.code().as_str()), (400, "BadRequest"), "{query}");
        assert!(got.json()["error"]["message"].as_str().unwrap().contains(part), "{query}: {}", got.json());
    }
}

#[actix_web::test]
async fn messages_come_newest_first_and_a_filter_wants_its_order() {
    let lab = lab();
    let id = id_of(&lab, "alice", "Harbor crane team").await;
    let url = format!("/chats/{id}/messages");
    let all = lab.get("alice", &format!("{url}?$top=50&{NEWEST}")).await.json();
    let all = all["value"].as_array().unwrap();
    let middle = all[2]["createdDateTime"].as_str().unwrap();
    let narrowed =
        lab.get("alice", &format!("{url}?{NEWEST}&$filter=createdDateTime%20lt%20{middle}")).await.json();
    assert_eq!(narrowed["value"].as_array().unwrap().len(), all.len() - 3);
    // Without the order the filter is dropped, and nothing says so.
    let dropped = lab.get("alice", &format!("{url}?$filter=createdDateTime%20lt%20{middle}")).await.json();
    assert_eq!(dropped["value"].as_array().unwrap().len(), all.len());
}

#[actix_web::test]
async fn messages_refuse_other_orders_filters_and_options() {
    for (query, part) in [
        ("$orderby=createdDateTime%20asc".to_owned(), "Ascending"),
        ("$orderby=createdDateTime".to_owned(), "Ascending"),
        (format!("{NEWEST}&$filter=createdDateTime%20le%202026-01-01T00:00:00Z"), "LessThanOrEqual"),
        (format!("{NEWEST}&$filter=lastModifiedDateTime%20gt%202026-01-01T00:00:00Z"), "$orderby"),
        (format!("{NEWEST}&$filter=createdDateTime%20lt%20'2026-01-01'"), "filter"),
        ("$filter=from%20eq%20'x'".to_owned(), "filter"),
        ("$select=id".to_owned(), "$select"),
        ("$top=51".to_owned(), "51"),
        ("$skip=1".to_owned(), "$skip"),
    ] {
        let got = lab().get("alice", &format!("/chats/48:notes/messages?{query}")).await;
        assert_eq!((got.status, got.code().as_str()), (400, "BadRequest"), "{query}");
        assert!(got.json()["error"]["message"].as_str().unwrap().contains(part), "{query}: {}", got.json());
    }
}

#[actix_web::test]
async fn a_chat_is_shown_to_its_members_with_the_scope_and_notes_are_each_ones_own() {
    let lab = lab();
    let id = id_of(&lab, "alice", "영업본부").await;
    for (user, path, expected) in [
        ("bob", format!("/chats/{id}"), (403, "Forbidden")),
        ("bob", format!("/chats/{id}/messages"), (403, "Forbidden")),
        ("bob", "/chats/19:0@thread.v2/messages".to_owned(), (404, "NotFound")),
        ("bob", "/chats/nonsense/messages".to_owned(), (400, "BadRequest")),
        ("bob", "/chats/48:notes/messages/1".to_owned(), (404, "NotFound")),
    ] {
        let got = lab.get(user, &path).await;
        assert_eq!((got.status, got.code().as_str()), expected, "{path}");
    }
    let basic = lab.token("alice", &["Chat.ReadBasic"]);
    for (path, status) in [
        ("/me/chats?$expand=members", 200),
        ("/me/chats?$expand=lastMessagePreview", 403),
        ("/chats/48:notes/messages", 403),
        ("/me/people", 403),
        ("/users", 403),
    ] {
        let got = lab.send(&basic, "GET", &format!("/v1.0{path}"), &[], "").await;
        assert_eq!(got.status, status, "{path}");
    }
    let mut notes = Vec::new();
    for user in ["alice", "bob"] {
        notes.push(
            lab.get(user, "/chats/48:notes/messages").await.json()["value"][0]["body"]["content"].clone(),
        );
    }
    assert!(notes[0] != notes[1] && notes[0].as_str().unwrap().contains("Alice"), "{notes:?}");
}

#[actix_web::test]
async fn the_fifth_request_for_a_chat_in_a_second_is_refused_and_other_chats_are_not() {
    let lab = lab();
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(lab.get("alice", "/chats/48:notes/messages").await.status);
    }
    // The machine may be slow: then the first ones are a second old.
    let refused = lab.state.counters.totals().marks.get("graph.throttled").copied().unwrap_or_default();
    assert!(statuses.iter().filter(|status| **status == 429).count() as u64 == refused, "{statuses:?}");
    assert_eq!(lab.get("bob", "/chats/48:notes/messages").await.status, 200);
}

#[actix_web::test]
async fn a_search_of_the_directory_needs_its_header_and_quotes() {
    let lab = lab();
    let eventual = [("ConsistencyLevel", "eventual")];
    let search = "/users?$search=%22displayName:Nora%22%20OR%20%22mail:Nora%22&$select=id,displayName,mail";
    let wide = lab.token("alice", &["User.ReadBasic.All"]);
    let ask = async |path: &str, headers| lab.send(&wide, "GET", &format!("/v1.0{path}"), headers, "").await;
    let got = ask(search, &[]).await;
    assert_eq!((got.status, got.code().as_str()), (400, "Request_UnsupportedQuery"));
    let found = ask(search, &eventual).await.json();
    assert_eq!(found["value"][0]["displayName"], "Nora Quiet");
    let known = lab.get("alice", "/me/people?$search=%22Nora%22").await.json();
    assert_eq!(known["value"], json!([]), "nobody has written to Nora yet");
    assert_eq!(ask("/users?$search=Nora", &eventual).await.status, 400);
    let known = lab.get("alice", "/me/people?$search=%22carol%22").await.json();
    assert_eq!(known["value"][0]["displayName"], "Carol Chen");
}

#[actix_web::test]
async fn every_answer_of_teams_fits_the_description() {
    let Some(description) = description() else { return };
    for user in ["alice", "bob", "minji"] {
        let lab = lab();
        let crew = id_of(&lab, user, if user == "minji" { "영업본부" } else { "Harbor crane team" }).await;
        let message = lab.get(user, "/chats/48:notes/messages").await.json()["value"][0]["id"].clone();
        let token = lab.token(user, &["Chat.Read", "People.Read", "User.ReadBasic.All"]);
        for (template, path) in [
            ("/me/chats", "/me/chats".to_owned()),
            ("/me/chats", format!("/me/chats?$top=50&$expand=members,lastMessagePreview&{RECENT}")),
            ("/me/chats", "/me/chats?$filter=chatType%20eq%20'group'".to_owned()),
            ("/chats/{chat-id}", format!("/chats/{crew}?$expand=members")),
            ("/chats/{chat-id}/members", format!("/chats/{crew}/members")),
            ("/chats/{chat-id}/messages", format!("/chats/{crew}/messages?$top=50&{NEWEST}")),
            (
                "/chats/{chat-id}/messages/{chatMessage-id}",
                format!("/chats/48:notes/messages/{}", message.as_str().unwrap()),
            ),
            ("/me/people", "/me/people?$top=5".to_owned()),
            ("/users", "/users?$top=5&$select=id,displayName,mail".to_owned()),
        ] {
            let schema = &description["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]
                ["schema"];
            assert!(schema.is_object(), "{template}");
            let headers = [("ConsistencyLevel", "eventual")];
            let got = lab.send(&token, "GET", &format!("/v1.0{path}"), &headers, "").await;
            assert_eq!(got.status, 200, "{path}: {}", String::from_utf8_lossy(&got.body));
            assert_eq!(faults(&validator(&description, schema), &got.json()), Vec::<String>::new(), "{path}");
        }
        let refused = lab.get(user, "/chats/19:0@thread.v2").await;
        let error = validator(&description, &json!({ "$ref": "#/components/schemas/odataError" }));
        assert_eq!(faults(&error, &refused.json()), Vec::<String>::new());
    }
}

#[actix_web::test]
async fn teams_and_channels_are_shown_to_their_members_and_fit_the_description() {
    let Some(description) = description() else { return };
    let lab = lab();
    let (alice, bob) = (lab.token("alice", &TEAMS), lab.token("bob", &TEAMS));
    let get = async |token: &str, path: &str| lab.send(token, "GET", &format!("/v1.0{path}"), &[], "").await;
    assert_eq!(get(&alice, "/me/joinedTeams?$top=5").await.code(), "BadRequest", "no options at all");
    let mine = get(&alice, "/me/joinedTeams").await.json();
    let (surveys, sales) = (mine["value"][0]["id"].clone(), mine["value"][1]["id"].clone());
    let url = format!("/teams/{}/channels", surveys.as_str().unwrap());
    let channels = get(&alice, &url).await.json();
    let schema = |template: &str| {
        description["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            .clone()
    };
    for (template, answer) in [("/me/joinedTeams", &mine), ("/teams/{team-id}/channels", &channels)] {
        assert_eq!(faults(&validator(&description, &schema(template)), answer), Vec::<String>::new());
    }
    assert!(
        channels.to_string().contains("Board") && !get(&bob, &url).await.json().to_string().contains("Board")
    );
    let foreign = get(&bob, &format!("/teams/{}/channels", sales.as_str().unwrap())).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (403, "Forbidden"));
    assert_eq!(get(&bob, "/teams/x/channels").await.code(), "BadRequest");
    assert_eq!(get(&lab.token("bob", &["Chat.Read"]), &url).await.status, 403);
}

const TEAMS: [&str; 2] = ["Team.ReadBasic.All", "Channel.ReadBasic.All"];

#[actix_web::test]
async fn what_is_sent_appears_for_those_in_the_chat_and_fits_the_description() {
    let Some(description) = description() else { return };
    let lab = lab();
    let id = id_of(&lab, "alice", "Empty room").await;
    let (alice, minji) =
        (lab.token("alice", &["ChatMessage.Send"]), lab.token("minji", &["ChatMessage.Send"]));
    let bob = &lab.state.directory.by_upn("bob@contoso.example").unwrap().oid;
    let message = |content: &str, mentions: Value| json!({"body": {"contentType": "html", "content": content}, "mentions": mentions});
    let bob = json!([{"id": 0, "mentionText": "Bob Baker", "mentioned": {"user": {"id": bob, "displayName": "Bob Baker", "userIdentityType": "aadUser"}}}]);
    let wish = |body: Value, status| Wish {
        method: "POST",
        template: "/chats/{chat-id}/messages",
        url: format!("/chats/{id}/messages"),
        body,
        status,
    };
    let good = message("<p><at id=\"0\">Bob Baker</at> 🏗</p>", bob.clone());
    let made = send(&lab, &alice, &description, wish(good.clone(), 201)).await.json();
    let seen = lab.get("bob", &format!("/chats/{id}/messages")).await.json();
    assert_eq!(seen["value"][0]["id"], made["id"]);
    send(&lab, &alice, &description, wish(message("<p>no marker</p>", bob), 400)).await;
    send(&lab, &minji, &description, wish(good, 403)).await;
}
