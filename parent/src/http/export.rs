//! `GET /v1/log/{boot_id}`: a boot's whole log as NDJSON, the boot record first, then every
//! durable proof in the order of its index, and last the log's size, so that a cut is seen. It is
//! what `probity-verify log` audits.

use super::batch::send;
use super::body::{Answer, NDJSON, respond};
use crate::host::Host;
use crate::landed::Landed;
use crate::limits::{EXPORT_ENTRIES, STREAM_CHUNK_BYTES, STREAM_CHUNKS_MAX};
use crate::problem::{Kind, Problem};
use crate::store::{Location, StoredEntry, StoredQuote};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use crypto::{from_hex_exact, to_hex};
use hyper::{Response, StatusCode};
use std::sync::Arc;
use tokio::sync::mpsc;

/// One entry and the first quote that covers it.
type Stored = (u64, StoredEntry, Arc<StoredQuote>);

/// Streams the log of a boot up to its last durable quote.
pub async fn export(host: &Arc<Host>, id: &str) -> Result<Response<Answer>, Problem> {
    let boot_id = from_hex_exact(id).map_err(|_| {
        let problem = Problem::new(Kind::BadRequest, "expected 32 lower-case hexadecimal digits");
        problem.field("boot_id").remedy("see /v1/log for the boots that there are")
    })?;
    let unknown = || Problem::new(Kind::NotFound, "there is no boot with this id");
    let boot = host.ledger.find(&boot_id).ok_or_else(unknown)?;
    let (record, size) = host
        .read(move |store| {
            let record = store.boots()?.into_iter().nth(boot as usize);
            Ok((record, store.last_quote(boot)?.map_or(1, |quote| quote.size)))
        })
        .await?;
    let first = format!("{{\"boot_record\":\"{}\"}}\n", to_hex(&record.ok_or_else(unknown)?));
    let (parts, receiver) = mpsc::channel(STREAM_CHUNKS_MAX);
    let host = Arc::clone(host);
    tokio::spawn(async move {
        if let Err(problem) = stream(&host, boot, size, first.into_bytes(), &parts).await {
            // The line with the size is missing then, so the reader sees that the log is cut.
            let problem = String::from_utf8_lossy(&problem.to_json(None)).into_owned();
            tracing::error!(problem, "a log could not be exported");
        }
    });
    let mut response = respond(StatusCode::OK, NDJSON, Bytes::new());
    *response.body_mut() = Answer::Stream(receiver);
    Ok(response)
}

async fn stream(
    host: &Host,
    boot: u32,
    size: u64,
    mut part: Vec<u8>,
    parts: &mpsc::Sender<Bytes>,
) -> Result<(), Problem> {
    let mut index = 1;
    while index < size {
        let end = size.min(index + EXPORT_ENTRIES);
        let stored = host.read(move |store| load(store, boot, index..end)).await?;
        let found = stored.len() as u64;
        for (index, entry, quote) in stored {
            part.extend_from_slice(line(host, Location { boot, index }, entry, &quote)?.as_bytes());
            if part.len() >= STREAM_CHUNK_BYTES && send(parts, &mut part).await.is_err() {
                return Ok(());
            }
        }
        if found != end - index {
            return Err(Problem::new(Kind::Storage, "an entry is missing"));
        }
        index = end;
    }
    part.extend_from_slice(format!("{{\"size\":{size}}}\n").as_bytes());
    // A reader that is gone does not want the rest either.
    send(parts, &mut part).await.ok();
    Ok(())
}

fn load(
    store: &crate::store::Store,
    boot: u32,
    range: std::ops::Range<u64>,
) -> Result<Vec<Stored>, crate::Error> {
    let mut found: Vec<Stored> = Vec::new();
    for index in range {
        let at = Location { boot, index };
        let Some(entry) = store.entry(at)? else { break };
        let quote = match found.last() {
            Some((_, _, quote)) if quote.size > index => quote.clone(),
            _ => match store.quote_covering(at)? {
                Some(quote) => Arc::new(quote),
                None => break,
            },
        };
        found.push((index, entry, quote));
    }
    Ok(found)
}

fn line(
    host: &Host,
    at: Location,
    entry: StoredEntry,
    quote: &StoredQuote,
) -> Result<String, Problem> {
    let damaged = |detail: String| Problem::new(Kind::Storage, detail);
    let landed = Landed::from_stored(at, entry, quote).map_err(|e| damaged(e.to_string()))?;
    let path = host.ledger.inclusion(at, quote.size);
    let path = path.ok_or_else(|| damaged("an entry is not in its log".into()))?;
    let proof = BASE64.encode(landed.complete(quote.clone(), path).to_bytes());
    Ok(format!("{{\"index\":{},\"proof\":\"{proof}\"}}\n", at.index))
}
