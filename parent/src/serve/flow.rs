//! The whole host over real TLS and a real socket, against a hand-made enclave: what callers see
//! when all goes well, and when it does not.

use super::world::{BODY, World, assert_problem, evaluate, get, post, ready, view};
use crate::client::Client;
use bytes::Bytes;
use hyper::Request;
use proof::Proof;
use serde_json::Value;
use std::time::Duration;
use tlog::leaf_hash;

#[tokio::test]
async fn a_decision_has_a_proof_that_can_be_fetched() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let response = evaluate(&mut client, &[], BODY).await;
    assert_eq!(response.status(), 200, "{:?}", response.body());
    let answer = view(&response);
    assert_eq!((&answer["transaction_id"], &answer["outcome"]), (&"txn-1".into(), &"pass".into()));
    assert_eq!(answer["results"][0]["reason"], "fine");
    assert_eq!(
        (&answer["proof"]["index"], &answer["proof"]["checkpoint_size"]),
        (&1.into(), &2.into())
    );
    let href = answer["proof"]["href"].as_str().unwrap().to_owned();
    let shown = view(&get(&mut client, &href).await);
    assert_eq!(shown["proof_hash"], answer["proof"]["hash"]);
    let request = Request::builder().uri(&href).header("accept", "application/cose");
    let proof = client.exchange(request, Bytes::new()).await.unwrap();
    let proof = Proof::parse(proof.body()).unwrap();
    let inclusion = proof.unsigned.unwrap().inclusion;
    let leaf = leaf_hash(proof.signed.proof_hash().as_bytes());
    let root = world.enclave.lock().unwrap().tree.root();
    assert_eq!(logtree::verify_inclusion(leaf, 1, 2, &inclusion.path, root), Ok(()));
    let full = view(&post(&mut client, &[], "/v1/evaluate?proof=full", BODY).await);
    assert!(full["proof"]["cose"].as_str().unwrap().len() > 500);

    assert_problem(
        &get(&mut client, "/v1/proofs/00000000000000000000000000000000").await,
        404,
        "not-found",
    );
    assert_problem(&get(&mut client, "/v1/proofs/xyz").await, 400, "bad-request");
    assert_problem(&get(&mut client, "/v1/evaluate").await, 405, "method-not-allowed");
    assert_problem(&get(&mut client, "/v1/attestation?nonce=00").await, 400, "bad-request");
    let attested = view(&get(&mut client, "/v1/attestation?nonce=0011223344556677").await);
    assert_eq!(attested["checkpoint"]["size"], 3);
    assert_eq!(view(&get(&mut client, "/v1/rules").await)["rules"][0]["id"], "us.test");
    let log = view(&get(&mut client, "/v1/log").await);
    assert_eq!((&log["boots"][0]["size"], &log["boots"][0]["quotes"]), (&3.into(), &2.into()));
    assert_eq!(get(&mut client, "/openapi.json").await.status(), 200);
    let bad = evaluate(&mut client, &[], &BODY.replace("15000", "-1")).await;
    assert_problem(&bad, 400, "bad-request");
    assert_eq!(view(&bad)["field"], "transaction.amount");
    drop(client);
    server.stop().await.unwrap();
    assert!(!world.options.data.join("listen").exists());
}

