//! The relay alone: OpenAI's surface, the layers around it and the sender, with no ledger and no key to look up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router, middleware};
use engine::{CallEvent, Egress, Registry, Sender, Served, Serving};
use futures_util::stream;
use marketplace::chat::{ChatEvent, ChatRequest, Delivery, Failure, Finish};
use marketplace::fault::{Code, Fault};
use marketplace::id::{CallId, PriceId, ProviderId};
use marketplace::money::Nanos;
use marketplace::price::{Charge, TakeRate};
use marketplace::receipt::Settlement;
use marketplace::route::Reason;
use marketplace::usage::{Usage, UsageSource};
use serde_json::{Map, Value};
use server::api::chat::{reply, request, stream as lines};
use server::api::idempotency::Sent;
use server::api::sale::{Lines as _, Reply as _, stream::send};
use server::api::{self, ApiError};
use server::door::{Door, Patience};
use server::routes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::client::Target;
use crate::options::Options;
use crate::process::{Process, cpu_of, until_alone};

/// Who is played.
const VENDOR: &str = "openai";
/// About as many as may wait in a real call, where their size decides.
const EVENTS_WAITING_MAX: usize = 512;

/// What is measured: the same upstream, asked directly and through the gateway.
#[derive(Debug)]
pub struct Measured {
    pub direct: Target,
    pub gateway: Target,
    pub process: Process,
    /// The programs that work for the gateway, such as a database's.
    pub beneath: Vec<u32>,
    /// Where its books are.
    pub database: Option<String>,
    pub wanted: Wanted,
}

