//! A long stream sealed chunk by chunk: the STREAM construction over AES-256-GCM, so that it can be written and read
//! with little memory and no chunk can be changed, moved, left out or cut off.
//!
//! Each stream has a key of its own, used for nothing else. Chunk `i` is sealed under the nonce
//! `7 zero bytes || u32(i) || 1 if it is the last, else 0`; the associated data is a hash of the stream's header.

use sha2::{Digest, Sha256};

use crate::cipher::{
    KEY_LENGTH, KeyBytes, PAYLOAD_NONCE_LENGTH, PayloadCipher, TAG_LENGTH, random_key, to_key,
};
use crate::randomness::Randomness;
use crate::secret::SecretBytes;

const LABEL: &[u8] = b"rota stream 1";
const CIPHER: PayloadCipher = PayloadCipher::Aes256Gcm;

/// The key of one stream.
pub struct StreamKey(Box<KeyBytes>);

impl StreamKey {
    /// Makes a new random key.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        Self(random_key(randomness))
    }

    /// Takes back what [`Self::to_secret`] gave. `None` unless it has 32 bytes.
    pub fn from_secret(bytes: &SecretBytes) -> Option<Self> {
        to_key(bytes).map(Self)
    }

    /// A copy, for sealing it beside the stream and for nothing else.
    pub fn to_secret(&self) -> SecretBytes {
        let mut copy = Vec::with_capacity(KEY_LENGTH);
        copy.extend_from_slice(&self.0[..]);
        SecretBytes::new(copy)
    }
}

impl std::fmt::Debug for StreamKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("***")
    }
}

/// Where a stream stands: which chunk is next, and whether the last has passed.
#[derive(Debug)]
struct Position {
    key: StreamKey,
    header_hash: [u8; 32],
    next: Option<u32>,
}

impl Position {
    fn new(key: StreamKey, header: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(LABEL);
        hasher.update(header);
        Self {
            key,
            header_hash: hasher.finalize().into(),
            next: Some(0),
        }
    }

    /// The nonce of the next chunk; after the last one there is none.
    fn step(&mut self, is_last: bool) -> Result<[u8; PAYLOAD_NONCE_LENGTH], StreamError> {
        let number = self.next.ok_or(StreamError::Ended)?;
        self.next = if is_last { None } else { number.checked_add(1) };
        let mut nonce = [0; PAYLOAD_NONCE_LENGTH];
        nonce[7..11].copy_from_slice(&number.to_be_bytes());
        nonce[11] = u8::from(is_last);
        Ok(nonce)
    }
}

/// Bytes of plaintext in every chunk but the last, which may have fewer.
pub const CHUNK_LENGTH: usize = 64 * 1024;
/// The same chunk when it is sealed.
pub const SEALED_CHUNK_LENGTH: usize = CHUNK_LENGTH + TAG_LENGTH;

/// Seals the chunks of one stream in their order.
#[derive(Debug)]
pub struct StreamSealer(Position);

impl StreamSealer {
    /// A new stream. The header stands in the open before it and is bound to every chunk.
    pub fn new(key: StreamKey, header: &[u8]) -> Self {
        Self(Position::new(key, header))
    }

    /// Seals the next chunk: exactly [`CHUNK_LENGTH`] bytes, at most so many for the last.
    pub fn seal(&mut self, plaintext: &[u8], is_last: bool) -> Result<Vec<u8>, StreamError> {
        let fits = plaintext.len() == CHUNK_LENGTH || (is_last && plaintext.len() < CHUNK_LENGTH);
        if !fits {
            return Err(StreamError::Length);
        }
        let nonce = self.0.step(is_last)?;
        let mut chunk = Vec::with_capacity(plaintext.len() + TAG_LENGTH);
        chunk.extend_from_slice(plaintext);
        let tag = CIPHER
            .seal(&self.0.key.0, &nonce, &self.0.header_hash, &mut chunk)
            .map_err(|_| StreamError::Length)?;
        chunk.extend_from_slice(&tag);
        Ok(chunk)
    }
}

/// Opens the chunks of one stream in their order.
#[derive(Debug)]
pub struct StreamOpener(Position);

