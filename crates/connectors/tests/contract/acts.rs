//! What every connector must keep, whatever its kind: each act and each undo done twice.

use engine::ports::Material;
use engine::rotation::ErrorClass;

use crate::fixture::Fixture;

/// A version must be refused, for the credential and nothing else.
pub(crate) async fn assert_refused(fixture: &Fixture, version: &Material) {
    let refusal = fixture.verify(version).await.unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Authentication, "{refusal}");
}

/// `alternating` and `dual`: two versions are valid at once.
pub(crate) async fn keeps_the_contract_with_overlap(fixture: &Fixture) {
    let mut first = fixture.propose(1, None);
    for _ in 0..2 {
        fixture.issue(&mut first, None).await.unwrap();
        fixture.verify(&first).await.unwrap();
    }

    // Undo before the issuer ever heard of it. Such a version never comes back.
    let unheard = fixture.propose(2, Some(&first));
    assert!(unheard.identity.is_empty() || unheard.identity != first.identity);
    for _ in 0..2 {
        fixture.revoke(&unheard).await.unwrap();
    }
    fixture.verify(&first).await.unwrap();

    let mut second = fixture.propose(3, Some(&first));
    for _ in 0..2 {
        fixture.issue(&mut second, Some(&first)).await.unwrap();
        fixture.verify(&second).await.unwrap();
        fixture.verify(&first).await.unwrap();
    }
    let alive = fixture.confirm_refused(&second, &first).await.unwrap_err();
    assert!(!alive.class.is_transient(), "{alive}");

    // Rolled back.
    for _ in 0..2 {
        fixture.revoke(&second).await.unwrap();
        fixture.confirm_refused(&second, &first).await.unwrap();
        assert_refused(fixture, &second).await;
        fixture.verify(&first).await.unwrap();
    }

    // The failed version used a number up; the next one succeeds and the first retires.
    let third = fixture.issued(4, Some(&first)).await;
    fixture.verify(&third).await.unwrap();
    for _ in 0..2 {
        fixture.revoke(&first).await.unwrap();
        fixture.confirm_refused(&first, &third).await.unwrap();
        assert_refused(fixture, &first).await;
        fixture.verify(&third).await.unwrap();
    }

    // And on from there; a late undo of a version whose place was taken harms nobody.
    let fourth = fixture.issued(5, Some(&third)).await;
    fixture.revoke(&first).await.unwrap();
    fixture.revoke(&second).await.unwrap();
    fixture.verify(&third).await.unwrap();
    fixture.verify(&fourth).await.unwrap();
}

/// `in_place`: the new value replaces the old one, and the undo issues the old one again.
pub(crate) async fn keeps_the_contract_in_place(fixture: &Fixture, mut first: Material) {
    fixture.verify(&first).await.unwrap();
    let mut second = fixture.propose(2, Some(&first));
    assert_eq!(second.identity, first.identity);
    assert_refused(fixture, &second).await;
    for _ in 0..2 {
        fixture.issue(&mut second, Some(&first)).await.unwrap();
        fixture.verify(&second).await.unwrap();
        assert_refused(fixture, &first).await;
        fixture.revoke(&first).await.unwrap();
        fixture.confirm_refused(&first, &second).await.unwrap();
    }
    for _ in 0..2 {
        fixture.issue(&mut first, Some(&second)).await.unwrap();
        fixture.verify(&first).await.unwrap();
        fixture.revoke(&second).await.unwrap();
        fixture.confirm_refused(&second, &first).await.unwrap();
    }
}
