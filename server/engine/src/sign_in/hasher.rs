//! argon2id in memory that is kept while people sign in: asking the machine for nineteen megabytes each time takes time too.

use std::time::{Duration, Instant};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::{Error, Result};

/// Whoever comes this soon finds the memory still there.
const KEPT_FOR: Duration = Duration::from_secs(10);
/// So much is always mapped by itself and goes back to the machine as a whole. Of less, the system's allocator keeps what is
/// given back, thinking that whoever freed nineteen megabytes once will want them in its heap. What is not used costs nothing.
const MAPPED_BYTES: usize = 33 << 20;

/// Makes one hash at a time, in the same blocks.
#[derive(Debug, Default)]
pub(crate) struct Hasher {
    blocks: Vec<Block>,
    used_at: Option<Instant>,
}

impl Hasher {
    /// As the string that is stored, with a salt of its own and today's cost.
    pub fn hash(&mut self, password: &str) -> Result<String> {
        let (argon, salt) = (Argon2::default(), Salt::generate());
        let params = ParamsString::try_from(argon.params()).map_err(|_| unhashed())?;
        let hash = PasswordHash {
            algorithm: Algorithm::default().ident(),
            version: Some(Version::default().into()),
            params,
            salt: Some(salt),
            hash: Some(self.fill(&argon, password, &salt)?),
        };
        Ok(hash.to_string())
    }

    /// Whether a stored hash is of this password, at the cost that it was made at.
    pub fn verify(&mut self, password: &str, hash: &str) -> Result<bool> {
        let unreadable = || Error::Crypto("a stored password hash is unreadable");
        let parsed = PasswordHash::new(hash).map_err(|_| unreadable())?;
        let algorithm = Algorithm::try_from(parsed.algorithm.as_str()).map_err(|_| unreadable())?;
        let version =
            parsed.version.map_or(Ok(Version::default()), Version::try_from).map_err(|_| unreadable())?;
        let params = Params::try_from(&parsed).map_err(|_| unreadable())?;
        let (Some(salt), Some(expected)) = (parsed.salt, parsed.hash) else { return Err(unreadable()) };
        // Outputs are compared in constant time.
        Ok(self.fill(&Argon2::new(algorithm, version, params), password, &salt)? == expected)
    }

    /// Gives the memory back when nobody has needed it for a while.
    pub fn rest(&mut self, now: Instant) {
        if self.used_at.is_some_and(|at| now.saturating_duration_since(at) >= KEPT_FOR) {
            *self = Self::default();
        }
    }

    fn fill(&mut self, argon: &Argon2<'_>, password: &str, salt: &Salt) -> Result<Output> {
        self.used_at = Some(Instant::now());
        let params = argon.params();
        let count = params.block_count();
        if self.blocks.capacity() == 0 {
            self.blocks.reserve_exact(count.max(MAPPED_BYTES / size_of::<Block>()));
        }
        if self.blocks.len() < count {
            self.blocks.resize(count, Block::default());
        }
        let blocks = self.blocks.get_mut(..count).ok_or_else(unhashed)?;
        let mut output = [0; Output::MAX_LENGTH];
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let output = output.get_mut(..length).ok_or_else(unhashed)?;
        let made = argon.hash_password_into_with_memory(password.as_bytes(), salt, output, &mut *blocks);
        // What follows from a password is not kept longer than it is needed.
        blocks.fill(Block::default());
        made.map_err(|_| unhashed())?;
        Output::new(output).map_err(|_| unhashed())
    }
}

fn unhashed() -> Error {
    Error::Crypto("a password could not be hashed")
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher, PasswordVerifier};

    use super::*;

    const PASSWORD: &str = "correct horse battery staple";

    #[test]
    fn the_library_reads_what_is_hashed_here_and_the_other_way_round() {
        let mut hasher = Hasher::default();
        let ours = hasher.hash(PASSWORD).unwrap();
        let theirs = Argon2::default().hash_password(PASSWORD.as_bytes()).unwrap().to_string();
        for hash in [&ours, &theirs] {
            let parsed = PasswordHash::new(hash).unwrap();
            assert!(Argon2::default().verify_password(PASSWORD.as_bytes(), &parsed).is_ok(), "{hash}");
            assert!(hasher.verify(PASSWORD, hash).unwrap(), "{hash}");
            assert!(!hasher.verify("correct horse battery stable", hash).unwrap(), "{hash}");
        }
        assert_ne!(ours, hasher.hash(PASSWORD).unwrap(), "two people share a salt");
    }

    #[test]
    fn memory_is_given_back_when_nobody_signs_in_and_taken_again() {
        let mut hasher = Hasher::default();
        let hash = hasher.hash(PASSWORD).unwrap();
        hasher.rest(Instant::now());
        assert!(hasher.blocks.capacity() > 0, "the next to sign in must take it again");
        hasher.rest(Instant::now() + KEPT_FOR);
        assert_eq!(hasher.blocks.capacity(), 0);
        assert!(hasher.verify(PASSWORD, &hash).unwrap());
    }

    #[test]
    fn another_cost_is_read_and_its_traces_do_not_matter() {
        let mut hasher = Hasher::default();
        let params = Params::new(64, 1, 1, None).unwrap();
        let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cheap = cheap.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
        let dear = hasher.hash(PASSWORD).unwrap();
        for _ in 0..2 {
            assert!(hasher.verify(PASSWORD, &cheap).unwrap());
            assert!(hasher.verify(PASSWORD, &dear).unwrap());
        }
        assert!(hasher.verify(PASSWORD, "nothing of the kind").is_err());
    }
}
