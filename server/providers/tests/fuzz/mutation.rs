//! One body made into another, by changes that are likely to be read differently.

use crate::chance::Chance;

/// What means something to somebody who reads here.
const WORDS: [&[u8]; 60] = [
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"data:",
    b"data: ",
    b"data: [DONE]\n\n",
    b"event: error\n",
    b"event: ping\n\n",
    b": a comment\n",
    b"id: 1\n",
    b"retry: 1\n",
    b"[DONE]",
    b"\xef\xbb\xbf",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"\\",
    b"null",
    b"true",
    b"false",
    b"0",
    b"-1",
    b"1e400",
    b"1e-400",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551616",
    b"4294967296",
    b"-0.0",
    b"\"\"",
    b"{}",
    b"[]",
    b"[[[[[[[[[[[[[[[[",
    b"\\ud83d",
    b"\\udc4b",
    b"\\u0000",
    b"\\n",
    b"\xff",
    b"\xf0\x9f\x91",
    b"\xc3",
    b"\xf0\x9f\x91\x8b",
    b"\"error\":",
    b"\"usage\":",
    b"\"choices\":",
    b"\"index\":",
    b"\"delta\":",
    b"\"content\":",
    b"\"tool_calls\":",
    b"\"finish_reason\":\"stop\"",
    b"\"message\":",
    b"\"type\":",
    b"\"done\":true",
    b"{\"error\":{\"message\":\"x\",\"code\":429}}",
    b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    b"sk-proj-abcdefgh",
];

/// Longer bodies take time and are read no differently.
const BYTES_MAX: usize = 6_000;

pub fn mutated(body: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut body = body.to_vec();
    for _ in 0..=chance.below(5) {
        change(&mut body, other, chance);
    }
    body.truncate(BYTES_MAX);
    body
}

fn change(body: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    let (at, range) = (chance.below(body.len() + 1), chance.range(body.len()));
    match chance.below(9) {
        0 if !body.is_empty() => {
            let at = at.min(body.len() - 1);
            body[at] ^= 1 << chance.below(8);
        }
        1 => drop(body.drain(range)),
        2 => {
            let part = body[range].to_vec();
            body.splice(at..at, part);
        }
        3 => {
            let part = other[chance.range(other.len())].to_vec();
            body.splice(range, part);
        }
        4 => body.truncate(at),
        5 => swap_line_ends(body, chance),
        6 => replace_value(body, at, chance),
        _ => {
            let word = chance.of(&WORDS);
            body.splice(if chance.one_in(3) { range } else { at..at }, word.iter().copied());
        }
    }
}

/// Some line ends of another kind.
fn swap_line_ends(body: &mut Vec<u8>, chance: &mut Chance) {
    let end: &[u8] = chance.of(&[b"\r\n".as_slice(), b"\r", b"\n\n", b""]);
    let every = 1 + chance.below(4);
    *body = body
        .iter()
        .flat_map(|byte| if *byte == b'\n' && chance.one_in(every) { end.to_vec() } else { vec![*byte] })
        .collect();
}

/// The next value of JSON by one that nobody expects.
fn replace_value(body: &mut Vec<u8>, from: usize, chance: &mut Chance) {
    let Some(colon) = body[from..].iter().position(|byte| *byte == b':').map(|at| from + at + 1) else {
        return;
    };
    let end =
        body[colon..].iter().position(|byte| b",}]\n".contains(byte)).map_or(body.len(), |at| colon + at);
    let value: &[u8] = chance.of(&[
        b"null".as_slice(),
        b"0",
        b"-1",
        b"\"x\"",
        b"\"\"",
        b"true",
        b"[]",
        b"{}",
        b"[null]",
        b"1e400",
        b"0.5",
        b"{\"a\":1}",
        b"9223372036854775807",
        b"-9223372036854775808",
        b"4294967295",
        b"\"\\ud83d\"",
        b"[{\"type\":\"text\",\"text\":\"x\"}]",
    ]);
    body.splice(colon..end, value.iter().copied());
}
