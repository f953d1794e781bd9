//! Every composed exchange of the chat dialects, read in every way it can arrive.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "fixtures/read.rs"]
mod read;
#[path = "fixtures/sample.rs"]
mod sample;
#[path = "support/vendor.rs"]
mod vendor;
#[path = "fixtures/writings.rs"]
mod writings;

use std::path::Path;

use marketplace::chat::{ChatEvent, Delivery};
use marketplace::usage::Usage;
use providers::Limits;
use serde_json::Value;

use read::Read;
use sample::{Reader, samples};

/// Protocols whose samples `beyond_chat` and `sender` read.
const READ_ELSEWHERE: [&str; 13] = [
    "openai_completions",
    "openai_embeddings",
    "gemini_embed_content",
    "cohere_v2_embed",
    "ollama_embed",
    "huggingface_feature_extraction",
    "voyage_embeddings",
    "openai_images",
    "stability_v1_image",
    "stability_v2beta_image",
    "stability_v1_user",
    "ollama_tags",
    "ollama_show",
];

#[test]
fn no_sample_goes_unread() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let listed = manifest["samples"].as_array().unwrap();
    let read: Vec<String> = samples().into_iter().map(|sample| sample.file).collect();
    for sample in listed {
        let (file, protocol) = (sample["file"].as_str().unwrap(), sample["protocol"].as_str().unwrap());
        let is_read = read.iter().any(|known| known == file) != READ_ELSEWHERE.contains(&protocol);
        assert!(is_read, "{file} of the protocol {protocol} is read by no test");
    }
    let vendors = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    for vendor in vendors.filter(|path| path.is_dir()) {
        for entry in std::fs::read_dir(&vendor).unwrap() {
            let path = entry.unwrap().path();
            let file = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            assert!(listed.iter().any(|sample| sample["file"] == file), "{file} is not in the manifest");
        }
    }
}

#[test]
fn streams_are_read_as_expected_however_they_are_cut() {
    for sample in samples().iter().filter(|sample| sample.is_stream()) {
        sample.check(&sample.stream(&[&sample.body]), "whole");
        let bytes: Vec<_> = sample.body.chunks(1).collect();
        sample.check(&sample.stream(&bytes), "byte by byte");
        sample.check(&sample.stream(&sample.pieces(&sample.split_at)), "at split_at");
        for at in 0..=sample.body.len() {
            sample.check(&sample.stream(&sample.pieces(&[at])), &format!("cut at {at}"));
        }
        for seed in 1..=60 {
            let cuts = random_cuts(seed, sample.body.len());
            sample.check(&sample.stream(&sample.pieces(&cuts)), &format!("cut with seed {seed}"));
        }
    }
}

/// A decoder sees nothing but frames, so frames that are the same to the byte are the same answer.
#[test]
fn five_hundred_writings_of_streams_are_read_alike_wherever_they_are_cut() {
    let mut files = 0;
    for sample in samples().iter().filter(|sample| sample.is_stream()) {
        for (way, body) in writings::writings(&sample.body, sample.framing()) {
            sample.check(&sample.stream(&[&body]), way);
            let whole = sample.framed(&[&body]);
            for at in 0..=body.len() {
                let cut = sample.framed(&[&body[..at], &body[at..]]);
                assert_eq!(cut, whole, "{} {way} cut at {at}", sample.file);
            }
            files += 1;
        }
    }
    assert!(files >= 500, "{files}");
}

#[test]
fn answers_in_one_piece_and_refusals_are_read_as_expected() {
    for sample in samples().iter().filter(|sample| !sample.is_stream()) {
        sample.check(&sample.whole(), "whole");
        if sample.reader == Reader::Bison {
            sample.check_characters();
        }
    }
}

#[test]
fn an_answer_that_is_damaged_anywhere_ends_once_all_the_same() {
    for sample in samples() {
        for seed in 1..=60 {
            let mut body = sample.body.clone();
            for place in random_cuts(seed, body.len() - 1).into_iter().take(3) {
                body[place] =
                    [b'"', b'}', b'0', b'\n', 0xff, b'n'][(place + usize::try_from(seed).unwrap()) % 6];
            }
            let events = if sample.is_stream() { sample.stream(&[&body]) } else { sample.whole_of(&body) };
            // Reading it asserts that there is one end and nothing after a failure.
            Read::of(&events).outcome();
        }
    }
}

#[test]
fn a_part_that_is_not_reported_is_absent() {
    let samples = samples();
    let mistral = samples.iter().find(|sample| sample.file == "mistral/chat_stream.sse").unwrap();
    let usage = Read::of(&mistral.stream(&[&mistral.body])).usage.unwrap();
    let expected = Usage { input_tokens: Some(10), output_tokens: Some(3), ..Usage::default() };
    assert_eq!(usage, expected);
}

#[tokio::test]
async fn a_socket_delivers_what_the_bytes_say() {
    // Nobody is sent anything in the other languages.
    for sample in samples().into_iter().filter(|sample| matches!(sample.reader, Reader::Of(_))) {
        let vendor = vendor::Vendor::start().await;
        let provider = vendor.provider(&sample.provider);
        let (sender, provider) = (vendor.sender(Limits::default()), provider.speaking(&sample.protocol));
        let delivery = if sample.is_stream() { Delivery::Streamed } else { Delivery::Whole };
        let cuts = match sample.split_at.is_empty() {
            true => random_cuts(7, sample.body.len()),
            false => sample.split_at.clone(),
        };
        let answering = async {
            let (_, mut socket) = vendor.asked().await;
            let mut head = vec![("content-type", sample.content_type.as_str())];
            head.extend(sample.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            vendor::say(&mut socket, sample.status, &head, &sample.pieces(&cuts)).await;
            match sample.is_reset {
                true => vendor::reset(socket).await,
                false => vendor::end(&mut socket).await,
            }
        };
        let request = vendor::request(delivery);
        let asking = async {
            match sender.open(&provider, &request, "upstream", "test").await {
                Ok(answer) => vendor::listen(answer).await,
                Err(failure) => vec![ChatEvent::Failed(failure)],
            }
        };
        let (events, ()) = tokio::join!(asking, answering);
        sample.check(&events, "over a socket");
    }
}

/// Up to thirty places to cut, the same for the same seed.
fn random_cuts(seed: u64, length: usize) -> Vec<usize> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (below as u64 + 1)).unwrap()
    };
    let count = random(30);
    let mut cuts: Vec<usize> = (0..count).map(|_| random(length)).collect();
    cuts.sort_unstable();
    cuts
}
