//! Drives as a client meets them: addresses, pages, conflicts, versions, redirects, permissions.
use serde_json::{Value, json};

use super::{Got, Lab};

const WRITE: [&str; 1] = ["Files.ReadWrite"];

async fn send(lab: &Lab, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
    lab.send(&lab.token("alice", &WRITE), method, &format!("/v1.0{path}"), headers, body).await
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn an_item_has_one_id_whatever_the_address() {
    let lab = Lab::new(0);
    for path in ["/Documents/items.csv", "/documents/ITEMS.CSV"] {
        let by_path = lab.get("alice", &format!("/me/drive/root:{path}")).await.json();
        let id = by_path["id"].as_str().unwrap();
        let by_id = lab.get("alice", &format!("/me/drive/items/{id}")).await.json();
        assert_eq!((&by_id["name"], &by_id["eTag"]), (&by_path["name"], &by_path["eTag"]));
        let folder = by_path["parentReference"]["id"].as_str().unwrap();
        let below = lab.get("alice", &format!("/me/drive/items/{folder}:/items.csv")).await.json();
        assert_eq!(below["id"], by_path["id"]);
    }
    let odd = lab.get("alice", "/me/drive/root:/Odd%20names/50%2525%20off.txt").await.json();
    assert_eq!(odd["name"], "50%25 off.txt");
    for missing in ["/me/drive/root:/none", "/me/drive/items/01NONE", "/drives/b!none/root"] {
        let got = lab.get("alice", missing).await;
        assert_eq!((got.status, &*got.code()), (404, "itemNotFound"), "{missing}");
    }
}

#[actix_web::test]
async fn a_folder_longer_than_a_page_is_complete_page_by_page() {
    let lab = Lab::new(0);
    let (rows, pages) = lab.pages("alice", "/me/drive/root:/Archive:/children?$orderby=name", &[]).await;
    assert_eq!((rows.len(), pages), (1_200, 6));
    assert!(names(&rows).is_sorted());
}

#[actix_web::test]
async fn contents_lie_behind_a_redirect() {
    let lab = Lab::new(0);
    let item = lab.get("alice", "/me/drive/root:/notes.txt").await.json();
    let got = lab.get("alice", &format!("/me/drive/items/{}/content", item["id"].as_str().unwrap())).await;
    assert_eq!((got.status, got.body.len()), (302, 0));
    let location = got.header("location").strip_prefix("http://graph.test").unwrap().to_owned();
    // The lab sends a token with everything: it is refused there and counted.
    let leaked = lab.send("token", "GET", &location, &[], "").await;
    assert_eq!(leaked.status, 401);
    assert_eq!(lab.state.counters.totals().marks["drive.authorization_leaked"], 1);
}

#[actix_web::test]
async fn names_and_versions_conflict_as_they_should() {
    let lab = Lab::new(0);
    let content = "/me/drive/root:/notes.txt:/content";
    let before = lab.get("alice", "/me/drive/root:/notes.txt").await.json();
    let refused =
        send(&lab, "PUT", &format!("{content}?@microsoft.graph.conflictBehavior=fail"), &[], "x").await;
    assert_eq!((refused.status, &*refused.code()), (409, "nameAlreadyExists"));
    let refused = send(&lab, "PUT", content, &[("If-Match", "\"{OTHER},9\"")], "x").await;
    assert_eq!((refused.status, &*refused.code()), (412, "resourceModified"));
    let written = send(&lab, "PUT", content, &[("If-Match", before["eTag"].as_str().unwrap())], "new").await;
    assert_eq!(written.status, 200);
    assert_eq!((&written.json()["id"], &written.json()["size"]), (&before["id"], &json!(3)));
    assert_ne!(written.json()["eTag"], before["eTag"]);
    let renamed =
        send(&lab, "PUT", &format!("{content}?@microsoft.graph.conflictBehavior=rename"), &[], "x").await;
    assert_eq!((renamed.status, &renamed.json()["name"]), (201, &json!("notes 1.txt")));

    let locked = send(&lab, "DELETE", "/me/drive/root:/Documents/open%20elsewhere.txt", &[], "").await;
    assert_eq!((locked.status, &*locked.code()), (423, "resourceLocked"));
    let gone = send(&lab, "DELETE", "/me/drive/root:/notes.txt", &[("If-Match", "\"{OTHER},9\"")], "").await;
    assert_eq!(gone.status, 412);
    assert_eq!(send(&lab, "DELETE", "/me/drive/root:/notes.txt", &[], "").await.status, 204);
    assert_eq!(lab.get("alice", "/me/drive/root:/notes.txt").await.status, 404);
}

#[actix_web::test]
async fn items_move_but_not_into_themselves() {
    let lab = Lab::new(0);
    let target = lab.get("alice", "/me/drive/root:/Nothing%20here").await.json();
    let body = json!({ "name": "moved.csv", "parentReference": { "id": target["id"] } }).to_string();
    let moved = send(&lab, "PATCH", "/me/drive/root:/Documents/items.csv", &[], &body).await;
    assert_eq!((moved.status, &moved.json()["name"]), (200, &json!("moved.csv")));
    assert_eq!(lab.get("alice", "/me/drive/root:/Nothing%20here/moved.csv").await.status, 200);
    let projects = lab.get("alice", "/me/drive/root:/Projects/Harbor%20crane").await.json();
    let body = json!({ "parentReference": { "id": projects["id"] } }).to_string();
    let refused = send(&lab, "PATCH", "/me/drive/root:/Projects", &[], &body).await;
    assert_eq!((refused.status, &*refused.code()), (400, "invalidRequest"));
    let taken =
        send(&lab, "PATCH", "/me/drive/root:/Documents/README.md", &[], r#"{"name":"itinerary.html"}"#).await;
    assert_eq!((taken.status, &*taken.code()), (409, "nameAlreadyExists"));
    for name in ["a:b", "", "CON", " x", "x|y"] {
        let body = json!({ "name": name }).to_string();
        let refused = send(&lab, "PATCH", "/me/drive/root:/Documents/README.md", &[], &body).await;
        assert_eq!(refused.status, 400, "{name}");
    }
}

#[actix_web::test]
async fn permissions_decide_what_is_seen_and_changed() {
    let lab = Lab::new(0);
    let bob = lab.get("bob", "/me/drive/root:/Private/Salary%20talks.txt").await.json();
    let (drive, id) = (bob["parentReference"]["driveId"].as_str().unwrap(), bob["id"].as_str().unwrap());
    let prices = lab.get("bob", "/me/drive/root:/For%20Alice/Valve%20prices.xlsx").await.json();
    let shared = format!("/v1.0/drives/{drive}/items/{}", prices["id"].as_str().unwrap());
    let get = async |scopes: &[&str], url: &str| {
        lab.send(&lab.token("alice", scopes), "GET", url, &[], "").await.status
    };
    assert_eq!(get(&["Files.Read.All"], &shared).await, 200);
    assert_eq!(get(&["Files.Read"], &shared).await, 403);
    assert_eq!(get(&["Files.Read.All"], &format!("/v1.0/drives/{drive}/items/{id}")).await, 403);
    assert_eq!(get(&["Files.Read.All"], &format!("/v1.0/me/drive/items/{id}")).await, 404);
    assert_eq!(get(&["Mail.Read"], "/v1.0/me/drive/root").await, 403);
    let reader = lab.token("alice", &["Files.Read"]);
    let body = r#"{"name":"x","folder":{}}"#;
    assert_eq!(lab.send(&reader, "POST", "/v1.0/me/drive/root/children", &[], body).await.status, 403);
    assert_eq!(lab.send(&reader, "DELETE", "/v1.0/me/drive/root:/notes.txt", &[], "").await.status, 403);
}

#[actix_web::test]
async fn the_budget_of_a_minute_is_shared_and_its_end_is_told() {
    let lab = Lab::new(0);
    lab.state.graph.drives.units.set(Some(10));
    for _ in 0..4 {
        assert_eq!(lab.get("alice", "/me/drive/root/children?$top=1").await.status, 200);
    }
    let near = lab.get("bob", "/me/drive/root").await;
    assert_eq!(near.header("ratelimit-remaining"), "1");
    let over = lab.get("bob", "/me/drive/root/children").await;
    assert_eq!((over.status, &*over.code()), (429, "activityLimitReached"));
    assert!(over.header("retry-after").parse::<u64>().is_ok());
}
