//! A key in a PKCS#11 token (an HSM): it wraps and unwraps inside the token and never leaves it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use engine::ports::{RootError, RootOfTrust, RootWithRecord, WrapPlace};
use engine::seal::record::{RemoteRoot, RootRecord};
use keyring::{KeyMaterial, SecretBytes};
use tokio::sync::Mutex as TurnTaking;

use super::{other_than, randomness};
use crate::config::{Pkcs11Settings, SecretSource};

pub(super) const KIND: &str = "pkcs11";
/// The first byte of what we wrap: AES-256-GCM, a random 96-bit nonce, a 128-bit tag.
const FORM: u8 = 1;
const NONCE: usize = 12;
const TAG_BITS: u64 = 128;

/// A token and its key.
pub(super) struct Token {
    settings: Pkcs11Settings,
    /// One question at a time; the session stays open between them.
    session: Arc<TurnTaking<Connection>>,
}

#[derive(Default)]
struct Connection {
    open: Option<(Session, ObjectHandle, String)>,
    /// The token refused the PIN. Asking again would lock it, so nobody does until Rota is started anew.
    pin_refused: bool,
}

/// Whether a key that is not there is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Make,
    Refuse,
}

/// The root of these settings, as the record describes it.
pub(super) async fn open(
    settings: &Pkcs11Settings,
    record: &RootRecord,
) -> Result<Arc<dyn RootOfTrust>, RootError> {
    match record {
        RootRecord::Remote(stored) if stored.kind == KIND => {
            let token = Token::of(settings);
            let name = token
                .ask(Missing::Refuse, |_, _, name| Ok(name.to_owned()))
                .await?;
            if name != stored.name {
                return Err(other_than(record, &format!("{KIND} {name}")));
            }
            Ok(Arc::new(token))
        }
        other => Err(other_than(other, "a PKCS#11 token")),
    }
}

/// The root of these settings for a new database or a migration; a key that is not there is made inside the token.
pub(super) async fn first(settings: &Pkcs11Settings) -> Result<RootWithRecord, RootError> {
    let token = Token::of(settings);
    let name = token.ask(Missing::Make, |_, _, name| Ok(name.to_owned())).await?;
    let kind = KIND.to_owned();
    Ok((Arc::new(token), RootRecord::Remote(RemoteRoot { kind, name })))
}

impl Token {
    fn of(settings: &Pkcs11Settings) -> Self {
        type Connections = Mutex<HashMap<(PathBuf, String, String), Arc<TurnTaking<Connection>>>>;
        static CONNECTIONS: OnceLock<Connections> = OnceLock::new();
        let at = (
            settings.module.clone(),
            settings.token.clone(),
            settings.key.clone(),
        );
        let connections = CONNECTIONS.get_or_init(Connections::default);
        let mut connections = connections.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            settings: settings.clone(),
            session: Arc::clone(connections.entry(at).or_default()),
        }
    }

    /// Asks on a thread of its own, since a token blocks. A session that broke is opened anew, once.
    async fn ask<T: Send + 'static>(
        &self,
        missing: Missing,
        question: impl Fn(&Session, ObjectHandle, &str) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, RootError> {
        let mut connection = Arc::clone(&self.session).lock_owned().await;
        let settings = self.settings.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let is_reused = connection.open.is_some();
            let answer = ask_open(&mut connection, &settings, missing, &question);
            match answer {
                Err(RootError::Away(_)) if is_reused => {
                    connection.open = None;
                    ask_open(&mut connection, &settings, missing, &question)
                }
                answer => answer,
            }
        });
        asked.await.map_err(super::refused)?
    }
}

fn ask_open<T>(
    connection: &mut Connection,
    settings: &Pkcs11Settings,
    missing: Missing,
    question: &impl Fn(&Session, ObjectHandle, &str) -> Result<T, Error>,
) -> Result<T, RootError> {
    if connection.open.is_none() {
        connection.open = Some(connect(connection, settings, missing)?);
    }
    let Some((session, key, name)) = &connection.open else {
        return Err(RootError::Away("the token has no session".to_owned()));
    };
    question(session, *key, name).map_err(|error| {
        let error = told(&error);
        if matches!(error, RootError::Away(_)) {
            connection.open = None;
        }
        error
    })
}

