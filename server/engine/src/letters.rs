//! Letters to people: by SMTP, or as files in a folder while somebody develops.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox};
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use marketplace::account::Email;
use marketplace::id::AccountId;
use secrecy::{ExposeSecret, SecretString};
use tracing::{info, warn};

use crate::{Engine, Error, Result};

/// Longer than this no letter is tried.
const PATIENCE: Duration = Duration::from_secs(20);
/// From RFC 5322.
const LINE_BYTES_MAX: usize = 998;
/// Who letters in a folder are from.
const NOBODY: &str = "Mercato <mercato@localhost.localdomain>";

/// How letters leave.
#[derive(Clone, Debug)]
pub enum Post {
    /// Its address may hold a password.
    Smtp { url: SecretString, from: String },
    /// Each letter becomes a file there.
    Folder(PathBuf),
    /// None is sent, so no address can be confirmed.
    Nowhere,
}

#[derive(Debug)]
pub(crate) struct Letters(Office);

#[derive(Debug)]
enum Office {
    Smtp { transport: AsyncSmtpTransport<Tokio1Executor>, from: Mailbox },
    Folder { folder: PathBuf, from: Mailbox },
    Nowhere,
}

/// A few plain words and a link.
#[derive(Debug)]
pub(crate) struct Letter {
    pub to: Email,
    pub subject: &'static str,
    pub text: String,
}

impl Letters {
    pub fn open(post: Post) -> Result<Self> {
        let mailbox = |text: &str| {
            text.parse::<Mailbox>().map_err(|_| Error::Letters("MERCATO_MAIL_FROM is not an address"))
        };
        Ok(Self(match post {
            Post::Smtp { url, from } => {
                // What the parser would say may repeat the password.
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
                    .map_err(|_| Error::Letters("MERCATO_SMTP_URL cannot be understood"))?;
                Office::Smtp { transport: builder.timeout(Some(PATIENCE)).build(), from: mailbox(&from)? }
            }
            Post::Folder(folder) => Office::Folder { folder, from: mailbox(NOBODY)? },
            Post::Nowhere => Office::Nowhere,
        }))
    }

    pub fn can_send(&self) -> bool {
        !matches!(self.0, Office::Nowhere)
    }

    /// What went wrong is told without the address, which mail servers like to repeat.
    async fn deliver(&self, letter: &Letter) -> std::result::Result<Option<PathBuf>, String> {
        match &self.0 {
            Office::Smtp { transport, from } => {
                let sending = transport.send(compose(letter, from)?);
                match tokio::time::timeout(PATIENCE, sending).await {
                    Ok(Ok(_)) => Ok(None),
                    Ok(Err(cause)) => Err(match cause.status() {
                        Some(code) => format!("the mail server answered {code}"),
                        None => "the mail server could not be spoken to".to_owned(),
                    }),
                    Err(_) => Err("the mail server took too long".to_owned()),
                }
            }
            Office::Folder { folder, from } => {
                let message = compose(letter, from)?;
                // What is in there lets its reader in.
                let made = tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await;
                made.map_err(|cause| format!("the folder of letters cannot be made: {cause}"))?;
                let sent = AsyncFileTransport::<Tokio1Executor>::new(folder).send(message).await;
                let id = sent.map_err(|cause| format!("the letter could not be written: {cause}"))?;
                Ok(Some(folder.join(format!("{id}.eml"))))
            }
            Office::Nowhere => Err("no mail server is configured".to_owned()),
        }
    }
}