/// What the figures ought to be.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Of what is added at a steady pace, the 50th, 90th and 99th percentile.
    pub steady: [&'static str; 3],
    /// Calls a second, and the CPU of one without and with what works beneath.
    pub saturated: [&'static str; 3],
    /// The first token's 50th and 99th percentile, and the widest gap's 99th.
    pub streams: [&'static str; 3],
}

impl Measured {
    pub fn beneath(&self) -> Result<Duration> {
        // A connection's process may have ended meanwhile.
        Ok(self.beneath.iter().filter_map(|process| cpu_of(*process).ok()).sum())
    }
}

pub fn open(upstream: &Process) -> Result<Measured> {
    let process = Process::start(&["--role", "relay", "--upstream", &upstream.address.to_string()])?;
    Ok(Measured {
        direct: Target { address: upstream.address, model: "lantern", keys: Vec::new() },
        gateway: Target { address: process.address, model: "openai/lantern", keys: Vec::new() },
        process,
        beneath: Vec::new(),
        database: None,
        wanted: Wanted {
            steady: ["≤ +0.6 ms", "–", "≤ +2 ms"],
            saturated: ["≥ 6,000/s", "≤ 0.30 ms", "–"],
            streams: ["≤ +1.5 ms", "–", "≤ +4 ms"],
        },
    })
}

#[derive(Clone)]
struct Relay {
    sender: Sender,
    registry: Arc<Registry>,
}

/// The gateway without its books, until whoever started it ends.
pub async fn serve(options: &Options) -> Result<()> {
    server::command::start_logging();
    let upstream = options.upstream.context("there is no upstream")?;
    let relay = Relay {
        sender: Sender::new(Egress::parse(&upstream.to_string())?)?,
        registry: Arc::new(Registry::from_settings(|name| match name {
            "OPENAI_BASE_URL" => Some(format!("http://{upstream}/v1")),
            "OPENAI_API_KEY" => Some("none".to_owned()),
            _ => None,
        })?),
    };
    let inside = Router::new()
        .route("/v1/chat/completions", post(complete))
        .layer(middleware::from_fn(api::write_heads));
    let router = routes::outermost(routes::compressed(inside)).with_state(relay);
    let door = Door::open(SocketAddr::from(([127, 0, 0, 1], 0)), Patience::default()).await?;
    println!("{}", door.address()?);
    tokio::select! {
        () = door.serve(router, CancellationToken::new()) => {}
        () = until_alone() => {}
    }
    Ok(())
}

async fn complete(
    State(relay): State<Relay>,
    Sent { body, .. }: Sent<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let wanted = request::parse(body).map_err(ApiError::openai)?;
    let (call, delivery) = (CallId(Uuid::now_v7()), wanted.request.stream);
    let serving = serving(&wanted.request);
    let (sender, mut events) = mpsc::channel(EVENTS_WAITING_MAX);
    // A call has a task of its own, here as there.
    tokio::spawn(relay.forward(call, wanted.request, sender));
    if delivery == Delivery::Whole {
        let mut reply = reply::Reply::of(call, serving);
        while let Some(event) = events.recv().await {
            match event {
                CallEvent::Chat(event) => reply.add(event),
                CallEvent::Settled { settlement, finish, native } => {
                    return Ok(Json(reply.finish(&settlement, finish, &native)).into_response());
                }
                CallEvent::Failed { fault, .. } => return Err(ApiError::openai(fault)),
            }
        }
        return Err(ApiError::openai(broken()));
    }
    let mut lines = lines::Lines::of(call, serving, wanted.usage_chunk);
    match events.recv().await {
        Some(CallEvent::Failed { fault, .. }) => return Err(ApiError::openai(fault)),
        Some(event) => lines.add(event),
        None => return Err(ApiError::openai(broken())),
    }
    Ok(send(lines, stream::unfold(events, |mut events| async move { Some((events.recv().await?, events)) })))
}

/// The one vendor there is here.
fn serving(request: &ChatRequest) -> Serving {
    Serving::from(Served {
        model: request.model.clone(),
        provider: ProviderId(VENDOR.to_owned()),
        provider_name: VENDOR.to_owned(),
        reason: Reason::OnlyOffer,
        failed: Vec::new(),
    })
}

impl Relay {
    async fn forward(self, call: CallId, request: ChatRequest, events: mpsc::Sender<CallEvent>) {
        let last = match self.hand_on(call, request, &events).await {
            Ok(usage) => settled(call, usage),
            Err(failure) => {
                let fault = Fault::new(Code::Unavailable, failure.message);
                CallEvent::Failed { fault, released: Nanos::ZERO, settlement: None }
            }
        };
        // Whoever has left does not hear the end.
        let _ = events.send(last).await;
    }

    async fn hand_on(
        &self,
        call: CallId,
        request: ChatRequest,
        events: &mpsc::Sender<CallEvent>,
    ) -> Result<Usage, Failure> {
        let mut heard = Usage::default();
        let Some(provider) = self.registry.find(&ProviderId(VENDOR.to_owned())) else { return Ok(heard) };
        let mut answer =
            self.sender.open(provider, &request, request.model.slug(), &call.to_string()).await?;
        while let Some(event) = answer.next().await {
            match event {
                ChatEvent::Usage(usage) => heard = usage,
                ChatEvent::Finished { .. } => {}
                ChatEvent::Failed(failure) => return Err(failure),
                content => {
                    if events.send(CallEvent::Chat(content)).await.is_err() {
                        break;
                    }
                }
            }
        }
        Ok(heard)
    }
}

fn settled(id: CallId, usage: Usage) -> CallEvent {
    let charge = Charge { provider_cost: Nanos::ZERO, commission: Nanos::ZERO, charge: Nanos::ZERO };
    let settlement = Settlement {
        id,
        charge,
        take: TakeRate::STANDARD,
        price_version: PriceId(Uuid::nil()),
        usage: usage.billable().unwrap_or_default(),
        usage_source: UsageSource::Provider,
        hold_nanos: Nanos::ZERO,
        released_nanos: Nanos::ZERO,
        available_nanos: Nanos::ZERO,
        free_tokens: 0,
    };
    CallEvent::Settled { settlement: Box::new(settlement), finish: Finish::Stop, native: "stop".to_owned() }
}

fn broken() -> Fault {
    Fault::new(Code::Internal, "The call ended without a result")
}
