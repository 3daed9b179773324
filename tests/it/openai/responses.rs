//! `POST /v1/responses`.

use super::super::support::cluster::Cluster;
use super::super::support::model::{Model, Step};
use super::{ALICE, connect, with_model};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_response_says_what_a_completion_says() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let request = "query_email {\"max_mails\": 3, \"days_back\": 3650}";
    let completion = mail.ask(request, json!({})).await;
    let body = json!({"model": "mail-query", "input": request, "instructions": "be brief"});
    let response = mail.post("/responses", &body).await.body;
    assert_eq!((&response["object"], &response["status"]), (&json!("response"), &json!("completed")));
    let output = response["output"].as_array().unwrap();
    assert_eq!((&output[0]["type"], &output[0]["name"]), (&json!("mcp_call"), &json!("query_email")));
    assert_eq!(output[0]["structured_content"], *completion.structured());
    assert_eq!(output[1]["content"][0]["text"], completion.content());
    assert_eq!(response["usage"]["output_tokens"], completion.body["usage"]["completion_tokens"]);

    // The conversation goes on with what was answered.
    let mut input = vec![json!({"role": "user", "content": request})];
    input.extend(output.iter().cloned());
    input.push(json!({"role": "user", "content": [{"type": "input_text", "text": "help {}"}]}));
    let next = mail.post("/responses", &json!({"model": "mail-query", "input": input})).await.body;
    assert_eq!(next["output"][0]["name"], "help", "{next}");
    let stored = json!({"model": "mail-query", "input": "x", "previous_response_id": response["id"]});
    assert_eq!(mail.post("/responses", &stored).await.refusal(), (400, "", "previous_response_id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_in_order_and_add_up_to_the_response() {
    let cluster = Cluster::embedded().await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let body = json!({"model": "mail-query", "stream": true, "input": "query_email {\"max_mails\": 5, \"days_back\": 3650}"});
    let (events, _) = mail.stream("/responses", &body).await;
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..2], ["response.created", "response.in_progress"]);
    assert_eq!(kinds.last(), Some(&"response.completed"));
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    let said: String =
        of("response.output_text.delta").iter().map(|event| event["delta"].as_str().unwrap()).collect();
    let response = &events.last().unwrap()["response"];
    assert_eq!(response["output"][1]["content"][0]["text"], said);
    assert_eq!(of("response.output_text.done")[0]["text"], said);
    let finished: Vec<&Value> = of("response.output_item.done").iter().map(|event| &event["item"]).collect();
    assert_eq!(json!(finished), response["output"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_of_the_client_are_called_and_answered() {
    let model = Model::start(vec![
        Step::Call(vec![("get_weather", json!({"city": "Busan"}))]),
        Step::Say(&["It ", "rains."]),
    ])
    .await;
    let cluster = with_model(&model, &[]).await;
    let mail = connect(&cluster, "mail-query", ALICE, "").await;
    let tools = json!([{"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}]);
    let ask = json!({"model": "mail-query", "input": "weather?", "tools": tools});
    let response = mail.post("/responses", &ask).await.body;
    let call = &response["output"][0];
    assert_eq!((&call["type"], &call["name"]), (&json!("function_call"), &json!("get_weather")));
    let input = json!([{"role": "user", "content": "weather?"}, call,
        {"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}]);
    let next = json!({"model": "mail-query", "input": input, "tools": tools});
    assert_eq!(mail.post("/responses", &next).await.body["output"][0]["content"][0]["text"], "It rains.");
    let told = &model.asked()[1]["messages"];
    let last = told.as_array().unwrap().last().unwrap();
    assert_eq!((&last["role"], &last["content"]), (&json!("tool"), &json!("rain")));
}