fn compose(letter: &Letter, from: &Mailbox) -> std::result::Result<Message, String> {
    let to = letter.to.as_str().parse().map_err(|_| "mail servers do not know such addresses".to_owned())?;
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .message_id(None)
        .subject(letter.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(as_it_is(&letter.text))
        .map_err(|_| "the letter could not be composed".to_owned())
}

/// Lines of ASCII need no encoding, however long a link makes them: whoever looks into the folder can follow it.
fn as_it_is(text: &str) -> Body {
    if text.is_ascii() && text.lines().all(|line| line.len() <= LINE_BYTES_MAX) {
        let lines = text.replace('\n', "\r\n").into_bytes();
        return Body::dangerous_pre_encoded(lines, ContentTransferEncoding::SevenBit);
    }
    Body::new(text.to_owned())
}

impl Engine {
    /// Whether letters can be sent, and so addresses be confirmed and passwords be chosen anew.
    pub fn sends_letters(&self) -> bool {
        self.0.letters.can_send()
    }

    /// Sends a letter in a task of its own: whoever asked for it need not wait for mail servers.
    pub(crate) fn send(&self, account: AccountId, letter: Letter) {
        let engine = self.clone();
        tokio::spawn(async move {
            match engine.0.letters.deliver(&letter).await {
                Ok(Some(file)) => {
                    info!(user.id = %account, "wrote \"{}\" to {}", letter.subject, file.display());
                }
                Ok(None) => info!(user.id = %account, "sent \"{}\"", letter.subject),
                Err(cause) => warn!(user.id = %account, cause, "\"{}\" could not be sent", letter.subject),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;

    fn letter(to: &str) -> Letter {
        let link = format!("https://mercato.example.org/confirm?token={}", "a".repeat(43));
        Letter { to: Email::parse(to).unwrap(), subject: "Confirm", text: format!("Here:\n\n{link}\n") }
    }

    fn post(url: &str, from: &str) -> Post {
        Post::Smtp { url: url.to_owned().into(), from: from.to_owned() }
    }

    #[tokio::test]
    async fn a_letter_in_a_folder_can_be_read_there() {
        let folder = std::env::temp_dir().join(format!("mercato-letters-{}", uuid::Uuid::now_v7()));
        let letters = Letters::open(Post::Folder(folder.clone())).unwrap();
        let file = letters.deliver(&letter("ada@example.org")).await.unwrap().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let link = format!("https://mercato.example.org/confirm?token={}\r\n", "a".repeat(43));
        for wanted in ["To: ada@example.org", "Subject: Confirm", &link] {
            assert!(text.contains(wanted), "{wanted} is missing in {text}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// A mail server that takes one letter, or answers otherwise to its recipient; it tells what was said to it.
    async fn mail_server(to_recipient: &'static str) -> (Post, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let heard = tokio::spawn(async move {
            let (reader, mut writer) = listener.accept().await.unwrap().0.into_split();
            let mut lines = BufReader::new(reader).lines();
            let (mut heard, mut is_letter) = (String::new(), false);
            writer.write_all(b"220 ready\r\n").await.unwrap();
            while let Ok(Some(line)) = lines.next_line().await {
                heard.push_str(&line);
                heard.push('\n');
                let answer = match line.split(' ').next().unwrap_or_default() {
                    "." => "250 taken",
                    _ if is_letter => continue,
                    "DATA" => "354 go on",
                    "RCPT" => to_recipient,
                    _ => "250 well",
                };
                is_letter = answer.starts_with("354");
                writer.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
                if line == "." || answer.starts_with('5') {
                    break;
                }
            }
            heard
        });
        (post(&url, "Mercato <m@example.org>"), heard)
    }

    #[tokio::test]
    async fn a_letter_reaches_a_mail_server_whole() {
        let (post, heard) = mail_server("250 well").await;
        let letters = Letters::open(post).unwrap();
        assert_eq!(letters.deliver(&letter("ada@example.org")).await, Ok(None));
        let heard = heard.await.unwrap();
        for wanted in
            ["MAIL FROM:<m@example.org>", "RCPT TO:<ada@example.org>", "Subject: Confirm", "/confirm?token"]
        {
            assert!(heard.contains(wanted), "{wanted} is missing in {heard}");
        }
    }

    #[tokio::test]
    async fn what_a_mail_server_refuses_is_told_without_the_address() {
        let (post, _heard) = mail_server("550 ada@example.org is unknown here").await;
        let refusal = Letters::open(post).unwrap().deliver(&letter("ada@example.org")).await.unwrap_err();
        assert!(refusal.contains("550") && !refusal.contains("ada"), "{refusal}");
    }

    #[tokio::test]
    async fn settings_that_cannot_work_are_refused_without_repeating_a_password() {
        for (url, from) in [
            ("smtp://ada:secret-word@", "Mercato <m@example.org>"),
            ("nonsense secret-word", "Mercato <m@example.org>"),
            ("smtps://ada:secret-word@mail.example.org", "nobody"),
        ] {
            let refusal = Letters::open(post(url, from)).unwrap_err().to_string();
            assert!(!refusal.contains("secret-word"), "{refusal}");
        }
        assert!(Letters::open(post("smtps://a:b@mail.example.org", "Mercato <m@example.org>")).is_ok());
        assert!(
            !format!("{:?}", post("smtps://a:secret-word@mail.example.org", "m@example.org"))
                .contains("secret-word")
        );
    }

    #[tokio::test]
    async fn nothing_is_sent_nowhere() {
        let letters = Letters::open(Post::Nowhere).unwrap();
        assert!(!letters.can_send() && letters.deliver(&letter("ada@example.org")).await.is_err());
    }
}
