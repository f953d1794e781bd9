//! One connection from its first byte to its last: requests go to the router, answers back, and nothing takes for ever.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use engine::{Outlet, Parcel};
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::trace;

use super::Patience;
use super::head::HeadTimer;
use super::line::{Heard, Line};

/// Of a request that is read and of an answer that is written no more than this waits here; the rest waits in the system.
const WAITING_BYTES_MAX: usize = 64 << 10;

pub(super) async fn serve(
    stream: TcpStream,
    from: SocketAddr,
    router: Router,
    patience: Patience,
    stopping: CancellationToken,
) {
    let heard = Heard::default();
    let has_asked = Arc::new(AtomicBool::new(false));
    let asked = has_asked.clone();
    let outlet = Arc::new(Outlet::default());
    let leaving = outlet.clone();
    let service = router
        .map_request(move |mut request: Request<Incoming>| {
            asked.store(true, Relaxed);
            // Who is at the other end decides whether it may read the metrics.
            request.extensions_mut().insert(ConnectInfo(from));
            request.map(Body::new)
        })
        .map_response(move |mut response: Response| {
            if let Some(parcel) = response.extensions_mut().remove::<Parcel>() {
                parcel.leaves_by(leaving.clone());
            }
            response
        });
    let builder = builder(patience, heard.clone());
    let line = TokioIo::new(Line::new(stream, patience.reader, heard, outlet));
    let mut connection =
        pin!(builder.serve_connection_with_upgrades(line, TowerToHyperService::new(service)));
    let mut first = pin!(sleep(patience.head));
    let mut is_new = true;
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(cause) = ended {
                    trace!(%cause, "a connection ended early");
                }
                return;
            }
            // Which protocol is spoken is not known yet, so the limits of neither hold for the first request.
            () = first.as_mut(), if is_new => {
                if !has_asked.load(Relaxed) {
                    return;
                }
                is_new = false;
            }
            () = stopping.cancelled(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn builder(patience: Patience, heard: Heard) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(HeadTimer::new(heard, patience.head))
        .header_read_timeout(patience.idle)
        .max_buf_size(WAITING_BYTES_MAX);
    builder
        .http2()
        .max_send_buf_size(WAITING_BYTES_MAX)
        // Web sockets over HTTP/2 need it.
        .enable_connect_protocol();
    builder
}
