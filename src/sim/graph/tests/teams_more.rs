//! Teams: changing what was said, presence, searching, channels; bodies and answers fit Graph's own description.
use serde_json::{Value, json};

use super::contract::{description, faults, validator};
use super::contract_writes::{Wish, send};
use super::teams::{id_of, lab};

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
        lab.state.graph.teams.rest();
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
    lab.state.graph.teams.rest();
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
    lab.state.graph.teams.rest();
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
        lab.state.graph.teams.rest();
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
        lab.state.graph.teams.rest();
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
        lab.state.graph.teams.rest();
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

#[actix_web::test]
async fn meetings_and_transcripts_are_for_those_invited_and_fit_the_description() {
    let Some(description) = description() else { return };
    let lab = lab();
    let scopes = ["Calendars.Read", "OnlineMeetings.Read", "OnlineMeetingTranscript.Read.All"];
    let (alice, bob) = (lab.token("alice", &scopes), lab.token("bob", &["OnlineMeetings.Read"]));
    let minji = lab.token("minji", &scopes);
    let get = async |token: &str, path: &str| lab.send(token, "GET", &format!("/v1.0{path}"), &[], "").await;
    let fits = |got: &super::Got, template: &str| {
        let schema = &description["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]
            ["schema"];
        assert!(schema.is_object(), "{template}");
        assert_eq!(faults(&validator(&description, schema), &got.json()), Vec::<String>::new(), "{template}");
    };
    let events = get(&alice, "/me/events?$top=50&$select=subject,onlineMeeting").await.json();
    let join = events["value"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|event| event["onlineMeeting"]["joinUrl"].as_str());
    let join =
        percent_encoding::utf8_percent_encode(join.unwrap(), percent_encoding::NON_ALPHANUMERIC).to_string();
    let by_link = format!("/me/onlineMeetings?$filter=JoinWebUrl%20eq%20'{join}'");
    let found = get(&alice, &by_link).await;
    fits(&found, "/me/onlineMeetings");
    let id = found.json()["value"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(get(&bob, &by_link).await.json()["value"][0]["id"], id.as_str());
    let url = format!("/me/onlineMeetings/{id}/transcripts");
    let all = get(&alice, &url).await;
    fits(&all, "/me/onlineMeetings/{onlineMeeting-id}/transcripts");
    let one = all.json()["value"][0]["id"].as_str().unwrap().to_owned();
    let content = get(&alice, &format!("{url}/{one}/content")).await;
    assert!(content.header("content-type").starts_with("text/vtt") && content.body.starts_with(b"WEBVTT"));
    for (token, path, status) in [
        (&bob, url.clone(), 403),
        (&bob, "/me/onlineMeetings".to_owned(), 400),
        (&bob, "/me/onlineMeetings?$filter=subject%20eq%20'x'".to_owned(), 400),
        (&bob, "/me/onlineMeetings?$top=1".to_owned(), 400),
        (&alice, format!("{url}/x/content"), 404),
        (&alice, "/me/onlineMeetings/x/transcripts".to_owned(), 404),
        (&lab.token("alice", &["Calendars.Read"]), by_link.clone(), 403),
    ] {
        assert_eq!(get(token, &path).await.status, status, "{path}");
    }
    let none = get(&minji, "/me/onlineMeetings?$filter=JoinWebUrl%20eq%20'https://x.example'").await.json();
    assert_eq!(none["value"], json!([]));
}
