//! The versions of one key that encrypts, and what they do: seal, open and rewrap.

use std::fmt;

use crate::algorithm::Algorithm;
use crate::cipher::{
    KEY_LENGTH, KeyBytes, PAYLOAD_NONCE_LENGTH, PayloadCipher, WRAPPED_KEY_LENGTH, Wrapper,
    XAES_NONCE_LENGTH, random_array,
};
use crate::context::Context;
use crate::envelope::{Envelope, Sealed, begin, binding};
use crate::error::{InvalidKeyring, OpenError, RewrapError, SealError};
use crate::key::{KeyId, KeyVersion, WrappingKey};
use crate::randomness::Randomness;
use crate::secret::SecretBytes;
use crate::state::KeyState;
use crate::versions::Versions;
use crate::wipe::{Wiped, sweep_stack, wipe};

/// All versions of one wrapping key that a program knows of.
///
/// At most one is active and seals. Opening takes the version that the envelope names and no other: keys are
/// never tried in turn. There may be no active one, namely while it is suspended; then nothing is sealed.
pub struct Keyring {
    versions: Versions<Wrapper>,
    cipher: PayloadCipher,
    /// Ciphers of earlier times that it opens besides its own.
    opens_also: Vec<PayloadCipher>,
    /// How every envelope of it begins.
    binding: Vec<u8>,
}

impl Keyring {
    /// Puts the versions of one AES-256-GCM key together.
    pub fn new(
        key_id: KeyId,
        wrapping_keys: impl IntoIterator<Item = WrappingKey>,
    ) -> Result<Self, InvalidKeyring> {
        Self::with_algorithm(key_id, Algorithm::Aes256Gcm, wrapping_keys)
    }

    /// Puts the versions of one key together. Its algorithm is that of the payloads; whatever it is, data keys
    /// are wrapped by XAES-256-GCM.
    pub fn with_algorithm(
        key_id: KeyId,
        algorithm: Algorithm,
        wrapping_keys: impl IntoIterator<Item = WrappingKey>,
    ) -> Result<Self, InvalidKeyring> {
        let Some(cipher) = algorithm.payload_cipher() else {
            return Err(InvalidKeyring::OtherPurpose { key_id, algorithm });
        };
        let versions = Versions::new(key_id, wrapping_keys, |material| {
            Some(Box::new(Wrapper::new(&material.0)))
        });
        sweep_stack();
        let versions = versions?;
        Ok(Self {
            binding: binding(versions.key_id(), cipher),
            versions,
            cipher,
            opens_also: Vec::new(),
        })
    }

    /// Opens and rewraps envelopes of this algorithm too, which the key had before.
    pub fn opening_also(mut self, algorithm: Algorithm) -> Result<Self, InvalidKeyring> {
        let Some(cipher) = algorithm.payload_cipher() else {
            let key_id = self.key_id().clone();
            return Err(InvalidKeyring::OtherPurpose { key_id, algorithm });
        };
        self.opens_also.push(cipher);
        Ok(self)
    }

    /// The id of the key.
    pub fn key_id(&self) -> &KeyId {
        self.versions.key_id()
    }

    /// The algorithm of what it seals.
    pub fn algorithm(&self) -> Algorithm {
        self.cipher.algorithm()
    }

    /// The version that seals, unless it is suspended or none was ever activated.
    pub fn active_version(&self) -> Option<KeyVersion> {
        self.versions.active_version()
    }

