//! Answers by a language model that works with the tools.

use super::super::support::mcp::Mcp;
use super::super::support::model::{Model, Step};
use super::super::support::openai::text_of;
use super::{ALICE, BOB, connect, with_model};
use futures_util::StreamExt;
use serde_json::json;

fn query(max: u64) -> Step {
    Step::Call(vec![("query_email", json!({"max_mails": max, "days_back": 3650}))])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_reads_with_the_tools_and_its_words_stream_through() {
    let model = Model::start(vec![query(2), Step::Say(&["You have ", "two ", "mails."])]).await;
    let cluster = with_model(&model, &[]).await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let options = json!({"stream": true, "stream_options": {"include_usage": true}, "temperature": 0.2});
    let (chunks, is_done) = mail.stream("/chat/completions", &mail.chat("what is new?", options)).await;
    assert!(is_done);
    assert_eq!(text_of(&chunks), "You have two mails.");
    let words: Vec<&str> =
        chunks.iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(words, ["", "You have ", "two ", "mails."]);
    assert_eq!(chunks.last().unwrap()["usage"]["total_tokens"], 220, "two steps of 110");
    let asked = model.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(
        (&asked[0]["model"], &asked[0]["temperature"], &asked[0]["authorization"]),
        (&json!("scripted"), &json!(0.2), &json!(true))
    );
    let names: Vec<&str> = asked[0]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"query_email") && !names.contains(&"send_email"),
        "only what the token allows: {names:?}"
    );
    assert_eq!(asked[0]["messages"][0]["role"], "system");
    let told = asked[1]["messages"].as_array().unwrap();
    assert_eq!(told[told.len() - 2]["tool_calls"][0]["function"]["name"], "query_email");
    assert_eq!(told[told.len() - 1]["role"], "tool");
    // The bearer of a person never goes to the model.
    assert!(!asked.iter().any(|body| body.to_string().contains(&mail.key)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_works_as_the_person_who_asks() {
    let model = Model::start(vec![query(1), Step::Say(&["a"]), query(1), Step::Say(&["b"])]).await;
    let cluster = with_model(&model, &[]).await;
    let mut found = Vec::new();
    for user in [ALICE, BOB] {
        let mail = connect(&cluster, "mail-query", user, "").await;
        let answer = mail.ask("my newest mail", json!({})).await;
        found.push(answer.structured()["items"][0]["id"].clone());
    }
    assert!(found[0].is_string() && found[0] != found[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_own_functions_are_handed_back() {
    let script = vec![
        Step::Call(vec![("query_email", json!({})), ("get_weather", json!({"city": "Busan"}))]),
        Step::Say(&["Rain."]),
    ];
    let model = Model::start(script).await;
    let cluster = with_model(&model, &[]).await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let tools =
        json!([{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]);
    let answer = mail.ask("weather and mail", json!({"tools": tools})).await;
    assert_eq!(answer.body["choices"][0]["finish_reason"], "tool_calls");
    let calls = answer.message()["tool_calls"].as_array().unwrap();
    assert_eq!((calls.len(), &calls[0]["function"]["name"]), (1, &json!("get_weather")));
    assert_eq!(calls[0]["function"]["arguments"], json!({"city": "Busan"}).to_string());
    let body = json!({"model": "mail-query", "tools": tools, "messages": [
        {"role": "user", "content": "weather and mail"}, answer.message(),
        {"role": "tool", "tool_call_id": calls[0]["id"], "content": "rain"}]});
    assert_eq!(mail.post("/chat/completions", &body).await.content(), "Rain.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_goes_round_for_ever_is_stopped() {
    let model = Model::start(vec![query(1)]).await;
    let cluster = with_model(&model, &[("ENTRADA_LLM__MAX_STEPS", "3")]).await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let answer = mail.ask("go", json!({})).await;
    assert_eq!(answer.message()["tool_results"].as_array().unwrap().len(), 3);
    let asked = model.asked();
    assert_eq!(asked.len(), 4);
    assert_eq!((&asked[2]["tool_choice"], &asked[3]["tool_choice"]), (&json!("auto"), &json!("none")));
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_model_are_told_to_the_model() {
    let script = vec![
        Step::Call(vec![("no_such_tool", json!({}))]),
        Step::Call(vec![("query_email", json!({"max_mails": "many"}))]),
        Step::Call(vec![("send_email", json!({"to": ["x@contoso.example"], "subject": "s", "body": "b"}))]),
        Step::Say(&["Sorry."]),
    ];
    let model = Model::start(script).await;
    let cluster = with_model(&model, &[]).await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let answer = mail.ask("go", json!({})).await;
    assert_eq!(answer.content(), "Sorry.");
    let results = answer.message()["tool_results"].as_array().unwrap().clone();
    assert!(results.iter().all(|result| result["is_error"] == true), "{results:?}");
    let told: Vec<String> = model.asked()[3]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|message| message["role"] == "tool")
        .map(|message| message["content"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        told[0].contains("no_such_tool") && told[1].contains("max_mails") && told[2].contains("Mail.Send"),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_confirms_nothing_in_the_persons_place() {
    let letter = json!({"to": ["bob@contoso.example"], "subject": "By a model", "body": "Hello"});
    // However it spells the argument, and whatever came back to it from its client or in earlier answers.
    for spelling in ["confirm_token", "confirmToken", "Confirm-Token"] {
        let mut confirmed = letter.clone();
        confirmed[spelling] = json!("${token}");
        let eager = Model::start(vec![
            Step::Call(vec![("send_email", letter.clone())]),
            Step::Echo("send_email", confirmed.clone()),
            Step::Say(&["Here are your mails."]),
            Step::Echo("send_email", confirmed),
            Step::Say(&["Done."]),
        ])
        .await;
        let cluster = with_model(&eager, &[]).await;
        let mail = connect(&cluster, "mail-query", ALICE, "Mail.Read Mail.ReadWrite Mail.Send").await;
        let first = mail.ask("write to bob", json!({})).await;
        let results = first.message()["tool_results"].as_array().unwrap();
        assert_eq!((results.len(), &results[1]["is_error"]), (2, &json!(true)), "{}", first.body);
        assert!(results[1]["content"].as_str().unwrap().contains("has not confirmed"), "{}", results[1]);
        // The person says something else; what was sent back with their words counts nothing.
        let token = results[0]["structured_content"]["confirm_token"].as_str().unwrap().to_owned();
        let go_on = |words: String| {
            json!({"model": "mail-query", "messages": [{"role": "user", "content": "write to bob"},
                first.message(), {"role": "user", "content": words}]})
        };
        let second = mail.post("/chat/completions", &go_on("thanks, and tomorrow?".to_owned())).await;
        assert_eq!(second.message()["tool_results"][0]["is_error"], true, "{}", second.body);
        assert!(!eager.asked().last().unwrap()["messages"].to_string().contains("tool_results"));
        assert_eq!(
            cluster.tenant.graph("bob@contoso.example", "/me/messages?$filter=subject eq 'By a model'").await
                ["value"],
            json!([])
        );

        let mut agreed = letter.clone();
        agreed[spelling] = json!(token);
        let obedient = Step::Call(vec![("send_email", agreed)]);
        eager.goes_on_with(vec![obedient, Step::Say(&["Sent."])]);
        let third = mail.post("/chat/completions", &go_on(format!("yes: {token}"))).await;
        assert_eq!(third.structured()["status"], "done", "{}", third.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_changes_a_persons_own_things_only_when_they_say_so() {
    let event = json!({"subject": "Alone", "start": "2026-12-07T09:00", "end": "2026-12-07T10:00"});
    let model = Model::start(vec![Step::Say(&["Hi."])]).await;
    let cluster = with_model(&model, &[]).await;
    let calendar = connect(&cluster, "calendar", ALICE, "Calendars.ReadWrite").await;
    let mcp = Mcp::of(&format!("{}/calendar/mcp", cluster.url), &calendar.key);
    let made = mcp.call("calendar_create_event", event).await.output().clone();
    let change = json!({"event_id": made["event"]["id"], "subject": "Moved"});
    let by_person =
        mcp.call("calendar_update_event", json!({"event_id": made["event"]["id"], "subject": "Mine"})).await;
    assert_eq!(by_person.output()["status"], "done", "her own client shows her the call");
    model.goes_on_with(vec![Step::Call(vec![("calendar_update_event", change)]), Step::Say(&["Shall I?"])]);
    let held = calendar.ask("rename it", json!({})).await;
    assert_eq!(held.structured()["status"], "confirmation_required", "{}", held.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_overwrites_nothing_unless_the_operator_lets_it() {
    for (allowed, setting) in [(false, "false"), (true, "true")] {
        let write = json!({"file_path": "/plan.txt", "content": "by the model", "overwrite": true});
        let model = Model::start(vec![Step::Call(vec![("write_file", write)]), Step::Say(&["Done."])]).await;
        let cluster = with_model(&model, &[("ENTRADA_LLM__DESTRUCTIVE_TOOLS", setting)]).await;
        let drive = connect(&cluster, "onedrive", ALICE, "Files.ReadWrite").await;
        let mcp = Mcp::of(&format!("{}/onedrive/mcp", cluster.url), &drive.key);
        mcp.call("write_file", json!({"file_path": "/plan.txt", "content": "by hand"})).await.output();
        let answer = drive.ask("rewrite the plan", json!({})).await;
        assert_eq!(answer.message()["tool_results"][0]["is_error"], !allowed, "{}", answer.body);
        let offered = model.asked()[0]["tools"].to_string().contains(r#""name":"write_file""#);
        let text = mcp.call("read_file", json!({"file_path": "/plan.txt"})).await.text;
        assert_eq!((offered, text.contains("by the model")), (allowed, allowed), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_the_model_have_their_statuses_and_tell_nothing_of_it() {
    let refusal = json!({"error": {"message": "Incorrect API key provided: key-of-the-operator", "code": "invalid_api_key"}});
    let long = json!({"error": {"message": "too many tokens", "code": "context_length_exceeded"}});
    for (step, status, code) in [
        (Step::Refuse(401, refusal.clone()), 502, "upstream_error"),
        (Step::Refuse(500, refusal.clone()), 502, "upstream_error"),
        (Step::Refuse(429, refusal.clone()), 429, "rate_limit_exceeded"),
        (Step::Refuse(400, refusal.clone()), 400, ""),
        (Step::Refuse(400, long), 400, "context_length_exceeded"),
        (Step::Garbage("<html>busy</html>"), 502, "upstream_error"),
        (Step::Garbage("data: {\"choices\": 5}\n\n"), 502, "upstream_error"),
        (Step::Garbage("data: [DONE]\n\n"), 502, "upstream_error"),
    ] {
        let model = Model::start(vec![step]).await;
        let cluster = with_model(&model, &[]).await;
        let mail = connect(&cluster, "mail-query", ALICE, "").await;
        let refused = mail.ask("go", json!({})).await;
        assert_eq!((refused.refusal().0, refused.refusal().1), (status, code), "{}", refused.body);
        assert!(!refused.body.to_string().contains("key-of-the-operator"), "{}", refused.body);
        if status == 429 {
            assert_eq!(refused.header("retry-after"), "7");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_read_whatever_ends_its_lines_and_marks_its_beginning() {
    let raw = "\u{feff}data: {\"choices\":[{\"delta\":{\"content\":\"Hello \"}}]}\r\r: beat\n\n\
               data: {\"choices\":[{\"delta\":{\"content\":\"there.\"}}]}\r\n\r\n\
               data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let model = Model::start(vec![Step::Garbage(raw)]).await;
    let cluster = with_model(&model, &[]).await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    assert_eq!(mail.ask("hello", json!({})).await.message()["content"], "Hello there.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_falls_silent_ends_the_stream_with_an_error() {
    let model = Model::start(vec![Step::Stall]).await;
    let cluster = with_model(&model, &[("ENTRADA_LLM__SILENCE_S", "1")]).await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let (chunks, is_done) = mail.stream("/chat/completions", &mail.chat("go", json!({"stream": true}))).await;
    assert_eq!(text_of(&chunks), "One moment");
    assert!(!is_done);
    assert_eq!(chunks.last().unwrap()["error"]["code"], "upstream_error");
    assert_eq!(mail.ask("go", json!({})).await.refusal().0, 504);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_work_of_the_model() {
    let model = Model::start(vec![Step::Stall]).await;
    let cluster = with_model(&model, &[]).await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let body = mail.chat("go", json!({"stream": true}));
    let response = mail.request(reqwest::Method::POST, "/chat/completions").json(&body).send().await.unwrap();
    let mut chunks = response.bytes_stream();
    let first = chunks.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"data: "));
    drop(chunks);
    model.hung_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_the_model_are_each_persons_own_and_run_out() {
    let model = Model::start(vec![Step::Say(&["Hi."])]).await;
    let cluster = with_model(&model, &[("ENTRADA_LLM__TOKENS_PER_DAY", "150")]).await;
    let alice = connect(&cluster, "mail-query", ALICE, "").await;
    for _ in 0..2 {
        assert_eq!(alice.ask("hi", json!({})).await.content(), "Hi.");
    }
    let refused = alice.ask("hi", json!({})).await;
    assert_eq!((refused.refusal().0, refused.refusal().1), (429, "insufficient_quota"));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    let bob = connect(&cluster, "mail-query", BOB, "").await;
    assert_eq!(bob.ask("hi", json!({})).await.content(), "Hi.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_so_many_requests_at_once() {
    let model = Model::start(vec![Step::Stall]).await;
    let cluster = with_model(&model, &[("ENTRADA_OPENAI__MAX_RUNNING_PER_USER", "1")]).await;
    let alice = connect(&cluster, "mail-query", ALICE, "").await;
    let body = alice.chat("go", json!({"stream": true}));
    let running = alice.request(reqwest::Method::POST, "/chat/completions").json(&body).send().await.unwrap();
    assert_eq!(running.status(), 200);
    let refused = alice.ask("go", json!({})).await;
    assert_eq!((refused.refusal().0, refused.refusal().1), (429, "rate_limit_exceeded"));
    let bob = connect(&cluster, "mail-query", BOB, "").await;
    let other = bob.request(reqwest::Method::POST, "/chat/completions").json(&body).send().await.unwrap();
    assert_eq!(other.status(), 200);
}
