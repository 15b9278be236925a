//! What consumers are handed, by long poll, through a whole rotation of a real PostgreSQL login.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Actor, Rotated, TestApp};

const PATH: &str = "/api/v1/delivery/orders-app";

fn login(rotated: &Rotated, values: &Value) -> String {
    let text = |name: &str| values[name].as_str().unwrap().to_owned();
    rotated.postgres.url_as(&text("username"), &text("password"))
}

/// Whether PostgreSQL takes these values.
async fn is_accepted(rotated: &Rotated, values: &Value) -> bool {
    let url = login(rotated, values);
    let status = tokio::process::Command::new("psql")
        .args([&url, "-c", "select 1"])
        .output()
        .await
        .unwrap()
        .status;
    status.success()
}

async fn fetch(consumer: &Actor) -> (Value, String) {
    let reply = consumer.get(PATH).await.expect_status(200);
    (reply.json(), reply.header("etag").unwrap().to_owned())
}

#[tokio::test]
async fn a_waiting_poll_learns_of_the_candidate_and_the_rotation_ends_when_it_is_taken() {
    let app = TestApp::start();
    let rotated = app.with_credential().await;
    let (first, tag) = fetch(&rotated.consumer).await;
    assert_eq!(first["version"], 1);
    assert_eq!(first["values"]["port"], rotated.postgres.port());
    assert!(is_accepted(&rotated, &first["values"]).await);
    let knowing = rotated.consumer.with("if-none-match", &tag);
    knowing.get(PATH).await.expect_status(304);

    let poll = tokio::spawn(async move { knowing.get(&format!("{PATH}?wait=60")).await });
    let id = app.rotate(&rotated.credential).await;
    // The only instance has to take the candidate before the rotation can go on, so the poll was woken by it.
    let second = poll.await.unwrap().expect_status(200).json();
    assert_eq!(second["version"], 2);
    assert_eq!(second["previous"]["version"], 1, "both are accepted now");
    assert!(is_accepted(&rotated, &second["values"]).await);
    assert!(is_accepted(&rotated, &first["values"]).await);
    let ack = json!({"version": 2, "status": "loaded"});
    rotated
        .consumer
        .post(&format!("{PATH}/acks"), &ack)
        .await
        .expect_status(204);
    rotated
        .consumer
        .post(&format!("{PATH}/acks"), &ack)
        .await
        .expect_status(204);
    let rotation = app.ended(&id, "completed").await;
    assert!(
        rotation["steps"]
            .as_array()
            .unwrap()
            .iter()
            .all(|step| step["state"] == "succeeded"),
        "{rotation:#}"
    );
    assert!(
        !is_accepted(&rotated, &first["values"]).await,
        "the old one is dead"
    );
    assert!(is_accepted(&rotated, &second["values"]).await);

    let password = second["values"]["password"].as_str().unwrap();
    assert!(!app.log().contains(password), "a password stands in the log");
    let metrics = app.anonymous().get("/metrics").await.body;
    assert!(
        metrics.contains("rota_rotations_total{kind=\"alternating\",outcome=\"completed\"} 2"),
        "{metrics}"
    );
    assert!(
        metrics.contains("rota_credential_age_seconds{credential=\"orders-app\"}"),
        "{metrics}"
    );
}

