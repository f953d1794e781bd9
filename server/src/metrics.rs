//! `GET /metrics`: the figures of this server in the text that Prometheus reads; not for the public.

use std::fmt::Write;
use std::net::SocketAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use engine::{Actor, Engine, Figure, FigureKind};
use http::header::{AUTHORIZATION, CONTENT_TYPE, FORWARDED};
use http::request::Parts;
use marketplace::fault::{Code, Fault};

use crate::api::ApiError;
use crate::routes::Site;

const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Clone)]
struct Door {
    engine: Engine,
    token: Option<String>,
}

/// Somebody who may look: with the token, or where none is set from this machine.
struct Watcher;

pub fn routes(engine: Engine, token: Option<String>) -> Router<Site> {
    // A variable that is set to nothing is not a token.
    let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
    Router::new().route("/metrics", get(read_metrics)).with_state(Door { engine, token })
}

async fn read_metrics(State(door): State<Door>, _: Watcher) -> Result<Response, ApiError> {
    let figures = door.engine.figures(&Actor::Operator).await?;
    Ok(([(CONTENT_TYPE, TEXT_FORMAT)], written(&figures)).into_response())
}

impl FromRequestParts<Door> for Watcher {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, ApiError> {
        let Some(token) = &door.token else {
            return if is_from_here(parts) { Ok(Self) } else { Err(Fault::not_found("This address").into()) };
        };
        let sent = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let sent = sent.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        match sent {
            Some((_, sent)) if verify_slices_are_equal(sent.trim().as_bytes(), token.as_bytes()).is_ok() => {
                Ok(Self)
            }
            _ => {
                Err(Fault::new(Code::Unauthenticated, "The token for the metrics is missing or wrong").into())
            }
        }
    }
}

/// Whether the other end is on this machine, and no proxy that speaks for somebody else.
fn is_from_here(parts: &Parts) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let is_forwarded = ["x-forwarded-for", "x-real-ip", FORWARDED.as_str()]
        .iter()
        .any(|header| parts.headers.contains_key(*header));
    peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback()) && !is_forwarded
}

fn written(figures: &[Figure]) -> String {
    let mut text = String::new();
    for figure in figures {
        let kind = match figure.kind {
            FigureKind::Counter => "counter",
            FigureKind::Gauge => "gauge",
        };
        // Writing into a `String` cannot fail.
        let _ = writeln!(text, "# HELP {} {}\n# TYPE {} {kind}", figure.name, figure.help, figure.name);
        for reading in &figure.readings {
            let labels: Vec<String> =
                reading.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(text, "{}{labels} {}", figure.name, reading.value);
        }
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use engine::{FigureReading, FigureValue};
    use marketplace::money::Nanos;

    use super::*;

    #[test]
    fn figures_are_written_as_prometheus_reads_them() {
        let reading = |labels, value| FigureReading { labels, value };
        let figures = [
            Figure {
                name: "mercato_overrun_usd",
                help: "Paid by the house.",
                kind: FigureKind::Gauge,
                readings: vec![reading(Vec::new(), FigureValue::Usd(Nanos(1_500_000_000)))],
            },
            Figure {
                name: "mercato_failures_total",
                help: "Failures.",
                kind: FigureKind::Counter,
                readings: vec![reading(
                    vec![("a", "x".to_owned()), ("b", "\"\\\n".to_owned())],
                    FigureValue::Whole(3),
                )],
            },
        ];
        let expected = concat!(
            "# HELP mercato_overrun_usd Paid by the house.\n# TYPE mercato_overrun_usd gauge\n",
            "mercato_overrun_usd 1.5\n",
            "# HELP mercato_failures_total Failures.\n# TYPE mercato_failures_total counter\n",
            "mercato_failures_total{a=\"x\",b=\"\\\"\\\\\\n\"} 3\n",
        );
        assert_eq!(written(&figures), expected);
    }
}
