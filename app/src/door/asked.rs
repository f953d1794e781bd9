//! What a page asks for while it is drawn, and asks for anew when its key changes.

use std::any::Any;
use std::fmt;
use std::future::{pending, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::server::codee::string::FromToStringCodec;
use leptos::server_fn::codec::Json;
use leptos::server_fn::{Http, ServerFn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Answer, post};
use crate::error::AppError;

type Saying = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A resource of one type for all doors. `T` is what comes out of it.
pub struct Asked<T> {
    answer: Resource<Answer, FromToStringCodec>,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Clone + 'static> Asked<T> {
    /// Asks the door that `door` makes of the key.
    pub fn new<K, D>(
        key: impl Fn() -> K + Send + Sync + 'static,
        door: impl Fn(K) -> D + Send + Sync + 'static,
    ) -> Self
    where
        K: Clone + PartialEq + Send + Sync + 'static,
        D: ServerFn<Output = T, Error = AppError, Protocol = Http<Json, Json>> + Serialize + 'static,
        T: Serialize + Send + Sync,
    {
        Self::with(key, move |key: K| ask(door(key), |given| given))
    }

    /// Asks once.
    pub fn once<D>(door: D) -> Self
    where
        D: ServerFn<Output = T, Error = AppError, Protocol = Http<Json, Json>>
            + Serialize
            + Clone
            + Sync
            + 'static,
        T: Serialize + Send + Sync,
    {
        Self::with(|| (), move |()| ask(door.clone(), |given| given))
    }

    fn with<K: Clone + PartialEq + Send + Sync + 'static>(
        key: impl Fn() -> K + Send + Sync + 'static,
        ask: impl Fn(K) -> Saying + Send + Sync + 'static,
    ) -> Self {
        let answer = resource(
            Box::new(move || Key { value: Arc::new(key()), is_same: is_same::<K> }),
            Box::new(move |key| match key.value.downcast_ref::<K>() {
                Some(key) => ask(key.clone()),
                None => Box::pin(pending()),
            }),
        );
        Self { answer, of: PhantomData }
    }

    pub async fn read(self) -> Result<T, AppError> {
        self.answer.await.read()
    }

    /// What was last answered, if anything was yet.
    pub fn last(self) -> Option<Result<T, AppError>> {
        self.answer.get().map(|answer| answer.read())
    }

    pub fn track(self) {
        self.answer.track();
    }

    pub fn ask_again(self) {
        self.answer.refetch();
    }
}

impl<T: DeserializeOwned + Serialize + Clone + Send + Sync + 'static> Asked<Option<T>> {
    /// Asks the door that `door` makes of the key, if it makes one; else the answer is `None`.
    pub fn when<K, D>(
        key: impl Fn() -> K + Send + Sync + 'static,
        door: impl Fn(K) -> Option<D> + Send + Sync + 'static,
    ) -> Self
    where
        K: Clone + PartialEq + Send + Sync + 'static,
        D: ServerFn<Output = T, Error = AppError, Protocol = Http<Json, Json>> + Serialize + 'static,
    {
        Self::with(key, move |key: K| match door(key) {
            // What is there is written like what may be there.
            Some(door) => ask(door, Some),
            None => Box::pin(ready(Answer::none())),
        })
    }
}

/// On the server the door is open; in the browser it is a request away, and what is given is written as `found`.
fn ask<D, F>(door: D, found: fn(D::Output) -> F) -> Saying
where
    D: ServerFn<Error = AppError, Protocol = Http<Json, Json>> + Serialize + 'static,
    F: Serialize + Send + Sync + 'static,
{
    if cfg!(feature = "ssr") {
        return Box::pin(async move { Answer::of(door.run_body().await.map(found)) });
    }
    match serde_json::to_string(&door) {
        Ok(body) => Box::pin(post(D::PATH, "application/json", body)),
        Err(_) => Box::pin(ready(Answer::refusal(&super::unreadable()))),
    }
}

fn resource(
    key: Box<dyn Fn() -> Key + Send + Sync>,
    ask: Box<dyn Fn(Key) -> Saying + Send + Sync>,
) -> Resource<Answer, FromToStringCodec> {
    Resource::new_with_options(key, ask, false)
}

/// Keys of all types as one.
#[derive(Clone)]
struct Key {
    value: Arc<dyn Any + Send + Sync>,
    is_same: fn(&Key, &Key) -> bool,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (self.is_same)(self, other)
    }
}

fn is_same<K: PartialEq + 'static>(one: &Key, other: &Key) -> bool {
    one.value.downcast_ref::<K>() == other.value.downcast_ref::<K>()
}

impl<T> Clone for Asked<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Asked<T> {}

impl<T> fmt::Debug for Asked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}
