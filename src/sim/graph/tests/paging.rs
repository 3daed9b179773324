//! Every message is reached exactly once, whatever the page size and the order.
use std::collections::HashSet;

use super::Lab;

#[actix_web::test]
async fn all_pages_hold_every_message_once() {
    let lab = Lab::new(137);
    let total = lab.get("alice", "/me/messages?$count=true&$top=1&$select=id").await.json()["@odata.count"]
        .as_u64()
        .unwrap();
    for (path, headers) in [
        ("/me/messages?$select=id,receivedDateTime", &[][..]),
        ("/me/messages?$top=7&$select=id&$orderby=receivedDateTime%20asc", &[]),
        ("/me/messages?$top=50&$select=id&$orderby=subject", &[("Prefer", "IdType=\"ImmutableId\"")]),
        (
            "/me/messages?$select=id&$filter=receivedDateTime%20ge%201900-01-01",
            &[("Prefer", "odata.maxpagesize=33")],
        ),
    ] {
        let (rows, pages) = lab.pages("alice", path, headers).await;
        let ids: HashSet<&str> = rows.iter().map(|r| r["id"].as_str().unwrap()).collect();
        assert_eq!((ids.len(), rows.len()), (total as usize, total as usize), "{path}");
        assert!(pages > 2, "{path}");
    }
}

#[actix_web::test]
async fn newest_comes_first_and_skip_moves_on() {
    let lab = Lab::new(40);
    let rows = lab.pages("bob", "/me/messages?$top=30&$select=receivedDateTime", &[]).await.0;
    let dates: Vec<&str> = rows.iter().map(|r| r["receivedDateTime"].as_str().unwrap()).collect();
    assert!(dates.windows(2).all(|w| w[0] >= w[1]));
    let skipped = lab.pages("bob", "/me/messages?$top=30&$skip=11&$select=receivedDateTime", &[]).await.0;
    assert_eq!(skipped.len(), rows.len() - 11);
    assert_eq!(skipped[0]["id"], rows[11]["id"]);
    let unread = "/me/messages?$filter=isRead%20eq%20false&$select=isRead&$count=true";
    let first = lab.get("bob", unread).await.json();
    let rows = lab.pages("bob", unread, &[]).await.0;
    assert_eq!(first["@odata.count"].as_u64().unwrap() as usize, rows.len());
    assert!(rows.iter().all(|r| r["isRead"] == false));
}

#[actix_web::test]
async fn a_skiptoken_serves_only_its_own_query_and_mailbox() {
    let lab = Lab::new(30);
    let page = lab.get("alice", "/me/messages?$top=5&$select=id").await.json();
    let link = page["@odata.nextLink"].as_str().unwrap().replace("http://graph.test/v1.0", "");
    assert_eq!(lab.get("alice", &link).await.status, 200);
    assert_eq!(lab.get("bob", &link).await.status, 400);
    assert_eq!(lab.get("alice", &link.replace("$top=5", "$top=6")).await.status, 400);
    assert_eq!(lab.get("alice", "/me/messages?$skiptoken=abc").await.status, 400);
}

#[actix_web::test]
async fn folders_page_by_ten_and_hide_what_is_hidden() {
    let lab = Lab::new(0);
    let first = lab.get("alice", "/me/mailFolders").await.json();
    assert_eq!(first["value"].as_array().unwrap().len(), 10);
    let (all, pages) = lab.pages("alice", "/me/mailFolders", &[]).await;
    assert!(all.len() >= 14 && pages == 2, "{}", all.len());
    assert!(all.iter().any(|f| f["displayName"] == "Travel/Expenses"));
    let (hidden, _) = lab.pages("alice", "/me/mailFolders?includeHiddenFolders=true&$top=100", &[]).await;
    assert_eq!(hidden.len(), all.len() + 1);
}

#[actix_web::test]
async fn a_window_in_time_cuts_nothing_that_belongs_to_it() {
    let lab = Lab::new(300);
    let all = lab.pages("alice", "/me/messages?$top=1000&$select=receivedDateTime", &[]).await.0;
    let date = |at: usize| all[at]["receivedDateTime"].as_str().unwrap();
    let (newer, older) = (date(40), date(200));
    for (filter, want) in [
        (format!("receivedDateTime ge {older} and receivedDateTime le {newer}"), 161),
        (format!("receivedDateTime gt {older} and receivedDateTime lt {newer}"), 159),
        (format!("receivedDateTime lt {older} or receivedDateTime gt {newer}"), all.len() - 161),
        (format!("not (receivedDateTime ge {older})"), all.len() - 201),
        (format!("receivedDateTime ge {newer} and receivedDateTime le {older}"), 0),
    ] {
        let path = format!("/me/messages?$top=50&$select=id&$filter={}", filter.replace(' ', "%20"));
        let (rows, _) = lab.pages("alice", &path, &[]).await;
        assert_eq!(rows.len(), want, "{filter}");
    }
}
