//! One change inside a transaction: the fence, then its writes in their order.

use engine::{Change, CommitError, Write};
use sqlx::AnyConnection;

use crate::dialect::Backend;
use crate::failure::WriteError;
use crate::{
    account, backup_record, census, consumer, credential, freeze, instance, issuer, job, key, rehearsal,
    rotation, secret, setting, sign_in_link, target, token, version,
};

/// Whether a change with this write must carry an audit entry (invariant 5).
///
/// What people and programs own always does: catalog, versions, sealed values, freezes, accounts, tokens, links and
/// the start of a rotation. The driver's own bookkeeping does not by itself: the rotation's log is its record, and
/// the engine adds an entry when a state moves (the store cannot tell a move from a retry). What an instance was
/// handed is audited by the service when it is first handed a version.
fn needs_audit(write: &Write) -> bool {
    match write {
        Write::InsertIssuer(_)
        | Write::UpdateIssuer(_)
        | Write::DeleteIssuer(_)
        | Write::InsertConsumer(_)
        | Write::UpdateConsumer(_)
        | Write::DeleteConsumer(_)
        | Write::InsertCredential(_)
        | Write::UpdateCredential(_)
        | Write::DeleteCredential(_)
        | Write::PutVersion(_)
        | Write::PutSecret { .. }
        | Write::ShredSecret { .. }
        | Write::InsertRotation(_)
        | Write::InsertKey(_)
        | Write::UpdateKey(_)
        | Write::DeleteKey(_)
        | Write::PutKeyVersion(_)
        | Write::InsertFreeze(_)
        | Write::UpdateFreeze(_)
        | Write::InsertAccount(_)
        | Write::UpdateAccount(_)
        | Write::InsertToken(_)
        | Write::UpdateToken(_)
        | Write::InsertSignInLink(_)
        | Write::UpdateSignInLink(_)
        | Write::InsertBackup(_)
        | Write::InsertTarget(_)
        | Write::UpdateTarget(_)
        | Write::DeleteTarget(_)
        | Write::InsertJob(_)
        | Write::InsertApplicationBackup(_)
        | Write::DeleteApplicationBackup(_)
        | Write::InsertRehearsal(_)
        | Write::UpdateRehearsal(_) => true,
        Write::UpdateRotation(_)
        | Write::AppendRecord { .. }
        | Write::ExpectRotation { .. }
        | Write::PutInstance(_)
        | Write::PutSetting { .. }
        | Write::InsertSetting { .. }
        | Write::UpdateJob(_)
        | Write::ReplaceRanges { .. }
        | Write::AdvanceRange { .. }
        | Write::PutCensus(_)
        | Write::ReplaceSetting { .. } => false,
    }
}

/// No audit entry, no change.
pub(crate) fn check_audited(change: &Change) -> Result<(), CommitError> {
    if change.audit.is_empty() && change.writes.iter().any(needs_audit) {
        Err(CommitError::Unaudited)
    } else {
        Ok(())
    }
}

/// Carries out one change. Its audit entries are the caller's, who appends those of all changes last.
pub(crate) async fn apply(
    connection: &mut AnyConnection,
    backend: Backend,
    change: &Change,
) -> Result<(), WriteError> {
    if let Some(fence) = &change.fence {
        rotation::check_fence(&mut *connection, backend, fence).await?;
    }
    for write in &change.writes {
        apply_write(&mut *connection, backend, write).await?;
    }
    Ok(())
}

