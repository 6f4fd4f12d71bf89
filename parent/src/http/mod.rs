//! HTTPS: accepts connections, bounds what each may cost, and hands requests to the routes. It
//! must never wait for a client without a limit.

mod batch;
pub(crate) mod body;
mod evaluate;
mod export;
mod look;
mod patience;
pub mod router;
mod sealed;
pub mod tls;

pub use evaluate::IDEMPOTENCY_KEY;
pub use sealed::{SEALED_REPLY, SEALED_REQUEST};

use crate::host::Host;
use crate::limits::{HANDSHAKE_TIMEOUT, HEAD_BYTES_MAX, HEAD_TIMEOUT, SHUTDOWN_TIMEOUT};
use body::Answer;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use patience::Patient;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// Wait after a failed accept, such as with too many open files.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves at most `connections_max` clients at once until `stop`, then finishes what is in flight,
/// within limits.
pub async fn serve(
    listener: TcpListener,
    config: Arc<rustls::ServerConfig>,
    host: Arc<Host>,
    connections_max: u32,
    stop: watch::Receiver<bool>,
) {
    let answer = move |request| router::route(Arc::clone(&host), request);
    serve_with(listener, config, answer, connections_max, stop).await;
}

/// The same for any set of routes.
pub(crate) async fn serve_with<A, F>(
    listener: TcpListener,
    config: Arc<rustls::ServerConfig>,
    answer: A,
    connections_max: u32,
    mut stop: watch::Receiver<bool>,
) where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Answer>> + Send + 'static,
{
    let acceptor = TlsAcceptor::from(config);
    let places = Arc::new(Semaphore::new(connections_max as usize));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some((socket, place)) = accepted else { break };
        let (acceptor, answer, stop) = (acceptor.clone(), answer.clone(), stop.clone());
        tokio::spawn(async move {
            connection(socket, acceptor, answer, stop).await;
            drop(place);
        });
    }
    drop(listener);
    // All places back means that every connection has ended.
    let all = places.acquire_many(connections_max);
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, all).await.is_err() {
        tracing::warn!("connections were cut: they did not end in time");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return Some((socket, place)),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// One connection. Its errors are the client's and are not logged: they would carry addresses.
async fn connection<A, F>(
    socket: TcpStream,
    acceptor: TlsAcceptor,
    answer: A,
    mut stop: watch::Receiver<bool>,
) where
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<Answer>>,
{
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let handshake = acceptor.accept(Patient::new(socket));
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await else { return };
    let service = service_fn(move |request| {
        let answering = answer(request);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    // An end in error is the client's affair as above.
    connection.await.ok();
}