    /// Every version with its state, oldest first.
    pub fn versions(&self) -> impl Iterator<Item = (KeyVersion, KeyState)> + '_ {
        self.versions.states()
    }

    /// Seals a value under a fresh data key, which the active version wraps.
    pub fn seal(
        &self,
        randomness: &dyn Randomness,
        context: &Context,
        plaintext: &[u8],
    ) -> Result<Sealed, SealError> {
        let sealed = self.seal_on_this_stack(randomness, context, plaintext);
        sweep_stack();
        sealed
    }

    /// Makes a data key for a caller who encrypts by itself: 32 bytes, and the same sealed, which
    /// [`Keyring::open`] opens in the same context.
    pub fn data_key(
        &self,
        randomness: &dyn Randomness,
        context: &Context,
    ) -> Result<(SecretBytes, Sealed), SealError> {
        let mut data_key = SecretBytes::new(vec![0; KEY_LENGTH]);
        randomness.fill(data_key.as_mut_slice());
        let sealed = self.seal(randomness, context, data_key.expose_bytes())?;
        Ok((data_key, sealed))
    }

    /// Opens a value in the context it was sealed in.
    pub fn open(&self, context: &Context, bytes: &[u8]) -> Result<SecretBytes, OpenError> {
        let opened = self.open_on_this_stack(KeyState::may_open, context, bytes);
        sweep_stack();
        opened
    }

    /// Opens a value for the worker that moves data to another version: a revoked version still serves it.
    ///
    /// What it opens must be sealed anew with [`Keyring::seal`]; rewrapping would keep a data key that is no
    /// longer trusted.
    pub fn open_for_reencryption(&self, context: &Context, bytes: &[u8]) -> Result<SecretBytes, OpenError> {
        let opened = self.open_on_this_stack(KeyState::may_open_for_reencryption, context, bytes);
        sweep_stack();
        opened
    }

    /// Whether this is a value of this key in this context, whatever the state of its version. Of a destroyed version
    /// nothing can be told.
    pub fn is_authentic(&self, context: &Context, bytes: &[u8]) -> bool {
        let opened = self.open_on_this_stack(|state| state != KeyState::Destroyed, context, bytes);
        sweep_stack();
        opened.is_ok()
    }

    /// Wraps the data key of an envelope anew, by the active version. The payload is neither opened nor
    /// changed, so this needs no context and proves nothing about the payload.
    pub fn rewrap(&self, randomness: &dyn Randomness, bytes: &[u8]) -> Result<Sealed, RewrapError> {
        let rewrapped = self.rewrap_on_this_stack(randomness, bytes);
        sweep_stack();
        rewrapped
    }

    // What these three leave on the stack is swept by their callers, so they have a frame of their own.

    #[inline(never)]
    fn seal_on_this_stack(
        &self,
        randomness: &dyn Randomness,
        context: &Context,
        plaintext: &[u8],
    ) -> Result<Sealed, SealError> {
        let (version, wrapper) = self.versions.active()?;
        let plaintext_length = u32::try_from(plaintext.len()).map_err(|_| SealError::TooLong)?;
        let drawn = Drawn::new(randomness);
        let mut bytes = begin(&self.binding, version, &drawn.payload_nonce, plaintext.len());
        let wrapped_key = wrapper
            .wrap(&drawn.wrap_nonce, &bytes, &drawn.data_key)
            .map_err(|_| SealError::TooLong)?;
        bytes.extend_from_slice(&drawn.wrap_nonce);
        bytes.extend_from_slice(&wrapped_key);
        bytes.extend_from_slice(&plaintext_length.to_be_bytes());
        let associated_data = [&self.binding, context.encoded()].concat();
        let start = bytes.len();
        bytes.extend_from_slice(plaintext);
        let payload = &mut bytes[start..];
        match self
            .cipher
            .seal(&drawn.data_key, &drawn.payload_nonce, &associated_data, payload)
        {
            Ok(tag) => bytes.extend_from_slice(&tag),
            Err(_) => {
                wipe(payload);
                return Err(SealError::TooLong);
            }
        }
        Ok(Sealed { bytes, version })
    }

    #[inline(never)]
    fn open_on_this_stack(
        &self,
        is_allowed: fn(KeyState) -> bool,
        context: &Context,
        bytes: &[u8],
    ) -> Result<SecretBytes, OpenError> {
        let envelope = self.parse(bytes)?;
        let data_key = self.unwrap_data_key(is_allowed, &envelope)?;
        let associated_data = [envelope.binding, context.encoded()].concat();
        let mut opened = SecretBytes::new(envelope.ciphertext.to_vec());
        envelope
            .cipher
            .open(
                &data_key,
                &envelope.payload_nonce,
                &associated_data,
                opened.as_mut_slice(),
                &envelope.tag,
            )
            .map_err(|_| OpenError::NotAuthentic)?;
        Ok(opened)
    }

    #[inline(never)]
    fn rewrap_on_this_stack(&self, randomness: &dyn Randomness, bytes: &[u8]) -> Result<Sealed, RewrapError> {
        let (version, wrapper) = self.versions.active()?;
        let envelope = self.parse(bytes)?;
        let data_key = self.unwrap_data_key(KeyState::may_open, &envelope)?;
        let wrap_nonce = random_array(randomness);
        let payload_length = envelope.ciphertext.len();
        let mut bytes = begin(envelope.binding, version, &envelope.payload_nonce, payload_length);
        let wrapped_key: [u8; WRAPPED_KEY_LENGTH] = wrapper
            .wrap(&wrap_nonce, &bytes, &data_key)
            .map_err(|_| SealError::TooLong)?;
        bytes.extend_from_slice(&wrap_nonce);
        bytes.extend_from_slice(&wrapped_key);
        bytes.extend_from_slice(envelope.payload);
        Ok(Sealed { bytes, version })
    }

    /// Reads an envelope of a cipher that this key has or had.
    fn parse<'a>(&self, bytes: &'a [u8]) -> Result<Envelope<'a>, OpenError> {
        Envelope::parse(bytes, |cipher| {
            cipher == self.cipher || self.opens_also.contains(&cipher)
        })
        .map_err(OpenError::Malformed)
    }

    fn unwrap_data_key(
        &self,
        is_allowed: fn(KeyState) -> bool,
        envelope: &Envelope<'_>,
    ) -> Result<KeyBytes, OpenError> {
        self.versions
            .named(envelope.key_id, envelope.version, is_allowed)?
            .unwrap(&envelope.wrap_nonce, envelope.header, &envelope.wrapped_key)
            .map_err(|_| OpenError::NotAuthentic)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Keyring")
            .field("key_id", self.key_id())
            .field("algorithm", &self.algorithm())
            .field("versions", &self.versions)
            .finish()
    }
}

/// What is random about an envelope: data key, payload nonce, wrap nonce, in this order.
struct Drawn {
    data_key: KeyBytes,
    payload_nonce: [u8; PAYLOAD_NONCE_LENGTH],
    wrap_nonce: [u8; XAES_NONCE_LENGTH],
}

impl Drawn {
    /// Drawn at once: asking the operating system costs more than what it gives.
    fn new(randomness: &dyn Randomness) -> Self {
        const LENGTH: usize = KEY_LENGTH + PAYLOAD_NONCE_LENGTH + XAES_NONCE_LENGTH;
        let mut bytes = Wiped::<LENGTH>::default();
        randomness.fill(&mut *bytes);
        let mut drawn = Self {
            data_key: KeyBytes::default(),
            payload_nonce: [0; PAYLOAD_NONCE_LENGTH],
            wrap_nonce: [0; XAES_NONCE_LENGTH],
        };
        let (data_key, nonces) = bytes.split_at(KEY_LENGTH);
        let (payload_nonce, wrap_nonce) = nonces.split_at(PAYLOAD_NONCE_LENGTH);
        drawn.data_key.copy_from_slice(data_key);
        drawn.payload_nonce.copy_from_slice(payload_nonce);
        drawn.wrap_nonce.copy_from_slice(wrap_nonce);
        drawn
    }
}