fn connect(
    connection: &mut Connection,
    settings: &Pkcs11Settings,
    missing: Missing,
) -> Result<(Session, ObjectHandle, String), RootError> {
    if connection.pin_refused {
        let detail = "the token refused ROTA_PKCS11_PIN; it was not asked again, since that would lock it: mend the PIN \
                      and start Rota anew";
        return Err(RootError::Refused(detail.to_owned()));
    }
    let module = module(settings)?;
    let (slot, serial) = slot(&module, &settings.token).inspect_err(|_| unload(settings))?;
    let session = match missing {
        Missing::Make => module.open_rw_session(slot),
        Missing::Refuse => module.open_ro_session(slot),
    };
    let session = session.map_err(|error| told(&error))?;
    let pin = pin(&settings.pin)?;
    match session.login(UserType::User, Some(&pin)) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
        Err(error) => {
            connection.pin_refused = matches!(
                error,
                Error::Pkcs11(
                    RvError::PinIncorrect | RvError::PinLocked | RvError::PinInvalid,
                    _
                )
            );
            return Err(told(&error));
        }
    }
    let key = key(&session, &settings.key, missing)?;
    let name = format!("token {} (serial {serial}), key {}", settings.token, settings.key);
    Ok((session, key, name))
}

fn modules() -> MutexGuard<'static, HashMap<PathBuf, Pkcs11>> {
    static MODULES: OnceLock<Mutex<HashMap<PathBuf, Pkcs11>>> = OnceLock::new();
    MODULES
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// A module is loaded and initialised once for the whole process.
fn module(settings: &Pkcs11Settings) -> Result<Pkcs11, RootError> {
    let mut modules = modules();
    if let Some(module) = modules.get(&settings.module) {
        return Ok(module.clone());
    }
    let path = settings.module.display();
    let module = Pkcs11::new(&settings.module).map_err(|error| {
        RootError::Refused(format!(
            "the PKCS#11 module {path} (ROTA_PKCS11_MODULE) cannot be loaded: {error}"
        ))
    })?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => {
            return Err(RootError::Away(format!(
                "the PKCS#11 module {path} does not start: {error}"
            )));
        }
    }
    modules.insert(settings.module.clone(), module.clone());
    Ok(module)
}

/// Some modules look for tokens only when they start: the next question starts this one anew.
fn unload(settings: &Pkcs11Settings) {
    let unloaded = modules().remove(&settings.module);
    if let Some(Err(error)) = unloaded.map(Pkcs11::finalize) {
        tracing::debug!(error.cause = %error, "the PKCS#11 module did not stop");
    }
}

fn slot(module: &Pkcs11, label: &str) -> Result<(Slot, String), RootError> {
    for slot in module.get_slots_with_token().map_err(|error| told(&error))? {
        let Ok(token) = module.get_token_info(slot) else {
            continue;
        };
        if token.label().trim() == label {
            return Ok((slot, token.serial_number().trim().to_owned()));
        }
    }
    Err(RootError::Away(format!(
        "no token is labelled `{label}` (ROTA_PKCS11_TOKEN)"
    )))
}

fn pin(source: &SecretSource) -> Result<AuthPin, RootError> {
    let pin = source.read().map_err(super::refused)?;
    Ok(AuthPin::new(pin.expose_text().into()))
}

