//! Migrations of the root: taken back, cut anywhere, followed by other replicas.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use engine::Refusal;
use engine::audit::AuditVerification;
use engine::ports::CatalogStore;
use engine::seal::{Hierarchy, MigrationTarget, UnlockError};

use crate::house::{House, administrator, code, open, pointers};
use crate::roots::{FILE, Files, fresh, migration_of, move_to_shares, operator, share_of, start};
use crate::seal::{password_at, put};

#[tokio::test]
async fn shares_are_reissued_by_a_quorum_and_only_those_who_gave_one_may_cancel() {
    let house = fresh(FILE).await;
    let at = put(&house, "hunter2").await;
    let old = move_to_shares(&house).await;
    let services = &house.services;
    let target = MigrationTarget::Shares {
        threshold: 2,
        shares: 2,
    };
    // Begun without a share, it keeps nobody from beginning another.
    for _ in 0..2 {
        assert!(
            services
                .begin_root_migration(&administrator(), target.clone(), "Cleo left")
                .await
                .unwrap()
                .is_empty()
        );
    }
    let (id, step) = migration_of(&house).await;
    assert_eq!(step, None);
    services
        .give_migration_share(&operator("ben"), &id, &old[0])
        .await
        .unwrap();
    let again = services
        .begin_root_migration(&administrator(), target.clone(), "mine")
        .await;
    assert_eq!(code(again), "root_migration");
    for outsider in [administrator(), operator("eve")] {
        let refused = services.cancel_root_migration(&outsider, &id, "no").await;
        assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{refused:?}");
    }
    let other_id = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert_eq!(
        code(
            services
                .give_migration_share(&operator("cleo"), other_id, &old[1])
                .await
        ),
        "no_migration"
    );
    let new = services
        .give_migration_share(&operator("cleo"), &id, &old[1])
        .await
        .unwrap();
    assert_eq!(new.len(), 2, "the quorum is there: the new shares are given out");
    for outsider in [administrator(), operator("eve")] {
        let refused = services.cancel_root_migration(&outsider, &id, "no").await;
        assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{refused:?}");
    }
    assert_eq!(
        code(services.finalise_root_migration(&administrator(), &id).await),
        "not_verified"
    );
    assert_eq!(
        code(services.verify_root_migration(&administrator(), &id).await),
        "shares_needed"
    );
    assert_eq!(
        pointers(
            services
                .give_migration_share(&operator("ben"), &id, &old[0])
                .await
        ),
        ["/share"]
    );
    services
        .give_migration_share(&operator("ben"), &id, &new[0])
        .await
        .unwrap();
    services
        .give_migration_share(&operator("dora"), &id, &new[1])
        .await
        .unwrap();
    services
        .finalise_root_migration(&administrator(), &id)
        .await
        .unwrap();

    let (house, _) = start(&house.database, FILE).await;
    assert_eq!(
        pointers(house.services.unseal(&operator("ben"), share_of(&old, 0)).await),
        ["/share"]
    );
    house
        .services
        .unseal(&operator("ben"), share_of(&new, 0))
        .await
        .unwrap();
    house
        .services
        .unseal(&operator("dora"), share_of(&new, 1))
        .await
        .unwrap();
    assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");
}

#[tokio::test]
async fn a_participant_may_cancel_and_everything_stays_under_the_old_root() {
    let house = fresh(FILE).await;
    let at = put(&house, "hunter2").await;
    let old = move_to_shares(&house).await;
    let services = &house.services;
    let target = MigrationTarget::Shares {
        threshold: 2,
        shares: 2,
    };
    services
        .begin_root_migration(&administrator(), target, "mistake")
        .await
        .unwrap();
    let (id, _) = migration_of(&house).await;
    for (name, share) in ["ben", "cleo"].iter().zip(&old) {
        services
            .give_migration_share(&operator(name), &id, share)
            .await
            .unwrap();
    }
    let refused = services
        .rotate_wrapping_key(&administrator(), Hierarchy::Store, "now")
        .await;
    assert_eq!(code(refused), "root_migration");
    services
        .cancel_root_migration(&operator("ben"), &id, "mistake")
        .await
        .unwrap();
    services
        .rotate_wrapping_key(&administrator(), Hierarchy::Store, "now")
        .await
        .unwrap();
    let (house, _) = start(&house.database, FILE).await;
    house
        .services
        .unseal(&operator("ben"), share_of(&old, 2))
        .await
        .unwrap();
    house
        .services
        .unseal(&operator("cleo"), share_of(&old, 1))
        .await
        .unwrap();
    assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");
}

