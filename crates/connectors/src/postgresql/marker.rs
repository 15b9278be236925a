//! The ownership marker: a comment on every login that Rota made, naming the credential and the version it holds, or
//! the version that was last revoked there. The second is a fence: a driver that was held up past its lease and comes
//! late with that version, or an older one, is refused by the server itself.

use engine::catalog::VersionNumber;
use engine::id::CredentialId;

/// What stands in the comment of a login role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// Made by Rota for this credential; holds this version.
    Ours(VersionNumber),
    /// Made by Rota for this credential; this version was revoked and nothing came after it.
    Revoked(VersionNumber),
    /// Made by Rota for another credential.
    Other(String),
    /// Not made by Rota.
    Absent,
}

const PREFIX: &str = "managed by rota: credential ";
const REVOKED: &str = ", revoked";

/// The comment that says so.
pub(super) fn comment(credential: &CredentialId, version: VersionNumber) -> String {
    format!("{PREFIX}{credential}, version {version}")
}

/// The comment that says that this version was revoked.
pub(super) fn revoked_comment(credential: &CredentialId, version: VersionNumber) -> String {
    format!("{}{REVOKED}", comment(credential, version))
}

/// Reads a comment.
pub(super) fn read(comment: Option<&str>, credential: &CredentialId) -> Marker {
    let Some((owner, version)) = comment
        .and_then(|comment| comment.strip_prefix(PREFIX))
        .and_then(|marker| marker.split_once(", version "))
    else {
        return Marker::Absent;
    };
    let (version, is_revoked) = match version.strip_suffix(REVOKED) {
        Some(version) => (version, true),
        None => (version, false),
    };
    match version.parse() {
        Ok(number) if owner == credential.as_str() && is_revoked => Marker::Revoked(VersionNumber(number)),
        Ok(number) if owner == credential.as_str() => Marker::Ours(VersionNumber(number)),
        Ok(_) => Marker::Other(owner.to_owned()),
        Err(_) => Marker::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_back() {
        let ours = CredentialId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let other = CredentialId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap();
        let text = comment(&ours, VersionNumber(7));
        assert_eq!(read(Some(&text), &ours), Marker::Ours(VersionNumber(7)));
        assert_eq!(read(Some(&text), &other), Marker::Other(ours.to_string()));
        let text = revoked_comment(&ours, VersionNumber(7));
        assert_eq!(read(Some(&text), &ours), Marker::Revoked(VersionNumber(7)));
        assert_eq!(read(Some(&text), &other), Marker::Other(ours.to_string()));
        for foreign in [
            None,
            Some(""),
            Some("the orders app"),
            Some("managed by rota: credential x, version y"),
        ] {
            assert_eq!(read(foreign, &ours), Marker::Absent);
        }
    }
}
