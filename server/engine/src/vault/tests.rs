//! What envelopes promise.

use std::collections::HashSet;

use super::*;

const PLACE: Place<'static> =
    Place { table: "vendor_secret", row: "openai", host: "https://api.openai.com", version: 3 };

fn vault(current: u8, older: Option<u8>) -> Vault {
    let master = |byte| MasterKey::new([byte; KEY_BYTES]);
    Vault::new(&master(current), older.map(master).as_ref()).unwrap()
}

fn nonce(sealed: &[u8]) -> [u8; NONCE_LEN] {
    *sealed.first_chunk().unwrap()
}

#[test]
fn a_secret_opens_where_it_was_sealed() {
    let vault = vault(1, None);
    for secret in [&b"sk-secret"[..], b"", &[0; 5_000]] {
        let sealed = vault.seal(&PLACE, secret).unwrap();
        assert_eq!(vault.open(&PLACE, &sealed).unwrap().as_slice(), secret);
    }
    let sealed = vault.seal(&PLACE, b"sk-secret").unwrap();
    assert!(!sealed.sealed.windows(3).any(|window| window == b"sk-"));
}

#[test]
fn every_flipped_bit_is_seen() {
    let vault = vault(1, None);
    let sealed = vault.seal(&PLACE, b"sk-secret-of-a-vendor").unwrap();
    let mut flips = 0;
    for part in [0, 1] {
        let length = if part == 0 { sealed.sealed.len() } else { sealed.wrapped_key.len() };
        for bit in 0..length * 8 {
            let mut changed = sealed.clone();
            let bytes = if part == 0 { &mut changed.sealed } else { &mut changed.wrapped_key };
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(vault.open(&PLACE, &changed).err(), Some(Shut::Broken), "bit {bit} of part {part}");
            flips += 1;
        }
    }
    for cut in 0..sealed.sealed.len() {
        let changed = Sealed { sealed: sealed.sealed[..cut].to_vec(), ..sealed.clone() };
        assert!(vault.open(&PLACE, &changed).is_err(), "cut to {cut} bytes");
        let cut = cut.min(sealed.wrapped_key.len() - 1);
        let changed = Sealed { wrapped_key: sealed.wrapped_key[..cut].to_vec(), ..sealed.clone() };
        assert!(vault.open(&PLACE, &changed).is_err(), "its key cut to {cut} bytes");
    }
    println!("{flips} flipped bits, each seen");
}

#[test]
fn nothing_opens_in_another_place() {
    let vault = vault(1, None);
    let sealed = vault.seal(&PLACE, b"sk-secret").unwrap();
    for (what, place) in [
        ("table", Place { table: "root_secret", ..PLACE }),
        ("row", Place { row: "groq", ..PLACE }),
        ("host", Place { host: "https://evil.example", ..PLACE }),
        ("port", Place { host: "https://api.openai.com:444", ..PLACE }),
        ("older version", Place { version: 2, ..PLACE }),
        ("newer version", Place { version: 4, ..PLACE }),
        ("shifted parts", Place { row: "openaihttps://api.openai.com", host: "", ..PLACE }),
    ] {
        assert_eq!(vault.open(&place, &sealed).err(), Some(Shut::Broken), "opened with another {what}");
    }
    let other = vault.seal(&PLACE, b"sk-other").unwrap();
    for mixed in [
        Sealed { sealed: other.sealed.clone(), ..sealed.clone() },
        Sealed { wrapped_key: other.wrapped_key.clone(), ..sealed.clone() },
        // The two columns of one row cannot stand for each other either.
        Sealed { sealed: sealed.wrapped_key.clone(), wrapped_key: sealed.sealed.clone(), ..sealed.clone() },
    ] {
        assert_eq!(vault.open(&PLACE, &mixed).err(), Some(Shut::Broken));
    }
}

#[test]
fn ten_thousand_sealings_of_the_same_are_all_different() {
    let vault = vault(1, None);
    let (mut nonces, mut ciphertexts) = (HashSet::new(), HashSet::new());
    for _ in 0..10_000 {
        let sealed = vault.seal(&PLACE, b"sk-secret").unwrap();
        assert!(nonces.insert(nonce(&sealed.wrapped_key)), "a nonce came twice");
        assert!(nonces.insert(nonce(&sealed.sealed)), "a nonce came twice");
        assert!(ciphertexts.insert(sealed.sealed[NONCE_LEN..].to_vec()), "equal ciphertexts");
    }
    println!("10,000 sealings: {} nonces, none twice", nonces.len());
}

#[test]
fn another_master_key_opens_nothing_and_is_said_to_be_another() {
    let sealed = vault(1, None).seal(&PLACE, b"sk-secret").unwrap();
    assert_eq!(vault(2, None).open(&PLACE, &sealed).err(), Some(Shut::OtherMaster));
    let renamed = Sealed { master: vault(2, None).current.id, ..sealed };
    assert_eq!(vault(2, None).open(&PLACE, &renamed).err(), Some(Shut::Broken));
    let told = vault(2, None).wrong_master(Shut::OtherMaster, "abcd").to_string();
    assert!(told.contains("MERCATO_MASTER_KEY is not the key") && told.contains("abcd"), "{told}");
}

#[test]
fn a_replaced_master_key_is_not_needed_once_everything_is_sealed_anew() {
    let sealed = vault(1, None).seal(&PLACE, b"sk-secret").unwrap();
    let both = vault(2, Some(1));
    assert_eq!(both.open(&PLACE, &sealed).unwrap().as_slice(), b"sk-secret");
    let rewrapped = both.rewrap(&PLACE, &sealed).unwrap().unwrap();
    assert_eq!(rewrapped.sealed, sealed.sealed, "only the data key is sealed anew");
    assert_eq!(vault(2, None).open(&PLACE, &rewrapped).unwrap().as_slice(), b"sk-secret");
    assert_eq!(vault(1, None).open(&PLACE, &rewrapped).err(), Some(Shut::OtherMaster));
    assert!(both.rewrap(&PLACE, &rewrapped).unwrap().is_none(), "nothing is left to do");
}

#[test]
fn what_is_broken_is_not_carried_on() {
    let mut sealed = vault(1, None).seal(&PLACE, b"sk-secret").unwrap();
    sealed.sealed[20] ^= 1;
    assert_eq!(vault(2, Some(1)).rewrap(&PLACE, &sealed).err(), Some(Shut::Broken));
}