/// Polls so many times and then drops it, as a kill would: what was sent may or may not have happened.
async fn cut<T>(polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut left) = (pin!(work), polls);
    poll_fn(|context| {
        left -= 1;
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Cut at every point where prepare, verify or finalise waits for the store, each time from the beginning. While it is
/// under way the server starts under either root, and at no point under neither.
#[tokio::test]
async fn a_migration_of_the_root_may_be_cut_anywhere() {
    let both = Files {
        current: 7,
        next: Some(8),
    };
    let (old_only, new_only) = (
        FILE,
        Files {
            current: 8,
            next: None,
        },
    );
    let mut cuts = 0;
    for polls in 1.. {
        let house = fresh(both).await;
        let path = house.folder.path().join("rota.db");
        let at = put(&house, "hunter2").await;
        let done = cut(polls, migrate(&house)).await;
        let is_done = done.is_some();
        if let Some(result) = done {
            result.unwrap();
        }
        cuts += 1;
        // The process ends: what it had sent is written, and the next one reads through connections of its own.
        house.database.close().await;
        let database = open(path).await;
        let (seen, _) = start(&database, both).await;
        let status = seen.services.root_status(&administrator()).await.unwrap();
        let mut refused = Vec::new();
        for roots in [both, old_only, new_only] {
            let (house, opened) = start(&database, roots).await;
            match opened {
                Ok(()) => {
                    let password = password_at(&house, &at).await.unwrap();
                    assert_eq!(password, "hunter2", "{polls} polls");
                }
                Err(error) => refused.push((roots.current, error.to_string())),
            }
        }
        match status.migration.map(|migration| migration.step) {
            Some(step) => assert!(
                refused.is_empty(),
                "{step:?}: under either root, after {polls} polls; {refused:?}"
            ),
            // Not prepared yet: under the old one. Finalised: under the new one.
            None => assert_eq!(refused.len(), 1, "after {polls} polls: {refused:?}"),
        }
        if is_done {
            assert_eq!(refused[0].0, old_only.current, "{refused:?}");
            assert!(matches!(
                start(&database, old_only).await.1,
                Err(UnlockError::WrongRootKey(_))
            ));
            let (house, _) = start(&database, new_only).await;
            let found = house.services.verify_audit(&administrator(), None).await.unwrap();
            assert!(matches!(found, AuditVerification::Whole { .. }));
            break;
        }
    }
    assert!(cuts > 8, "it was cut at several points, not at {cuts}");
}

/// From the root in use to the one configured as the next, all the way.
async fn migrate(house: &House) -> Result<(), Refusal> {
    let (services, actor) = (&house.services, administrator());
    services
        .begin_root_migration(&actor, MigrationTarget::Configured, "yearly")
        .await?;
    let (id, _) = migration_of(house).await;
    services.verify_root_migration(&actor, &id).await?;
    services.finalise_root_migration(&actor, &id).await
}

#[tokio::test]
async fn another_replica_follows_a_migration_and_never_wraps_by_the_root_that_was_left() {
    let both = Files {
        current: 7,
        next: Some(8),
    };
    let house = fresh(both).await;
    let at = put(&house, "hunter2").await;
    let (follower, opened) = start(&house.database, both).await;
    opened.unwrap();
    let (left_behind, opened) = start(&house.database, FILE).await;
    opened.unwrap();
    let services = &house.services;
    services
        .begin_root_migration(&administrator(), MigrationTarget::Configured, "yearly")
        .await
        .unwrap();
    let (id, _) = migration_of(&house).await;
    services
        .verify_root_migration(&administrator(), &id)
        .await
        .unwrap();
    services
        .finalise_root_migration(&administrator(), &id)
        .await
        .unwrap();
    follower.services.tend_wrapping_keys().await.unwrap();
    follower
        .services
        .rotate_wrapping_key(&administrator(), Hierarchy::Store, "after")
        .await
        .unwrap();
    // One without the new root goes on with what is in memory until the keys differ, and adds nothing.
    let refused = left_behind
        .services
        .rotate_wrapping_key(&administrator(), Hierarchy::Store, "mine")
        .await;
    assert!(refused.is_err());
    let (again, opened) = start(&house.database, both).await;
    opened.unwrap();
    for house in [&house, &follower, &again] {
        assert_eq!(password_at(house, &at).await.unwrap(), "hunter2");
    }
    assert_eq!(again.services.sealer.active().unwrap().version, 2);
    assert!(again.database.sealed(&at).await.unwrap().is_some());
}
