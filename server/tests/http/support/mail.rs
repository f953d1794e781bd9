//! Letters that a market wrote, read from their folder.

use std::time::{Duration, Instant, SystemTime};

use super::Market;

const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

impl Market {
    /// Every letter to an address, oldest first, as soon as there are so many.
    pub async fn letters(&self, email: &str, count: usize) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let found = self.letters_now(email);
            if found.len() >= count {
                return found;
            }
            assert!(begun.elapsed() < ARRIVES_WITHIN, "{} of {count} letters to {email} came", found.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The secret in the newest of so many letters to an address.
    pub async fn secret(&self, email: &str, count: usize) -> String {
        let letters = self.letters(email, count).await;
        let newest = letters.last().unwrap();
        let (_, rest) = newest.split_once("?token=").unwrap_or_else(|| panic!("no link in {newest}"));
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
    }

    pub fn letters_now(&self, email: &str) -> Vec<String> {
        let entries = std::fs::read_dir(&self.mail).into_iter().flatten().map(|entry| entry.unwrap());
        let files = entries.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "eml"));
        let mut letters: Vec<(SystemTime, String)> = files
            .map(|file| {
                let text = std::fs::read_to_string(file.path()).unwrap();
                // Quoted-printable, where a line was too long to be sent as it is.
                let text = text.replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n");
                (file.metadata().unwrap().modified().unwrap(), text)
            })
            // One still being written is not whole.
            .filter(|(_, text)| text.contains(&format!("\nTo: {email}\n")) && text.ends_with(".\n"))
            .collect();
        letters.sort();
        letters.into_iter().map(|(_, text)| text).collect()
    }
}
