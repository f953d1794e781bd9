//! What can be wrong with how providers are set up. A call that fails is a `Failure` instead.

use std::net::IpAddr;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{variable} is not an address: {reason}")]
    BaseUrl { variable: String, reason: String },
    #[error("{variable} is no version that is spoken here: {text:?}")]
    Version { variable: &'static str, text: String },
    #[error("{0:?} is not of the form host:port")]
    EgressEntry(String),
    #[error("{0} may only be reached at the ports it is listed with")]
    PortNotListed(String),
    #[error("the address of {0} must not hold a name or a password")]
    HoldsLogin(String),
    #[error("{0} must be reached by https")]
    NotHttps(String),
    #[error("{0} is not a public address")]
    NotPublic(IpAddr),
    #[error("the address names no host")]
    NoHost,
    #[error("no HTTP client could be made: {0}")]
    Client(#[source] reqwest::Error),
}
