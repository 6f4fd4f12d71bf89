//! The quote link from the worker's side: one request at a time, and a thread that reads replies
//! and sees the end. It must never take a reply to another request, wait for ever, or go on when
//! the link is gone: without it no proof can be quoted.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tpmlink::{Reply, Request};
use zeroize::Zeroizing;

/// What is done when the link is gone; told why.
pub type Ended = Arc<dyn Fn(&str) + Send + Sync>;

/// The link.
pub struct QuoteLink {
    asker: Mutex<Asker>,
    timeout: Duration,
    ended: Ended,
}

struct Asker {
    stream: UnixStream,
    last: u64,
    /// Number of the request that is waited for; 0 is none.
    awaited: Arc<AtomicU64>,
    replies: Receiver<Reply>,
}

impl QuoteLink {
    /// Starts to read on a connected stream. `ended` is called once nothing can be asked any more;
    /// a request then waits until `timeout`.
    pub fn start(stream: UnixStream, timeout: Duration, ended: Ended) -> std::io::Result<Self> {
        let reader = stream.try_clone()?;
        let awaited = Arc::new(AtomicU64::new(0));
        // One is waited for at a time; another may have come just too late.
        let (give, replies) = sync_channel(2);
        let (wanted, end) = (awaited.clone(), ended.clone());
        std::thread::spawn(move || end(&read(reader, &wanted, &give)));
        let asker = Mutex::new(Asker { stream, last: 0, awaited, replies });
        Ok(Self { asker, timeout, ended })
    }

    /// Ends what can be asked, for a reason of this side.
    pub fn end(&self, why: &str) {
        (self.ended)(why);
    }

    /// The reply to the request that `request` makes of its number; why there is none.
    pub fn ask(&self, request: impl FnOnce(u64) -> Request) -> Result<Reply, String> {
        let mut asker = self.asker.lock().unwrap_or_else(PoisonError::into_inner);
        asker.last += 1;
        let id = asker.last;
        let frame =
            tpmlink::frame(&request(id).to_bytes()).map_err(|refused| refused.to_string())?;
        // What came too late, or twice.
        while asker.replies.try_recv().is_ok() {}
        asker.awaited.store(id, Ordering::Release);
        if let Err(problem) = asker.stream.write_all(&frame) {
            // A part of the frame may have gone out: what follows would not be understood.
            let why = format!("the quote link cannot be written: {problem}");
            self.end(&why);
            return Err(why);
        }
        let reply = asker.wait(id, Instant::now() + self.timeout);
        asker.awaited.store(0, Ordering::Release);
        reply.ok_or_else(|| format!("no answer within {} ms", self.timeout.as_millis()))
    }
}

impl Asker {
    fn wait(&self, id: u64, until: Instant) -> Option<Reply> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.replies.recv_timeout(left) {
                Ok(reply) if reply.id() == id => return Some(reply),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => {
                    // The process is about to end; until it does, nothing is to be hurried.
                    std::thread::sleep(left);
                    return None;
                }
            }
        }
    }
}

/// Hands on the replies that are waited for, until the link ends; says why it did.
fn read(mut stream: UnixStream, awaited: &AtomicU64, give: &SyncSender<Reply>) -> String {
    loop {
        let reply = match read_frame(&mut stream) {
            Ok(Some(body)) => Reply::parse(&body),
            Ok(None) => return "the quote link is closed".into(),
            Err(problem) => return format!("the quote link cannot be read: {problem}"),
        };
        match reply {
            Ok(reply) if reply.id() == awaited.load(Ordering::Acquire) => {
                // A second one to the same request finds the place taken, and is dropped.
                let _ = give.try_send(reply);
            }
            Ok(_) => {}
            Err(refused) => return format!("the quote link brings what is no reply: {refused}"),
        }
    }
}

/// The next frame's body, which may be entropy; `None` at the end of the stream.
fn read_frame(reader: &mut impl Read) -> std::io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut head = [0; tpmlink::LENGTH_BYTES];
    if reader.read(&mut head[..1])? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut head[1..])?;
    let length = tpmlink::body_length(head).map_err(std::io::Error::other)?;
    let mut body = Zeroizing::new(vec![0_u8; length]);
    reader.read_exact(&mut body)?;
    Ok(Some(body))
}
