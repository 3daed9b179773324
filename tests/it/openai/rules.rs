//! Answers without a language model.

use super::super::support::cluster::Cluster;
use super::super::support::openai::text_of;
use super::{ALICE, connect};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn one_service_is_one_model_with_its_tools_as_functions() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let listed = mail.get("/models").await.body;
    assert_eq!((&listed["object"], listed["data"].as_array().unwrap().len()), (&json!("list"), 1));
    let model = &listed["data"][0];
    assert_eq!((&model["id"], &model["object"]), (&json!("mail-query"), &json!("model")));
    assert!(model["created"].as_i64().is_some_and(|created| created > 1_700_000_000));
    assert_eq!(mail.get("/models/mail-query").await.body, *model);
    assert_eq!(mail.get("/models/calendar").await.refusal(), (404, "model_not_found", "model"));
    let functions = mail.get("/functions").await.body;
    let find = |name: &str| {
        let all = functions["data"].as_array().unwrap();
        all.iter().find(|tool| tool["function"]["name"] == name).cloned().unwrap()
    };
    let query = find("query_email");
    assert_eq!(query["type"], "function");
    assert!(query["function"]["parameters"]["properties"]["keyword"].is_object());
    let flat = mail.get("/functions?form=responses").await.body;
    assert_eq!(flat["data"][0]["type"], "function");
    assert!(flat["data"][0]["name"].is_string());

    let root = connect(&cluster, "m365", ALICE, "").await;
    assert_eq!(root.get("/models").await.body["data"][0]["id"], "m365");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_run_in_so_many_words() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let asked = json!({"max_mails": 2, "days_back": 3650});
    let by_words = mail.run("query_email", &asked).await;
    assert_eq!(by_words.body["object"], "chat.completion");
    assert_eq!(by_words.body["choices"][0]["finish_reason"], "stop");
    assert_eq!(by_words.structured()["items"].as_array().unwrap().len(), 2);
    let result = &by_words.message()["tool_results"][0];
    assert_eq!(
        (&result["role"], &result["name"], &result["is_error"]),
        (&json!("tool"), &json!("query_email"), &json!(false))
    );
    assert_eq!(by_words.content(), result["content"]);

    let choice = json!({"tool_choice": {"type": "function", "function": {"name": "query_email"}}});
    let by_choice = mail.ask(&asked.to_string(), choice).await;
    assert_eq!(by_choice.structured(), by_words.structured());

    let call = json!({"id": "call_9", "type": "function",
        "function": {"name": "query_email", "arguments": asked.to_string()}});
    let body = json!({"model": "mail-query", "messages": [
        {"role": "user", "content": "my mail"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
    ]});
    let by_call = mail.post("/chat/completions", &body).await;
    assert_eq!(by_call.structured(), by_words.structured());
    assert_eq!(by_call.message()["tool_results"][0]["tool_call_id"], "call_9");

    // Null is what strict functions say for an argument that they leave out.
    let strict = json!({"max_mails": 2, "days_back": 3650, "keyword": null, "folder": null});
    assert_eq!(mail.run("query_email", &strict).await.structured(), by_words.structured());

    let as_json = json!({"response_format": {"type": "json_object"}});
    let answer = mail.ask(&format!("query_email {asked}"), as_json).await;
    assert_eq!(&serde_json::from_str::<Value>(answer.content()).unwrap(), by_words.structured());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_the_same_in_chunks_and_ends_properly() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let text = format!("query_email {}", json!({"max_mails": 5, "days_back": 3650}));
    let whole = mail.ask(&text, json!({})).await;
    let options = json!({"stream": true, "stream_options": {"include_usage": true}});
    let (chunks, is_done) = mail.stream("/chat/completions", &mail.chat(&text, options)).await;
    assert!(is_done);
    assert_eq!(text_of(&chunks), whole.content());
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["id"] == chunks[0]["id"])
    );
    let results: Vec<&Value> =
        chunks.iter().filter_map(|c| c["choices"][0]["delta"]["tool_results"].as_array()).flatten().collect();
    assert_eq!(results[0]["structured_content"], *whole.structured());
    let (last, before) = (&chunks[chunks.len() - 1], &chunks[chunks.len() - 2]);
    assert_eq!(before["choices"][0]["finish_reason"], "stop");
    assert_eq!(before["usage"], Value::Null);
    assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &whole.body["usage"]));
    let usage = &whole.body["usage"];
    let sum = usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap();
    assert!(usage["completion_tokens"].as_u64().unwrap() > 20);
    assert_eq!(usage["total_tokens"], sum);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_keeps_within_the_tokens_that_were_asked_for() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let text = "query_email {\"max_mails\": 20, \"days_back\": 3650}";
    let short = mail.ask(text, json!({"max_completion_tokens": 10})).await;
    assert_eq!(short.body["choices"][0]["finish_reason"], "length");
    assert!(short.body["usage"]["completion_tokens"].as_u64().unwrap() <= 11, "{}", short.body["usage"]);
    assert!(mail.ask(text, json!({})).await.content().starts_with(short.content()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reaches_other_people_is_shown_before_it_is_sent() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "Mail.Read Mail.ReadWrite Mail.Send").await;
    let mut letter = json!({"to": ["bob@contoso.example"], "subject": "By chat", "body": "Hello"});
    let held = mail.run("send_email", &letter).await;
    assert_eq!(held.structured()["status"], "confirmation_required", "{}", held.body);
    letter["confirm_token"] = held.structured()["confirm_token"].clone();
    assert_eq!(mail.run("send_email", &letter).await.structured()["status"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_the_function_runs_the_loop_itself() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let functions = mail.get("/functions").await.body["data"].clone();
    let request = "unread mail of the last 7 days";
    let called = mail.ask(request, json!({"tools": functions})).await;
    assert_eq!(called.body["choices"][0]["finish_reason"], "tool_calls", "{}", called.body);
    let message = called.message().clone();
    assert_eq!(message["content"], Value::Null);
    let call = &message["tool_calls"][0];
    assert!(
        serde_json::from_str::<Value>(call["function"]["arguments"].as_str().unwrap()).unwrap().is_object()
    );

    // Left to us, the call is run; answered by the client, the answer is said.
    let user = json!({"role": "user", "content": request});
    let body = json!({"model": "mail-query", "messages": [user, message], "tools": functions});
    let ran = mail.post("/chat/completions", &body).await;
    assert_eq!(ran.message()["tool_results"][0]["tool_call_id"], call["id"]);
    let answer = json!({"role": "tool", "tool_call_id": call["id"], "content": "Three mails."});
    let body = json!({"model": "mail-query", "messages": [user, message, answer], "tools": functions});
    let said = mail.post("/chat/completions", &body).await;
    assert_eq!((said.content(), &said.body["choices"][0]["finish_reason"]), ("Three mails.", &json!("stop")));

    // Without the function, or told not to call it, the server runs it.
    let run_here = mail.ask(request, json!({})).await;
    assert!(run_here.structured().is_object());
    let told = mail.ask(request, json!({"tools": functions, "tool_choice": "none"})).await;
    assert_eq!(told.structured(), run_here.structured());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_understands_is_answered_with_what_can_be_asked() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let answer = mail.ask("xyzzy plugh", json!({})).await;
    assert!(answer.content().contains("query_email"), "{}", answer.content());
    assert!(answer.message()["tool_results"].is_null());
    let examples: Vec<&str> = answer.content().lines().filter_map(|line| line.strip_prefix("- ")).collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        let understood = mail.ask(example, json!({})).await;
        assert!(understood.structured().is_object(), "{example}");
    }
    assert!(mail.ask("쀍뷁 쀍뷁", json!({})).await.content().contains("이해하지 못했습니다"));
}
