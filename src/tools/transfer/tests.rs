//! Records of tickets: whose they are, and that they count once.

use super::*;
use crate::adapters::embedded::EmbeddedStore;
use crate::domain::clock::{SharedClock, TestClock};
use crate::domain::keyring::KeyRing;
use crate::domain::write_mark::WriteMark;
use crate::tools::outlet::Outlet;
use serde_json::json;
use std::time::Instant;

const A: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const B: &str = "b:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn store() -> Arc<EmbeddedStore> {
    let clock: SharedClock = Arc::new(TestClock::at(1_795_219_200_000));
    Arc::new(EmbeddedStore::memory(clock))
}

fn transfers(store: &Arc<EmbeddedStore>, keys: &str) -> Transfers {
    let ring = KeyRing::from_list(keys).unwrap();
    let store: Arc<dyn Store> = store.clone();
    Transfers::new(store, Cipher::new(&ring), Hasher::new(&ring), "https://entrada.example/")
}

fn context(user: &str) -> CallContext {
    let caller = Caller {
        user: UserKey::new("t", user),
        client: ClientId::new("c"),
        grant: GrantId::new("g"),
        scopes: ScopeSet::parse("Files.Read"),
    };
    CallContext {
        caller,
        mailbox: None,
        mark: WriteMark::default(),
        deadline: Instant::now() + LINK_LIFE,
        outlet: Outlet::default(),
    }
}

async fn link(transfers: &Transfers) -> String {
    let what = json!({"item": "01A"});
    let offered = Offered { service: "onedrive", name: "a", content_type: "text/plain", what };
    let link = transfers.link(&context("alice"), offered).await.unwrap();
    link.url.strip_prefix("https://entrada.example/download/").unwrap().to_owned()
}

#[tokio::test]
async fn a_link_is_known_again_and_spent_once_while_keys_change() {
    let store = store();
    let old = transfers(&store, A);
    let ticket = link(&old).await;
    let both = transfers(&store, &format!("{B},{A}"));
    let found: Found<LinkRecord> = both.find(Kind::Download, &ticket).await.unwrap().unwrap();
    assert_eq!(found.record.what, json!({"item": "01A"}));
    assert!(!found.place.contains(&ticket), "the store sees a hash");
    let as_upload: Option<Found<UploadRecord>> = both.find(Kind::Upload, &ticket).await.unwrap();
    assert!(as_upload.is_none());
    assert!(old.spend(Kind::Download, &ticket).await.unwrap());
    assert!(!both.spend(Kind::Download, &ticket).await.unwrap());
    both.remove(&found.place, found.version).await.unwrap();
    let gone: Option<Found<LinkRecord>> = old.find(Kind::Download, &ticket).await.unwrap();
    assert!(gone.is_none());
}

#[tokio::test]
async fn what_is_no_ticket_is_not_looked_up() {
    let transfers = transfers(&store(), A);
    for odd in ["", "x", &"A".repeat(42), &"A".repeat(44), &"é".repeat(43), &format!("{}/", "A".repeat(42))]
    {
        assert!(!is_ticket(odd), "{odd}");
        let found: Option<Found<LinkRecord>> = transfers.find(Kind::Download, odd).await.unwrap();
        assert!(found.is_none());
    }
    assert!(is_ticket(&random::text::<32>()));
}

#[tokio::test]
async fn a_file_that_came_in_is_its_users_until_it_is_used() {
    let transfers = transfers(&store(), A);
    let (alice, bob) = (context("alice"), context("bob"));
    let ticket = transfers.ticket(&alice, ("onedrive", "a.pdf")).await.unwrap();
    let ticket = ticket.reference.strip_prefix(REFERENCE).unwrap().to_owned();
    let ask = async |context: &CallContext| {
        transfers.uploaded(&context.caller.user, ("source", &ticket)).await.map_err(|error| error.public)
    };
    assert!(ask(&alice).await.unwrap_err().contains("nothing was uploaded"));
    let Found { place, version, record } =
        transfers.find::<UploadRecord>(Kind::Upload, &ticket).await.unwrap().unwrap();
    let stored = Stored { item: "01A".to_owned(), content_type: "text/plain".to_owned(), size: 3 };
    let record = UploadRecord { stored: Some(stored.clone()), ..record };
    transfers.write(&place, version, &record, TICKET_LIFE).await.unwrap();
    assert_eq!(ask(&alice).await.unwrap(), Uploaded { name: "a.pdf".to_owned(), stored });
    assert!(ask(&bob).await.unwrap_err().contains("unknown ticket"));
    transfers.used(&bob.caller.user, &ticket).await;
    assert!(ask(&alice).await.is_ok());
    transfers.used(&alice.caller.user, &ticket).await;
    assert!(ask(&alice).await.unwrap_err().contains("unknown ticket"));
}