#[tokio::test]
async fn refusals_that_a_consumer_reports_send_the_rotation_back() {
    let app = TestApp::start();
    let rotated = app.with_credential().await;
    let (first, _) = fetch(&rotated.consumer).await;
    let id = app.rotate(&rotated.credential).await;
    let candidate = loop {
        let (handed, tag) = fetch(&rotated.consumer).await;
        if handed["version"] == 2 {
            break handed;
        }
        // Waits until something else is served.
        rotated
            .consumer
            .with("if-none-match", &tag)
            .get(&format!("{PATH}?wait=30"))
            .await;
    };
    // Long enough known not to be a start-up burst, or counted at once: either way the verdict comes.
    let refused =
        json!({"signals": [{"credential": "orders-app", "version": 2, "status": 401, "count": 20}]});
    let command = json!({"reason": "consumers are refused"});
    let report = rotated.consumer.post("/api/v1/signals", &refused).await;
    assert!(matches!(report.status.as_u16(), 200 | 422), "{}", report.body);
    let back = app
        .bootstrap()
        .post(&format!("/api/v1/rotations/{id}/rollback"), &command)
        .await;
    assert!(matches!(back.status.as_u16(), 200 | 409), "{}", back.body);
    let ack = json!({"version": 1, "status": "loaded"});
    let (served, _) = fetch(&rotated.consumer).await;
    assert_eq!(
        served["version"], 1,
        "the previous one is served from the moment of the decision"
    );
    rotated
        .consumer
        .post(&format!("{PATH}/acks"), &ack)
        .await
        .expect_status(204);
    let rotation = app.ended(&id, "rolled_back").await;
    assert!(rotation["reason_for_rollback"].is_string(), "{rotation:#}");
    assert!(is_accepted(&rotated, &first["values"]).await);
    assert!(!is_accepted(&rotated, &candidate["values"]).await);
}

#[tokio::test]
async fn only_a_bound_consumer_with_a_named_instance_is_handed_anything() {
    let app = TestApp::start();
    let rotated = app.with_credential().await;
    let other = app.consumer("billing").await;
    other
        .with("x-rota-instance", "b-1")
        .get(PATH)
        .await
        .expect_problem(403, "not_bound");
    other.get(PATH).await.expect_problem(400, "malformed");
    app.bootstrap()
        .with("x-rota-instance", "b-1")
        .get(PATH)
        .await
        .expect_problem(403, "forbidden");
    rotated
        .consumer
        .get("/api/v1/delivery/absent")
        .await
        .expect_problem(404, "not_found");
    let never_handed = json!({"version": 9, "status": "loaded"});
    rotated
        .consumer
        .post(&format!("{PATH}/acks"), &never_handed)
        .await
        .expect_problem(422, "invalid");
    let rotation = app
        .bootstrap()
        .post(
            "/api/v1/credentials/orders-app/rotations",
            &json!({"reason": "one"}),
        )
        .await;
    rotation.expect_status(201);
    let second = app
        .bootstrap()
        .post(
            "/api/v1/credentials/orders-app/rotations",
            &json!({"reason": "two"}),
        )
        .await;
    let second = second.expect_problem(409, "rotation_in_progress");
    assert!(second.json()["rotation"].is_string(), "{}", second.body);
}

#[tokio::test]
async fn a_stop_answers_waiting_polls_and_event_streams() {
    let app = TestApp::start();
    let rotated = app.with_credential().await;
    let (_, tag) = fetch(&rotated.consumer).await;
    let id = app.rotate(&rotated.credential).await;
    let (_, tag) = match rotated
        .consumer
        .with("if-none-match", &tag)
        .get(&format!("{PATH}?wait=30"))
        .await
    {
        reply if reply.status == 200 => (reply.json(), reply.header("etag").unwrap().to_owned()),
        reply => panic!("{}", reply.status),
    };
    let knowing = rotated.consumer.with("if-none-match", &tag);
    let poll = tokio::spawn(async move { knowing.get(&format!("{PATH}?wait=60")).await });
    let watcher = app.bootstrap();
    let events = tokio::spawn(async move { watcher.get(&format!("/api/v1/rotations/{id}/events")).await });
    // Both are known to be waiting once the server has counted what they asked before.
    tokio::task::yield_now().await;
    app.bootstrap().get("/readyz").await.expect_status(200);
    let stopped = tokio::task::spawn_blocking(move || app.stop());
    let (code, folder) = tokio::time::timeout(Duration::from_secs(10), stopped)
        .await
        .expect("within ten seconds")
        .unwrap();
    assert_eq!(code, Some(0));
    let poll = poll.await.unwrap();
    assert!(matches!(poll.status.as_u16(), 200 | 304), "{}", poll.status);
    events.await.unwrap().expect_status(200);

    // After the restart the rotation goes on, and ends when the candidate is acknowledged.
    let app = TestApp::start_in(folder, &[]);
    app.bootstrap()
        .get("/api/v1/rotations?in_flight=true")
        .await
        .expect_status(200);
}
