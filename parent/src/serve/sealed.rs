//! Sealed requests through the host, which cannot read them: carried whole both ways, once, and
//! again for the same key and bytes.

use super::world::{BODY, SEALED, SEALED_BAD, World, assert_problem, evaluate, get, post, ready};
use crate::http::{SEALED_REPLY, SEALED_REQUEST};
use cbor::Reader;
use hyper::Response;

const KIND: (&str, &str) = ("content-type", SEALED_REQUEST);
const PATH: &str = "/v1/evaluate/sealed";

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The sealed reply and the proof.
fn parts(response: &Response<bytes::Bytes>) -> (Vec<u8>, Option<Vec<u8>>) {
    assert_eq!(response.status(), 200, "{:?}", response.body());
    assert_eq!(response.headers()["content-type"], SEALED_REPLY);
    let mut r = Reader::new(response.body());
    r.array_of("answer", 3).unwrap();
    assert_eq!(r.uint(), Ok(1));
    let sealed = r.bytes().unwrap().to_vec();
    let proof = if r.null().unwrap() { None } else { Some(r.bytes().unwrap().to_vec()) };
    r.end().unwrap();
    (sealed, proof)
}

#[tokio::test]
async fn a_sealed_request_gets_its_sealed_reply_and_a_durable_proof() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let answer = post(&mut client, &[KIND], PATH, text(SEALED)).await;
    let (sealed, proof) = parts(&answer);
    assert_eq!(sealed, b"a sealed reply");
    let href = answer.headers()["location"].to_str().unwrap().to_owned();
    let accept = [("accept", "application/cose")];
    let mut request = hyper::Request::builder().uri(&href);
    for (name, value) in accept {
        request = request.header(name, value);
    }
    let stored = client.exchange(request, bytes::Bytes::new()).await.unwrap();
    assert_eq!(Some(stored.body().to_vec()), proof);
    assert_eq!(get(&mut client, &href).await.status(), 200);

    let refused = post(&mut client, &[KIND], PATH, text(SEALED_BAD)).await;
    assert_eq!(parts(&refused), (b"a sealed refusal".to_vec(), None));
    assert!(!refused.headers().contains_key("location"));
    let again = post(&mut client, &[KIND], PATH, "another").await;
    assert_problem(&again, 409, "sealed-replayed");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn the_same_key_and_bytes_get_the_same_reply_after_a_restart_too() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let keyed = [KIND, ("idempotency-key", "order-1")];
    let first = post(&mut client, &keyed, PATH, text(SEALED)).await;
    let replayed = post(&mut client, &keyed, PATH, text(SEALED)).await;
    assert_eq!(parts(&replayed), parts(&first));
    assert!(replayed.headers().contains_key("idempotency-replayed"));
    assert!(!first.headers().contains_key("idempotency-replayed"));
    let other = post(&mut client, &keyed, PATH, text(SEALED_BAD)).await;
    assert_problem(&other, 422, "idempotency-reuse");
    drop(client);
    server.stop().await.unwrap();
    let (server, mut client) = world.start().await;
    let replayed = post(&mut client, &keyed, PATH, text(SEALED)).await;
    assert_eq!(parts(&replayed), parts(&first));
    assert_eq!(world.enclave.lock().unwrap().tree.size(), 2);
    drop(client);
    server.stop().await.unwrap();
}

/// Who is told to seal again would have it decided twice.
#[tokio::test]
async fn a_retry_waits_for_the_first_copy_and_is_not_told_to_seal_again() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let keyed = [KIND, ("idempotency-key", "order-3")];
    world.enclave.lock().unwrap().silent = true;
    let late = post(&mut client, &keyed, PATH, text(SEALED)).await;
    assert_problem(&late, 504, "deadline");
    let again = post(&mut client, &keyed, PATH, text(SEALED)).await;
    assert_problem(&again, 409, "idempotency-in-flight");
    assert!(super::world::view(&again)["remedy"].as_str().unwrap().contains("same key and bytes"));
    assert_problem(&post(&mut client, &[KIND], PATH, text(SEALED)).await, 409, "sealed-replayed");
    // The next connection is handed what this one was not told.
    world.enclave.lock().unwrap().hangs_up = true;
    assert_problem(&evaluate(&mut client, &[], BODY).await, 503, "enclave-lost");
    world.enclave.lock().unwrap().silent = false;
    ready(&mut client, 200).await;
    let mut answer = post(&mut client, &keyed, PATH, text(SEALED)).await;
    for _ in 0..200 {
        if answer.status() == 200 {
            break;
        }
        assert_problem(&answer, 409, "idempotency-in-flight");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        answer = post(&mut client, &keyed, PATH, text(SEALED)).await;
    }
    let (sealed, proof) = parts(&answer);
    assert_eq!((&*sealed, proof.is_some()), (&b"a sealed reply"[..], true));
    assert!(answer.headers().contains_key("idempotency-replayed"));
    // The boot record, the sealed request once, and the one that lost the link.
    assert_eq!(world.enclave.lock().unwrap().tree.size(), 3);
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_said_to_be_sealed_is_not_taken_as_sealed() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    for headers in [&[][..], &[("content-type", "application/json")]] {
        let answer = post(&mut client, headers, PATH, BODY).await;
        assert_problem(&answer, 415, "media-type");
    }
    let answer = post(&mut client, &[KIND], "/v1/evaluate", text(SEALED)).await;
    assert_problem(&answer, 415, "media-type");
    let large = "x".repeat(wire::SEALED_BYTES_MAX + 1);
    let answer = post(&mut client, &[KIND], PATH, &large).await;
    assert_problem(&answer, 413, "too-large");
    // A key that led to a clear answer gives no sealed one.
    let keyed = [("content-type", "application/json"), ("idempotency-key", "order-2")];
    assert_eq!(post(&mut client, &keyed, "/v1/evaluate", BODY).await.status(), 200);
    let sealed = [KIND, ("idempotency-key", "order-2")];
    let answer = post(&mut client, &sealed, PATH, BODY).await;
    assert_problem(&answer, 422, "idempotency-reuse");
    drop(client);
    server.stop().await.unwrap();
}
