//! OneNote as a client meets it, both ways against Graph's own description where that is there.
use serde_json::{Value, json};

use super::contract::{description, faults, validator};
use super::contract_writes::{Wish, send};
use super::{Got, Lab};

const READ: [&str; 1] = ["Notes.Read"];
const WRITE: [&str; 1] = ["Notes.ReadWrite"];

async fn get(lab: &Lab, user: &str, path: &str) -> Got {
    lab.send(&lab.token(user, &READ), "GET", &format!("/v1.0{path}"), &[], "").await
}

async fn ask(lab: &Lab, method: &str, path: &str, body: &str) -> Got {
    let kind = if method == "POST" && path.ends_with("/pages") { "text/html" } else { "application/json" };
    lab.send(&lab.token("alice", &WRITE), method, &format!("/v1.0{path}"), &[("Content-Type", kind)], body)
        .await
}

/// Id of the section of a name.
async fn section(lab: &Lab, name: &str) -> String {
    let path = format!("/me/onenote/sections?$filter=displayName%20eq%20'{name}'");
    get(lab, "alice", &path).await.json()["value"][0]["id"].as_str().unwrap().to_owned()
}

async fn page(lab: &Lab, title: &str) -> String {
    let path = format!("/me/onenote/pages?$filter=contains(tolower(title),'{title}')");
    get(lab, "alice", &path).await.json()["value"][0]["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn every_answer_fits_the_description() {
    let Some(description) = description() else { return };
    let lab = Lab::new(0);
    let (meetings, kickoff) = (section(&lab, "Meetings").await, page(&lab, "kickoff").await);
    let notebook = get(&lab, "alice", "/me/onenote/notebooks").await.json()["value"][0]["id"].clone();
    let notebook = notebook.as_str().unwrap();
    let above = "$expand=parentSection($select=id,displayName),parentNotebook($select=id,displayName)";
    let requests = [
        ("/me/onenote/notebooks", "/me/onenote/notebooks".to_owned()),
        (
            "/me/onenote/notebooks",
            "/me/onenote/notebooks?$top=100&$expand=sections($select=id,displayName),sectionGroups($expand=sections)&$select=id,displayName,isShared,links&$count=true".to_owned(),
        ),
        ("/me/onenote/notebooks/{notebook-id}/sections", format!("/me/onenote/notebooks/{notebook}/sections")),
        ("/me/onenote/notebooks/{notebook-id}/sectionGroups", format!("/me/onenote/notebooks/{notebook}/sectionGroups")),
        ("/me/onenote/sections", "/me/onenote/sections?$orderby=lastModifiedDateTime%20desc&$top=2".to_owned()),
        (
            "/me/onenote/sections",
            "/me/onenote/sections?$expand=parentNotebook($select=id,displayName),parentSectionGroup&$select=id,displayName".to_owned(),
        ),
        ("/me/onenote/pages", format!("/me/onenote/pages?{above}&$top=3&$skip=2")),
        ("/me/onenote/pages", "/me/onenote/pages?$filter=lastModifiedDateTime%20ge%202020-01-01T00:00:00Z".to_owned()),
        (
            "/me/onenote/sections/{onenoteSection-id}/pages",
            format!("/me/onenote/sections/{meetings}/pages?pagelevel=true&$select=id,title,level,order,links&{above}"),
        ),
        ("/me/onenote/pages/{onenotePage-id}", format!("/me/onenote/pages/{kickoff}")),
        ("/me/onenote/pages/{onenotePage-id}", format!("/me/onenote/pages/{kickoff}?pagelevel=true&$select=title,level")),
        ("/me/onenote/pages/{onenotePage-id}/preview", format!("/me/onenote/pages/{kickoff}/preview")),
    ];
    for (template, path) in requests {
        let schema = &description["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]
            ["schema"];
        assert!(schema.is_object(), "{template}");
        let got = get(&lab, "alice", &path).await;
        assert_eq!(got.status, 200, "{path}: {}", String::from_utf8_lossy(&got.body));
        assert_eq!(faults(&validator(&description, schema), &got.json()), Vec::<String>::new(), "{path}");
    }
    let content = get(&lab, "alice", &format!("/me/onenote/pages/{kickoff}/content?includeIDs=true")).await;
    assert!(content.header("content-type").starts_with("text/html"));
    assert!(String::from_utf8(content.body).unwrap().contains("<p id=\"p:{"));
}

#[actix_web::test]
async fn what_writes_fits_the_description() {
    let Some(description) = description() else { return };
    let lab = Lab::new(0);
    let token = lab.token("alice", &WRITE);
    let notebook = get(&lab, "alice", "/me/onenote/notebooks").await.json()["value"][0]["id"].clone();
    let url = format!("/me/onenote/notebooks/{}/sections", notebook.as_str().unwrap());
    let ask = async |method: &str, template: &str, url: &str, body: Value, status: u16| {
        let wish = Wish { method, template, url: url.to_owned(), body, status };
        send(&lab, &token, &description, wish).await
    };
    let template = "/me/onenote/notebooks/{notebook-id}/sections";
    let made = ask("POST", template, &url, json!({"displayName": "New"}), 201).await.json();
    ask("POST", template, &url, json!({"displayName": "new"}), 409).await;
    ask("POST", template, &url, json!({"displayName": "a#b"}), 400).await;
    let kickoff = page(&lab, "kickoff").await;
    let one = format!("/me/onenote/pages/{kickoff}");
    let content = format!("{one}/content");
    let template = "/me/onenote/pages/{onenotePage-id}/content";
    let change = json!([{"target": "body", "action": "append", "position": "after", "content": "<p>x</p>"}]);
    ask("PATCH", template, &content, change, 204).await;
    ask(
        "PATCH",
        template,
        &content,
        json!([{"target": "p:{x}{1}", "action": "replace", "content": "x"}]),
        400,
    )
    .await;
    let template = "/me/onenote/pages/{onenotePage-id}/copyToSection";
    let accepted =
        ask("POST", template, &format!("{one}/copyToSection"), json!({"id": made["id"]}), 202).await;
    let operation = accepted.header("operation-location").split_once("/v1.0").unwrap().1.to_owned();
    let template = "/me/onenote/operations/{onenoteOperation-id}";
    assert_eq!(ask("GET", template, &operation, Value::Null, 200).await.json()["status"], "running");
    let done = ask("GET", template, &operation, Value::Null, 200).await.json();
    assert_eq!(done["status"], "completed");
    let copy = format!("/me/onenote/pages/{}", done["resourceId"].as_str().unwrap());
    ask("DELETE", "/me/onenote/pages/{onenotePage-id}", &copy, Value::Null, 204).await;
    ask("DELETE", "/me/onenote/pages/{onenotePage-id}", &copy, Value::Null, 404).await;
}

#[actix_web::test]
async fn whoever_says_how_many_pages_gets_no_link_to_the_rest() {
    let lab = Lab::new(0);
    let log = section(&lab, "Log").await;
    let path = format!("/me/onenote/sections/{log}/pages");
    let first = get(&lab, "alice", &format!("{path}?$top=100")).await.json();
    assert_eq!((first["value"].as_array().unwrap().len(), first.get("@odata.nextLink")), (100, None));
    let rest = get(&lab, "alice", &format!("{path}?$top=100&$skip=100")).await.json();
    assert_eq!(rest["value"].as_array().unwrap().len(), 30);
    let (all, pages) = {
        let (mut all, mut pages, mut next) = (0, 0, Some(path));
        while let Some(path) = next {
            let page = get(&lab, "alice", &path).await.json();
            all += page["value"].as_array().unwrap().len();
            pages += 1;
            next =
                page["@odata.nextLink"].as_str().map(|link| link.split_once("/v1.0").unwrap().1.to_owned());
        }
        (all, pages)
    };
    assert_eq!((all, pages), (130, 7));
}

#[actix_web::test]
async fn refusals_have_onenotes_numbers() {
    let lab = Lab::new(0);
    let kickoff = page(&lab, "kickoff").await;
    for (path, status, code) in [
        ("/me/onenote/pages?$top=101", 400, "20129"),
        ("/me/onenote/pages?$search=x", 400, "20108"),
        ("/me/onenote/pages?pagelevel=true", 400, "20104"),
        ("/me/onenote/pages?$select=name", 400, "20145"),
        ("/me/onenote/pages?$expand=title", 400, "20144"),
        ("/me/onenote/sections?$expand=parentNotebook($expand=sections)", 400, "20142"),
        ("/me/onenote/pages?$filter=title%20like%20'x'", 400, "20128"),
        ("/me/onenote/pages?$filter=name%20eq%20'x'", 400, "20127"),
        ("/me/onenote/pages/nonsense", 400, "20112"),
        ("/me/onenote/pages/1-33f8a242-7c33-4bb2-90c5-8425a68cc5bf", 404, "20102"),
        ("/me/onenote/nothing", 404, "20130"),
    ] {
        let got = get(&lab, "alice", path).await;
        assert_eq!((got.status, got.code().as_str()), (status, code), "{path}");
    }
    let one = format!("/me/onenote/pages/{kickoff}");
    assert_eq!(get(&lab, "bob", &one).await.code(), "20102", "another person's page");
    let content = format!("{one}/content");
    for (change, code) in [
        ("[]", "20125"),
        ("{", "20020"),
        (r#"[{"action":"append"}]"#, "20109"),
        (r#"[{"target":"body","action":"append","content":"x","odd":1}]"#, "20126"),
        (r#"[{"target":"body","action":"rename","content":"x"}]"#, "20122"),
        (r#"[{"target":"body","action":"replace","content":"x"}]"#, "20141"),
        (r##"[{"target":"#decisions","action":"replace","content":"x"}]"##, "20141"),
        (r#"[{"target":"decisions","action":"append","content":"x"}]"#, "20134"),
        (r#"[{"target":"body","action":"append","content":" "}]"#, "20132"),
    ] {
        assert_eq!(ask(&lab, "PATCH", &content, change).await.code(), code, "{change}");
    }
    for (scopes, method, path, status) in [
        (["Mail.Read"], "GET", "/me/onenote/notebooks", 403),
        (["Notes.Create"], "GET", "/me/onenote/notebooks", 200),
        (["Notes.Create"], "GET", "/me/onenote/pages", 403),
        (["Notes.Read"], "DELETE", one.as_str(), 403),
        (["Notes.Create"], "DELETE", one.as_str(), 403),
    ] {
        let token = lab.token("alice", &scopes);
        let got = lab.send(&token, method, &format!("/v1.0{path}"), &[], "").await;
        assert_eq!(got.status, status, "{scopes:?} {method} {path}");
    }
}

#[actix_web::test]
async fn a_change_gives_new_ids_and_is_whole_or_not_at_all() {
    let lab = Lab::new(0);
    let one = format!("/me/onenote/pages/{}", page(&lab, "kickoff").await);
    let html = async || {
        let got = get(&lab, "alice", &format!("{one}/content?includeIDs=true")).await;
        String::from_utf8(got.body).unwrap()
    };
    let before = html().await;
    assert_eq!(html().await, before, "reading changes nothing");
    let id = before.split("<p id=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let content = format!("{one}/content");
    let half = json!([
        {"target": id, "action": "replace", "content": "<p>new</p>"},
        {"target": "#none", "action": "append", "content": "<p>x</p>"},
    ]);
    assert_eq!(ask(&lab, "PATCH", &content, &half.to_string()).await.code(), "20149");
    assert_eq!(html().await, before);
    let fine = json!([
        {"target": id, "action": "replace", "content": "<p>new <b>words</b></p>"},
        {"target": "#decisions", "action": "append", "content": "<li>third</li>"},
        {"target": "title", "action": "replace", "content": "A &amp; B"},
    ]);
    assert_eq!(ask(&lab, "PATCH", &content, &fine.to_string()).await.status, 204);
    let after = html().await;
    assert!(
        after.contains("new <span style=\"font-weight:bold\">words</span>") && after.contains("third"),
        "{after}"
    );
    assert!(after.contains("<title>A &amp; B</title>") && !after.contains(&id), "{after}");
    let gone = json!([{"target": id, "action": "replace", "content": "<p>x</p>"}]);
    assert_eq!(ask(&lab, "PATCH", &content, &gone.to_string()).await.code(), "20149");
}
