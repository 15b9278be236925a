//! The figures of each day.

use engine::Timestamp;
use engine::measure::Measure;
use engine::ports::MeasureStore;

use crate::fixture::Fixture;

crate::on_both! {
    a_measure_replaces_that_of_the_same_day_and_environment;
}

const DAY: i64 = 86_400_000_000;

fn measured(day: i64, environment: Option<&str>, credentials: u64) -> Measure {
    Measure {
        day: Timestamp::from_micros(day * DAY),
        environment: environment.map(|name| engine::Name::parse(name).unwrap()),
        credentials,
        credentials_automated: 0,
        services: 2,
        services_automated: 1,
        mean_age_seconds: None,
        green: 1,
        yellow: 0,
        red: 0,
        completed: 3,
        rolled_back: 1,
        incidents: 0,
        sandbox_only: false,
    }
}

async fn a_measure_replaces_that_of_the_same_day_and_environment(fixture: Fixture) {
    let store = &fixture.store;
    store.put_measures(&[]).await.unwrap();
    let first = [
        measured(2, None, 5),
        measured(2, Some("staging"), 4),
        measured(1, None, 3),
    ];
    store.put_measures(&first).await.unwrap();
    store.put_measures(&[measured(2, None, 6)]).await.unwrap();
    let stored = store.measures(Timestamp::from_micros(DAY)).await.unwrap();
    assert_eq!(
        stored,
        [
            measured(1, None, 3),
            measured(2, None, 6),
            measured(2, Some("staging"), 4),
        ]
    );
    let since = store.measures(Timestamp::from_micros(2 * DAY)).await.unwrap();
    assert_eq!(since.len(), 2, "days before are left out");
}
