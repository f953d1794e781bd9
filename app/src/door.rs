//! How pages reach the server: every door through one request, one resource and one form, whatever it takes or gives.
//!
//! Types part only where an answer is read: what stands here would otherwise be compiled anew for each door.

mod asked;
mod submission;

pub use self::asked::Asked;
pub use self::submission::{DoorForm, Submission};

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use leptos::prelude::{FromServerFnError, ServerFnErrorErr};
use leptos::server_fn::redirect::call_redirect_hook;
use marketplace::fault::{Code, Fault};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::browser::{self, Reply};
use crate::components::Drawn;
use crate::error::AppError;
use crate::json;

const REFUSED: char = '!';
const GIVEN: char = '+';

/// What a door said. Types part only where it is read.
#[derive(Clone)]
pub struct Answer(Said);

#[derive(Clone)]
enum Said {
    /// As it stands on the wire and in the page.
    Written { is_refusal: bool, json: String },
    /// As the server has it, where nothing need be written to be read.
    Given(Arc<dyn Given>),
}

trait Given: Send + Sync {
    fn result(&self) -> &dyn Any;
    fn written(&self) -> (bool, serde_json::Result<String>);
}

impl<T: Serialize + Send + Sync + 'static> Given for Result<T, AppError> {
    fn result(&self) -> &dyn Any {
        self
    }

    fn written(&self) -> (bool, serde_json::Result<String>) {
        match self {
            Ok(value) => (false, serde_json::to_string(value)),
            Err(fault) => (true, serde_json::to_string(fault)),
        }
    }
}

impl Answer {
    fn of<T: Serialize + Send + Sync + 'static>(result: Result<T, AppError>) -> Self {
        Self(Said::Given(Arc::new(result)))
    }

    /// What is said by nothing being there.
    fn none() -> Self {
        Self(Said::Written { is_refusal: false, json: "null".to_owned() })
    }

    fn refusal(fault: &AppError) -> Self {
        Self(Said::Written { is_refusal: true, json: serde_json::to_string(fault).unwrap_or_default() })
    }

    pub fn read<T: DeserializeOwned + Clone + 'static>(&self) -> Result<T, AppError> {
        match &self.0 {
            Said::Given(given) if cfg!(feature = "ssr") => given
                .result()
                .downcast_ref::<Result<T, AppError>>()
                .cloned()
                .unwrap_or_else(|| Err(unreadable())),
            Said::Written { is_refusal: false, json } => json::read(json).map_err(|_| unreadable()),
            _ => Err(self.fault()),
        }
    }

    fn is_refusal(&self) -> bool {
        matches!(self.0, Said::Written { is_refusal: true, .. })
    }

    fn fault(&self) -> AppError {
        match &self.0 {
            Said::Written { json, .. } => json::read(json).unwrap_or_else(|_| unreadable()),
            Said::Given(_) => unreadable(),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

/// For the page the answer was drawn into.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (is_refusal, json) = match &self.0 {
            Said::Written { is_refusal, json } => (*is_refusal, Ok(json.clone())),
            Said::Given(given) => Drawn::left_out(|| given.written()),
        };
        match json {
            Ok(json) => write!(f, "{}{json}", if is_refusal { REFUSED } else { GIVEN }),
            Err(_) => Self::refusal(&unreadable()).fmt(f),
        }
    }
}

impl FromStr for Answer {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let json = text.trim_start_matches([REFUSED, GIVEN]).to_owned();
        Ok(Self(Said::Written { is_refusal: text.starts_with(REFUSED), json }))
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
            Answer(Said::Written { is_refusal, json: text })
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
    fn what_a_page_shows_is_not_written_into_it_a_second_time() {
        let drawn = Drawn::from("<p>shown</p>".to_owned());
        let answer = Answer::of(Ok((drawn.clone(), 5)));
        assert_eq!(answer.to_string(), r#"+["",5]"#);
        assert_eq!(answer.read(), Ok((drawn.clone(), 5)));
        assert_eq!(serde_json::to_string(&drawn).unwrap(), r#""<p>shown</p>""#);
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
        let Ok(answer) = Answer::from_str(r#"+"five""#);
        assert_eq!(answer.read::<u8>().unwrap_err().0.code, Code::Internal);
    }
}
