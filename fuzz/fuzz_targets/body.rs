//! Bodies of every route that takes one: whatever comes is read or refused, nothing panics, and what is read means the
//! same when it is written down and read again.
#![no_main]

use std::sync::LazyLock;

use api::body::{BodyError, parse};
use api::consumer::UpdateConsumer;
use api::credential::UpdateCredential;
use api::issuer::UpdateIssuer;
use api::key::{
    CreateKey, DataKeyRequest, DecryptRequest, EncryptRequest, ExportKey, ForbidAlgorithms, ImportKey, PlanDestruction,
    RewrapRequest, RotateKey, SignRequest, UpdateKey, UpdateKeyVersion, VerifyRequest,
};
use api::reencryption::{
    CreateTarget, Reason, RegisterApplicationBackup, ScanTarget, StartReencryption, TuneReencryption, UpdateTarget,
};
use api::root::{BeginMigration, GiveShare, MigrationCommand, Seal, Unseal};
use api::rotation::CommandRequest;
use api::token::{CreateConsumerToken, CreateToken};
use api::{Ack, CreateConsumer, CreateCredential, CreateFreeze, CreateIssuer, SignalBatch, StartRotation, account};
use engine::key::{KeyUpdate, NewKey};
use engine::reencryption::service::{TargetUpdate, TuningUpdate};
use fuzz::damaged;
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A body's form: something that is understood, and what is done with bytes.
struct Form {
    good: &'static str,
    read: fn(&[u8]) -> bool,
}

fn form<T: DeserializeOwned + Serialize>(good: &'static str) -> Form {
    Form { good, read: |bytes| read::<T, ()>(bytes, |_| ()) }
}

/// The same with what the engine is given then.
fn form_for<T: DeserializeOwned + Serialize + Into<Given>, Given>(good: &'static str) -> Form {
    Form { good, read: |bytes| read::<T, Given>(bytes, Into::into) }
}