#[tokio::test]
async fn what_no_rule_covers_is_told() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    world.enclave.lock().unwrap().not_covered = vec![("US".into(), "PEP".into())];
    let answer = view(&evaluate(&mut client, &[], BODY).await);
    let pair = serde_json::json!([{"jurisdiction": "US", "domain": "PEP"}]);
    assert_eq!((&answer["not_covered"], &answer["violations"]), (&pair, &serde_json::json!([])));
    assert_eq!((&answer["outcome"], &answer["compliant"]), (&"missing_data".into(), &false.into()));
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_key_gives_the_same_proof_again_also_after_a_restart() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let keyed = [("idempotency-key", "order-7")];
    let first = view(&evaluate(&mut client, &keyed, BODY).await);
    let again = evaluate(&mut client, &keyed, BODY).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(view(&again), first);
    let other = evaluate(&mut client, &keyed, &BODY.replace("15000", "1")).await;
    assert_problem(&other, 422, "idempotency-reuse");
    drop(client);
    server.stop().await.unwrap();
    let (server, mut client) = world.start().await;
    let again = evaluate(&mut client, &keyed, BODY).await;
    assert_eq!(view(&again), first);
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_lost_link_fails_clearly_and_loses_nothing() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    world.enclave.lock().unwrap().hangs_up = true;
    let keyed = [("idempotency-key", "order-8")];
    let lost = evaluate(&mut client, &keyed, BODY).await;
    assert_problem(&lost, 503, "enclave-lost");
    assert_eq!(lost.headers()["retry-after"], "1");
    ready(&mut client, 200).await;
    // The enclave had evaluated: resumption brought the entry, and the key leads to it.
    let again = evaluate(&mut client, &keyed, BODY).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(view(&again)["proof"]["index"], 1);

    world.enclave.lock().unwrap().silent = true;
    assert_problem(&evaluate(&mut client, &[], BODY).await, 504, "deadline");
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_root_that_disagrees_is_never_answered_from() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    world.enclave.lock().unwrap().lies = true;
    let refused = evaluate(&mut client, &[], BODY).await;
    assert_problem(&refused, 503, "enclave-lost");
    ready(&mut client, 503).await;
    assert_eq!(server.host.ledger.size(0), 1);
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn batches_answer_in_order_and_name_their_failures() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let item = |number: usize| BODY.replace("txn-1", &format!("t{number}")).replace('\n', " ");
    let mut items: Vec<_> = (0..300).map(item).collect();
    items[7] = "{\"transaction\":5}".into();
    let array = format!("[{}]", items.join(",\n"));
    let json = [("content-type", "application/json")];
    let answer = view(&post(&mut client, &json, "/v1/evaluate/batch", &array).await);
    assert_eq!((&answer["total"], &answer["compliant_count"]), (&300.into(), &299.into()));
    assert_eq!((&answer["failed_count"], &answer["results"][7]["index"]), (&1.into(), &7.into()));
    assert_eq!(answer["results"][299]["transaction_id"], "t299");

    let lines = [("content-type", "application/x-ndjson; charset=utf-8")];
    let response = post(&mut client, &lines, "/v1/evaluate/batch", &items.join("\n")).await;
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    let views: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(views.len(), 301);
    assert_eq!(views[8]["transaction_id"], "t8");
    assert_eq!(views[300]["summary"]["failed_count"], 1);
    assert_eq!(server.host.in_flight.available_permits(), 64);

    let many = format!("[{}]", vec!["1"; 10_001].join(","));
    assert_problem(&post(&mut client, &json, "/v1/evaluate/batch", &many).await, 413, "too-large");
    let xml = [("content-type", "text/xml")];
    assert_problem(&post(&mut client, &xml, "/v1/evaluate/batch", "").await, 415, "media-type");
    let large = " ".repeat(2 << 20) + BODY;
    assert_problem(&evaluate(&mut client, &[], &large).await, 413, "too-large");
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_in_flight_is_bounded_and_keys_are_not_worked_on_twice() {
    let mut world = World::new();
    world.options.in_flight_max = 1;
    world.options.deadline = Duration::from_secs(2);
    let (server, mut client) = world.start().await;
    world.enclave.lock().unwrap().silent = true;
    let url = format!("https://{}", server.address).parse().unwrap();
    let ca = world.folder.path().join("data/tls/cert.pem");
    let mut slow = Client::connect(&url, &ca).await.unwrap();
    let keyed = [("idempotency-key", "order-9")];
    let waiting = tokio::spawn(async move { evaluate(&mut slow, &keyed, BODY).await });
    while world.enclave.lock().unwrap().held.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let refused = evaluate(&mut client, &[], BODY).await;
    assert_problem(&refused, 429, "overloaded");
    assert_eq!(refused.headers()["retry-after"], "1");
    server.host.in_flight.add_permits(1);
    let twice = evaluate(&mut client, &keyed, BODY).await;
    assert_problem(&twice, 409, "idempotency-in-flight");
    assert_problem(&waiting.await.unwrap(), 504, "deadline");
    drop(client);
    server.stop().await.unwrap();
}
