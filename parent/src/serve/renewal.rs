//! Rules that change while the server runs: a newer freshness statement and newer bundles are
//! offered over the live link; what cannot be used stops nothing.

use super::world::{BODY, STALE, World, assert_problem, evaluate, get, ready, view};
use crate::client::Client;
use crate::journal::tests::signed_bundle_of;
use crate::rulebook::Rulebook;
use serde_json::Value;
use std::fs;
use std::time::Duration;

/// How the rules stand, as soon as `wanted` holds; the server has to be ready all the time.
async fn rules_when(client: &mut Client, wanted: impl Fn(bool, &str) -> bool) -> String {
    let mut last = Value::Null;
    for _ in 0..200 {
        let response = get(client, "/health/ready").await;
        assert_eq!(response.status(), 200, "{:?}", response.body());
        last = view(&response)["components"]["rules"].take();
        let detail = last["detail"].as_str().unwrap();
        if wanted(last["ok"].as_bool().unwrap(), detail) {
            return detail.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the rules stay {last}");
}

/// Waits until the enclave was offered this as the last of several.
async fn offered(world: &World, version: u64, freshness: &[u8]) {
    for _ in 0..200 {
        if world.enclave.lock().unwrap().offers.last() == Some(&(version, freshness.to_vec())) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("offered: {:?}", world.enclave.lock().unwrap().offers);
}

#[tokio::test]
async fn a_newer_freshness_statement_is_offered_over_the_live_link() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    offered(&world, 1, b"").await;
    fs::write(&world.options.freshness, b"second").unwrap();
    offered(&world, 1, b"second").await;
    assert_eq!(evaluate(&mut client, &[], BODY).await.status(), 200);

    fs::write(&world.options.freshness, STALE).unwrap();
    let detail = rules_when(&mut client, |ok, _| !ok).await;
    assert_eq!(detail, "the renewal of version 1 was refused: stale");
    assert_eq!(evaluate(&mut client, &[], BODY).await.status(), 200);
    fs::write(&world.options.freshness, b"third").unwrap();
    rules_when(&mut client, |ok, _| ok).await;
    // What did not change is not offered again, and the link was never made anew.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.enclave.lock().unwrap().offers.len(), 4);
    assert_eq!(world.enclave.lock().unwrap().connections, 1);
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_restarted_server_renews_at_the_handshake_and_survives_a_refusal() {
    let world = World::new();
    let (server, client) = world.start().await;
    drop(client);
    server.stop().await.unwrap();
    fs::write(&world.options.freshness, b"second").unwrap();
    let (server, client) = world.start().await;
    offered(&world, 1, b"second").await;
    drop(client);
    server.stop().await.unwrap();

    fs::write(&world.options.freshness, STALE).unwrap();
    let (server, mut client) = world.start().await;
    rules_when(&mut client, |ok, detail| !ok && detail.contains("renewal")).await;
    assert_eq!(evaluate(&mut client, &[], BODY).await.status(), 200);
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_newer_bundle_is_taken_while_serving_and_each_answer_has_its_own_texts() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let reason = |answer: &Value| answer["results"][0]["reason"].as_str().unwrap().to_owned();
    let keyed = [("idempotency-key", "order-1")];
    let old = view(&evaluate(&mut client, &keyed, BODY).await);
    assert_eq!(reason(&old), "fine");
    fs::write(&world.options.rules, signed_bundle_of(2, "better")).unwrap();
    rules_when(&mut client, |ok, detail| ok && detail == "version 2 is in force").await;
    let new = view(&evaluate(&mut client, &[], BODY).await);
    assert_eq!(reason(&new), "better");
    assert_eq!(view(&evaluate(&mut client, &keyed, BODY).await), old);
    assert_eq!(new["not_covered"], serde_json::json!([]));
    let rules = view(&get(&mut client, "/v1/rules").await);
    assert_eq!((&rules["version"], &rules["in_force"]["version"]), (&2.into(), &2.into()));
    assert_eq!(rules["hash"], rules["in_force"]["hash"]);

    fs::write(&world.options.rules, signed_bundle_of(1, "fine")).unwrap();
    rules_when(&mut client, |ok, detail| ok && detail.ends_with("version 1 is ours")).await;
    assert_eq!(world.enclave.lock().unwrap().offers.len(), 2);
    assert_eq!(reason(&view(&evaluate(&mut client, &[], BODY).await)), "better");
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_old_answer_keeps_its_texts_across_a_restart_with_newer_rules() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let keyed = [("idempotency-key", "order-1")];
    let old = view(&evaluate(&mut client, &keyed, BODY).await);
    assert_eq!(old["results"][0]["reason"], "fine");
    drop(client);
    server.stop().await.unwrap();
    fs::write(&world.options.rules, signed_bundle_of(2, "better")).unwrap();
    let (server, mut client) = world.start().await;
    assert_eq!(view(&evaluate(&mut client, &keyed, BODY).await), old);
    let new = view(&evaluate(&mut client, &[], BODY).await);
    assert_eq!(new["results"][0]["reason"], "better");
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_of_and_stop_nothing() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let path = &world.options.rules;
    let (ours, other) = (fs::read(path).unwrap(), signed_bundle_of(1, "other"));
    let hash = |bundle: &[u8]| Rulebook::parse(bundle).unwrap().hash().to_string();
    fs::write(path, &other).unwrap();
    let detail = rules_when(&mut client, |ok, _| !ok).await;
    assert!(detail.contains(&hash(&ours)) && detail.contains(&hash(&other)), "{detail}");
    let unusable = |ok: bool, detail: &str| !ok && detail.starts_with("the files cannot be used");
    fs::write(path, b"half a bundle").unwrap();
    rules_when(&mut client, unusable).await;
    fs::remove_file(path).unwrap();
    rules_when(&mut client, |ok, detail| unusable(ok, detail) && detail.contains("rules:")).await;
    assert_eq!(evaluate(&mut client, &[], BODY).await.status(), 200);
    assert_eq!(world.enclave.lock().unwrap().offers.len(), 1);
    fs::write(path, ours).unwrap();
    rules_when(&mut client, |ok, _| ok).await;
    assert_eq!(world.enclave.lock().unwrap().connections, 1);
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_enclave_that_misreads_a_frame_is_connected_to_anew() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    world.enclave.lock().unwrap().misreads = true;
    assert_problem(&evaluate(&mut client, &[], BODY).await, 503, "enclave-lost");
    ready(&mut client, 200).await;
    assert_eq!(evaluate(&mut client, &[], BODY).await.status(), 200);
    assert_eq!(world.enclave.lock().unwrap().connections, 2);
    drop(client);
    server.stop().await.unwrap();
}
