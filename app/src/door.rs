//! How pages reach the server: every door through one request, one resource and one form, whatever it takes or gives.
//!
//! Types part only where an answer is read: what stands here would otherwise be compiled anew for each door.

mod asked;
mod submission;

pub use self::asked::Asked;
pub use self::submission::{DoorForm, Submission};

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use leptos::prelude::{FromServerFnError, ServerFnErrorErr};
use leptos::server_fn::redirect::call_redirect_hook;
use marketplace::fault::{Code, Fault};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::browser::{self, Reply};
use crate::error::AppError;
use crate::json;

const REFUSED: char = '!';
const GIVEN: char = '+';

/// What a door said, as it is written on the wire and into the page. It is read where it is used.
#[derive(Clone, Debug)]
pub struct Answer {
    is_refusal: bool,
    json: String,
}

impl Answer {
    fn of<T: Serialize>(result: Result<T, AppError>) -> Self {
        let (is_refusal, json) = match &result {
            Ok(value) => (false, serde_json::to_string(value)),
            Err(fault) => (true, serde_json::to_string(fault)),
        };
        match json {
            Ok(json) => Self { is_refusal, json },
            Err(_) => Self::refusal(&unreadable()),
        }
    }

    fn refusal(fault: &AppError) -> Self {
        Self { is_refusal: true, json: serde_json::to_string(fault).unwrap_or_default() }
    }

    pub fn read<T: DeserializeOwned>(&self) -> Result<T, AppError> {
        if self.is_refusal {
            return Err(self.fault());
        }
        json::read(&self.json).map_err(|_| unreadable())
    }

    fn fault(&self) -> AppError {
        json::read(&self.json).unwrap_or_else(|_| unreadable())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_refusal { REFUSED } else { GIVEN }, self.json)
    }
}

impl FromStr for Answer {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let json = text.trim_start_matches([REFUSED, GIVEN]).to_owned();
        Ok(Self { is_refusal: text.starts_with(REFUSED), json })
    }
}

fn unreadable() -> AppError {
    AppError(Fault::new(
        Code::Internal,
        "The page and the server do not understand each other; load the page anew",
    ))
}

/// Posts to a door, and goes where its answer leads.
async fn post(path: &'static str, content_type: &'static str, body: String) -> Answer {
    match browser::post(path, content_type, body).await {
        Some(Reply { is_refusal, text, leads_to }) => {
            if let Some(place) = leads_to {
                call_redirect_hook(&place);
            }
            Answer { is_refusal, json: text }
        }
        None => Answer::refusal(&AppError::from_server_fn_error(ServerFnErrorErr::Request(String::new()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_given() {
        let written = Answer::of(Ok(vec![1, 2])).to_string();
        let Ok(answer) = Answer::from_str(&written);
        assert_eq!(answer.read(), Ok(vec![1, 2]));
    }

    #[test]
    fn a_refusal_is_read_whatever_was_asked_for() {
        let fault = AppError(Fault::not_found("This receipt"));
        let written = Answer::of::<u8>(Err(fault.clone())).to_string();
        let Ok(answer) = Answer::from_str(&written);
        assert_eq!(answer.read::<u8>(), Err(fault));
    }

    #[test]
    fn an_answer_of_another_shape_is_a_fault_and_no_crash() {
        let answer = Answer::of(Ok("five"));
        assert_eq!(answer.read::<u8>().unwrap_err().0.code, Code::Internal);
    }
}
