//! The order of the acts on the one password of `in_place`, kept at the server.

use engine::catalog::VersionNumber;
use engine::ports::{ConnectorError, Material};
use engine::rotation::ErrorClass;

use super::session::{Session, column};
use super::sql::{identifier, literal};

/// The order of the acts on the one password of `in_place`, kept as the last line of the role's comment: a driver that
/// was held up past its lease and comes late with an older act is refused by the server. (A setting of the role would
/// take a superuser.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Generation(i64);

/// Begins the line. What people wrote before it stays.
const MARK: &str = "password managed by rota, act ";

impl Generation {
    /// Issuing version n comes after everything about earlier versions; undoing it comes after that.
    pub(super) fn of(candidate: &Material, current: Option<&Material>) -> Self {
        let other = current.map_or(VersionNumber(0), |version| version.number);
        let newest = candidate.number.max(other);
        let is_undo = i64::from(other > candidate.number);
        Self(i64::from(newest.0).saturating_mul(2).saturating_add(is_undo))
    }

    /// Refuses an act that is older than one already carried out, and leaves the mark of this one.
    pub(super) async fn claim(self, session: &mut Session, login: &str) -> Result<(), ConnectorError> {
        let rows = session
            .rows(
                "select coalesce(shobj_description(oid, 'pg_authid'), '') as comment
                 from pg_roles where rolname::text = $1",
                &[login],
            )
            .await?;
        let comment: String = rows
            .first()
            .map_or(Ok(String::new()), |row| column(row, "comment"))?;
        let (words, last) = split(&comment);
        if last.is_some_and(|last| last > self) {
            return Err(ConnectorError::new(
                ErrorClass::Conflict,
                format!(
                    "the password of `{login}` was changed by a later act of Rota, so this one comes too late and is \
                     not carried out"
                ),
            ));
        }
        let marked = if words.is_empty() {
            format!("{MARK}{}", self.0)
        } else {
            format!("{words}\n{MARK}{}", self.0)
        };
        session
            .run(&format!(
                "comment on role {} is {}",
                identifier(login),
                literal(&marked)
            ))
            .await
    }
}

/// What people wrote, and the mark below it.
fn split(comment: &str) -> (&str, Option<Generation>) {
    let (words, last_line) = comment.rsplit_once('\n').unwrap_or(("", comment));
    let mark = last_line
        .strip_prefix(MARK)
        .and_then(|number| number.parse().ok());
    match mark {
        Some(number) => (words, Some(Generation(number))),
        None => (comment, None),
    }
}

#[cfg(test)]
mod tests {
    use engine::ports::Values;

    use super::*;

    fn version(number: u32) -> Material {
        Material {
            number: VersionNumber(number),
            identity: String::new(),
            values: Values::new(),
        }
    }

    #[test]
    fn an_undo_comes_after_its_act_and_before_the_next_version() {
        let issue = Generation::of(&version(2), Some(&version(1)));
        let undo = Generation::of(&version(1), Some(&version(2)));
        let next = Generation::of(&version(3), Some(&version(1)));
        assert!(Generation::of(&version(1), None) < issue && issue < undo && undo < next);
    }

    #[test]
    fn what_people_wrote_stays() {
        let mark = format!("{MARK}7");
        assert_eq!(split(""), ("", None));
        assert_eq!(split(&mark), ("", Some(Generation(7))));
        assert_eq!(split("orders\nowner: ann"), ("orders\nowner: ann", None));
        let both = format!("orders\nowner: ann\n{mark}");
        assert_eq!(split(&both), ("orders\nowner: ann", Some(Generation(7))));
    }
}