async fn apply_write(
    connection: &mut AnyConnection,
    backend: Backend,
    write: &Write,
) -> Result<(), WriteError> {
    match write {
        Write::InsertIssuer(issuer) => issuer::insert(connection, issuer).await,
        Write::UpdateIssuer(issuer) => issuer::update(connection, issuer).await,
        Write::DeleteIssuer(issuer) => issuer::delete(connection, issuer).await,
        Write::InsertConsumer(consumer) => consumer::insert(connection, consumer).await,
        Write::UpdateConsumer(consumer) => consumer::update(connection, consumer).await,
        Write::DeleteConsumer(consumer) => consumer::delete(connection, consumer).await,
        Write::InsertCredential(credential) => credential::insert(connection, credential).await,
        Write::UpdateCredential(credential) => credential::update(connection, credential).await,
        Write::DeleteCredential(credential) => delete_credential(connection, credential).await,
        Write::PutVersion(version) => version::put(connection, version).await,
        Write::PutSecret { at, sealed } => secret::put(connection, at, sealed).await,
        Write::ShredSecret { at } => secret::shred(connection, at).await,
        Write::InsertRotation(rotation) => {
            credential::expect_present(&mut *connection, backend, &rotation.credential).await?;
            rotation::insert(connection, rotation).await
        }
        Write::UpdateRotation(rotation) => rotation::update(connection, rotation).await,
        Write::AppendRecord { rotation, at, event } => {
            rotation::append_record(connection, rotation, *at, event).await
        }
        Write::ExpectRotation { rotation, revision } => {
            rotation::expect_revision(connection, backend, rotation, *revision).await
        }
        Write::PutInstance(instance) => instance::put(connection, instance).await,
        Write::InsertKey(found) => key::insert(connection, found).await,
        Write::UpdateKey(found) => key::update(connection, found).await,
        Write::DeleteKey(found) => key::delete(connection, found).await,
        Write::PutKeyVersion(version) => key::put_version(connection, version).await,
        Write::InsertFreeze(freeze) => freeze::insert(connection, freeze).await,
        Write::UpdateFreeze(freeze) => freeze::update(connection, freeze).await,
        Write::InsertAccount(account) => account::insert(connection, account).await,
        Write::UpdateAccount(account) => account::update(connection, account).await,
        Write::InsertToken(token) => token::insert(connection, token).await,
        Write::UpdateToken(token) => token::update(connection, token).await,
        Write::InsertSignInLink(link) => sign_in_link::insert(connection, link).await,
        Write::UpdateSignInLink(link) => sign_in_link::update(connection, link).await,
        Write::InsertBackup(backup) => backup_record::insert(connection, backup).await,
        Write::InsertRehearsal(rehearsal) => rehearsal::insert(connection, rehearsal).await,
        Write::UpdateRehearsal(rehearsal) => rehearsal::update(connection, rehearsal).await,
        Write::PutSetting { key, value } => setting::put(connection, key, value).await,
        Write::ReplaceSetting { key, before, after } => {
            setting::replace(connection, key, before, after).await
        }
        Write::InsertSetting { key, value } => setting::insert(connection, key, value).await,
        Write::InsertTarget(target) => target::insert(connection, target).await,
        Write::UpdateTarget(target) => target::update(connection, target).await,
        Write::DeleteTarget(target) => target::delete(connection, target).await,
        Write::InsertJob(job) => job::insert(connection, job).await,
        Write::UpdateJob(job) => job::update(connection, job).await,
        Write::ReplaceRanges { job, ranges } => job::replace_ranges(connection, job, ranges).await,
        Write::AdvanceRange { range, token } => job::advance_range(connection, range, *token).await,
        Write::PutCensus(census) => census::put(connection, census).await,
        Write::InsertApplicationBackup(backup) => target::insert_backup(connection, backup).await,
        Write::DeleteApplicationBackup(backup) => target::delete_backup(connection, backup).await,
    }
}

/// With its versions, their sealed values and its instances. The rotation is looked for last: whoever starts one
/// holds the credential's row, so either it is there by now, or it finds the credential gone.
async fn delete_credential(
    connection: &mut AnyConnection,
    credential: &engine::catalog::Credential,
) -> Result<(), WriteError> {
    instance::delete_of(&mut *connection, &credential.id).await?;
    version::delete_of(&mut *connection, &credential.id).await?;
    secret::shred_versions_of(&mut *connection, &credential.id).await?;
    credential::delete(&mut *connection, credential).await?;
    match rotation::id_in_flight(connection, &credential.id).await? {
        Some(rotation) => Err(CommitError::RotationInProgress(rotation).into()),
        None => Ok(()),
    }
}