/// The AES key of this label, which must be one that the token never gives out.
fn key(session: &Session, label: &str, missing: Missing) -> Result<ObjectHandle, RootError> {
    let wanted = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::Token(true),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let found = session.find_objects(&wanted).map_err(|error| told(&error))?;
    let key = match (found.as_slice(), missing) {
        ([key], _) => *key,
        ([], Missing::Make) => make(session, label)?,
        ([], Missing::Refuse) => {
            return Err(RootError::Refused(format!(
                "the token holds no key labelled `{label}` (ROTA_PKCS11_KEY)"
            )));
        }
        (several, _) => {
            let detail = format!(
                "the token holds {} keys labelled `{label}`; leave one",
                several.len()
            );
            return Err(RootError::Refused(detail));
        }
    };
    let asked = [
        AttributeType::Extractable,
        AttributeType::Sensitive,
        AttributeType::KeyType,
    ];
    let attributes = session
        .get_attributes(key, &asked)
        .map_err(|error| told(&error))?;
    let is_kept = attributes.contains(&Attribute::Extractable(false))
        && attributes.contains(&Attribute::Sensitive(true));
    if !is_kept || !attributes.contains(&Attribute::KeyType(KeyType::AES)) {
        let detail = format!(
            "the key `{label}` must be an AES key that is sensitive and cannot be extracted; this one could leave the token"
        );
        return Err(RootError::Refused(detail));
    }
    Ok(key)
}

fn make(session: &Session, label: &str) -> Result<ObjectHandle, RootError> {
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(32.into()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    session
        .generate_key(&Mechanism::AesKeyGen, &template)
        .map_err(|error| told(&error))
}

/// What cannot be helped by waiting is a refusal; everything else may pass.
fn told(error: &Error) -> RootError {
    let detail = format!("the PKCS#11 token: {error}");
    match error {
        Error::Pkcs11(
            RvError::PinIncorrect
            | RvError::PinLocked
            | RvError::PinInvalid
            | RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::KeyFunctionNotPermitted
            | RvError::KeyTypeInconsistent
            | RvError::MechanismInvalid
            | RvError::MechanismParamInvalid,
            _,
        ) => RootError::Refused(detail),
        _ => RootError::Away(detail),
    }
}

fn associated_data(place: WrapPlace<'_>) -> Vec<u8> {
    format!("rota wrapping key 1 {}", place.label()).into_bytes()
}

#[async_trait]
impl RootOfTrust for Token {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn is_remote(&self) -> bool {
        true
    }

    async fn wrap(&self, place: WrapPlace<'_>, material: &KeyMaterial) -> Result<Vec<u8>, RootError> {
        let mut nonce = [0; NONCE];
        randomness().fill(&mut nonce);
        let (data, plain) = (
            associated_data(place),
            SecretBytes::new(material.expose_bytes().to_vec()),
        );
        let sealed = self.ask(Missing::Refuse, move |session, key, _| {
            let mut nonce = nonce;
            let parameters = GcmParams::new(&mut nonce, &data, TAG_BITS.into())?;
            session.encrypt(&Mechanism::AesGcm(parameters), key, plain.expose_bytes())
        });
        let sealed = sealed.await?;
        Ok([&[FORM][..], &nonce, &sealed].concat())
    }

    async fn unwrap(&self, place: WrapPlace<'_>, wrapped: &[u8]) -> Result<KeyMaterial, RootError> {
        let damaged = || {
            RootError::Refused(format!(
                "what is stored of {} was not wrapped by this token",
                place.label()
            ))
        };
        let (form, rest) = wrapped.split_first().ok_or_else(damaged)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(damaged)?;
        if *form != FORM {
            return Err(damaged());
        }
        let (data, nonce, sealed) = (associated_data(place), *nonce, sealed.to_vec());
        let opened = self.ask(Missing::Refuse, move |session, key, _| {
            let mut nonce = nonce;
            let parameters = GcmParams::new(&mut nonce, &data, TAG_BITS.into())?;
            session
                .decrypt(&Mechanism::AesGcm(parameters), key, &sealed)
                .map(SecretBytes::new)
        });
        KeyMaterial::import(&opened.await?).ok_or_else(damaged)
    }

    async fn check(&self) -> Result<(), RootError> {
        self.ask(Missing::Refuse, |session, key, _| {
            session.get_attributes(key, &[AttributeType::Label]).map(|_| ())
        })
        .await
    }
}