impl StreamOpener {
    /// The stream that was sealed under this key after this header.
    pub fn new(key: StreamKey, header: &[u8]) -> Self {
        Self(Position::new(key, header))
    }

    /// Opens the next chunk. `is_last` says that nothing follows it: a stream that was cut does not open.
    pub fn open(&mut self, chunk: &[u8], is_last: bool) -> Result<SecretBytes, StreamError> {
        let nonce = self.0.step(is_last)?;
        let (ciphertext, tag) = chunk.split_last_chunk().ok_or(StreamError::NotAuthentic)?;
        let mut opened = ciphertext.to_vec();
        CIPHER
            .open(&self.0.key.0, &nonce, &self.0.header_hash, &mut opened, tag)
            .map_err(|_| StreamError::NotAuthentic)?;
        Ok(SecretBytes::new(opened))
    }
}

/// Why a chunk was not sealed or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// It is too short for one in the middle, or too long.
    #[error("a chunk has the wrong length for its place")]
    Length,
    /// The last chunk has passed, or there were more than 4 thousand million.
    #[error("the stream has ended")]
    Ended,
    /// Something was changed, moved, left out or cut off; or the key is another one.
    #[error("a part does not open: it was changed, moved, left out or cut off, or belongs to another stream")]
    NotAuthentic,
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Randomness for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    fn sealed(parts: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut sealer = StreamSealer::new(StreamKey::generate(&Fixed), b"header");
        let last = parts.len() - 1;
        parts
            .iter()
            .enumerate()
            .map(|(index, part)| sealer.seal(part, index == last).unwrap())
            .collect()
    }

    fn opens(header: &[u8], chunks: &[Vec<u8>]) -> Result<Vec<u8>, StreamError> {
        let mut opener = StreamOpener::new(StreamKey::generate(&Fixed), header);
        let mut whole = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            let is_last = index + 1 == chunks.len();
            whole.extend_from_slice(opener.open(chunk, is_last)?.expose_bytes());
        }
        Ok(whole)
    }

    #[test]
    fn a_stream_opens_whole_and_in_no_other_way() {
        let full = vec![1; CHUNK_LENGTH];
        let other = vec![2; CHUNK_LENGTH];
        let chunks = sealed(&[&full, &other, b"end"]);
        assert_eq!(chunks[0].len(), SEALED_CHUNK_LENGTH);
        assert_eq!(
            opens(b"header", &chunks).unwrap(),
            [full, other, b"end".to_vec()].concat()
        );

        let wrong = Err(StreamError::NotAuthentic);
        assert_eq!(opens(b"another", &chunks), wrong, "another header");
        assert_eq!(opens(b"header", &chunks[..2]), wrong, "cut off");
        let without_middle = [chunks[0].clone(), chunks[2].clone()];
        assert_eq!(opens(b"header", &without_middle), wrong, "left out");
        let moved = [chunks[1].clone(), chunks[0].clone(), chunks[2].clone()];
        assert_eq!(opens(b"header", &moved), wrong, "moved");
        let twice = [chunks.clone(), chunks.clone()].concat();
        assert_eq!(opens(b"header", &twice), wrong, "continued");
        for (chunk, byte) in [(0, 0), (0, SEALED_CHUNK_LENGTH - 1), (1, 4_000), (2, 0), (2, 18)] {
            let mut flipped = chunks.clone();
            flipped[chunk][byte] ^= 1;
            assert_eq!(opens(b"header", &flipped), wrong, "byte {byte} of chunk {chunk}");
        }
    }

    #[test]
    fn a_short_chunk_in_the_middle_and_one_after_the_end_are_refused() {
        let mut sealer = StreamSealer::new(StreamKey::generate(&Fixed), b"");
        assert_eq!(sealer.seal(b"short", false), Err(StreamError::Length));
        assert_eq!(
            sealer.seal(&vec![0; CHUNK_LENGTH + 1], true),
            Err(StreamError::Length)
        );
        sealer.seal(b"", true).unwrap();
        assert_eq!(sealer.seal(b"", true), Err(StreamError::Ended));
    }
}
