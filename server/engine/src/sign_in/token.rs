//! Session tokens: a JWT that says which session it belongs to. The session itself is checked on every request.

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use marketplace::id::{AccountId, SessionId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Result};

const ISSUER: &str = "mercato";
const AUDIENCE: &str = "mercato-session";
const KEY_ID: &str = "1";
const TYPE: &str = "JWT";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    sid: Uuid,
    iss: String,
    aud: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

pub fn write(
    key: &[u8],
    account: AccountId,
    session: SessionId,
    expires_at: DateTime<Utc>,
) -> Result<String> {
    let now = Utc::now().timestamp();
    let claims = Claims {
        sub: account.0,
        sid: session.0,
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        iat: now,
        nbf: now,
        exp: expires_at.timestamp(),
    };
    let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::HS256) };
    encode(&header, &claims, &EncodingKey::from_secret(key))
        .map_err(|_| Error::Crypto("a token could not be signed"))
}

/// The session a token names, if it is one of ours, unaltered and in force.
pub fn read(key: &[u8], token: &str) -> Option<SessionId> {
    let header = decode_header(token).ok()?;
    if header.typ.as_deref() != Some(TYPE) || header.kid.as_deref() != Some(KEY_ID) {
        return None;
    }
    let mut rules = Validation::new(Algorithm::HS256);
    rules.leeway = 0;
    rules.validate_nbf = true;
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[AUDIENCE]);
    rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    let token = decode::<Claims>(token, &DecodingKey::from_secret(key), &rules).ok()?;
    Some(SessionId(token.claims.sid))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::{Value, json};

    use super::*;

    const KEY: &[u8] = &[7; 32];

    fn forged(header: Header, change: impl Fn(&mut Value), key: &[u8]) -> String {
        let now = Utc::now().timestamp();
        let mut claims = json!({
            "sub": Uuid::nil(), "sid": Uuid::nil(), "iss": ISSUER, "aud": AUDIENCE,
            "iat": now, "nbf": now, "exp": now + 60,
        });
        change(&mut claims);
        encode(&header, &claims, &EncodingKey::from_secret(key)).unwrap()
    }

    fn ours() -> Header {
        Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::HS256) }
    }

    #[test]
    fn a_token_names_its_session() {
        let session = SessionId(Uuid::now_v7());
        let token = write(KEY, AccountId(Uuid::now_v7()), session, Utc::now() + TimeDelta::hours(1)).unwrap();
        assert_eq!(read(KEY, &token), Some(session));
        assert!(read(KEY, &forged(ours(), |_| (), KEY)).is_some());
    }

    #[test]
    fn forged_tokens_are_worthless() {
        let now = Utc::now().timestamp();
        let set = |name: &'static str, value: Value| move |claims: &mut Value| claims[name] = value.clone();
        let without = |name: &'static str| {
            move |claims: &mut Value| {
                claims.as_object_mut().unwrap().remove(name);
            }
        };
        let good = forged(ours(), |_| (), KEY);
        let (head, rest) = good.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();
        // {"alg":"none","typ":"JWT","kid":"1"}
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIiwia2lkIjoiMSJ9";
        let forgeries = [
            forged(ours(), |_| (), &[8; 32]),
            forged(Header { kid: ours().kid, ..Header::new(Algorithm::HS512) }, |_| (), KEY),
            forged(Header { typ: Some("at+jwt".to_owned()), ..ours() }, |_| (), KEY),
            forged(Header { kid: Some("2".to_owned()), ..ours() }, |_| (), KEY),
            forged(ours(), set("exp", json!(now - 1)), KEY),
            forged(ours(), set("exp", json!((now + 60).to_string())), KEY),
            forged(ours(), set("nbf", json!(now + 30)), KEY),
            forged(ours(), set("nbf", json!("soon")), KEY),
            forged(ours(), set("iss", json!("elsewhere")), KEY),
            forged(ours(), set("aud", json!("elsewhere")), KEY),
            forged(ours(), without("exp"), KEY),
            forged(ours(), without("nbf"), KEY),
            forged(ours(), without("sid"), KEY),
            format!("{none}.{body}."),
            format!("{head}.{body}.{}", &signature[..signature.len() - 2]),
            format!("{head}.{body}"),
            String::new(),
        ];
        for (at, token) in forgeries.iter().enumerate() {
            assert_eq!(read(KEY, token), None, "forgery {at} was accepted");
        }
    }
}
