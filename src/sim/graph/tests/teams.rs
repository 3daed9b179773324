//! Teams: its rules of asking, who gets what, and answers that fit Graph's own description.
use serde_json::{Value, json};

use super::Lab;
use super::contract::{description, faults, validator};
use super::contract_writes::{Wish, send};

const NEWEST: &str = "$orderby=createdDateTime%20desc";
const RECENT: &str = "$orderby=lastMessagePreview/createdDateTime%20desc";

/// A fresh tenant: a chat may be asked four times in a second only.
fn lab() -> Lab {
    Lab::new(0)
}

async fn chats(lab: &Lab, user: &str) -> Vec<Value> {
    lab.pages(user, &format!("/me/chats?$top=50&$expand=members,lastMessagePreview&{RECENT}"), &[]).await.0
}

async fn id_of(lab: &Lab, user: &str, topic: &str) -> String {
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

#[actix_web::test]
async fn messages_are_changed_by_their_author_and_reacted_to_by_everybody_in_the_chat() {
    const MESSAGE: &str = "/chats/{chat-id}/messages/{chatMessage-id}";
    let Some(description) = description() else { return };
    let lab = lab();
    let id = id_of(&lab, "alice", "Harbor crane team").await;
    let (alice, bob, minji) = (
        lab.token("alice", &["Chat.ReadWrite"]),
        lab.token("bob", &["Chat.ReadWrite"]),
        lab.token("minji", &["Chat.ReadWrite"]),
    );
    let url = format!("/chats/{id}/messages");
    let text = |text: &str| json!({"body": {"contentType": "html", "content": text}});
    let ask = async |token: &str, (method, template): (&str, &str), url: String, body: Value, status: u16| {
        // One chat takes four requests in a second.
        tokio::time::sleep(std::time::Duration::from_millis(260)).await;
        send(&lab, token, &description, Wish { method, template, url, body, status }).await
    };
    let post = ("POST", "/chats/{chat-id}/messages");
    let made = ask(&alice, post, url.clone(), text("<p>first</p>"), 201).await.json();
    let own = format!("{url}/{}", made["id"].as_str().unwrap());
    ask(&bob, ("PATCH", MESSAGE), own.clone(), text("x"), 403).await;
    ask(&minji, ("PATCH", MESSAGE), own.clone(), text("x"), 403).await;
    ask(&alice, ("PATCH", MESSAGE), format!("{url}/1"), text("x"), 404).await;
    ask(&alice, ("PATCH", MESSAGE), own.clone(), text("<p>second 🏗</p>"), 204).await;
    let react = ("POST", "/chats/{chat-id}/messages/{chatMessage-id}/setReaction");
    let thumb = json!({"reactionType": "👍"});
    for (token, body, status) in [
        (&bob, thumb.clone(), 204),
        (&bob, thumb.clone(), 204),
        (&bob, json!({"reactionType": "like it"}), 400),
        (&minji, thumb.clone(), 403),
    ] {
        ask(token, react, format!("{own}/setReaction"), body, status).await;
    }
    let seen = lab.get("bob", &own).await.json();
    assert_eq!(
        (&seen["body"]["content"], seen["lastEditedDateTime"].is_string()),
        (&json!("<p>second 🏗</p>"), true)
    );
    assert_eq!(seen["reactions"].as_array().unwrap().len(), 1);
    let delete = ("POST", "/users/{user-id}/chats/{chat-id}/messages/{chatMessage-id}/softDelete");
    let oid =
        |user: &str| lab.state.directory.by_upn(&format!("{user}@contoso.example")).unwrap().oid.clone();
    let as_user = |user: &str| format!("/users/{}{own}/softDelete", oid(user));
    ask(&bob, delete, as_user("bob"), Value::Null, 403).await;
    ask(&bob, delete, as_user("alice"), Value::Null, 403).await;
    ask(&alice, delete, as_user("alice"), Value::Null, 204).await;
    let gone = lab.get("bob", &own).await.json();
    assert_eq!((&gone["body"]["content"], gone["deletedDateTime"].is_string()), (&json!(""), true));
    ask(&alice, ("PATCH", MESSAGE), own.clone(), text("again"), 403).await;
    let sender = lab.token("bob", &["ChatMessage.Send"]);
    ask(&sender, react, format!("{own}/setReaction"), thumb, 204).await;
    ask(&sender, ("PATCH", MESSAGE), own, text("x"), 403).await;
}

#[actix_web::test]
async fn files_quotes_and_new_chats_fit_the_description() {
    let Some(description) = description() else { return };
    let lab = lab();
    let alice = lab.token("alice", &["Chat.ReadWrite"]);
    let oid = |key: &str| {
        let all = crate::sim::seed::colleagues::everybody(&lab.state.directory);
        all.iter().find(|one| one.key == key).unwrap().oid.clone()
    };
    let member = |key: &str| {
        json!({"@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": ["owner"],
            "user@odata.bind": format!("https://graph.microsoft.com/v1.0/users('{}')", oid(key))})
    };
    let start = async |members: Value, status: u16| {
        let (template, url) = ("/chats", "/chats".to_owned());
        let body = json!({"chatType": "oneOnOne", "members": members});
        send(&lab, &alice, &description, Wish { method: "POST", template, url, body, status }).await.json()
    };
    let chat = start(json!([member("alice"), member("nobody_yet")]), 201).await;
    assert_eq!(start(json!([member("nobody_yet"), member("alice")]), 201).await["id"], chat["id"]);
    start(json!([member("bob"), member("nobody_yet")]), 400).await;
    start(json!([member("alice")]), 400).await;
    let url = format!("/chats/{}/messages", chat["id"].as_str().unwrap());
    let say = async |content: &str, attachments: Value, status: u16| {
        let body = json!({"body": {"contentType": "html", "content": content}, "attachments": attachments});
        let (template, url) = ("/chats/{chat-id}/messages", url.clone());
        tokio::time::sleep(std::time::Duration::from_millis(260)).await;
        send(&lab, &alice, &description, Wish { method: "POST", template, url, body, status }).await.json()
    };
    let file = "153fa47d-18c9-4179-be08-9879815a9f90";
    let card = json!([{"id": file, "contentType": "reference", "contentUrl": "https://x.example/a.pdf", "name": "a.pdf"}]);
    let first = say(&format!("a<attachment id=\"{file}\"></attachment>"), card.clone(), 201).await;
    assert_eq!(first["attachments"][0]["name"], "a.pdf");
    say("no marker", card, 400).await;
    say(&format!("a<attachment id=\"{file}\"></attachment>"), json!([]), 400).await;
    let id = first["id"].as_str().unwrap();
    let quote = json!([{"id": id, "contentType": "messageReference", "content": json!({"messageId": id}).to_string()}]);
    say(&format!("<attachment id=\"{id}\"></attachment>b"), quote, 201).await;
}

#[actix_web::test]
async fn presence_fits_the_description() {
    let Some(description) = description() else { return };
    let lab = lab();
    let (own, all) = (lab.token("bob", &["Presence.Read"]), lab.token("bob", &["Presence.Read.All"]));
    let fits = |got: &super::Got, template: &str, method: &str| {
        let schema = &description["paths"][template][method]["responses"]["200"]["content"]["application/json"]
            ["schema"];
        assert!(schema.is_object());
        assert_eq!(faults(&validator(&description, schema), &got.json()), Vec::<String>::new());
    };
    let mine = lab.send(&own, "GET", "/v1.0/me/presence", &[], "").await;
    fits(&mine, "/me/presence", "get");
    assert_eq!(mine.json()["availability"], "Busy");
    let ask = async |token: &str, ids: Value, status: u16| {
        let (template, url) =
            ("/communications/getPresencesByUserId", "/communications/getPresencesByUserId".to_owned());
        send(
            &lab,
            token,
            &description,
            Wish { method: "POST", template, url, body: json!({"ids": ids}), status },
        )
        .await
    };
    let alice = &lab.state.directory.by_upn("alice@contoso.example").unwrap().oid;
    let found = ask(&all, json!([alice, "c0113a90-3d52-4f0e-9c61-5e77aa00ffff"]), 200).await.json();
    assert_eq!(found["value"][0]["availability"], "Available");
    assert_eq!(found["value"][1]["availability"], "PresenceUnknown");
    ask(&all, json!([]), 400).await;
    ask(&all, json!(["alice@contoso.example"]), 400).await;
    ask(&own, json!([alice]), 403).await;
}

#[actix_web::test]
async fn a_search_finds_what_was_said_where_one_is() {
    let Some(description) = description() else { return };
    let lab = lab();
    let chats = ["Chat.Read"];
    let channels = ["Chat.Read", "ChannelMessage.Read.All"];
    let find = async |user: &str, scopes: &[&str], text: &str, size: u64, status: u16| {
        let body = json!({"requests": [{"entityTypes": ["chatMessage"], "query": {"queryString": text}, "from": 0, "size": size}]});
        let (template, url) = ("/search/query", "/search/query".to_owned());
        let token = lab.token(user, scopes);
        send(&lab, &token, &description, Wish { method: "POST", template, url, body, status }).await.json()
    };
    let hits = |found: &Value| found["value"][0]["hitsContainers"][0]["hits"].as_array().unwrap().clone();
    let salary = find("bob", &chats, "salary", 25, 200).await;
    assert_eq!(hits(&salary).len(), 1);
    assert!(
        hits(&salary)[0]["resource"]["chatId"].is_string()
            && hits(&salary)[0]["summary"].as_str().unwrap().contains("<c0>salary</c0>")
    );
    assert!(hits(&find("alice", &chats, "salary", 25, 200).await).is_empty());
    let log = find("alice", &chats, "\"crane log entry\"", 5, 200).await;
    let container = &log["value"][0]["hitsContainers"][0];
    assert_eq!((&container["total"], &container["moreResultsAvailable"]), (&json!(5), &json!(true)));
    let times: Vec<String> =
        hits(&log).iter().map(|hit| hit["resource"]["createdDateTime"].to_string()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    for (text, count) in [
        ("도면*", 2),
        ("IsMentioned:true", 1),
        ("from:\"Carol Chen\" hasAttachment:false sent>=2020-01-01 review", 1),
        ("to:carol", 0),
        ("sent<2020-01-01", 0),
    ] {
        assert_eq!(hits(&find("alice", &chats, text, 25, 200).await).len(), count, "{text}");
    }
    assert!(hits(&find("alice", &chats, "yard", 25, 200).await).is_empty());
    let board = hits(&find("alice", &channels, "yard", 25, 200).await);
    assert!(board[0]["resource"]["channelIdentity"]["teamId"].is_string());
    assert!(hits(&find("bob", &channels, "yard", 25, 200).await).is_empty(), "the private channel");
    find("alice", &["Mail.Read"], "yard", 25, 403).await;
    find("alice", &chats, "yard", 26, 400).await;
    find("alice", &chats, "\"open", 25, 400).await;
}

#[actix_web::test]
async fn channels_are_read_and_written_by_their_members_and_fit_the_description() {
    const POSTS: &str = "/teams/{team-id}/channels/{channel-id}/messages";
    const REPLIES: &str = "/teams/{team-id}/channels/{channel-id}/messages/{chatMessage-id}/replies";
    let Some(description) = description() else { return };
    let lab = lab();
    let scopes = [
        "Team.ReadBasic.All",
        "Channel.ReadBasic.All",
        "ChannelMessage.Send",
        "ChannelMessage.Read.All",
        "TeamMember.Read.All",
        "ChannelMember.Read.All",
    ];
    let (alice, bob, minji) =
        (lab.token("alice", &scopes), lab.token("bob", &scopes), lab.token("minji", &scopes));
    let get = async |token: &str, path: &str| {
        tokio::time::sleep(std::time::Duration::from_millis(260)).await;
        lab.send(token, "GET", &format!("/v1.0{path}"), &[], "").await
    };
    let fits = |got: &super::Got, template: &str| {
        let schema = &description["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]
            ["schema"];
        assert!(schema.is_object(), "{template}");
        assert_eq!(faults(&validator(&description, schema), &got.json()), Vec::<String>::new(), "{template}");
    };
    let teams = get(&alice, "/me/joinedTeams").await.json();
    let team = format!("/teams/{}", teams["value"][0]["id"].as_str().unwrap());
    let all = get(&alice, &format!("{team}/channels")).await.json();
    let channel = |name: &str| {
        let found = all["value"].as_array().unwrap().iter().find(|one| one["displayName"] == name).unwrap();
        format!("{team}/channels/{}", found["id"].as_str().unwrap())
    };
    let (cranes, board, old) = (channel("Cranes"), channel("Board"), channel("2019"));
    let first = get(&bob, &format!("{cranes}/messages?$top=50&$expand=replies")).await;
    fits(&first, POSTS);
    let first = first.json();
    assert_eq!(first["value"][0]["replies"].as_array().unwrap().len(), 70, "the newest word decides");
    let root = format!("{cranes}/messages/{}", first["value"][0]["id"].as_str().unwrap());
    fits(&get(&bob, &root).await, "/teams/{team-id}/channels/{channel-id}/messages/{chatMessage-id}");
    let replies = get(&bob, &format!("{root}/replies?$top=50")).await;
    fits(&replies, REPLIES);
    assert!(replies.json()["@odata.nextLink"].is_string());
    fits(&get(&bob, &format!("{team}/members")).await, "/teams/{team-id}/members");
    let members = get(&alice, &format!("{board}/members")).await;
    fits(&members, "/teams/{team-id}/channels/{channel-id}/members");
    assert_eq!(members.json()["value"].as_array().unwrap().len(), 1);
    for (token, path, status) in [
        (&minji, format!("{cranes}/messages"), 403),
        (&bob, format!("{board}/messages"), 403),
        (&bob, format!("{team}/channels/19:x@thread.tacv2/messages"), 404),
        (&bob, format!("{team}/channels/x/messages"), 400),
        (&bob, "/teams/7ea30000-1f0c-4d7e-9a51-000000000077/members".to_owned(), 404),
        (&bob, format!("{cranes}/messages?$filter=x"), 400),
        (&bob, format!("{cranes}/messages?$top=51"), 400),
        (&bob, format!("{cranes}/messages/1"), 404),
    ] {
        assert_eq!(get(token, &path).await.status, status, "{path}");
    }
    let post = async |token: &str, template: &str, url: String, status: u16| {
        let body = json!({"subject": "S", "body": {"contentType": "html", "content": "<p>x</p>"}});
        tokio::time::sleep(std::time::Duration::from_millis(260)).await;
        send(&lab, token, &description, Wish { method: "POST", template, url, body, status }).await.json()
    };
    let made = post(&bob, POSTS, format!("{cranes}/messages"), 201).await;
    assert!(made["webUrl"].as_str().unwrap().contains(made["id"].as_str().unwrap()));
    let reply = post(&alice, REPLIES, format!("{root}/replies"), 201).await;
    assert!(root.ends_with(reply["replyToId"].as_str().unwrap()));
    post(&alice, REPLIES, format!("{cranes}/messages/1/replies"), 404).await;
    post(&minji, POSTS, format!("{cranes}/messages"), 403).await;
    post(&bob, POSTS, format!("{board}/messages"), 403).await;
    post(&alice, POSTS, format!("{old}/messages"), 403).await;
    let basic = lab.token("bob", &["Channel.ReadBasic.All"]);
    for path in [
        format!("{cranes}/messages"),
        format!("{root}/replies"),
        format!("{team}/members"),
        format!("{cranes}/members"),
    ] {
        assert_eq!(get(&basic, &path).await.status, 403, "{path}");
    }
}
