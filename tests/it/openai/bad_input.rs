//! Requests that cannot be answered, each with the status and error that the official packages make exceptions of.

use super::super::support::cluster::Cluster;
use super::super::support::http;
use super::super::support::login::Client;
use super::super::support::openai::OpenAi;
use super::{ALICE, connect};
use serde_json::{Value, json};

fn call(name: &str, arguments: &str) -> Value {
    json!({"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}})
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_out_of_form_are_refused_with_the_place_of_the_fault() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let user = json!({"role": "user", "content": "?"});
    let calling = |call: Value| json!({"role": "assistant", "tool_calls": [call]});
    let answer = json!({"role": "tool", "tool_call_id": "call_1", "content": "x"});
    let messages = |messages: Value| json!({"model": "mail-query", "messages": messages});
    for (body, expected) in [
        (messages(json!([])), (400, "", "messages")),
        (json!({"model": "mail-query"}), (400, "", "messages")),
        (json!({"messages": [user]}), (400, "", "model")),
        (json!({"model": "gpt-4o", "messages": [user]}), (404, "model_not_found", "model")),
        (messages(json!([user, answer])), (400, "", "messages[1].tool_call_id")),
        (messages(json!([calling(call("query_email", "{}")), user])), (400, "", "messages[1]")),
        (messages(json!([{"role": "wizard", "content": "x"}])), (400, "", "messages[0].role")),
        (mail.chat("x", json!({"n": 2})), (400, "", "n")),
        (
            mail.chat("x", json!({"tool_choice": {"type": "function", "function": {"name": "rm"}}})),
            (400, "", "tool_choice"),
        ),
        (mail.chat("query_email {\"max_mails\": ", json!({})), (400, "", "messages[0].content")),
        (
            messages(json!([user, calling(call("query_email", "{\"max"))])),
            (400, "", "messages[1].tool_calls[call_1].function.arguments"),
        ),
        (
            messages(json!([{"role": "assistant", "tool_calls": vec![call("help", "{}"); 200]}])),
            (400, "", "messages[0].tool_calls"),
        ),
        (
            messages(json!([user, calling(call("get_weather", "{}"))])),
            (400, "", "messages[1].tool_calls[call_1].function.name"),
        ),
    ] {
        for stream in [false, true] {
            let mut body = body.clone();
            body["stream"] = json!(stream);
            let refused = mail.post("/chat/completions", &body).await;
            assert_eq!(refused.refusal(), expected, "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_do_not_fit_are_a_result_to_act_on() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let answer = mail.run("query_email", &json!({"max_mails": "many"})).await;
    let result = &answer.message()["tool_results"][0];
    assert_eq!(result["is_error"], true, "{}", answer.body);
    assert_eq!(result["structured_content"]["error"]["code"], "invalid_input");
    assert!(answer.content().contains("max_mails"), "{}", answer.content());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_checked_as_everywhere_and_say_where_to_sign_in() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let document = format!("{}/.well-known/oauth-protected-resource/mail-query/v1", cluster.url);
    let metadata: Value = http::client().get(&document).send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["resource"], format!("{}/mail-query/v1", cluster.url));
    for key in ["sk-nobody", "dcr_at_x", ""] {
        let refused = OpenAi::new(&cluster.url, "mail-query", key).get("/models").await;
        assert_eq!(refused.refusal(), (401, "invalid_api_key", ""), "{key}");
        assert!(
            refused.header("www-authenticate").contains(&document),
            "{}",
            refused.header("www-authenticate")
        );
    }
    let elsewhere = OpenAi::new(&cluster.url, "calendar", &mail.key).get("/models").await;
    assert_eq!(elsewhere.refusal().0, 401);

    // A tool beyond the token's permissions: what is missing, and where to get it.
    let letter = json!({"to": ["bob@contoso.example"], "subject": "s", "body": "b"});
    for stream in [false, true] {
        let body = mail.chat(&format!("send_email {letter}"), json!({"stream": stream}));
        let refused = mail.post("/chat/completions", &body).await;
        assert_eq!(refused.refusal(), (403, "insufficient_scope", ""));
        assert!(refused.header("www-authenticate").contains("Mail.Send"), "{:?}", refused.headers);
    }
    let narrow = Client::register(&cluster.url).await.with_scope("Mail.Read").sign_in(ALICE).await;
    let narrow = OpenAi::new(&cluster.url, "mail-query", &narrow.access);
    assert_eq!(narrow.run("query_email", &json!({"max_mails": 1})).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_of_this_api_is_refused_in_its_words() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let post = |path: &str| mail.request(reqwest::Method::POST, path);
    for (request, status) in [
        (post("/chat/completions").body("{\"model\""), 415),
        (post("/chat/completions").header("Content-Type", "application/json").body("{\"model\""), 400),
        (post("/chat/completions").header("Content-Type", "application/json").body("[]"), 400),
        (post("/chat/completions").header("Content-Type", "application/json").body("x".repeat(5 << 20)), 413),
        (post("/embeddings").json(&json!({})), 404),
        (post("/models"), 405),
        (mail.request(reqwest::Method::GET, "/chat/completions"), 405),
        (post("/models").header("Origin", "https://evil.example"), 405),
        (mail.request(reqwest::Method::GET, "/models").header("Origin", "https://evil.example"), 403),
        (mail.request(reqwest::Method::GET, "/models").header("Origin", "https://chatgpt.com"), 200),
        (
            mail.request(reqwest::Method::OPTIONS, "/chat/completions")
                .header("Origin", "https://chatgpt.com"),
            204,
        ),
    ] {
        let shown = format!("{request:?}");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{shown}");
        if status >= 400 {
            let body: Value = response.json().await.unwrap();
            assert!(body["error"]["message"].is_string(), "{body}");
        }
    }
    let missing =
        http::client().post(format!("{}/nothing/v1/chat/completions", cluster.url)).send().await.unwrap();
    assert_eq!(missing.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_microsoft_is_told_and_nobody_is_signed_out() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    cluster.tenant.fault(json!({ "path": "/v1.0/me/", "status": 503 })).await;
    let answer = mail.run("query_email", &json!({"max_mails": 1})).await;
    let result = &answer.message()["tool_results"][0];
    assert_eq!(
        (&result["is_error"], &result["structured_content"]["error"]["retryable"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(mail.get("/models").await.status, 200);
}