fn read<T: DeserializeOwned + Serialize, Given>(bytes: &[u8], give: impl Fn(T) -> Given) -> bool {
    match parse::<T>(bytes) {
        Ok(body) => {
            let written = serde_json::to_vec(&body).expect("what was read can be written");
            let again = parse::<T>(&written).expect("what was written can be read");
            let twice = serde_json::to_vec(&again).expect("what was read can be written");
            assert_eq!(twice, written);
            give(body);
            true
        }
        Err(BodyError::Unexpected { pointer, .. }) => {
            assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer}");
            false
        }
        Err(BodyError::NotJson { .. } | BodyError::NotAnObject) => false,
    }
}

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let forms = vec![
        form::<EncryptRequest>(r#"{"plaintext":"QQ==","context":"orders/7"}"#),
        form::<EncryptRequest>(r#"{"batch":[{"plaintext":"QQ==","context":"a"},{"plaintext":""}]}"#),
        form::<DecryptRequest>(r#"{"ciphertext":"UktFAQ==","context":"orders/7"}"#),
        form::<DecryptRequest>(r#"{"batch":[{"ciphertext":"UktFAQ=="},{"ciphertext":"","context":null}]}"#),
        form::<RewrapRequest>(r#"{"ciphertext":"UktFAQ=="}"#),
        form::<RewrapRequest>(r#"{"batch":[{"ciphertext":"UktFAQ=="}]}"#),
        form::<DataKeyRequest>(r#"{"context":"a","wrapped_only":true,"batch":[{"wrapped_only":false}]}"#),
        form::<SignRequest>(r#"{"message":"QQ==","batch":[{"message":"QQ=="}]}"#),
        form::<VerifyRequest>(r#"{"message":"QQ==","signature":"QQ==","hmac":"QQ==","batch":[{"message":""}]}"#),
        form_for::<CreateKey, NewKey>(
            r#"{"name":"orders","algorithm":"aes256-gcm","tags":{"a":"b"},"rotate_every":"P90D","grace":"P7D",
                "max_uses":2147483648,"exportable":false,"callers":["orders"],"sensitivity":"high"}"#,
        ),
        form_for::<UpdateKey, KeyUpdate>(
            r#"{"rotate_every":null,"grace":"PT1S","minimum_decryption_version":2,"tags":{}}"#,
        ),
        form::<RotateKey>(r#"{"reason":"a","confirm":true}"#),
        form::<UpdateKeyVersion>(r#"{"state":"suspended","reason":"a"}"#),
        form::<PlanDestruction>(r#"{"reason":"a","at":"2026-11-21T12:00:00.000001Z"}"#),
        form::<ForbidAlgorithms>(r#"{"forbidden":["ed25519","chacha20-poly1305"],"reason":"a"}"#),
        form::<ImportKey>(r#"{"key":{"name":"a","algorithm":"hmac-sha256"},"wrapped":"QQ=="}"#),
        form::<ExportKey>(r#"{"public_key":"QQ==","reason":"a","version":1}"#),
        form::<CreateTarget>(
            r#"{"name":"a","kind":"sqlite","key":"k","config":{"file":"/a"},"encoding":"base64","context":"{id}"}"#,
        ),
        form_for::<UpdateTarget, TargetUpdate>(r#"{"config":{"a":[1,null,{}]},"require_shadow":true}"#),
        form::<ScanTarget>(r#"{"reason":"a","tuning":{"rate":0,"batch_size":1}}"#),
        form::<StartReencryption>(r#"{"target":"a","mode":"rewrap","from":1,"reason":"a","tuning":{}}"#),
        form_for::<TuneReencryption, TuningUpdate>(
            r#"{"batch_size":1,"concurrency":2,"rate":0,"breaker_percent":5.0,"breaker_least":100}"#,
        ),
        form::<Reason>(r#"{"reason":"a"}"#),
        form::<RegisterApplicationBackup>(
            r#"{"name":"a","kind":"backup","target":"t","versions":[1],"taken_at":"2026-11-21T12:00:00Z"}"#,
        ),
        form::<CreateCredential>(
            r#"{"name":"a","kind":"api_key","issuer":"i","purpose":"p","sensitivity":"low","environment":"test",
                "strategy":"dual","config":{},"consumers":["c"],"policy":{"max_age":"P30D","waves":[10,100]}}"#,
        ),
        form::<UpdateCredential>(r#"{"owner_team":"a","consumers":["c"],"config":{}}"#),
        form::<CreateIssuer>(
            r#"{"name":"i","kind":"k","environment":"test","config":{"port":5432},"admin":{"password":"hunter2"}}"#,
        ),
        form::<UpdateIssuer>(r#"{"admin":{"password":"hunter2"},"config":{}}"#),
        form::<CreateConsumer>(r#"{"name":"c","service":"s","environment":"test"}"#),
        form::<UpdateConsumer>(r#"{"service":"s","labels":{"a":"b"}}"#),
        form::<CreateConsumerToken>(r#"{"expires_after":"PT1H"}"#),
        form::<CreateToken>(r#"{"name":"a","role":"viewer"}"#),
        form::<account::CreateAccount>(r#"{"name":"ada","role":"administrator"}"#),
        form::<account::UpdateAccount>(r#"{"role":"viewer","password":"hunter2","disabled":true}"#),
        form::<CreateFreeze>(r#"{"environment":"test","reason":"a"}"#),
        form::<StartRotation>(r#"{"reason":"a","emergency":true}"#),
        form::<CommandRequest>(r#"{"reason":"a","outcome":"issued"}"#),
        form::<Ack>(r#"{"version":1,"status":"loaded"}"#),
        form::<SignalBatch>(r#"{"signals":[{"credential":"a","version":1,"status":401,"count":3}]}"#),
        form::<Seal>(r#"{"reason":"a"}"#),
        form::<Unseal>(r#"{"share":"a","passphrase":"b"}"#),
        form::<BeginMigration>(r#"{"to":"next","threshold":2,"shares":3,"reason":"a"}"#),
        form::<GiveShare>(r#"{"share":"a"}"#),
        form::<MigrationCommand>(r#"{"reason":"a"}"#),
    ];
    for form in &forms {
        assert!((form.read)(form.good.as_bytes()), "{} is not understood", form.good);
    }
    forms
});

fuzz_target!(|input: &[u8]| {
    let Some((which, input)) = input.split_first() else { return };
    let form = &FORMS[usize::from(*which) % FORMS.len()];
    (form.read)(&damaged(form.good.as_bytes(), input));
});
